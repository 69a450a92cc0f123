"""Values of a column that lead to what is asked of another that is calculated from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from locum.arrays import BoolArray, FloatArray
from locum.codes.encoder import Encoder, arrow_type
from locum.control.calculate import calculate
from locum.control.code_values import build_bank, roots
from locum.control.layout.formula import Formula
from locum.data.distinct import as_numbers, flat
from locum.schema.column import Column

#: Halvings of a stretch that holds a value, until nothing is left of it.
HALVINGS = 64
#: What so many stretches of the input give, such as a day of the week, known values give anyway.
MANY = 64
#: Days are compared with in microseconds.
_DAY = 86_400_000_000

Asked = Mapping[str, set[Any]]
Formed = Callable[[FloatArray], FloatArray]


def with_inputs(encoder: Encoder, asked: Asked) -> dict[str, set[Any]]:
    """The asked values, and for calculated columns of one input the values of that which give them.

    Parameters
    ----------
    encoder
        The coding; its formulas say what is calculated from what.
    asked
        Values that conditions compare columns with, by column.

    Notes
    -----
    Between two known values of the input on either side of what is asked the place is found by bisection,
    from below and from above: where rounding makes a stretch of the input give one value, its ends and its
    middle count.
    """
    out = {name: set(values) for name, values in asked.items()}
    formulas = {r.column.name: r for r in encoder.recodings if isinstance(r, Formula) and len(r.inputs) == 1}
    root = roots(encoder) if formulas.keys() & asked.keys() else {}
    # of a recoded column the values asked for are not those that are coded
    recoded = {r.coded.name for r in encoder.recodings if r.coded is not None}
    # what is calculated last is looked at first: its input may be calculated too
    for name in reversed(encoder.order):
        formula = formulas.get(name)
        if formula is None or not out.get(name):
            continue
        (other,) = formula.inputs
        numbers = [float(v) for v in out[name] if isinstance(v, int | float) and not isinstance(v, bool)]
        plain = len(root[other]) == 1 and root[other][0] not in recoded
        if plain and encoder.schema[other].ordered and formula.column.ordered and numbers:
            found = _leading_to(encoder, root[other][0], formula, np.array(numbers))
            out.setdefault(other, set()).update(found)
    return out


def _leading_to(encoder: Encoder, root: str, formula: Formula, asked: FloatArray) -> list[int | float]:
    """Values of the input of a formula, in the form of asked values, that give the asked ones."""
    (name,) = formula.inputs
    column = encoder.schema[name]
    scale = _DAY if column.kind == "date" else 1
    held = build_bank(encoder, root, {}).table
    known = np.unique(np.asarray(as_numbers(flat(held.column(name)).drop_null())).astype(np.float64))

    def gives(points: FloatArray) -> FloatArray:
        """What the formula makes of numbers in the place of the input; nan where it makes nothing of it."""
        part = pa.table({name: _column_of(points, column)})
        value = as_numbers(calculate(formula.equation.value, part, formula.column))
        number: FloatArray = np.asarray(value.cast(pa.float64(), safe=False).fill_null(np.nan))
        return number * (_DAY if formula.column.kind == "date" else 1)

    value = gives(known)
    known, value = known[np.isfinite(value)], value[np.isfinite(value)]
    left, right = value[:-1], value[1:]
    found: list[FloatArray] = []
    for one in np.unique(asked):
        around = (np.minimum(left, right) <= one) & (one <= np.maximum(left, right))
        at = np.flatnonzero(around & (left != right))
        if len(at) > MANY:
            continue
        sign = np.where(left[at] <= right[at], 1.0, -1.0)
        ends = known[at], known[at + 1]
        first = _turn(*ends, partial(_reached, gives, one, sign, after=False))
        last = _turn(*ends, partial(_reached, gives, one, sign, after=True))
        found += [first, last, (first + last) / 2]
    points = np.unique(np.concatenate(found)) if found else np.zeros(0)
    if column.kind == "number":
        return [float(v) for v in points]
    return [int(v) * scale for v in np.unique(np.rint(points))]


def _reached(gives: Formed, one: float, sign: FloatArray, points: FloatArray, *, after: bool) -> BoolArray:
    """Whether a formula that rises (or falls, where `sign` is -1) has come to a value, or `after` it."""
    left = sign * (gives(points) - one)
    reached: BoolArray = left > 0 if after else left >= 0
    return reached


def _turn(low: FloatArray, high: FloatArray, beyond: Callable[[FloatArray], BoolArray]) -> FloatArray:
    """Where in each stretch something begins to hold, which may be its very start or end."""
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        there = beyond(middle)
        low, high = np.where(there, low, middle), np.where(there, middle, high)
    return high


def _column_of(points: FloatArray, column: Column) -> pa.Array:
    """Numbers as values of a column."""
    if column.kind == "number":
        return pa.array(points)
    whole = np.rint(points).astype(np.int32 if column.kind == "date" else np.int64)
    return pa.array(whole).view(arrow_type(column))
