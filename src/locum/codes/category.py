"""Labels: the levels that enough rows share get a code each, the others are pooled and never written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from locum.arrays import FloatArray
from locum.codes.codebook import OneAttribute, Treatment, null_mask, plural
from locum.codes.json_fields import Wire
from locum.codes.settings import EncoderSettings
from locum.schema.column import Column
from locum.schema.domain import Codes


@dataclass(frozen=True, slots=True, eq=False)
class CategoryCodebook(OneAttribute):
    """Coding of a category column.

    Codes are the levels, the most frequent first (ties by text), then ``other`` where rare levels were
    pooled, then ``null`` where missing values were seen.

    Attributes
    ----------
    name
        The column.
    levels
        Arrow strings, shape (n_levels,).
    weights
        Share of each level among the rows that have one, rounded to 6 digits; shape (n_levels,).
    has_other, has_nulls
        Whether the two special codes exist.
    stand_in
        What ``other`` becomes when there is no level to draw (every level was rare); None writes a missing
        value.
    pooled
        How many levels were pooled.
    """

    family: ClassVar[str] = "category"
    exact: ClassVar[bool] = True

    name: str
    levels: pa.Array
    weights: FloatArray
    has_other: bool
    has_nulls: bool
    stand_in: str | None
    pooled: int

    @classmethod
    def fit(cls, values: pa.Array, column: Column, settings: EncoderSettings) -> CategoryCodebook:
        """Count the levels and keep those seen in at least `settings.rare_rows` rows.

        Declared levels (`Column.levels`) are public: all keep a code, anything else goes to ``other``.
        """
        present = values.drop_null()
        tally = pc.value_counts(present)
        texts, counts = tally.field("values"), np.asarray(tally.field("counts"), dtype=np.float64)
        if column.levels is not None:
            declared = pa.array(list(dict.fromkeys(column.levels)), type=pa.string())
            at = np.asarray(pc.fill_null(pc.index_in(texts, value_set=declared), -1))
            kept_counts: FloatArray = np.bincount(
                at[at >= 0], weights=counts[at >= 0], minlength=len(declared)
            ).astype(np.float64)
            kept, pooled = declared, int((at < 0).sum())
        else:
            keep = counts >= settings.rare_rows
            kept, kept_counts = texts.filter(pa.array(keep)), counts[keep]
            pooled = int((~keep).sum())
        order = _by_frequency(kept, kept_counts)
        if settings.max_levels is not None and len(order) > settings.max_levels:
            pooled += len(order) - settings.max_levels
            order = order[: settings.max_levels]
        kept, kept_counts = kept.take(pa.array(order)), kept_counts[order]
        has_nulls = values.null_count > 0 or (len(kept) == 0 and pooled == 0)
        weights = np.round(kept_counts / max(1.0, kept_counts.sum()), 6)
        return cls(column.name, kept, weights, pooled > 0, has_nulls, _stand_in(column, has_nulls), pooled)

    @property
    def size(self) -> int:
        """Number of codes."""
        return len(self.levels) + int(self.has_other) + int(self.has_nulls)

    def encode(self, values: pa.Array) -> list[Codes]:
        """Codes; unseen levels go to ``other``, without it to the most frequent level.

        A missing value in a column that had none goes where unseen levels go.
        """
        fallback = len(self.levels) if self.has_other else 0
        found = pc.fill_null(pc.index_in(values, value_set=self.levels), fallback)
        codes = np.array(found, dtype=np.int32)
        if self.has_nulls:
            codes[null_mask(values)] = self.size - 1
        return [codes]

    def decode(self, codes: Sequence[Codes], rng: np.random.Generator) -> pa.Array:
        """Levels; ``other`` draws among the levels by their share."""
        at = codes[0]
        if len(self.levels) == 0:
            other = self.stand_in if self.has_other else None
            texts = pa.array([other, None], type=pa.string())
            return texts.take(pa.array((at != 0).astype(np.int32) if self.has_other else np.ones_like(at)))
        pooled = at == len(self.levels) if self.has_other else np.zeros(len(at), dtype=bool)
        if pooled.any():
            at = at.copy()
            total = float(self.weights.sum())
            weights = self.weights / total if total > 0 else None
            at[pooled] = rng.choice(len(self.levels), size=int(pooled.sum()), p=weights)
        missing = at >= len(self.levels)
        return self.levels.take(pa.array(at, mask=missing))

    def treatment(self) -> Treatment:
        """In one sentence."""
        words = f"{plural(len(self.levels), 'level')} kept"
        if self.has_other:
            rare = plural(self.pooled, "rare level") if self.pooled else "any other level"
            own = len(self.levels) > 1 and float(self.weights[-1]) == 1.0
            words += f", {rare} pooled and " + (f"written as {self.levels[-1]}" if own else "never written")
        words += ", missing values kept as a level of their own" if self.has_nulls else ""
        return Treatment(self.name, "category", self.size, f"{words}.")

    @classmethod
    def from_json(cls, wire: Wire, column: Column) -> CategoryCodebook:
        """Read back what `to_json` gave; FileFormatError on anything else."""
        levels = wire.texts("levels")
        if len(set(levels)) != len(levels):
            raise wire.fail("levels", "different levels")
        book = cls(
            column.name,
            pa.array(levels, type=pa.string()),
            wire.numbers("weights", length=len(levels), low=0.0, high=1.0),
            wire.boolean("has_other"),
            wire.boolean("has_nulls"),
            _stand_in(column, wire.boolean("has_nulls")),
            wire.integer("pooled", low=0),
        )
        if book.size == 0:
            raise wire.fail("levels", "a column with at least one code")
        return book


def _by_frequency(levels: pa.Array, counts: FloatArray) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Order of the levels, the most frequent first, ties by text."""
    if len(levels) == 0:
        return np.zeros(0, dtype=np.int64)
    table = pa.table({"count": -counts, "level": levels})
    order = pc.sort_indices(table, sort_keys=[("count", "ascending"), ("level", "ascending")])
    return np.asarray(order, dtype=np.int64)


def _stand_in(column: Column, has_nulls: bool) -> str | None:
    """What to write when every level was too rare to be written; missing only where that was seen."""
    if has_nulls:
        return None
    return "other" if column.storage in ("string", "large_string", "string_view", "dictionary") else "0"
