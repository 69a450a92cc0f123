"""Rows of which some cells are given: the rest is drawn from the model, given these; also imputation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from locum.codes.derived import DerivedCodebook
from locum.codes.encoder import Encoder, arrow_type
from locum.codes.generated import GeneratedCodebook
from locum.control.bank import attributes_of, flat, roots
from locum.control.clash import explain
from locum.control.clause import Clause
from locum.control.draw import with_made
from locum.control.names import Names
from locum.control.outcome import Infeasible, Outcome
from locum.control.problem import Problem
from locum.control.propose import propose
from locum.errors import UsageError
from locum.randomness import child_seed, stream
from locum.schema.domain import Codes
from locum.schema.table import Schema
from locum.synthesizers.guide import FREE, Guide, systematic

if TYPE_CHECKING:
    from locum.control.sampling import Request
    from locum.synthesizers.synthesizer import Synthesizer

#: Rows drawn for each given row: at first, and in later rounds for those that no draw has fitted; rounds.
PARTICLES, MORE, ROUNDS = 16, 64, 24
#: Rows that the model draws at a time.
BLOCK = 2**18
#: Draws per given row from which the best single value is taken.
BEST = 32

Method = Literal["draw", "best"]


def read_given(given: Any, synth: Synthesizer, *, strict: bool = True) -> pa.Table:
    """Read a frame or file with some of the columns as a canonical table of those.

    With `strict` off, levels that the model cannot write are let through.

    Raises
    ------
    UsageError
        For a column that the model has not, for levels that rows cannot have (with the nearest), for no rows.
    DataError
        When it cannot be read, or values are not of their column's kind.
    """
    from locum.data.canonical import canonical
    from locum.data.read import read

    raw = read(given)
    names = Names.of(synth.encoder)
    for name in raw.table.column_names:
        names.column(name)
    if raw.table.num_rows == 0:
        raise UsageError("the given frame has no rows", where="given", do="give at least one row")
    columns = tuple(replace(c, bounds=None) for c in synth.schema if c.name in raw.table.column_names)
    table = canonical(raw, Schema(columns, name="given"))
    for name in table.column_names if strict else ():
        _known_levels(flat(table.column(name)), name, names)
    return table


def _known_levels(values: pa.Array, name: str, names: Names) -> None:
    if name not in names.levels:
        return
    known = pa.array(list(names.levels[name]), pa.string())
    odd = pc.unique(values.filter(pc.invert(pc.is_in(values, value_set=known)))).drop_null().to_pylist()
    if odd:
        near = names.nearest_level(name, odd[0])
        what = f"{name} has no level {odd[0]!r}" + (f" and {len(odd) - 1} others" if len(odd) > 1 else "")
        raise UsageError(
            what, where="given",
            do=f"use {', '.join(map(repr, near))}, or leave the cell empty" if near else "leave it out",
        )  # fmt: skip


def fixed_codes(encoder: Encoder, given: pa.Table, *, keep_missing: Sequence[str] = ()) -> Codes:
    """Codes of the given cells, `FREE` elsewhere; shape (n_rows, n_attributes).

    A missing cell is free, except in columns of `keep_missing`, where it is given as missing. A given value
    of a column that follows from another one stands for the values that lead to it, when there is just one.
    """
    n = given.num_rows
    out = np.full((n, len(encoder.domain)), FREE, dtype=np.int32, order="F")
    root = roots(encoder)
    for column, book in zip(encoder.schema, encoder.books, strict=True):
        if column.name not in given.column_names or isinstance(book, DerivedCodebook):
            continue
        values = flat(given.column(column.name)).cast(arrow_type(column))
        present = ~np.asarray(values.is_null())
        if column.name in keep_missing:
            present[:] = True
        for at, codes in zip(attributes_of(encoder, column.name), book.encode(values), strict=True):
            out[present, at] = codes[present]
    for column, book in zip(encoder.schema, encoder.books, strict=True):
        if isinstance(book, DerivedCodebook) and column.name in given.column_names:
            _back(encoder, root[column.name], column.name, given, out)
    return out


def _back(encoder: Encoder, root: str, name: str, given: pa.Table, out: Codes) -> None:
    """Where only one root value gives the dependent's value, fix that."""
    from locum.control.bank import build_bank

    bank = build_bank(encoder, root, {})
    at = bank.attributes[0]
    leads: dict[Any, set[int]] = {}
    for value, code in zip(flat(bank.table.column(name)).to_pylist(), bank.code.tolist(), strict=True):
        leads.setdefault(value, set()).add(code)
    for i, value in enumerate(flat(given.column(name)).to_pylist()):
        codes = leads.get(value, set())
        if value is not None and out[i, at] == FREE and len(codes) == 1:
            out[i, at] = next(iter(codes))


