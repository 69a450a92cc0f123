"""How a column is foretold from the others: which terms, whether trees, which ridge; chosen on its rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from locum.arrays import FloatArray, IntArray
from locum.control.impute.boosted import FEW, FOLDS, LABELS, ROWS, choose_rounds
from locum.control.impute.linear import fit_linear
from locum.control.impute.predictors import Predictors
from locum.control.impute.softmax import RIDGE, chances, fit_softmax, surprise
from locum.control.impute.terms import ROWS as TERM_ROWS
from locum.control.impute.terms import Term, find_terms, term_features
from locum.randomness import child_seed

#: Rows that logistic equations learn from, at most; multiplications of one step that are not too dear.
LOGISTIC_ROWS, DEAR, WIDE = 4_000, 3e7, 400
#: Ridges that are tried where there are fewer rows than this for each coefficient.
RIDGES, THIN = (RIDGE, 3.0, 30.0, 300.0), 20
#: Labels that terms are looked for by.
FORETOLD = 8


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a column is foretold.

    Attributes
    ----------
    terms
        Products, bends and steps beside the linear part.
    rounds
        Rounds of boosted trees on top; 0 for none.
    ridge
        Of logistic equations.
    """

    terms: tuple[Term, ...] = ()
    rounds: int = 0
    ridge: float = RIDGE


def features_of(predictors: Predictors, j: int, rows: IntArray, terms: tuple[Term, ...]) -> FloatArray:
    """Linear part and terms of the equation for a column, for some rows; shape (n, p)."""
    x = predictors.x[rows]
    linear = x[:, predictors.linear(j)].astype(np.float64)
    return np.column_stack([linear, term_features(x, terms)]) if terms else linear


def logistic(rows: int, features: int, labels: int) -> bool:
    """Whether logistic equations for so many labels are not too dear."""
    width = (features + 1) * (labels - 1)
    return width <= WIDE and min(rows, LOGISTIC_ROWS) * width**2 <= DEAR


def choose_recipe(
    predictors: Predictors, j: int, rows: IntArray, y: FloatArray | IntArray, labels: int, seed: int
) -> Recipe:
    """The recipe of a column, from rows that have a value of it.

    Terms enter by `find_terms`; trees are added where a cross-validation on top of the equation says so.

    Parameters
    ----------
    predictors, j
        The matrix, and the column.
    rows
        Rows to choose by.
    y
        The numbers there, or codes of labels.
    labels
        Number of labels; 0 for numbers.
    seed
        For trees.
    """
    terms = find_terms(predictors, j, rows[:TERM_ROWS], explained(y, labels)[:TERM_ROWS])
    rows, y = rows[:ROWS], y[:ROWS]
    n = len(rows)
    x = features_of(predictors, j, rows, terms)
    equations = labels and logistic(n, x.shape[1], labels)
    if labels and not equations:
        return Recipe(terms)
    part = np.arange(n) % FOLDS
    folds = [(np.flatnonzero(part != k), np.flatnonzero(part == k)) for k in range(FOLDS)]
    ridge = _ridge(x, np.asarray(y, dtype=np.int64), labels, folds) if labels else RIDGE
    if n < FEW or not x.shape[1] or (labels and (labels > LABELS or np.bincount(y, minlength=2).min() < 5)):
        return Recipe(terms, 0, ridge)
    starts = [(train, test, _start(x, y, train, labels, ridge)) for train, test in folds]
    bare = predictors.x[rows][:, predictors.linear(j)]
    rounds = choose_rounds(bare, y, starts, child_seed(seed, "trees", j), labels)
    return Recipe(terms, rounds, ridge)


def explained(y: FloatArray | IntArray, labels: int) -> FloatArray:
    """What terms are looked for by: a standardised number, or indicators of labels; shape (n, k)."""
    if labels:
        return np.asarray((y[:, None] == np.arange(min(labels, FORETOLD))).astype(np.float64))
    return np.asarray(((y - y.mean()) / (y.std() or 1.0))[:, None])


def _start(x: FloatArray, y: FloatArray | IntArray, train: IntArray, labels: int, ridge: float) -> FloatArray:
    """What an equation that learned from some rows foretells for all: numbers, or scores of labels."""
    if labels:
        fit = fit_softmax(x[train], np.asarray(y[train], dtype=np.int64), labels, ridge)
        return np.asarray(np.column_stack([np.ones(len(x)), x]) @ fit.weights)
    linear = fit_linear(x[train], np.asarray(y[train], dtype=np.float64))
    weights = linear.turn @ (linear.product / linear.strength)
    return np.asarray(linear.level + (x - linear.centre) @ weights)


def _ridge(x: FloatArray, y: IntArray, labels: int, folds: list[tuple[IntArray, IntArray]]) -> float:
    """The ridge of the least surprise on rows kept aside; the weakest one where rows are plenty."""
    if len(y) > THIN * x.shape[1] * (labels - 1) or len(y) < FOLDS * 4:
        return RIDGE
    losses = []
    for ridge in RIDGES:
        lost = [
            surprise(chances(_start(x, y, train, labels, ridge)[test]), y[test]).sum()
            for train, test in folds
        ]
        losses.append(sum(lost))
    return RIDGES[int(np.argmin(losses))]
