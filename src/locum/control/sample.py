"""Rows on request: conditions, given cells, proportions and rules over any fitted synthesizer."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from locum.control.draw import Drawer, unseen, with_made
from locum.control.drawn import Infeasible, Outcome
from locum.control.problem import Problem
from locum.control.rules.clash import explain
from locum.control.rules.clause import Clause, clauses_of, rule_clauses
from locum.control.targets import Target, TargetSpec, inside, quotas, read_targets, tilt
from locum.control.where.names import Names
from locum.errors import UsageError
from locum.models.checks import check_rows
from locum.randomness import check_seed, child_seed, stream
from locum.schema.domain import Codes

if TYPE_CHECKING:
    from locum.synthesizer.table import Synthesizer

#: Rows from which the table of joint classes is counted, at least and at most; a class with fewer rows than
#: `THIN` is looked at by rows of its own.
POOL, THIN = (20_000, 400_000), 200
#: Most joint classes of several targets.
MOST_CLASSES = 5000
#: Conditions that fewer of the training rows fulfil, and a smaller share of the model's, are called rare.
FEW, RARE = 200, 0.05


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of a synthesizer, bound to its columns.

    Attributes
    ----------
    names
        The columns.
    clauses
        Conditions and rules.
    targets
        Asked proportions.
    temperature
        1 as learned, below 1 more of the frequent, above 1 more of the rare.
    """

    names: Names
    clauses: tuple[Clause, ...] = ()
    targets: tuple[Target, ...] = ()
    temperature: float = 1.0


def read_request(
    synth: Synthesizer,
    *,
    where: str | Iterable[str] | None = None,
    targets: TargetSpec | None = None,
    rules: str | Iterable[str] = (),
    temperature: float = 1.0,
) -> Request:
    """Bind a request to a fitted synthesizer; its own rules are added.

    Raises
    ------
    UsageError
        For anything that the columns do not allow, with the nearest thing that they do.
    """
    names = Names.of(synth.encoder)
    conditions = [where] if isinstance(where, str) else list(where or ())
    clauses = [clause for text in conditions for clause in clauses_of(text, "where", names)]
    own: Sequence[str] = getattr(synth.schema, "rules", ())
    asked = [rules] if isinstance(rules, str) else list(rules)
    clauses += rule_clauses(dict.fromkeys([*own, *asked]), names)
    for clause in clauses:
        if clause.origin == "where" and clause.term.op == "unique":
            raise UsageError(f"{clause.text} is a rule", where="where", do="give it as a rule")
    if not isinstance(temperature, int | float) or not 0.05 <= temperature <= 20:
        raise UsageError(f"temperature {temperature!r} is not usable", expected="a number from 0.05 to 20")
    read = () if targets is None else tuple(read_targets(targets, names))
    return Request(names, tuple(clauses), read, float(temperature))


def sample(
    synth: Synthesizer,
    n: int | None = None,
    *,
    where: str | Iterable[str] | None = None,
    given: Any = None,
    targets: TargetSpec | None = None,
    rules: str | Iterable[str] = (),
    temperature: float = 1.0,
    seed: int = 0,
) -> Outcome:
    """Draw rows that fulfil a request.

    Parameters
    ----------
    synth
        A fitted synthesizer.
    n
        Rows; None with `given`, which says how many.
    where
        Condition that every row fulfils, such as ``age >= 80 and diagnosis = 'I10'``; several all hold.
    given
        A frame or file with some of the columns: its present values are kept, the rest of each row is drawn.
    targets
        Asked proportions by column, columns or condition; see `locum.control.targets.TargetSpec`.
    rules
        What must not be false in any row, such as ``admitted <= discharged``, ``if sex = 'M' then pregnant =
        false``, ``total = net + tax`` (calculated), ``unique(patient, day)``.
    temperature
        Below 1 more of what is frequent, above 1 more of what is rare.
    seed
        Same seed, same rows.

    Returns
    -------
    Outcome
        Exactly the rows asked for, and how they were found.

    Raises
    ------
    UsageError
        When the request does not fit the columns.
    Infeasible
        When no row can fulfil it, or none was found; with the smallest clashing set and the nearest request.

    Notes
    -----
    Conditions on one column are exact (weights of codes, ranges inside cells); the model's own conditional
    probabilities carry them through the other columns. See `locum.control.draw` for conditions over several
    columns. Cost: that of `Synthesizer.sample` divided by acceptance and evenness of the weights; a request
    ends after `locum.control.draw.MOST` drawn rows at the latest.
    """
    request = read_request(synth, where=where, targets=targets, rules=rules, temperature=temperature)
    seed = check_seed(seed)
    if given is not None:
        from locum.control.given import complete, read_given

        frame = read_given(given, synth)
        if n is not None and n != frame.num_rows:
            raise UsageError(
                f"{n:,} rows asked for, {frame.num_rows:,} given", where="given", do="leave the number out"
            )
        return complete(synth, frame, request, seed)
    if n is None:
        raise UsageError("the number of rows is missing", where="rows", do="say how many")
    n = check_rows(n)
    return _tilted(synth, n, request, seed) if request.targets else _plain(synth, n, request, seed)


