"""Draws of one column's missing cells given all other columns, parameters drawn first."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from locum.arrays import FloatArray, IntArray
from locum.control.impute.boosted import boost
from locum.control.impute.linear import fit_linear
from locum.control.impute.neighbours import draw_from_neighbours
from locum.control.impute.number_form import DrawnForm
from locum.control.impute.predictors import Predictors
from locum.control.impute.recipe import LOGISTIC_ROWS, Recipe, features_of, logistic
from locum.control.impute.softmax import chances, draw_labels, fit_softmax
from locum.randomness import child_seed

#: Rows whose values are drawn at a time.
PART = 65_536
#: Rows with a value below which cells are drawn from all of them.
FEW = 8
#: Donors of a value; share of rows that may give an error, at least so many; tries within limits. A smaller
#: share follows uneven errors more closely, but then what the nearest errors are on average counts as known.
DONORS, SHARE, LEAST, TRIES = 6, 0.4, 10, 4
#: Rows that trees and neighbours learn from, at most; rows out of the bag without which all rows judge trees.
TREE_ROWS, OUT = 5_000, 20


def draw_numbers(
    predictors: Predictors,
    j: int,
    learn: IntArray,
    y: FloatArray,
    rows: IntArray,
    form: DrawnForm,
    recipe: Recipe,
    rng: np.random.Generator,
) -> FloatArray:
    """Values of an ordered column for some rows.

    Parameters are drawn, expected values follow, and each cell gets the error that a row had for which about
    as much was foretold; or, where only values that occur will do, that row's value (predictive mean
    matching, Little 1988; local residual draws, Morris, White and Royston 2014).

    Parameters
    ----------
    predictors, j
        The matrix, and the column.
    learn, y
        Rows with a value, and the values.
    rows
        Rows that need one.
    form
        What values may be.
    recipe
        How the column is foretold.
    rng
        For parameters and cells.
    """
    if len(learn) < FEW or not y.max() > y.min():
        return rng.choice(y[form.allows(y)] if form.allows(y).any() else y, len(rows))
    z = form.foretold(y)
    centre, scale = z.mean(), z.std()
    z = (z - centre) / scale
    x = features_of(predictors, j, learn, recipe.terms)
    if recipe.rounds:
        known, errors, given, foretell = _by_trees(predictors, j, learn, x, z, recipe, rng)
    else:
        fit = fit_linear(x, z)
        level, weights, factor = fit.drawn(rng)
        known, errors, given = fit.foretold(), fit.residual * factor, np.arange(len(y))

        def foretell(part: IntArray) -> FloatArray:
            return np.asarray(level + features_of(predictors, j, part, recipe.terms) @ weights)

    if form.manner == "donor":
        usable = form.allows(y[given])
        known, errors, given = known[usable], errors[usable], given[usable]
    order = np.argsort(known, kind="stable")
    known, errors, values = known[order], errors[order], y[given[order]]
    out = np.empty(len(rows))
    for start in range(0, len(rows), PART):
        part = slice(start, start + PART)
        wanted = foretell(rows[part])
        if form.manner == "donor":
            out[part] = values[_donors(known, wanted, DONORS, rng)]
        else:
            out[part] = _with_errors(wanted, known, errors, values, (centre, scale), form, rng)
    return out


def _by_trees(
    predictors: Predictors,
    j: int,
    learn: IntArray,
    x: FloatArray,
    z: FloatArray,
    recipe: Recipe,
    rng: np.random.Generator,
) -> tuple[FloatArray, FloatArray, IntArray, Callable[[IntArray], FloatArray]]:
    """Equation and trees from a bootstrap of the rows; errors are those of rows that it left out."""
    learn, x, z = learn[:TREE_ROWS], x[:TREE_ROWS], z[:TREE_ROWS]
    n = len(learn)
    bag = rng.integers(0, n, n)
    out = np.setdiff1d(np.arange(n), bag)
    out = out if len(out) >= OUT else np.arange(n)
    fit = fit_linear(x[bag], z[bag])
    weights = fit.turn @ (fit.product / fit.strength)
    level = fit.level - float(fit.centre @ weights)
    bare = predictors.linear(j)
    start = level + x @ weights
    seed = child_seed(int(rng.integers(2**31)), "boost")
    trees = boost(predictors.x[learn[bag]][:, bare], z[bag], start[bag], recipe.rounds, seed)

    def foretell(part: IntArray) -> FloatArray:
        linear = level + features_of(predictors, j, part, recipe.terms) @ weights
        return np.asarray(linear + trees.added(predictors.x[part][:, bare]))

    known = start[out] + trees.added(predictors.x[learn[out]][:, bare])
    return known, z[out] - known, out, foretell


def _with_errors(
    wanted: FloatArray,
    known: FloatArray,
    errors: FloatArray,
    values: FloatArray,
    unit: tuple[float, float],
    form: DrawnForm,
    rng: np.random.Generator,
) -> FloatArray:
    """Expected values with an error each; outside the limits another error is tried, then a donor's value."""
    window = max(int(SHARE * len(known)), LEAST)
    out = np.full(len(wanted), np.nan)
    left = np.arange(len(wanted))
    for _ in range(TRIES):
        donors = _donors(known, wanted[left], window, rng)
        drawn = unit[0] + unit[1] * (wanted[left] + errors[donors])
        good = form.allows(drawn)
        out[left[good]] = drawn[good]
        left = left[~good]
        if not len(left):
            break
    out[left] = values[_donors(known, wanted[left], DONORS, rng)]
    return form.snapped(out)


