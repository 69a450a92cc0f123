"""What is asked of a model, compiled: code weights, pair weights, values inside cells, calculated columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeGuard

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from locum.arrays import BoolArray, FloatArray, IntArray
from locum.codes.codebook import with_nulls
from locum.codes.encoder import Encoder
from locum.codes.fresh_values import GeneratedCodebook
from locum.codes.recoding import Recoding
from locum.control.asked_inputs import with_inputs
from locum.control.calculate import calculate
from locum.control.code_values import (
    Bank,
    as_table,
    attributes_of,
    build_bank,
    decode_table,
    draw_root,
    draw_roots,
    replace_rows,
    roots,
)
from locum.control.layout.formula import Formula
from locum.control.layout.joined import Joined
from locum.control.layout.lookup import Lookup
from locum.control.layout.nested import Nested
from locum.control.rules.clause import Clause, asked_values
from locum.control.rules.equation import Equation, equations_of
from locum.control.where.bind import Term
from locum.data.distinct import flat, put
from locum.models.guide import Guide, Pair
from locum.randomness import stream
from locum.schema.column import Column
from locum.schema.domain import Codes

#: How often a value is drawn anew inside its cell before one of the bank's fitting values is taken.
TRIES = 6
#: Share of rows with a key that is known from which on the others are drawn again.
MOSTLY = 0.5
#: How often rules are gone through to calculate what is not given: what one changes another may be about.
PASSES = 2
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
    follows
        Look-ups that no coding keeps: rows agree with the first one that has their combination.
    banks
        Values by root column, for roots that single-column clauses are about.
    weights
        Share of each code that fulfils them, by attribute.
    solves
        Columns that are calculated.
    loose
        Clauses about several roots, which weights cannot promise.
    equations
        Where some cells are given: rules and the ways to solve each, of which a row that breaks the rule
        takes the first that gives a column that it has no cell of.
    made
        Rules that give an id, a text or personal data; these are calculated last.
    """

    encoder: Encoder
    clauses: list[Clause]
    unique: list[tuple[str, ...]]
    banks: dict[str, Bank] = field(default_factory=dict)
    lines: dict[str, BoolArray] = field(default_factory=dict)
    weights: dict[int, FloatArray] = field(default_factory=dict)
    solves: list[Solve] = field(default_factory=list)
    loose: list[Clause] = field(default_factory=list)
    equations: list[tuple[Clause, tuple[Equation, ...]]] = field(default_factory=list)
    made: list[Equation] = field(default_factory=list)
    follows: list[Clause] = field(default_factory=list)

    @classmethod
    def of(cls, encoder: Encoder, clauses: Sequence[Clause], fixed: frozenset[str] = frozenset()) -> Problem:
        """Compile clauses; columns in `fixed` come from the user and are never calculated."""
        plain = [c for c in clauses if not c.about_table]
        unique = [c.columns for c in clauses if c.term.op == "unique"]
        problem = cls(encoder, plain, unique)
        problem.follows = [c for c in clauses if c.term.op == "follows" and c.text not in encoder.kept]
        root, asked = roots(encoder), with_inputs(encoder, asked_values(plain))
        one_row = np.zeros((1, len(encoder.domain)), dtype=np.int32, order="F")
        for clause in plain:
            if clause.origin == "rule" and clause.text in encoder.kept and not fixed & set(clause.columns):
                continue  # holds by the coding
            made = _made(clause, encoder)
            if made is not None:
                problem.made.append(made)
                problem.clauses = [c for c in problem.clauses if c is not clause]
                if _all_different(encoder, made.column):
                    unique.append(made.inputs)
                continue
            about = list(dict.fromkeys(r for c in clause.columns for r in root[c]))
            if fixed:
                problem.equations.append((clause, tuple(equations_of(clause, encoder.schema))))
            if len(about) != 1:
                solve = None if fixed else _solve(clause, encoder, {s.column for s in problem.solves})
                if solve is not None:
                    problem.solves.append(solve)
                elif about or not clause.holds(decode_table(encoder, one_row, 0)).all():
                    problem.loose.append(clause)
                    problem._hint(clause)
                continue
            bank = problem.bank(about[0], asked)
            problem.lines[about[0]] &= clause.holds(bank.table)
        for name, bank in problem.banks.items():
            size = encoder.domain.attributes[bank.attributes[0]].size
            share = bank.share(problem.lines[name], size)
            if not bank.single:
                share = (share > 0).astype(np.float64)
            if (share < 1).any():
                at = bank.attributes[0]
                problem.weights[at] = problem.weights.get(at, 1.0) * share
        return problem

    def _hint(self, clause: Clause) -> None:
        """Weights of the codes of a calculated column, which say roughly what its value will be."""
        if len(clause.columns) != 1:
            return
        (name,) = clause.columns
        root = roots(self.encoder)
        for recoding in self.encoder.recodings:
            if isinstance(recoding, Formula) and recoding.rest == "all" and recoding.gives == (name,):
                bank = build_bank(self.encoder, name, asked_values([clause]))
                at = bank.attributes[0]
                share = bank.share(clause.holds(pa.table({name: bank.values})), self.encoder.domain.sizes[at])
                if (share > 0).any():
                    self.weights[at] = self.weights.get(at, 1.0) * share
            if isinstance(recoding, Formula) and recoding.rest != "nothing" and recoding.gives == (name,):
                leads = [root[other] for other in recoding.inputs]
                if len(leads) == 1 and len(leads[0]) == 1:
                    self._hint_input(recoding, clause, leads[0][0])

    def _hint_input(self, formula: Formula, clause: Clause, root: str) -> None:
        """No weight for codes of the one input of a calculated column that give it no value as asked."""
        asked = with_inputs(self.encoder, asked_values([clause]))
        bank = build_bank(self.encoder, root, asked)
        (name,) = formula.inputs
        value = calculate(formula.equation.value, bank.table, formula.column)
        if clause.holds(pa.table({formula.column.name: pa.nulls(1, value.type)})).all():
            return  # the column may be missing beside any value
        # where the input is missing the column may be anything
        may = clause.holds(pa.table({formula.column.name: value})) | np.asarray(pc.is_null(bank.table[name]))
        at = bank.attributes[0]
        fits = bank.share(may, self.encoder.domain.sizes[at]) > 0
        if fits.any():
            self.weights[at] = self.weights.get(at, 1.0) * fits.astype(np.float64)

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
            about = sorted({r for c in clause.columns for r in root[c]})
            if len(about) == 2 and clause in self.loose:
                by_roots.setdefault((about[0], about[1]), []).append(clause)
        for (a, b), clauses in by_roots.items():
            if len(attributes_of(self.encoder, a)) == 1 and len(attributes_of(self.encoder, b)) == 1:
                pair = _pair(self.encoder, a, b, clauses)
                # A few draws inside cells may miss one value that is asked for: that forbids nothing.
                first, second = (self.weights.get(i, np.ones(1)) for i in (pair.first, pair.second))
                if (first[:, None] * pair.factor * second).any():
                    out.append(pair)
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
        table = self._table(codes, seed, given)
        paired = [c for c in self.loose if len({*c.columns}) >= 2]
        for attempt in range(TRIES if paired else 0):
            bad = np.flatnonzero(~np.logical_and.reduce([c.holds(table) for c in paired]))
            if len(bad) == 0 or len(bad) > 0.5 * len(codes):
                break
            table = self._again(table, codes, bad, paired, seed, attempt, given)
        ok = np.ones(len(codes), dtype=bool)
        for clause in self.clauses:
            ok &= clause.holds(table)
        ok &= known_keys(self.encoder, table, free=given is None)
        if given is not None:
            ok &= ~strangers(self.encoder, table, given)
        return table, ok

    def _table(self, codes: Codes, seed: int, given: pa.Table | None) -> pa.Table:
        """Values of code rows: drawn, fitted to clauses about one root, given values put in, calculated."""
        drawn = draw_roots(self.encoder, codes, seed)
        for root, bank in self.banks.items():
            if not self.lines[root].all():
                drawn[root] = self._fit_root(drawn[root], bank, codes, seed)
        fixed = {} if given is None else {name: flat(given.column(name)) for name in given.column_names}
        table = as_table(self.encoder, drawn, fixed)
        for solve in self.solves:
            table = _calculated(table, solve, self.encoder.schema[solve.column])
        if self.solves:
            # what follows from a calculated column follows from its new value
            fixed = {**fixed, **{s.column: flat(table.column(s.column)) for s in self.solves}}
            table = as_table(self.encoder, drawn, fixed)
        for _ in range(PASSES if given is not None and self.equations else 0):
            for clause, ways in self.equations:
                table, fixed = self._solved(table, clause, ways, fixed)
        return table

    def _solved(
        self, table: pa.Table, clause: Clause, ways: tuple[Equation, ...], fixed: Mapping[str, pa.Array]
    ) -> tuple[pa.Table, dict[str, pa.Array]]:
        """Calculate, in rows that break a rule, a column that they have no cell of; it is fixed from then."""
        known = dict(fixed)
        broken = ~clause.holds(table) if ways else np.zeros(table.num_rows, dtype=bool)
        for way in ways:
            column = self.encoder.schema[way.column]
            if column.regenerated or not broken.any():
                continue
            given = known.get(way.column)
            value = calculate(way.value, table, column)
            free = broken & np.asarray(pc.is_valid(value))
            free &= True if given is None else np.asarray(pc.is_null(given))
            if free.any():
                old = flat(table.column(way.column))
                new = pc.if_else(pa.array(free), value.cast(old.type), old)
                table = put(table, way.column, new)
                mine = with_nulls(new, ~free)
                known[way.column] = mine if given is None else pc.coalesce(given.cast(new.type), mine)
                broken &= ~free
        return table, known

    def _fit_root(self, values: pa.Array, bank: Bank, codes: Codes, seed: int) -> pa.Array:
        """Redraw values of one root where clauses about what follows from it alone do not hold."""
        mine = [c for c in self.clauses if c.columns and set(c.columns) <= set(bank.table.column_names)]

        def failing(rows: IntArray) -> IntArray:
            part = pa.table(self.encoder.restore({bank.root: values.take(pa.array(rows))}))
            wrong: IntArray = rows[~np.logical_and.reduce([c.holds(part) for c in mine])]
            return wrong

        bad = failing(np.arange(len(codes)))
        # A code of which a small share fits is not worth many tries.
        for attempt in range(TRIES if bank.single else 0):
            if len(bad) == 0:
                break
            new = draw_root(self.encoder, bank.root, codes[bad], stream(seed, "again", bank.root, attempt))
            values = replace_rows(values, bad, new)
            bad = failing(bad)
        if len(bad) and bank.single:
            line, found = self._lines_for(
                bank, codes[bad, bank.attributes[0]], stream(seed, "bank", bank.root)
            )
            rows, line = bad[found], line[found]
            if len(rows):
                values = replace_rows(values, rows, bank.values.take(pa.array(line)))
        return values

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
        part = None if given is None else given.take(pa.array(bad))
        fresh = self._table(codes[bad], stream_seed(seed, attempt), part)
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