def _plain(synth: Synthesizer, n: int, request: Request, seed: int) -> Outcome:
    problem, drawer = _start(synth, request, seed)
    try:
        table, codes = drawer.rows(n)
    except Infeasible as error:
        raise explain(synth, request.clauses, error, seed) from error
    table = with_made(problem, table, codes, child_seed(seed, "made"))
    return _outcome(drawer, table, _better_asked(synth, drawer.tally.probability))


def _better_asked(synth: Synthesizer, probability: float) -> tuple[str, ...]:
    """A word on the generator that knows rare cases of a table of categories better, where that may be so."""
    varying = [a for a in synth.encoder.domain if a.size > 1]
    labels = len(varying) > 2 and not any(a.ordered and a.size > 3 for a in varying)
    learned = probability * synth.n_rows
    rare = probability < RARE and learned < FEW
    if not rare or not labels or not synth.name.startswith("tree"):
        return ()
    return (
        f"About {max(1, round(learned)):,} of the rows learned from are like this: for a table of categories "
        "the generator bayes-net may know so rare cases better.",
    )


def _start(synth: Synthesizer, request: Request, seed: int) -> tuple[Problem, Drawer]:
    problem = Problem.of(synth.encoder, request.clauses)
    if any(not (weight > 0).any() for weight in problem.weights.values()):
        raise explain(synth, request.clauses, None, seed)
    return problem, Drawer(synth.model, problem, child_seed(seed, "draw"), request.temperature)


def _outcome(drawer: Drawer, table: pa.Table, notes: Sequence[str], **more: Any) -> Outcome:
    tally = drawer.tally
    notes = list(notes)
    if tally.repeated:
        notes.append(
            f"{tally.repeated:,} rows repeat codes of others, because only {tally.accepted:,} fitting rows "
            f"were found among {tally.drawn:,}."
        )
    fresh = min(float(tally.accepted), tally.effective * tally.acceptance)
    strategy = "tilted" if "kl" in more else drawer.strategy
    return Outcome(
        table, strategy, tally.acceptance, min(float(table.num_rows), fresh),
        min(1.0, tally.probability), tally.drawn, notes=tuple(notes), **more,
    )  # fmt: skip


def _tilted(synth: Synthesizer, n: int, request: Request, seed: int) -> Outcome:
    """Rows with asked proportions: a pool, its joint classes, quotas, and more rows where it is short."""
    shape = tuple(len(t.classes) for t in request.targets)
    if math.prod(shape) > MOST_CLASSES:
        raise UsageError(
            f"the targets cut rows into {math.prod(shape):,} classes", where="targets",
            expected=f"at most {MOST_CLASSES:,}", do="leave a target out",
        )  # fmt: skip
    problem, drawer = _start(synth, request, seed)
    try:
        table, codes = drawer.rows(int(np.clip(2 * n, *POOL)), fill=False)
    except Infeasible as error:
        if not error.proven and drawer.tally.accepted == 0:
            raise explain(synth, request.clauses, error, seed) from error
        table, codes = Drawer(synth.model, problem, child_seed(seed, "draw"), request.temperature).rows(n)
    pool = _Pool(synth, request, seed, [table], [codes], [class_of(table, request.targets)])
    probability = pool.probabilities(shape)
    tilted, kl = tilt(probability, request.targets)
    count = quotas(tilted, n).ravel()
    parts, rows, notes = pool.take(count, shape)
    order = stream(seed, "order").permutation(n)
    full = pa.concat_tables(parts).combine_chunks().take(pa.array(order)).combine_chunks()
    full = with_made(problem, full, np.asfortranarray(np.vstack(rows)[order]), child_seed(seed, "made"))
    shares = _reached(full, request.targets)
    drawer.tally.repeated = 0
    return _outcome(drawer, full, notes, kl=kl, shares=shares)


def class_of(table: pa.Table, targets: Sequence[Target]) -> npt.NDArray[np.int64]:
    """Joint class of each row, numbered in C order over the targets."""
    flat = np.zeros(table.num_rows, dtype=np.int64)
    for target in targets:
        mine = np.full(table.num_rows, len(target.classes) - 1)
        for k, clause in enumerate(target.classes[:-1]):
            mine[clause.holds(table)] = k
        flat = flat * len(target.classes) + mine
    return flat


