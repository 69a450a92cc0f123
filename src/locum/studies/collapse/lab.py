"""The laboratory: a user's table, a generator, and loops in which it learns from its own rows."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from locum.errors import DataError, UsageError
from locum.evaluation.curation import CANDIDATES, select_by_judge
from locum.evaluation.joints import CellGrid, subsets, total_variation
from locum.evaluation.learn.cells import cut, level_codes, levels_of, texts
from locum.progress import Event, Listener, silent
from locum.randomness import child_seed, stream
from locum.schema.lineage import Lineage
from locum.studies.collapse import laws
from locum.studies.collapse.result import MODES, Collapsing, Generation, Loop, Mode

if TYPE_CHECKING:
    import pyarrow as pa

    from locum.schema.table import Schema

#: Learns from rows and draws new ones: (rows, number wanted, seed) -> rows.
Make = Callable[["pa.Table", int, int], "pa.Table"]
#: Keeps some of the rows made: (real rows, schema, rows made, number kept, seed) -> rows.
Judge = Callable[["pa.Table", "Schema", "pa.Table", int, int], "pa.Table"]

#: Rows a generation has at most, fewest rows of the table, pairs of columns compared at most.
MOST_ROWS, LEAST_ROWS, MOST_PAIRS = 5_000, 60, 100
#: Share of fresh real rows in every generation of ``fresh``.
FRESH = 0.2
#: A cell with fewer real rows than this share belongs to the tail.
RARE = 0.01
#: Excess error at the end, over that of the first generation, up to which a loop counts as stable, and
#: what chance alone may add.
STABLE, SLACK = 1.5, 0.005


class GenerationMeasure(Protocol):
    """What generations are held against; `error_name` and `rare_name` are its words for error and tail."""

    error_name: ClassVar[str]
    rare_name: ClassVar[str]

    @property
    def floor(self) -> float:
        """Error of real rows."""
        ...

    def law(self, mode: Mode, t: int) -> float | None:
        """What theory says of this loop after `t` generations; None where it is silent."""
        ...

    def measure(self, made: pa.Table, t: int, law: float | None, lineage: Lineage) -> Generation:
        """One generation."""
        ...

    def groups(self, table: pa.Table) -> tuple[tuple[str, str, float], ...]:
        """Triples (column, level, share of rows)."""
        ...


@dataclass(frozen=True, slots=True)
class LabRows:
    """Rows that a laboratory works on, all disjoint.

    Attributes
    ----------
    start
        Real rows of generation 0.
    pool
        Real rows for ``fresh`` generations and for the judge of ``verified`` ones.
    test
        Real rows that everything is compared with.
    """

    schema: Schema
    start: pa.Table
    pool: pa.Table
    test: pa.Table


def lay_out(real: pa.Table, schema: Schema, rows: int | None, seed: int) -> LabRows:
    """Cut a table into start (two fifths), pool and test rows.

    Raises
    ------
    DataError
        With fewer than `LEAST_ROWS` rows.
    """
    if real.num_rows < LEAST_ROWS:
        raise DataError(
            f"{real.num_rows} rows are too few for a loop",
            where="collapse",
            expected=f"at least {LEAST_ROWS} rows",
            do="collect more rows",
        )
    order = stream(seed, "collapse", "rows").permutation(real.num_rows)
    n = min(rows or MOST_ROWS, 2 * real.num_rows // 5)
    rest = order[n:]
    return LabRows(
        schema, real.take(order[:n]), real.take(rest[: len(rest) // 2]), real.take(rest[len(rest) // 2 :])
    )


def study(
    ground: LabRows,
    make: Make,
    *,
    name: str,
    synthesizer: str,
    modes: Sequence[Mode] = MODES,
    generations: int = 10,
    seed: int = 0,
    limit_s: float | None = None,
    protected: Sequence[str] = (),
    scale: GenerationMeasure | None = None,
    judge: Judge | None = None,
    listener: Listener = silent,
) -> Collapsing:
    """Run every loop for some generations and measure each against real rows that nobody learned from.

    ``replace`` learns from the last generation only; ``accumulate`` from all rows so far; ``subsample`` from
    as many of them as there were real ones; ``fresh`` from the last generation with a share of new real rows;
    ``verified`` from rows that a judge, trained on other real rows, found most like real ones.

    `scale` and `judge` stand in for `Scale` and `select_by_judge` where rows are not those of a table.

    With a time limit the number of generations is cut to what the first one says will fit; a note says so.

    Raises
    ------
    UsageError
        When fewer than two generations fit into the time.
    """
    began, notes = time.process_time(), list[str]()
    clock = time.monotonic()
    scale = scale or Scale.of(ground, protected, seed)
    n, loops = ground.start.num_rows, {m: _Run(m, ground.start, judge or select_by_judge) for m in modes}
    planned = generations
    t = 0
    while t < planned:
        t += 1
        for m, run in loops.items():
            listener(Event("collapse", (t - 1) * len(loops), planned * len(loops), f"{m}, generation {t}"))
            made = run.step(ground, make, n, child_seed(seed, "collapse", m, t))
            run.found.append(scale.measure(made, t, scale.law(m, t), run.lineage))
        if t == 1 and limit_s is not None:
            # Accumulated rows make later generations dearer: half as much again is allowed for.
            fits = int(limit_s / max(1.5 * (time.monotonic() - clock), 1e-9))
            if fits < 2:
                raise UsageError(
                    f"one generation of {len(loops)} loops takes {time.monotonic() - clock:.0f} s, so that "
                    f"two do not fit into {limit_s:.0f} s",
                    where="time",
                    do="allow more time, ask for fewer loops with --loop, or fewer rows with --rows",
                )
            if fits < planned:
                notes.append(f"{planned} generations would take longer than allowed: {fits} were run.")
                planned = fits
    done = tuple(Loop(m, tuple(r.found), _sentence(m, r.found, scale)) for m, r in loops.items())
    listener(Event("collapse", planned * len(loops), planned * len(loops), "done"))
    return Collapsing(
        name,
        synthesizer,
        n,
        scale.floor,
        done,
        scale.groups(ground.test),
        _lead(done, scale),
        tuple(notes),
        cpu_s=time.process_time() - began,
    )


class _Run:
    """One loop as it goes on."""

    def __init__(self, mode: Mode, start: pa.Table, judge: Judge) -> None:
        self.mode: Mode = mode
        self._judge = judge
        self.found: list[Generation] = []
        self.lineage = Lineage(1.0, 0)
        self._last = start
        self._all = [start]
        self._fresh = 0

    def step(self, ground: LabRows, make: Make, n: int, seed: int) -> pa.Table:
        """Learn from what the mode allows, draw `n` rows, remember them."""
        import pyarrow as pa

        rng = stream(seed, "step")
        depth = self.lineage.depth + 1
        first = depth == 1
        rows, real = self._last, 1.0 if first else 0.0
        if self.mode in ("accumulate", "subsample") and not first:
            rows = pa.concat_tables(self._all)
            real = 1 / len(self._all)
            if self.mode == "subsample":
                rows = rows.take(rng.permutation(rows.num_rows)[:n])
        if self.mode == "fresh" and not first:
            rows, real = self._refresh(ground, n, rng)
        wanted = CANDIDATES * n if self.mode == "verified" else n
        made = make(rows, wanted, seed)
        if self.mode == "verified":
            made = self._judge(ground.pool, ground.schema, made, n, seed)
        self.lineage = Lineage(real, depth, self.mode == "verified", 0.0)
        self._last = made
        self._all.append(made)
        return made

    def _refresh(self, ground: LabRows, n: int, rng: np.random.Generator) -> tuple[pa.Table, float]:
        import pyarrow as pa

        k = min(round(FRESH * n), ground.pool.num_rows)
        # A pool that has been used up is gone through again, in another order.
        at = (self._fresh + np.arange(k)) % ground.pool.num_rows
        self._fresh += k
        old = self._last.take(rng.permutation(self._last.num_rows)[: n - k])
        return pa.concat_tables([old, ground.pool.take(at)]), k / n


@dataclass(frozen=True, eq=False)
class Scale:
    """How generations are measured: cells learned from real rows, pairs of columns, groups."""

    error_name: ClassVar[str] = "pair error"
    rare_name: ClassVar[str] = "rare cells'"

    rows: int
    columns: tuple[str, ...]
    cuts: tuple[object, ...]
    pairs: tuple[tuple[int, ...], ...]
    test: npt.NDArray[np.int32]
    floor: float
    protected: tuple[tuple[str, tuple[str, ...]], ...]

    @classmethod
    def of(cls, ground: LabRows, protected: Sequence[str], seed: int) -> Scale:
        """Learn the cells from the test rows and the floor from the start rows."""
        columns = [c for c in ground.schema if not c.regenerated]
        if not columns:
            raise DataError("no column can be compared", where=ground.schema.name)
        cuts = tuple(cut(c, ground.test.column(c.name)) for c in columns)
        names = tuple(c.name for c in columns)
        rng = stream(seed, "collapse", "pairs")
        pairs = tuple(subsets(len(columns), min(2, len(columns)), MOST_PAIRS, rng))
        groups = tuple((p, levels_of(ground.test.column(p))[:6]) for p in protected)
        n = ground.start.num_rows
        bare = cls(n, names, cuts, pairs, np.empty((0, len(columns)), dtype=np.int32), 0.0, groups)
        test = bare.codes(ground.test)
        half = cls(n, names, cuts, pairs, test, 0.0, groups)
        return cls(n, names, cuts, pairs, test, half.error(half.codes(ground.start)), groups)

    def law(self, mode: Mode, t: int) -> float | None:
        """Diversity that is left when rows are drawn from the last ones, or from all so far."""
        if mode == "replace":
            return laws.replaced_variance(self.rows, t)
        return laws.accumulated_variance(self.rows, t) if mode == "accumulate" else None

    def codes(self, table: pa.Table) -> npt.NDArray[np.int32]:
        """Rows as cells; shape (n, columns)."""
        out = np.empty((table.num_rows, len(self.columns)), dtype=np.int32, order="F")
        for j, (name, c) in enumerate(zip(self.columns, self.cuts, strict=True)):
            out[:, j] = c.codes(table.column(name))  # type: ignore[attr-defined]
        return out

    def error(self, codes: npt.NDArray[np.int32]) -> float:
        """Mean total variation distance to the test rows over pairs of columns."""
        grid = CellGrid(tuple(c.size for c in self.cuts), {"a": codes, "b": self.test})  # type: ignore[attr-defined]
        found = [grid.shares(pair) for pair in self.pairs]
        return float(np.mean([total_variation(f["a"], f["b"]) for f in found]))

    def measure(self, made: pa.Table, t: int, law: float | None, lineage: Lineage) -> Generation:
        """One generation against the test rows."""
        codes = self.codes(made)
        tail_mass = tail_kept = 0.0
        diversity = []
        for j, c in enumerate(self.cuts):
            size = c.size  # type: ignore[attr-defined]
            real = np.bincount(self.test[:, j], minlength=size) / len(self.test)
            mine = np.bincount(codes[:, j], minlength=size) / len(codes)
            rare = (real > 0) & (real < RARE)
            tail_mass += float(real[rare].sum())
            tail_kept += float(real[rare & (mine > 0)].sum())
            spread = 1 - float((real**2).sum())
            if spread > 0:
                diversity.append((1 - float((mine**2).sum())) / spread)
        return Generation(
            t,
            self.error(codes),
            tail_kept / tail_mass if tail_mass > 0 else 1.0,
            float(np.mean(diversity)) if diversity else 1.0,
            law,
            self.groups(made),
            lineage,
        )

    def groups(self, table: pa.Table) -> tuple[tuple[str, str, float], ...]:
        """Share of rows of each level of the protected columns."""
        out = []
        for column, levels in self.protected:
            found = level_codes(texts(table.column(column)), levels)
            out += [(column, level, float((found == i).mean())) for i, level in enumerate(levels)]
        return tuple(out)


def _sentence(mode: Mode, found: Sequence[Generation], scale: GenerationMeasure) -> str:
    first, last = found[0], found[-1]
    start, end = (max(g.error - scale.floor, 1e-9) for g in (first, last))
    what = "stays stable" if end <= STABLE * start + SLACK else "drifts away from the real rows"
    return (
        f"{mode} {what}: the excess error over real rows goes from {start:.3f} to {end:.3f} in {last.t} "
        f"generations; {100 * last.tail:.0f} % of the {scale.rare_name} mass still appears."
    )


def _lead(loops: Sequence[Loop], scale: GenerationMeasure) -> str:
    by = {x.mode: x.generations[-1].error for x in loops}
    best, worst = min(by, key=by.__getitem__), max(by, key=by.__getitem__)
    if len(by) == 1:
        return loops[0].sentence
    return (
        f"After {loops[0].generations[-1].t} generations {worst} is farthest from real rows "
        f"({scale.error_name} {by[worst]:.3f}) and {best} nearest ({by[best]:.3f})."
    )