def _made(clause: Clause, encoder: Encoder) -> Equation | None:
    """A rule that gives what is otherwise made afresh."""
    for equation in equations_of(clause, encoder.schema):
        if encoder.schema[equation.column].regenerated:
            return equation
    return None


def _all_different(encoder: Encoder, name: str) -> bool:
    """Whether no two values of a made column are equal, so that what gives it must differ too."""
    book = encoder.by_name[name]
    return isinstance(book, GeneratedCodebook) and book.distinct == 1.0


def _solve(clause: Clause, encoder: Encoder, taken: set[str]) -> Solve | None:
    """A rule that calculates a column, of those that are free."""
    root = roots(encoder)
    for equation in equations_of(clause, encoder.schema):
        name = equation.column
        free = name not in taken and root[name] == (name,)
        if free and not taken & set(equation.inputs):
            return Solve(clause, name, equation.value)
    return None


def _calculated(table: pa.Table, solve: Solve, column: Column) -> pa.Table:
    """Write the calculated column; where the expression has no value the drawn one stays."""
    new = calculate(solve.value, table, column)
    return put(table, solve.column, pc.coalesce(new, table.column(solve.column)))


def _pair(encoder: Encoder, a: str, b: str, clauses: Sequence[Clause]) -> Pair:
    """Share of each pair of cells on which clauses hold, from draws inside both cells."""
    at_a, at_b = attributes_of(encoder, a)[0], attributes_of(encoder, b)[0]
    size_a, size_b = encoder.domain.sizes[at_a], encoder.domain.sizes[at_b]
    draws = int(np.clip(np.sqrt(PAIR_CELLS / (size_a * size_b)), 1, PAIR_DRAWS))
    side_a, side_b = _side(encoder, a, at_a, draws), _side(encoder, b, at_b, draws)
    rows_b = len(side_b)
    factor = np.zeros((size_a, size_b))
    per = max(1, PAIR_CELLS // max(1, rows_b * draws))
    for start in range(0, size_a, per):
        stop = min(size_a, start + per)
        n = (stop - start) * draws
        left = side_a.slice(start * draws, n).take(pa.array(np.repeat(np.arange(n), rows_b)))
        right = side_b.take(pa.array(np.tile(np.arange(rows_b), n)))
        both = pa.table(encoder.restore({a: left, b: right}))
        holds = np.logical_and.reduce([c.holds(both) for c in clauses])
        factor[start:stop] = holds.reshape(stop - start, draws, size_b, draws).mean(axis=(1, 3))
    return Pair(at_a, at_b, factor)


def _side(encoder: Encoder, root: str, at: int, draws: int) -> pa.Array:
    """`draws` values of every code of a root, code by code."""
    size = encoder.domain.sizes[at]
    codes = np.zeros((size * draws, len(encoder.domain)), dtype=np.int32, order="F")
    codes[:, at] = np.repeat(np.arange(size), draws)
    return draw_root(encoder, root, codes, stream(0, "side", root))


def has_keys(encoder: Encoder) -> bool:
    """Whether rows may have keys that were never seen, which are refused."""
    return any(_has_keys(recoding, encoder) for recoding in encoder.recodings)


def _has_keys(recoding: Recoding, encoder: Encoder) -> TypeGuard[Formula | Lookup | Nested]:
    if isinstance(recoding, Nested):
        return any(encoder.schema[name].ordered for name in recoding.within)
    if isinstance(recoding, Formula):
        return recoding.ends is not None and len(recoding.inputs) > 1
    return isinstance(recoding, Lookup)


def known_keys(encoder: Encoder, table: pa.Table, *, free: bool = True) -> BoolArray:
    """Rows of which every look-up, and every combination beside a number that stays, is one that was seen.

    If no cell is given, calculated numbers lie where numbers were seen, too.
    """
    ok = np.ones(table.num_rows, dtype=bool)
    for recoding in encoder.recodings:
        if not _has_keys(recoding, encoder):
            continue
        if isinstance(recoding, Lookup):
            known = recoding.known({name: flat(table.column(name)) for name in recoding.inputs})
        elif isinstance(recoding, Formula):
            if not free:
                continue
            known = recoding.inside(table)
        else:
            joined = recoding.joined
            known = joined.numbers({name: flat(table.column(name)) for name in joined.gives}) >= 0
        # where most are unknown the look-up says little, and what it says of others must do
        ok &= known if known.mean() >= MOSTLY else True
    return ok


def strangers(encoder: Encoder, table: pa.Table, given: pa.Table) -> BoolArray:
    """Rows with a combination of joined columns that does not occur, though their given cells go with one."""
    odd = np.zeros(table.num_rows, dtype=bool)
    for recoding in encoder.recodings:
        if not isinstance(recoding, Joined | Nested):
            continue
        joined = recoding.joined
        held = [name for name in given.column_names if name in joined.gives]
        if not held:
            continue
        unknown = joined.numbers({name: flat(table.column(name)) for name in joined.gives}) < 0
        if unknown.any():
            rows = np.flatnonzero(unknown)
            parts = {name: flat(given.column(name)).take(pa.array(rows)) for name in held}
            every = np.ones(len(joined.combinations[0]))
            odd[rows] |= joined.choose(parts, every, stream(0, "any")) >= 0
    return odd
