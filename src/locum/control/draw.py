"""Drawing rows until enough of them fulfil what is asked, and never for ever.

A pilot shows how evenly weights are spread and how many rows fit. Conditions on single columns are weights of
codes from the start. Where conditions between two columns throw most rows away, they become pair weights.
What remains is counted rejection. Every row that is handed out has been checked as values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from locum.arrays import BoolArray
from locum.codes.fresh_values import GeneratedCodebook
from locum.control.calculate import calculate
from locum.control.code_values import decode_table
from locum.control.constraints import Problem
from locum.control.drawn_rows import Infeasible, Strategy
from locum.control.guided import pick, propose
from locum.control.rules.whole_table import rows_against
from locum.control.unique import movable, moved
from locum.data.distinct import flat, put
from locum.models.base import Model
from locum.models.draw_blocks import Pool
from locum.models.guide import Guide, effective, log_mean
from locum.randomness import child_seed, stream
from locum.schema.domain import Codes

#: Rows of the pilot and of a batch.
PILOT, BATCH = (500, 4000), (256, 2**16)
#: Rows that a model draws for one request: so many in a row without a fit end it; so many, or so many per row
#: asked for, end it with what there is.
HOPELESS, MOST, MOST_PER_ROW = 40_000, 400_000, 20
#: Rows that are kept to fill up from where too few are found, and tries of a batch of those.
KEPT, FILLS = 2**18, 50
#: Pair weights are used when fewer than this share of rows fit without.
SPARSE = 0.25


@dataclass(slots=True)
class Tally:
    """Counts over all batches of a request.

    Attributes
    ----------
    drawn
        Rows drawn by the model.
    weight
        Sum over batches of rows x mean weight.
    effective
        Sum of effective sample sizes before values were drawn.
    realised, accepted
        Rows whose values were drawn, and those of them that fitted.
    repeated
        Rows handed out beyond those, from codes that had been used.
    even
        Whether all weights were equal in every batch.
    """

    drawn: int = 0
    weight: float = 0.0
    effective: float = 0.0
    realised: int = 0
    accepted: int = 0
    repeated: int = 0
    even: bool = True

    @property
    def acceptance(self) -> float:
        """Share of realised rows that fitted."""
        return self.accepted / self.realised if self.realised else 0.0

    @property
    def probability(self) -> float:
        """The model's probability of what was asked."""
        return self.acceptance * self.weight / self.drawn if self.drawn else 0.0


