"""Groups of rows by protected columns, one at a time and crossed, with a least number of rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from locum.arrays import Int32Array
from locum.evaluation.learn.cells import level_codes, levels_of, numeric, quantile_edges, texts
from locum.evaluation.trial import Trial
from locum.schema.column import Column

if TYPE_CHECKING:
    import pyarrow as pa


#: A group with fewer real rows (train, and test where models are judged) is named but not measured.
LEAST = 30
#: Levels of a column that are kept apart; an ordered column is cut into so many parts.
MAX_GROUPS, PARTS = 12, 4
#: What missing values are called.
MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Grouping:
    """How rows fall into groups.

    Attributes
    ----------
    name
        The column, or the columns joined by `` x ``.
    columns
        Names of the protected columns.
    labels
        Names of the groups; a row of no group (rare or new levels) has the code ``len(labels)``.
    """

    name: str
    columns: tuple[str, ...]
    labels: tuple[str, ...]
    _parts: tuple[_Single, ...]
    _kept: tuple[int, ...]

    def codes(self, table: pa.Table) -> Int32Array:
        """Group of each row; shape (n_rows,)."""
        whole = np.zeros(table.num_rows, dtype=np.int64)
        size, ok = 1, np.ones(table.num_rows, dtype=bool)
        for part in self._parts:
            own = part.codes(table)
            ok &= own < len(part.labels)
            whole = whole * len(part.labels) + np.minimum(own, len(part.labels) - 1)
            size *= len(part.labels)
        place = np.full(size, len(self._kept), dtype=np.int32)
        place[list(self._kept)] = np.arange(len(self._kept), dtype=np.int32)
        out = place[whole]
        out[~ok] = len(self._kept)
        return np.asarray(out)

    def only(self, names: Sequence[str]) -> Grouping:
        """The same with fewer groups; rows of the others are of no group."""
        at = [i for i, name in enumerate(self.labels) if name in names]
        labels, kept = (tuple(some[i] for i in at) for some in (self.labels, self._kept))
        return replace(self, labels=labels, _kept=kept)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class _Single:
    """One protected column: levels, or parts of an ordered one; missing is a group of its own."""

    column: Column
    labels: tuple[str, ...]
    levels: tuple[str, ...]
    edges: tuple[float, ...]
    missing: bool

    @classmethod
    def learn(cls, column: Column, real: pa.ChunkedArray) -> _Single:
        missing = real.null_count > 0
        more = (MISSING,) if missing else ()
        if not column.ordered:
            levels = levels_of(real)[:MAX_GROUPS]
            return cls(column, levels + more, levels, (), missing)
        x = numeric(real)
        x = x[np.isfinite(x)]
        edges = tuple(quantile_edges(x, PARTS).tolist()) if len(x) else ()
        # A cut at the lowest value would leave an empty first part.
        edges = tuple(e for e in edges if e > x.min())
        labels = tuple(f"part {i + 1} of {len(edges) + 1}" for i in range(len(edges) + 1))
        if column.kind in ("integer", "number"):
            ends = [f"{e:g}" for e in edges]
            labels = tuple(
                f"below {ends[i]}" if i == 0 and ends else f"from {ends[i - 1]}" if ends else "all"
                for i in range(len(edges) + 1)
            )
        return cls(column, labels + more, (), edges, missing)

    def codes(self, table: pa.Table) -> Int32Array:
        values = table.column(self.column.name)
        none = len(self.labels)
        null = none - 1 if self.missing else none
        if not self.column.ordered:
            codes = level_codes(texts(values), self.levels)
            out = np.where(codes < len(self.levels), codes, none)
            out[codes == len(self.levels) + 1] = null
            return out.astype(np.int32)
        x = numeric(values)
        out = np.searchsorted(np.array(self.edges), x, side="right")
        out[np.isnan(x)] = null
        return out.astype(np.int32)


def groupings(
    trial: Trial, protected: tuple[str, ...] | None = None, *, least: int = LEAST
) -> tuple[list[Grouping], list[str]]:
    """Groupings by each protected column, by each pair and by all of them; and what was left out, in words.

    Groups come from train. Columns that are made afresh (ids, text, personal details) are left out, and
    groups with fewer than `least` train rows; a grouping with fewer than two groups is none.
    """
    names = trial.schema.protected if protected is None else protected
    left: list[str] = []
    singles = []
    for name in names:
        column = trial.schema[name]
        if column.regenerated or name == trial.target:
            left.append(f"{name!r} is {'the target' if name == trial.target else 'made afresh'}")
            continue
        singles.append(_Single.learn(column, trial.train.column(name)))
    crossings = [c for k in (1, 2) for c in combinations(singles, k)]
    if len(singles) > 2:
        crossings.append(tuple(singles))
    out = []
    for parts in crossings:
        grouping, rare = _make(parts, trial.train, least)
        if rare:
            left.append(
                f"{rare} group{'s' * (rare > 1)} of {grouping.name!r} with fewer than {least} real rows"
            )
        if len(grouping.labels) >= 2:
            out.append(grouping)
    return out, left


def _make(parts: tuple[_Single, ...], train: pa.Table, least: int) -> tuple[Grouping, int]:
    name = " x ".join(p.column.name for p in parts)
    labels = [""]
    for part in parts:
        labels = [f"{a}, {b}" if a else b for a in labels for b in part.labels]
    every = tuple(labels)
    everyone = Grouping(name, tuple(p.column.name for p in parts), every, parts, tuple(range(len(every))))
    counts = np.bincount(everyone.codes(train), minlength=len(labels))[: len(labels)]
    kept = tuple(int(i) for i in np.flatnonzero(counts >= max(1, least)))
    grouping = Grouping(name, everyone.columns, tuple(labels[i] for i in kept), parts, kept)
    return grouping, int(((counts > 0) & (counts < least)).sum())
