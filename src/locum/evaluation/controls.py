"""Negative controls: stand-ins whose verdict is known beforehand, put before the same judges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from locum.evaluation.attacks.closest_record import distance_share
from locum.evaluation.attacks.copies import exact_copies
from locum.evaluation.attacks.membership import nearest_membership
from locum.evaluation.decision import decide, has_say, judged
from locum.evaluation.evidence import Control
from locum.evaluation.learn.cells import from_numeric, levels_of, numeric
from locum.evaluation.metrics.twosample import Anchors, c2st
from locum.evaluation.metrics.utility import utility
from locum.evaluation.metrics.worst_parts import worst_parts
from locum.evaluation.result import Question, Result
from locum.evaluation.target import TargetColumn
from locum.evaluation.trial import Trial, spread, thin
from locum.evaluation.vocabulary import CONTROLS
from locum.randomness import stream
from locum.schema.column import Column

if TYPE_CHECKING:
    import pyarrow as pa

#: Train rows that the controls are made of, at most, and fewest rows in the place of a stand-in.
ROWS, LEAST_FRESH = 3_000, 60
#: What each control deserves: a copy is faithful and copied, shuffled columns are neither faithful nor
#: useful, evenly drawn values are not faithful, a half-leaked table is copied, and fresh rows are neither.
DESERVED: Mapping[str, Mapping[Question, str]] = {
    "copy": {"faithful": "good", "private": "poor"},
    "independent": {"faithful": "poor", "useful": "poor"},
    "uniform": {"faithful": "poor"},
    "half-leaked": {"private": "poor"},
    "fresh": {"faithful": "good", "private": "good"},
}
_WORDS = {"faithful": "faithfulness", "useful": "usefulness", "private": "copying"}


@dataclass(frozen=True, slots=True)
class ControlRows:
    """The real rows that the controls are made of and judged against.

    Attributes
    ----------
    train
        Rows that the controls copy.
    test
        Rows that no control contains.
    fresh
        Rows that only the controls ``half-leaked``, as its honest half, and ``fresh`` contain.
    """

    train: pa.Table
    test: pa.Table
    fresh: pa.Table


def stage(trial: Trial, rows: int = ROWS) -> ControlRows | None:
    """Draw the stage from a trial; None with fewer than two real rows on either side.

    Without a hold-out one half of the real rows plays it: the controls do not depend on what the judged
    generator has seen.
    """
    rows = trial.budget(rows, rows // 3)
    unseen = trial.sample("test", rows + rows // 2, "controls")
    train = trial.sample("learning", rows, "controls")
    if min(unseen.num_rows, train.num_rows) < 2:
        return None
    order = stream(trial.seed, "controls", "fresh").permutation(unseen.num_rows)
    middle = max(1, unseen.num_rows // 3)
    return ControlRows(train, unseen.take(np.sort(order[middle:])), unseen.take(np.sort(order[:middle])))


def make(name: str, on: ControlRows, columns: Sequence[Column], seed: int) -> pa.Table:
    """One control as a table as long as the stage's train rows, but for ``fresh``.

    ``copy``: the train rows. ``independent``: each column shuffled by itself. ``uniform``: each column drawn
    evenly over its levels, or between its lowest and highest value; missing as often as it is.
    ``half-leaked``: half train rows, half fresh rows (drawn again and again if there are too few).
    ``fresh``: the fresh rows, fewer than the others.
    """
    import pyarrow as pa

    rng = stream(seed, "controls", name)
    train = on.train
    if name == "copy":
        return train
    if name == "fresh":
        return on.fresh
    if name == "half-leaked":
        leaked = train.num_rows // 2 + train.num_rows % 2
        fresh = on.fresh.take(spread(on.fresh.num_rows, train.num_rows - leaked, rng))
        return pa.concat_tables([thin(train, leaked, rng), fresh])
    draw = _shuffle if name == "independent" else _uniform
    return pa.table([draw(train.column(c.name), c, rng) for c in columns], names=[c.name for c in columns])


def _shuffle(values: pa.ChunkedArray, _: Column, rng: np.random.Generator) -> pa.ChunkedArray:
    return values.take(rng.permutation(len(values)))


def _uniform(values: pa.ChunkedArray, column: Column, rng: np.random.Generator) -> pa.ChunkedArray:
    import pyarrow as pa
    import pyarrow.compute as pc

    n = len(values)
    if column.regenerated or values.null_count == n:
        return _shuffle(values, column, rng)
    gone = rng.permutation(np.asarray(pc.is_null(values).to_numpy(), dtype=bool))
    if not column.ordered:
        levels = pa.array(levels_of(values))
        drawn = levels.take(pa.array(rng.integers(len(levels), size=n), mask=gone))
        return drawn.cast(values.type) if drawn.type != values.type else drawn
    known = numeric(values)
    known = known[np.isfinite(known)]
    if not len(known):
        return _shuffle(values, column, rng)
    share = rng.random(n)
    # Weighted rather than low + share * range: the range of huge values overflows.
    return from_numeric(known.min() * (1 - share) + known.max() * share, values.type, gone)


def run_controls(
    trial: Trial, targets: Sequence[TargetColumn], known: Anchors | None, rows: int = ROWS
) -> tuple[Control, ...]:
    """Put all controls before the judges of `trial`, at reduced size.

    `known` are the anchors of the two-sample test, so that a control is judged by the rule that the stand-in
    is judged by. Only the first target is used. ``fresh`` is left out where there are fewer than
    `LEAST_FRESH` rows for it, or no hold-out. Empty without enough rows or columns. Cost: five times a few
    thousand rows.
    """
    on = stage(trial, rows)
    if on is None or not trial.columns:
        return ()
    few = not trial.independent_test or on.fresh.num_rows < LEAST_FRESH
    return tuple(
        _run(trial, on, name, targets[:1], known) for name in DESERVED if not (name == "fresh" and few)
    )


def _run(
    trial: Trial, on: ControlRows, name: str, targets: Sequence[TargetColumn], known: Anchors | None
) -> Control:
    fake = make(name, on, tuple(trial.schema), trial.seed)
    judging = replace(trial, train=on.train, holdout=on.test, synthetic=fake)
    deserved = {q: v for q, v in DESERVED[name].items() if q != "useful" or targets}
    results: list[Result] = []
    if "faithful" in deserved:
        results += [*worst_parts(judging), *c2st(judging, rows=ROWS, known=known)]
    if "useful" in deserved:
        results += utility(judging, targets=list(targets), test_rows=ROWS)
    if "private" in deserved:
        results += [*exact_copies(judging), *distance_share(judging, queries=1500)]
        results += nearest_membership(judging)
    results = judged(results)
    got: dict[str, str] = {q: decide(q, results).verdict for q in deserved}
    missed = [q for q, v in deserved.items() if not told_apart(v, got[q])]
    sentence = "The tests told it for what it is."
    if missed:
        sentence = " ".join(_missed(name, q, deserved[q]) for q in missed)
    values = {r.name: r.value for r in results if has_say(r)}
    return Control(name, {str(q): v for q, v in deserved.items()}, got, not missed, sentence, values)


def told_apart(deserved: str, got: str) -> bool:
    """Whether a verdict fits: what is bad must be found, what is real must not."""
    return (got in ("poor", "middling")) == (deserved == "poor")


def _missed(name: str, question: Question, deserved: str) -> str:
    noun = _WORDS[question]
    if deserved == "good":
        return (
            f"Real rows ({CONTROLS[name]}) were found at fault by the tests of {noun}, so what these tests "
            "find fault with means nothing here."
        )
    why = (
        "the columns hardly go together, or there are too few rows"
        if name == "independent"
        else "there are too few rows"
    )
    return (
        f"A stand-in that is bad on purpose ({CONTROLS[name]}) was not recognised: {why}, so the tests have "
        f"no power to judge {noun} here."
    )
