"""Given rows with asked proportions: each row is completed so that the table as a whole has the shares.

Every given row has its own chances of each class. The chances with the asked shares that are nearest to the
model's in Kullback-Leibler divergence are the model's, times one factor per class of each target, with each
row's chances scaled back to one; scaling classes and rows in turns finds the factors (Sinkhorn and Knopp
1967, doi:10.2140/pjm.1967.21.343). Classes are then drawn, and moved until the counts are right.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from locum.arrays import FloatArray, IntArray
from locum.control.constraints import Problem
from locum.control.draw import drop_repeats, fill_generated
from locum.control.drawn_rows import DrawnRows, Infeasible
from locum.control.given_cells import BLOCK, Count, compile_given, complete_each
from locum.control.request import RowRequest
from locum.control.settle import settle
from locum.control.targets import class_of, inside, quotas
from locum.errors import UsageError
from locum.models.fitted import Fitted
from locum.models.guide import Guide
from locum.randomness import child_seed, stream
from locum.schema.domain import Codes

#: Most joint classes of the targets; rounds for rows without a completion, and for rare classes.
MOST_CLASSES, ROUNDS, RARE_ROUNDS = 200, 24, 4
#: Completions drawn for each row at a time.
PARTICLES = 32
#: Steps of the fit of factors, and gap between asked and reached shares at which it stops.
STEPS, CLOSE = 3000, 1e-6


@dataclass(slots=True)
class _Candidates:
    """Completions of the given rows that fulfil everything, with the class of each."""

    tables: list[pa.Table] = field(default_factory=list)
    codes: list[Codes] = field(default_factory=list)
    row: list[IntArray] = field(default_factory=list)
    cls: list[IntArray] = field(default_factory=list)
    #: What each adds to its row's chance of its class.
    mass: list[FloatArray] = field(default_factory=list)

    def add(self, table: pa.Table, codes: Codes, row: IntArray, cls: IntArray, mass: FloatArray) -> None:
        """Keep some completions."""
        self.tables.append(table)
        self.codes.append(codes)
        self.row.append(row)
        self.cls.append(cls)
        self.mass.append(mass)

    def chances(self, n: int, size: int) -> FloatArray:
        """Each row's chances of each joint class; shape (n, size)."""
        out = np.zeros((n, size))
        if self.row:
            np.add.at(out, (np.concatenate(self.row), np.concatenate(self.cls)), np.concatenate(self.mass))
        total = out.sum(axis=1, keepdims=True)
        return np.asarray(np.divide(out, total, out=np.zeros_like(out), where=total > 0))


def complete_in_shares(fitted: Fitted, given: pa.Table, request: RowRequest, seed: int) -> DrawnRows:
    """Complete given rows so that conditions and rules hold in each and targets over all.

    Raises
    ------
    UsageError
        When the targets cut rows into more than `MOST_CLASSES` joint classes.
    Infeasible
        When a row cannot be completed, or the given rows do not allow an asked share.

    Notes
    -----
    A row's chances are estimated from its draws, together with rows whose given codes are the same; where all
    rows differ, the noise of `PARTICLES` draws makes rows more alike than the model holds them to be.
    Cost: `PARTICLES` draws a row, and as many again for rows that lack a completion in a rare class.
    """
    shape = tuple(len(t.classes) for t in request.targets)
    size, n = math.prod(shape), given.num_rows
    if size > MOST_CLASSES:
        raise UsageError(
            f"the targets cut rows into {size:,} classes",
            where="targets",
            expected=f"at most {MOST_CLASSES} with given rows",
            do="leave a target out",
        )
    problem, guide, fixed = compile_given(fitted, given, request, seed)
    search = _Search(fitted, given, fixed, request, seed)
    search.plain(problem, guide)
    search.rare()
    chance = _average_alike(search.found.chances(n, size), fixed)
    tilted = _tilt(chance, shape, request, given)
    cls = assign_classes(
        tilted, quotas(tilted.mean(axis=0).reshape(shape), n).ravel(), stream(seed, "hand out")
    )
    table, codes = _choose_rows(search.found, problem, cls, seed)
    kept = [c for c in given.column_names if fitted.encoder.schema[c].regenerated]
    table = fill_generated(problem, table, codes, child_seed(seed, "made"), given=kept)
    here = tilted > 0
    kl = float((tilted[here] * np.log(tilted[here] / chance[here])).sum() / n)
    shares = tuple((c.text, float(c.holds(table).mean())) for t in request.targets for c in t.classes[:-1])
    count = search.count
    share = count.accepted / max(count.realised, 1)
    return DrawnRows(
        table, "guided", share, float(n), share, count.drawn, kl=kl, shares=shares, notes=count.notes
    )


def _average_alike(chance: FloatArray, fixed: Codes) -> FloatArray:
    """Chances averaged over rows with the same given codes, which the model cannot tell apart.

    A row keeps no chance of a class in which it has no completion.
    """
    _, which = np.unique(fixed, axis=0, return_inverse=True)
    which = which.ravel()
    total = np.zeros((int(which.max()) + 1, chance.shape[1]))
    np.add.at(total, which, chance)
    out = np.where(chance > 0, total[which], 0.0)
    return np.asarray(out / out.sum(axis=1, keepdims=True))


