"""Binding a parsed condition to a table: columns exist, sorts fit, literals become values of their column."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from locum.control.where.functions import FUNCTIONS, WORDS
from locum.control.where.names import Names, Sort, sort_of
from locum.control.where.parse import parse
from locum.control.where.token import fault
from locum.control.where.tree import ABOUT_TABLE, ARITHMETIC, COMPARISONS, MIRRORED, Node
from locum.errors import DataError, SchemaError, UsageError
from locum.schema.column import Column
from locum.schema.offsets import zone_of

_WORDS: dict[str, str] = {
    "number": "a number",
    "label": "a label",
    "truth": "true or false",
    "moment": "a date",
    "span": "a span of time",
    "made": "a value that is made afresh",
}


#: What comes of calculating with times, by operation and what it works on.
_ARITHMETIC_SORTS: dict[tuple[str, ...], Sort] = {
    ("neg", "span"): "span",
    ("-", "moment", "moment"): "span",
    ("+", "moment", "span"): "moment",
    ("-", "moment", "span"): "moment",
    ("+", "span", "moment"): "moment",
    ("+", "span", "span"): "span",
    ("-", "span", "span"): "span",
    ("*", "span", "number"): "span",
    ("/", "span", "number"): "span",
    ("/", "span", "span"): "number",
}


@dataclass(frozen=True, slots=True)
class Term:
    """A bound part of a condition.

    Attributes
    ----------
    node
        What was parsed; `Node.op` and `Node.value` (literals: the value in the units of the column, moments
        and spans in microseconds, labels as text).
    sort
        What it gives.
    args
        Bound operands.
    slack
        For ``=`` and ``!=`` of computed numbers: how far apart two equal numbers may be; as ``within`` says,
        else half a unit of the last decimal of the column that is calculated.
    zone
        Of a function of moments: the time zone in which their parts are read, empty for UTC.
    """

    node: Node
    sort: Sort
    args: tuple[Term, ...] = ()
    slack: float = 0.0
    zone: str = ""

    @property
    def op(self) -> str:
        """What is done; see `Node.op`."""
        return self.node.op

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns in it, in order of appearance."""
        return self.node.columns


def bind(text: str, names: Names, *, strict: bool = True) -> Term:
    """Parse a condition and bind it to a table.

    Parameters
    ----------
    text
        The condition; see `locum.control.where.parse.parse`.
    names
        The table.
    strict
        Whether a level that rows cannot have is refused (a condition) or never equal to anything (a rule).

    Raises
    ------
    UsageError
        For an unknown column or level, sorts that do not fit together, and texts that are no condition; each
        with its place and the nearest thing that would do.
    """
    binder = _Binder(text, names, strict)
    term = binder.bind(parse(text, names.schema.names))
    if term.sort != "truth":
        raise fault(
            text,
            term.node.start,
            term.node.stop,
            f"this is {_WORDS[term.sort]}, not a condition",
            "compare it with something",
        )
    return term


