"""Judging one stand-in: every test, the negative controls, and what to say about it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from locum.evaluation.alerts import alerts
from locum.evaluation.attacks.membership import LogProb
from locum.evaluation.attacks.strongest import summed_up
from locum.evaluation.attacks.suite import suite
from locum.evaluation.column_views import column_views
from locum.evaluation.controls import run_controls
from locum.evaluation.decision import judged
from locum.evaluation.evaluator import Effort
from locum.evaluation.evidence import Control, Evidence
from locum.evaluation.generator import Fit
from locum.evaluation.hold_out_shift import allow_for_shift
from locum.evaluation.metrics.twosample import anchors
from locum.evaluation.metrics.utility import chosen_targets
from locum.evaluation.overlap import doubt_leaked, repeats, without_leaked_rows
from locum.evaluation.pair_views import pair_views
from locum.evaluation.persons import by_person
from locum.evaluation.registry import evaluators, place
from locum.evaluation.result import Result
from locum.evaluation.trial import Trial
from locum.evaluation.verdicts import answers, powerless
from locum.progress import Event, Listener, silent
from locum.randomness import check_seed
from locum.schema.table import Schema

if TYPE_CHECKING:
    import pyarrow as pa

    from locum.evaluation.attacks.canaries import Canaries


def evaluate(
    train: pa.Table,
    synthetic: pa.Table,
    *,
    schema: Schema,
    holdout: pa.Table | None = None,
    target: str | None = None,
    protected: Sequence[str] = (),
    seed: int = 0,
    log_prob: LogProb | None = None,
    effort: Effort = "standard",
    refit: Fit | None = None,
    generator: Fit | None = None,
    controls: bool = True,
    canaries: Canaries | None = None,
    listener: Listener = silent,
) -> Evidence:
    """Judge a synthetic table against the real rows it was learned from and real rows that were kept out.

    Parameters
    ----------
    train, synthetic, holdout
        Canonical tables (docs/architecture.md) with at least the columns of `schema`, in any order. Without
        `holdout` one half of train stands in for it where needed, copying is not judged, and the sentences
        say so. Where the schema names an entity, one row of each is judged (`locum.evaluation.persons`).
        Hold-out rows that repeat train rows more than chance explains are left out, and it is said.
    schema
        Kinds of the columns.
    target
        Column to predict; defaults to the schema's. Without one, columns that real rows predict well.
    protected
        Columns of groups whose target rates are shown; defaults to the schema's.
    seed
        Of every random choice; a whole number from 0 to 2**63 - 1.
    log_prob
        Natural log of the probability that the model gives each row of a table, shape (n_rows,).
    effort
        How much the attacks spend: ``quick``, ``standard`` or ``thorough``
        (`locum.evaluation.attacks.suite`).
    refit
        The generator under judgement; with it a thorough effort fits shadow generators.
    generator
        Any quick generator, for what one more generation would lose
        (`locum.evaluation.metrics.next_generation`); without it that is not measured.
    canaries
        Rows planted in `train` before the generator learned, and their like
        (`locum.evaluation.attacks.canaries.plant`).
    controls
        Whether to run the four negative controls.
    listener
        Told of each test; its events hold no data values.

    Raises
    ------
    DataError
        If a table has no rows, lacks columns, or holds values of another kind than the schema says.
    UsageError
        If the seed, the target or a protected column is not usable.

    Notes
    -----
    Same inputs, same results (`Evidence.cpu_s` aside). Cost on Adult (36,631 x 15 rows, 12,211 held out):
    under 10 CPU-s; tables are thinned beyond 200,000 rows or 20 million values, so cost is bounded.
    """
    seed = check_seed(seed)
    if protected:
        # Schema checks that the columns exist.
        schema = replace(schema, protected=tuple(protected))
    one = by_person(schema, train, synthetic, holdout, seed)
    given = Trial(
        schema,
        one.train,
        one.synthetic,
        one.holdout,
        seed,
        target if target is not None else schema.target,
        constants=one.constants,
    )
    trial = without_leaked_rows(given)
    inputs: dict[str, Any] = {"log_prob": log_prob, "generator": generator}
    run = [e for e in evaluators("metric") if all(inputs.get(n, n) is not None for n in e.takes)]
    clock = _Clock(listener, 5 + len(run) + bool(controls))
    with clock("prepare"):
        targets = inputs["targets"] = chosen_targets(trial)
        known = inputs["known"] = anchors(trial) if trial.columns else None
    results: list[Result] = []
    for evaluator in run:
        with clock(evaluator.name):
            results += evaluator.load()(trial, **{name: inputs[name] for name in evaluator.takes})
    with clock("attacks"):
        results += suite(trial, effort=effort, before=results, fit=refit, canaries=canaries)
    tested: tuple[Control, ...] = ()
    if controls:
        with clock("controls"):
            tested = run_controls(trial, targets, known)
    with clock("columns"):
        columns = column_views(trial)
    with clock("pairs of columns"):
        pairs = pair_views(trial)
    with clock("sentences"):
        if trial.independent_test:
            results = allow_for_shift(doubt_leaked(trial, results), known, repeats(trial))
        results = summed_up(judged(results, powerless(tested)))
        said = answers(trial, results, tested)
        warned = alerts(trial, results, said, tested, targets, known, one.alerts)
    return Evidence(
        n_train=train.num_rows,
        n_holdout=0 if trial.holdout is None else trial.holdout.num_rows,
        n_synthetic=synthetic.num_rows,
        seed=seed,
        answers=said,
        results=tuple(sorted(results, key=lambda r: place(r.name))),
        columns=columns,
        pairs=pairs,
        controls=tested,
        alerts=warned,
        target=trial.target,
        protected=schema.protected,
        cpu_s=clock.seconds,
    )


class _Clock:
    """Tells the listener of each step and keeps its CPU seconds (user and system, all threads)."""

    def __init__(self, listener: Listener, total: int) -> None:
        self.listener, self.total, self.done = listener, total, 0
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        self.listener(Event("evaluate", self.done, self.total, name))
        start = time.process_time()
        yield
        self.seconds[name] = time.process_time() - start
        self.done += 1
        self.listener(Event("evaluate", self.done, self.total, name))
