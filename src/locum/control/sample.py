"""Rows of any fitted generator that keep the rules of its schema, on request only such as are asked for."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Unpack

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from locum.control.constraints import Problem
from locum.control.draw import Drawer, drop_repeats, fill_generated
from locum.control.drawn_rows import DrawnRows, Infeasible
from locum.control.entity import draw_persons, each_its_own
from locum.control.given import complete, read_given
from locum.control.given_shares import complete_in_shares
from locum.control.request import RowRequest, Wishes, read_request
from locum.control.rules.clash import explain
from locum.control.targets import ShareTarget, class_of, inside, quotas, tilt
from locum.errors import UsageError
from locum.models.checks import check_rows
from locum.models.draw_blocks import block_rows, draw, made_pools
from locum.models.fitted import Fitted
from locum.randomness import check_seed, child_seed, stream
from locum.schema.domain import Codes

#: Rows from which the table of joint classes is counted, at least and at most; a class with fewer rows than
#: `THIN` is looked at by rows of its own.
POOL, THIN = (20_000, 400_000), 200
#: Most joint classes of several targets.
MOST_CLASSES = 5000
#: Conditions that fewer of the training rows fulfil, and a smaller share of the model's, are called rare.
FEW, RARE = 200, 0.05


def sample(fitted: Fitted, n: int | None = None, *, seed: int, **wishes: Unpack[Wishes]) -> DrawnRows:
    """Draw rows that fulfil a request and the rules of the schema.

    Parameters
    ----------
    fitted
        A fitted generator.
    n
        Rows; None with `given`, which says how many.
    seed
        Same seed, same rows.
    **wishes
        What is asked, as in `locum.synthesizer.table.Synthesizer.sample`.

    Returns
    -------
    DrawnRows
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
    columns. Where there is neither rule nor wish, the model is drawn from as it is. Cost: that of such a draw
    divided by acceptance and evenness of the weights; a request ends after `locum.control.draw.MOST` drawn
    rows at the latest.
    """
    n, given, request = _read(fitted, n, wishes)
    seed = check_seed(seed)
    if given is not None or request.targets or fitted.entity is not None:
        return _together(fitted, n, given, request, seed)
    return _apart(fitted, n, request, seed)


def _apart(fitted: Fitted, n: int, request: RowRequest, seed: int) -> DrawnRows:
    """Rows of which none hangs on another."""
    if request.empty:
        table = pa.concat_tables(draw(fitted.model, fitted.encoder, n, seed)).combine_chunks()
        return DrawnRows(table, "plain", 1.0, float(n), 1.0, n)
    problem, drawer = _start(fitted, request, seed)
    table = pa.concat_tables(_search(fitted, request, problem, drawer, n, seed)).combine_chunks()
    return _outcome(drawer, table, _better_asked(fitted, drawer.tally.probability))


def blocks(
    fitted: Fitted, n: int | None = None, *, seed: int, **wishes: Unpack[Wishes]
) -> Iterator[pa.Table]:
    """Draw the rows of `sample` block by block; arguments and errors as there, checked by the call.

    With `given`, `targets` or persons who have several rows all rows are drawn first.
    """
    n, given, request = _read(fitted, n, wishes)
    seed = check_seed(seed)
    if given is not None or request.targets or fitted.entity is not None:
        table = _together(fitted, n, given, request, seed).table
        size = block_rows(fitted.encoder.domain)
        return (table.slice(start, size) for start in range(0, table.num_rows, size))
    if request.empty:
        return draw(fitted.model, fitted.encoder, n, seed)
    return _search(fitted, request, *_start(fitted, request, seed), n, seed)


def _read(fitted: Fitted, n: int | None, wishes: Wishes) -> tuple[int, pa.Table | None, RowRequest]:
    """Number of rows, given rows if any, and the request."""
    asked = dict(wishes)
    given = asked.pop("given", None)
    request = read_request(fitted, **asked)  # type: ignore[arg-type]
    if given is None:
        if n is None:
            raise UsageError("the number of rows is missing", where="rows", do="say how many")
        return check_rows(n), None, request
    frame = read_given(given, fitted)
    if n is not None and n != frame.num_rows:
        raise UsageError(
            f"{n:,} rows asked for, {frame.num_rows:,} given", where="given", do="leave the number out"
        )
    return frame.num_rows, frame, request


def _together(fitted: Fitted, n: int, given: pa.Table | None, request: RowRequest, seed: int) -> DrawnRows:
    """Rows that hang on each other, by given cells, proportions, or persons who have several."""
    if given is None and not request.targets:
        return draw_persons(fitted, n, request, seed, lambda m, s: _apart(fitted, m, request, s))
    if given is None:
        found = _sample_shares(fitted, n, request, seed)
    else:
        found = (complete_in_shares if request.targets else complete)(fitted, given, request, seed)
    if fitted.entity is None:
        return found
    kept = () if given is None else tuple(given.column_names)
    table = each_its_own(fitted, found.table, child_seed(seed, "own"), kept)
    own = f"Each row has a {fitted.entity.name} of its own"
    alone = f"{own}: with proportions or given cells rows are not grouped."
    return replace(found, table=table, notes=(*found.notes, alone))


def _search(
    fitted: Fitted, request: RowRequest, problem: Problem, drawer: Drawer, n: int, seed: int
) -> Iterator[pa.Table]:
    """Finished rows, block by block.

    Raises
    ------
    Infeasible
        When too few are found, with the reason.
    """
    size, made = block_rows(fitted.encoder.domain), child_seed(seed, "made")
    pools = made_pools(fitted.encoder, n, made, problem.once) if n > size else {}
    try:
        for number, (table, codes) in enumerate(drawer.blocks(n, size)):
            mine = child_seed(made, "block", number) if number else made
            yield fill_generated(problem, table, codes, mine, pools=pools)
    except Infeasible as error:
        raise explain(fitted, request.clauses, error, seed) from error


def _better_asked(fitted: Fitted, probability: float) -> tuple[str, ...]:
    """A word on the generator that knows rare cases of a table of categories better, where that may be so."""
    varying = [a for a in fitted.encoder.domain if a.size > 1]
    labels = len(varying) > 2 and not any(a.ordered and a.size > 3 for a in varying)
    learned = probability * fitted.n_rows
    rare = probability < RARE and learned < FEW
    if not rare or not labels or not fitted.name.startswith("tree"):
        return ()
    return (
        f"About {max(1, round(learned)):,} of the rows learned from are like this: for a table of categories "
        "the generator bayes-net may know so rare cases better.",
    )


def _start(fitted: Fitted, request: RowRequest, seed: int) -> tuple[Problem, Drawer]:
    problem = Problem.of(fitted.encoder, request.clauses)
    if problem.impossible:
        raise explain(fitted, request.clauses, None, seed)
    asked = [c.text for c in request.clauses if c.term.op == "unique"]
    found = all(text in fitted.found_keys for text in asked)
    drawer = Drawer(fitted.model, problem, child_seed(seed, "draw"), request.temperature, found_keys=found)
    return problem, drawer


def _outcome(drawer: Drawer, table: pa.Table, notes: Sequence[str], **more: Any) -> DrawnRows:
    tally = drawer.tally
    notes = list(notes)
    if tally.repeated:
        notes.append(
            f"{tally.repeated:,} rows repeat codes of others, because only {tally.accepted:,} fitting rows "
            f"were found among {tally.drawn:,}."
        )
    for columns in drawer.given_up:
        notes.append(
            f"Only some of the rows differ in {' and '.join(columns)} as all real rows do: this generator "
            "does not make as many."
        )
    fresh = min(float(tally.accepted), tally.effective * tally.acceptance)
    strategy = "tilted" if "kl" in more else drawer.strategy
    return DrawnRows(
        table,
        strategy,
        tally.acceptance,
        min(float(table.num_rows), fresh),
        min(1.0, tally.probability),
        tally.drawn,
        notes=tuple(notes),
        **more,
    )


def _sample_shares(fitted: Fitted, n: int, request: RowRequest, seed: int) -> DrawnRows:
    """Rows with asked proportions: a pool, its joint classes, quotas, and more rows where it is short."""
    shape = tuple(len(t.classes) for t in request.targets)
    if math.prod(shape) > MOST_CLASSES:
        raise UsageError(
            f"the targets cut rows into {math.prod(shape):,} classes",
            where="targets",
            expected=f"at most {MOST_CLASSES:,}",
            do="leave a target out",
        )
    problem, drawer = _start(fitted, request, seed)
    try:
        table, codes = drawer.rows(int(np.clip(2 * n, *POOL)), fill=False)
    except Infeasible as error:
        if not error.proven and drawer.tally.accepted == 0:
            raise explain(fitted, request.clauses, error, seed) from error
        table, codes = Drawer(fitted.model, problem, child_seed(seed, "draw"), request.temperature).rows(n)
    pool = _Pool(fitted, request, seed, [table], [codes], [class_of(table, request.targets)])
    probability = pool.probabilities(shape)
    tilted, kl = tilt(probability, request.targets)
    count = quotas(tilted, n).ravel()
    parts, rows, notes = pool.take(count, shape)
    order = stream(seed, "order").permutation(n)
    full = pa.concat_tables(parts).combine_chunks().take(pa.array(order)).combine_chunks()
    full = fill_generated(problem, full, np.asfortranarray(np.vstack(rows)[order]), child_seed(seed, "made"))
    shares = _class_shares(full, request.targets)
    drawer.tally.repeated = 0
    return _outcome(drawer, full, notes, kl=kl, shares=shares)


def _class_shares(table: pa.Table, targets: Sequence[ShareTarget]) -> tuple[tuple[str, float], ...]:
    return tuple(
        (clause.text, float(clause.holds(table).mean())) for t in targets for clause in t.classes[:-1]
    )


@dataclass(slots=True)
class _Pool:
    """Rows with their joint classes, from which quotas are taken."""

    fitted: Fitted
    request: RowRequest
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

    def thin(self, target: ShareTarget, k: int) -> tuple[float, npt.NDArray[np.float64]] | None:
        """Probability of a rare class among rows that fit, and the joint classes inside it."""
        clauses = (*self.request.clauses, *inside(target, k))
        problem = Problem.of(self.fitted.encoder, clauses)
        if problem.impossible:
            return None
        drawer = Drawer(self.fitted.model, problem, child_seed(self.seed, "thin", target.name, k))
        base = Drawer(self.fitted.model, Problem.of(self.fitted.encoder, self.request.clauses), self.seed)
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
        plain = Problem.of(self.fitted.encoder, self.request.clauses)
        alone = drop_repeats(plain, {}, every, np.ones(every.num_rows, dtype=bool))
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
            problem = Problem.of(self.fitted.encoder, (*self.request.clauses, *extra))
            seed = child_seed(self.seed, "cell", int(cell))
            drawer = Drawer(self.fitted.model, problem, seed, self.request.temperature)
            drawer.seen = seen
            table, more = drawer.rows(missing)
            if drawer.tally.repeated:
                words = " and ".join(c.text for c in extra)
                notes.append(f"{drawer.tally.repeated:,} rows of {words} repeat codes of others.")
            tables.append(table)
            out.append(more)
        return tables, out, notes
