"""What may be known of private rows before any is read: their columns, what is declared, whose they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from locum.data.private_table import PrivateTable, open_private
from locum.errors import DataError, LeakError, UsageError
from locum.privacy.sealed import seal_errors
from locum.runs.config import Config
from locum.runs.content import ContentGap, content_gaps, counts_besides, guess_rows
from locum.runs.options import DEFAULT_PER_UNIT
from locum.runs.request import PrivacyRequest, RunRequest
from locum.runs.tables import need_columns
from locum.schema.provenance import facts_read_off, without_read_off
from locum.schema.table import Schema
from locum.sources.domain import known_schema, public_codebooks, refuse_other_columns, with_unit
from locum.sources.kinds import names_of_ids
from locum.wording import count

if TYPE_CHECKING:
    from locum.data.origin import Raw

#: Rows among which the fields of a first line are looked for, where it is to name the columns.
HEADER_ROWS = 1_000


@dataclass(frozen=True, slots=True)
class PrivateForm:
    """The form of a private table as far as it may be known.

    Attributes
    ----------
    table
        Its rows, of which none has been read.
    schema
        What is declared, without the columns of which nothing is.
    gaps
        Columns of which too little is known.
    unit_said
        Whose row it is, in the words of whoever runs this.
    notes
        Sentences for the user.
    rows_guessed
        From the size of the file; None without one.
    besides
        What discovery takes besides the gaps; see `counts_besides`.
    """

    table: PrivateTable
    schema: Schema
    gaps: tuple[ContentGap, ...]
    unit_said: str
    notes: tuple[str, ...] = ()
    rows_guessed: int | None = None
    besides: float = 0.0


def with_declared_unit(request: RunRequest, config: Config | None) -> RunRequest:
    """The request with what the config says of units, where the request says nothing."""
    asked = request.privacy
    if asked is None or config is None or asked.one_row_per_person:
        return request
    if asked.unit is not None and asked.unit != config.unit:
        return request
    rows = asked.per_unit
    if rows == DEFAULT_PER_UNIT and config.unit is not None and config.per_unit is not None:
        rows = config.per_unit
    said = replace(
        asked,
        unit=config.unit,
        per_unit=rows,
        one_row_per_person=config.one_row_per_person and not config.unit,
    )
    return replace(request, privacy=said)


def private_form(
    request: RunRequest, config: Config | None, data: Any, reading: Mapping[str, Any], public: Raw | None
) -> PrivateForm:
    """Settle what may be known of private rows; no row is read, but for what `refuse_row_as_header` tells.

    Raises
    ------
    UsageError
        When columns must be declared and are not, an option names a column that is not there, or nobody said
        whether a person may have several rows though a column seems to hold ids.
    LeakError
        When facts of the schema were read off rows, unless they are to be bought.
    DataError
        When the file cannot be read, or lacks a declared column.
    """
    asked = request.privacy
    assert asked is not None
    declared = request.schema or (config.schema if config else None)
    names = _names(asked, declared, config, public)
    schema, notes = _without_facts_of_rows(declared, asked)
    # Whose rows they are may have been read off the rows; here the unit says it.
    schema = None if schema is None else replace(schema, entity=None)
    if asked.unit is not None and asked.per_unit == 1 and not asked.one_row_per_person:
        notes = (
            *notes,
            f"Of each value of {asked.unit} one row is kept, and its other rows are left out. --per-unit K "
            "keeps up to K, at K times the noise; all runs on one ledger keep as many.",
        )
    if schema is not None and names is not None:
        _refuse_surplus(schema, names)
    spelled = {key: value for key, value in reading.items() if key != "names"}
    table = open_private(data, names, **spelled)
    if names is None:
        refuse_row_as_header(table)
        listed = ", ".join(table.names[:8]) + (" ..." if len(table.names) > 8 else "")
        notes = (*notes, f"The first line of the file names the columns: {listed}. They are published.")
    need_columns(request, table.names)
    if public is not None:
        refuse_other_columns(public.table.column_names, table.names)
    whose = with_unit(schema, asked.unit, table.name)
    known = known_schema(table.names, whose, public, request.target, table.name)
    books = {} if public is None else public_codebooks(public, known, request.target)[1]
    gaps = content_gaps(table.names, known, books)
    rows = guess_rows(Path(data), len(table.names)) if isinstance(data, str | Path) else None
    plan = _with_roles(schema or Schema((), name=table.name), request)
    said = unit_said(asked, table.names)
    return PrivateForm(table, plan, gaps, said, notes, rows, counts_besides(known, books))


def _names(
    asked: PrivacyRequest, declared: Schema | None, config: Config | None, public: Raw | None
) -> tuple[str, ...] | None:
    """The columns that may be known; None where nobody has named any."""
    if asked.columns:
        return asked.columns
    of_rows = {c.name for c in declared if "name" in c.read_off} if declared is not None else set()
    listed = config.columns if config is not None and declared is config.schema else ()
    names = tuple(n for n in listed or (declared.names if declared is not None else ()) if n not in of_rows)
    if names or of_rows:
        return names or None
    return None if public is None else tuple(public.table.column_names)


def _without_facts_of_rows(
    schema: Schema | None, asked: PrivacyRequest
) -> tuple[Schema | None, tuple[str, ...]]:
    """The schema without what was read off the rows, which is refused unless it is to be bought."""
    facts = facts_read_off(schema) if schema is not None else ()
    if schema is None or not facts:
        return schema, ()
    listed = "; ".join(map(str, facts[:12])) + (f"; and {len(facts) - 12} more" if len(facts) > 12 else "")
    if not asked.discover:
        raise LeakError(
            f"{count(len(facts), 'fact')} of the schema {'was' if len(facts) == 1 else 'were'} read off the "
            f"rows, and would publish them: {listed}",
            where=schema.name,
            expected="facts that are public knowledge, or bought under the budget",
            do='confirm those that you knew without the rows (source = "public", by = "who says so"), take '
            "the others out, or add --discover to have all of them bought",
        )
    kept, _ = without_read_off(schema)
    return kept, (f"Not used, for they were read off the rows: {listed}.",)


def _refuse_surplus(schema: Schema, names: Sequence[str]) -> None:
    """Refuse a schema about columns that are not among those named."""
    surplus = [name for name in schema.names if name not in names]
    if surplus:
        raise UsageError(
            f"the schema is about {', '.join(surplus[:5])}, which the named columns lack",
            where="columns",
            do="name it with --columns, or take it out of the schema",
        )


def refuse_row_as_header(table: PrivateTable) -> None:
    """Refuse a first line whose fields come back as values below it: it is a row, and would be published.

    This is the one look at rows that nothing pays for: it can only stop a run, in the custodian's house, and
    is not made where names are declared.

    Raises
    ------
    DataError
        Without a word of the line.
    """
    import pyarrow.compute as pc

    with seal_errors("reading the rows"):
        block = next(iter(table.read()), None)
        first = None if block is None else block.slice(0, HEADER_ROWS)
        again = (
            0 if first is None else sum(pc.any(pc.equal(first[n], n)).as_py() or False for n in table.names)
        )
    if again:
        raise DataError(
            f"{again} of the {len(table.names)} fields of the first line are values of rows below it",
            where=table.name,
            expected="a first line that names the columns, for the names are published",
            do="declare the names (--columns or locum.toml), with --no-header if the first line is a row",
        )


def unit_said(asked: PrivacyRequest, names: Sequence[str]) -> str:
    """Whose row it is, in words for the certificate.

    Raises
    ------
    UsageError
        When a column seems to say whose row it is, and nobody said whether one person may have several.
    """
    if asked.unit is not None:
        if asked.one_row_per_person and asked.per_unit != 1:
            raise UsageError(
                f"{asked.per_unit} rows are kept of each, though no person is said to have more than one",
                where="--per-unit",
                do="leave out one of the two",
            )
        return (
            f"Whose row it is stands in {asked.unit}; who has several values of it is protected as several."
        )
    if asked.one_row_per_person:
        return "Whoever ran this said that no person has more than one row."
    found = names_of_ids(names)
    if found:
        raise UsageError(
            f"{', '.join(found[:3])} may say whose row it is, and a person with several rows would be "
            "protected in each of them only",
            where="privacy unit",
            expected="who is protected",
            do=f"add --unit {found[0]} (and --per-unit K) if a person may have several rows, else "
            "--one-row-per-person",
        )
    return (
        "Nobody said whether a person may have several rows: each row is protected, and a person only as far "
        "as all of that person is in one row."
    )


def _with_roles(schema: Schema, request: RunRequest) -> Schema:
    """The declared schema with target and protected columns, as far as it has them."""
    target = request.target or schema.target
    protected = request.protected or schema.protected
    return replace(
        schema,
        target=target if target in schema.names else None,
        protected=tuple(name for name in protected if name in schema.names),
    )
