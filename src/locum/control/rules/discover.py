"""Rules that a table seems to follow, proposed with how many rows speak for them and how many against."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from locum.control.rules.clause import rule_clauses
from locum.control.where.evaluate import _column, evaluate
from locum.control.where.names import Names, sort_of
from locum.control.where.token import literal, quote
from locum.data.distinct import flat
from locum.schema.table import Schema

if TYPE_CHECKING:
    import pyarrow as pa

#: Fewest rows that speak for a rule, and the largest share against it.
LEAST, AGAINST = 50, 0.005
#: A rule that this share of independent rows would fulfil as well says nothing.
CHANCE = 0.97
#: Rows on which candidates are tried before they are counted on all; most columns looked at per sort.
TRIAL, MOST_COLUMNS = 2000, 40
#: Most combinations that a rule lists, and fewest rows expected by chance in those never seen.
MOST_PAIRS, EXPECTED = 200, 25.0


@dataclass(frozen=True, slots=True)
class RuleProposal:
    """A rule that might hold.

    Attributes
    ----------
    rule
        In the language of rules.
    kind
        ``order``, ``sum``, ``product``, ``combination``, ``missing`` or ``unique``.
    support
        Rows that speak for it.
    violations
        Rows against it.
    """

    rule: str
    kind: str
    support: int
    violations: int

    @property
    def remark(self) -> str:
        """Rows for and against, in words."""
        against = "no row against" if not self.violations else f"{self.violations:,} against"
        return f"{self.support:,} rows for, {against}"

    def __str__(self) -> str:
        return f"{self.rule}  ({self.remark})"


def discover(table: pa.Table, schema: Schema) -> list[RuleProposal]:
    """Propose rules of a canonical table, those without violations first.

    Looked for: order of two numbers or dates, sums and products of numbers, combinations of
    labels that never occur though they should by chance, columns that are missing exactly for some level, and
    columns without repetition. Nothing is imposed: put what is true by nature into ``[[rule]]``.

    Notes
    -----
    Candidates are tried on `TRIAL` rows and counted on all. Cost: columns squared (sums: cubed, on the trial
    rows only). Combinations list levels of the table; ids, texts and personal data are never looked at.
    """
    names = Names(schema)
    step = max(1, table.num_rows // TRIAL)
    trial = table.take(np.arange(0, table.num_rows, step))
    found: list[RuleProposal] = []
    for kind, text in _candidates(trial, table, schema):
        support, against = _count(table, text, names)
        if support >= LEAST and against <= AGAINST * (support + against):
            found.append(RuleProposal(text, kind, support, against))
    found += _unique(table, schema)
    return sorted(found, key=lambda p: (p.violations > 0, p.kind, p.rule))


def _count(table: pa.Table, text: str, names: Names) -> tuple[int, int]:
    """Rows that are true, and rows that are false; the condition of an ``if`` must be true to count."""
    clause = rule_clauses(text, names)[0]
    truth = evaluate(clause.term, table)
    if text.startswith("if "):
        applies = evaluate(clause.term.args[0].args[0], table).yes
        return int((applies & truth.yes).sum()), int((applies & truth.no).sum())
    return int(truth.yes.sum()), int(truth.no.sum())


def _candidates(trial: pa.Table, table: pa.Table, schema: Schema) -> Iterator[tuple[str, str]]:
    numbers = [c.name for c in schema if sort_of(c) == "number"][:MOST_COLUMNS]
    moments = [c.name for c in schema if sort_of(c) == "moment"][:MOST_COLUMNS]
    labels = [c.name for c in schema if sort_of(c) in ("label", "truth")][:MOST_COLUMNS]
    for group in (numbers, moments):
        yield from _orders(trial, group)
    yield from _arithmetic(trial, numbers)
    yield from _missing(trial, schema, labels)
    determined = {(d.determinant, d.dependent) for d in schema.dependencies}
    for a, b in combinations(labels, 2):
        if sort_of(schema[a]) == sort_of(schema[b]) == "label" and not {(a, b), (b, a)} & determined:
            yield from _combination(table, a, b)


def _orders(trial: pa.Table, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    rng = np.random.default_rng(0)
    columns = {n: _column(trial, n) for n in names}
    for a, b in permutations(names, 2):
        x, y = columns[a], columns[b]
        both = x.present & y.present
        if both.sum() < LEAST // 2:
            continue
        low, high = x.data[both], y.data[both]
        if (low <= high).mean() < 1 - 2 * AGAINST or (low == high).mean() > 0.5:
            continue
        if (low <= rng.permutation(high)).mean() < CHANCE:
            yield "order", f"{quote(a)} {'<' if (low < high).all() else '<='} {quote(b)}"


def _arithmetic(trial: pa.Table, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    columns = {n: _column(trial, n) for n in names}
    data = {n: c.data.astype(np.float64) for n, c in columns.items()}
    varied = [n for n in names if len(np.unique(data[n][columns[n].present])) > 5]
    for a, b in combinations(varied, 2):
        both = columns[a].present & columns[b].present
        for c in varied:
            if c in (a, b):
                continue
            every = both & columns[c].present
            if every.sum() < LEAST // 2:
                continue
            for kind, sign, value in (
                ("sum", "+", data[a] + data[b]),
                ("product", "*", data[a] * data[b]),
            ):
                if _same(data[c][every], value[every]):
                    yield kind, f"{quote(c)} = {quote(a)} {sign} {quote(b)}"


def _same(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> bool:
    with np.errstate(invalid="ignore"):
        near = np.abs(a - b) <= 1e-6 + 1e-9 * np.abs(a)
    return bool(near.mean() >= 1 - 2 * AGAINST)


def _missing(trial: pa.Table, schema: Schema, labels: Sequence[str]) -> Iterator[tuple[str, str]]:
    """``if label = level then column is null`` where that level alone explains missing values."""
    import pyarrow.compute as pc

    holes = [n for n in schema.names if 0 < trial.column(n).null_count < trial.num_rows]
    for name in labels:
        values = trial.column(name)
        for level in pc.unique(values).drop_null().to_pylist()[:20]:
            inside = np.asarray(pc.fill_null(pc.equal(values, level), False))
            if inside.sum() < LEAST // 5 or inside.all():
                continue
            for hole in holes:
                null = np.asarray(trial.column(hole).is_null())
                if hole != name and null[inside].mean() >= 1 - AGAINST and null[~inside].mean() < 0.5:
                    yield "missing", f"if {quote(name)} = {literal(level)} then {quote(hole)} is null"


def _combination(table: pa.Table, a: str, b: str) -> Iterator[tuple[str, str]]:
    """Pairs of levels that occur, where many that do not occur would be expected by chance."""
    import pyarrow.compute as pc

    counts = []
    for name in (a, b):
        coded = flat(table.column(name)).dictionary_encode()
        counts.append((np.asarray(pc.fill_null(coded.indices, -1)), coded.dictionary.to_pylist()))
    (x, levels_x), (y, levels_y) = counts
    if not 2 <= len(levels_x) <= 500 or not 2 <= len(levels_y) <= 500:
        return
    present = (x >= 0) & (y >= 0)
    n = int(present.sum())
    joint = np.bincount(x[present] * len(levels_y) + y[present], minlength=len(levels_x) * len(levels_y))
    joint = joint.reshape(len(levels_x), len(levels_y))
    seen = joint >= 2
    chance = np.outer(joint.sum(axis=1), joint.sum(axis=0)) / max(n, 1)
    if not seen.any() or seen.sum() > MOST_PAIRS or chance[~seen].sum() < max(EXPECTED, 0.1 * n):
        return
    rows = ", ".join(f"({literal(levels_x[i])}, {literal(levels_y[j])})" for i, j in np.argwhere(seen))
    yield "combination", f"({quote(a)}, {quote(b)}) in ({rows})"


def _unique(table: pa.Table, schema: Schema) -> list[RuleProposal]:
    import pyarrow.compute as pc

    out = []
    for column in schema:
        values = table.column(column.name)
        present = len(values) - values.null_count
        if column.kind in ("category", "integer") and present >= LEAST:
            repeated = present - int(pc.count_distinct(values, mode="only_valid").as_py())
            if repeated == 0:
                out.append(RuleProposal(f"unique({quote(column.name)})", "unique", present, 0))
    return out
