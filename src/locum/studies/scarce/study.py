"""Do rows that stand in for real ones help where these are few? Repeated cross-validation, paired."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from locum.arrays import BoolArray, FloatArray
from locum.errors import DataError, UsageError
from locum.evaluation.learn.cells import levels_of
from locum.evaluation.learn.features import FeatureView
from locum.evaluation.scores import score_of
from locum.evaluation.target import TargetColumn, target_of
from locum.progress import Event, Listener, silent
from locum.randomness import child_seed, stream
from locum.runs.holdout import persons_of
from locum.studies.mix.arms import Block, Goal, oversample, train_and_test
from locum.studies.scarce.conclude import COPIES, HALVED_COPIES, REAL, Split, conclude
from locum.studies.scarce.result import Scarcity, WayKind
from locum.studies.scarce.ways import (
    DOUBLED,
    GROUP_WEIGHTS,
    HALVED,
    LEVELLED,
    Sources,
    group_rows,
    short,
    stand_ins,
)
from locum.wording import count, verb

if TYPE_CHECKING:
    import pyarrow as pa

    from locum.control.rules.clause import Clause
    from locum.schema.column import Column

#: Parts of a cross-validation, and how often it is repeated.
FOLDS, REPEATS = 5, 4
#: Fewest rows, rows of each class, and rows of a group, about which something is said.
LEAST_ROWS, LEAST_CLASS, LEAST_GROUP = 30, 5, 20
CLASS_WEIGHTS, SMOTE = "class weights", "SMOTE"


class TrainAndScore(Protocol):
    """Trains on the real rows of a split with others; scores the group and the others of the test rows."""

    def __call__(
        self, extra: Block | None, weight: float = 1.0, *, balance: bool = False
    ) -> tuple[float, float]:
        """Score of the group, and of all others."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class ScarceQuestion:
    """What is asked.

    Attributes
    ----------
    sources
        The target, and where rows can come from.
    real
        The few real rows.
    test
        Real rows of the same kind to test on; None tests on parts of `real`.
    group, clauses
        A condition, and its parts, of the group that is amplified; empty without.
    seed, repeats
        Seed of everything; how often to cross-validate.
    """

    sources: Sources
    real: pa.Table
    test: pa.Table | None = None
    group: str = ""
    clauses: tuple[Clause, ...] = ()
    seed: int = 0
    repeats: int = REPEATS

    def members(self, table: pa.Table) -> BoolArray:
        """Whether each row belongs to the group; all do where there is none."""
        inside = np.ones(table.num_rows, dtype=np.bool_)
        for clause in self.clauses:
            inside &= clause.holds(table)
        return inside

    @property
    def kinds(self) -> dict[str, WayKind]:
        """The ways that are tried, simple rivals first."""
        if self.group:
            return {GROUP_WEIGHTS: "rival", DOUBLED: "group", LEVELLED: "group", HALVED: "group"}
        rivals: dict[str, WayKind] = {CLASS_WEIGHTS: "rival", SMOTE: "rival"} if self.sources.curated else {}
        return rivals | self.sources.kinds


@dataclass(frozen=True, slots=True, eq=False)
class _Task:
    """How rows become features and truth."""

    target: TargetColumn
    goal: Goal
    view: FeatureView

    def block(self, table: pa.Table) -> Block:
        return Block.of(self.view, self.target, table)

    def label(self, k: int, column: Column, real: pa.ChunkedArray) -> str:
        """What rows of a class have, as the data spell it."""
        rarer = [level for level in levels_of(real) if level not in self.target.classes]
        if k >= len(self.target.classes) and len(rarer) != 1:
            return f"one of the rarer values of {column.name!r}"
        label = self.target.classes[k] if k < len(self.target.classes) else rarer[0]
        if column.kind == "boolean" and column.format:
            label = column.format.split("|")[label == "true"]
        return f"the value {label!r} in {column.name!r}"

    def known(self, table: pa.Table) -> BoolArray:
        """Rows whose target is known."""
        return ~np.isnan(self.target.values(table))


def study(question: ScarceQuestion, *, name: str, listener: Listener = silent) -> Scarcity:
    """Train on the few rows in every way on many splits, and say which way helps.

    Each split learns from four fifths of the rows and is tested on the last fifth, or on a fifth of the test
    rows where there are some; generators, curators and density ratios see the learning rows only. Copies of
    the real rows take the place of added ones once: the noise floor. For the intervals and the verdict see
    `locum.studies.scarce.conclude`.

    Raises
    ------
    UsageError
        When the target cannot be predicted, or the group is no minority.
    DataError
        With too few rows, of a class or of the group too.
    """
    start = time.process_time()
    task = _task(question)
    _refuse_thin(question, task)
    total = FOLDS * question.repeats
    splits = []
    for k, (learn, test) in enumerate(_splits(question, task)):
        listener(Event("scarce", k, total, f"split {k + 1} of {total}"))
        splits.append(_split(question, task, learn, test, child_seed(question.seed, "scarce", k)))
    listener(Event("scarce", total, total, "done"))
    found = conclude(
        splits,
        question.kinds,
        task.goal,
        group=question.group,
        related=0 if question.sources.related is None else question.sources.related.num_rows,
    )
    return replace(
        found,
        table=name,
        target=question.sources.target,
        synthesizer=question.sources.synthesizer,
        rows=question.real.num_rows,
        cpu_s=time.process_time() - start,
    )


