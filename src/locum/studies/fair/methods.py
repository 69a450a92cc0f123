"""The ways to repair: each takes rows and gives rows of which fewer tell the protected columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import pyarrow as pa

from locum.arrays import FloatArray, IntArray
from locum.errors import DataError, UsageError
from locum.evaluation.learn.boosting import grow
from locum.evaluation.learn.features import FeatureView
from locum.randomness import child_seed, stream
from locum.studies.fair.graph import NOTIONS, Graph, Notion, learn_graph
from locum.studies.fair.odds import LEAST_CHECK, Learner, relabel, solve
from locum.studies.fair.probabilities import own_chances, tree_chances
from locum.studies.fair.relabel import choose_rows, even_shares, map_quantiles, move_labels
from locum.studies.fair.result import shares
from locum.studies.fair.setting import LEAST, Setting
from locum.studies.fair.strength import COST, Losses, losses, strongest

if TYPE_CHECKING:
    from locum.synthesizer.table import Synthesizer

Method = Literal["parity", "odds", "reweigh", "causal", "groups"]
METHODS: tuple[Method, ...] = ("parity", "odds", "reweigh", "causal", "groups")
#: Rows that are drawn, as a multiple of the rows asked for, where rows are chosen or models checked.
POOL = 3
#: Share of a table's rows on which thresholds are checked when no more can be drawn.
CHECK_SHARE = 0.4
#: Rows by which the cost of a strength is foretold, at most.
FORETOLD = 40_000


@dataclass(frozen=True, slots=True)
class Order:
    """How to repair.

    Attributes
    ----------
    method
        One of `METHODS`.
    synth
        The generator behind the rows, where there is one.
    edges, notion, explain
        For ``causal``: edges of the graph (None learns it), what is cut, and columns that may explain.
    chances
        ``own`` (the generator's density), ``trees``, or ``auto``: own where there is one.
    strength
        For ``parity``: how far chances are moved, 0 to 1; below 1 rows are chosen for the rest. None takes
        the largest that is foretold to cost no more than `cost`.
    cost
        Area under the ROC curve that the strength may cost, where it is not given.
    """

    method: Method
    synth: Synthesizer | None = None
    edges: Sequence[Sequence[str] | str] | None = None
    notion: Notion = "dp"
    explain: tuple[str, ...] = ()
    chances: str = "auto"
    strength: float | None = None
    cost: float = COST

    @property
    def chooses(self) -> bool:
        """Whether rows are chosen among more than are asked for, or models checked on the others."""
        return self.method in ("reweigh", "odds") or (self.method == "parity" and self.strength != 1)

    def __post_init__(self) -> None:
        for name, number in [
            ("strength", 0.0 if self.strength is None else self.strength),
            ("cost", self.cost),
        ]:
            if isinstance(number, bool) or not 0 <= number <= 1:
                raise UsageError(f"{number!r} is not a {name}", where=name, expected="a number from 0 to 1")
        for where, value, known in [
            ("method", self.method, METHODS),
            ("notion", self.notion, NOTIONS),
            ("chances", self.chances, ("auto", "own", "trees")),
        ]:
            if value not in known:
                raise UsageError(
                    f"{value!r} is not known", where=where, expected=f"one of {', '.join(known)}"
                )


@dataclass(frozen=True, slots=True)
class Done:
    """Repaired rows, the share of labels that were moved, and what a user should know.

    `strength` and `losses` are those of ``parity``: the strength used, and what each was foretold to cost.
    """

    table: pa.Table
    moved: float
    notes: tuple[str, ...] = ()
    strength: float | None = None
    losses: Losses = ()


def apply(table: pa.Table, setting: Setting, order: Order, n: int, seed: int) -> Done:
    """Repair the rows of a table: the same rows with other labels, or `n` of them where rows are chosen.

    Raises
    ------
    UsageError
        When the method does not fit target or columns.
    DataError
        When a group has no row of a class and ``reweigh`` would have to make some.
    """
    if order.method == "reweigh":
        return _reweigh(table, setting, n, seed)
    if order.method == "causal":
        return _causal(table, setting, order, seed)
    return (_odds if order.method == "odds" else _parity)(table, setting, order, n, seed)


def _parity(table: pa.Table, setting: Setting, order: Order, n: int, seed: int) -> Done:
    found: Losses = ()
    strength, notes = order.strength, []
    if strength is None:
        strength, found, note = _affordable(table.slice(0, min(n, FORETOLD)), setting, order.cost, seed)
        notes.append(note)
    if strength == 1:
        table = table.slice(0, n)
    label, group = setting.label(table), setting.group(table)
    group = np.where(label >= 0, group, -1)
    chance = _chances(table, setting, order, seed)
    asked = map_quantiles(chance, group)
    if strength == 1:
        done = _write(table, setting, chance, asked, group, seed, even=True)
    else:
        asked = (1 - strength) * chance + strength * asked
        part = _write(table, setting, chance, asked, group, seed, even=False)
        rest = _reweigh(part.table, setting, n, seed)
        done = Done(rest.table, part.moved, rest.notes)
    return replace(done, notes=(*notes, *done.notes), strength=strength, losses=found)


def _affordable(table: pa.Table, setting: Setting, cost: float, seed: int) -> tuple[float, Losses, str]:
    """Strength, what each strength costs, and a sentence about it."""
    label, group = setting.label(table), setting.group(table)
    counts = shares(label, group, len(setting.labels), len(setting.classes))
    if ((counts == 0) & (counts.sum(axis=0) > 0)).any():
        return 1.0, (), "Strength 1: some group has no row of a class, so that rows cannot be chosen for it."
    found = losses(tree_chances(table, setting, seed), label, group, setting.positive)
    strength = strongest(found, cost)
    at = dict(found)
    return (
        strength,
        found,
        (
            f"Strength {strength:g}, foretold to cost {max(0.0, at[strength]):.3f} of the area under the ROC "
            f"curve (limit {cost:g}; 0 costs {max(0.0, at[0.0]):.3f}, 1 costs {max(0.0, at[1.0]):.3f})."
        ),
    )


def _odds(table: pa.Table, setting: Setting, order: Order, n: int, seed: int) -> Done:
    """Thresholds by group, corrected by what models trained on the moved labels do on rows kept apart."""
    if len(setting.classes) != 2:
        raise UsageError(
            f"equalised odds are for two classes, and {setting.target!r} has {len(setting.classes)}",
            where="method",
            do="use parity, or make a yes/no column of one class against the rest",
        )
    drawn = table.num_rows >= (1 + CHECK_SHARE) * n
    mine = table.slice(0, n)
    label, group = setting.label(mine), setting.group(mine)
    # Chances that have not seen the label, as a model fitted to the rows would give them.
    chance = (
        tree_chances(mine, setting, seed)[:, 1]
        if order.chances != "own"
        else (_chances(mine, setting, order, seed)[:, 1])
    )
    if drawn:
        learn, check = np.arange(n), table.slice(n)
    else:
        mixed = stream(seed, "fair", "check").permutation(n)
        held = int(CHECK_SHARE * n)
        learn, check = np.sort(mixed[held:]), table.take(pa.array(np.sort(mixed[:held])))
    learner = _learner(mine.take(pa.array(learn)), check, setting, seed)
    check_label, check_group = setting.label(check), setting.group(check)

    def anew() -> np.random.Generator:
        return stream(seed, "fair", "labels")

    found = solve(
        chance[learn],
        label[learn],
        group[learn],
        check_label,
        np.where(check_label >= 0, check_group, -1),
        learner,
        anew,
    )
    new = relabel(chance, label, group, found.shifts, anew())
    still = [name for g, name in enumerate(setting.labels) if g not in found.shifts]
    few = f"fewer than {LEAST_CHECK} rows of one of the classes to check thresholds on"
    notes = [f"Labels kept, for {few}: {'; '.join(still)}."] if still else []
    if len(found.shifts) < 2:
        notes.append(
            "Fewer than two groups are left, and nothing was repaired: ask for more rows, or parity."
        )
        return Done(mine, 0.0, tuple(notes))
    notes.append(
        f"Models trained on the moved labels had an odds gap of {found.gap:.3f} on rows kept apart "
        f"({found.gap_before:.3f} before), and misjudged {100 * found.error:.1f} % of them "
        f"({100 * found.error_before:.1f} % before)."
    )
    return _finish(mine, setting, new, label, notes)


def _learner(learn: pa.Table, check: pa.Table, setting: Setting, seed: int) -> Learner:
    """LightGBM as the evidence trains it, on the same features."""
    columns = setting.features
    view = FeatureView.learn(
        columns, pa.concat_tables([t.select([c.name for c in columns]) for t in (learn, check)])
    )
    x, asked = view.matrix(learn), view.matrix(check)

    def score(label: IntArray) -> FloatArray:
        known = label >= 0
        forest = grow(
            x[known],
            label[known].astype(np.float64),
            "binary",
            categorical=view.categorical,
            seed=child_seed(seed, "fair", "judge"),
        )
        return forest.predict(asked)

    return score


def _chances(table: pa.Table, setting: Setting, order: Order, seed: int) -> FloatArray:
    if order.chances != "trees" and order.synth is not None:
        own = own_chances(order.synth, table, setting)
        if own is not None:
            return own
    if order.chances == "own":
        raise UsageError(
            "there are no chances of the generator's own for this target",
            where="chances",
            expected="a generator with a density, a target of one code without dependents",
            do="use trees",
        )
    return tree_chances(table, setting, seed)


def _write(
    table: pa.Table,
    setting: Setting,
    chance: FloatArray,
    asked: FloatArray,
    group: IntArray,
    seed: int,
    *,
    even: bool,
) -> Done:
    label, rng = setting.label(table), stream(seed, "fair", "labels")
    new = label.copy()
    known = np.flatnonzero(label >= 0)
    drawn, final = move_labels(chance[known], asked[known], label[known], rng)
    if even:
        inside = label[group >= 0]
        wanted = np.bincount(inside, minlength=len(setting.classes)) / max(1, len(inside))
        drawn = even_shares(drawn, final, group[known], wanted, rng)
    new[known] = np.where(group[known] >= 0, drawn, label[known])
    return _finish(table, setting, new, label)


def _finish(
    table: pa.Table, setting: Setting, new: IntArray, label: IntArray, notes: Sequence[str] = ()
) -> Done:
    """The rows with new labels, but for those that a rule of the schema forbids."""
    out = setting.with_labels(table, new)
    got = setting.label(out)
    kept = int((got != new).sum())
    more = (f"{kept:,} rows keep their label, because a rule forbids the other.",) if kept else ()
    return Done(out, float((got != label).mean()), (*notes, *more))


def _reweigh(table: pa.Table, setting: Setting, n: int, seed: int) -> Done:
    label, group = setting.label(table), setting.group(table)
    table, label, group = table.filter(pa.array(label >= 0)), label[label >= 0], group[label >= 0]
    counts = shares(label, group, len(setting.labels), len(setting.classes))
    short = [
        (setting.labels[g], setting.classes[k]) for k, g in np.argwhere((counts == 0) & (counts.sum(0) > 0))
    ]
    if short:
        raise DataError(
            f"group {short[0][0]!r} has no row of {setting.target} = {short[0][1]!r} to weigh up",
            where="reweigh",
            do="use parity at full strength, which moves labels, or ask for more rows",
        )
    rows = choose_rows(label, group, len(setting.classes), n, stream(seed, "fair", "reweigh"))
    alone, first = np.unique(rows, return_index=True)
    repeated = len(rows) - len(alone)
    note = (f"{repeated:,} rows repeat others, because too few of their group and class were there.",)
    if repeated and any(c.term.op == "unique" for c in setting.rules):
        rows = rows[np.sort(first)]
        note = (_missing(repeated),)
    return Done(table.take(pa.array(rows)).combine_chunks(), 0.0, note if repeated else ())


def _missing(n: int) -> str:
    return f"{n:,} rows are missing: they would repeat others, which a rule forbids."


def _causal(table: pa.Table, setting: Setting, order: Order, seed: int) -> Done:
    """Labels drawn anew along the graph, cut parents replaced by draws from their own distributions."""
    names = [c.name for c in setting.schema if not c.regenerated]
    protected = setting.grouping.columns
    graph = _learn_from(table, setting, names) if order.edges is None else Graph.given(order.edges, names)
    unknown = [e for e in order.explain if e not in names]
    if unknown:
        raise UsageError(f"there is no column {unknown[0]!r}", where="explain", expected=", ".join(names))
    cut = graph.cut(setting.target, protected, order.notion, order.explain)
    parents, rng = graph.parents(setting.target), stream(seed, "fair", "cut")
    asked = table
    for name in cut:
        at = table.column_names.index(name)
        shuffled = table.column(name).take(pa.array(rng.permutation(table.num_rows)))
        asked = asked.set_column(at, table.schema.field(at), shuffled)
    chance = tree_chances(table, setting, seed, columns=parents, ask=asked)
    steps = np.cumsum(chance, axis=1)
    new = (stream(seed, "fair", "draw").random(len(chance))[:, None] * steps[:, -1:] >= steps).sum(axis=1)
    new = np.minimum(new, len(setting.classes) - 1).astype(np.int64)
    label = setting.label(table)
    new[label < 0] = -1
    how = "learnt from the rows, its directions a convention" if order.edges is None else "as given"
    cuts = ", ".join(cut) if cut else "nothing"
    done = _finish(table, setting, new, label)
    downstream = graph.descendants((setting.target,))
    if downstream:
        done = replace(done, table=_after(done.table, order, downstream, seed))
    note = f"Graph {how}; cut off from {setting.target!r}: {cuts} (of {len(parents)} parents)."
    return replace(done, notes=(note, *done.notes))


def _learn_from(table: pa.Table, setting: Setting, names: list[str]) -> Graph:
    from locum.evaluation.learn.cells import cut

    cuts = [cut(setting.schema[n], table.column(n)) for n in names]
    codes = np.column_stack([c.codes(table.column(n)) for c, n in zip(cuts, names, strict=True)])
    return learn_graph(
        codes.astype(np.int32), [c.size for c in cuts], names, setting.target, setting.grouping.columns
    )


def _after(table: pa.Table, order: Order, downstream: set[str], seed: int) -> pa.Table:
    """Columns that the target acts on, drawn again by the generator given the rest of each row."""
    if order.synth is None:
        raise UsageError(
            f"{', '.join(sorted(downstream))} would have to be drawn again after the target",
            where="graph",
            do="give a fitted model in place of a table, or take these edges out",
        )
    given = table.select([n for n in table.column_names if n not in downstream])
    return order.synth.draw(given=given, seed=child_seed(seed, "after")).table


def per_group(data: pa.Table, setting: Setting, name: str, n: int, seed: int) -> Done:
    """Rows of one generator for each group, in the groups' shares: equal care for all, labels as they are.

    Groups with fewer than `LEAST` rows share one generator.
    """
    from locum.synthesizer.table import Synthesizer

    group = setting.group(data)
    found, counts = np.unique(group, return_counts=True)
    wanted = np.round(np.cumsum(counts) / counts.sum() * n).astype(int)
    parts = []
    for i, g in enumerate(found):
        size = int(wanted[i] - (wanted[i - 1] if i else 0))
        if size == 0:
            continue
        mine = data.filter(pa.array(group == g)).combine_chunks()
        synth = Synthesizer(name, seed=child_seed(seed, "group", int(g)))
        parts.append(synth.fit_table(mine, setting.schema).draw(size, seed=child_seed(seed, int(g))).table)
    out = setting.drop_repeats(pa.concat_tables([p.cast(data.schema) for p in parts]))
    rows = stream(seed, "fair", "groups").permutation(out.num_rows)
    note = f"One {name} model for each of {len(found)} groups; rates of the label are not changed by this."
    few = int(counts.min())
    more = f"The smallest was learned from {few:,} rows." if few < 10 * LEAST else ""
    less = _missing(n - out.num_rows) if out.num_rows < n else ""
    return Done(out.take(pa.array(rows)).combine_chunks(), 0.0, tuple(t for t in (note, more, less) if t))