@dataclass(slots=True)
class _Count:
    """What happened over all rounds."""

    drawn: int = 0
    realised: int = 0
    accepted: int = 0
    strange: int = 0


def complete(synth: Synthesizer, given: pa.Table, request: Request, seed: int) -> Outcome:
    """Draw the missing cells and columns of given rows; conditions and rules hold in every row.

    Each row is drawn `PARTICLES` times with its given cells forced, and one draw is kept in proportion to how
    likely the model holds the given cells to be in its company.

    Raises
    ------
    UsageError
        When targets are asked for as well: given rows decide their proportions.
    Infeasible
        When the given cells of a row contradict conditions or rules, with the first such rows.
    """
    if request.targets:
        raise UsageError(
            "given rows decide the proportions",
            where="targets",
            do="leave targets out, or weight the given rows",
        )
    encoder = synth.encoder
    problem = Problem.of(encoder, request.clauses, frozenset(given.column_names))
    if any(not (weight > 0).any() for weight in problem.weights.values()):
        raise explain(synth, request.clauses, None, seed)
    _refuse_contradictions(given, request.clauses, encoder)
    fixed = fixed_codes(encoder, given)
    pairs = tuple(problem.pairs()) if problem.loose else ()
    count = _Count()
    table, codes = _rounds(synth, problem, given, fixed, Guide(problem.weights, pairs), seed, count)
    keep = [n for n in given.column_names if encoder.schema[n].regenerated]
    table = with_made(problem, table, codes, child_seed(seed, "made"), keep)
    notes = []
    if count.strange:
        notes.append(
            f"{count.strange:,} rows hold values that the model cannot have together; the rest of these rows "
            "was drawn without regard to them."
        )
    share = count.accepted / max(count.realised, 1)
    n = given.num_rows
    return Outcome(table, "guided", share, float(n), share, count.drawn, notes=tuple(notes))


def _refuse_contradictions(given: pa.Table, clauses: Sequence[Clause], encoder: Encoder) -> None:
    """Rows that break a clause by what is given alone."""
    for clause in clauses:
        if (
            clause.term.op == "unique"
            or not clause.columns
            or not set(clause.columns) <= set(given.column_names)
        ):
            continue
        part = given.select(list(clause.columns))
        whole = np.logical_and.reduce([~np.asarray(flat(part.column(c)).is_null()) for c in clause.columns])
        bad = np.flatnonzero(whole & ~clause.holds(part))
        if len(bad):
            shown = ", ".join(str(i + 1) for i in bad[:5])
            raise Infeasible(
                f"{len(bad):,} given rows break {clause.text} (row {shown}{', ...' if len(bad) > 5 else ''})",
                clash=[clause.text], nearest=f"leave these rows out, or {clause.text}", where="given",
            )  # fmt: skip


