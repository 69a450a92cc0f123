"""A boosted estimate of real density over chain density, to correct what the chains get wrong.

A classifier that tells training rows from chain rows estimates their log density ratio. Rows drawn from the
chains are then kept with probability proportional to the ratio (sampling / importance resampling), which pulls
the joint distribution, in both directions of every dependence, towards the data. The trees are shallow, their
leaves large and their number is chosen on held-out rows, so the ratio sees structure and not single rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from locum.schema.domain import Codes
from locum.synthesizers.tree.settings import TreeSettings
from locum.synthesizers.tree.tree import FloatArray, IntArray

#: Share of rows kept aside to stop boosting; rounds without progress before it stops.
HELD_OUT, PATIENCE = 0.15, 10
#: Depth limit (bounds the cost of scoring), fewest rows in a leaf, L2 penalty on leaf values.
DEPTH, LEAF_ROWS, L2 = 7, 50, 5.0


@dataclass(frozen=True, slots=True)
class Ratio:
    """Sum of regression trees over codes; the value is a log density ratio.

    Attributes
    ----------
    feature, threshold, left, right
        Nodes of all trees, one after the other; leaves have feature -1 and point to themselves.
    value
        Leaf values; 0 for inner nodes.
    root
        First node of each tree.
    log_mean
        Log of the mean ratio over chain rows: the normalising constant of the corrected density.
    cap
        Largest ratio, relative to the mean, that counts.
    """

    feature: npt.NDArray[np.int32]
    threshold: npt.NDArray[np.int32]
    left: npt.NDArray[np.int32]
    right: npt.NDArray[np.int32]
    value: npt.NDArray[np.float32]
    root: npt.NDArray[np.int32]
    log_mean: float
    cap: float

    def raw(self, codes: Codes) -> FloatArray:
        """Log ratio before normalising; shape (n_rows,). Cost: trees x depth gathers per row."""
        rows = len(codes)
        flat = codes.ravel(order="F")
        row = np.arange(rows)
        total = np.zeros(rows)
        for root in self.root:
            at = np.full(rows, root, dtype=np.int32)
            for _ in range(DEPTH):
                feature = self.feature[at]
                right = flat[np.maximum(feature, 0) * rows + row] > self.threshold[at]
                at = np.where(right, self.right[at], self.left[at])
                if (self.feature[at] < 0).all():
                    break
            total += self.value[at]
        return total

    def log_weight(self, codes: Codes) -> FloatArray:
        """Log of the capped, normalised ratio."""
        return np.minimum(self.raw(codes), self.log_cap) - self.log_mean

    @property
    def log_cap(self) -> float:
        """Largest raw log ratio that counts."""
        return float(np.log(self.cap))


def fit_ratio(real: Codes, chain: Codes, settings: TreeSettings, seed: int) -> Ratio | None:
    """Learn the ratio from training rows and as many or more chain rows, labels shown in given code order.

    Returns None where held-out rows show nothing to correct.

    Parameters
    ----------
    real, chain
        Codes, shapes (n, d) and (m, d).
    seed
        Seed of the split and of the column sampling.
    """
    import lightgbm

    rng = np.random.default_rng(seed)
    x = np.vstack([real, chain]).astype(np.float32)
    y = np.r_[np.ones(len(real)), np.zeros(len(chain))]
    aside = rng.random(len(y)) < HELD_OUT
    parameters = {
        "objective": "binary",
        "verbose": -1,
        # One thread: CPU time is what we promise, and idle OpenMP threads spin.
        "num_threads": 1,
        "deterministic": True,
        "seed": seed,
        "num_leaves": settings.leaves,
        "max_depth": DEPTH,
        "learning_rate": settings.learning_rate,
        "min_data_in_leaf": LEAF_ROWS,
        "lambda_l2": L2,
        "max_bin": 127,
        "feature_fraction": 0.7,
        "feature_pre_filter": False,
    }
    train = lightgbm.Dataset(x[~aside], y[~aside], params=parameters)
    valid = train.create_valid(x[aside], y[aside])
    stop = lightgbm.early_stopping(PATIENCE, verbose=False)
    booster = lightgbm.train(parameters, train, settings.rounds, valid_sets=[valid], callbacks=[stop])
    trees = booster.best_iteration
    if trees < 1 or booster.num_trees() < 1:
        return None
    return _normalised(_flatten(booster.model_to_string(num_iteration=trees)), chain, float(settings.pool))


def _normalised(parts: tuple[IntArray, ...], chain: Codes, pool: float) -> Ratio:
    """Choose cap and mean so that a pool of `pool` rows per kept row is always enough."""
    feature, threshold, left, right, value, root = parts
    ratio = Ratio(
        feature.astype(np.int32), threshold.astype(np.int32), left.astype(np.int32), right.astype(np.int32),
        value.astype(np.float32), root.astype(np.int32), 0.0, 1.0,
    )  # fmt: skip
    weight = np.exp(ratio.raw(chain))
    cap = float(np.quantile(weight, 0.999))
    for _ in range(50):
        mean = float(np.minimum(weight, cap).mean())
        if cap <= pool * mean:
            break
        cap = pool * mean
    return Ratio(
        ratio.feature,
        ratio.threshold,
        ratio.left,
        ratio.right,
        ratio.value,
        ratio.root,
        float(np.log(mean)),
        cap,
    )


def _flatten(text: str) -> tuple[IntArray, ...]:
    """Read LightGBM's text form of a booster into plain arrays."""
    columns: list[list[np.ndarray]] = [[] for _ in range(5)]
    roots: list[int] = []
    size = 0
    for block in text.split("\nTree=")[1:]:
        fields = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        values = np.array(fields["leaf_value"].split(), dtype=np.float64)
        n_leaves = len(values)
        inner = n_leaves - 1
        roots.append(size)
        ids = size + np.arange(inner + n_leaves)
        feature = np.full(len(ids), -1)
        threshold = np.zeros(len(ids))
        left, right = ids.copy(), ids.copy()
        if inner:
            feature[:inner] = np.array(fields["split_feature"].split(), dtype=np.int64)
            threshold[:inner] = np.floor(np.array(fields["threshold"].split(), dtype=np.float64))
            for side, name in ((left, "left_child"), (right, "right_child")):
                child = np.array(fields[name].split(), dtype=np.int64)
                side[:inner] = size + np.where(child >= 0, child, inner + ~child)
        value = np.zeros(len(ids))
        value[inner:] = values
        for column, part in zip(columns, (feature, threshold, left, right, value), strict=True):
            column.append(part)
        size += len(ids)
    return (*(np.concatenate(c) for c in columns), np.array(roots))


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
