"""Should synthetic rows be added, and how many? Arms on splits; a choice is judged where it was not made."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from locum.errors import DataError, UsageError
from locum.evaluation.learn.features import FeatureView
from locum.evaluation.scores import score_of
from locum.evaluation.target import TargetColumn, target_of
from locum.evaluation.trial import Trial
from locum.progress import Event, Listener, silent
from locum.randomness import child_seed, stream
from locum.runs.holdout import keep_together, persons_of
from locum.runs.tables import need_column
from locum.studies.mix.arms import (
    THRESHOLD,
    Block,
    Goal,
    Mix,
    Outcome,
    at_share,
    mixes,
    oversample,
    train_and_test,
)
from locum.studies.mix.conclude import CURVE, Run, conclude
from locum.studies.mix.result import Mixing

if TYPE_CHECKING:
    import pyarrow as pa

    from locum.schema.table import Schema

#: Makes synthetic rows from learning rows: (rows to learn from, number wanted, seed) -> rows.
Make = Callable[["pa.Table", int, int], "pa.Table"]

#: Share of the rows that are tested on, and most test rows and learning rows of a split.
TEST_SHARE, MOST_TEST, MOST_LEARN = 0.3, 12_000, 40_000
#: Splits: many where fits are cheap.
FEW_SPLITS, MANY_SPLITS, LARGE = 6, 12, 6_000
#: Fewest rows, and fewest test rows of a group, about which something is said.
LEAST_ROWS, LEAST_GROUP = 30, 30


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked.

    Attributes
    ----------
    schema, real
        Columns, and the real rows.
    target, protected
        Column to predict, and columns whose groups are looked at.
    make
        Where synthetic rows come from.
    available
        Number of rows of the file that `make` draws from, which may have been learned from any of the real
        rows; None where `make` learns from the rows of each split.
    holdout
        Real rows that the file's generator never saw; None splits `real`.
    seed, splits
        Seed of everything; number of splits, None for `FEW_SPLITS` or `MANY_SPLITS` by size.
    """

    schema: Schema
    real: pa.Table
    target: str
    make: Make
    protected: tuple[str, ...] = ()
    available: int | None = None
    holdout: pa.Table | None = None
    seed: int = 0
    splits: int | None = None


def study(question: Question, *, name: str, synthesizer: str, listener: Listener = silent) -> Mixing:
    """Train with and without synthetic rows on many splits and say whether they help.

    Every split trains on real rows alone, on `locum.studies.mix.arms.mixes`, on synthetic rows alone, on
    copies of the real rows in the place of synthetic ones (the noise floor), and with simple rivals (class
    weights, SMOTE, a moved threshold). The best mix is chosen on all other splits and judged on this one, so
    that choosing does not flatter it. What the verdict needs: see `locum.studies.mix.conclude.decide`.

    Raises
    ------
    UsageError
        When the target cannot be predicted (one value, or no column of that name).
    DataError
        With fewer than `LEAST_ROWS` rows.
    """
    start = time.process_time()
    target, goal, view = _prepare(question)
    k = question.splits or (FEW_SPLITS if question.real.num_rows > LARGE else MANY_SPLITS)
    tried = mixes(_learning_rows(question), question.available)
    runs = []
    for split in range(k):
        listener(Event("mix", split, k, f"split {split + 1} of {k}"))
        runs.append(_split(question, tried, target, goal, view, split))
    listener(Event("mix", k, k, "done"))
    # With a hold-out each split leaves a fifth of both sides out, as a split into four and one parts does.
    share = 0.25 if question.holdout is not None else float(np.mean([r.test_share for r in runs]))
    found = conclude(runs, tried, goal, share, table=name, target=question.target, synthesizer=synthesizer)
    return replace(
        found,
        copying=_copying(question, runs[0], found.arm(found.chosen).ratio),
        warnings=_warnings(question, tried),
        cpu_s=time.process_time() - start,
    )


def _prepare(q: Question) -> tuple[TargetColumn, Goal, FeatureView]:
    need_column(q.target, q.schema.names, where="target")
    if q.real.num_rows < LEAST_ROWS:
        raise DataError(
            f"{q.real.num_rows} rows are too few to learn from some and test on others",
            where="mix",
            expected=f"at least {LEAST_ROWS} rows",
            do="collect more rows; nothing can be concluded from these",
        )
    target = target_of(q.schema[q.target], q.real.column(q.target))
    if target is None:
        raise UsageError(
            "the target has only one value, or is made afresh, so nothing can be predicted",
            where=q.target,
            do="name a column with two or more frequent values as --target",
        )
    columns = [c for c in q.schema if not c.regenerated and c.name != q.target]
    if not columns:
        raise UsageError("there is no column to predict from", where=q.target)
    view = FeatureView.learn(columns, q.real)
    return target, Goal(target.task, target.n_classes, tuple(view.categorical)), view


