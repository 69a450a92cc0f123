"""From text to a tree: a Pratt parser for conditions.

Loosest first: ``if A then B``, ``A implies B`` and ``A exactly if B``; ``or``; ``and``; ``not``; comparisons,
``in``, ``between``, ``is null``, ``follows from``; ``+ -``; ``* / %``; unary minus; ``year(d)`` and other
functions. ``10 <= age < 20`` means both comparisons.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from difflib import get_close_matches

from locum.control.where.functions import FUNCTIONS, nearest_functions
from locum.control.where.token import UNITS, Token, fault, tokens
from locum.control.where.tree import COMPARISONS, Node, Op, negate
from locum.errors import UsageError

#: Conditions deeper than this are refused, so that no text can exhaust the stack.
DEEPEST = 60
#: Longest text of one condition.
LONGEST = 20_000

_POWER = {"implies": 1, "exactly": 1, "or": 2, "and": 3, "compare": 5, "+": 6, "-": 6, "*": 7, "/": 7, "%": 7}
_NOT, _MINUS = 4, 8


def parse(text: str, columns: Iterable[str] = ()) -> Node:
    """Parse one condition.

    Parameters
    ----------
    text
        Such as ``age >= 80 and diagnosis in ('I10', 'E11')``. Texts stand in single quotes, column names with
        unusual characters in double quotes.
    columns
        Names of the table's columns; see `locum.control.where.token.tokens`.

    Raises
    ------
    UsageError
        When the text is no condition, with the place and what would fit there.
    """
    if len(text) > LONGEST:
        raise UsageError(f"a condition of {len(text):,} characters is too long", expected=f"{LONGEST:,}")
    parser = _Parser(text, tokens(text, columns))
    if parser.peek().kind == "end":
        raise UsageError("the condition is empty", where="condition", expected="such as age >= 80")
    node = parser.expression(0)
    if parser.peek().kind != "end":
        raise parser.unexpected("an operator such as and, or, =, <", parser.peek())
    return node


class _Parser:
    def __init__(self, text: str, found: list[Token]) -> None:
        self.text, self.found, self.at, self.depth = text, found, 0, 0

    def peek(self) -> Token:
        return self.found[self.at]

    def take(self) -> Token:
        token = self.found[self.at]
        self.at += token.kind != "end"
        return token

    def is_next(self, *values: str) -> bool:
        return self.peek().kind in ("op", "word") and self.peek().value in values

    def is_phrase(self, *words: str, start: int | None = None) -> bool:
        """Whether these words come next, without quotes, whatever their case."""
        at = self.at if start is None else start
        some = self.found[at : at + len(words)]
        return [self.text[token.start : token.stop].lower() for token in some] == list(words)

    def need(self, value: str) -> Token:
        if not self.is_next(value):
            raise self.unexpected(f"{value!r}", self.peek())
        return self.take()

    def unexpected(self, expected: str, token: Token) -> UsageError:
        if token.kind == "end":
            return fault(
                self.text, len(self.text), len(self.text), "the condition ends too early", "", expected
            )
        what = f"{self.text[token.start : token.stop]!r} is unexpected"
        do = ""
        if token.kind == "name":
            close = get_close_matches(token.value.lower(), ["and", "or", "in", "between", "is", "then"], n=1)
            do = f"did you mean {close[0]}?" if close else ""
        return fault(self.text, token.start, token.stop, what, do, expected)

    def expression(self, power: int) -> Node:
        self.depth += 1
        if self.depth > DEEPEST:
            raise fault(self.text, self.peek().start, self.peek().stop, "the condition is nested too deeply")
        left = self.prefix()
        while True:
            token = self.peek()
            name = "compare" if _compares(token) else token.value if token.kind in ("op", "word") else ""
            if token.kind == "name":
                phrases = {"exactly": ("exactly", "if"), "compare": ("follows", "from")}
                name = next((power for power, words in phrases.items() if self.is_phrase(*words)), "")
            if _POWER.get(name, 0) <= power:
                break
            left = self.comparison(left) if name == "compare" else self.infix(left, self.take())
        self.depth -= 1
        return left

    def prefix(self) -> Node:
        token = self.take()
        if token.kind == "number":
            return self.number(token)
        if token.kind == "text":
            return Node("text", (), token.value, token.start, token.stop)
        if token.kind == "name" and self.is_phrase("missing", "together", "(", start=self.at - 1):
            self.take()
            return self.columns("together", token)
        if token.kind == "name" and self.is_next("(") and self.text[token.start] not in '"`':
            return self.call(token)
        if token.kind == "name":
            return Node("name", (), token.value, token.start, token.stop)
        if token.value in ("true", "false"):
            return Node("truth", (), token.value == "true", token.start, token.stop)
        if token.value == "not":
            inner = self.expression(_NOT)
            return Node("not", (inner,), None, token.start, inner.stop)
        if token.value == "-":
            inner = self.expression(_MINUS)
            if inner.op in ("number", "span"):
                return Node(inner.op, (), -inner.value, token.start, inner.stop)
            return Node("neg", (inner,), None, token.start, inner.stop)
        if token.value == "if":
            return self.rule(token)
        if token.value == "unique":
            return self.columns("unique", token)
        if token.value == "(":
            return self.group(token)
        raise self.unexpected("a column, a value or a bracket", token)

    def number(self, token: Token) -> Node:
        value = float(token.value) if any(c in token.value for c in ".eE") else int(token.value)
        unit = self.peek().value.lower().removesuffix("s") if self.peek().kind == "name" else ""
        if unit in UNITS:
            stop = self.take().stop
            return Node("span", (), round(value * UNITS[unit]), token.start, stop)
        return Node("number", (), value, token.start, token.stop)

    def rule(self, token: Token) -> Node:
        condition = self.expression(_POWER["implies"])
        self.need("then")
        then = self.expression(_POWER["implies"])
        return Node("or", (negate(condition), then), None, token.start, then.stop)

    def columns(self, op: Op, token: Token) -> Node:
        """``unique(a, b)`` and ``missing together (a, b)``."""
        self.need("(")
        names = [self.name()]
        while self.is_next(","):
            self.take()
            names.append(self.name())
        return Node(op, tuple(names), None, token.start, self.need(")").stop)

    def call(self, token: Token) -> Node:
        name = token.value.lower()
        if name not in FUNCTIONS:
            near = nearest_functions(name)
            raise fault(
                self.text,
                token.start,
                token.stop,
                f"there is no function {token.value}",
                f"did you mean {near[0]}?" if near else "",
                "" if near else f"one of {', '.join(FUNCTIONS)}",
            )
        self.need("(")
        args = [self.expression(0)]
        while self.is_next(","):
            self.take()
            args.append(self.expression(0))
        return Node("call", tuple(args), name, token.start, self.need(")").stop)

    def follows(self, left: Node) -> Node:
        """``distance follows from (origin, dest)``."""
        if left.op != "name":
            raise fault(self.text, left.start, left.stop, "only a column can follow from others")
        self.take()
        self.take()
        right = self.expression(_POWER["compare"])
        args = right.args if right.op == "list" else (right,)
        for arg in args:
            if arg.op not in ("name", "call"):
                raise fault(
                    self.text,
                    arg.start,
                    arg.stop,
                    "this is no column",
                    "",
                    "columns, or functions of columns",
                )
        return Node("follows", (left, *args), None, left.start, right.stop)

    def name(self) -> Node:
        token = self.take()
        if token.kind != "name":
            raise self.unexpected("a column name", token)
        return Node("name", (), token.value, token.start, token.stop)

    def group(self, token: Token) -> Node:
        """What stands in brackets: an expression, or several values that belong together."""
        inner = [self.expression(0)]
        while self.is_next(","):
            self.take()
            inner.append(self.expression(0))
        stop = self.need(")").stop
        if len(inner) == 1:
            # The brackets belong to the place in the text, so that a part can be quoted by itself.
            return replace(inner[0], start=token.start, stop=stop)
        return Node("list", tuple(inner), None, token.start, stop)

    def infix(self, left: Node, token: Token) -> Node:
        if token.kind == "name":
            self.need("if")
            right = self.expression(_POWER["exactly"])
            return Node("exactly", (left, right), None, left.start, right.stop)
        right = self.expression(_POWER[token.value] - (token.value == "implies"))
        if token.value == "implies":
            return Node("or", (negate(left), right), None, left.start, right.stop)
        op: Op = token.value  # type: ignore[assignment]
        return Node(op, (left, right), None, left.start, right.stop)

    def comparison(self, left: Node) -> Node:
        """``= < in between is follows``, also negated and chained."""
        if self.peek().kind == "name":
            return self.follows(left)
        if self.is_next("is"):
            self.take()
            no = self.is_next("not") and bool(self.take())
            stop = self.need("null").stop
            node = Node("isnull", (left,), None, left.start, stop)
            return negate(node) if no else node
        no = self.is_next("not") and bool(self.take())
        if self.is_next("in"):
            self.take()
            node = Node("in", (left, self.members()), None, left.start, self.found[self.at - 1].stop)
            return negate(node) if no else node
        if self.is_next("between"):
            self.take()
            low = self.expression(_POWER["compare"])
            self.need("and")
            high = self.expression(_POWER["compare"])
            above = Node(">=", (left, low), None, left.start, low.stop)
            below = Node("<=", (left, high), None, left.start, high.stop)
            node = Node("and", (above, below), None, left.start, high.stop)
            return negate(node) if no else node
        if no:
            raise self.unexpected("in or between", self.peek())
        parts, value = [], left
        while self.peek().kind == "op" and self.peek().value in COMPARISONS:
            op: Op = self.take().value  # type: ignore[assignment]
            right = self.expression(_POWER["compare"])
            parts.append(Node(op, (value, right), None, value.start, right.stop))
            value = right
        if len(parts) == 1 and parts[0].op == "=" and self.is_phrase("within"):
            return self.tolerance(parts[0])
        return parts[0] if len(parts) == 1 else Node("and", tuple(parts), None, left.start, value.stop)

    def tolerance(self, equal: Node) -> Node:
        """``a = b within 0.1``."""
        self.take()
        found = self.expression(_POWER["compare"])
        if found.op not in ("number", "span") or found.value < 0:
            raise fault(
                self.text, found.start, found.stop, "this is no tolerance", "", "a number such as 0.5"
            )
        return replace(equal, value=found.value, stop=found.stop)

    def members(self) -> Node:
        """The list after ``in``; one value in brackets is a list as well."""
        token = self.need("(")
        inner = [self.expression(0)]
        while self.is_next(","):
            self.take()
            if self.is_next(")"):
                break
            inner.append(self.expression(0))
        return Node("list", tuple(inner), None, token.start, self.need(")").stop)


def _compares(token: Token) -> bool:
    return (token.kind == "op" and token.value in COMPARISONS) or (
        token.kind == "word" and token.value in ("in", "between", "is", "not")
    )
