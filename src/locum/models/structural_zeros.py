"""Structural zeros: what is known in advance to be impossible, in values and as masks over codes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from locum.codes.calendar import CalendarCodebook
from locum.codes.category import CategoryCodebook
from locum.codes.encoder import Encoder, arrow_type
from locum.codes.numeric import NumericCodebook
from locum.errors import UsageError
from locum.models.marginal.triangulate import Clique, canonical
from locum.schema.domain import Domain

Mask = npt.NDArray[np.bool_]
#: For each column of a rule the labels, or the lowest and highest value, that cannot go together.
Rule = Mapping[str, Sequence[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Impossible:
    """Combinations that cannot happen.

    Attributes
    ----------
    attributes
        Names, in the order of the axes of `mask`.
    mask
        Boolean, one axis an attribute: True where impossible.
    """

    attributes: tuple[str, ...]
    mask: Any


def zero_cells(rules: Iterable[Impossible], domain: Domain) -> list[tuple[Clique, Mask]]:
    """The rules by attribute numbers, axes in canonical order.

    Raises
    ------
    UsageError
        When a rule names an unknown attribute, one twice, or its mask has another shape.
    """
    found = []
    for rule in rules:
        names = tuple(rule.attributes)
        unknown = [n for n in names if n not in domain.names]
        if unknown or len(set(names)) != len(names) or not names:
            what = (
                f"there is no attribute {unknown[0]!r}"
                if unknown
                else "an attribute comes twice, or none does"
            )
            raise UsageError(what, where="impossible combinations", expected="names of attributes")
        ids = [domain.index(n) for n in names]
        mask = np.asarray(rule.mask, dtype=bool)
        if mask.shape != tuple(domain.sizes[a] for a in ids):
            raise UsageError(
                f"a mask of shape {mask.shape} does not fit {', '.join(names)}",
                where="impossible combinations",
                expected=f"shape {tuple(domain.sizes[a] for a in ids)}",
            )
        clique = canonical(ids, domain.sizes)
        found.append((clique, np.ascontiguousarray(mask.transpose([ids.index(a) for a in clique]))))
    return found


def impossible_codes(rules: Sequence[Rule], encoder: Encoder) -> tuple[Impossible, ...]:
    """Rules as masks over codes, for models that take ``zeros``.

    Parameters
    ----------
    rules
        Each maps columns to what cannot occur together: for labels and booleans a list of values, for numbers
        and durations (in their own units; durations in seconds) and dates a pair (lowest, highest).
    encoder
        The coding. A code is meant as soon as it can be decoded to a value of the rule, so that the rule
        holds in every row: of an ordered column all cells that reach into the range, and of labels ``other``
        too, which is written as one of the levels. Declared bounds that meet the rule's avoid the excess.

    Raises
    ------
    UsageError
        For an unknown column, one that is not modelled, or a rule about no column.
    """
    found = []
    for rule in rules:
        if not rule:
            raise UsageError("a rule names no column", where="impossible")
        masks = [_mask(name, values, encoder) for name, values in rule.items()]
        mask = masks[0]
        for other in masks[1:]:
            mask = mask[..., None] & other
        found.append(Impossible(tuple(rule), mask))
    return tuple(found)


def _mask(name: str, values: Sequence[Any], encoder: Encoder) -> Mask:
    """Which codes of a column are meant; shape (size,)."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if name not in encoder.schema.names:
        raise UsageError(f"there is no column {name!r}", where="impossible")
    column = encoder.schema[name]
    book = encoder.by_name[name]
    mask = np.zeros(book.attributes[0].size, dtype=bool)
    if column.kind in ("category", "boolean"):
        known = pa.array(list(values), arrow_type(column))
        if column.kind == "category":
            known = known.filter(pc.is_in(known, value_set=pa.array(column.levels or (), pa.string())))
        mask[book.encode(known)[0]] = True
        if isinstance(book, CategoryCodebook) and book.has_other and mask.any():
            mask[len(book.levels)] = True
        return mask
    grid = None
    if isinstance(book, NumericCodebook):
        scale = 1e6 if column.kind == "duration" else 1.0
        grid, (low, high) = book.grid, book.lattice.to_units(np.array(_pair(name, values)) * scale)
    elif isinstance(book, CalendarCodebook):
        days = [int(np.datetime64(v, "D").astype(np.int64)) for v in _pair(name, values)]
        grid, (low, high) = book.days, days
    if grid is None:
        raise UsageError("the column is made afresh, so no rule can be about it", where=f"impossible.{name}")
    mask[: grid.size] = (grid.low <= high) & (grid.high >= low)
    return mask


def _pair(name: str, values: Sequence[Any]) -> Sequence[Any]:
    if len(values) != 2:
        raise UsageError(
            "an ordered column needs two values", where=f"impossible.{name}", expected="(lowest, highest)"
        )
    return values
