"""Negative controls: stand-ins whose verdict is known beforehand, put before the same judges."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from locum.evaluation.attacks.closest_record import distance_share
from locum.evaluation.attacks.copies import exact_copies
from locum.evaluation.attacks.membership import nearest_membership
from locum.evaluation.evidence import Control
from locum.evaluation.learn.cells import from_numeric, levels_of, numeric
from locum.evaluation.metrics.association import association
from locum.evaluation.metrics.marginals import pairs, triples
from locum.evaluation.metrics.shapes import shapes
from locum.evaluation.metrics.twosample import Anchors, c2st
from locum.evaluation.metrics.utility import utility
from locum.evaluation.registry import deciding
from locum.evaluation.result import Question, Result, Verdict
from locum.evaluation.target import TargetColumn
from locum.evaluation.trial import Trial, spread, thin
from locum.evaluation.verdicts import copying, faithful, useful
from locum.randomness import stream
from locum.schema.column import Column

if TYPE_CHECKING:
    import pyarrow as pa

#: Train rows that the controls are made of, at most.
ROWS = 3_000
#: What each control deserves: a copy is faithful and copied, shuffled columns are neither faithful nor
#: useful, evenly drawn values are not faithful, and a half-leaked table is copied.
DESERVED: Mapping[str, Mapping[str, str]] = {
    "copy": {"faithful": "good", "private": "poor"},
    "independent": {"faithful": "poor", "useful": "poor"},
    "uniform": {"faithful": "poor"},
    "half-leaked": {"private": "poor"},
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
        Rows that only the half-leaked control contains: its honest half.
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
    """One control as a table as long as the stage's train rows.

    ``copy``: the train rows. ``independent``: each column shuffled by itself. ``uniform``: each column drawn
    evenly over its levels, or between its lowest and highest value; missing as often as it is.
    ``half-leaked``: half train rows, half fresh rows (drawn again and again if there are too few).
    """
    import pyarrow as pa

    rng = stream(seed, "controls", name)
    train = on.train
    if name == "copy":
        return train
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
    """Put all four controls before the judges of `trial`, at reduced size.

    `known` are the anchors of the two-sample test, so that a control is judged by the rule that the stand-in
    is judged by. Only the first target is used. Empty without enough rows or columns. Cost: four times a few
    thousand rows.
    """
    on = stage(trial, rows)
    if on is None or not trial.columns:
        return ()
    return tuple(_run(trial, on, name, targets[:1], known) for name in DESERVED)


def _run(
    trial: Trial, on: ControlRows, name: str, targets: Sequence[TargetColumn], known: Anchors | None
) -> Control:
    fake = make(name, on, tuple(trial.schema), trial.seed)
    judged = replace(trial, train=on.train, holdout=on.test, synthetic=fake)
    deserved = {q: v for q, v in DESERVED[name].items() if q != "useful" or targets}
    results: list[Result] = []
    if "faithful" in deserved:
        joint = triples(judged) if len(judged.columns) > 2 else pairs(judged)
        results += [*shapes(judged), *joint, *association(judged), *c2st(judged, rows=ROWS, known=known)]
    if "useful" in deserved:
        results += utility(judged, targets=list(targets), test_rows=ROWS)
    if "private" in deserved:
        results += [*exact_copies(judged), *distance_share(judged, queries=1500), *nearest_membership(judged)]
    rules: Mapping[Question, Callable[[Sequence[Result]], Verdict]] = {
        "faithful": faithful,
        "useful": useful,
        "private": copying,
    }
    got: dict[str, str] = {q: str(rule(results)) for q, rule in rules.items() if q in deserved}
    missed = [_WORDS[q] for q in deserved if got[q] != deserved[q]]
    sentence = "The tests told it for what it is."
    if missed:
        sentence = (
            "The tests did not tell it for what it is: on this data they have no power to judge "
            f"{' and '.join(missed)}."
        )
    shown = {"tv.2way", *(name for question in rules for name in deciding(question))}
    values = {r.name: r.value for r in results if r.name in shown}
    return Control(name, deserved, got, not missed, sentence, values)
