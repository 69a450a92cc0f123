"""Evaluating a bound condition on the rows of a canonical table, with SQL's three-valued logic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from locum.arrays import BoolArray
from locum.control.where.bind import Term
from locum.control.where.call import call
from locum.control.where.functions import FUNCTIONS
from locum.control.where.tree import ABOUT_TABLE, ARITHMETIC, COMPARISONS
from locum.data.distinct import as_numbers, flat

if TYPE_CHECKING:
    import pyarrow as pa


_DAY = 86_400_000_000
#: Whole numbers are calculated with as such below this; above, as doubles.
_SAFE = 2**31
#: Relative error of a calculation with doubles.
_LAST_DIGITS = 1e-13


@dataclass(frozen=True, slots=True)
class Truth:
    """Truth of a condition, row by row; a row that is neither is unknown (something is missing).

    Attributes
    ----------
    yes, no
        Whether it is true, and whether it is false; shape (n_rows,).
    """

    yes: BoolArray
    no: BoolArray


@dataclass(frozen=True, slots=True)
class Values:
    """Values of an expression: numbers (NumPy) or labels (Arrow), and which are present."""

    data: Any
    present: BoolArray


def evaluate(term: Term, table: pa.Table) -> Truth:
    """Truth of a bound condition for each row.

    A comparison with a missing value is unknown; ``not``, ``and`` and ``or`` follow Kleene, ``exactly if`` is
    unknown where one of its sides is. ``unique(...)`` and ``follows from`` are true everywhere: they are
    about the table.
    """
    n = table.num_rows
    if term.op in ABOUT_TABLE:
        return Truth(np.ones(n, bool), np.zeros(n, bool))
    if term.op == "not":
        inner = evaluate(term.args[0], table)
        return Truth(inner.no, inner.yes)
    if term.op == "else":
        none = ~np.logical_or.reduce([evaluate(arg, table).yes for arg in term.args])
        return Truth(none, ~none)
    if term.op in ("and", "or"):
        parts = [evaluate(arg, table) for arg in term.args]
        every, some = np.logical_and.reduce, np.logical_or.reduce
        if term.op == "and":
            return Truth(every([p.yes for p in parts]), some([p.no for p in parts]))
        return Truth(some([p.yes for p in parts]), every([p.no for p in parts]))
    if term.op == "exactly":
        one, two = (evaluate(arg, table) for arg in term.args)
        return Truth((one.yes & two.yes) | (one.no & two.no), (one.yes & two.no) | (one.no & two.yes))
    if term.op == "together":
        there = [_values(arg, table).present for arg in term.args]
        same = np.logical_and.reduce(there) | ~np.logical_or.reduce(there)
        return Truth(same, ~same)
    if term.op == "isnull":
        present = _values(term.args[0], table).present
        return Truth(~present, present)
    if term.op == "in":
        return _combination(term, table) if term.args[0].op == "list" else _member(term, table)
    if term.op in COMPARISONS:
        a, b = (_values(arg, table) for arg in term.args)
        present = a.present & b.present
        holds = _compare(term.op, a.data, b.data, term.slack)
        return Truth(holds & present, ~holds & present)
    inside = _values(term, table)
    return Truth(inside.data & inside.present, ~inside.data & inside.present)


def _compare(op: str, a: Any, b: Any, slack: float) -> BoolArray:
    if not isinstance(a, np.ndarray) or not isinstance(b, np.ndarray):
        import pyarrow.compute as pc

        same = np.asarray(pc.fill_null(pc.equal(a, b), False))
        return same if op == "=" else ~same
    with np.errstate(invalid="ignore"):
        if slack and op in ("=", "!="):
            # Numbers of many digits differ in the last ones, whatever the file says.
            near: BoolArray = (np.abs(a - b) <= slack + _LAST_DIGITS * np.abs(a)) | (a == b)
            return near if op == "=" else ~near
        out: BoolArray = {
            "=": np.equal,
            "!=": np.not_equal,
            "<": np.less,
            "<=": np.less_equal,
            ">": np.greater,
            ">=": np.greater_equal,
        }[op](a, b)
    return out


def _member(term: Term, table: pa.Table) -> Truth:
    values = _values(term.args[0], table)
    members = [m.node.value for m in term.args[1].args]
    if isinstance(values.data, np.ndarray):
        holds = np.isin(values.data, np.array(members))
    else:
        import pyarrow as pa
        import pyarrow.compute as pc

        holds = np.asarray(pc.is_in(values.data, value_set=pa.array(members, type=pa.string())))
    return Truth(holds & values.present, ~holds & values.present)


def _combination(term: Term, table: pa.Table) -> Truth:
    """Membership of several columns together, by numbers of their distinct values."""
    columns = [_values(arg, table) for arg in term.args[0].args]
    present = np.logical_and.reduce([c.present for c in columns])
    key = np.zeros(table.num_rows, dtype=np.int64)
    wanted = np.zeros(len(term.args[1].args), dtype=np.int64)
    for i, column in enumerate(columns):
        values = [row.args[i].node.value for row in term.args[1].args]
        known = list(dict.fromkeys(values))
        number = {v: k + 1 for k, v in enumerate(known)}
        key = key * (len(known) + 1) + _number_values(column.data, known)
        wanted = wanted * (len(known) + 1) + np.array([number[v] for v in values], dtype=np.int64)
    holds = np.isin(key, wanted)
    return Truth(holds & present, ~holds & present)


def _number_values(data: Any, known: list[Any]) -> npt.NDArray[np.int64]:
    """1 + position of each value among the known ones, 0 for others."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if isinstance(data, np.ndarray):
        data = pa.array(data)
    at = pc.index_in(data, value_set=pa.array(known).cast(data.type))
    return np.asarray(pc.fill_null(at, -1)).astype(np.int64) + 1


