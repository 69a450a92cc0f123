"""What the columns of a table are, and which rules it follows: proposals, and ``locum.toml`` with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from locum.errors import UsageError
from locum.runs.config_forms import AREA
from locum.runs.entity import entity_notes
from locum.runs.match_columns import list_names
from locum.runs.name_notes import name_notes
from locum.runs.options import several
from locum.runs.out_folder import refuse_existing
from locum.runs.request import RunRequest
from locum.runs.tables import need_column, read_table, refine_schema
from locum.runs.template import Draft, path_from
from locum.schema.table import Schema

if TYPE_CHECKING:
    from locum.control.rules.proposal import RuleProposal


def detect(
    data: Any,
    *,
    target: str | None = None,
    protected: Sequence[str] = (),
    delimiter: str | None = None,
    encoding: str | None = None,
    header: bool | None = None,
    skip_rows: int | None = None,
    header_rows: int | None = None,
    units_row: bool | None = None,
    footer_rows: int | None = None,
    sheet: str | None = None,
) -> Schema:
    """Propose what each column is, with a reason and a confidence.

    Parameters
    ----------
    data
        Path of a CSV, TSV, Parquet, Arrow or JSON Lines file, or a pandas, polars or pyarrow table.
    target
        Column to be predicted from the others, if there is one.
    protected
        Columns that name groups for which fairness matters.
    delimiter, encoding
        Correct a wrong guess about a text file.
    header
        False when the first line of a text table is a row: columns are then called c1, c2, ...
    skip_rows, header_rows, units_row, footer_rows, sheet
        Where the table lies in its file, where that is not found out rightly; as for `run`.

    Returns
    -------
    Schema
        One `Column` per column, in order; ``column.reason`` says why. Change it with `dataclasses.replace`.

    Raises
    ------
    UsageError
        When the target or a protected column is not in the table.
    DataError
        When the data cannot be read.

    Notes
    -----
    Cost: about one second for 500,000 cells.
    """
    from locum.control.rules.found import with_found_rules
    from locum.data.canonical import canonical
    from locum.data.detect import detect as propose

    area = _area(skip_rows, header_rows, units_row, footer_rows, sheet)
    raw = read_table(data, delimiter=delimiter, encoding=encoding, header=header, **area)
    if target is not None:
        need_column(target, raw.table.column_names, where="target")
    protected = several(protected)
    for name in protected:
        need_column(name, raw.table.column_names, where="protected")
    schema = propose(raw, target=target, protected=protected)
    return with_found_rules(canonical(raw, schema), schema)


def _area(*said: Any) -> dict[str, Any]:
    """What was said about where the table lies, by its keys."""
    return {name: value for name, value in zip(AREA, said, strict=True) if value is not None}


def propose_rules(data: Any, *, schema: Schema | None = None) -> list[RuleProposal]:
    """Propose rules that a table seems to follow, with the rows for and against each.

    Parameters
    ----------
    data
        Path or table, as for `detect`.
    schema
        What the columns are; None detects it.

    Returns
    -------
    list of RuleProposal
        ``.rule`` is the text for ``rules=`` of `sample` or for ``[[rule]]`` in ``locum.toml``; ``.support``
        and ``.violations`` count rows. Only you know which are true by nature.

    Raises
    ------
    DataError
        When the data cannot be read.

    Notes
    -----
    Proposals are read off the rows: for a private fit give only rules that you knew without them.
    """
    from locum.control.rules.discover import discover
    from locum.data.canonical import canonical
    from locum.data.detect import detect as propose

    raw = read_table(data)
    schema = schema or propose(raw)
    return list(discover(canonical(raw, schema), schema))


@dataclass(frozen=True, slots=True)
class ConfigProposal:
    """A detected schema, how the data was read, rules that might hold, and whose rows they are said to be."""

    data: Path
    schema: Schema
    n_rows: int
    reading: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    rules: tuple[RuleProposal, ...] = ()
    entity: str | None = None

    def to_json(self) -> dict[str, Any]:
        """JSON-ready dictionary; holds reasons, and of data values only the labels that rules name."""
        return {
            "data": str(self.data),
            "rows": self.n_rows,
            "target": self.schema.target,
            "protected": list(self.schema.protected),
            "entity": self.schema.entity,
            "columns": [
                {"name": c.name, "kind": c.kind, "confidence": round(c.confidence, 3), "reason": c.reason}
                for c in self.schema
            ],
            "dependencies": [
                {"determinant": d.determinant, "dependent": d.dependent} for d in self.schema.dependencies
            ],
            "rules": [
                {"holds": r.rule, "kind": r.kind, "support": r.support, "violations": r.violations}
                for r in self.rules
            ],
            "notes": list(self.notes),
        }


def propose(
    data: Path,
    *,
    target: str | None = None,
    protected: tuple[str, ...] = (),
    delimiter: str | None = None,
    encoding: str | None = None,
    header: bool | None = None,
    entity: str | None = None,
    skip_rows: int | None = None,
    header_rows: int | None = None,
    units_row: bool | None = None,
    footer_rows: int | None = None,
    sheet: str | None = None,
) -> ConfigProposal:
    """Detect the schema of a file, and rules that its rows seem to follow.

    Raises
    ------
    UsageError
        When the target or a protected column is not there.
    DataError
        When the file cannot be read.
    """
    from locum.control.rules.discover import discover
    from locum.control.rules.found import with_found_rules
    from locum.data.canonical import canonical

    area = _area(skip_rows, header_rows, units_row, footer_rows, sheet)
    raw = read_table(data, delimiter=delimiter, encoding=encoding, header=header, ask=True, **area)
    request = RunRequest(data=data, target=target, protected=protected, entity=entity)
    schema, notes = refine_schema(request, raw, None)
    table = canonical(raw, schema)
    notes = (*entity_notes(table, schema), *name_notes(table, schema), *raw.notes, *notes)
    reading = {"delimiter": delimiter, "encoding": encoding, "header": header, **area}
    rules = tuple(discover(table, schema))
    schema = with_found_rules(table, schema, rules)
    return ConfigProposal(data, schema, raw.table.num_rows, reading, notes, rules, entity)


def draft_template(
    data: Path,
    *,
    dictionary: Path | None = None,
    columns: str | None = None,
    unit: str | None = None,
    one_row_per_person: bool = False,
    target: str | None = None,
    protected: tuple[str, ...] = (),
    delimiter: str | None = None,
    encoding: str | None = None,
    header: bool | None = None,
    skip_rows: int | None = None,
    header_rows: int | None = None,
    units_row: bool | None = None,
    footer_rows: int | None = None,
    sheet: str | None = None,
) -> tuple[Draft, tuple[str, ...]]:
    """What is known of a table from a data dictionary and from what is said here; the data are not opened.

    Parameters
    ----------
    data
        Path of the data; only its name counts.
    dictionary
        A data dictionary: a table (.csv, .xlsx), a JSON Schema, a Croissant description, or SQL.
    columns
        Names of the columns in the order of the data, parted by commas.
    unit, one_row_per_person
        The column that says whose row it is, or that no person has two rows.
    target, protected
        Column to be predicted; columns that name groups.
    delimiter, encoding, header, skip_rows, header_rows, units_row, footer_rows, sheet
        How the data are written, and where the table lies in their file, where that must be said.

    Returns
    -------
    tuple
        The draft of a template, and sentences for the user.

    Raises
    ------
    UsageError
        When an option cannot be, or the dictionary is the data themselves.
    DataError
        When the dictionary cannot be read, or contradicts itself.
    """
    from locum.data.dictionaries.entry import Dictionary
    from locum.data.dictionaries.read import read_dictionary
    from locum.data.read import table_name
    from locum.runs.questions import split_names

    table = table_name(data)
    read_by = Dictionary("")
    if dictionary is not None:
        _refuse_data(dictionary, data)
        read_by = read_dictionary(dictionary, table)
    names = tuple(read_by.entries) if columns is None else split_names(columns)
    entries = [read_by.entries[name] for name in names if name in read_by.entries]
    notes = list(read_by.notes)
    left_out = [name for name in read_by.entries if name not in names]
    if left_out:
        notes.append(f"The dictionary describes {list_names(left_out)} too, which --columns does not name.")
    found = tuple(column for column in (entry.column(read_by.by) for entry in entries) if column is not None)
    marked = next((entry.name for entry in entries if entry.unit), None)
    reading: dict[str, Any] = {"delimiter": delimiter, "encoding": encoding}
    reading = {name: value for name, value in reading.items() if value}
    if header is False:
        reading["header"] = False
    reading |= _area(skip_rows, header_rows, units_row, footer_rows, sheet)
    draft = Draft(
        table,
        names,
        Schema(found, name=table) if found else None,
        reading=reading,
        unit=unit or (None if one_row_per_person else marked),
        one_row_per_person=one_row_per_person,
        target=target,
        protected=protected,
        hints={entry.name: entry.hints(read_by.by) for entry in entries},
    )
    return draft, tuple(notes)


def _refuse_data(dictionary: Path, data: Path) -> None:
    """Refuse a dictionary that is the data themselves; nothing is opened."""
    if dictionary.exists() and data.exists() and dictionary.samefile(data):
        raise UsageError(
            "the dictionary is the data themselves",
            where="--dictionary",
            expected="a file that describes the columns and holds no rows",
            do="leave it out, and name the columns with --columns",
        )


def write_proposal(proposal: ConfigProposal, path: Path, *, force: bool) -> Path:
    """Write a proposal as a commented ``locum.toml``.

    Raises
    ------
    FolderError
        When the file exists and `force` is not set, or cannot be written.
    """
    from locum.files.atomic import write_text
    from locum.runs.config import Config
    from locum.runs.config_text import dump_config

    refuse_existing(path, force=force)
    config = Config(
        proposal.schema,
        path=path_from(proposal.data, path),
        delimiter=proposal.reading.get("delimiter"),
        encoding=proposal.reading.get("encoding"),
        header=proposal.reading.get("header"),
        entity=proposal.entity,
        area={key: proposal.reading[key] for key in AREA if key in proposal.reading},
    )
    write_text(path, dump_config(config, {rule.rule: rule.remark for rule in proposal.rules}))
    return path
