"""Should synthetic rows be added, and how many? Arms on splits; a choice is judged where it was not made."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from locum.errors import DataError, UsageError
from locum.evidence.mixing import Arm, Contrast, GroupGain, Mixing, MixVerdict
from locum.evidence.trial import Trial
from locum.evidence.views import FeatureView
from locum.metrics.scores import score_of
from locum.metrics.targets import Target, target_of
from locum.progress import Event, Listener, silent
from locum.randomness import child_seed, stream
from locum.studies.mix.arms import RATIOS, WEIGHTS, Block, Goal, Outcome, smote, train_and_test
from locum.studies.mix.contrast import corrected

if TYPE_CHECKING:
    import pyarrow as pa

    from locum.schema.table import Schema

FloatArray = npt.NDArray[np.float64]
#: Makes synthetic rows from learning rows: (rows to learn from, number wanted, seed) -> rows.
Make = Callable[["pa.Table", int, int], "pa.Table"]

#: Share of the rows that are tested on, and most test rows and learning rows of a split.
TEST_SHARE, MOST_TEST, MOST_LEARN = 0.3, 12_000, 40_000
#: Splits: many where fits are cheap.
FEW_SPLITS, MANY_SPLITS, LARGE = 6, 12, 6_000
#: Fewest rows, and fewest test rows of a group, about which something is said.
LEAST_ROWS, LEAST_GROUP = 30, 30
CURVE = (0.25, 0.5)
#: Differences below this are none.
NOTHING = 5e-5


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
    fixed
        Whether `make` gives rows of a file, which may have been learned from any of the real rows.
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
    fixed: bool = False
    holdout: pa.Table | None = None
    seed: int = 0
    splits: int | None = None


def study(question: Question, *, name: str, synthesizer: str, listener: Listener = silent) -> Mixing:
    """Train with and without synthetic rows on many splits and say whether they help.

    Every split trains on real rows alone, on mixes of all `RATIOS` and `WEIGHTS`, on synthetic rows alone, on
    copies of the real rows in the place of synthetic ones (the noise floor), and with simple rivals (class
    weights, SMOTE). The best mix is chosen on all other splits and judged on this one, so that choosing does
    not flatter it. Verdict ``helps`` needs an interval above 0 against real rows alone and against copies;
    ``harms`` an interval below 0.

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
    runs = []
    for split in range(k):
        listener(Event("mix", split, k, f"split {split + 1} of {k}"))
        runs.append(_split(question, target, goal, view, split))
    listener(Event("mix", k, k, "done"))
    # With a hold-out each split leaves a fifth of both sides out, as a split into four and one parts does.
    share = 0.25 if question.holdout is not None else float(np.mean([r.test_share for r in runs]))
    return _conclude(question, runs, goal, share, name, synthesizer, time.process_time() - start)


@dataclass(frozen=True, slots=True)
class _Run:
    """What one split gave: outcomes by arm, scores by group, the learning curve."""

    outcomes: Mapping[str, Outcome]
    groups: Mapping[tuple[str, str], tuple[int, Mapping[str, float]]]
    curve: tuple[tuple[int, float], ...]
    learn: int
    test: int
    copying: tuple[float, float, float] | None

    @property
    def test_share(self) -> float:
        return self.test / self.learn


def _prepare(q: Question) -> tuple[Target, Goal, FeatureView]:
    if q.target not in q.schema.names:
        raise UsageError(f"there is no column {q.target!r}", where="target",
                         expected=f"one of {', '.join(q.schema.names[:12])}")  # fmt: skip
    if q.real.num_rows < LEAST_ROWS:
        raise DataError(
            f"{q.real.num_rows} rows are too few to learn from some and test on others", where="mix",
            expected=f"at least {LEAST_ROWS} rows",
            do="collect more rows; nothing can be concluded from these",
        )  # fmt: skip
    target = target_of(q.schema[q.target], q.real.column(q.target))
    if target is None:
        raise UsageError(
            "the target has only one value, or is made afresh, so nothing can be predicted",
            where=q.target, do="name a column with two or more frequent values as --target",
        )  # fmt: skip
    columns = [c for c in q.schema if not c.regenerated and c.name != q.target]
    if not columns:
        raise UsageError("there is no column to predict from", where=q.target)
    view = FeatureView.learn(columns, q.real)
    return target, Goal(target.task, target.n_classes, tuple(view.categorical)), view


def mix_name(ratio: float, weight: float) -> str:
    """What a mix is called."""
    return f"{ratio:g} x synthetic, weight {weight:g}"


MIXES = tuple((mix_name(r, w), r, w) for r in RATIOS for w in WEIGHTS)


