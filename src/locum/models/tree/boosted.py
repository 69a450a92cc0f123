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
    """

    additive: Additive
    trees: Scorer
    held_out: FloatArray


def fit_boosted(
    data: CodedRows,
    rows: IntArray,
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
        Rows in which the attribute is not missing.
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
    sums, trees = [], []
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
        coefficients = additive.coefficients.copy()
        coefficients[-1] += shift
        sums.append(coefficients)
        trees.append(more)
    return Boosted(Additive(tuple(inputs), np.mean(sums, axis=0)), Scorer(TreeSum.mean(trees)), held_out)
