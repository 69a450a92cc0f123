"""Exact arithmetic of what a model wrote: expressions, equations in a text, the last number of an answer.

Everything is computed in fractions by an evaluator of our own over Python's syntax tree; nothing is run.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from locum.text.verify.base import Verdict

#: Longest expression in characters, and largest number of digits of any result: both bound the cost.
_MAX_CHARS = 400
_MAX_BITS = 4_000
_MAX_POWER = 200

_BINARY: Mapping[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_NUMBER = r"-?\$?\d(?:[\d,]*\d)?(?:\.\d+)?%?"
_LAST = re.compile(r"-?\$?(?:\d[\d,]*(?:\.\d+)?|\.\d+)(?:\s*/\s*\d+)?")
_SIDE = r"[-+]?[\d.,$%()\s×x÷*/+−–-]*\d[\d.,$%()\s]*"
_EQUATION = re.compile(rf"({_SIDE})=\s*({_NUMBER})")
_MARKED = re.compile(r"<<([^<>=]{1,200})=([^<>=]{1,60})>>")
_SIGNS = str.maketrans({"×": "*", "÷": "/", "−": "-", "–": "-", "$": "", " ": " "})


class NotArithmetic(ValueError):
    """A text that is no expression of numbers, or one too large to compute."""


def evaluate(expression: str) -> Fraction:
    """The exact value of an expression of numbers, ``+ - * / **`` and brackets.

    Thousands separators, dollar signs, per cent signs and ``x`` or ``×`` between numbers are understood.

    Raises
    ------
    NotArithmetic
        When there is anything else in it, it divides by zero, or it is too large.
    """
    text = plain(expression)
    if len(text) > _MAX_CHARS:
        raise NotArithmetic(f"longer than {_MAX_CHARS} characters")
    try:
        tree = ast.parse(text.strip(), mode="eval")
        return _value(tree.body)
    except (SyntaxError, ValueError, RecursionError, MemoryError, ZeroDivisionError) as error:
        if isinstance(error, NotArithmetic):
            raise
        raise NotArithmetic(f"no arithmetic ({type(error).__name__})") from None


def plain(expression: str) -> str:
    """An expression as people write it, in Python's signs."""
    text = expression.translate(_SIGNS)
    text = re.sub(r"(?<=\d),(?=\d{3}(?:\D|$))", "", text)
    text = re.sub(r"(\d(?:[\d.]*))\s*%(?!\s*\d)", r"(\1/100)", text)
    text = re.sub(r"(?<=[\d)])\s*[xX]\s*(?=[\d(])", "*", text)
    return re.sub(r"\b0+(?=\d)", "", text)


def _value(node: ast.expr) -> Fraction:
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return _bounded(Fraction(str(node.value)))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.UAdd | ast.USub):
        value = _value(node.operand)
        return value if isinstance(node.op, ast.UAdd) else -value
    if isinstance(node, ast.BinOp):
        left, right = _value(node.left), _value(node.right)
        if isinstance(node.op, ast.Pow):
            return _power(left, right)
        if type(node.op) in _BINARY:
            return _bounded(_BINARY[type(node.op)](left, right))
    raise NotArithmetic(f"no arithmetic ({type(node).__name__})")


def _power(base: Fraction, exponent: Fraction) -> Fraction:
    if exponent.denominator != 1 or abs(exponent) > _MAX_POWER:
        raise NotArithmetic("a power that is not computed")
    bits = max(base.numerator.bit_length(), base.denominator.bit_length())
    if bits * abs(int(exponent)) > _MAX_BITS:
        raise NotArithmetic("too large")
    return _bounded(base ** int(exponent))


def _bounded(value: Fraction) -> Fraction:
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > _MAX_BITS:
        raise NotArithmetic("too large")
    return value


def last_number(text: str) -> Fraction | None:
    """The answer of a worked solution: what follows ``####`` or ``answer is``, else the last number in it.

    Returns
    -------
    Fraction or None
        None when there is no number.
    """
    for mark in (r"####", r"answer(?: is|:)"):
        parts = re.split(mark, text, flags=re.IGNORECASE)
        if len(parts) > 1:
            found = _LAST.search(parts[-1])
            if found:
                return _number(found.group())
    numbers = _LAST.findall(text)
    return _number(numbers[-1]) if numbers else None


def _number(text: str) -> Fraction | None:
    try:
        return evaluate(text.replace(",", ""))
    except NotArithmetic:
        return None


def equations(text: str) -> list[tuple[str, str]]:
    """Equations written in a text, as (left side, number on the right), in order.

    Those marked as GSM8K marks them (``<<16-3=13>>``) are taken alone where there are any. A left side that
    is a bare number (``x = 5`` leaves one) counts as none.
    """
    marked = [(left.strip(), right.strip()) for left, right in _MARKED.findall(text)]
    if marked:
        return marked
    found = []
    for left, right in _EQUATION.findall(text):
        side = plain(re.split(r"[.,;:]\s+", left)[-1]).strip()
        if re.search(r"\d\s*[-+*/]\s*[\d(.]", side):
            found.append((side, right.strip()))
    return found


@dataclass(frozen=True, slots=True)
class EquationCheck:
    """Passes texts whose equations are all true, and which hold at least `least` of them.

    Attributes
    ----------
    least
        Equations that must be there.
    digits
        Results that are rounded to so many decimals in the text count as true; None asks for exact ones.
    """

    least: int = 1
    digits: int | None = 2

    def verify(self, item: Any, row: Mapping[str, Any]) -> Verdict:
        """See `Verifier`."""
        found = equations(str(item)[:20_000])
        if len(found) < self.least:
            return Verdict(False, f"{len(found)} equations")
        for number, (left, right) in enumerate(found, 1):
            try:
                value, said = evaluate(left), evaluate(right)
            except NotArithmetic as error:
                return Verdict(False, f"equation {number}: {error}")
            if not same(value, said, self.digits, written=right):
                return Verdict(False, f"equation {number} is false")
        return Verdict(True)


@dataclass(frozen=True, slots=True)
class NumericAnswer:
    """Passes worked solutions whose answer (see `last_number`) equals an expected number.

    Attributes
    ----------
    expected
        The number, or an expression of numbers, or a worked solution that ends with it.
    """

    expected: str | int | float

    def verify(self, item: Any, row: Mapping[str, Any]) -> Verdict:
        """See `Verifier`."""
        expected = answer_of(self.expected)
        found = last_number(str(item)[:20_000])
        if expected is None:
            return Verdict(False, "the expected answer is no number")
        if found is None:
            return Verdict(False, "no number")
        return Verdict(found == expected, "" if found == expected else "another answer")


def answer_of(said: str | int | float) -> Fraction | None:
    """A number, an expression or a worked solution as the number it gives; None when it gives none."""
    try:
        return evaluate(str(said))
    except NotArithmetic:
        return last_number(str(said))


def same(value: Fraction, said: Fraction, digits: int | None, *, written: str = "") -> bool:
    """Whether a number as written is a value: exactly, or rounded at the decimals that were written.

    Parameters
    ----------
    value, said
        The exact value, and the number in the text.
    digits
        Least decimals that a rounded number must show; None allows no rounding.
    written
        The number as it stands in the text.
    """
    if value == said:
        return True
    shown = len(written.rstrip("%").partition(".")[2])
    if digits is None or shown < digits:
        return False
    return abs(value - said) <= Fraction(1, 2 * 10**shown)
