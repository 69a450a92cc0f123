"""What is known of persons with several rows: how many they have, and what is the same in all of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from locum.arrays import IntArray
from locum.codes.json_fields import JsonFields, Wire
from locum.data.distinct import distinct
from locum.schema.table import Schema

#: A column is the same for a person when at most this share of the persons with several rows say otherwise:
#: slips of the pen, which are not learned.
SLIPS = 0.01
#: Persons with several rows that must agree, for chance not to explain it.
AGREEING = 5
#: No person may have more rows than this in a model file.
_MOST = 2**31


@dataclass(frozen=True, slots=True)
class EntityForm(JsonFields):
    """The form of the persons behind the rows; no person is kept.

    Attributes
    ----------
    name
        Column that says whose row it is.
    constants
        Columns with the same value in all rows of one person that are learned.
    made, ratios
        Such columns that are made afresh, and their different values per person, 0-1.
    sizes, counts
        Numbers of rows that persons have, ascending, and how many persons have them.
    unknown
        Rows of which nobody is said to be the owner.
    together
        Whether the rows of each person stand together.
    """

    name: str
    constants: tuple[str, ...]
    made: tuple[str, ...]
    ratios: tuple[float, ...]
    sizes: tuple[int, ...]
    counts: tuple[int, ...]
    unknown: int
    together: bool

    @classmethod
    def fit(cls, table: pa.Table, schema: Schema) -> EntityForm:
        """Look at a canonical table whose schema names an entity.

        Cost: one sort of pairs of codes for each column.
        """
        assert schema.entity is not None
        person = distinct(table.column(schema.entity)).index
        owned = person >= 0
        whose = person[owned]
        rows_of = np.bincount(whose)
        constants, made, ratios = [], [], []
        for column in schema:
            if column.name == schema.entity:
                continue
            held = distinct(table.column(column.name))
            if not _constant(whose, held.index[owned], rows_of):
                continue
            if column.regenerated:
                made.append(column.name)
                ratios.append(round(min(1.0, len(held.values) / max(len(rows_of), 1)), 4))
            else:
                constants.append(column.name)
        sizes, counts = np.unique(rows_of[rows_of > 0], return_counts=True)
        changes = int((np.diff(whose) != 0).sum()) + (len(whose) > 0)
        return cls(
            schema.entity,
            tuple(constants),
            tuple(made),
            tuple(ratios),
            tuple(sizes.tolist()),
            tuple(counts.tolist()),
            int((~owned).sum()),
            changes == len(rows_of),
        )

    @property
    def persons(self) -> int:
        """How many there are."""
        return sum(self.counts)

    @property
    def rows(self) -> int:
        """How many rows they have, those of nobody left out."""
        return sum(size * n for size, n in zip(self.sizes, self.counts, strict=True))

    def draw_sizes(self, n: int, rng: np.random.Generator) -> IntArray:
        """Rows of each person for `n` rows in all, in random order: the real distribution.

        As many rows as were seen give each size just as often as it was seen. For other numbers each size
        comes up as often as its share says, to one; the last person takes what is left over.
        """
        real = np.repeat(np.array(self.sizes, dtype=np.int64), self.counts)
        if len(real) == 0 or n == 0:
            return np.ones(n, dtype=np.int64)
        wanted = max(1, round(n * len(real) / int(real.sum())))
        # systematic sampling: every 1/wanted of the ascending sizes gives one
        at = ((np.arange(wanted) + rng.random()) * len(real) / wanted).astype(np.int64)
        sizes = real if wanted == len(real) else real[np.minimum(at, len(real) - 1)]
        sizes = rng.permutation(sizes)
        ends = np.cumsum(sizes)
        if ends[-1] < n:
            left = n - int(ends[-1])
            whole, rest = divmod(left, int(real.max()))
            return np.concatenate([sizes, np.full(whole, int(real.max())), [rest] if rest else []]).astype(
                np.int64
            )
        keep = int(np.searchsorted(ends, n)) + 1
        sizes = sizes[:keep].copy()
        sizes[-1] -= int(ends[keep - 1]) - n
        return sizes

    @classmethod
    def from_json(cls, wire: Wire, schema: Schema) -> EntityForm:
        """Read back what `to_json` gave; FileFormatError on anything else."""
        name = wire.text("name")
        if name != schema.entity:
            raise wire.fail("name", "the entity of the schema")
        constants, made = wire.texts("constants"), wire.texts("made")
        named = [*constants, *made]
        if len(set(named)) < len(named) or name in named or not set(named) <= set(schema.names):
            raise wire.fail("constants", "columns of the schema, each once")
        if any(schema[c].regenerated for c in constants) or not all(schema[c].regenerated for c in made):
            raise wire.fail("made", "the columns that are made afresh")
        ratios = wire.numbers("ratios", length=len(made), low=0.0, high=1.0)
        sizes = wire.integers("sizes", low=1, high=_MOST)
        counts = wire.integers("counts", length=len(sizes), low=1, high=_MOST)
        return cls(
            name,
            tuple(constants),
            tuple(made),
            tuple(ratios.tolist()),
            tuple(sizes.tolist()),
            tuple(counts.tolist()),
            wire.integer("unknown", low=0, high=_MOST),
            wire.boolean("together"),
        )


def once_each(values: pa.Array, whose: IntArray) -> pa.Array:
    """The values, each once for each person: what is counted then are persons, not rows.

    Parameters
    ----------
    values
        One value a row.
    whose
        Number of the person of each row, -1 where nobody is known.
    """
    index = distinct(values).index
    owned = whose >= 0
    person = np.where(owned, whose, int(whose.max(initial=-1)) + np.cumsum(~owned))
    pairs = person * (int(index.max(initial=0)) + 2) + index + 1
    _, first = np.unique(pairs, return_index=True)
    return values.take(pa.array(np.sort(first)))


def _constant(whose: IntArray, values: IntArray, rows_of: IntArray) -> bool:
    """Whether a column is the same in all rows of nearly every person; missing is a value."""
    pairs = np.unique(whose * (int(values.max(initial=0)) + 2) + values + 1)
    kinds = np.bincount(pairs // (int(values.max(initial=0)) + 2), minlength=len(rows_of))
    several = rows_of > 1
    agree = int((kinds[several] == 1).sum())
    return agree >= AGREEING and int(several.sum()) - agree <= SLIPS * int(several.sum())
