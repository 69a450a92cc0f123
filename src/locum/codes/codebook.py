"""What the coding of one column must offer, whatever its kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
import pyarrow as pa

from locum.arrays import BoolArray
from locum.codes.json_fields import JsonFields
from locum.schema.domain import Attribute, Codes


@dataclass(frozen=True, slots=True)
class Treatment:
    """What was done to one column on its way into the model, in one sentence without data values."""

    column: str
    kind: str
    codes: int
    sentence: str


class Codebook(Protocol):
    """Values of one column <-> codes of its attributes.

    Every codebook also has a ``fit`` classmethod (its arguments differ by family) and a ``from_json`` one.
    """

    #: Name of the family in JSON.
    family: ClassVar[str]

    @property
    def attributes(self) -> tuple[Attribute, ...]:
        """The attributes that the column owns, in order; at least one."""
        ...

    @property
    def exact(self) -> bool:
        """Whether every decoded value stands for one code, so that other columns can be looked up by it."""
        ...

    def encode(self, values: pa.Array) -> list[Codes]:
        """One int32 array per attribute; never fails on unseen values of the right Arrow type."""
        ...

    def decode(self, codes: Sequence[Codes], rng: np.random.Generator) -> pa.Array:
        """Canonical values for valid codes; draws what the codes leave open from `rng`."""
        ...

    def treatment(self) -> Treatment:
        """What was done to the column, in one sentence."""
        ...

    def to_json(self) -> dict[str, Any]:
        """JSON-ready state."""
        ...


class ColumnCode(JsonFields):
    """What codebooks have in common: their JSON leaves out what the schema says of the column."""

    __slots__ = ()
    unwritten = frozenset({"name", "kind", "stand_in"})


class OneAttribute(ColumnCode):
    """A codebook with one attribute, of which the last code is missing where missing values were seen."""

    __slots__ = ()
    ordered: ClassVar[bool] = False

    name: str
    has_nulls: bool

    @property
    def size(self) -> int:
        """Number of codes."""
        raise NotImplementedError

    @property
    def attributes(self) -> tuple[Attribute, ...]:
        """The one attribute."""
        null = self.size - 1 if self.has_nulls else None
        return (Attribute(self.name, self.name, self.size, self.ordered, null),)


def null_mask(values: pa.Array) -> BoolArray:
    """Where values are missing; bool, shape (n,)."""
    if values.null_count == 0:
        return np.zeros(len(values), dtype=bool)
    return np.asarray(values.is_null())


def with_nulls(values: pa.Array, missing: BoolArray) -> pa.Array:
    """The same values with nulls where `missing` says so."""
    if not missing.any():
        return values
    import pyarrow.compute as pc

    return pc.if_else(pa.array(missing), pa.scalar(None, values.type), values)


def plural(n: int, one: str, many: str = "") -> str:
    """A count with its noun: ``1 level``, ``1,204 levels``."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"