class _Binder:
    def __init__(self, text: str, names: Names, strict: bool) -> None:
        self.text, self.names, self.strict = text, names, strict

    def bind(self, node: Node) -> Term:
        if node.op == "name":
            return Term(node, sort_of(self.names.column(node.value)))
        if node.op in ("number", "text", "truth", "span"):
            sorts: dict[str, Sort] = {"number": "number", "text": "label", "truth": "truth", "span": "span"}
            return Term(node, sorts[node.op])
        if node.op in ("and", "or", "not", "exactly"):
            parts = tuple(self.truth(arg) for arg in node.args)
            alone = next((p.node for p in parts if p.op in ABOUT_TABLE and node.op != "and"), None)
            if alone is not None:
                raise self.fault(alone, "this is about the whole table", "write it as a rule of its own")
            return Term(node, "truth", parts)
        if node.op == "isnull":
            return Term(node, "truth", (self.bind(node.args[0]),))
        if node.op in COMPARISONS:
            return self.comparison(node)
        if node.op == "in":
            return self.membership(node)
        if node.op in ARITHMETIC or node.op == "neg":
            return self.arithmetic(node)
        if node.op in (*ABOUT_TABLE, "together"):
            return Term(node, "truth", tuple(self.bind(arg) for arg in node.args))
        if node.op == "call":
            return self.call(node)
        raise self.fault(node, "several values in brackets cannot stand here", "use in (...)")

    def fault(self, node: Node, what: str, do: str = "", expected: str = "") -> UsageError:
        return fault(self.text, node.start, node.stop, what, do, expected)

    def truth(self, node: Node) -> Term:
        term = self.bind(node)
        if term.sort != "truth":
            raise self.fault(
                node, f"this is {_WORDS[term.sort]}, not a condition", "compare it with something"
            )
        return term

    def comparison(self, node: Node) -> Term:
        left, right = node.args
        if left.op in ("text", "number", "truth", "span") and right.op not in ("text", "truth", "span"):
            mirrored = replace(node, op=MIRRORED[node.op], args=(right, left))  # type: ignore[arg-type]
            return (
                self.comparison(mirrored)
                if right.op != "number"
                else self.pair(node, *map(self.bind, node.args))
            )
        a = self.bind(left)
        return self.pair(node, a, self.literal(right, a))

    def pair(self, node: Node, a: Term, b: Term) -> Term:
        # A rule may say that a made value is put together from others.
        texts = a.columns and b.columns and {a.sort, b.sort} <= {"made", "label"}
        if not self.strict and texts and node.op in ("=", "!="):
            return Term(node, "truth", (a, b))
        for side in (a, b):
            if side.sort == "made":
                raise self.made(side)
        if a.sort != b.sort:
            raise self.fault(
                node, f"{_WORDS[a.sort]} cannot be compared with {_WORDS[b.sort]}", self.advice(a, b)
            )
        if a.sort in ("label", "truth") and node.op not in ("=", "!="):
            raise self.fault(node, f"{node.op} needs an order, and labels have none", "use =, != or in (...)")
        return Term(node, "truth", (a, b), self.slack(node, a, b))

    def made(self, term: Term) -> UsageError:
        what = f"values of {term.columns[0]} are made afresh in every row, so they cannot be asked for"
        return self.fault(
            term.node, what, "ask only whether it is null, or fill the column with a given table"
        )

    def advice(self, a: Term, b: Term) -> str:
        sorts = {a.sort, b.sort}
        if sorts == {"span", "number"}:
            return "write a unit, such as 30 days"
        if sorts == {"moment", "number"}:
            return "write the date in quotes, such as '2024-01-31'"
        if "label" in sorts:
            return "write texts in single quotes and numbers without"
        return "compare like with like"

    def slack(self, node: Node, a: Term, b: Term) -> float:
        """How far apart equal values may be: as said, else half a unit of the last decimal."""
        if node.op == "=" and node.value is not None:
            return float(node.value)
        computed = any(n.op in ARITHMETIC for t in (a, b) for n in t.node.walk())
        if a.sort != "number" or not computed:
            return 0.0
        bare = [t for t in (a, b) if t.op == "name"]
        decimals = [self._decimals(name) for t in bare or (a, b) for name in t.columns]
        known = [d for d in decimals if d is not None]
        return 1e-9 if len(known) < len(decimals) or not known else 0.5 * 10.0 ** -max(known) * (1 + 1e-9)

    def _decimals(self, name: str) -> int | None:
        column = self.names.column(name)
        return 0 if column.kind == "integer" else column.decimals

    def literal(self, node: Node, other: Term) -> Term:
        """A value to be compared with `other`, turned into a value of that column where it is one."""
        if node.op in ("text", "number", "truth", "span") and other.op == "name":
            return self.value(node, self.names.column(other.node.value))
        if node.op == "text" and other.sort in ("moment", "span"):
            kind = "datetime" if other.sort == "moment" else "duration"
            return self.value(node, Column("value", kind))  # type: ignore[arg-type]
        return self.bind(node)

    def value(self, node: Node, column: Column) -> Term:
        """A literal as a value of a column."""
        sort = sort_of(column)
        if sort == "made":
            raise self.made(Term(replace(node, op="name", value=column.name), "made"))
        if sort == "label":
            return self.level(node, column)
        if sort == "number":
            if node.op != "number":
                raise self.fault(node, f"{column.name} holds numbers", "write a number without quotes")
            return Term(node, "number")
        if sort == "truth":
            return Term(replace(node, op="truth", value=self.flag(node, column)), "truth")
        if sort == "span" and node.op == "span":
            return Term(node, "span")
        if node.op != "text":
            return self.bind(node)
        return Term(replace(node, op="number", value=self.micros(node, column)), sort)

    def level(self, node: Node, column: Column) -> Term:
        if node.op not in ("text", "number"):
            raise self.fault(node, f"{column.name} holds labels", "write a label in single quotes")
        text = node.value if node.op == "text" else self.text[node.start : node.stop].strip("() ")
        known = self.names.levels.get(column.name)
        if self.strict and known is not None and text not in known:
            near = self.names.nearest_level(column.name, text)
            raise self.fault(
                node,
                f"{column.name} has no level {text!r}",
                f"use {', '.join(repr(n) for n in near)}" if near else "there is no level at all",
            )
        return Term(replace(node, op="text", value=text), "label")

    def flag(self, node: Node, column: Column) -> bool:
        no, _, yes = column.format.partition("|")
        value = node.value if node.op == "truth" else str(node.value).strip().lower()
        texts = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
        if yes:
            texts |= {yes.lower(): True, no.lower(): False}
        if isinstance(value, bool):
            return value
        if value not in texts:
            raise self.fault(node, f"{column.name} is true or false", "write true or false")
        return texts[value]

    def micros(self, node: Node, column: Column) -> int:
        """A quoted date or duration in microseconds, in the form of the column or ISO 8601."""
        import pyarrow as pa

        from locum.data.canonical import to_kind

        for form in dict.fromkeys((column.format, "", "iso8601" if column.kind == "duration" else "")):
            kind = (
                "datetime"
                if column.kind == "date" and len(node.value) > 10 and not column.format
                else column.kind
            )
            like = replace(column, format=form, kind=kind, missing=(), storage="string")
            try:
                found = to_kind(pa.chunked_array([[node.value]], pa.string()), like, column.name)
            except (DataError, SchemaError):
                continue
            if found.null_count == 0:
                if pa.types.is_date(found.type):
                    return int(found.view(pa.int32())[0].as_py()) * 86_400_000_000
                return int(found.view(pa.int64())[0].as_py())
        example = "'2024-01-31'" if column.kind in ("date", "datetime") else "30 days"
        raise self.fault(
            node, f"{node.value!r} is not {_WORDS[sort_of(column)]}", f"write it such as {example}"
        )

    def membership(self, node: Node) -> Term:
        item, values = node.args
        if item.op == "list":
            return self.combinations(node)
        a = self.bind(item)
        members = []
        for value in values.args:
            b = self.literal(value, a)
            self.pair(replace(node, op="="), a, b)
            if value.op not in ("text", "number", "truth", "span"):
                raise self.fault(value, "only values can stand in the list after in", "use or")
            members.append(b)
        return Term(node, "truth", (a, Term(values, a.sort, tuple(members))))

    def combinations(self, node: Node) -> Term:
        """``(state, city) in (('NY', 'Albany'), ...)``: an ``or`` of rows, kept together."""
        item, values = node.args
        columns = [self.bind(part) for part in item.args]
        rows = []
        for row in values.args if values.args and values.args[0].op == "list" else (values,):
            if row.op != "list" or len(row.args) != len(columns):
                raise self.fault(
                    row, "each combination needs one value per column", "", f"{len(columns)} values"
                )
            cells = tuple(self.literal(v, c) for v, c in zip(row.args, columns, strict=True))
            for column, cell in zip(columns, cells, strict=True):
                self.pair(replace(node, op="="), column, cell)
            rows.append(Term(row, "truth", cells))
        return Term(node, "truth", (Term(item, "truth", tuple(columns)), Term(values, "truth", tuple(rows))))

    def arithmetic(self, node: Node) -> Term:
        args = tuple(self.operand(arg, node) for arg in node.args)
        sorts = tuple(a.sort for a in args)
        sort = "number" if set(sorts) == {"number"} else _ARITHMETIC_SORTS.get((node.op, *sorts))
        if sort is None:
            words = " and ".join(_WORDS[s] for s in sorts)
            raise self.fault(node, f"{node.op} does not work on {words}", "calculate with numbers and dates")
        return Term(node, sort, args)

    def call(self, node: Node) -> Term:
        """A function of columns: the number and the sorts of its arguments are checked."""
        function = FUNCTIONS[node.value]
        if not function.takes(len(node.args)):
            raise self.fault(
                node,
                f"{node.value} cannot be called with {len(node.args)} of its arguments",
                "",
                f"{node.value}({', '.join(WORDS[a] for a in function.arguments)})",
            )
        args = tuple(self.argument(arg, node.value, i) for i, arg in enumerate(node.args))
        zones = [zone_of(z) for c in node.columns if (z := self.names.column(c).timezone)]
        return Term(node, function.gives, args, zone=zones[0] if zones else "")

    def argument(self, node: Node, name: str, place: int) -> Term:
        """One argument of a function."""
        wanted = FUNCTIONS[name].argument(place)
        if wanted == "moment" and node.op == "text":
            return self.value(node, Column("value", "datetime"))
        term = self.bind(node)
        if term.sort == "made" and self.strict:
            raise self.made(term)
        literal = {"literal number": "number", "literal text": "text"}.get(wanted)
        if literal is not None:
            good = term.op == literal and not (literal == "number" and term.node.value % 1)
        elif wanted == "text":
            good = term.sort in ("label", "made", "number")
        else:
            good = term.sort == wanted
        if not good:
            what = "a calculation" if literal and term.op != literal else _WORDS[term.sort]
            raise self.fault(node, f"{name} does not take {what} here", "", WORDS[wanted])
        return term

    def operand(self, node: Node, above: Node) -> Term:
        term: Term
        if node.op == "text" and len(above.args) == 2:
            other = self.bind(above.args[1] if node is above.args[0] else above.args[0])
            term = self.literal(node, other) if other.sort in ("moment", "span") else self.bind(node)
        else:
            term = self.bind(node)
        if term.sort == "made":
            raise self.made(term)
        return term