def _rows(q: Question, split: int) -> tuple[pa.Table, pa.Table]:
    """Learning and test rows of a split."""
    rng = stream(q.seed, "mix", "split", split)
    if q.holdout is not None:
        learn = rng.permutation(q.real.num_rows)[: min(MOST_LEARN, max(1, 4 * q.real.num_rows // 5))]
        test = rng.permutation(q.holdout.num_rows)[: min(MOST_TEST, max(1, 4 * q.holdout.num_rows // 5))]
        return q.real.take(np.sort(learn)), q.holdout.take(np.sort(test))
    order = rng.permutation(q.real.num_rows)
    cut = min(MOST_TEST, max(1, round(TEST_SHARE * len(order))))
    return q.real.take(np.sort(order[cut : cut + MOST_LEARN])), q.real.take(np.sort(order[:cut]))


def _split(q: Question, target: Target, goal: Goal, view: FeatureView, split: int) -> _Run:
    learn, test_table = _rows(q, split)
    wanted = int(np.ceil(max(RATIOS) * learn.num_rows))
    made = q.make(learn, wanted, child_seed(q.seed, "mix", "make", split))
    real, test, synthetic = (_block(view, target, t) for t in (learn, test_table, made))
    rng = stream(q.seed, "mix", "rows", split)
    seed = child_seed(q.seed, "mix", "learner", split)

    def run(rows: Block, extra: Block | None, weight: float, *, balance: bool = False) -> Outcome:
        return train_and_test(goal, rows, extra, weight, test, seed, balance=balance)

    def first(block: Block, ratio: float) -> Block:
        return block.take(np.arange(min(len(block), round(ratio * len(real)))))

    synthetic = synthetic.take(rng.permutation(len(synthetic)))
    copies = real.take(rng.integers(len(real), size=wanted))
    outcomes = {"real": run(real, None, 1.0)}
    for name, ratio, weight in MIXES:
        outcomes[name] = run(real, first(synthetic, ratio), weight)
        outcomes["copy: " + name] = run(real, first(copies, ratio), weight)
    outcomes["synthetic alone"] = run(first(synthetic, 1.0), None, 1.0)
    if goal.task != "regression":
        outcomes["class weights"] = run(real, None, 1.0, balance=True)
        outcomes["SMOTE"] = run(real, smote(goal, real, rng), 1.0)
    curve = []
    for share in CURVE:
        some = real.take(rng.permutation(len(real))[: max(10, round(share * len(real)))])
        curve.append((len(some), run(some, None, 1.0).score))
    groups = _groups(q, goal, target, test_table, test, outcomes)
    copying = _copying(q, learn, made, test_table) if split == 0 else None
    return _Run(outcomes, groups, tuple(curve), learn.num_rows, test_table.num_rows, copying)


def _block(view: FeatureView, target: Target, table: pa.Table) -> Block:
    y = target.values(table)
    known = ~np.isnan(y)
    return Block(view.matrix(table)[known], y[known])


def _groups(
    q: Question, goal: Goal, target: Target, table: pa.Table, test: Block, outcomes: Mapping[str, Outcome]
) -> dict[tuple[str, str], tuple[int, dict[str, float]]]:
    from locum.evidence.cells import levels_of, texts

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


def _copying(
    q: Question, learn: pa.Table, made: pa.Table, test: pa.Table
) -> tuple[float, float, float] | None:
    from locum.attacks.membership import nearest_membership

    found = nearest_membership(Trial(q.schema, learn, made, test, seed=q.seed))
    if not found or found[0].low is None or found[0].high is None:
        return None
    return found[0].value, found[0].low, found[0].high


def _conclude(
    q: Question, runs: Sequence[_Run], goal: Goal, share: float, name: str, synthesizer: str, cpu: float
) -> Mixing:
    score = {arm: np.array([r.outcomes[arm].score for r in runs]) for arm in runs[0].outcomes}
    names = [m[0] for m in MIXES]
    gains = np.stack([score[m] - score["real"] for m in names])
    picks = [int(np.argmax(np.delete(gains, i, axis=1).mean(axis=1))) for i in range(len(runs))]
    nested = np.array([gains[p, i] for i, p in enumerate(picks)])
    against_copy = np.array([score[names[p]][i] - score["copy: " + names[p]][i] for i, p in enumerate(picks)])
    gain, floor = corrected(nested, share), corrected(against_copy, share)
    chosen = names[int(np.argmax(np.bincount(picks, minlength=len(names))))]
    verdict = decide(gain, floor)
    measure = "R2" if goal.task == "regression" else "AUC"
    curve = _curve(runs, score["real"])
    mixed = float(score[chosen].mean())
    worth = exchange(curve, gain) if verdict == "helps" else None
    return Mixing(
        table=name, target=q.target, measure=measure, synthesizer=synthesizer, rows=runs[0].learn,
        test_rows=runs[0].test, splits=len(runs), verdict=verdict,
        sentence=_sentence(verdict, gain, chosen, measure, mixed, worth), chosen=chosen, gain=gain,
        floor=floor,
        optimum=optimum(gains.mean(axis=1)), arms=_arms(runs, score, share), curve=curve, worth=worth,
        groups=_group_gains(runs, chosen, share), copying=runs[0].copying, warnings=_warnings(q),
        cpu_s=cpu,
    )  # fmt: skip


def decide(gain: Contrast, floor: Contrast) -> MixVerdict:
    """The verdict: both intervals above 0 to help, the first below 0 to harm."""
    if gain.low > 0 and floor.low > 0:
        return "helps"
    return "harms" if gain.high < 0 else "no evidence"


def optimum(gains: FloatArray) -> float | None:
    """Effective share of synthetic weight with the best gain, on a parabola through no rows, no gain.

    The share of a mix is ``ratio weight / (1 + ratio weight)``. None where the parabola opens upwards, i.e.
    the grid shows no optimum; 0 where every mix is worse.
    """
    s = np.array([r * w / (1 + r * w) for _, r, w in MIXES])
    (a, b), *_ = np.linalg.lstsq(np.stack([s, s * s], axis=1), gains, rcond=None)
    if b >= 0:
        return None if a > 0 else 0.0
    return float(np.clip(-a / (2 * b), 0.0, s.max()))


def _curve(runs: Sequence[_Run], real: FloatArray) -> tuple[tuple[int, float], ...]:
    points = [
        (round(float(np.mean([r.curve[i][0] for r in runs]))), float(np.mean([r.curve[i][1] for r in runs])))
        for i in range(len(CURVE))
    ]
    return (*points, (runs[0].learn, float(real.mean())))


def exchange(curve: Sequence[tuple[int, float]], gain: Contrast) -> tuple[float, float, float] | None:
    """Further real rows that would bring a gain, with interval, by a power law through the last points.

    The shortfall ``1 - score`` is taken to fall as n**-c between half and all rows, and beyond. None where
    more real rows have not helped, so that nothing can be exchanged. At most ten times the real rows.
    """
    (n1, s1), (n2, s2) = curve[-2], curve[-1]
    if not 0 < 1 - s2 < 1 - s1:
        return None
    c = np.log((1 - s1) / (1 - s2)) / np.log(n2 / n1)

    def rows(g: float) -> float:
        left = max(1 - s2 - g, 1e-9)
        return float(np.clip(n2 * (((1 - s2) / left) ** (1 / c) - 1), -n2, 10 * n2))

    return rows(gain.value), rows(gain.low), rows(gain.high)


def _arms(runs: Sequence[_Run], score: Mapping[str, FloatArray], share: float) -> tuple[Arm, ...]:
    known = {m: (r, w) for m, r, w in MIXES}
    out = []
    for arm, values in score.items():
        plain = arm.removeprefix("copy: ")
        ratio, weight = known.get(plain, (0.0, 1.0))
        kind = "real" if arm == "real" else "copy" if arm != plain else "mix" if arm in known else "rival"
        kind = "synthetic" if arm == "synthetic alone" else kind
        gain = None if arm == "real" else corrected(values - score["real"], share)
        extra = {
            field: float(np.mean([getattr(r.outcomes[arm], field) for r in runs]))
            for field in ("calibration", "balanced")
            if getattr(runs[0].outcomes[arm], field) is not None
        }
        out.append(Arm(arm, kind, ratio, weight, float(values.mean()), gain, **extra))
    return tuple(out)


def _group_gains(runs: Sequence[_Run], chosen: str, share: float) -> tuple[GroupGain, ...]:
    out = []
    for key in runs[0].groups:
        seen = [r.groups[key] for r in runs if key in r.groups]
        if len(seen) < max(2, len(runs) // 2):
            continue
        real = np.array([scores["real"] for _, scores in seen])
        mixed = np.array([scores[chosen] for _, scores in seen])
        rows = round(float(np.mean([n for n, _ in seen])))
        gain = corrected(mixed - real, share)
        out.append(GroupGain(*key, rows, float(real.mean()), float(mixed.mean()), gain))
    return tuple(out)


def _sentence(
    verdict: MixVerdict, gain: Contrast, chosen: str, measure: str, mixed: float,
    worth: tuple[float, float, float] | None,
) -> str:  # fmt: skip
    between = f"{gain.value:+.4f} {measure} (95 % interval {gain.low:+.4f} to {gain.high:+.4f})"
    if verdict == "helps":
        more = f", as much as about {worth[0]:,.0f} more real rows would" if worth else ""
        return f"Adding synthetic rows helps: {between}{more}. Best here: {chosen}, reaching {mixed:.4f}."
    if verdict == "harms":
        return f"Adding synthetic rows harms: {between}, even at the best mix tried. Train on the real rows."
    if gain.detectable < NOTHING and abs(gain.value) < NOTHING:
        return (
            f"There is nothing to gain: models trained on the real rows and on the mixes score alike in "
            f"every split ({mixed:.4f} {measure})."
        )
    return (
        f"There is no evidence that adding synthetic rows helps: {between}. "
        f"A true gain of {gain.detectable:.4f} or more would probably have been seen."
    )


def _warnings(q: Question) -> tuple[str, ...]:
    if q.fixed and q.holdout is None:
        return (
            "The synthetic rows came from a file: if their generator has seen the rows that are tested on "
            "here, the gain is too good to be true. Give real rows that it never saw with --holdout.",
        )  # fmt: skip
    return ()
