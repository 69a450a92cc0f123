"""What is asked of a model, compiled: code weights, pair weights, values inside cells, calculated columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from locum.arrays import BoolArray, FloatArray, IntArray
from locum.codes.encoder import Encoder
from locum.control.code_values import (
    Bank,
    attributes_of,
    build_bank,
    decode_root,
    decode_table,
    replace_rows,
    roots,
)
from locum.control.rules.clause import Clause, asked_values
from locum.control.where.bind import Term
from locum.control.where.evaluate import _values
from locum.data.distinct import flat, put
from locum.models.guide import Guide, Pair
from locum.randomness import stream
from locum.schema.column import Column
from locum.schema.domain import Codes

#: How often a value is drawn anew inside its cell before one of the bank's fitting values is taken.
TRIES = 6
#: Most pairs of values that are looked at for one pair of columns, and most draws per code.
PAIR_CELLS, PAIR_DRAWS = 4_000_000, 12


@dataclass(frozen=True, slots=True)
class Solve:
    """A rule ``column = expression``: the column is calculated, so that the rule holds exactly."""

    clause: Clause
    column: str
    value: Term


@dataclass(slots=True)
class Problem:
    """Conditions and rules over the codes of one encoder.

    Attributes
    ----------
    encoder
        The coding.
    clauses
        What must hold in every row, without ``unique``.
    unique
        Column sets on which no two rows may agree.
    banks
        Values by root column, for roots that single-column clauses are about.
    weights
        Share of each code that fulfils them, by attribute.
    solves
        Columns that are calculated.
    loose
        Clauses about several roots, which weights cannot promise.
    """

    encoder: Encoder
    clauses: list[Clause]
    unique: list[tuple[str, ...]]
    banks: dict[str, Bank] = field(default_factory=dict)
    lines: dict[str, BoolArray] = field(default_factory=dict)
    weights: dict[int, FloatArray] = field(default_factory=dict)
    solves: list[Solve] = field(default_factory=list)
    loose: list[Clause] = field(default_factory=list)

    @classmethod
    def of(cls, encoder: Encoder, clauses: Sequence[Clause], fixed: frozenset[str] = frozenset()) -> Problem:
        """Compile clauses; columns in `fixed` come from the user and are never calculated."""
        plain = [c for c in clauses if c.term.op != "unique"]
        unique = [c.columns for c in clauses if c.term.op == "unique"]
        problem = cls(encoder, plain, unique)
        root, asked = roots(encoder), asked_values(plain)
        one_row = np.zeros((1, len(encoder.domain)), dtype=np.int32, order="F")
        for clause in plain:
            about = list(dict.fromkeys(root[c] for c in clause.columns))
            if len(about) != 1:
                solve = _solve(clause, encoder, fixed, {s.column for s in problem.solves})
                if solve is not None:
                    problem.solves.append(solve)
                elif about or not clause.holds(decode_table(encoder, one_row, 0)).all():
                    problem.loose.append(clause)
                continue
            bank = problem.bank(about[0], asked)
            problem.lines[about[0]] &= clause.holds(bank.table)
        for name, bank in problem.banks.items():
            size = encoder.domain.attributes[bank.attributes[0]].size
            share = bank.share(problem.lines[name], size)
            if not bank.single:
                share = (share > 0).astype(np.float64)
            if (share < 1).any():
                problem.weights[bank.attributes[0]] = share
        return problem

    def bank(self, root: str, asked: dict[str, set[Any]]) -> Bank:
        """The bank of a root column, built when first needed."""
        if root not in self.banks:
            self.banks[root] = build_bank(self.encoder, root, asked)
            self.lines[root] = np.ones(self.banks[root].table.num_rows, dtype=bool)
        return self.banks[root]

    @property
    def once(self) -> frozenset[str]:
        """Columns that a rule of uniqueness is about."""
        return frozenset(c for columns in self.unique for c in columns)

    @property
    def impossible(self) -> bool:
        """Whether a column can take no value that fulfils its clauses."""
        return any(not (weight > 0).any() for weight in self.weights.values())

    def guide(self, temperature: float = 1.0, *, paired: bool = False) -> Guide:
        """The condition in the words of a model; with pair weights for loose clauses only if `paired`."""
        pairs = tuple(self.pairs()) if paired and self.loose else ()
        return Guide(self.weights, pairs, temperature=temperature)

    def pairs(self) -> list[Pair]:
        """Pair weights of the loose clauses that are about exactly two coded columns."""
        out: list[Pair] = []
        root = roots(self.encoder)
        by_roots: dict[tuple[str, str], list[Clause]] = {}
        for clause in [*self.loose, *(s.clause for s in self.solves)]:
            about = sorted({root[c] for c in clause.columns})
            if len(about) == 2 and clause in self.loose:
                by_roots.setdefault((about[0], about[1]), []).append(clause)
        for (a, b), clauses in by_roots.items():
            if len(attributes_of(self.encoder, a)) == 1 and len(attributes_of(self.encoder, b)) == 1:
                out.append(_pair(self.encoder, a, b, clauses))
        return out

    def realise(self, codes: Codes, seed: int, given: pa.Table | None = None) -> tuple[pa.Table, BoolArray]:
        """Values for code rows, drawn so that single-column clauses hold, and which rows fulfil everything.

        Parameters
        ----------
        codes
            Code rows.
        seed
            For what the codes leave open.
        given
            Columns whose present values replace what was drawn; one row per code row.
        """
        table = decode_table(self.encoder, codes, seed)
        for root, bank in self.banks.items():
            if not self.lines[root].all():
                table = self._fit_root(table, bank, codes, seed)
        paired = [c for c in self.loose if len({*c.columns}) >= 2]
        table = self._finish(table, given)
        for attempt in range(TRIES if paired else 0):
            bad = np.flatnonzero(~np.logical_and.reduce([c.holds(table) for c in paired]))
            if len(bad) == 0 or len(bad) > 0.5 * len(codes):
                break
            table = self._again(table, codes, bad, paired, seed, attempt, given)
        ok = np.ones(len(codes), dtype=bool)
        for clause in self.clauses:
            ok &= clause.holds(table)
        return table, ok

    def _finish(self, table: pa.Table, given: pa.Table | None) -> pa.Table:
        """Put given values in and calculate the calculated columns."""
        if given is not None:
            table = overlay(table, given)
        for solve in self.solves:
            table = _calculate(table, solve, self.encoder.schema[solve.column])
        return table

    def _fit_root(self, table: pa.Table, bank: Bank, codes: Codes, seed: int) -> pa.Table:
        """Redraw values of one root (and its dependents) where single-column clauses do not hold."""
        mine = [c for c in self.clauses if set(c.columns) <= set(bank.table.column_names)]
        columns = {name: flat(table.column(name)) for name in bank.table.column_names}

        def failing(rows: IntArray) -> IntArray:
            part = pa.table({name: values.take(pa.array(rows)) for name, values in columns.items()})
            wrong: IntArray = rows[~np.logical_and.reduce([c.holds(part) for c in mine])]
            return wrong

        bad = failing(np.arange(len(codes)))
        # A code of which a small share fits is not worth many tries.
        for attempt in range(TRIES if bank.single else 0):
            if len(bad) == 0:
                break
            new = decode_root(self.encoder, bank.root, codes[bad], stream(seed, "again", bank.root, attempt))
            columns = {name: replace_rows(values, bad, new[name]) for name, values in columns.items()}
            bad = failing(bad)
        if len(bad) and bank.single:
            line, found = self._lines_for(
                bank, codes[bad, bank.attributes[0]], stream(seed, "bank", bank.root)
            )
            rows, line = bad[found], line[found]
            if len(rows):
                take = pa.array(line)
                columns = {
                    name: replace_rows(values, rows, flat(bank.table.column(name)).take(take))
                    for name, values in columns.items()
                }
        for name, values in columns.items():
            table = put(table, name, values)
        return table

    def _lines_for(self, bank: Bank, code: Codes, rng: np.random.Generator) -> tuple[IntArray, BoolArray]:
        """A fitting line of the bank for each code, drawn by mass; and whether there is one."""
        fits = np.flatnonzero(self.lines[bank.root])
        if not len(fits):
            return np.zeros(len(code), dtype=np.int64), np.zeros(len(code), dtype=bool)
        order = fits[np.argsort(bank.code[fits], kind="stable")]
        steps = np.append(0.0, np.cumsum(bank.mass[order]))
        low = np.searchsorted(bank.code[order], code, side="left")
        high = np.searchsorted(bank.code[order], code, side="right")
        mark = steps[low] + rng.random(len(code)) * (steps[high] - steps[low])
        at = np.clip(np.searchsorted(steps, mark, side="right") - 1, low, np.maximum(high - 1, low))
        found = high > low
        return order[np.where(found, np.minimum(at, len(order) - 1), 0)], found

    def _again(
        self,
        table: pa.Table,
        codes: Codes,
        bad: IntArray,
        clauses: Sequence[Clause],
        seed: int,
        attempt: int,
        given: pa.Table | None,
    ) -> pa.Table:
        """Draw the rows `bad` anew inside their cells."""
        fresh = decode_table(self.encoder, codes[bad], stream_seed(seed, attempt))
        for root, bank in self.banks.items():
            if not self.lines[root].all():
                fresh = self._fit_root(fresh, bank, codes[bad], stream_seed(seed, attempt))
        fresh = self._finish(fresh, None if given is None else given.take(pa.array(bad)))
        holds = np.logical_and.reduce([c.holds(fresh) for c in clauses])
        rows = bad[holds]
        if len(rows) == 0:
            return table
        index = np.arange(table.num_rows)
        index[rows] = table.num_rows + np.flatnonzero(holds)
        return pa.concat_tables([table, fresh]).take(pa.array(index)).combine_chunks()


def stream_seed(seed: int, attempt: int) -> int:
    """A seed of its own for each further try."""
    return int(stream(seed, "try", attempt).integers(2**31))


def overlay(table: pa.Table, given: pa.Table) -> pa.Table:
    """The table with the present values of `given` in their columns."""
    for name in given.column_names:
        drawn = table.column(name)
        table = put(table, name, pc.coalesce(given.column(name).cast(drawn.type), drawn))
    return table


def _solve(clause: Clause, encoder: Encoder, fixed: frozenset[str], taken: set[str]) -> Solve | None:
    """A rule that calculates a column: ``column = expression`` with the column not in the expression."""
    term = clause.term
    if clause.origin != "rule" or term.op != "=":
        return None
    root = roots(encoder)
    for side, other in ((0, 1), (1, 0)):
        left, right = term.args[side], term.args[other]
        if left.op != "name" or left.sort not in ("number", "moment", "span"):
            continue
        name = left.node.value
        free = name not in fixed and name not in taken and root[name] == name and name not in right.columns
        if free and not taken & set(right.columns):
            return Solve(clause, name, right)
    return None


def _calculate(table: pa.Table, solve: Solve, column: Column) -> pa.Table:
    """Write the calculated column; where the expression has no value the drawn one stays."""
    values = _values(solve.value, table)
    drawn = table.column(solve.column)
    data = np.asarray(values.data)
    present = values.present
    if column.kind == "number":
        data = data.astype(np.float64)
        data = np.round(data, column.decimals) if column.decimals is not None else data
        new = pa.array(data, mask=~present)
    else:
        step = 86_400_000_000 if column.kind == "date" else 1
        with np.errstate(invalid="ignore"):
            present = present & (np.abs(data.astype(np.float64)) < 2.0**62)
            whole = np.where(present, data, 0)
        whole = np.rint(whole / step).astype(np.int64) if whole.dtype.kind == "f" or step > 1 else whole
        new = pa.array(whole.astype(np.int32 if column.kind == "date" else np.int64), mask=~present)
        new = new.view(drawn.type) if column.kind != "integer" else new
    return put(table, solve.column, pc.coalesce(new, drawn))


def _pair(encoder: Encoder, a: str, b: str, clauses: Sequence[Clause]) -> Pair:
    """Share of each pair of cells on which clauses hold, from draws inside both cells."""
    at_a, at_b = attributes_of(encoder, a)[0], attributes_of(encoder, b)[0]
    size_a, size_b = encoder.domain.sizes[at_a], encoder.domain.sizes[at_b]
    draws = int(np.clip(np.sqrt(PAIR_CELLS / (size_a * size_b)), 1, PAIR_DRAWS))
    side_a, side_b = _side(encoder, a, at_a, draws), _side(encoder, b, at_b, draws)
    rows_b = side_b.num_rows
    factor = np.zeros((size_a, size_b))
    per = max(1, PAIR_CELLS // max(1, rows_b * draws))
    for start in range(0, size_a, per):
        stop = min(size_a, start + per)
        n = (stop - start) * draws
        left = side_a.slice(start * draws, n).take(pa.array(np.repeat(np.arange(n), rows_b)))
        right = side_b.take(pa.array(np.tile(np.arange(rows_b), n)))
        both = pa.table(
            {
                **{c: left.column(c) for c in left.column_names},
                **{c: right.column(c) for c in right.column_names},
            }
        )
        holds = np.logical_and.reduce([c.holds(both) for c in clauses])
        factor[start:stop] = holds.reshape(stop - start, draws, size_b, draws).mean(axis=(1, 3))
    return Pair(at_a, at_b, factor)


def _side(encoder: Encoder, root: str, at: int, draws: int) -> pa.Table:
    """`draws` values of every code of a column, code by code."""
    size = encoder.domain.sizes[at]
    codes = np.zeros((size * draws, len(encoder.domain)), dtype=np.int32, order="F")
    codes[:, at] = np.repeat(np.arange(size), draws)
    return pa.table(decode_root(encoder, root, codes, stream(0, "side", root)))
