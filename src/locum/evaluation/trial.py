"""What is judged: real rows, rows kept out, synthetic rows, and the views of them that all judges share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal, cast, get_args

import numpy as np
import numpy.typing as npt

from locum.errors import DataError, UsageError
from locum.evaluation.joints import CellGrid, PairScan, scan_pairs, subsets
from locum.evaluation.learn.cells import Cut, codes_of, cut
from locum.evaluation.learn.features import FeatureView, RankView
from locum.randomness import stream
from locum.schema.column import Column
from locum.schema.domain import Codes
from locum.schema.table import Schema
from locum.schema.validate import CANONICAL
from locum.wording import percent

if TYPE_CHECKING:
    import pyarrow as pa

Part = Literal["train", "synthetic", "learning", "test"]
PARTS: tuple[Part, ...] = get_args(Part)
Rows = npt.NDArray[np.intp]

#: Views hold at most this many values a table (rows x columns); larger tables are thinned at random.
MAX_VALUES = 20_000_000
MAX_ROWS = 200_000
#: Up to this many columns judges use all the rows they want; on wider tables fewer, so that cost is bounded.
WIDE = 30
#: Pairs and triples of columns compared at most.
MAX_PAIRS = 400
MAX_TRIPLES = 300


@dataclass(frozen=True, eq=False)
class Trial:
    """One stand-in before its judges.

    Every view is computed when first asked for and kept; a trial is never changed.

    Parameters
    ----------
    schema
        Columns of all three tables.
    train
        Real rows that the generator learned from.
    synthetic
        Rows to be judged.
    holdout
        Real rows that the generator never saw. None when there are none: then one half of `train` is held
        against the other half where a reference is needed, and `independent_test` is False.
    seed
        Seed of every random choice made by the judges.
    target
        Column that a user wants to predict, or None.
    leaked
        Hold-out rows that were left out of `holdout`, since the generator had learned from them.
    constants
        Columns that say who a person is, where persons have several rows, of which one is judged.

    Raises
    ------
    DataError
        If a table has no rows, lacks a column of the schema, or holds a column that cannot be read as the
        schema's kind.
    UsageError
        If `target` is not a column.
    """

    schema: Schema
    train: pa.Table
    synthetic: pa.Table
    holdout: pa.Table | None = None
    seed: int = 0
    target: str | None = None
    leaked: int = 0
    constants: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.target is not None and self.target not in self.schema.names:
            raise UsageError(
                f"there is no column {self.target!r}",
                where="target",
                expected=f"one of {', '.join(self.schema.names[:12])}",
            )
        for name in ("train", "synthetic", "holdout"):
            table = getattr(self, name)
            if table is not None:
                like = None if name == "train" else self.train.schema
                object.__setattr__(self, name, align(table, self.schema, name, like))

    @property
    def independent_test(self) -> bool:
        """Whether the test rows are rows that the generator never saw."""
        return self.holdout is not None

    @property
    def fresh_rows(self) -> str:
        """What reference values are taken from, in words."""
        if self.independent_test:
            return "fresh real rows"
        return "one half of the real rows against the other"

    def versus(self, reference: float | None) -> str:
        """A reference share in brackets; empty without one."""
        return "" if reference is None else f" ({self.fresh_rows}: {percent(reference)})"

    @property
    def seen_note(self) -> str:
        """A sentence to add where a test on real rows rests on rows that the generator may have seen."""
        if self.independent_test:
            return ""
        return " No rows were kept out, so the generator may have seen the real rows of this test."

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """Columns whose values are compared: all but ids, free text and PII, which are made afresh."""
        return tuple(c for c in self.schema if not c.regenerated)

    @cached_property
    def _halves(self) -> tuple[Rows, Rows]:
        order = stream(self.seed, "trial", "halves").permutation(self.train.num_rows)
        middle = (len(order) + 1) // 2
        return np.sort(order[:middle]), np.sort(order[middle:])

    @cached_property
    def learning(self) -> pa.Table:
        """Real rows to learn from where judges train a model: train, or a half of it without a hold-out."""
        return self.train if self.holdout is not None else self.train.take(self._halves[0])

    @cached_property
    def test(self) -> pa.Table:
        """Real rows to test on: the hold-out, or the other half of train. May be empty (one row in all)."""
        return self.holdout if self.holdout is not None else self.train.take(self._halves[1])

    def rows(self, part: Part) -> pa.Table:
        """The rows of a part, thinned at random when they are too many for the views."""
        return self._thinned[part]

    @cached_property
    def _thinned(self) -> dict[Part, pa.Table]:
        limit = max(1000, min(MAX_ROWS, MAX_VALUES // max(1, len(self.columns))))
        return {
            part: thin(getattr(self, part), limit, stream(self.seed, "trial", "thin", part)) for part in PARTS
        }

    @cached_property
    def cuts(self) -> tuple[Cut, ...]:
        """How each compared column is cut into cells; learned from train."""
        return tuple(cut(c, self.train.column(c.name)) for c in self.columns)

    @cached_property
    def grid(self) -> CellGrid:
        """All parts as cells, and ``independent``: train with every column shuffled, at synthetic length."""
        parts: dict[str, Codes] = {}
        for part, table in self._thinned.items():
            parts[part] = codes_of(self.cuts, table)
        parts["independent"] = self._shuffle(parts["train"], len(parts["synthetic"]))
        return CellGrid(tuple(c.size for c in self.cuts), parts)

    def _shuffle(self, train: Codes, n: int) -> Codes:
        rng = stream(self.seed, "trial", "independent")
        out = np.empty((n, train.shape[1]), dtype=np.int32, order="F")
        for j in range(train.shape[1]):
            out[:, j] = train[spread(len(train), n, rng), j]
        return out

    @cached_property
    def pairs(self) -> PairScan:
        """Comparison of all pairs of columns, or of `MAX_PAIRS` random ones."""
        chosen = subsets(len(self.cuts), 2, MAX_PAIRS, stream(self.seed, "trial", "pairs"))
        return scan_pairs(self.grid, [c.ordered for c in self.cuts], chosen)

    @cached_property
    def features(self) -> FeatureView:
        """How rows become a matrix for boosted trees; levels of the real rows, train and test."""
        import pyarrow as pa

        real = pa.concat_tables([self.train, self.test]) if self.independent_test else self.train
        return FeatureView.learn(self.columns, real)

    @cached_property
    def ranks(self) -> RankView:
        """How rows become ranks and labels for distances; learned from all rows alike.

        Ranks among train rows alone would give two values between the same train values one rank, so that
        rows never seen would look nearer to each other than to train.
        """
        import pyarrow as pa

        compared: tuple[Part, ...] = ("train", "synthetic", "test")
        known = compared if self.independent_test else compared[:2]
        return RankView.learn(self.columns, pa.concat_tables([self.rows(part) for part in known]))

    def budget(self, rows: int, least: int) -> int:
        """Rows for a judge whose cost grows with the columns: `rows` up to `WIDE` columns, then fewer.

        In proportion, but never fewer than `least`.
        """
        return rows if len(self.columns) <= WIDE else max(min(least, rows), rows * WIDE // len(self.columns))

    def sample(self, part: Part, n: int, *names: str) -> pa.Table:
        """At most `n` random rows of a part; the same ones for the same `names`."""
        return thin(getattr(self, part), n, stream(self.seed, "trial", "sample", part, *names))


def thin(table: pa.Table, limit: int, rng: np.random.Generator) -> pa.Table:
    """At most `limit` rows of `table`, drawn without replacement; in random order when rows are dropped."""
    if table.num_rows <= limit:
        return table
    return table.take(rng.choice(table.num_rows, size=limit, replace=False))


def spread(n: int, wanted: int, rng: np.random.Generator) -> Rows:
    """`wanted` row numbers below `n` in random order, each row as often as any other but for one."""
    if n == 0:
        return np.zeros(0, dtype=np.intp)
    whole = np.concatenate(
        [rng.permutation(n) for _ in range(-(-wanted // n))] or [np.zeros(0, dtype=np.intp)]
    )
    return cast(Rows, whole[:wanted])


def align(table: pa.Table, schema: Schema, name: str, like: pa.Schema | None = None) -> pa.Table:
    """The table with the schema's columns in order, each of its kind's canonical Arrow type.

    `name` is what errors call the table; `like` the types of another aligned table to be met exactly (time
    zones).

    Raises
    ------
    DataError
        On a table without rows, a missing column, or a column that cannot be read as its kind.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if table.num_rows == 0:
        raise DataError("the table has no rows", where=name, do="give at least one row")
    absent = [c.name for c in schema if c.name not in table.column_names]
    if absent:
        raise DataError(
            f"{len(absent)} of {len(schema)} columns are absent: {', '.join(repr(a) for a in absent[:5])}",
            where=name,
            expected="the same columns in all tables",
            do="rename or add the columns, or take them out of the schema",
        )
    columns = []
    for c in schema:
        values, wanted = table.column(c.name), canonical_type(c.kind)
        if like is not None:
            wanted = like.field(c.name).type
        elif pa.types.is_timestamp(values.type) and c.kind == "datetime":
            wanted = pa.timestamp("us", tz=values.type.tz)
        if pa.types.is_dictionary(values.type):
            values = values.cast(values.type.value_type)
        if values.type != wanted:
            try:
                values = pc.cast(values, wanted, safe=not pa.types.is_floating(wanted))
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
                raise DataError(
                    f"the column holds {values.type}, which cannot be read as {c.kind}",
                    where=f"{name}.{c.name}",
                    expected=str(wanted),
                    do="read both tables with one schema",
                ) from error
        if pa.types.is_floating(wanted):
            # A NaN is a missing value to everybody who judges.
            values = pc.if_else(pc.is_nan(values), pa.scalar(None, wanted), values)
        columns.append(values)
    return pa.table(columns, names=list(schema.names))


def canonical_type(kind: str) -> pa.DataType:
    """Arrow type of a kind in a canonical table (docs/architecture.md)."""
    from locum.data.arrowtypes import parse_type

    return parse_type(CANONICAL.get(kind, "string"))
