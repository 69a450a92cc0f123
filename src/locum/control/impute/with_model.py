"""Missing cells filled: by draws, or by the nearest single value, from a generator of the very table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from locum.codes.encoder import Encoder
from locum.codes.fresh_values import GeneratedCodebook
from locum.control.code_values import replace_rows
from locum.control.constraints import Problem
from locum.control.drawn_rows import DrawnRows
from locum.control.given import read_given, rounds_of
from locum.control.given_cells import BLOCK, Count, fixed_codes
from locum.control.guided import propose
from locum.control.impute.without_model import Method
from locum.control.request import read_request
from locum.control.rules.clause import Clause, clauses_of
from locum.control.rules.implication import implications_of
from locum.control.where.bind import Term
from locum.control.where.names import Names
from locum.control.where.token import quote
from locum.control.where.tree import Node
from locum.data.distinct import as_numbers, flat
from locum.errors import UsageError
from locum.models.fitted import Fitted
from locum.models.guide import Guide
from locum.randomness import child_seed
from locum.schema.domain import Codes
from locum.wording import count as written
from locum.wording import verb

#: Passes over the rows and draws of each, from which the best single value is taken: one pass asks one of a
#: generator's parts (a chain of trees) for each row, several passes average over parts.
PASSES, BEST = 4, 16


def impute(
    fitted: Fitted,
    data: Any,
    *,
    columns: Sequence[str] | None = None,
    method: Method = "draw",
    rules: str | Sequence[str] = (),
    seed: int = 0,
) -> DrawnRows:
    """Fill missing cells of a table; all other cells stay as they are.

    Parameters
    ----------
    fitted
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
    Cost: about `PARTICLES` (``draw``) or `PASSES` x `BEST` times that of sampling as many rows.
    """
    if method not in ("draw", "best"):
        raise UsageError(f"there is no method {method!r}", where="impute", expected="draw or best")
    given = read_given(data, fitted, strict=False)
    encoder = fitted.encoder
    names = Names.of(encoder)
    asked = [names.column(c).name for c in columns] if columns is not None else list(given.column_names)
    fill = [c for c in asked if c in given.column_names and given.column(c).null_count]
    fill = [c for c in fill if not isinstance(encoder.by_name[c], GeneratedCodebook)]
    clauses = read_request(fitted, rules=rules).clauses
    fill, empty = _with_values(encoder, names, fill, given)
    not_null = [_filled(c, clauses, names) for c in fill]
    keep = [c for c in given.column_names if c not in fill]
    problem = Problem.of(encoder, (*clauses, *not_null), frozenset(given.column_names))
    weights = {at: w for at, w in problem.weights.items() if (w > 0).any()}
    fixed = fixed_codes(encoder, given, keep_missing=keep)
    bad = _holes(given, fill)
    if len(bad) == 0:
        return DrawnRows(
            given, "plain", 1.0, float(given.num_rows), 1.0, 0, notes=empty or ("Nothing was missing.",)
        )
    part, count = given.take(pa.array(bad)), Count()
    own = {at: w for at, w in weights.items() if encoder.domain.attributes[at].column in fill}
    guide = Guide(own if not clauses else weights, problem.guide(paired=True).pairs)
    if method == "best":
        table = _best(fitted, problem, part, fixed[bad], guide, fill, seed, count)
    else:
        table, _ = rounds_of(fitted, problem, part, fixed[bad], guide, seed, count, leave=True)
    columns_out = []
    for name in given.column_names:
        held = flat(given.column(name))
        if name in fill:
            filled = pc.coalesce(flat(part.column(name)), flat(table.column(name)).cast(held.type))
            held = replace_rows(held, bad, filled)
        columns_out.append(held)
    done = pa.table(columns_out, names=given.column_names)
    share = count.accepted / max(count.realised, 1)
    return DrawnRows(
        done, "guided", share, float(len(bad)), share, count.drawn, notes=(*empty, *_left(count))
    )


def _left(count: Count) -> tuple[str, ...]:
    """A sentence on the rows that stay as they are; none when all were filled."""
    if not count.left:
        return ()
    n = count.left
    rows = f"{written(n, 'row')} {verb(n, 'is left as it is', 'are left as they are')}"
    return (f"{rows}: nothing was found that keeps every rule beside {verb(n, 'its', 'their')} cells.",)


def _with_values(
    encoder: Encoder, names: Names, fill: Sequence[str], given: pa.Table
) -> tuple[list[str], tuple[str, ...]]:
    """Those of the columns of which the model knows a value, and a sentence for each of the others."""
    able, notes = [], []
    for name in fill:
        clause = clauses_of(f"{quote(name)} is not null", "where", names)[0]
        known = Problem.of(encoder, (clause,), frozenset(given.column_names)).weights
        if all((weight > 0).any() for weight in known.values()):
            able.append(name)
        else:
            notes.append(f"{name} is left as it is: the model knows no value of it.")
    return able, tuple(notes)


def _filled(name: str, clauses: Sequence[Clause], names: Names) -> Clause:
    """That a column has a value, except where a rule says that it has none."""
    clause = clauses_of(f"{quote(name)} is not null", "where", names)[0]
    for rule in clauses:
        for implication in implications_of(rule, names.schema):
            if implication.column == name and implication.value is None:
                either = Node("or", (implication.condition.node, clause.term.node))
                term = Term(either, "truth", (implication.condition, clause.term))
                clause = Clause(clause.text, "where", term)
    return clause


def _holes(given: pa.Table, fill: Sequence[str]) -> npt.NDArray[np.int64]:
    """Rows with a missing cell in one of the columns."""
    if not fill:
        return np.zeros(0, dtype=np.int64)
    missing = np.logical_or.reduce([np.asarray(flat(given.column(c)).is_null()) for c in fill])
    return np.flatnonzero(missing)


def _best(
    fitted: Fitted,
    problem: Problem,
    part: pa.Table,
    fixed: Codes,
    guide: Guide,
    fill: Sequence[str],
    seed: int,
    count: Count,
) -> pa.Table:
    """The mean of the draws for each ordered cell, the most frequent label for the others."""
    encoder = fitted.encoder
    blocks = []
    for start in range(0, len(fixed), max(1, BLOCK // (PASSES * BEST))):
        mine = fixed[start : start + max(1, BLOCK // (PASSES * BEST))]
        groups = len(mine)
        mark = child_seed(seed, "best", start)
        parts, weights = [], []
        for turn in range(PASSES):
            seed_of = child_seed(mark, "pass", turn)
            drawn, log_weight = propose(fitted.model, groups * BEST, replace(guide, fixed=mine), seed_of)
            count.drawn += len(drawn)
            table = log_weight.reshape(groups, BEST)
            top = table.max(axis=1, keepdims=True)
            weight = np.where(np.isfinite(top), np.exp(table - np.where(np.isfinite(top), top, 0.0)), 1.0)
            weights.append(weight / weight.sum(axis=1, keepdims=True) / PASSES)
            held = part.slice(start, groups).take(pa.array(np.repeat(np.arange(groups), BEST)))
            parts.append(problem.realise(drawn, seed_of, held)[0].select(list(fill)))
        weight = np.hstack(weights)
        # Pass by pass, row by row as they were drawn; wanted row by row.
        order = np.arange(PASSES * groups * BEST).reshape(PASSES, groups, BEST).transpose(1, 0, 2).ravel()
        values = pa.concat_tables(parts).take(pa.array(order))
        blocks.append(pa.table({c: _centre(encoder, c, flat(values.column(c)), weight) for c in fill}))
        count.realised += groups
        count.accepted += groups
    return pa.concat_tables(blocks).combine_chunks()


def _centre(encoder: Encoder, name: str, values: pa.Array, weight: npt.NDArray[np.float64]) -> pa.Array:
    """One value per row of `weight` from as many draws as it is wide."""
    groups, size = weight.shape
    column = encoder.schema[name]
    if column.ordered:
        numbers = np.asarray(pc.fill_null(as_numbers(values), 0)).astype(np.float64).reshape(groups, size)
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