def _values(term: Term, table: pa.Table) -> Values:
    n = table.num_rows
    if term.op == "name":
        return column_values(table, term.node.value)
    if term.op == "text":
        import pyarrow as pa

        return Values(pa.scalar(term.node.value, pa.string()), np.ones(n, bool))
    if term.op in ("number", "truth", "span"):
        return Values(np.full(n, term.node.value), np.ones(n, bool))
    if term.op in ARITHMETIC or term.op == "neg":
        return _calculate(term, [_values(arg, table) for arg in term.args])
    if term.op == "call":
        return _call(term, table)
    truth = evaluate(term, table)
    return Values(truth.yes, truth.yes | truth.no)


def _call(term: Term, table: pa.Table) -> Values:
    literals = ("literal number", "literal text")
    kinds = [FUNCTIONS[term.node.value].argument(i) for i in range(len(term.args))]
    parts = [
        arg.node.value if kind in literals or arg.op == "text" else _values(arg, table)
        for arg, kind in zip(term.args, kinds, strict=True)
    ]
    columns = [p for p in parts if isinstance(p, Values)]
    present = np.logical_and.reduce([p.present for p in columns] or [np.ones(table.num_rows, bool)])
    data, present = call(
        term.node.value, [p.data if isinstance(p, Values) else p for p in parts], present, term.zone
    )
    return Values(data, present)


def _calculate(term: Term, parts: list[Values]) -> Values:
    present = np.logical_and.reduce([p.present for p in parts])
    if term.op == "neg":
        return Values(-parts[0].data, present)
    a, b = (p.data for p in parts)
    if term.sort == "number" and not (_small(a) and _small(b)):
        a, b = a.astype(np.float64), b.astype(np.float64)
    with np.errstate(all="ignore"):
        if term.op in ("/", "%"):
            present = present & (b != 0)
            b = np.where(b == 0, 1, b)
            out = a / b if term.op == "/" else a % b
        else:
            out = {"+": np.add, "-": np.subtract, "*": np.multiply}[term.op](a, b)
    if out.dtype.kind == "f":
        present = present & ~np.isnan(out)
    return Values(out, present)


def _small(values: npt.NDArray[Any]) -> bool:
    return values.dtype.kind == "i" and (len(values) == 0 or int(np.abs(values).max()) < _SAFE)


def column_values(table: pa.Table, name: str) -> Values:
    """A column as numbers (moments and spans in microseconds), truth values or labels."""
    import pyarrow as pa
    import pyarrow.compute as pc

    values = flat(table.column(name))
    present = ~np.asarray(values.is_null()) if values.null_count else np.ones(len(values), bool)
    if pa.types.is_string(values.type):
        return Values(values, present)
    if pa.types.is_boolean(values.type):
        return Values(np.asarray(pc.fill_null(values, False)), present)
    if pa.types.is_date32(values.type):
        return Values(np.asarray(pc.fill_null(values.view(pa.int32()), 0)).astype(np.int64) * _DAY, present)
    return Values(np.asarray(pc.fill_null(as_numbers(values), 0)), present)
