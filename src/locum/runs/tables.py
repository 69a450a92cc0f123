"""Tables on their way in: reading, finding out what the columns are, bringing two tables to one shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from locum.errors import DataError, SchemaError, UsageError
from locum.runs.config import Config, find_config
from locum.runs.entity import settle_entity
from locum.runs.options import DECLARED_RULES, NO_ENTITY
from locum.runs.plan import fingerprint_of
from locum.runs.request import RunRequest
from locum.schema.table import Schema
from locum.wording import count

if TYPE_CHECKING:
    import pyarrow as pa

    from locum.data.origin import Raw
    from locum.runs.match_columns import Unmatched


def read_table(source: Any, **reading: Any) -> Raw:
    """Read a file or frame with the options of `locum.data.read`; None means "not said"."""
    from locum.data.read import read

    said: dict[str, Any] = {
        name: value for name, value in reading.items() if value or value is False or value == 0
    }
    return read(source, **said)


def need_column(name: str, names: Sequence[str], *, where: str) -> str:
    """Return `name` if the table has such a column.

    Raises
    ------
    UsageError
        When it has none, with the nearest name there is.
    """
    if name in names:
        return name
    alike = [other for other in names if other.strip().casefold() == name.strip().casefold()]
    close = alike or get_close_matches(name, names, n=1, cutoff=0.5)
    raise UsageError(
        f"there is no column {name!r}",
        where=where,
        expected=f"one of {', '.join(names[:12])}{', ...' if len(names) > 12 else ''}",
        do=f"did you mean {close[0]!r}?" if close else "name a column of the table",
    )


def group_columns(
    by: str | Sequence[str | Sequence[str]], names: Sequence[str] | None = None
) -> tuple[tuple[str, ...], ...]:
    """The columns of each table of groups.

    Raises
    ------
    UsageError
        For an entry without a column, or (with `names`) a column that is not there.
    """
    found = tuple(_cross(entry) for entry in ([by] if isinstance(by, str) else by))
    for name in (n for columns in found for n in columns if names is not None):
        need_column(name, names or (), where="by")
    return found


def _cross(entry: str | Sequence[str]) -> tuple[str, ...]:
    """Columns to cross: ``sex,race`` or a sequence of names."""
    names = entry.split(",") if isinstance(entry, str) else list(entry)
    found = tuple(dict.fromkeys(n.strip() for n in names if n.strip()))
    if not found:
        raise UsageError("a group needs a column", where="by", expected="such as --by sex,race")
    return found


def need_columns(request: RunRequest, names: Sequence[str]) -> None:
    """Refuse a request with a target, protected column or unit that is not there; raises UsageError."""
    unit = request.privacy.unit if request.privacy else None
    entity = None if request.entity == NO_ENTITY else request.entity
    named = [
        ("unit", unit),
        ("entity", entity),
        ("target", request.target),
        *(("protected", name) for name in request.protected),
    ]
    for where, name in named:
        if name is not None:
            need_column(name, names, where=where)


def check_target(table: pa.Table, schema: Schema, target: str | None, *, needed: bool = False) -> None:
    """Refuse a target from which nothing can be learned; `needed` says that none is no way out.

    Raises
    ------
    DataError
        When the target holds one value only, none at all, or (a label) another one in every row.
    """
    if target is None:
        return
    import pyarrow.compute as pc

    values = table.column(target)
    distinct = int(pc.count_distinct(values, mode="only_valid").as_py())
    present = len(values) - values.null_count
    where = f"{schema.name}.{target}"
    do = "name another target" if needed else "name another target, or none: the run works without one"
    if distinct < 2 and len(values) > 1:
        what = "holds no value at all" if distinct == 0 else "holds the same value in every row"
        raise DataError(f"the target {what}", where=where, do=do)
    if schema[target].regenerated or (schema[target].kind == "category" and distinct == present > 2):
        raise DataError(
            f"the target is another {schema[target].kind} in every row, so nothing can be predicted",
            where=where,
            do=do,
        )


def rule_notes(table: pa.Table, schema: Schema) -> tuple[str, ...]:
    """One sentence for each rule of the schema that real rows break.

    Raises
    ------
    UsageError
        When a rule does not fit the columns.
    """
    if not schema.rules:
        return ()
    from locum.control.rules.clause import rule_clauses
    from locum.control.where.names import Names

    notes = []
    for clause in rule_clauses(schema.rules, Names(schema)):
        broken = int((~clause.holds(table)).sum())
        if broken:
            notes.append(f"{broken:,} rows of the data break the rule {clause.text}; no synthetic row will.")
    return tuple(notes)


def align(schema: Schema, raw: Raw) -> tuple[pa.Table, Schema, tuple[str, ...]]:
    """Bring another table to the columns of `schema`, all of them; see `locum.runs.match_columns.match`.

    Columns that the schema does not have are left out and named in the notes.

    Returns
    -------
    tuple
        Canonical table, the schema that fits both, and notes.

    Raises
    ------
    DataError
        When columns are missing, or hold what the schema does not allow; all of them are named.
    """
    from locum.runs.match_columns import match

    matched = match(schema, raw)
    if matched.unmatched:
        raise misfit(matched.unmatched, raw)
    return matched.table, matched.schema, matched.notes


def misfit(unmatched: Sequence[Unmatched], raw: Raw) -> DataError:
    """The error that says which columns of a table do not fit the real table."""
    from locum.runs.match_columns import list_names

    have = raw.table.column_names
    missing = [a.column for a in unmatched if a.error is None]
    if len(missing) == len(unmatched):
        close = get_close_matches(missing[0], have, n=1, cutoff=0.6)
        verb = "is" if len(missing) == 1 else "are"
        return DataError(
            f"{count(len(missing), 'column')} of the real table {verb} missing: {list_names(missing)}",
            where=raw.name,
            expected="the same columns in both tables, in any order",
            do=f"rename {close[0]!r} to {missing[0]!r}" if close else "add them, or drop them there",
        )
    first = next(a.error for a in unmatched if a.error is not None)
    if len(unmatched) == 1:
        return DataError(
            first.what,
            where=first.where,
            examples=first.examples,
            expected="the same kind of values as in the real table",
            do="write them as the real table does, or drop the column from both tables",
        )
    reasons = "; ".join(f"{a.column}: {a.reason}" for a in unmatched[:3]) + (
        "; ..." if len(unmatched) > 3 else ""
    )
    return DataError(
        f"{count(len(unmatched), 'column')} do not fit the real table: {reasons}",
        where=raw.name,
        expected="the same columns with the same kinds of values in both tables, in any order",
        do="write them as the real table does, or drop them from both tables",
    )


def without_data_bounds(schema: Schema) -> Schema:
    """The schema without bounds that were read from the data.

    Detection looks at every row, the held-out ones included; what the generator knows of the range of a
    column must come from the rows that it learns from. Bounds that were declared stay.
    """
    return replace(
        schema,
        columns=tuple(
            replace(column, bounds=None)
            if column.bounds is not None and column.bounds.source == "data"
            else column
            for column in schema
        ),
    )


def refine_schema(request: RunRequest, raw: Raw, config: Config | None) -> tuple[Schema, tuple[str, ...]]:
    """The schema that was given, else the config's, else a detected one; with target, protected, and entity.

    Raises
    ------
    UsageError
        When the target or a protected column is not in the table.
    DataError
        When the schema is about other columns.
    """
    columns = raw.table.column_names
    if config is not None and config.unfilled and request.schema is None:
        refuse_unfilled(config.unfilled, raw.name)
    if config is not None and config.schema is None and request.schema is None:
        request = replace(
            request,
            target=request.target or config.evaluate.target,
            protected=request.protected or config.evaluate.protected,
        )
    need_columns(request, columns)
    given = request.schema or (config.schema if config else None)
    named = given.names if given is not None else (config.columns if config else ())
    if named and set(named) != set(columns):
        lost, new = sorted(set(named) - set(columns)), sorted(set(columns) - set(named))
        what = " and ".join(
            f"{count(len(some), 'column')} {words} ({', '.join(some[:3])})"
            for some, words in ((lost, "of the schema missing in the data"), (new, "missing in the schema"))
            if some
        )
        raise DataError(what, where=raw.name, do="run `locum init --force` to propose a new locum.toml")
    if given is None:
        from locum.data.detect import detect

        given = detect(raw, target=request.target, protected=request.protected)
    else:
        given = replace(
            given, target=request.target or given.target, protected=request.protected or given.protected
        )
    given = settle_entity(given, raw, request, config)
    return given, _regenerated_note(given)


def find_rules(request: RunRequest, config: Config | None, table: pa.Table, schema: Schema) -> Schema:
    """The schema with the rules that hold in every row, where nobody has said what its rules are.

    A schema that was given, in Python or in ``locum.toml``, says what its rules are.
    """
    if schema_given(request, config) or request.rules == DECLARED_RULES:
        return schema
    from locum.control.rules.found import with_found_rules

    return with_found_rules(table, schema)


def schema_given(request: RunRequest, config: Config | None) -> bool:
    """Whether somebody has said what the columns and the rules are."""
    return request.schema is not None or (config is not None and config.schema is not None)


def refuse_unfilled(names: Sequence[str], table: str) -> None:
    """Refuse a template in which kinds are still to be filled in; raises SchemaError."""
    listed = ", ".join(names[:8]) + (f" and {len(names) - 8} more columns" if len(names) > 8 else "")
    raise SchemaError(
        f"locum.toml does not say yet of which kind {listed} {'is' if len(names) == 1 else 'are'}",
        where=table,
        expected="a kind for every column",
        do="fill in the kinds, or have them proposed from the rows: locum init --force DATA",
    )


def _regenerated_note(schema: Schema) -> tuple[str, ...]:
    made = [column for column in schema if column.regenerated]
    if not made:
        return ()
    listed = ", ".join(f"{column.name} ({column.kind})" for column in made[:6])
    more = f" and {len(made) - 6} more" if len(made) > 6 else ""
    return (f"Made afresh, not learned: {listed}{more}.",)


@dataclass(frozen=True, slots=True, eq=False)
class StudyTable:
    """A table of the user as a study takes it: read, its columns known, its content told by a digest."""

    name: str
    schema: Schema
    raw: Raw
    table: pa.Table
    digest: str


def read_and_refine(
    source: Any, target: str | None, protected: Sequence[str], *, needs_target: bool = False
) -> StudyTable:
    """Read a table; ``path?target=x&protected=y`` says what holds for this one only."""
    from locum.data.canonical import canonical

    path, _, query = source.partition("?") if isinstance(source, str) else (source, "", "")
    own = dict(parse_qsl(query, keep_blank_values=True))
    unknown = set(own) - {"target", "protected"}
    if unknown:
        raise UsageError(
            f"{min(unknown)!r} cannot be said of a table",
            where=str(path),
            expected="?target=COLUMN&protected=COLUMN,COLUMN",
        )
    if "protected" in own:
        protected = [name for name in own["protected"].split(",") if name]
    request = RunRequest(data=path, target=own.get("target", target), protected=tuple(protected))
    config = find_config(request)[0]
    raw = read_table(path, **(config.reading if config else {}))
    schema, _ = refine_schema(request, raw, config)
    table = canonical(raw, schema)
    check_target(table, schema, schema.target, needed=needs_target)
    schema = find_rules(request, config, table, schema)
    return StudyTable(Path(raw.name).stem or raw.name, schema, raw, table, fingerprint_of(path, raw).sha256)
