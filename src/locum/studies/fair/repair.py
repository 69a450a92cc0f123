"""Fair rows from any fitted synthesizer or table, never without what it changed and what it cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from locum.errors import UsageError
from locum.models.checks import check_rows
from locum.randomness import check_seed, child_seed, stream
from locum.studies.fair.judge import LEAST_EITHER, GapEstimate
from locum.studies.fair.methods import POOL, Done, Method, Order, apply, per_group
from locum.studies.fair.result import FairEvidence, measure
from locum.studies.fair.setting import Setting
from locum.studies.fair.strength import COST, Losses
from locum.studies.fair.summary import sentence, unjudged_groups

if TYPE_CHECKING:
    import pyarrow as pa

    from locum.schema.table import Schema
    from locum.studies.fair.graph import Notion
    from locum.synthesizer.table import Synthesizer

#: Fresh rows on which models are tested when there are no real ones: rows cost nothing, noise does.
TEST_ROWS = 15_000
#: Share of a table's rows on which models are tested when there is no generator either.
TEST_SHARE = 0.3


@dataclass(frozen=True, slots=True)
class Repaired:
    """Repaired rows with both notions of parity before and after.

    Attributes
    ----------
    table
        Canonical table.
    evidence
        All measures; see `locum.studies.fair.result.FairEvidence`.
    moved
        Share of rows whose label was changed.
    tested_on
        Where models were tested: ``real rows``, ``fresh synthetic rows`` or ``rows held out``.
    sentence
        What changed, in plain words.
    notes
        What a user should know besides.
    strength, losses
        Of ``parity``: the strength used, and what each strength was foretold to cost where it was not given.
    """

    table: pa.Table
    evidence: FairEvidence
    moved: float
    tested_on: str
    sentence: str
    notes: tuple[str, ...] = ()
    strength: float | None = None
    losses: Losses = ()

    @property
    def before(self) -> Mapping[str, GapEstimate]:
        """Measures before the repair."""
        return self.evidence.before

    @property
    def after(self) -> Mapping[str, GapEstimate]:
        """The same measures after it."""
        return self.evidence.after

    def __str__(self) -> str:
        return " ".join([self.sentence, *self.notes])

    def to_json(self) -> dict[str, Any]:
        """Everything but the rows, JSON-ready."""
        return {
            "rows": self.table.num_rows,
            **self.evidence.to_json(),
            "moved": self.moved,
            "strength": self.strength,
            "losses": [{"strength": t, "loss": v} for t, v in self.losses],
            "tested_on": self.tested_on,
            "sentence": self.sentence,
            "notes": list(self.notes),
        }


def repair(
    source: Synthesizer | pa.Table,
    schema: Schema | None = None,
    *,
    target: str,
    protected: Sequence[str],
    method: Method = "parity",
    rows: int | None = None,
    test: pa.Table | None = None,
    data: pa.Table | None = None,
    graph: Sequence[Sequence[str] | str] | None = None,
    notion: Notion = "dp",
    explain: Sequence[str] = (),
    chances: str = "auto",
    strength: float | None = None,
    cost: float = COST,
    least: int = LEAST_EITHER,
    synthesizer: str = "tree-fast",
    seed: int = 0,
) -> Repaired:
    """Make rows whose labels depend less on protected columns, and measure what that did.

    Parameters
    ----------
    source
        A fitted synthesizer, or a canonical table (then `schema` is needed).
    schema
        Of a table; that of a synthesizer is known.
    target
        Column of 2 to 12 classes whose labels are repaired.
    protected
        Columns whose combinations are the groups; any number of levels, ordered columns are cut in four.
    method
        ``parity``: quantiles of the target's conditional probability are mapped towards those of all rows (as
        MOSTLY AI's statistical parity does while sampling), with as few labels moved as can be, and rows are
        chosen for the rest, so that every group has the same share of each class. ``odds``: one threshold a
        group, all of them found together, so that true- and false-positive rates of models trained on the
        rows come near each other. ``reweigh``: rows chosen so that label and group are independent (Kamiran
        and Calders), no label changed. ``causal``: labels drawn again along a graph with edges cut (DECAF).
        ``groups``: one generator a group, fitted on `data`.
    rows
        Rows to make; None means as many as the synthesizer learned from, or the table has.
    test
        Real rows for testing models, which the generator has not seen. None takes fresh synthetic rows, or
        holds out rows of the table: gaps are then those that the synthetic world has.
    data
        Real rows to fit on, for ``groups``.
    graph, notion, explain
        For ``causal``: edges such as ``("sex", "income")`` or ``"sex -> income"``, None learns them; what is
        cut (``ftu``, ``cf``, ``dp``); columns through which influence is allowed under ``cf``.
    chances
        ``own`` (the generator's density), ``trees`` (boosted trees, five-fold, on the rows), or ``auto``.
    strength
        For ``parity``: 1 moves labels until models see no difference, 0 only chooses rows, as ``reweigh``
        does. Shares of the label are equal at any strength; what changes is the price: models differ less
        between groups, and lose more. None takes the largest strength that is foretold to cost no more than
        `cost`. At 1 every row stays and only labels change.
    cost
        Area under the ROC curve, tested on rows as they were, that the strength may cost if it is not given.
    least
        Test rows of either outcome that a group needs for models' gaps; others are listed, not judged.
    synthesizer
        Generator of each group, for ``groups``.
    seed
        Same seed, same rows.

    Raises
    ------
    UsageError
        For columns, classes, groups or a graph that cannot be.
    DataError
        When ``reweigh`` finds a group without one of the classes.

    Notes
    -----
    Where groups really differ in their labels, demographic parity and equalised odds cannot both hold: the
    sentence says which of them got worse. No method makes rows fair; it moves one measure. Cost: chances
    (five fits, or one density a class) and two fits for the evidence.
    """
    from locum.synthesizer.table import Synthesizer

    seed, protected = check_seed(seed), tuple(protected)
    synth = source if isinstance(source, Synthesizer) else None
    order = Order(method, synth, graph, notion, tuple(explain), chances, strength, cost)
    if isinstance(least, bool) or least < 1:
        raise UsageError(f"{least!r} rows cannot be", where="least", expected="a whole number from 1 up")
    if isinstance(source, Synthesizer):
        schema = source.schema
        n = check_rows(rows if rows is not None else max(1, source.n_rows))
        many = max(n, source.most_rows(POOL * n)) if order.chooses else n
        pool = source.draw(many, seed=child_seed(seed, "fair", "rows")).table
    elif schema is None:
        raise UsageError("a table needs its schema", where="schema", do="give schema=, see locum.detect")
    else:
        n = check_rows(rows if rows is not None else source.num_rows)
        whole = order.chooses or method == "groups"
        if n > source.num_rows and method != "groups":
            raise UsageError(f"the table has only {source.num_rows:,} rows", where="rows", do="give a model")
        pool = source if whole else source.slice(0, n)
    setting = Setting.learn(pool, schema, target, protected, by_class=method == "odds")
    if method == "groups":
        if data is None:
            raise UsageError("one model a group needs the real rows", where="data", do="give the data")
        setting = Setting.learn(data, schema, target, protected)
        done = per_group(data, setting, synthesizer, n, seed)
    else:
        done = apply(pool, setting, order, n, seed)
    trial = _trial(pool, done, setting, order, n, seed, test)
    evidence = measure(trial.before, trial.after, trial.test, setting, least, seed)
    notes = (*setting.notes, *done.notes, *unjudged_groups(evidence, least))
    words = sentence(evidence, setting.target, protected)
    return Repaired(
        done.table, evidence, done.moved, trial.tested_on, words, notes, done.strength, done.losses
    )


@dataclass(frozen=True, slots=True)
class _Trial:
    before: pa.Table
    after: pa.Table
    test: pa.Table
    tested_on: str


def _trial(
    pool: pa.Table, done: Done, setting: Setting, order: Order, n: int, seed: int, test: pa.Table | None
) -> _Trial:
    """What is compared on which rows: never rows that a compared model has learned from."""
    before = pool.slice(0, n)
    if test is not None:
        return _Trial(before, done.table, test, "real rows")
    if order.synth is not None:
        many = order.synth.most_rows(TEST_ROWS)
        fresh = order.synth.draw(many, seed=child_seed(seed, "fair", "test")).table
        return _Trial(before, done.table, fresh, "fresh synthetic rows")
    order_of = stream(seed, "fair", "split").permutation(pool.num_rows)
    held = max(1, int(TEST_SHARE * pool.num_rows))
    learn, kept = (pool.take(np.sort(part)).combine_chunks() for part in (order_of[held:], order_of[:held]))
    if order.method == "groups":
        return _Trial(learn, done.table, kept, "rows held out")
    again = apply(learn, setting, replace(order), learn.num_rows, child_seed(seed, "fair", "again"))
    return _Trial(learn, again.table, kept, "rows held out")