@dataclass(slots=True)
class Drawer:
    """One request on its way.

    Attributes
    ----------
    model, problem
        Who draws, and what is asked.
    seed
        Decides everything.
    temperature
        See `Guide.temperature`.
    patience
        Rows drawn in a row without a single fit that end the search.
    tally
        Counts so far.
    guide
        The condition as given to the model; pair weights are added by `pilot`.
    seen
        Values of the unique columns handed out so far.
    found_keys
        Whether all keys were found in rows, so that they may be given up where rows run out.
    given_up
        Keys that were.
    """

    model: Model
    problem: Problem
    seed: int
    temperature: float = 1.0
    patience: int = HOPELESS
    tally: Tally = field(default_factory=Tally)
    guide: Guide = field(default_factory=Guide)
    seen: dict[tuple[str, ...], pa.Table] = field(default_factory=dict)
    found_keys: bool = False
    given_up: tuple[tuple[str, ...], ...] = ()
    _batch: int = 0

    def __post_init__(self) -> None:
        self.guide = self.problem.guide(self.temperature)

    def rows(self, n: int, *, fill: bool = True) -> tuple[pa.Table, Codes]:
        """Exactly `n` rows (without made values) and their codes.

        Parameters
        ----------
        n
            Rows wanted.
        fill
            Whether, when the search ends with fewer, rows are made from codes that were used before.

        Raises
        ------
        Infeasible
            When no row was found, or too few with `fill` off or with columns that must not repeat.
        """
        tables, codes = zip(*self.parts(n, fill=fill), strict=True)
        return pa.concat_tables(tables).combine_chunks(), np.asfortranarray(np.vstack(codes))

    def blocks(self, n: int, size: int) -> Iterator[tuple[pa.Table, Codes]]:
        """The rows of :meth:`rows` in blocks of `size`, the last one smaller; errors as there."""
        tables: list[pa.Table] = []
        codes: list[Codes] = []
        held = 0
        for table, rows in self.parts(n):
            tables.append(table)
            codes.append(rows)
            held += table.num_rows
            if held < size:
                continue
            whole, every = pa.concat_tables(tables).combine_chunks(), np.vstack(codes)
            for start in range(0, held - held % size, size):
                yield (
                    whole.slice(start, size).combine_chunks(),
                    np.asfortranarray(every[start : start + size]),
                )
            tables, codes = [whole.slice(held - held % size)], [every[held - held % size :]]
            held %= size
        if held:
            yield pa.concat_tables(tables).combine_chunks(), np.asfortranarray(np.vstack(codes))

    def parts(self, n: int, *, fill: bool = True) -> Iterator[tuple[pa.Table, Codes]]:
        """The rows of :meth:`rows` as they are found; of what was given out at most `KEPT` rows stay here."""
        kept: list[tuple[pa.Table, Codes]] = []
        have = idle = 0
        # Rules refuse few rows: a pilot would only split what a model draws evenly as a whole.
        own = self.guide.empty and all(c.origin == "rule" for c in self.problem.clauses)
        own = own and not self.problem.unique
        pilot = min(n, BATCH[1]) if own else int(np.clip(n, *PILOT))
        most = max(MOST, MOST_PER_ROW * n)
        while have < n:
            size = pilot if self._batch == 0 else self._next(n - have)
            table, rows = self._one(size, n - have)
            idle = 0 if table.num_rows else idle + size
            if self._batch == 1 and self.tally.acceptance < SPARSE and self.problem.loose:
                self._pair_up()
            if table.num_rows:
                part = table.slice(0, n - have), rows[: n - have]
                if have < KEPT:
                    kept.append(part)
                have += part[0].num_rows
                yield part
            if have < n and (idle >= self.patience or self.tally.drawn >= most):
                if self.problem.unique and self.found_keys:
                    # what was found in rows must not stop them: the key is given up for the rest
                    self.given_up += tuple(self.problem.unique)
                    self.problem.unique.clear()
                    idle = 0
                    continue
                if have == 0 or not fill or self.problem.unique:
                    raise self._short(n, have)
                yield from self._fill(kept, n - have)
                return

    def _one(self, size: int, want: int) -> tuple[pa.Table, Codes]:
        """One batch: the rows that fit, and their codes; of repeated keys as many are moved as are wanted."""
        seed = child_seed(self.seed, "batch", self._batch)
        self._batch += 1
        codes, log_weight = propose(self.model, size, self.guide, seed)
        tally, strength = self.tally, effective(log_weight)
        mean = log_mean(log_weight)
        tally.drawn += size
        tally.weight += size * (float(np.exp(mean)) if np.isfinite(mean) else 0.0)
        tally.effective += strength
        tally.even &= strength > 0.999999 * size
        chosen = codes[pick(log_weight, int(strength + 0.5), stream(seed, "pick"))]
        if len(chosen) == 0:
            return decode_table(self.problem.encoder, chosen, 0), chosen
        chosen = np.asfortranarray(chosen)
        table, ok = self.problem.realise(chosen, seed)
        tally.realised += len(chosen)
        if self.problem.unique:
            table, ok = self._without_repeats(chosen, seed, table, ok, want)
        ok = drop_repeats(self.problem, self.seen, table, ok)
        tally.accepted += int(ok.sum())
        if ok.all():
            return table, chosen
        return table.filter(pa.array(ok)), chosen[ok]

    def _without_repeats(
        self, codes: Codes, seed: int, table: pa.Table, ok: BoolArray, want: int
    ) -> tuple[pa.Table, BoolArray]:
        """The batch with repeated keys moved to free values, where a column of the key can be moved.

        Only as many as are wanted besides the rows that repeat nothing; the others are left out.
        """
        encoder = self.problem.encoder
        for columns in self.problem.unique:
            name = movable(encoder, columns)
            if name is None:
                continue
            kept = drop_repeats(self.problem, dict(self.seen), table, ok, only=columns)
            repeats = ok & ~kept
            needed = np.flatnonzero(repeats)[: max(0, want - int(kept.sum()))]
            repeats = np.zeros(len(ok), dtype=bool)
            repeats[needed] = True
            ok = kept | repeats
            if repeats.any():
                others = [c for c in columns if c != name]
                before = self.seen.get(columns)
                values = moved(encoder, name, others, table, repeats, before)
                table, holds = self.problem.realise(codes, seed, pa.table({name: values}))
                ok &= holds
        return table, ok

    def _next(self, missing: int) -> int:
        """Rows to draw next, from how many of those drawn so far could be used."""
        found = (self.tally.accepted + 0.5) / max(self.tally.drawn, 1)
        least, most = BATCH
        return int(np.clip(np.ceil(missing / found * 1.1), least, min(most, self.patience)))

    def _pair_up(self) -> None:
        """Turn conditions between two columns into pair weights, and forget the counts made without."""
        pairs = self.problem.pairs()
        if pairs:
            self.guide = replace(self.guide, pairs=tuple(pairs))
            self.tally = Tally(drawn=0)

    def _fill(self, kept: list[tuple[pa.Table, Codes]], missing: int) -> Iterator[tuple[pa.Table, Codes]]:
        """Make up for rows that were not found: new values inside codes that were, in the end rows again."""
        rng = stream(self.seed, "fill")
        pool = np.vstack([codes for _, codes in kept])
        self.tally.repeated += missing
        most = BATCH[1]
        for attempt in range(FILLS * (1 + missing // most)):
            want = min(missing, most)
            rows = np.asfortranarray(pool[rng.integers(len(pool), size=max(want, 64))])
            table, ok = self.problem.realise(rows, child_seed(self.seed, "fill", attempt))
            ok = drop_repeats(self.problem, self.seen, table, ok)
            part = table.filter(pa.array(ok)).slice(0, want), rows[ok][:want]
            missing -= part[0].num_rows
            if part[0].num_rows:
                kept.append(part)
                yield part
            if missing == 0:
                return
        held, codes = pa.concat_tables([t for t, _ in kept]), np.vstack([c for _, c in kept])
        while missing:
            again = rng.integers(held.num_rows, size=min(missing, most))
            yield held.take(pa.array(again)), codes[again]
            missing -= len(again)

    def _short(self, n: int, have: int) -> Infeasible:
        if self.problem.unique and have:
            what = f"only {have:,} of {n:,} rows were found that differ as the rules on uniqueness demand"
            clash = [f"unique({', '.join(c)})" for c in self.problem.unique]
            return Infeasible(what, clash=clash, nearest=f"ask for at most {have:,} rows", proven=False)
        what = f"none of {self.tally.drawn:,} rows drawn fulfils the request"
        clash = [c.text for c in self.problem.clauses]
        return Infeasible(what, clash=clash, nearest="leave one of the conditions out", proven=False)

    @property
    def strategy(self) -> Strategy:
        """How rows were found."""
        if not self.problem.clauses and not self.problem.unique and self.temperature == 1.0:
            return "plain"
        if self.guide.empty:
            return "rejection"
        return "exact" if self.tally.even and self.tally.acceptance == 1.0 else "guided"


def drop_repeats(
    problem: Problem,
    seen: dict[tuple[str, ...], pa.Table],
    table: pa.Table,
    ok: BoolArray,
    *,
    only: tuple[str, ...] | None = None,
) -> BoolArray:
    """Take out rows that agree with an earlier one on columns that must be unique; `seen` grows.

    Columns that are made afresh are left to `fill_generated`. A missing value repeats nothing. Rows that
    contradict a look-up which no coding keeps are taken out too. `only` names one key of several.
    """
    made = {b.name for b in problem.encoder.books if isinstance(b, GeneratedCodebook)}
    for columns in problem.unique:
        if set(columns) & made or only not in (None, columns):
            continue
        rows = np.flatnonzero(ok)
        mine = table.select(list(columns)).take(pa.array(rows))
        before = seen.get(columns, mine.slice(0, 0))
        every = pa.concat_tables([before, mine]).combine_chunks()
        keep = first_of_each(every, columns)
        keep = _in_proportion(keep[keep >= before.num_rows] - before.num_rows, mine)
        ok = np.zeros(len(ok), dtype=bool)
        ok[rows[keep]] = True
        seen[columns] = pa.concat_tables([before, mine.take(pa.array(keep)).drop_null()])
    for clause in problem.follows if only is None else ():
        if set(clause.columns) & made:
            continue
        rows = np.flatnonzero(ok)
        mine = table.select(list(clause.columns)).take(pa.array(rows))
        key = ("follows", clause.text)
        against = rows_against(clause, mine, seen.get(key, mine.slice(0, 0)))
        ok = np.zeros(len(ok), dtype=bool)
        ok[rows[~against]] = True
        seen[key] = pa.concat_tables([seen.get(key, mine.slice(0, 0)), mine.filter(pa.array(~against))])
    return ok


def _in_proportion(keep: npt.NDArray[np.int64], keys: pa.Table) -> npt.NDArray[np.int64]:
    """Rows to keep, of those with a missing value as large a part as of the others.

    A missing value repeats nothing; were all such rows kept, they would be the more the scarcer keys are.
    """
    missing = np.logical_or.reduce([np.asarray(flat(column).is_null()) for column in keys.columns])
    whole = int((~missing).sum())
    if not whole or not missing.any():
        return keep
    gaps, others = keep[missing[keep]], keep[~missing[keep]]
    return np.union1d(others, gaps[: int(np.ceil(len(gaps) * len(others) / whole))])


def first_of_each(table: pa.Table, columns: Sequence[str]) -> npt.NDArray[np.int64]:
    """Indices, rising, of the first row of each combination of values, and of all with a missing value."""
    key = table.select(list(columns))
    numbered = key.append_column("row", pa.array(np.arange(table.num_rows))).drop_null()
    first = numbered.group_by(list(columns), use_threads=False).aggregate([("row", "min")])
    gaps = np.logical_or.reduce([np.asarray(flat(column).is_null()) for column in key.columns])
    out: npt.NDArray[np.int64] = np.union1d(np.asarray(first.column("row_min")), np.flatnonzero(gaps))
    return out


def fill_generated(
    problem: Problem,
    table: pa.Table,
    codes: Codes,
    seed: int,
    *,
    given: Sequence[str] = (),
    pools: Mapping[str, Pool] | None = None,
) -> pa.Table:
    """Make ids, texts and personal data for finished rows; all different where they must be.

    Columns in `given` keep their present values. What a rule gives is calculated from the others. Where the
    rows are a block of many, `pools` holds the values of columns that must not repeat from block to block.
    """
    import pyarrow.compute as pc

    once, pools = problem.once, pools or {}
    held: dict[str, pa.Array] = {}
    for book in problem.encoder.books:
        if not isinstance(book, GeneratedCodebook) or book.maker is None:
            continue
        mine = np.ascontiguousarray(codes[:, problem.encoder.domain.index(book.name)])
        rng = stream(seed, "made", book.name)
        if book.name in pools:
            values = pools[book.name].fill(mine)
        elif book.name in once:
            made = book.maker.make(len(codes), rng)
            values = pa.array(made.to_pylist(), pa.string(), mask=mine == 1)
        else:
            values = book.decode([mine], rng)
        if book.name in given:
            drawn = table.column(book.name)
            held[book.name] = pc.equal(pc.fill_null(drawn, ""), "")
            values = pc.if_else(held[book.name], values, drawn.combine_chunks())
        table = put(table, book.name, values)
    return calculate_made(problem, table, held)


def calculate_made(
    problem: Problem, table: pa.Table, free: Mapping[str, pa.Array] | None = None, skip: Sequence[str] = ()
) -> pa.Table:
    """Put in the ids, texts and personal data that a rule gives from the other columns.

    Parameters
    ----------
    problem
        Its rules.
    table
        Finished rows.
    free
        By column where values are not given; everywhere for other columns.
    skip
        Columns that stay.
    """
    import pyarrow.compute as pc

    for equation in problem.made:
        if equation.column in skip:
            continue
        values = table.column(equation.column).combine_chunks()
        value = calculate(equation.value, table, problem.encoder.schema[equation.column])
        open_cells = pc.is_valid(values)
        if free is not None and equation.column in free:
            open_cells = pc.and_(open_cells, free[equation.column])
        table = put(table, equation.column, pc.if_else(open_cells, pc.coalesce(value, values), values))
    return table