@dataclass(slots=True)
class _Search:
    """Completions drawn so far."""

    fitted: Fitted
    given: pa.Table
    fixed: Codes
    request: RowRequest
    seed: int
    found: _Candidates = field(default_factory=_Candidates)
    count: Count = field(default_factory=Count)
    #: Log of the model's probability of each row's cells.
    level: FloatArray = field(default_factory=lambda: np.zeros(0))

    def plain(self, problem: Problem, guide: Guide) -> None:
        """Completions by what is asked of each row alone, until every row has one."""
        n = len(self.fixed)
        self.level = np.full(n, -np.inf)
        todo = np.arange(n)
        for attempt in range(ROUNDS):
            done = self.draw(problem, guide, todo, ("plain", attempt), first=attempt == 0)
            todo = todo[~np.isin(todo, done)]
            if len(todo) == 0:
                return
        texts = [c.text for c in problem.clauses]
        shown = ", ".join(str(i + 1) for i in todo[:5])
        raise Infeasible(
            f"{len(todo):,} given rows could not be completed so that {' and '.join(texts)} (row {shown})",
            clash=texts,
            nearest="leave out these rows or a condition",
            proven=False,
            where="given",
        )

    def rare(self) -> None:
        """More completions inside every class that too few rows have come into by themselves."""
        n = len(self.fixed)
        shape = tuple(len(t.classes) for t in self.request.targets)
        for axis, target in enumerate(self.request.targets):
            for k, share in enumerate(target.shares):
                has = np.zeros(n, dtype=bool)
                for row, cls in zip(self.found.row, self.found.cls, strict=True):
                    has[row[np.unravel_index(cls, shape)[axis] == k]] = True
                if share <= 0 or has.mean() >= min(1.0, 2 * share):
                    continue
                clauses = (*self.request.clauses, *inside(target, k))
                problem = Problem.of(self.fitted.encoder, clauses, frozenset(self.given.column_names))
                if problem.impossible:
                    continue
                guide = problem.guide(self.request.temperature, paired=True)
                todo = np.flatnonzero(~has)
                for attempt in range(RARE_ROUNDS):
                    done = self.draw(problem, guide, todo, ("rare", axis, k, attempt), rare=True)
                    todo = todo[~np.isin(todo, done)]

    def draw(
        self,
        problem: Problem,
        guide: Guide,
        todo: IntArray,
        mark: tuple[str | int, ...],
        *,
        first: bool = False,
        rare: bool = False,
    ) -> IntArray:
        """Draw completions of some rows; returns the rows that got one."""
        got = []
        for start in range(0, len(todo), max(1, BLOCK // PARTICLES)):
            rows = todo[start : start + max(1, BLOCK // PARTICLES)]
            seed = child_seed(self.seed, "apportion", *mark, start)
            codes, level, strange = complete_each(self.fitted, self.fixed[rows], guide, PARTICLES, seed)
            self.count.drawn += len(codes)
            self.count.strange += strange if first else 0
            if first:
                self.level[rows] = level
            # Where the model holds a class to be impossible for a row, draws without the row are no evidence.
            alive = np.repeat(np.isfinite(level) | (not rare), PARTICLES)
            of = np.repeat(rows, PARTICLES)
            part = self.given.take(pa.array(of))
            part = settle(self.fitted.encoder, codes, part, seed) or part
            table, ok = problem.realise(codes, seed, part)
            ok &= alive
            self.count.realised += len(codes)
            self.count.accepted += int(ok.sum())
            mass = np.full(len(codes), 1.0 / PARTICLES)
            if rare:
                accepted = ok.reshape(len(rows), PARTICLES).mean(axis=1)
                with np.errstate(invalid="ignore", over="ignore"):
                    chance = np.exp(np.clip(level - self.level[rows], -60, 0)) * accepted
                # Not met in PARTICLES plain draws, so hardly more frequent than one in as many.
                chance = np.clip(np.nan_to_num(chance, nan=1e-9), 1e-12, 1.0 / PARTICLES)
                each = chance / np.maximum(accepted * PARTICLES, 1)
                mass = np.repeat(each, PARTICLES)
            keep = np.flatnonzero(ok)
            part = table.filter(pa.array(ok))
            self.found.add(part, codes[keep], of[keep], class_of(part, self.request.targets), mass[keep])
            got.append(np.unique(of[keep]))
        return np.concatenate(got) if got else np.zeros(0, dtype=np.int64)


def _tilt(chance: FloatArray, shape: tuple[int, ...], request: RowRequest, given: pa.Table) -> FloatArray:
    """Rows' chances with the asked shares, nearest to the model's.

    Raises
    ------
    Infeasible
        When the rows do not allow a share.
    """
    n = len(chance)
    q = chance.copy()
    classes = [np.unravel_index(np.arange(chance.shape[1]), shape)[a] for a in range(len(shape))]
    member = [
        np.equal.outer(np.arange(size), of).astype(float) for size, of in zip(shape, classes, strict=True)
    ]
    for axis, target in enumerate(request.targets):
        mine = chance @ member[axis].T
        for k, asked in enumerate(target.shares):
            high, low = float((mine[:, k] > 0).mean()), float((mine[:, k] >= 1 - 1e-12).mean())
            if not low - 1 / n < asked < high + 1 / n:
                near = min(max(asked, low), high)
                text = target.classes[k].text
                columns = set(target.classes[k].columns)
                whole = columns <= set(given.column_names)
                proven = whole and all(given.column(c).null_count == 0 for c in columns)
                raise Infeasible(
                    f"the given rows allow {text} a share of {low:.3g} to {high:.3g}, "
                    f"and {asked:.3g} is asked for",
                    clash=[text],
                    nearest=f"ask for a share of {near:.3g}, or give other rows",
                    proven=proven,
                    where=f"target {target.name}",
                )
    worst = np.inf
    for _ in range(STEPS):
        worst = 0.0
        for axis, target in enumerate(request.targets):
            reached = member[axis] @ q.mean(axis=0)
            wanted = np.array(target.shares)
            worst = max(worst, float(np.abs(reached - wanted).max()))
            factor = np.divide(wanted, reached, out=np.zeros_like(wanted), where=reached > 0)
            q = q * (factor @ member[axis])
            total = q.sum(axis=1, keepdims=True)
            # A row all of whose classes are asked to be empty keeps its own chances.
            q = np.where(total > 0, q / np.maximum(total, 1e-300), chance)
        if worst < CLOSE:
            break
    if worst > max(2.0 / n, 2e-3):
        names = [t.name for t in request.targets]
        raise Infeasible(
            f"the given rows do not allow these shares together (the nearest differ by {worst:.3f})",
            clash=names,
            nearest="leave a target out, or give other rows",
            proven=False,
            where="targets",
        )
    return q


def assign_classes(chance: FloatArray, quota: IntArray, rng: np.random.Generator) -> IntArray:
    """A class for each row, drawn by its chances, then moved until classes have their quota if that can be.

    Surplus goes along the shortest way of classes that some row can leave for the next; of the rows that can,
    the one that loses least goes.
    """
    n, size = chance.shape
    steps = np.cumsum(chance, axis=1)
    cls = np.minimum((rng.random((n, 1)) * steps[:, -1:] >= steps).sum(axis=1), size - 1)
    with np.errstate(divide="ignore"):
        log = np.log(chance)
    for _ in range(n * size):
        off = np.bincount(cls, minlength=size) - quota
        way = _way(cls, chance > 0, off)
        if way is None:
            break
        for a, b in pairwise(way):
            rows = np.flatnonzero((cls == a) & (chance[:, b] > 0))
            cls[rows[int(np.argmax(log[rows, b] - log[rows, a]))]] = b
    return np.asarray(cls, dtype=np.int64)


def _way(cls: IntArray, can: npt.NDArray[np.bool_], off: IntArray) -> list[int] | None:
    """Shortest way from a class with too many rows to one with too few, over moves that a row can make."""
    size = len(off)
    reach = np.stack(
        [can[cls == a].any(axis=0) if (cls == a).any() else np.zeros(size, bool) for a in range(size)]
    )
    before: dict[int, int] = {int(a): -1 for a in np.flatnonzero(off > 0)}
    queue = list(before)
    for a in queue:
        for b in np.flatnonzero(reach[a]).tolist():
            if b in before:
                continue
            before[b] = a
            if off[b] < 0:
                way = [b]
                while before[way[-1]] >= 0:
                    way.append(before[way[-1]])
                return way[::-1]
            queue.append(b)
    return None


def _choose_rows(found: _Candidates, problem: Problem, cls: IntArray, seed: int) -> tuple[pa.Table, Codes]:
    """For each row one of its completions in its class; rows that must differ try others.

    Raises
    ------
    Infeasible
        When rows that must not repeat cannot be told apart.
    """
    rng = stream(seed, "choose")
    row, of = np.concatenate(found.row), np.concatenate(found.cls)
    every = pa.concat_tables(found.tables).combine_chunks()
    fits = np.flatnonzero(cls[row] == of)
    fits = fits[np.argsort(rng.random(len(fits)), kind="stable")]
    place = np.full(len(cls), -1)
    seen: dict[tuple[str, ...], pa.Table] = {}
    while (place < 0).any() and len(fits):
        _, first = np.unique(row[fits], return_index=True)
        tried = fits[first]
        part = every.take(pa.array(tried))
        ok = drop_repeats(problem, seen, part, np.ones(len(tried), dtype=bool))
        place[row[tried[ok]]] = tried[ok]
        fits = np.delete(fits, first)
        fits = fits[place[row[fits]] < 0]
    if (place < 0).any():
        clash = [f"unique({', '.join(c)})" for c in problem.unique]
        raise Infeasible(
            f"{int((place < 0).sum()):,} given rows could not be completed without repeating others",
            clash=clash,
            nearest="give fewer rows, or leave the rule out",
            proven=False,
            where="given",
        )
    return every.take(pa.array(place)).combine_chunks(), np.asfortranarray(np.vstack(found.codes)[place])
