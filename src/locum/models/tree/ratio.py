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

from locum.arrays import BoolArray, FloatArray, IntArray
from locum.models.tree.margins import Margin, MarginRows, before_refusals, farthest, log_offset, rake
from locum.models.tree.scorer import Scorer
from locum.models.tree.settings import TreeSettings
from locum.models.tree.tree_sum import TreeSum
from locum.schema.domain import Codes

#: One of so many parts is kept aside.
FOLDS = 10
#: Rounds without progress before boosting stops: least and most, and the kept real rows at which the least is
#: enough. With fewer rows the curve of progress is noisier.
PATIENCE, ENOUGH_KEPT = (40, 200), 3600
#: Largest share of the ratio's mass that may be cut off by its cap, where the pool allows that.
CUT_MASS = 0.02
#: A margin that is still so many standard errors off makes the pool grow, up to so many times.
ENOUGH, STRETCH = 1.0, 3.0
#: How often all margins are gone through in fitting and in each stage of drawing.
FIT_SWEEPS, DRAW_SWEEPS = 8, 3
#: Shares of the drawn rows that are taken in each stage, and the fewest rows drawn that are worth it.
STAGES, RAKED_ROWS = (0.6, 0.3, 0.1), 500
#: Depth limit, fewest rows in a leaf, L2 penalty on leaf values.
DEPTH, LEAF_ROWS, L2 = 7, 50, 5.0
#: Share of the columns that each tree looks at, and the fewest: trees over two of three columns would never
#: see what binds all three.
COLUMN_SHARE, FEWEST_COLUMNS = 0.7, 6


@dataclass(frozen=True, slots=True, eq=False)
class Ratio:
    """A log density ratio: a sum of trees over codes, and offsets that hold margins.

    Attributes
    ----------
    score
        Log ratio before offsets, capping and normalising.
    log_mean
        Log of the mean capped ratio over chain rows: the normalising constant of the corrected density.
    cap
        Largest ratio that counts.
    margins
        Margins with their offsets.
    """

    score: Scorer
    log_mean: float
    cap: float
    margins: tuple[Margin, ...] = ()

    def log_weight(self, codes: Codes) -> FloatArray:
        """Log of the capped, normalised ratio; shape (n_rows,)."""
        raw = self.score(codes) + log_offset(self.margins, codes)
        return np.minimum(raw, math.log(self.cap)) - self.log_mean

    @property
    def pool(self) -> float:
        """Chain rows needed per row kept, so that no weight has to be cut."""
        return max(1.1, self.cap / math.exp(self.log_mean))

    def choose(self, pool: Codes, n: int, rng: np.random.Generator) -> IntArray:
        """Choose `n` rows of a pool of chain rows by their ratio; their margins vary less than by chance.

        Unless only a few rows are asked, the weights of this very pool are raked, and rows are taken in
        stages, each of which makes up for the chance of those before it.
        """
        if n < RAKED_ROWS or not self.margins:
            return keep(self.log_weight(pool), n, rng)
        score = self.score(pool) - self.log_mean
        left, margins, picked = np.arange(len(pool)), self.margins, np.zeros(0, dtype=np.int64)
        rows = MarginRows.of(margins, pool)
        for stage in STAGES:
            rest = n - len(picked)
            size = rest if stage == STAGES[-1] else math.ceil(stage * n)
            _, weight, _, _ = rake(margins, rows, score[left], len(left) / rest, rest, DRAW_SWEEPS)
            mine = keep(weight, min(size, rest), rng)
            picked = np.append(picked, left[mine])
            if len(picked) == n:
                break
            # What chance took too much of is asked less of in the next stage.
            drawn, others = rows.take(mine), np.delete(np.arange(len(left)), mine)
            margins = tuple(m.after(drawn.cells(i), rest) for i, m in enumerate(margins))
            left, rows = left[others], rows.take(others)
        return rng.permutation(picked)


def fit_ratio(
    real: Codes,
    chain: Codes,
    labels: Sequence[int],
    settings: TreeSettings,
    seed: int,
    unseen: Codes | None = None,
) -> Scorer | None:
    """Learn the log ratio from training rows and chain rows: the mean of `ratios` boosted models.

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
        Number of models, rounds, leaves and learning rate.
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
    return Scorer(merged.times(_slope(Scorer(merged)(held), held_y)))


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


def balance(
    score: Scorer,
    raw: FloatArray,
    chain: Codes,
    margins: Sequence[Margin],
    pool: float,
    n: int,
    written: BoolArray | None = None,
) -> tuple[Ratio, FloatArray]:
    """The ratio whose weights give chain rows the margins' shares, capped so that a pool is large enough.

    Parameters
    ----------
    score, raw
        The log ratio, and its values for `chain`.
    chain
        Rows of the chains that the ratio was not learned from: on those that it was, it is too small.
    margins
        What is to be held, with offsets to start from.
    pool
        Chain rows to be drawn per row kept; up to `STRETCH` times as many where margins need them.
    n
        Training rows.
    written
        Chain rows that would not be refused; None for all. Those get the margins' shares, and the margins of
        the ratio become those that rows have before any is refused.

    Returns
    -------
    The ratio, and the log weights of `chain`.
    """
    if written is not None and written.all():
        written = None
    rows = MarginRows.of(margins, chain)
    cap = _cap(np.exp(raw - raw.max()), pool)
    found, weight, log_mean, log_cap = rake(margins, rows, raw, cap, n, FIT_SWEEPS, written)
    # Where weights below the cap cannot give a stratum its share, more rows have to be drawn.
    while cap < STRETCH * pool and farthest(found, rows, _mass(weight, written), n) > ENOUGH:
        cap *= 1.5
        found, weight, log_mean, log_cap = rake(margins, rows, raw, cap, n, FIT_SWEEPS, written)
    if written is not None:
        found = before_refusals(found, rows, weight)
    return Ratio(score, log_mean, math.exp(log_cap), found), weight


def _mass(log_weight: FloatArray, written: BoolArray | None) -> FloatArray:
    """Weights of the rows that will be written."""
    weight: FloatArray = np.exp(log_weight)
    return weight if written is None else weight * written


def _cap(weight: FloatArray, pool: float) -> float:
    """Cap in units of the mean weight: as small as it can be without cutting much off, `pool` at the most."""
    ordered = np.sort(weight / weight.mean())
    # Mass above each weight, if all larger ones were cut down to it.
    above = np.cumsum(ordered[::-1])[::-1] - ordered * np.arange(len(ordered), 0, -1)
    at = int(np.searchsorted(-above, -CUT_MASS * len(ordered)))
    return float(np.clip(ordered[min(at, len(ordered) - 1)], min(2.0, pool), pool))


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
