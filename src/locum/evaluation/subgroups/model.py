"""A model under test: one that is trained here on given rows, or anybody's function."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from locum.arrays import FloatArray, effective_size
from locum.errors import UsageError
from locum.evaluation.generator import Fit
from locum.evaluation.learn.boosting import grow
from locum.evaluation.learn.cells import levels_of, texts
from locum.evaluation.learn.features import FeatureView
from locum.evaluation.subgroups.groups import BINS, ModelScores, Score, everybody, pools, score_groups
from locum.evaluation.subgroups.result import Measure, Shift, Subgrouping, SubgroupTable
from locum.evaluation.subgroups.shift import shift_of
from locum.evaluation.target import TargetColumn, target_of
from locum.progress import Event, Listener, silent
from locum.randomness import check_seed, child_seed
from locum.schema.table import Schema

if TYPE_CHECKING:
    import pyarrow as pa

#: A function of the features, as a pyarrow table without the target: one label or number a row.
Predict = Callable[["pa.Table"], Any]

#: Answers that count as true and as false, in lower case.
YES, NO = ("true", "t", "yes", "y", "1"), ("false", "f", "no", "n", "0")
#: Fewer real test rows with a known target than this carry nothing; combinations of groups at most.
LEAST_ROWS, MOST_GROUPS = 20, 2_000


@dataclass(frozen=True, eq=False)
class Examined:
    """What is asked of a model, and the rows to ask it on.

    Attributes
    ----------
    name, model
        Of the test rows and of the model, in words.
    schema, target
        Columns, and the one that is predicted.
    score
        The model's score on each row of a canonical table.
    test
        Canonical real rows that the model has not seen, all with a known target.
    by
        Columns whose combinations are the groups; one entry a table.
    shifts
        Shares of another population, as for `locum.evaluation.subgroups.shift.shift_of`.
    """

    name: str
    model: str
    schema: Schema
    target: TargetColumn
    score: Score
    test: pa.Table
    by: tuple[tuple[str, ...], ...]
    shifts: tuple[str, ...] = ()


def target_column(name: str, schema: Schema, table: pa.Table) -> TargetColumn:
    """How the target is predicted.

    Raises
    ------
    UsageError
        When the column cannot be predicted at all.
    """
    target = target_of(schema[name], table.column(name))
    if target is None:
        raise UsageError(
            f"{name!r} cannot be predicted",
            where="target",
            expected="a column with two classes or more, or numbers; no ids, free text or personal details",
        )
    return target


def with_target(table: pa.Table, target: TargetColumn) -> pa.Table:
    """The rows whose target is known."""
    return table.filter(~np.isnan(target.values(table)))


def train_score(rows: pa.Table, schema: Schema, target: TargetColumn, seed: int) -> Score:
    """Score of boosted trees with LightGBM's defaults that learned the target from `rows`.

    1 for the right class and 0 for a wrong one; the absolute error of a number.

    Raises
    ------
    UsageError
        When the rows hold fewer than two classes or values of the target, or there are no other columns.
    """
    columns = [c for c in schema if not c.regenerated and c.name != target.column]
    known = with_target(rows, target)
    y = target.values(known)
    if not columns or len(np.unique(y)) < 2:
        raise UsageError(
            f"nothing can be learned about {target.column!r} from these rows",
            where="model",
            expected="two classes or values of the target, and other columns",
        )
    view = FeatureView.learn(columns, known)
    forest = grow(
        view.matrix(known),
        y,
        target.task,
        categorical=view.categorical,
        seed=child_seed(seed, "subgroups", "model"),
        n_classes=max(2, target.n_classes),
        rounds=target.rounds,
    )

    def score(table: pa.Table) -> FloatArray:
        guess = forest.predict(view.matrix(table))
        truth = target.values(table)
        if target.task == "regression":
            return np.abs(guess - truth)
        label = guess.argmax(axis=1) if guess.ndim == 2 else guess > 0.5
        return np.asarray(label == truth, dtype=np.float64)

    return score


def function_score(predict: Predict, target: TargetColumn, spelt: str = "") -> Score:
    """Score of anybody's function of the features; labels are compared as texts.

    `spelt` holds the words for false and true in the user's file, such as ``nein|ja``.

    Raises
    ------
    UsageError
        When it does not give one answer a row, or none of its labels is a class of the target.
    """
    boolean = set(target.classes) == {"true", "false"}
    no, yes = spelt.split("|") if boolean and "|" in spelt else ("", "")
    own = {no: "false", yes: "true"} if yes else {}

    def score(table: pa.Table) -> FloatArray:
        said = predict(table.drop_columns([target.column]))
        found = np.asarray(said)
        if found.shape != (table.num_rows,):
            raise UsageError(
                f"the model gave answers of shape {found.shape} for {table.num_rows} rows",
                where="model",
                expected="one label or number a row",
            )
        if target.task == "regression":
            error = np.abs(found.astype(np.float64) - target.values(table))
            return np.where(np.isnan(error), np.inf, error)
        labels = [own.get(v) or _label(v, boolean=boolean) for v in found.tolist()]
        truth = texts(table.column(target.column)).to_pylist()
        if table.num_rows and not set(labels) & set(truth):
            raise UsageError(
                f"none of the model's answers is a class of {target.column!r}",
                where="model",
                expected=f"labels such as {', '.join(map(repr, target.classes[:3]))}",
            )
        return np.array([a == b for a, b in zip(labels, truth, strict=True)], dtype=np.float64)

    return score


def _label(answer: object, *, boolean: bool) -> str | None:
    """An answer as the text of a class; 1.0 is 1, and of a boolean target yes, 1 and True are true."""
    if answer is None:
        return None
    if isinstance(answer, float) and answer.is_integer():
        answer = int(answer)
    text = str(answer)
    if boolean and text.lower() in YES:
        return "true"
    return "false" if boolean and text.lower() in NO else text


def examine(
    asked: Examined,
    fit: Fit,
    *,
    generators: int = 8,
    rows: int = 20_000,
    seed: int = 0,
    notes: Sequence[str] = (),
    listener: Listener = silent,
) -> Subgrouping:
    """Test a model on subgroups and under shifts, by real rows and by generated ones.

    Parameters
    ----------
    asked
        The question.
    fit, generators, rows
        As for `locum.evaluation.subgroups.groups.pools`.
    seed
        Same seed, same figures.
    notes
        Handed through.
    listener
        Told of each step.

    Raises
    ------
    UsageError
        For columns, shares or numbers that cannot be.
    Infeasible
        When a shift asks for rows that nobody has.
    """
    check_seed(seed)
    start = time.process_time()
    if asked.test.num_rows < LEAST_ROWS:
        raise UsageError(
            f"{asked.test.num_rows} test rows with a known target are too few",
            where=asked.name,
            expected=f"{LEAST_ROWS} or more",
        )
    for by in asked.by:
        _check(by, asked)
    weighers = [shift_of(text, asked.schema, asked.test) for text in asked.shifts]
    total = 2 + len(asked.by) + len(asked.shifts)
    listener(Event("subgroups", 0, total, "generators"))
    drawn = pools(fit, asked.test, asked.schema, generators=generators, rows=rows, seed=seed)
    drawn = tuple(with_target(t, asked.target) for t in drawn)
    listener(Event("subgroups", 1, total, "the model's answers"))
    scored = ModelScores.of(asked.score, asked.test, drawn)
    tables: list[SubgroupTable] = []
    shifts: list[Shift] = []
    for by in asked.by:
        listener(Event("subgroups", 2 + len(tables), total, " x ".join(by)))
        tables.append(SubgroupTable(by, score_groups(scored, schema=asked.schema, by=by)))
    for text, weigh in zip(asked.shifts, weighers, strict=True):
        listener(Event("subgroups", 2 + len(tables) + len(shifts), total, text))
        moved = scored.with_weights(weigh)
        w = moved.weights[0]
        shifts.append(Shift(text, everybody(moved, scored), effective_size(w)))
    listener(Event("subgroups", total, total))
    measure: Measure = "absolute error" if asked.target.task == "regression" else "share right"
    return Subgrouping(
        asked.name,
        asked.test.num_rows,
        asked.model,
        asked.target.column,
        measure,
        everybody(scored),
        tuple(tables),
        tuple(shifts),
        fit.name,
        generators,
        rows,
        seed,
        tuple(notes),
        cpu_s=time.process_time() - start,
    )


def _check(by: Sequence[str], asked: Examined) -> None:
    schema, cells = asked.schema, 1
    for name in by:
        if name not in schema.names:
            raise UsageError(
                f"there is no column {name!r}",
                where="by",
                expected=f"one of {', '.join(schema.names[:12])}",
            )
        if schema[name].regenerated:
            raise UsageError(
                f"{name!r} holds ids, text or personal details and names no groups",
                where="by",
                do="name another column",
            )
        cells *= 1 + (BINS if schema[name].ordered else len(levels_of(asked.test.column(name))))
    if cells > MOST_GROUPS:
        raise UsageError(
            f"{' x '.join(by)} makes {cells:,} groups",
            where="by",
            expected=f"at most {MOST_GROUPS:,}",
            do="cross fewer columns",
        )
