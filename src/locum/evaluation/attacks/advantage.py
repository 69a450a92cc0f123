"""Attribute inference by trained models: what synthetic rows tell of rows learned from, and not of others."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from locum.arrays import FloatArray
from locum.evaluation.attacks.threat import AttackTargets, ThreatModel
from locum.evaluation.attacks.verdict import AttackFinding
from locum.evaluation.claim import Claim, holm
from locum.evaluation.intervals import Z95
from locum.evaluation.learn.boosting import grow
from locum.evaluation.learn.cells import level_codes, levels_of, numeric, quantile_edges, texts
from locum.evaluation.registry import result_of
from locum.randomness import child_seed, stream
from locum.schema.column import Column

if TYPE_CHECKING:
    import pyarrow as pa


#: Rows that a model learns from, its rounds, classes of a secret.
ROWS, ROUNDS, CLASSES = 12_000, 40, 6
#: Fewer targets a side than this are too few for a normal approximation.
LEAST = 30


def advantage(known: ThreatModel, targets: AttackTargets, secrets: tuple[str, ...]) -> list[AttackFinding]:
    """``attack.attribute``: how much better a secret is guessed for members than the population explains.

    For each secret boosted trees learn to predict it from all other columns, once from the synthetic rows and
    once from the reference rows: what anybody could know without the release. Secrets with many values are
    cut into at most `CLASSES` classes. Advantage: accuracy of the first model less that of the second, on
    members, less the same on rows never seen. It is 0 when the synthetic rows only tell what holds for
    everybody, however well the secret can be guessed. 95 % interval and p-value by normal approximation over
    targets; the headline is the secret with the smallest p-value, corrected for their number (Holm).
    Cost: two fits a secret.
    """
    found = [f for f in (_one(known, targets, name) for name in secrets) if f is not None]
    if not found:
        return []
    adjusted = holm([float(f["p"]) for f in found])
    for entry, p in zip(found, adjusted, strict=True):
        entry["p_corrected"] = float(p)
    found.sort(key=lambda f: f["p"])
    worst = found[0]
    value = float(min(1.0, max(0.0, worst["advantage"])))
    result = result_of(
        "attack.attribute",
        value,
        f"A model of the synthetic rows guesses {worst['column']!r} right for "
        f"{100 * worst['members']:.1f} in 100 rows that the generator learned from and for "
        f"{100 * worst['others']:.1f} in 100 that it never saw; "
        f"{100 * worst['advantage']:+.1f} of that is more than fresh real rows explain.",
        low=min(max(0.0, float(worst["low"])), value),
        high=max(min(1.0, float(worst["high"])), value),
        reference=0.0,
        detail={"secrets": found, "p": {"advantage": float(worst["p"])}},
    )
    claim = Claim(
        "advantage",
        float(worst["advantage"]),
        float(worst["low"]),
        float(worst["high"]),
        float(worst["p"]),
        str(worst["column"]),
        len(found),
    )
    return [AttackFinding(result, (claim,))]


def _one(known: ThreatModel, targets: AttackTargets, name: str) -> dict[str, Any] | None:
    column = next(c for c in known.columns if c.name == name)
    view, at = known.features, known.features.names.index(name)
    keep = [j for j in range(len(view.names)) if j != at]
    categorical = [keep.index(j) for j in view.categorical if j != at]
    classes = _Classes(column, known.reference)
    if classes.n < 2 or not keep or min(targets.members.num_rows, targets.others.num_rows) < LEAST:
        return None
    asked = [view.matrix(t)[:, keep] for t in (targets.members, targets.others)]
    truth = [classes.of(t) for t in (targets.members, targets.others)]
    right: list[list[FloatArray]] = []
    for who, table in (("synthetic", known.synthetic), ("reference", known.reference)):
        rng = stream(known.seed, "attacks", "attribute", name, who)
        some = table.take(np.sort(rng.permutation(table.num_rows)[:ROWS]))
        forest = grow(
            view.matrix(some)[:, keep],
            classes.of(some),
            "binary" if classes.n == 2 else "multiclass",
            categorical=categorical,
            seed=child_seed(known.seed, "attacks", "attribute", name, who),
            n_classes=classes.n,
            rounds=ROUNDS,
        )
        guesses = [_guess(forest.predict(x)) for x in asked]
        right.append([(g == t).astype(np.float64) for g, t in zip(guesses, truth, strict=True)])
    gain = [right[0][side] - right[1][side] for side in (0, 1)]
    value = float(gain[0].mean() - gain[1].mean())
    # A gain that never varies in a few rows still might: at least one row is taken to be off.
    error = math.sqrt(sum(max(float(g.var(ddof=1)), 1.0 / len(g)) / len(g) for g in gain))
    return {
        "column": name,
        "advantage": value,
        "low": value - Z95 * error,
        "high": value + Z95 * error,
        "p": 0.5 * math.erfc(value / error / math.sqrt(2)),
        "members": float(right[0][0].mean()),
        "others": float(right[0][1].mean()),
        "members_by_control": float(right[1][0].mean()),
        "others_by_control": float(right[1][1].mean()),
        "majority": float(max(np.bincount(truth[1].astype(int)) / len(truth[1]))),
    }


def _guess(prediction: FloatArray) -> FloatArray:
    if prediction.ndim == 2:
        return np.asarray(prediction.argmax(axis=1), dtype=np.float64)
    return (prediction > 0.5).astype(np.float64)


class _Classes:
    """At most `CLASSES` classes of a column: frequent labels and a rest, or quantile cells and missing."""

    def __init__(self, column: Column, known: pa.Table) -> None:
        self.column = column
        values = known.column(column.name)
        self.edges, self.levels = np.empty(0), tuple[str, ...]()
        if column.ordered:
            x = numeric(values)
            self.edges = quantile_edges(x[~np.isnan(x)], CLASSES - 1)
            self.n = len(self.edges) + 2
        else:
            self.levels = levels_of(values)[: CLASSES - 1]
            self.n = len(self.levels) + 1
        if len(np.unique(self.of(known))) < 2:
            self.n = 1

    def of(self, table: pa.Table) -> FloatArray:
        values = table.column(self.column.name)
        if not self.column.ordered:
            return np.minimum(level_codes(texts(values), self.levels), self.n - 1).astype(np.float64)
        x = numeric(values)
        codes = np.searchsorted(self.edges, x, side="right").astype(np.float64)
        codes[np.isnan(x)] = len(self.edges) + 1
        return codes