def _donors(known: FloatArray, wanted: FloatArray, window: int, rng: np.random.Generator) -> IntArray:
    """For each wanted value one of the rows, in order of what was foretold for them, around its place."""
    low, high = (np.searchsorted(known, wanted, side=side) for side in ("left", "right"))
    at = low + (rng.random(len(wanted)) * (high - low + 1)).astype(np.int64)
    window = min(window, len(known))
    first = np.clip(at - window // 2, 0, len(known) - window)
    return np.asarray(first + rng.integers(0, window, len(wanted)))


def draw_codes(
    predictors: Predictors,
    j: int,
    learn: IntArray,
    labels: IntArray,
    k: int,
    rows: IntArray,
    recipe: Recipe,
    rng: np.random.Generator,
) -> IntArray:
    """Codes of labels for some rows: by logistic equations, with trees where they help, or from like rows.

    Parameters
    ----------
    predictors, j
        The matrix, and the column.
    learn, labels
        Rows with a label, and its codes.
    k
        Number of labels.
    rows
        Rows that need one.
    recipe
        How the column is foretold.
    rng
        For parameters and cells.
    """
    if len(learn) < FEW or (labels == labels[0]).all():
        return rng.choice(labels, len(rows))
    p = len(predictors.linear(j)) + len(recipe.terms)
    if not logistic(len(learn), p, k):
        learn, labels = learn[:TREE_ROWS], labels[:TREE_ROWS]
        x = features_of(predictors, j, learn, recipe.terms)
        parts = [
            draw_from_neighbours(
                x, labels, features_of(predictors, j, rows[at : at + PART], recipe.terms), rng
            )
            for at in range(0, len(rows), PART)
        ]
        return np.concatenate(parts)
    learn, labels = learn[:LOGISTIC_ROWS], labels[:LOGISTIC_ROWS]
    if recipe.rounds:
        bag = rng.integers(0, len(learn), len(learn))
        learn, labels = learn[bag], labels[bag]
    x = features_of(predictors, j, learn, recipe.terms)
    fit = fit_softmax(x, labels, k, recipe.ridge)
    weights = fit.weights if recipe.rounds else fit.drawn(rng)
    bare, trees = predictors.linear(j), None
    if recipe.rounds:
        seed = child_seed(int(rng.integers(2**31)), "boost")
        trees = boost(predictors.x[learn][:, bare], labels, fit.features @ weights, recipe.rounds, seed, k)
    out = []
    for start in range(0, len(rows), PART):
        part = rows[start : start + PART]
        scores = weights[0] + features_of(predictors, j, part, recipe.terms) @ weights[1:]
        if trees is not None:
            scores = scores + trees.added(predictors.x[part][:, bare])
        out.append(draw_labels(chances(scores), rng))
    return np.concatenate(out)
