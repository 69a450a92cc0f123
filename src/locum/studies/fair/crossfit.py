"""Repairs judged on every real row: generator, repair and model fitted to the other folds each time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from locum.errors import UsageError
from locum.progress import Event, Listener, silent
from locum.randomness import check_seed, child_seed, stream
from locum.runs.holdout import persons_of
from locum.studies.fair.judge import LEAST_EITHER, ScoredRows, judge, score_rows
from locum.studies.fair.methods import POOL, Order, apply, per_group
from locum.studies.fair.result import FairEvidence, combine
from locum.studies.fair.setting import Setting
from locum.studies.fair.summary import sentence, unjudged_groups

if TYPE_CHECKING:
    from locum.schema.table import Schema

FOLDS = 5
DEFAULT_SYNTHESIZER = "tree-fast"


@dataclass(frozen=True, slots=True)
class CrossFitted:
    """What a repair does, tested on all real rows.

    Attributes
    ----------
    evidence
        Label gaps are means over folds; models' gaps are of all rows together, each row scored by models of
        folds that it is not in.
    sentence
        The same in words.
    notes
        Of the folds, and `unjudged`: groups with too few rows.
    rows, folds
        Real rows tested on; parts they were cut in.
    strengths
        Of ``parity``, by fold.
    """

    evidence: FairEvidence
    sentence: str
    notes: tuple[str, ...]
    unjudged: tuple[str, ...]
    rows: int
    folds: int
    strengths: tuple[float, ...]

    def to_json(self) -> dict[str, Any]:
        """Everything, JSON-ready."""
        return {
            "rows": self.rows,
            "folds": self.folds,
            **self.evidence.to_json(),
            "strengths": list(self.strengths),
            "sentence": self.sentence,
            "notes": [*self.notes, *self.unjudged],
        }


def cross_fit(
    data: pa.Table,
    schema: Schema,
    orders: Sequence[tuple[Sequence[str], Order]],
    *,
    target: str,
    synthesizer: str = DEFAULT_SYNTHESIZER,
    folds: int = FOLDS,
    least: int = LEAST_EITHER,
    seed: int = 0,
    progress: Listener = silent,
) -> list[CrossFitted]:
    """Judge repairs on all rows of a table, so that small groups have as many test rows as there are.

    In each fold one generator is fitted to the other folds and draws rows; every order repairs them; a model
    trained on the repaired rows scores the fold. Scores of all folds are put together.

    Parameters
    ----------
    data, schema
        Real rows, canonical, and their columns.
    orders
        The protected columns, and what is done, for each repair (one generator a fold serves all).
    target, synthesizer, folds, least, seed
        As for `locum.studies.fair.repair.repair`; `folds` from 2 up.
    progress
        Hears of each fold.

    Raises
    ------
    UsageError
        As `repair`, and for fewer than two folds or more folds than rows.

    Notes
    -----
    This is about the procedure, not about one table: intervals hold the chance of test rows, and five fits
    average the chance of fitting. Cost: folds x (one fit, and per order one repair and two models).
    """
    seed = check_seed(seed)
    if not 2 <= folds <= max(2, data.num_rows // 10):
        raise UsageError(f"{folds} folds cannot be", where="folds", expected="2 up to a tenth of the rows")
    from locum.synthesizer.table import Synthesizer

    persons = persons_of(data, schema)
    whose = np.arange(data.num_rows) if persons is None else persons
    fold = (stream(seed, "fair", "outer").permutation(int(whose.max()) + 1) % folds)[whose]
    settings = [Setting.learn(data, schema, target, p) for p, _ in orders]
    parts: list[list[ScoredRows]] = [[] for _ in orders]
    tables: list[list[tuple[pa.Table, pa.Table]]] = [[] for _ in orders]
    notes: list[list[str]] = [list(s.notes) for s in settings]
    strengths: list[list[float]] = [[] for _ in orders]
    for f in range(folds):
        progress(Event("evaluate", f, folds))
        learn, test = (data.filter(pa.array(m)).combine_chunks() for m in (fold != f, fold == f))
        synth = Synthesizer(synthesizer, seed=child_seed(seed, "fair", "fold", f)).fit_table(learn, schema)
        n = learn.num_rows
        pool = synth.draw(synth.most_rows(POOL * n), seed=child_seed(seed, "fair", "pool", f)).table
        for k, (protected, order) in enumerate(orders):
            own = Setting.learn(pool, schema, target, protected, by_class=order.method == "odds")
            child = child_seed(seed, "fair", "repair", f)
            order = replace(order, synth=synth)
            if order.method == "groups":
                done = per_group(learn, own, synthesizer, n, child)
            else:
                done = apply(pool if order.chooses else pool.slice(0, n), own, order, n, child)
            before = pool.slice(0, n)
            parts[k].append(score_rows(before, done.table, test, settings[k], child))
            tables[k].append((before, done.table))
            notes[k] += [f"Fold {f + 1}: {note}" for note in (*own.notes, *done.notes)]
            strengths[k] += [] if done.strength is None else [done.strength]
    out = []
    for k, (protected, _) in enumerate(orders):
        judged = judge(ScoredRows.joined(parts[k]), settings[k].labels, least, seed)
        evidence = combine(tables[k], judged, settings[k], seed)
        words = sentence(evidence, target, protected)
        out.append(
            CrossFitted(
                evidence,
                words,
                tuple(notes[k]),
                unjudged_groups(evidence, least),
                data.num_rows,
                folds,
                tuple(strengths[k]),
            )
        )
    return out