def _rounds(
    synth: Synthesizer,
    problem: Problem,
    given: pa.Table,
    fixed: Codes,
    guide: Guide,
    seed: int,
    count: _Count,
) -> tuple[pa.Table, Codes]:
    """Draw until every row has a completion that fits."""
    n = len(fixed)
    codes = np.zeros((n, fixed.shape[1]), dtype=np.int32, order="F")
    tables: list[pa.Table] = []
    places: list[npt.NDArray[np.int64]] = []
    todo = np.arange(n)
    for attempt in range(ROUNDS):
        size = PARTICLES if attempt == 0 else MORE
        left = []
        for start in range(0, len(todo), max(1, BLOCK // size)):
            rows = todo[start : start + max(1, BLOCK // size)]
            part = given.take(pa.array(rows))
            mark = child_seed(seed, "given", attempt, start)
            drawn, strange = one_each(synth, fixed[rows], guide, size, mark)
            count.drawn += size * len(rows)
            count.strange += strange if attempt == 0 else 0
            table, ok = problem.realise(drawn, mark, part)
            count.realised += len(rows)
            count.accepted += int(ok.sum())
            codes[rows[ok]] = drawn[ok]
            tables.append(table.filter(pa.array(ok)))
            places.append(rows[ok])
            left.append(rows[~ok])
        todo = np.concatenate(left)
        if len(todo) == 0:
            break
    if len(todo):
        shown = ", ".join(str(i + 1) for i in todo[:5])
        texts = [c.text for c in problem.clauses]
        raise Infeasible(
            f"{len(todo):,} given rows could not be completed so that {' and '.join(texts)} "
            f"(row {shown}{', ...' if len(todo) > 5 else ''})",
            clash=texts, nearest="leave out these rows or a condition", proven=False, where="given",
        )  # fmt: skip
    order = np.argsort(np.concatenate(places), kind="stable")
    return pa.concat_tables(tables).combine_chunks().take(pa.array(order)).combine_chunks(), codes


def one_each(synth: Synthesizer, fixed: Codes, guide: Guide, size: int, seed: int) -> tuple[Codes, int]:
    """One completion of each row of fixed cells, and how many rows the model holds to be impossible."""
    groups = len(fixed)
    drawn, log_weight = propose(synth.model, groups * size, replace(guide, fixed=fixed), seed)
    dead = ~np.isfinite(log_weight.reshape(groups, size)).any(axis=1)
    if dead.any():
        # Nothing agrees: the given cells stay, the rest comes from the model without them.
        free, other = propose(synth.model, int(dead.sum()) * size, replace(guide, fixed=None), seed)
        at = np.repeat(dead, size)
        held = np.repeat(fixed[dead], size, axis=0)
        drawn[at] = np.where(held != FREE, held, free)
        log_weight[at] = other
    chosen = systematic(log_weight, groups, stream(seed, "one")).reshape(groups, size)
    pick = stream(seed, "which").integers(size, size=groups)
    return np.asfortranarray(drawn[chosen[np.arange(groups), pick]]), int(dead.sum())


def impute(
    synth: Synthesizer,
    data: Any,
    *,
    columns: Sequence[str] | None = None,
    method: Method = "draw",
    rules: str | Sequence[str] = (),
    seed: int = 0,
) -> Outcome:
    """Fill missing cells of a table; all other cells stay as they are.

    Parameters
    ----------
    synth
        A synthesizer fitted on such data, best on the very table, missing cells and all.
    data
        A frame or file with all columns of the model, or some of them.
    columns
        Columns to fill; None for every column with missing cells. Columns made afresh (ids, texts) are left.
    method
        ``draw`` one value at random from what the model holds possible, so that distributions and dependences
        come out right; ``best`` the mean, or for labels the most probable one, so that single cells come out
        near.
    rules
        What must not be false in any filled row (``draw`` only).
    seed
        Same seed, same values.

    Raises
    ------
    UsageError
        For an unknown column or method, and as `read_given`.

    Notes
    -----
    Cost: about `PARTICLES` (``draw``) or `BEST` times that of sampling as many rows.
    """
    from locum.control.sampling import read_request

    if method not in ("draw", "best"):
        raise UsageError(f"there is no method {method!r}", where="impute", expected="draw or best")
    given = read_given(data, synth, strict=False)
    encoder = synth.encoder
    names = Names.of(encoder)
    asked = [names.column(c).name for c in columns] if columns is not None else list(given.column_names)
    fill = [c for c in asked if c in given.column_names and given.column(c).null_count]
    fill = [c for c in fill if not isinstance(_book(encoder, c), GeneratedCodebook)]
    clauses = read_request(synth, rules=rules).clauses
    not_null = [_present(c, names) for c in fill]
    keep = [c for c in given.column_names if c not in fill]
    problem = Problem.of(encoder, (*clauses, *not_null), frozenset(given.column_names))
    weights = {at: w for at, w in problem.weights.items() if (w > 0).any()}
    fixed = fixed_codes(encoder, given, keep_missing=keep)
    bad = _holes(given, fill)
    if len(bad) == 0:
        return Outcome(given, "plain", 1.0, float(given.num_rows), 1.0, 0, notes=("Nothing was missing.",))
    part, count = given.take(pa.array(bad)), _Count()
    own = {at: w for at, w in weights.items() if encoder.domain.attributes[at].column in fill}
    guide = Guide(own if not clauses else weights, tuple(problem.pairs()) if problem.loose else ())
    if method == "best":
        table = _best(synth, part, fixed[bad], guide, fill, seed, count)
    else:
        table, _ = _rounds(synth, problem, part, fixed[bad], guide, seed, count)
    columns_out = []
    for name in given.column_names:
        held = flat(given.column(name))
        if name in fill:
            at = np.arange(len(held))
            at[bad] = len(held) + np.arange(len(bad))
            filled = pc.coalesce(flat(part.column(name)), flat(table.column(name)).cast(held.type))
            held = pa.concat_arrays(
                [held, flat(pa.chunked_array([filled]) if isinstance(filled, pa.Array) else filled)]
            )
            held = held.take(pa.array(at))
        columns_out.append(held)
    done = pa.table(columns_out, names=given.column_names)
    share = count.accepted / max(count.realised, 1)
    return Outcome(done, "guided", share, float(len(bad)), share, count.drawn)


def _book(encoder: Encoder, name: str) -> Any:
    return dict(zip(encoder.schema.names, encoder.books, strict=True))[name]


def _present(name: str, names: Names) -> Clause:
    from locum.control.clause import clauses_of

    quoted = name.replace('"', '""')
    return clauses_of(f'"{quoted}" is not null', "where", names)[0]


def _holes(given: pa.Table, fill: Sequence[str]) -> npt.NDArray[np.int64]:
    """Rows with a missing cell in one of the columns."""
    if not fill:
        return np.zeros(0, dtype=np.int64)
    missing = np.logical_or.reduce([np.asarray(flat(given.column(c)).is_null()) for c in fill])
    return np.flatnonzero(missing)


def _best(
    synth: Synthesizer,
    part: pa.Table,
    fixed: Codes,
    guide: Guide,
    fill: Sequence[str],
    seed: int,
    count: _Count,
) -> pa.Table:
    """The mean of the draws for each ordered cell, the most frequent label for the others."""
    encoder = synth.encoder
    blocks = []
    for start in range(0, len(fixed), max(1, BLOCK // BEST)):
        mine = fixed[start : start + max(1, BLOCK // BEST)]
        groups = len(mine)
        mark = child_seed(seed, "best", start)
        drawn, log_weight = propose(synth.model, groups * BEST, replace(guide, fixed=mine), mark)
        count.drawn += len(drawn)
        table = log_weight.reshape(groups, BEST)
        top = table.max(axis=1, keepdims=True)
        weight = np.where(np.isfinite(top), np.exp(table - np.where(np.isfinite(top), top, 0.0)), 1.0)
        weight /= weight.sum(axis=1, keepdims=True)
        values = Problem(encoder, [], []).realise(drawn, mark)[0].select(list(fill))
        blocks.append(pa.table({c: _centre(encoder, c, flat(values.column(c)), weight) for c in fill}))
        count.realised += groups
        count.accepted += groups
    return pa.concat_tables(blocks).combine_chunks()


def _centre(encoder: Encoder, name: str, values: pa.Array, weight: npt.NDArray[np.float64]) -> pa.Array:
    """One value per row of `weight` from as many draws as it is wide."""
    groups, size = weight.shape
    column = encoder.schema[name]
    if column.ordered:
        plain = values.view(pa.int32()) if pa.types.is_date32(values.type) else values
        if not (pa.types.is_integer(plain.type) or pa.types.is_floating(plain.type)):
            plain = plain.view(pa.int64())
        numbers = np.asarray(pc.fill_null(plain, 0)).astype(np.float64).reshape(groups, size)
        present = (~np.asarray(values.is_null())).reshape(groups, size) * weight
        mean = (numbers * present).sum(axis=1) / np.maximum(present.sum(axis=1), 1e-300)
        if column.kind == "number":
            return pa.array(np.round(mean, column.decimals) if column.decimals is not None else mean)
        whole = pa.array(np.rint(mean).astype(np.int32 if column.kind == "date" else np.int64))
        return whole.view(values.type) if column.kind != "integer" else whole
    coded = values.dictionary_encode()
    labels = len(coded.dictionary)
    code = np.asarray(pc.fill_null(coded.indices, 0)).astype(np.int64).reshape(groups, size)
    present = (~np.asarray(values.is_null())).reshape(groups, size) * weight
    flat_at = (np.arange(groups)[:, None] * labels + code).ravel()
    votes = np.bincount(flat_at, weights=present.ravel(), minlength=groups * labels).reshape(groups, labels)
    return coded.dictionary.take(pa.array(votes.argmax(axis=1)))


def impute_table(
    table: pa.Table, schema: Schema, *, method: Method = "draw", rounds: int = 2, seed: int = 0
) -> pa.Table:
    """Fill every missing cell of a canonical table that no generator has been fitted on yet.

    A tree synthesizer without correction is fitted on the table with its holes; the table it completes by
    draws is what the next one is fitted on, so that dependences are learned from whole rows (stochastic
    expectation-maximisation; chained equations do the same column by column).

    Parameters
    ----------
    table, schema
        The table and what its columns are.
    method
        See `impute`.
    rounds
        Fits; 2 are enough in our measurements (benchmarks/control.py).
    seed
        Same seed, same table.

    Notes
    -----
    Cost: `rounds` times fit and draws.
    """
    from locum.synthesizers.synthesizer import Synthesizer

    if not 1 <= rounds <= 20:
        raise UsageError(f"{rounds!r} rounds are not usable", where="impute_table", expected="1 to 20")
    known = table
    for i in range(rounds):
        mark = child_seed(seed, "round", i)
        synth = Synthesizer("tree", seed=mark, correction=False).fit_table(known, schema)
        if i < rounds - 1:
            known = impute(synth, table, method="draw", seed=mark).table
    return impute(synth, table, method=method, seed=mark).table
