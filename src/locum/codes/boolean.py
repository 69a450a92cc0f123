"""Truth values: false is 0, true is 1, missing is 2 where it was seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa

from locum.codes.codebook import OneAttribute, Treatment, with_nulls
from locum.codes.json_fields import Wire
from locum.codes.settings import EncoderSettings
from locum.schema.column import Column
from locum.schema.domain import Codes


@dataclass(frozen=True, slots=True)
class BooleanCodebook(OneAttribute):
    """Coding of a boolean column.

    Attributes
    ----------
    name
        The column.
    has_values, has_nulls
        Whether anything, and whether missing values, were seen in fit. A column without any value has
        the one code ``null``.
    mode
        The more frequent value: where a missing value goes when none was seen in fit.
    """

    family: ClassVar[str] = "boolean"
    exact: ClassVar[bool] = True

    name: str
    has_values: bool
    has_nulls: bool
    mode: int

    @classmethod
    def fit(cls, values: pa.Array, column: Column, settings: EncoderSettings) -> BooleanCodebook:
        """Look at which of false, true and missing occur; `settings` is not needed."""
        true = int(values.true_count)
        present = len(values) - int(values.null_count)
        return cls(column.name, present > 0, values.null_count > 0 or present == 0, int(2 * true > present))

    @property
    def size(self) -> int:
        """Number of codes."""
        return (2 if self.has_values else 0) + int(self.has_nulls)

    def encode(self, values: pa.Array) -> list[Codes]:
        """Codes; a missing value in a column that had none goes to the more frequent value."""
        if not self.has_values:
            return [np.zeros(len(values), dtype=np.int32)]
        import pyarrow.compute as pc

        codes = np.asarray(pc.fill_null(values.cast(pa.int8()), 2 if self.has_nulls else self.mode))
        return [codes.astype(np.int32)]

    def decode(self, codes: Sequence[Codes], rng: np.random.Generator) -> pa.Array:
        """Truth values; `rng` is not needed."""
        if not self.has_values:
            return pa.nulls(len(codes[0]), pa.bool_())
        return with_nulls(pa.array(codes[0] == 1), codes[0] == 2)

    def treatment(self) -> Treatment:
        """In one sentence."""
        words = "false and true" if self.has_values else "nothing but missing values"
        words += " and missing" if self.has_values and self.has_nulls else ""
        return Treatment(self.name, "boolean", self.size, f"Coded as {words}.")

    @classmethod
    def from_json(cls, wire: Wire, column: Column) -> BooleanCodebook:
        """Read back what `to_json` gave; FileFormatError on anything else."""
        book = cls(
            column.name,
            wire.boolean("has_values"),
            wire.boolean("has_nulls"),
            wire.integer("mode", low=0, high=1),
        )
        if not (book.has_values or book.has_nulls):
            raise wire.fail("has_values", "a column with at least one code")
        return book
