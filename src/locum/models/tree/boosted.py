"""Boosted expectation of the number that a user wants to predict, given all other columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from locum.arrays import FloatArray, IntArray
from locum.models.tree.additive import Additive, Moments, fit_additive
from locum.models.tree.inputs import View
from locum.models.tree.ratio import boost
from locum.models.tree.scorer import Scorer
from locum.models.tree.tree_sum import TreeSum
from locum.schema.domain import CodedRows

#: Most rows learned from, patience, fewest rows in a leaf.
MOST_ROWS, PATIENCE, LEAF_ROWS = 200_000, 20, 20

#: Fewest rows to compare models on, and the least share of residuals' variance that is left.
FEWEST_APART, LEAST_SHARE = 40, 0.5


@dataclass(frozen=True, slots=True)
class Effort:
    """How an expectation is boosted.

    Attributes
    ----------
    parts, turns
        Parts that the rows are cut into, and how many of them are held out in turn.
    rounds, leaves, rate
        Most rounds of boosting, leaves of a tree, learning rate.
    """

    parts: int
    turns: int
    rounds: int
    leaves: int
    rate: float


#: In tables of up to so many rows, and in larger ones: there one part is enough to learn residuals from, and
#: what many rows say of many columns together takes many rounds.
FEW_ROWS = 16_000
FEW, MANY = Effort(4, 4, 400, 15, 0.07), Effort(8, 1, 1000, 63, 0.1)


@dataclass(frozen=True, slots=True, eq=False)
class Boosted:
    """The expected score of an attribute.

    Attributes
    ----------
    additive, trees
        The expectation is the sum of the two.
    held_out
        Expectation for each row of the table from models that have not seen it; NaN where there is none.
    narrower
        How many times nearer values lie to the expectation than to one of the models that it is the mean of.
    """

    additive: Additive
    trees: Scorer
    held_out: FloatArray
    narrower: float


def fit_boosted(
    data: CodedRows,
    rows: IntArray,
    apart: IntArray,
    target: int,
    score: FloatArray,
    inputs: Sequence[int],
    labels: Sequence[int],
    view: View,
    rng: np.random.Generator,
) -> Boosted:
    """The mean of models that each leave one part of the rows out.

    A row's residual, which its stand-in is later drawn from, comes from the model that has not seen it: from
    one that has, residuals are too small.

    Parameters
    ----------
    data
        Training rows.
    rows
        Rows to learn from, in which the attribute is a number.
    apart
        Rows that no model sees.
    target
        The attribute.
    score
        Score of each of its codes.
    inputs
        Attributes to look at.
    labels
        Those without an order.
    view
        How columns are shown to the additive part.
    rng
        For the order of the rows and the seeds of boosting.
    """
    rows = rng.permutation(rows)[:MOST_ROWS]
    codes = data.take(rows)
    y = score[codes[:, target]]
    x = np.zeros(codes.shape, dtype=np.float32)
    x[:, list(inputs)] = codes[:, list(inputs)]
    first = view.basis.first[target]
    effort = FEW if len(rows) <= FEW_ROWS else MANY
    parts = effort.parts
    everything = [Moments.of(view.basis, codes[k::parts]) for k in range(parts)]
    held_out = np.full(data.n_rows, np.nan)
    fresh = data.take(apart)
    sums, trees, said = [], [], []
    for k in range(effort.turns):
        inside = np.ones(len(rows), dtype=bool)
        inside[k::parts] = False
        learned = Moments(np.sum([m.product for i, m in enumerate(everything) if i != k], axis=0))
        additive, _ = fit_additive(view.basis, learned, everything[k], inputs, [first])
        base = additive(codes, view.basis)[:, 0]
        # Features are centred, scores are not.
        shift = float((y - base)[inside].mean())
        rest = y - base - shift
        text = boost(
            (x[inside], rest[inside]),
            (x[~inside], rest[~inside]),
            [i for i in labels if i in inputs],
            effort.rounds,
            PATIENCE,
            objective="regression",
            seed=int(rng.integers(2**31)),
            min_data_in_leaf=LEAF_ROWS,
            feature_fraction=0.7,
            num_leaves=effort.leaves,
            learning_rate=effort.rate,
        )
        more = TreeSum.constant(0.0) if text is None else TreeSum.from_lightgbm(text)
        held_out[rows[~inside]] = base[~inside] + shift + Scorer(more)(codes[~inside])
        said.append(additive(fresh, view.basis)[:, 0] + shift + Scorer(more)(fresh))
        coefficients = additive.coefficients.copy()
        coefficients[-1] += shift
        sums.append(coefficients)
        trees.append(more)
    residual = (y - held_out[rows])[np.isfinite(held_out[rows])]
    wider, narrower, centre = _widths(np.stack(said), float(residual.var()))
    mean = np.mean(sums, axis=0) * wider
    mean[-1] += (1.0 - wider) * centre
    return Boosted(
        Additive(tuple(inputs), mean), Scorer(TreeSum.mean(trees).times(wider)), held_out, narrower
    )


def _widths(said: FloatArray, variance: float) -> tuple[float, float, float]:
    """Factors that make the mean of models wider and residuals narrower, and the centre of the mean.

    What one model says beside the truth is part of its residuals, and less of it is left in the mean, which
    therefore lies closer together than expectations that were right as they were.
    """
    mean = said.mean(axis=0)
    if said.shape[1] < FEWEST_APART or variance <= 0 or mean.var() <= 0:
        return 1.0, 1.0, 0.0
    one = float(said.var(axis=1).mean())
    wider = float(np.clip(one / mean.var(), 1.0, 1.0 + (1.0 - LEAST_SHARE) * variance / one))
    return wider, float(np.sqrt(1.0 - (wider - 1.0) * one / variance)), float(mean.mean())