def winning_rows(question: ScarceQuestion, chosen: str) -> pa.Table:
    """The rows of a way that is no simple rival, made from all the real rows."""
    seed = child_seed(question.seed, "scarce", "rows")
    if not question.group:
        return stand_ins(question.sources, question.real, seed)[chosen]
    members = int(question.members(question.real).sum())
    return group_rows(question.sources, question.real, members, question.group, seed)[chosen]


def _task(q: ScarceQuestion) -> _Task:
    import pyarrow as pa

    name, schema = q.sources.target, q.sources.schema
    if q.real.num_rows < LEAST_ROWS:
        raise DataError(
            f"{count(q.real.num_rows, 'row')} {verb(q.real.num_rows, 'is', 'are')} too few to learn from "
            "some and test on others",
            where="scarce",
            expected=f"at least {LEAST_ROWS} rows",
            do="collect more rows; nothing can be concluded from these",
        )
    target = target_of(schema[name], q.real.column(name))
    columns = [c for c in schema if not c.regenerated and c.name != name]
    if target is None or not columns:
        why = (
            "has only one value, or is made afresh" if target is None else "has no column to predict it from"
        )
        raise UsageError(
            f"the target {why}, so nothing can be predicted",
            where=name,
            do="name a column with two or more frequent values as --target",
        )
    known = q.real if q.test is None else pa.concat_tables([q.real, q.test])
    view = FeatureView.learn(columns, known)
    return _Task(target, Goal(target.task, target.n_classes, tuple(view.categorical)), view)


def _refuse_thin(q: ScarceQuestion, task: _Task) -> None:
    """Refuse classes and groups that cannot be both learned from and tested on."""
    for table, row in ((q.real, "row"), (q.test, "test row")):
        if table is None:
            continue
        y = task.target.values(table)
        _refuse_few(q, task, y, row)
        if q.group:
            inside = q.members(table)
            _refuse_one_class(q, task, y, inside)
            _refuse_few(q, task, np.where(inside, y, np.nan), row, f" where {q.group}")
    members = int(q.members(q.real).sum())
    if q.group and 2 * members >= q.real.num_rows:
        raise UsageError(
            f"{q.group} holds in {members:,} of {count(q.real.num_rows, 'row')}, which is no minority",
            where="--amplify",
            do="name a group of fewer than half of the rows",
        )


def _refuse_few(q: ScarceQuestion, task: _Task, y: FloatArray, row: str, group: str = "") -> None:
    """Refuse rows of which too few have a value of the target, or one of its classes."""
    name, known = q.sources.target, y[~np.isnan(y)]
    what = f"{_rows(len(known), row, group)} a value in {name!r}" if len(known) < LEAST_GROUP else ""
    if not what and task.goal.n_classes:
        counts = np.bincount(known.astype(int), minlength=task.goal.n_classes)
        rarest, least = int(counts.argmin()), int(counts.min())
        if least < LEAST_CLASS:
            label = task.label(rarest, q.sources.schema[name], q.real.column(name))
            what = f"{_rows(least, row, group)} {label}"
    if not what:
        return
    do = "name another group, or collect more rows" if group else "collect more rows"
    raise DataError(
        f"{what}: too few to learn from some and test on others",
        where=name,
        expected=f"at least {LEAST_CLASS} rows of each class, and {LEAST_GROUP} in all"
        if task.goal.n_classes
        else f"at least {LEAST_GROUP} rows",
        do="test on more rows, or leave out --test" if row != "row" and not group else do,
    )


def _refuse_one_class(q: ScarceQuestion, task: _Task, y: FloatArray, inside: BoolArray) -> None:
    """Refuse a group that the target itself makes: within it there is nothing to be told apart."""
    if q.sources.target not in {name for clause in q.clauses for name in clause.columns}:
        return
    own = np.unique(y[inside & ~np.isnan(y)])
    if task.goal.n_classes and len(own) < task.goal.n_classes:
        raise UsageError(
            f"the group {q.group} is made by the target itself, so there is nothing to predict within it",
            where="--amplify",
            do="name a group by another column; without --amplify, class weights and SMOTE are tried for a "
            "rare class",
        )


def _rows(n: int, row: str, group: str) -> str:
    """So many rows, with the verb that goes with them."""
    if not n:
        return f"no {row}{group} has"
    return f"only {count(n, row)}{group} {verb(n, 'has', 'have')}"


def _splits(q: ScarceQuestion, task: _Task) -> Iterator[tuple[pa.Table, pa.Table]]:
    """Learning and test rows, a fifth of either left out by turns."""
    for k in range(q.repeats):
        own = _parts(q, task, q.real, k, "real")
        other = own if q.test is None else _parts(q, task, q.test, k, "test")
        for fold in range(FOLDS):
            tested = q.real if q.test is None else q.test
            rows = np.flatnonzero(other == fold)
            yield q.real.take(np.flatnonzero(own != fold)).combine_chunks(), tested.take(rows)


