"""What is coded in the place of a column so that a rule of the table holds by construction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
import pyarrow as pa

from locum.codes.codebook import ColumnCode, Treatment
from locum.schema.column import Column
from locum.schema.domain import Attribute, Codes

Values = Mapping[str, pa.Array]


class Recoding(Protocol):
    """A reversible change of columns: values of the table <-> what is coded in their place."""

    @property
    def gives(self) -> tuple[str, ...]:
        """Columns of the table that it gives back."""
        ...

    @property
    def inputs(self) -> tuple[str, ...]:
        """Other columns of the table that it needs for that."""
        ...

    @property
    def coded(self) -> Column | None:
        """What is coded in place of what it gives; None when nothing is, because all of it follows."""
        ...

    @property
    def rules(self) -> tuple[str, ...]:
        """Texts of the rules that hold by it in every row that it gives back."""
        ...

    @property
    def how(self) -> str:
        """How it keeps its rules, in a few words."""
        ...

    @property
    def alone(self) -> bool:
        """Whether what is coded is known from what it gives, without its inputs."""
        ...

    def forth(self, own: Values, table: Values) -> pa.Array | None:
        """What is coded, from what it gives (perhaps recoded before) and the whole table."""
        ...

    def back(self, own: Any, table: Values) -> dict[str, pa.Array]:
        """What it gives, from what was coded and its inputs."""
        ...

    def sentence(self) -> str:
        """What it does, in one sentence without data values."""
        ...

    def to_json(self) -> dict[str, Any]:
        """JSON-ready state."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class RestoredCodebook(ColumnCode):
    """The place of a column that a `Recoding` gives back: nothing is coded.

    Attributes
    ----------
    name, kind
        The column.
    words
        What is done to it, in one sentence.
    """

    family: ClassVar[str] = "restored"
    exact: ClassVar[bool] = True

    name: str
    kind: str
    words: str

    @property
    def attributes(self) -> tuple[Attribute, ...]:
        """One attribute of size 1: nothing to model."""
        return (Attribute(self.name, self.name, 1, False, None),)

    def encode(self, values: pa.Array) -> list[Codes]:
        """All zero."""
        return [np.zeros(len(values), dtype=np.int32)]

    def decode(self, codes: Sequence[Codes], rng: np.random.Generator) -> pa.Array:
        """Nulls; the encoder, which knows the recoding, asks that instead."""
        return pa.nulls(len(codes[0]))

    def treatment(self) -> Treatment:
        """In one sentence."""
        return Treatment(self.name, self.kind, 1, self.words)
