"""Whom the guarantee protects: a row, or whoever an id column names, with a bounded number of rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from locum.errors import FileFormatError, UsageError
from locum.privacy.random_bits import Bits, SystemBits

Adjacency = Literal["add-remove", "replace"]


@dataclass(frozen=True, slots=True)
class Unit:
    """The unit of privacy.

    Attributes
    ----------
    column
        Name of the id column whose values are the units; None when every row is a unit of its own.
    rows
        At most so many rows of one unit are kept (k in formulas); 1 for rows.
    adjacency
        Two data sets are neighbours when one has one unit more (``add-remove``), or when one unit's rows are
        exchanged for others (``replace``; the number of units is then public).
    """

    column: str | None = None
    rows: int = 1
    adjacency: Adjacency = "add-remove"

    def __post_init__(self) -> None:
        if isinstance(self.rows, bool) or not isinstance(self.rows, int) or not 1 <= self.rows <= 10**6:
            raise UsageError("rows per unit is not usable", where="unit", expected="a whole number from 1")
        if self.column is None and self.rows != 1:
            raise UsageError(
                "several rows per unit need to know the unit", where="unit", do="name the id column"
            )
        if self.adjacency not in ("add-remove", "replace"):
            raise UsageError("there is no such adjacency", where="unit", expected="add-remove or replace")

    @property
    def l2(self) -> float:
        """How much one unit can change one table of counts, in Euclidean length."""
        return self.rows * (2.0**0.5 if self.adjacency == "replace" else 1.0)

    @property
    def l1(self) -> int:
        """How much one unit can change one table of counts, summed over its cells."""
        return self.rows * (2 if self.adjacency == "replace" else 1)

    def __str__(self) -> str:
        if self.column is None:
            return "row"
        return f"{self.column}, at most {self.rows} {'row' if self.rows == 1 else 'rows'} each"

    def to_json(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {"column": self.column, "rows": self.rows, "adjacency": self.adjacency}

    @classmethod
    def from_json(cls, obj: object) -> Unit:
        """Rebuild a unit; raises FileFormatError on anything `to_json` cannot have written."""
        if not isinstance(obj, dict) or set(obj) != {"column", "rows", "adjacency"}:
            raise FileFormatError("is not a unit of privacy", where="unit")
        if not (obj["column"] is None or isinstance(obj["column"], str)):
            raise FileFormatError("has no usable column", where="unit")
        try:
            return cls(obj["column"], obj["rows"], obj["adjacency"])
        except UsageError as error:
            raise FileFormatError(error.what, where="unit") from error


def bound_units(ids: npt.NDArray[np.int64], rows: int, bits: Bits | None = None) -> npt.NDArray[np.bool_]:
    """Which rows to keep so that no unit has more than `rows`; a random choice within each unit.

    Parameters
    ----------
    ids
        int64, shape (n_rows,): equal numbers are one unit; a negative number is no known unit, and its row is
        never kept (raising an error would tell that there is one).
    rows
        How many rows a unit may keep.
    bits
        Randomness of the choice; the operating system's by default.

    Returns
    -------
    bool, shape (n_rows,).

    Notes
    -----
    What is kept of a unit depends on that unit's rows and on chance only, so that adding or removing a unit
    changes at most `rows` kept rows. Cost: one sort.
    """
    keys = (bits or SystemBits()).words(len(ids))
    order = np.lexsort((keys, ids))
    starts = np.flatnonzero(np.concatenate(([True], np.diff(ids[order]) != 0)))[: len(ids)]
    lengths = np.diff(np.append(starts, len(ids)))
    rank = np.arange(len(ids)) - np.repeat(starts, lengths)
    keep = np.zeros(len(ids), dtype=np.bool_)
    keep[order] = rank < rows
    return keep & (ids >= 0)
