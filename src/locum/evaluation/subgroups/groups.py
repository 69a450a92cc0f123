"""How good is a model on groups that the test data barely hold: generated rows beside the real ones.

After 3S (van Breugel et al., "Can you rely on your model evaluation?", NeurIPS 2023): several generators
learn the *test* rows, each draws many rows, and the model is tested on those of a group; the spread between
the generators is the interval. A wrong generator gives a confident wrong answer, so the real rows' own
interval always stands beside it, and where the two do not meet the real one is believed.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from locum.arrays import FloatArray, effective_size
from locum.errors import UsageError
from locum.evaluation.generator import Fit
from locum.evaluation.intervals import Z95, wilson
from locum.evaluation.learn.cells import level_codes, levels_of, numeric, quantile_edges
from locum.evaluation.metrics.inference.ensemble import Ensemble, ensemble
from locum.evaluation.subgroups.correction import Correction, Gap, estimate_correction
from locum.evaluation.subgroups.result import GroupEstimate, Subgroup, Trust
from locum.randomness import check_seed, child_seed, stream
from locum.schema.table import Schema

if TYPE_CHECKING:
    import pyarrow as pa

#: Loss or success of a model on each row of a table, shape (n_rows,): 1 for right and 0 for wrong, say.
Score = Callable[["pa.Table"], npt.ArrayLike]
Weights = Callable[["pa.Table"], npt.ArrayLike]

#: Bins of ordered columns, and generated rows of a group that a pool must hold to count.
BINS, LEAST = 5, 30


def pools(
    fit: Fit,
    test: pa.Table,
    schema: Schema,
    *,
    generators: int = 8,
    rows: int = 20_000,
    seed: int = 0,
) -> tuple[pa.Table, ...]:
    """Rows drawn from a generator fitted several times, each time to a bootstrap of the canonical test rows.

    Fit on test rows, never on those that the model under test learned from. Cost: `generators` fits.

    Raises
    ------
    UsageError
        With fewer than two generators.
    """
    if generators < 2:
        raise UsageError("one generator has no spread", where="generators", expected="2 or more")
    check_seed(seed)
    out = []
    for k in range(generators):
        picked = stream(seed, "subgroups", "bootstrap", k).integers(test.num_rows, size=test.num_rows)
        out.append(fit(test.take(np.sort(picked)), schema, rows, child_seed(seed, "subgroups", "fit", k)))
    return tuple(out)


@dataclass(frozen=True, eq=False)
class ModelScores:
    """Test rows first, then the pools: rows, the model's score on each, and the weight of each.

    Asking the model is the dear part, so it is done once for all groupings. Weights ask how the model would
    do where the population has shifted; their variance makes the intervals wider.
    """

    tables: tuple[pa.Table, ...]
    values: tuple[FloatArray, ...]
    weights: tuple[FloatArray, ...]

    @classmethod
    def of(
        cls, score: Score, test: pa.Table, drawn: Sequence[pa.Table], weights: Weights | None = None
    ) -> ModelScores:
        """Ask the model about every row.

        Raises
        ------
        UsageError
            When scores or weights are not one finite number a row.
        """
        tables = (test, *drawn)
        values = tuple(_check(score, t, "score") for t in tables)
        return cls(tables, values, ()).with_weights(weights)

    def with_weights(self, weights: Weights | None) -> ModelScores:
        """The same rows and scores under other weights."""
        found = tuple(
            np.ones(t.num_rows) if weights is None else _check(weights, t, "weights") for t in self.tables
        )
        return ModelScores(self.tables, self.values, found)


def score_groups(scored: ModelScores, *, schema: Schema, by: Sequence[str]) -> tuple[Subgroup, ...]:
    """The model's mean score in every group of the test rows, from real and from generated rows.

    Groups are the combinations of the columns `by`, those with fewest real rows first; ordered columns are
    cut into `BINS` bins of equally many test rows, and missing values are a group of their own.
    """
    keys = [_key(schema, name, scored.tables[0]) for name in by]
    codes = [np.column_stack([code(t) for code, _ in keys]) for t in scored.tables]
    found: list[_Measured] = []
    for combination in itertools.product(*(range(len(labels)) for _, labels in keys)):
        parts = []
        for code, value, w in zip(codes, scored.values, scored.weights, strict=True):
            inside = (code == combination).all(axis=1)
            parts.append((value[inside], w[inside]))
        if len(parts[0][0]) or sum(len(p[0]) for p in parts[1:]):
            group = tuple((n, keys[i][1][combination[i]]) for i, n in enumerate(by))
            found.append(_measure(group, parts))
    gaps = [_gap(m) for m in found]
    overall = _gap(_measure((), _everything(scored)))
    out = []
    for i, m in enumerate(found):
        others = [g for j, g in enumerate(gaps) if j != i and g is not None]
        out.append(_subgroup(m, estimate_correction(others, overall)))
    return tuple(sorted(out, key=lambda g: 0 if g.real is None else g.real.rows))


def everybody(scored: ModelScores, before: ModelScores | None = None) -> Subgroup:
    """All rows as one group; the real ones are gone by, since nothing tells the generators' error there.

    With `before`, the same rows under other weights, that error is known and taken off; see
    `locum.evaluation.subgroups.correction`.
    """
    gap = None if before is None else _gap(_measure((), _everything(before)))
    found = _subgroup(_measure((), _everything(scored)), estimate_correction((), gap))
    if before is None and found.trust == "generated":
        return replace(found, trust="real", sentence="All real test rows speak for everybody.")
    return found


def _everything(scored: ModelScores) -> list[tuple[FloatArray, FloatArray]]:
    return list(zip(scored.values, scored.weights, strict=True))


def _key(
    schema: Schema, name: str, test: pa.Table
) -> tuple[Callable[[pa.Table], npt.NDArray[np.int64]], list[str]]:
    """What numbers the groups of a column, and their names; the last is that of missing values."""
    if schema[name].ordered:
        known = numeric(test.column(name))
        edges = quantile_edges(known[np.isfinite(known)], BINS)
        ends = [f"{e:g}" for e in edges]
        names = (
            [
                f"below {ends[0]}",
                *(f"{a} to below {b}" for a, b in itertools.pairwise(ends)),
                f"{ends[-1]} and more",
            ]
            if ends
            else ["any"]
        )

        def ordered(table: pa.Table) -> npt.NDArray[np.int64]:
            numbers = numeric(table.column(name))
            return np.where(np.isnan(numbers), len(names), np.searchsorted(edges, numbers, side="right"))

        return ordered, [*names, "missing"]
    levels = levels_of(test.column(name))

    def labels(table: pa.Table) -> npt.NDArray[np.int64]:
        # Levels that real test rows do not have are numbered past the missing ones and so left out.
        codes = level_codes(table.column(name), levels).astype(np.int64)
        n = len(levels)
        return np.where(codes == n + 1, n, np.where(codes == n, n + 1, codes))

    return labels, [*levels, "missing"]


def _check(function: Callable[[pa.Table], npt.ArrayLike], table: pa.Table, what: str) -> FloatArray:
    found = np.asarray(function(table), dtype=np.float64)
    bad = found.shape != (table.num_rows,) or not np.isfinite(found).all()
    if bad or (what == "weights" and (found < 0).any()):
        raise UsageError(
            f"{what} must be one finite number a row",
            where="subgroups",
            expected=f"shape ({table.num_rows},)",
        )
    return found


@dataclass(frozen=True, slots=True)
class _Measured:
    """A group before correction: the real estimate, the generated one, and where scores can lie."""

    group: tuple[tuple[str, str], ...]
    real: GroupEstimate | None
    made: Ensemble | None
    rows: int
    floor: float
    top: float


def _measure(group: tuple[tuple[str, str], ...], parts: Sequence[tuple[FloatArray, FloatArray]]) -> _Measured:
    means = [float(np.average(v, weights=w)) for v, w in parts[1:] if len(v) >= LEAST and w.sum() > 0]
    # Scores that are never negative, or never above 1, have no interval there either.
    every = np.concatenate([p[0] for p in parts])
    floor = 0.0 if every.min() >= 0 else -np.inf
    top = 1.0 if np.isin(every, (0.0, 1.0)).all() else np.inf
    made = ensemble(means) if len(means) >= 2 else None
    return _Measured(group, _real(*parts[0]), made, sum(len(p[0]) for p in parts[1:]), floor, top)


def _gap(m: _Measured) -> Gap | None:
    if m.real is None or m.made is None:
        return None
    half = (m.real.high - m.real.low) / 2 / Z95
    between = m.made.spread**2 * (1 + 1 / m.made.generators)
    return Gap(m.real.value - m.made.value, half**2 + between)


def _subgroup(m: _Measured, correction: Correction) -> Subgroup:
    generated = None
    if m.made is not None:
        half = math.hypot((m.made.high - m.made.low) / 2, Z95 * math.sqrt(correction.variance))
        value = min(max(m.made.value + correction.shift, m.floor), m.top)
        generated = GroupEstimate(value, max(value - half, m.floor), min(value + half, m.top), m.rows)
    drawn = None if m.made is None else m.made.value
    return Subgroup(m.group, m.real, generated, *_trust(m.real, generated), drawn)


def _real(values: FloatArray, weights: FloatArray) -> GroupEstimate | None:
    if not len(values) or weights.sum() <= 0:
        return None
    mean = float(np.average(values, weights=weights))
    effective = effective_size(weights)
    if np.isin(values, (0.0, 1.0)).all():
        low, high = wilson(mean * effective, effective)  # type: ignore[arg-type]
        return GroupEstimate(mean, low, high, len(values))
    if len(values) < 2:
        return GroupEstimate(mean, -np.inf, np.inf, 1)
    from scipy.stats import t

    spread = float(np.sqrt(np.average((values - mean) ** 2, weights=weights) / max(effective - 1, 1e-9)))
    half = float(t.ppf(0.975, max(effective - 1, 1.0))) * spread if effective < 1_000 else Z95 * spread
    return GroupEstimate(mean, mean - half, mean + half, len(values))


def _trust(real: GroupEstimate | None, generated: GroupEstimate | None) -> tuple[Trust, str]:
    if generated is None:
        return "real", "The generators drew too few rows of this group: only the real rows speak."
    shown = f"{generated.value:.3f} ({generated.low:.3f} to {generated.high:.3f})"
    if real is None:
        return (
            "neither",
            f"No real test row belongs here; generated rows say {shown}, which nothing confirms.",
        )
    own = f"{real.value:.3f} ({real.low:.3f} to {real.high:.3f}) from {real.rows:,} real rows"
    if generated.low > real.high or generated.high < real.low:
        return "real", f"Generated rows say {shown}, which contradicts {own}: the generator is wrong here."
    if generated.high - generated.low >= real.high - real.low:
        return "real", f"{own}; generated rows ({shown}) know no more."
    return "generated", f"{shown} from generated rows, in keeping with {own}."