def _learning_rows(q: Question) -> int:
    """Number of real rows that a split learns from."""
    n = q.real.num_rows
    left: int = max(1, 4 * n // 5) if q.holdout is not None else n - _test_rows(n)
    return min(MOST_LEARN, left)


def _test_rows(n: int) -> int:
    return min(MOST_TEST, max(1, round(TEST_SHARE * n)))


def _rows(q: Question, split: int) -> tuple[pa.Table, pa.Table]:
    """Learning and test rows of a split."""
    rng = stream(q.seed, "mix", "split", split)
    if q.holdout is not None:
        learn = rng.permutation(q.real.num_rows)[: _learning_rows(q)]
        test = rng.permutation(q.holdout.num_rows)[: min(MOST_TEST, max(1, 4 * q.holdout.num_rows // 5))]
        return q.real.take(np.sort(learn)), q.holdout.take(np.sort(test))
    order = rng.permutation(q.real.num_rows)
    cut = _test_rows(len(order))
    persons = persons_of(q.real, q.schema)
    if persons is not None:
        order, cut = keep_together(order, persons, cut)
    return q.real.take(np.sort(order[cut : cut + MOST_LEARN])), q.real.take(np.sort(order[:cut]))


def _split(
    q: Question, tried: Sequence[Mix], target: TargetColumn, goal: Goal, view: FeatureView, split: int
) -> Run:
    learn, test_table = _rows(q, split)
    wanted = int(np.ceil(max(m.ratio for m in tried) * learn.num_rows))
    made = q.make(learn, wanted, child_seed(q.seed, "mix", "make", split))
    real, test, synthetic = (Block.of(view, target, t) for t in (learn, test_table, made))
    rng = stream(q.seed, "mix", "rows", split)
    seed = child_seed(q.seed, "mix", "learner", split)

    def run(rows: Block, extra: Block | None, weight: float, *, balance: bool = False) -> Outcome:
        return train_and_test(goal, rows, extra, weight, test, seed, balance=balance)

    def first(block: Block, ratio: float) -> Block:
        return block.take(np.arange(min(len(block), round(ratio * len(real)))))

    synthetic = synthetic.take(rng.permutation(len(synthetic)))
    copies = real.take(rng.integers(len(real), size=wanted))
    outcomes = {"real": run(real, None, 1.0)}
    for m in tried:
        outcomes[m.name] = run(real, first(synthetic, m.ratio), m.weight)
        outcomes["copy: " + m.name] = run(real, first(copies, m.ratio), m.weight)
    outcomes["synthetic alone"] = run(first(synthetic, 1.0), None, 1.0)
    if goal.task != "regression":
        outcomes["class weights"] = run(real, None, 1.0, balance=True)
        outcomes["SMOTE"] = run(real, oversample(goal, real, rng), 1.0)
    if goal.task == "binary":
        outcomes[THRESHOLD] = at_share(outcomes["real"], test.y, float(real.y.mean()))
    curve = []
    for share in CURVE:
        some = real.take(rng.permutation(len(real))[: max(10, round(share * len(real)))])
        curve.append((len(some), run(some, None, 1.0).score))
    groups = _groups(q, goal, target, test_table, test, outcomes)
    tables = (learn, made, test_table) if split == 0 else None
    return Run(outcomes, groups, tuple(curve), learn.num_rows, test_table.num_rows, tables)


def _groups(
    q: Question,
    goal: Goal,
    target: TargetColumn,
    table: pa.Table,
    test: Block,
    outcomes: Mapping[str, Outcome],
) -> dict[tuple[str, str], tuple[int, dict[str, float]]]:
    from locum.evaluation.learn.cells import levels_of, texts

    known = ~np.isnan(target.values(table))
    out: dict[tuple[str, str], tuple[int, dict[str, float]]] = {}
    for column in q.protected:
        values = np.array(texts(table.column(column)).to_pylist(), dtype=object)[known]
        for level in levels_of(table.column(column))[:6]:
            mine = values == level
            if mine.sum() < LEAST_GROUP or len(np.unique(test.y[mine])) < 2:
                continue
            scores = {
                name: score_of(goal.task, goal.n_classes, test.y[mine], o.prediction[mine])
                for name, o in outcomes.items()
                if name == "real" or not name.startswith("copy")
            }
            out[(column, level)] = (int(mine.sum()), scores)
    return out


def _copying(q: Question, run: Run, ratio: float) -> tuple[float, float, float] | None:
    """The membership attack on as many synthetic rows as the chosen mix has.

    None for rows from a file without a hold-out: their generator cannot tell our two parts of the real rows
    apart, so that the attack would find nothing whatever it learned from.
    """
    from locum.evaluation.attacks.membership import nearest_membership

    if run.tables is None or (q.available is not None and q.holdout is None):
        return None
    learn, made, test = run.tables
    made = made.slice(0, max(1, round(ratio * learn.num_rows)))
    found = nearest_membership(Trial(q.schema, learn, made, test, seed=q.seed))
    if not found or found[0].low is None or found[0].high is None:
        return None
    return found[0].value, found[0].low, found[0].high


def _warnings(q: Question, tried: Sequence[Mix]) -> tuple[str, ...]:
    if q.available is None:
        return ()
    out, most, wanted = [], max(m.ratio for m in tried), max(m.ratio for m in mixes(_learning_rows(q)))
    if q.holdout is None:
        out.append(
            "The synthetic rows came from a file: if their generator has seen the rows that are tested on "
            "here, the gain is too good to be true. Give real rows that it never saw with --holdout."
        )
    if most < wanted:
        out.append(
            f"The file holds {q.available:,} synthetic rows, so that at most {most:.3g} for each real row "
            f"were tried; with {int(np.ceil(wanted * _learning_rows(q))):,} rows all amounts would be."
        )
    return tuple(out)