def constants(term: Term) -> dict[str, set[Any]]:
    """Values that columns are compared with, by column; where the truth of a condition can change."""
    out: dict[str, set[Any]] = {}

    def look(at: Term) -> None:
        pairs: list[tuple[Term, Any]] = []
        if at.op in COMPARISONS:
            pairs = [(a, constant(b)) for a, b in (at.args, at.args[::-1]) if not b.columns][:1]
        elif at.op == "in" and at.args[0].op == "list":
            cells = (zip(at.args[0].args, row.args, strict=True) for row in at.args[1].args)
            pairs = [(column, cell.node.value) for row in cells for column, cell in row]
        elif at.op == "in":
            pairs = [(at.args[0], member.node.value) for member in at.args[1].args]
        for column, value in pairs:
            if column.op == "name" and value is not None:
                out.setdefault(column.node.value, set()).add(value)
        for arg in at.args:
            look(arg)

    look(term)
    return out


def constant(term: Term) -> Any:
    """Value of a term without columns that is a literal or plain arithmetic; None when there is none."""
    if term.op in ("number", "text", "truth", "span"):
        return term.node.value
    if term.op in ARITHMETIC or term.op == "neg":
        values = [constant(a) for a in term.args]
        if any(not isinstance(v, int | float) for v in values):
            return None
        if term.op == "neg":
            return -values[0]
        a, b = values
        if term.op in ("/", "%"):
            return None if b == 0 else (a / b if term.op == "/" else a % b)
        return {"+": a + b, "-": a - b, "*": a * b}[term.op]
    return None
