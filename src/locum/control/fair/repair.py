"""Fair rows from any fitted synthesizer or table, never without what it changed and what it cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from locum.control.fair.evidence import Estimate, Evidence, measure
from locum.control.fair.methods import POOL, Done, Method, Order, apply, per_group
from locum.control.fair.setting import Setting
from locum.errors import UsageError
from locum.randomness import check_seed, child_seed, stream
from locum.synthesizers.checks import check_rows

if TYPE_CHECKING:
    import pyarrow as pa

    from locum.control.fair.graph import Notion
    from locum.schema.table import Schema
    from locum.synthesizers.synthesizer import Synthesizer

#: Fresh rows on which models are tested when there are no real ones, at most.
TEST_ROWS = 15_000
#: Share of a table's rows on which models are tested when there is no generator either.
TEST_SHARE = 0.3
#: Difference in odds by chance alone from which the sentence speaks of it.
CHANCE = 0.03


@dataclass(frozen=True, slots=True)
class Repaired:
    """Repaired rows with both notions of parity before and after.

    Attributes
    ----------
    table
        Canonical table.
    evidence
        All measures; see `locum.control.fair.evidence.Evidence`.
    moved
        Share of rows whose label was changed.
    tested_on
        Where models were tested: ``real rows``, ``fresh synthetic rows`` or ``rows held out``.
    sentence
        What changed, in plain words.
    notes
        What a user should know besides.
    """

    table: pa.Table
    evidence: Evidence
    moved: float
    tested_on: str
    sentence: str
    notes: tuple[str, ...] = ()

    @property
    def before(self) -> Mapping[str, Estimate]:
        """Measures before the repair."""
        return self.evidence.before

    @property
    def after(self) -> Mapping[str, Estimate]:
        """The same measures after it."""
        return self.evidence.after

    def __str__(self) -> str:
        return " ".join([self.sentence, *self.notes])

    def to_json(self) -> dict[str, Any]:
        """Everything but the rows, JSON-ready."""
        sides = {
            side: {k: {"value": e.value, "low": e.low, "high": e.high} for k, e in part.items()}
            for side, part in [
                ("before", self.evidence.before), ("after", self.evidence.after),
                ("change", self.evidence.change),
            ]
        }  # fmt: skip
        return {
            "rows": self.table.num_rows, **sides, "groups": [dict(g) for g in self.evidence.groups],
            "label": self.evidence.positive, "moved": self.moved, "tested_on": self.tested_on,
            "left_out": list(self.evidence.left_out),
            "by_chance": dict(self.evidence.by_chance),
            "sentence": self.sentence, "notes": list(self.notes),
        }  # fmt: skip


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
    strength: float = 1.0,
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
        ``parity``: quantiles of the target's conditional probability are mapped to those of all rows, so that
        every group has the same share of each class (as MOSTLY AI's statistical parity does while sampling),
        with as few labels moved as can be and counts exact up to rounding. ``odds``: one threshold a group,
        so that a model's true- and false-positive rates come near each other. ``reweigh``: rows chosen so
        that label and group are independent (Kamiran and Calders), no label changed. ``causal``: labels drawn
        again along a graph with edges cut (DECAF). ``groups``: one generator a group, fitted on `data`.
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
        For ``parity``: 1 moves labels until models see no difference; less moves chances only so far and lets
        rows be chosen for the rest, as ``reweigh`` does. Shares of the label are equal at any strength; what
        changes is the price: models differ more between groups, and lose less.
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
    from locum.synthesizers.synthesizer import Synthesizer as Fitted

    seed, protected = check_seed(seed), tuple(protected)
    synth = source if isinstance(source, Fitted) else None
    order = Order(method, synth, graph, notion, tuple(explain), chances, strength)
    if isinstance(source, Fitted):
        schema = source.schema
        n = check_rows(rows if rows is not None else max(1, source.n_rows))
        many = POOL * n if order.chooses else n
        pool = source.sample_table(many, seed=child_seed(seed, "fair", "rows"))
    elif schema is None:
        raise UsageError("a table needs its schema", where="schema", do="give schema=, see locum.detect")
    else:
        n = check_rows(rows if rows is not None else source.num_rows)
        whole = order.chooses or method == "groups"
        if n > source.num_rows and not whole:
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
    evidence = measure(trial.before, trial.after, trial.test, setting, seed)
    notes = (*setting.notes, *done.notes)
    if evidence.left_out:
        notes = (*notes, f"Too few test rows for models' gaps of: {', '.join(evidence.left_out)}.")
    words = _sentence(evidence, setting, protected)
    return Repaired(done.table, evidence, done.moved, trial.tested_on, words, notes)


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
        fresh = order.synth.sample_table(min(n, TEST_ROWS), seed=child_seed(seed, "fair", "test"))
        return _Trial(before, done.table, fresh, "fresh synthetic rows")
    order_of = stream(seed, "fair", "split").permutation(pool.num_rows)
    held = max(1, int(TEST_SHARE * pool.num_rows))
    learn, kept = (pool.take(np.sort(part)).combine_chunks() for part in (order_of[held:], order_of[:held]))
    if order.method == "groups":
        return _Trial(learn, done.table, kept, "rows held out")
    again = apply(learn, setting, replace(order), learn.num_rows, child_seed(seed, "fair", "again"))
    return _Trial(learn, again.table, kept, "rows held out")


def _sentence(evidence: Evidence, setting: Setting, protected: Sequence[str]) -> str:
    b, a, change = evidence.before, evidence.after, evidence.change
    what = f"{setting.target} = {evidence.positive}" if len(setting.classes) == 2 else setting.target
    words = [
        f"Between groups of {' x '.join(protected)} the share of {what!r} differed by up to "
        f"{100 * b['label_gap'].value:.1f} points, now by {100 * a['label_gap'].value:.1f}."
    ]
    if not np.isnan(b["demographic_parity"].value):
        words.append(
            f"Of models trained on the rows, the difference in demographic parity went from "
            f"{b['demographic_parity'].value:.3f} to {a['demographic_parity'].value:.3f}, in equalised odds "
            f"from {b['equalized_odds'].value:.3f} to {a['equalized_odds'].value:.3f}."
        )
        worse = [
            name
            for key, name in [
                ("demographic_parity", "Demographic parity"),
                ("equalized_odds", "Equalised odds"),
            ]
            if change[key].low > 0
        ]
        if worse:
            words.append(f"{' and '.join(worse)} got worse: where groups differ, not every parity can hold.")
    else:
        words.append("There were too few test rows to compare models between groups.")
    chance = evidence.by_chance.get("equalized_odds", 0.0)
    if chance >= CHANCE:
        words.append(
            f"With as few test rows as some groups have, equal error rates would show a difference in "
            f"odds of about {chance:.3f} by chance alone."
        )
    words.append(f"Area under the ROC curve: {b['auc'].value:.3f}, now {a['auc'].value:.3f}.")
    return " ".join(words)
