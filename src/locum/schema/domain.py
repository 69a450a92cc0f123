"""The space of codes a table lives in: one small set of integers per attribute, no data values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Attribute:
    """One code column.

    A table column owns one attribute of the same name, or several (a datetime owns ``visit`` for the day
    and ``visit:time`` for the time of day).

    Attributes
    ----------
    name, column
        Name of the attribute, and of the table column that owns it.
    size
        Codes run from 0 to ``size - 1``. Size 1 means constant: nothing to model.
    ordered
        Codes ascend with the value (``null`` excepted).
    null
        Code that stands for a missing value; always the last code where there is one.
    """

    name: str
    column: str
    size: int
    ordered: bool
    null: int | None = None


@dataclass(frozen=True, slots=True)
class Domain:
    """The attributes of a coded table, in order."""

    attributes: tuple[Attribute, ...]
    # Asked millions of times for all pairs of a wide table, hence kept.
    _places: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        places: dict[str, int] = {}
        for i, attribute in enumerate(self.attributes):
            places.setdefault(attribute.name, i)
        object.__setattr__(self, "_places", places)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of codes of each attribute."""
        return tuple(a.size for a in self.attributes)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the attributes in order."""
        return tuple(a.name for a in self.attributes)

    def index(self, name: str) -> int:
        """Position of an attribute; KeyError when there is none of that name."""
        return self._places[name]

    def project(self, names: Sequence[str]) -> Domain:
        """The domain of some attributes, in the order given."""
        return Domain(tuple(self.attributes[self.index(n)] for n in names))

    def __len__(self) -> int:
        return len(self.attributes)

    def __iter__(self) -> Iterator[Attribute]:
        return iter(self.attributes)


@dataclass(frozen=True, slots=True)
class Coded:
    """A table as codes.

    Attributes
    ----------
    domain
        What the columns of `codes` are.
    codes
        int32, shape (n_rows, n_attributes), column-major (Fortran order) so that a column is contiguous.
    """

    domain: Domain
    codes: Codes

    def __post_init__(self) -> None:
        if self.codes.ndim != 2 or self.codes.shape[1] != len(self.domain):
            raise ValueError(f"codes of shape {self.codes.shape} do not fit {len(self.domain)} attributes")

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return int(self.codes.shape[0])

    def column(self, i: int) -> Codes:
        """Codes of attribute `i`, shape (n_rows,)."""
        return self.codes[:, i]