def _parts(q: ScarceQuestion, task: _Task, table: pa.Table, k: int, what: str) -> npt.NDArray[np.int64]:
    """A part number for each row; classes and groups are spread evenly, rows of a person stay together."""
    rng = stream(q.seed, "scarce", "parts", what, k)
    persons = persons_of(table, q.sources.schema)
    if persons is not None:
        _, number = np.unique(persons, return_inverse=True)
        return np.asarray(rng.permutation(int(number.max()) + 1)[number] % FOLDS)
    y = task.target.values(table)
    stratum = q.members(table).astype(np.int64) if q.group else np.zeros(len(y), dtype=np.int64)
    if task.goal.n_classes:
        stratum = stratum * (task.goal.n_classes + 1) + np.where(np.isnan(y), task.goal.n_classes, y).astype(
            int
        )
    order = np.lexsort((rng.random(len(y)), stratum))
    parts = np.empty(len(y), dtype=np.int64)
    parts[order] = np.arange(len(y)) % FOLDS
    # Where the deal begins is drawn too, or the first parts would always get the rows that are left over.
    return np.asarray(rng.permutation(FOLDS)[parts])


def _split(q: ScarceQuestion, task: _Task, learn: pa.Table, test_rows: pa.Table, seed: int) -> Split:
    real, test = task.block(learn), task.block(test_rows)
    inside = q.members(test_rows)[task.known(test_rows)]
    rng = stream(seed, "scarce", "split")
    learner = child_seed(seed, "learner")

    def run(extra: Block | None, weight: float = 1.0, *, balance: bool = False) -> tuple[float, float]:
        p = train_and_test(task.goal, real, extra, weight, test, learner, balance=balance).prediction
        return _scores(task.goal, test.y, p, inside)

    if q.group:
        found = _group_split(q, task, learn, run, rng, seed)
    else:
        found = _whole_split(q, task, learn, run, rng, seed)
    scores = {name: pair[0] for name, pair in found.items()}
    added = {name: pair[1] for name, pair in found.items()}
    return Split(scores, added, len(real), len(test))


def _whole_split(
    q: ScarceQuestion, task: _Task, learn: pa.Table, run: TrainAndScore, rng: np.random.Generator, seed: int
) -> dict[str, tuple[tuple[float, float], int]]:
    """Scores of the ways that serve everybody, and the rows that each adds."""
    real = task.block(learn)
    copies = repeated(real, q.sources.wanted(len(real)), rng)
    found = {REAL: (run(None), 0), COPIES: (run(copies), len(copies))}
    if q.sources.curated:
        more = oversample(task.goal, real, rng)
        found[CLASS_WEIGHTS] = (run(None, balance=True), 0)
        found[SMOTE] = (run(more), len(more))
    for name, rows in stand_ins(q.sources, learn, seed).items():
        extra = task.block(rows)
        found[name] = (run(extra), len(extra))
    return found


def _group_split(
    q: ScarceQuestion, task: _Task, learn: pa.Table, run: TrainAndScore, rng: np.random.Generator, seed: int
) -> dict[str, tuple[tuple[float, float], int]]:
    """Scores of the ways to amplify a group, and the rows that each adds."""
    members = q.members(learn)
    own = task.block(learn.filter(members))
    lacking = short(learn.num_rows, int(members.sum()))
    copies = repeated(own, lacking, rng)
    found = {REAL: (run(None), 0), COPIES: (run(copies), len(copies))}
    halves = copied_halves(own, task.block(learn), q.sources.wanted(learn.num_rows), rng)
    found[HALVED_COPIES] = (run(halves), len(halves))
    found[GROUP_WEIGHTS] = (run(own, lacking / len(own)), 0)
    for name, rows in group_rows(q.sources, learn, int(members.sum()), q.group, seed).items():
        extra = task.block(rows)
        found[name] = (run(extra), len(extra))
    return found


def repeated(rows: Block, n: int, rng: np.random.Generator) -> Block:
    """The rows over and over, each as often as the next but for one, until there are `n`."""
    return rows.take(rng.permutation(len(rows))[np.arange(n) % len(rows)])


def copied_halves(group: Block, everybody: Block, n: int, rng: np.random.Generator) -> Block:
    """Copies of which half are of a group and half of anybody, `n` in all."""
    one, other = repeated(group, n // 2, rng), repeated(everybody, n // 2, rng)
    return Block(np.vstack([one.x, other.x]), np.r_[one.y, other.y])


def _scores(goal: Goal, truth: FloatArray, p: FloatArray, inside: BoolArray) -> tuple[float, float]:
    """Score of the group and of all others; NaN where there is nothing to score."""
    found = []
    for rows in (inside, ~inside):
        y = truth[rows]
        enough = len(y) >= 2 and y.min() < y.max()
        found.append(score_of(goal.task, goal.n_classes, y, p[rows]) if enough else float("nan"))
    return found[0], found[1]
