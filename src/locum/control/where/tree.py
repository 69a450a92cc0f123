"""The tree that a condition is parsed into: one node class, told apart by `op`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

Op = Literal[
    "name",
    "number",
    "text",
    "truth",
    "null",
    "span",
    "neg",
    "+",
    "-",
    "*",
    "/",
    "%",
    "=",
    "!=",
    "<",
    "<=",
    ">",
    ">=",
    "in",
    "isnull",
    "not",
    "and",
    "or",
    "list",
    "unique",
    "follows",
    "together",
    "exactly",
    "call",
    "else",
]

#: Statements about a whole table, which are true of every row by itself.
ABOUT_TABLE = ("unique", "follows")
COMPARISONS = ("=", "!=", "<", "<=", ">", ">=")
ARITHMETIC = ("+", "-", "*", "/", "%")
#: The comparison that holds when the sides are exchanged.
MIRRORED = {"=": "=", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


@dataclass(frozen=True, slots=True)
class Node:
    """A part of a condition.

    Attributes
    ----------
    op
        ``name`` a column, ``number`` ``text`` ``truth`` ``span`` (of time, microseconds) literals, ``list``
        several values, ``in`` membership of the first argument in the list that is the second, ``unique`` and
        ``follows`` (the first argument from the others) statements about a whole table, ``together`` all
        arguments missing or none, ``exactly`` both arguments true or both false, ``call`` a function,
        ``else`` holds where no argument does; the others are what they look like.
    args
        Operands.
    value
        Column name, literal value, or name of the function; of ``=`` how far apart equal numbers may be,
        where that is said.
    start, stop
        Place in the text.
    """

    op: Op
    args: tuple[Node, ...] = ()
    value: Any = None
    start: int = 0
    stop: int = 0

    def walk(self) -> Iterator[Node]:
        """The node and everything below it."""
        yield self
        for arg in self.args:
            yield from arg.walk()

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns in it, in order of appearance."""
        return tuple(dict.fromkeys(n.value for n in self.walk() if n.op == "name"))


def conjuncts(node: Node) -> list[Node]:
    """The parts that ``and`` joins at the top."""
    if node.op != "and":
        return [node]
    return [part for arg in node.args for part in conjuncts(arg)]


def negate(node: Node) -> Node:
    """``not node``."""
    return Node("not", (node,), None, node.start, node.stop)
