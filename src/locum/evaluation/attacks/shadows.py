"""Shadow modelling: the attacker fits the same generator again and again, with and without each target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from locum.arrays import FloatArray
from locum.evaluation.attacks.density import CELLS, joint
from locum.evaluation.attacks.nearest import nearest
from locum.evaluation.attacks.threat import LEAST, ThreatModel
from locum.evaluation.attacks.verdict import AttackFinding, membership
from locum.evaluation.generator import Fit
from locum.evaluation.learn.boosting import grow
from locum.evaluation.trial import Trial, align, thin
from locum.randomness import child_seed, stream

if TYPE_CHECKING:
    import pyarrow as pa


#: Targets a side, shadow generators, random column subsets counted.
TARGETS, SHADOWS, SUBSETS = 500, 32, 40
#: Fewer shadows than this carry no attack. Smallest distance; see `locum.evaluation.attacks.density.NEAR`.
LEAST_SHADOWS, NEAR = 8, 1e-3


@dataclass(frozen=True, eq=False)
class Shadows:
    """Signals of the targets under the released table and under every shadow.

    Attributes
    ----------
    inside
        Whether each shadow learned from each target; shape (n_shadows, n_targets).
    near, near_released
        Minus log distance to the nearest synthetic row; shapes (n_shadows, n_targets) and (n_targets,).
    counts, counts_released
        log(1 + synthetic rows equal to the target) for each column subset; shapes (n_shadows, n_targets,
        n_subsets) and (n_targets, n_subsets).
    members
        The first so many targets are members.
    """

    inside: npt.NDArray[np.bool_]
    near: FloatArray
    near_released: FloatArray
    counts: npt.NDArray[np.float32]
    counts_released: npt.NDArray[np.float32]
    members: int


def shadow_attacks(
    trial: Trial, fit: Fit, *, shadows: int = SHADOWS, targets: int = TARGETS
) -> list[AttackFinding]:
    """``attack.shadow.lira``, ``attack.shadow.rmia`` and ``attack.shadow.queries``; all share the same fits.

    Every shadow learns from as many rows as the generator did: each target by fair coin, the rest drawn from
    train and hold-out together. `fit` draws as many rows as were released. Then:

    - LiRA (Carlini et al., S&P 2022): log likelihood ratio of the target's nearness to the released rows
      under two normal laws, of the shadows with it and of those without; spreads are pooled over targets.
    - RMIA (Zarifzadeh et al., ICML 2024), offline: the nearness under the release over its mean under shadows
      that did not learn from the target.
    - Queries (Houssiau et al., TAPAS 2022): counts of synthetic rows equal to the target on random column
      subsets, less their means over shadows; boosted trees learn from all targets and shadows together which
      counts give members away. One model for all targets replaces their forest a target.

    Nothing comes of fewer than `LEAST_SHADOWS`, or without a hold-out.
    Cost: the fits.
    """
    k = min(trial.train.num_rows, trial.test.num_rows, targets) if trial.independent_test else 0
    if k < LEAST or not trial.columns or shadows < LEAST_SHADOWS:
        return []
    found = _run(trial, fit, shadows, k)
    outside_mean = _mean_where(found.near, ~found.inside)
    plain = (outside_mean[:k], outside_mean[k:])
    scores = {
        "lira": lira(found),
        "rmia": found.near_released - outside_mean,
        "queries": queries(found, trial.seed),
    }
    out = []
    empty = np.zeros(0)
    for name, score in scores.items():
        parts = (score[:k], score[k:], empty, empty)
        words = {"shadows": str(len(found.inside))}
        out.append(membership(f"attack.shadow.{name}", parts, plain, {}, trial.seed, words))
    return out


def _run(trial: Trial, fit: Fit, shadows: int, k: int) -> Shadows:
    import pyarrow as pa

    n = trial.train.num_rows
    rng = stream(trial.seed, "attacks", "shadows")
    order = {p: rng.permutation(getattr(trial, p).num_rows) for p in ("train", "test")}
    asked = pa.concat_tables([getattr(trial, p).take(np.sort(order[p][:k])) for p in ("train", "test")])
    rest = pa.concat_tables([getattr(trial, p).take(np.sort(order[p][k:])) for p in ("train", "test")])
    probe = _Probe(trial, asked)
    inside, near, counts = [], [], []
    for s in range(shadows):
        coin = rng.random(2 * k) < 0.5
        filled = rest.take(np.sort(rng.permutation(rest.num_rows)[: max(0, n - int(coin.sum()))]))
        table = pa.concat_tables([asked.filter(coin), filled])
        made = fit(table, trial.schema, trial.synthetic.num_rows, child_seed(trial.seed, "shadow", s))
        made = align(made, trial.schema, "shadow", trial.train.schema)
        signals = probe(made)
        inside.append(coin)
        near.append(signals[0])
        counts.append(signals[1])
    released = probe(trial.synthetic)
    return Shadows(np.array(inside), np.array(near), released[0], np.array(counts), released[1], k)


class _Probe:
    """Signals of fixed targets under any synthetic table."""

    def __init__(self, trial: Trial, asked: pa.Table) -> None:
        self.known = ThreatModel(trial.columns, trial.synthetic, trial.synthetic.slice(0, 0), trial.seed)
        self.rows = trial.synthetic.num_rows
        self.asked = self.known.ranks.ranks(asked)
        self.cells = self.known.cells(asked)
        self.sizes = [c.size for c in self.known.cuts]
        rng, d = stream(trial.seed, "attacks", "queries"), len(trial.columns)
        self.subsets = [
            rng.choice(d, size=int(rng.integers(1, d + 1)), replace=False).tolist() for _ in range(SUBSETS)
        ]
        self.keys = [joint(self.cells, self.sizes, s) for s in self.subsets]

    def __call__(self, table: pa.Table) -> tuple[FloatArray, npt.NDArray[np.float32]]:
        some = thin(table, self.rows, stream(self.known.seed, "attacks", "probe"))
        distance = nearest(self.asked, self.known.ranks.ranks(some))[0].astype(np.float64)
        cells = self.known.cells(some)
        counts = [
            np.bincount(joint(cells, self.sizes, s), minlength=CELLS)[key]
            for s, key in zip(self.subsets, self.keys, strict=True)
        ]
        return -np.log(np.maximum(distance, NEAR)), np.log1p(np.array(counts).T).astype(np.float32)


def _mean_where(values: FloatArray, where: npt.NDArray[np.bool_]) -> FloatArray:
    """Mean over shadows; of a target that no shadow has in that state, the mean of all."""
    n = where.sum(axis=0)
    total = np.where(where, values, 0.0).sum(axis=0)
    return np.asarray(np.where(n > 0, total / np.maximum(n, 1), values.mean(axis=0)))


def lira(found: Shadows) -> FloatArray:
    """Log likelihood ratio of each target, in against out; shape (n_targets,)."""
    means = [_mean_where(found.near, state) for state in (found.inside, ~found.inside)]
    out = []
    for mean, state in zip(means, (found.inside, ~found.inside), strict=True):
        gap = np.where(state, found.near - mean, 0.0)
        freedom = max(1.0, float(state.sum() - state.shape[1]))
        spread = max(float(np.sqrt((gap**2).sum() / freedom)), 1e-6)
        out.append(-0.5 * ((found.near_released - mean) / spread) ** 2 - np.log(spread))
    return np.asarray(out[0] - out[1])


def queries(found: Shadows, seed: int) -> FloatArray:
    """Log odds of membership from counts, learned on all shadows; shape (n_targets,)."""
    centre = found.counts.mean(axis=0)
    near = found.near.mean(axis=0)

    def features(counts: npt.NDArray[np.float32], signal: FloatArray) -> FloatArray:
        return np.concatenate([counts - centre, (signal - near)[..., None]], axis=-1, dtype=np.float64)

    x = features(found.counts, found.near).reshape(-1, found.counts.shape[2] + 1)
    categorical: Sequence[int] = ()
    forest = grow(
        x,
        found.inside.reshape(-1),
        "binary",
        categorical=categorical,
        seed=child_seed(seed, "attacks", "queries"),
        rounds=60,
        leaf=50,
    )
    p = np.clip(forest.predict(features(found.counts_released, found.near_released)), 1e-9, 1 - 1e-9)
    return np.asarray(np.log(p / (1 - p)))
