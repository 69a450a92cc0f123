"""The space of codes a table lives in: one small set of integers per attribute, no data values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

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


@dataclass(frozen=True, slots=True, eq=False)
class Calculated:
    """A code that follows from others: never drawn, but good to know for what is drawn after them.

    Attributes
    ----------
    attribute
        What it is called and how many codes it has.
    of
        Positions of the attributes that it follows from.
    cells
        For each of them the cell of every code.
    table
        The code, by the cells; int32, one axis for each of them.
    """

    attribute: Attribute
    of: tuple[int, ...]
    cells: tuple[npt.NDArray[np.int32], ...]
    table: npt.NDArray[np.int32]

    def __call__(self, codes: Codes) -> Codes:
        """The code of each row; shape (n_rows,)."""
        at = tuple(cell[codes[:, i]] for i, cell in zip(self.of, self.cells, strict=True))
        return self.table[at]


@dataclass(frozen=True, slots=True)
class Domain:
    """The attributes of a coded table, in order, and what can be calculated from them."""

    attributes: tuple[Attribute, ...]
    calculated: tuple[Calculated, ...] = field(default=(), compare=False, repr=False)
    # Asked millions of times for all pairs of a wide table, hence kept.
    _places: dict[str, int] = field(init=False, repr=False, compare=False)
    _sizes: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        places: dict[str, int] = {}
        for i, attribute in enumerate(self.attributes):
            places.setdefault(attribute.name, i)
        object.__setattr__(self, "_places", places)
        object.__setattr__(self, "_sizes", tuple(a.size for a in self.attributes))

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of codes of each attribute."""
        return self._sizes

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


class CodedRows(Protocol):
    """Coded rows that a generator learns from, wherever they lie: `Coded` in memory, or a `CompactRows`."""

    @property
    def domain(self) -> Domain:
        """The attributes."""
        ...

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        ...

    def column(self, i: int) -> Codes:
        """Codes of attribute `i`; int32, shape (n_rows,)."""
        ...

    def take(self, rows: npt.NDArray[np.int64]) -> Codes:
        """Some rows by number; int32, shape (len(rows), n_attributes), Fortran order."""
        ...

    def blocks(self, size: int) -> Iterator[Codes]:
        """All rows in order, at most `size` at a time; int32."""
        ...


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

    def take(self, rows: npt.NDArray[np.int64]) -> Codes:
        """Some rows by number; int32, shape (len(rows), n_attributes), Fortran order."""
        return np.asfortranarray(self.codes[rows])

    def blocks(self, size: int) -> Iterator[Codes]:
        """All rows in order, at most `size` at a time; views of `codes`."""
        return (self.codes[start : start + size] for start in range(0, self.n_rows, size))


class CompactRows:
    """Coded rows that came in blocks, kept column by column in the smallest integers that hold them.

    Parameters
    ----------
    domain
        The attributes.
    blocks
        Codes of some rows at a time, each of shape (rows, n_attributes), read once.

    Notes
    -----
    Memory: one byte a cell for columns of up to 256 codes, two up to 65,536, and one block. A table larger
    than memory thus becomes a few bytes a row and column.
    """

    def __init__(self, domain: Domain, blocks: Iterable[Codes]) -> None:
        self.domain = domain
        pieces: list[list[npt.NDArray[np.integer]]] = [[] for _ in domain]
        self.n_rows = 0
        for block in blocks:
            if block.ndim != 2 or block.shape[1] != len(domain):
                raise ValueError(f"codes of shape {block.shape} do not fit {len(domain)} attributes")
            self.n_rows += len(block)
            for i, size in enumerate(domain.sizes):
                pieces[i].append(block[:, i].astype(np.min_scalar_type(max(size - 1, 0))))
        self._columns = [np.concatenate(p) if p else np.empty(0, dtype=np.uint8) for p in pieces]

    def column(self, i: int) -> Codes:
        """Codes of attribute `i`; int32, shape (n_rows,)."""
        return self._columns[i].astype(np.int32)

    def take(self, rows: npt.NDArray[np.int64]) -> Codes:
        """Some rows by number; int32, shape (len(rows), n_attributes), Fortran order."""
        out = np.empty((len(rows), len(self.domain)), dtype=np.int32, order="F")
        for i, column in enumerate(self._columns):
            out[:, i] = column[rows]
        return out

    def blocks(self, size: int) -> Iterator[Codes]:
        """All rows in order, at most `size` at a time."""
        places = (np.arange(start, min(start + size, self.n_rows)) for start in range(0, self.n_rows, size))
        return (self.take(place) for place in places)
