"""Missing cells drawn column by column, each given all others, in turns: chained equations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from locum.arrays import FloatArray, IntArray
from locum.control.impute.cell_draws import draw_codes, draw_numbers
from locum.control.impute.column_values import ColumnValues
from locum.control.impute.number_form import DrawnForm
from locum.control.impute.predictors import Predictors
from locum.control.impute.recipe import Recipe, choose_recipe, explained
from locum.control.impute.terms import ROWS as TERM_ROWS
from locum.control.impute.terms import draw_steps
from locum.randomness import child_seed, stream

#: Turns over the columns, fewer where rows are many, and those before recipes are chosen; one is enough for a
#: single column.
TURNS, FEWER, MANY, FIRST = 8, 5, 3_000, 1
#: Rows that equations learn from, at most.
LEARN = 10_000
#: Complete rows, and their share among those with a value, from which on recipes are chosen by these alone.
WHOLE, WHOLE_SHARE = 100, 0.33
#: Different values up to which an ordered column is drawn as labels are.
LABELS = 2


@dataclass(frozen=True, slots=True)
class ChainColumn:
    """A column of the chain.

    Attributes
    ----------
    held
        Its values.
    form
        What drawn values may be; None for labels.
    """

    held: ColumnValues
    form: DrawnForm | None

    @property
    def labels(self) -> int:
        """Number of labels it is drawn as; 0 for numbers."""
        number = self.held.number
        return len(self.held.values) if number is None or len(number) <= LABELS else 0

    def shown(self, codes: IntArray) -> FloatArray | IntArray:
        """What the predictors take for codes of its values."""
        return codes if self.held.number is None else self.held.number[codes]


@dataclass(frozen=True, slots=True)
class Drawn:
    """What one chain drew for a column's missing cells.

    Attributes
    ----------
    codes
        Places among the values that occur; None where numbers were drawn.
    numbers
        Numbers on the column's grid; None where codes were drawn.
    """

    codes: IntArray | None
    numbers: FloatArray | None


def run_chain(
    columns: Sequence[ChainColumn], seed: int, recipes: dict[int, Recipe]
) -> tuple[dict[int, Drawn], dict[int, Recipe]]:
    """Draw all missing cells once: fully conditional specification (van Buuren 2007).

    Cells begin with values of other rows of their column. Then each column in turn is drawn anew given all
    others, as they are by then, from parameters that are drawn themselves; after `FIRST` turns it is settled
    how each column is foretold.

    Parameters
    ----------
    columns
        All columns that tell something; those without missing cells are only looked at.
    seed
        Same seed, same cells.
    recipes
        How columns are foretold, by place, where an earlier chain has chosen.

    Returns
    -------
    dict, dict
        Drawn cells by place of the column, and the recipes.
    """
    rng = stream(seed, "chain")
    predictors = Predictors([c.held for c in columns])
    missing = {j: c.held.missing for j, c in enumerate(columns)}
    turn_order = sorted((j for j in missing if len(missing[j])), key=lambda j: len(missing[j]))
    learn: dict[int, IntArray] = {}
    for j in turn_order:
        seen = rng.permutation(np.flatnonzero(columns[j].held.codes >= 0))[:LEARN]
        learn[j] = seen
        begin = rng.choice(columns[j].held.codes[seen], len(missing[j]))
        predictors.put(j, missing[j], columns[j].shown(begin))
    alone = len(turn_order) == 1
    found = dict(recipes)
    whole = np.logical_and.reduce([c.held.codes >= 0 for c in columns])
    own: dict[int, Recipe] = {}
    drawn: dict[int, Drawn] = {}
    turns = 1 if alone else TURNS if len(whole) <= MANY else FEWER
    for turn in range(turns):
        for j in turn_order:
            if j not in found and (alone or turn >= FIRST):
                found[j] = _chosen(predictors, columns[j], j, learn[j], whole, seed)
            if j in found and j not in own:
                own[j] = _with_drawn_steps(predictors, columns[j], j, learn[j], whole, found[j], rng)
            cells = _draw(predictors, columns[j], j, learn[j], missing[j], own.get(j, Recipe()), rng)
            drawn[j] = cells
            values = cells.numbers if cells.codes is None else columns[j].shown(cells.codes)
            assert values is not None
            predictors.put(j, missing[j], values)
    return drawn, found


def _chosen(
    predictors: Predictors, column: ChainColumn, j: int, learn: IntArray, whole: np.ndarray, seed: int
) -> Recipe:
    rows, y = _to_choose_by(column, learn, whole)
    if (y == y[0]).all():
        return Recipe()
    return choose_recipe(predictors, j, rows, y, column.labels, child_seed(seed, "recipe"))


def _with_drawn_steps(
    predictors: Predictors,
    column: ChainColumn,
    j: int,
    learn: IntArray,
    whole: np.ndarray,
    recipe: Recipe,
    rng: np.random.Generator,
) -> Recipe:
    """The recipe with its steps where this chain has them."""
    if not any(factor.cut is not None for term in recipe.terms for factor in term):
        return recipe
    rows, y = _to_choose_by(column, learn, whole)
    shown = explained(y[:TERM_ROWS], column.labels)
    return replace(recipe, terms=draw_steps(predictors, j, rows[:TERM_ROWS], shown, recipe.terms, rng))


def _to_choose_by(
    column: ChainColumn, learn: IntArray, whole: np.ndarray
) -> tuple[IntArray, FloatArray | IntArray]:
    """Rows by which a recipe is chosen, complete ones where there are enough, and what is foretold there."""
    complete = learn[whole[learn]]
    rows = complete if len(complete) >= max(WHOLE, WHOLE_SHARE * len(learn)) else learn
    codes, number, form = column.held.codes[rows], column.held.number, column.form
    return rows, codes if column.labels or number is None or form is None else form.foretold(number[codes])


def _draw(
    predictors: Predictors,
    column: ChainColumn,
    j: int,
    learn: IntArray,
    rows: IntArray,
    recipe: Recipe,
    rng: np.random.Generator,
) -> Drawn:
    codes, number = column.held.codes[learn], column.held.number
    if column.labels or number is None or column.form is None:
        drawn = draw_codes(predictors, j, learn, codes, column.labels, rows, recipe, rng)
        return Drawn(drawn, None)
    values = draw_numbers(predictors, j, learn, number[codes], rows, column.form, recipe, rng)
    if column.form.manner == "grid":
        return Drawn(None, values)
    return Drawn(column.form.nearest(values), None)
