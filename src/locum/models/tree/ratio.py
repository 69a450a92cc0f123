"""A boosted estimate of real density over chain density, to correct what the chains get wrong.

A classifier that tells training rows from chain rows estimates their log density ratio. Rows drawn from
the chains are then kept with probability proportional to the ratio (importance resampling), which pulls
the joint distribution, in both directions of every dependence, towards the data. The trees are shallow,
their leaves large and their number is chosen on held-out rows, so the ratio sees structure and not rows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from locum.arrays import FloatArray, IntArray
from locum.models.tree.scorer import Scorer
from locum.models.tree.settings import TreeSettings
from locum.models.tree.tree_sum import TreeSum
from locum.schema.domain import Codes

#: One of so many parts is kept aside.
FOLDS = 10
#: Rounds without progress before boosting stops: least and most, and the kept real rows at which the least is
#: enough. With fewer rows the curve of progress is noisier.
PATIENCE, ENOUGH_KEPT = (40, 200), 3600
#: Chain rows from which the mean ratio is estimated.
NORMALISED_ON = 40_000
#: Depth limit, fewest rows in a leaf, L2 penalty on leaf values.
DEPTH, LEAF_ROWS, L2 = 7, 50, 5.0
#: Share of the columns that each tree looks at, and the fewest: trees over two of three columns would never
#: see what binds all three.
COLUMN_SHARE, FEWEST_COLUMNS = 0.7, 6


@dataclass(frozen=True, slots=True, eq=False)
class Ratio:
    """A log density ratio, as a sum of trees over codes.

    Attributes
    ----------
    score
        Log ratio before capping and normalising.
    log_mean
        Log of the mean capped ratio over chain rows: the normalising constant of the corrected density.
    cap
        Largest ratio that counts.
    """

    score: Scorer
    log_mean: float
    cap: float

    def log_weight(self, codes: Codes) -> FloatArray:
        """Log of the capped, normalised ratio; shape (n_rows,)."""
        return np.minimum(self.score(codes), math.log(self.cap)) - self.log_mean


def fit_ratio(
    real: Codes,
    chain: Codes,
    labels: Sequence[int],
    settings: TreeSettings,
    seed: int,
    unseen: Codes | None = None,
) -> Ratio | None:
    """Learn the ratio from training rows and chain rows: the mean of `ratios` boosted models.

    Rows kept aside stop the boosting and then set the slope of the mean. They should be rows that the chains
    have not seen either: chains reproduce some of the accidents of the rows that they learned from, and by
    those rows a classifier looks worse than it is and stops too early. Returns None where no model found
    anything.

    Parameters
    ----------
    real, chain
        Codes, shapes (n, d) and (m, d).
    labels
        Columns whose codes have no order; they are split by sets of labels.
    settings
        Number of models, rounds, leaves, learning rate and pool.
    seed
        Seed of the splits and of the column sampling.
    unseen
        Real rows, not among `real`, to keep aside; None takes a tenth of `real`.
    """
    rng = np.random.default_rng(seed)
    real, held_real = _held_out(real, rng) if unseen is None else (real, unseen)
    chain, held_chain = _held_out(chain, rng)
    held = np.asfortranarray(np.vstack([held_real, held_chain]))
    held_y = np.r_[np.ones(len(held_real)), np.zeros(len(held_chain))]
    # Every model sees all real rows and its own share of the chain rows.
    shares = np.array_split(np.arange(len(chain)), settings.ratios)
    found = []
    for i, share in enumerate(shares):
        x = np.vstack([real, chain[share]]).astype(np.float32)
        y = np.r_[np.ones(len(real)), np.zeros(len(share))]
        text = boost(
            (x, y),
            (held.astype(np.float32), held_y),
            labels,
            settings.rounds,
            int(np.clip(PATIENCE[0] * ENOUGH_KEPT / max(held_y.sum(), 1), *PATIENCE)),
            objective="binary",
            seed=seed + i,
            num_leaves=settings.leaves,
            learning_rate=settings.learning_rate,
            feature_fraction=max(COLUMN_SHARE, min(1.0, FEWEST_COLUMNS / x.shape[1])),
        )
        found.append(text)
    models = [TreeSum.from_lightgbm(text) for text in found if text is not None]
    if not models:
        return None
    merged = TreeSum.mean(models)
    slope = _slope(Scorer(merged)(held), held_y)
    return _normalise(Scorer(merged.times(slope)), chain[:NORMALISED_ON], settings.pool)


def _held_out(codes: Codes, rng: np.random.Generator) -> tuple[Codes, Codes]:
    """Rows to learn from and rows kept aside, both in random order."""
    order = rng.permutation(len(codes))
    cut = max(1, len(codes) // FOLDS)
    return codes[order[cut:]], codes[order[:cut]]


def _slope(score: FloatArray, y: FloatArray) -> float:
    """Factor that makes the scores right on held-out rows, from a logistic regression on them.

    Above 1 where the models are too timid, which a mean of stopped models is; below 1 where they fit noise.
    Limited to 0.25-2. A ridge towards 1 keeps it there when there are few rows.
    """
    weight = np.where(y == 1, 0.5 / max(y.sum(), 1), 0.5 / max((1 - y).sum(), 1))
    slope, shift = 1.0, 0.0
    ridge = 20.0 / len(y)
    centred = score - score.mean()
    for _ in range(25):
        p = 1.0 / (1.0 + np.exp(-(slope * centred + shift)))
        gradient = np.array(
            [(weight * (p - y) * centred).sum() + ridge * (slope - 1.0), (weight * (p - y)).sum()]
        )
        curve = weight * p * (1 - p)
        cross = (curve * centred).sum()
        hessian = np.array([[(curve * centred**2).sum() + ridge, cross], [cross, curve.sum() + 1e-12]])
        step = np.linalg.solve(hessian, gradient)
        slope, shift = slope - step[0], shift - step[1]
        if np.abs(step).max() < 1e-6:
            break
    return float(np.clip(slope, 0.25, 2.0)) if np.isfinite(slope) else 1.0


def boost(
    train: tuple[npt.NDArray[Any], npt.NDArray[Any]],
    held: tuple[npt.NDArray[Any], npt.NDArray[Any]],
    labels: Sequence[int],
    rounds: int,
    patience: int,
    **parameters: Any,
) -> str | None:
    """A boosted classifier in LightGBM's text form, stopped on held-out rows; None where it learned nothing.

    Both sets are rows and their classes; columns in `labels` have no order.
    """
    import lightgbm

    common = {
        "verbose": -1,
        "deterministic": True,
        "feature_pre_filter": False,
        "max_bin": 127,
        "max_depth": DEPTH,
        "min_data_in_leaf": LEAF_ROWS,
        "lambda_l2": L2,
        # One thread: CPU time is what we promise, and idle OpenMP threads spin.
        "num_threads": 1,
    }
    parameters = common | parameters
    data = lightgbm.Dataset(*train, params=parameters, categorical_feature=list(labels))
    valid = data.create_valid(*held)
    stop = lightgbm.early_stopping(patience, verbose=False)
    booster = lightgbm.train(parameters, data, rounds, valid_sets=[valid], callbacks=[stop])
    best = booster.best_iteration
    if best < 1 or booster.num_trees() < 1:
        return None
    return str(booster.model_to_string(num_iteration=best))


def _normalise(score: Scorer, chain: Codes, pool: float) -> Ratio:
    """Choose cap and mean so that a pool of `pool` rows per kept row is always enough."""
    weight = np.exp(score(chain))
    cap = float(np.quantile(weight, 0.999))
    for _ in range(50):
        mean = float(np.minimum(weight, cap).mean())
        if cap <= pool * mean:
            break
        cap = pool * mean
    return Ratio(score, math.log(mean), cap)


def keep(log_weight: FloatArray, n: int, rng: np.random.Generator) -> IntArray:
    """Choose `n` rows of a pool with probability proportional to weight, each at most once.

    Systematic sampling over a random order: the count of any group of rows varies less than under
    independent draws. Weights above pool / n of the mean are cut (the ratio's cap sees to that).
    """
    weight = np.exp(log_weight)
    chance = np.minimum(weight * (n / weight.sum()), 1.0)
    for _ in range(20):
        short = n - chance.sum()
        free = chance < 1.0
        if short < 1e-9 or not free.any():
            break
        chance[free] = np.minimum(chance[free] * (1.0 + short / chance[free].sum()), 1.0)
    order = rng.permutation(len(chance))
    steps = np.floor(np.cumsum(chance[order]) * (n / chance.sum()) + rng.random())
    picked = order[np.diff(steps, prepend=0.0) > 0]
    if len(picked) < n:
        rest = np.setdiff1d(order, picked)
        picked = np.append(picked, rest[np.argsort(-weight[rest], kind="stable")][: n - len(picked)])
    out: IntArray = picked[:n]
    return out
