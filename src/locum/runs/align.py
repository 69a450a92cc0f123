"""Tables that are to be compared, brought to the columns that all of them have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from locum.data.origin import Raw
from locum.evaluation.evidence import Alert, Answer, Evidence, RequirementCheck
from locum.evaluation.limits import Requirements, with_demands
from locum.runs.match_columns import LISTED, Unmatched, drop_columns, list_names, match
from locum.runs.tables import misfit
from locum.schema.table import Schema
from locum.wording import count

if TYPE_CHECKING:
    import pyarrow as pa


def align_tables(
    real: Raw, schema: Schema, others: Sequence[Raw | None]
) -> tuple[pa.Table, list[pa.Table | None], Schema, tuple[Unmatched, ...], list[str]]:
    """The real table and the others under one schema, with the columns that can be compared.

    A column that one of the others lacks, or holds as another kind of value, is left out of all of them; so
    is one that holds nothing in the real table but something elsewhere. See `locum.runs.match_columns.match`
    for what counts as the same column.

    Returns
    -------
    tuple
        The real table, the others (None stays None), the schema, what was left out and why, and notes.

    Raises
    ------
    DataError
        When the target or a protected column is among those left out, or no column is left.
    """
    from locum.data.canonical import canonical

    unmatched: dict[str, Unmatched] = {}
    notes: list[str] = []
    for other in others:
        if other is None:
            continue
        found = match(schema, other, real)
        schema = found.schema
        notes += found.notes
        for a in (*found.unmatched, *_empty(real, schema, found.table)):
            unmatched.setdefault(a.column, a)
        needed = [a for a in unmatched.values() if a.column in (schema.target, *schema.protected)]
        if needed or len(unmatched) == len(schema):
            raise misfit(needed or tuple(unmatched.values()), other)
    # Ids, free text and personal details are made afresh and not compared in any case.
    fresh = [name for name in unmatched if schema[name].regenerated]
    notes += [
        f"{name!r}: {unmatched[name].reason}; its values would not be compared anyway." for name in fresh
    ]
    schema = drop_columns(schema, set(unmatched))
    for name in fresh:
        del unmatched[name]
    # Once more, for a kind may have been widened by the last table.
    tables = [None if other is None else match(schema, other, real).table for other in others]
    return canonical(real, schema), tables, schema, tuple(unmatched.values()), notes


def _empty(real: Raw, schema: Schema, table: pa.Table) -> list[Unmatched]:
    """Columns without any value in the real table, though the other one holds some."""
    found = []
    for name in table.column_names:
        if table.column(name).null_count == table.num_rows:
            continue
        if real.table.column(name).null_count == real.table.num_rows or _blank(real, schema, name):
            found.append(Unmatched(name, "the real table holds no value in it"))
    return found


def _blank(real: Raw, schema: Schema, name: str) -> bool:
    """Whether every value of a real column stands for missing."""
    import pyarrow.compute as pc

    from locum.data.canonical import to_kind

    values = real.table.column(name)
    if pc.count_distinct(values, mode="only_valid").as_py() > 1 + len(schema[name].missing):
        return False
    held = to_kind(values, schema[name], name)
    return bool(held.null_count == len(values))


def mark_incomplete(
    evidence: Evidence, unmatched: Sequence[Unmatched], columns: int, require: Requirements
) -> Evidence:
    """Evidence about some of the columns, saying so, held against what is demanded.

    Each column left out is a warning; the stand-in is called faithful in part at most; and no limit passes,
    for nobody knows what the whole table would measure (unclear, or fail when limits are strict).
    """
    if not unmatched:
        return with_demands(evidence, require)
    names = list_names([a.column for a in unmatched])
    left = f"{count(len(unmatched), 'column')} of {columns} could not be compared ({names})"
    warned = [
        Alert("warning", a.column, f"Not compared: {a.reason}. Every result is about the other columns.")
        for a in unmatched[:LISTED]
    ]
    if len(unmatched) > LISTED:
        warned.append(Alert("warning", "columns", f"{left}."))
    answers = tuple(_partial(a, left) if a.question == "faithful" else a for a in evidence.answers)
    found = with_demands(replace(evidence, answers=answers), require)
    return replace(
        found,
        alerts=(*warned, *evidence.alerts),
        requirements=tuple(_doubt(c, left, require.strict) for c in found.requirements),
    )


def _partial(answer: Answer, left: str) -> Answer:
    sentence = answer.sentence.removeprefix("Yes, as far as was tested. ")
    if answer.verdict == "good":
        return replace(answer, verdict="unclear", sentence=f"In part: {left}. {sentence}")
    return replace(answer, sentence=f"{answer.sentence} {left[:1].upper()}{left[1:]}.")


def _doubt(check: RequirementCheck, left: str, strict: bool) -> RequirementCheck:
    if check.verdict != "pass":
        return check
    ending = "which counts as failed (strict)" if strict else "so this is not known of the whole table"
    return replace(
        check,
        verdict="fail" if strict else "unclear",
        sentence=f"{check.sentence.removesuffix('.')}; but {left}, {ending}.",
    )