def _reached(table: pa.Table, targets: Sequence[Target]) -> tuple[tuple[str, float], ...]:
    return tuple(
        (clause.text, float(clause.holds(table).mean())) for t in targets for clause in t.classes[:-1]
    )


@dataclass(slots=True)
class _Pool:
    """Rows with their joint classes, from which quotas are taken."""

    synth: Synthesizer
    request: Request
    seed: int
    tables: list[pa.Table]
    codes: list[Codes]
    classes: list[npt.NDArray[np.int64]]

    def probabilities(self, shape: tuple[int, ...]) -> npt.NDArray[np.float64]:
        """The model's probability of each joint class; thin classes are looked at by rows of their own."""
        size = math.prod(shape)
        count = np.bincount(self.classes[0], minlength=size).astype(np.float64)
        p = (count / count.sum()).reshape(shape)
        for axis, target in enumerate(self.request.targets):
            margin = p.sum(axis=tuple(a for a in range(len(shape)) if a != axis))
            for k, share in enumerate(target.shares):
                if share <= 0 or margin[k] * len(self.classes[0]) >= THIN:
                    continue
                found = self.thin(target, k)
                if found is None:
                    continue
                probability, within = found
                line = [slice(None)] * len(shape)
                line[axis] = slice(k, k + 1)
                p[tuple(line)] = probability * within.reshape(shape)[tuple(line)]
        out: npt.NDArray[np.float64] = p / p.sum()
        return out

    def thin(self, target: Target, k: int) -> tuple[float, npt.NDArray[np.float64]] | None:
        """Probability of a rare class among rows that fit, and the joint classes inside it."""
        clauses = (*self.request.clauses, *inside(target, k))
        problem = Problem.of(self.synth.encoder, clauses)
        if any(not (weight > 0).any() for weight in problem.weights.values()):
            return None
        drawer = Drawer(self.synth.model, problem, child_seed(self.seed, "thin", target.name, k))
        base = Drawer(self.synth.model, Problem.of(self.synth.encoder, self.request.clauses), self.seed)
        try:
            table, codes = drawer.rows(5 * THIN)
            base.rows(5 * THIN)
        except Infeasible:
            return None
        classes = class_of(table, self.request.targets)
        self.tables.append(table)
        self.codes.append(codes)
        self.classes.append(classes)
        size = math.prod(len(t.classes) for t in self.request.targets)
        within = np.bincount(classes, minlength=size).astype(np.float64)
        return drawer.tally.probability / max(base.tally.probability, 1e-300), within / within.sum()

    def take(
        self, count: npt.NDArray[np.int64], shape: tuple[int, ...]
    ) -> tuple[list[pa.Table], list[Codes], list[str]]:
        """As many rows of each joint class as asked, drawing more where the pool has too few."""
        every = pa.concat_tables(self.tables).combine_chunks()
        codes, classes = np.vstack(self.codes), np.concatenate(self.classes)
        plain = Problem.of(self.synth.encoder, self.request.clauses)
        alone = unseen(plain, {}, every, np.ones(every.num_rows, dtype=bool))
        if not alone.all():
            # Parts of the pool were drawn without regard to each other.
            every, codes, classes = every.filter(pa.array(alone)), codes[alone], classes[alone]
        order = np.argsort(classes, kind="stable")
        start = np.searchsorted(classes[order], np.arange(len(count)))
        stop = np.searchsorted(classes[order], np.arange(len(count)), side="right")
        have = np.minimum(count, stop - start)
        rows = np.concatenate([order[a : a + k] for a, k in zip(start, have, strict=True)])
        tables, out, notes = [every.take(pa.array(rows))], [codes[rows]], []
        seen = {columns: tables[0].select(list(columns)) for columns in plain.unique}
        for cell in np.flatnonzero(count > have):
            missing = int(count[cell] - have[cell])
            where = np.unravel_index(int(cell), shape)
            extra = [c for t, k in zip(self.request.targets, where, strict=True) for c in inside(t, int(k))]
            problem = Problem.of(self.synth.encoder, (*self.request.clauses, *extra))
            seed = child_seed(self.seed, "cell", int(cell))
            drawer = Drawer(self.synth.model, problem, seed, self.request.temperature)
            drawer.seen = seen
            table, more = drawer.rows(missing)
            if drawer.tally.repeated:
                words = " and ".join(c.text for c in extra)
                notes.append(f"{drawer.tally.repeated:,} rows of {words} repeat codes of others.")
            tables.append(table)
            out.append(more)
        return tables, out, notes
