"""A data dictionary that is SQL: the columns and checks of a CREATE TABLE statement."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from typing import Any

from locum.data.dictionaries.entry import Dictionary, DictionaryEntry, dictionary
from locum.data.dictionaries.words import kind_of
from locum.errors import DataError, UsageError

#: Dialects in the order in which they are tried; each reads what the ones before it do not.
_DIALECTS = ("postgres", "mysql", "tsql", "oracle", "sqlite", "snowflake")


@dataclass(slots=True)
class _Table:
    """A table while its statements are read: entries by name, and types that were made for it."""

    name: str
    entries: dict[str, DictionaryEntry] = field(default_factory=dict)

    def find(self, name: str) -> str | None:
        """The column of that name, as it is spelled where it is made."""
        return next((own for own in self.entries if own.lower() == name.lower()), None)

    def change(self, name: str, **said: Any) -> None:
        """Say more about a column; names of none are passed over."""
        own = self.find(name)
        if own is not None:
            self.entries[own] = replace(self.entries[own], **said)


def read_sql(by: str, text: str, table: str = "") -> Dictionary:
    """A dictionary out of SQL; of several tables the one of that name.

    Types, NOT NULL, ENUM, PRIMARY KEY of one column, references, comments, and checks of one column against
    a list or against lowest and highest values are understood; anything else is passed over.

    Raises
    ------
    UsageError
        When the parser of SQL is not installed.
    DataError
        When nothing in the file can be read as CREATE TABLE, or several tables could be meant.
    """
    if find_spec("sqlglot") is None:
        raise UsageError(
            "SQL dictionaries need the extra 'dictionary'", where=by, do="pip install 'locum[dictionary]'"
        )
    tables = _read(by, text)
    chosen = [found for found in tables if found.name.lower() == table.lower()] or tables
    if len(chosen) != 1:
        names = ", ".join(found.name for found in chosen[:8])
        raise DataError(
            f"the file makes {len(chosen) or 'no'} tables{': ' + names if names else ''}",
            where=by,
            expected="one CREATE TABLE with columns, or one named like the data",
            do="keep the statement about this table",
        )
    return dictionary(by, tuple(chosen[0].entries.values()))


def _read(by: str, text: str) -> list[_Table]:
    """The tables that are made, in the first dialect that reads all statements about them."""
    from sqlglot.errors import SqlglotError

    for name in _DIALECTS:
        try:
            with _quiet():
                return _tables(list(_statements(text, name)))
        except (SqlglotError, RecursionError, ValueError, AttributeError, TypeError, KeyError, IndexError):
            continue
    raise DataError(
        "the SQL cannot be read",
        where=by,
        expected="CREATE TABLE statements",
        do="keep the statement about this table, without what only one database knows",
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Let the parser not remark on statements that it passes over: another dialect may read them."""
    logger = logging.getLogger("sqlglot")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


def _statements(text: str, name: str) -> Iterator[Any]:
    """Statements that make, change or remark on tables and types; others are not even parsed."""
    from sqlglot import Dialect, TokenType, exp
    from sqlglot.errors import ParseError

    dialect = Dialect.get_or_raise(name)
    pieces: list[list[Any]] = [[]]
    for token in dialect.tokenize(text):
        if token.token_type is TokenType.SEMICOLON or (name == "tsql" and token.text.upper() == "GO"):
            pieces.append([])
        else:
            pieces[-1].append(token)
    for piece in pieces:
        words = [token.text.upper() for token in piece[:4]]
        making = words[:1] == ["CREATE"] and ("TABLE" in words or "TYPE" in words)
        if making or words[:2] == ["ALTER", "TABLE"] or words[:2] == ["COMMENT", "ON"]:
            for statement in dialect.parser().parse(piece, text):
                if isinstance(statement, exp.Command) and making and "TABLE" in words:
                    raise ParseError("a statement was passed over")
                yield statement


def _tables(statements: Sequence[Any]) -> list[_Table]:
    from sqlglot import exp

    enums, made = dict(_enums(statements)), []
    for statement in statements:
        if isinstance(statement, exp.Create) and isinstance(statement.this, exp.Schema):
            made.append(_table(statement.this, enums))
    for statement in statements:
        _amend(statement, made)
    return made


def _enums(statements: Sequence[Any]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Types that are a list of labels."""
    from sqlglot import exp

    for statement in statements:
        if isinstance(statement, exp.Create) and isinstance(statement.expression, exp.DataType):
            yield statement.this.name.lower(), tuple(one.name for one in statement.expression.expressions)


def _table(made: Any, enums: dict[str, tuple[str, ...]]) -> _Table:
    from sqlglot import exp

    table = _Table(made.this.name)
    for part in made.expressions:
        if isinstance(part, exp.ColumnDef):
            table.entries[part.name] = _typed(part, enums)
            for constraint in part.constraints:
                _constrain(table, constraint.kind, part.name)
    for part in made.expressions:
        if not isinstance(part, exp.ColumnDef):
            _constrain_table(table, part)
    return table


def _typed(part: Any, enums: dict[str, tuple[str, ...]]) -> DictionaryEntry:
    """What the type of a column says."""
    from sqlglot import exp

    made = part.args.get("kind")
    if made is None:
        return DictionaryEntry(part.name)
    word = made.sql(dialect="postgres")
    if made.this is exp.DataType.Type.ENUM:
        return DictionaryEntry(part.name, "category", levels=tuple(one.name for one in made.expressions))
    own = word.rsplit(".", 1)[-1].strip('"').lower()
    if own in enums:
        return DictionaryEntry(part.name, "category", levels=enums[own])
    name = str(getattr(made.this, "value", made.this)).lower()
    sizes = [one.name for one in made.expressions] if made.this is not exp.DataType.Type.USERDEFINED else []
    kind, decimals = kind_of(f"{name}({','.join(sizes)})" if sizes else name)
    if name == "tinyint" and sizes == ["1"]:
        kind = "boolean"  # how MySQL writes BOOLEAN
    # TEXT is any text, and says nothing of what it holds
    if kind in (None, "text"):
        return DictionaryEntry(part.name, said=(f"type {word}",))
    return DictionaryEntry(part.name, kind, decimals=decimals)


def _constrain(table: _Table, kind: Any, name: str) -> None:
    """What a constraint of one column says."""
    from sqlglot import exp

    if isinstance(kind, exp.NotNullColumnConstraint) and not kind.args.get("allow_null"):
        table.change(name, nullable=False)
    elif isinstance(kind, exp.PrimaryKeyColumnConstraint):
        table.change(name, kind="id", nullable=False, decimals=None, said=())
    elif isinstance(kind, exp.CommentColumnConstraint):
        table.change(name, about=kind.this.name)
    elif isinstance(kind, exp.Reference):
        _refer(table, name, kind)
    elif isinstance(kind, exp.CheckColumnConstraint):
        _check(table, kind.this)


def _refer(table: _Table, name: str, reference: Any) -> None:
    """A reference to another table may be to a person or to a list of labels: that leaves the kind open."""
    own = table.find(name)
    if own is not None and table.entries[own].kind != "id":
        target = reference.this.sql(dialect="postgres")
        table.change(own, kind=None, said=(f"refers to {target}: an id, or a category of few labels",))


def _constrain_table(table: _Table, part: Any) -> None:
    """What a constraint of the whole table says."""
    from sqlglot import exp

    for inner in part.expressions if isinstance(part, exp.Constraint) else [part]:
        if isinstance(inner, exp.PrimaryKey) and len(inner.expressions) == 1:
            _constrain(table, exp.PrimaryKeyColumnConstraint(), inner.expressions[0].name)
        elif isinstance(inner, exp.ForeignKey) and len(inner.expressions) == 1:
            _refer(table, inner.expressions[0].name, inner.args["reference"])
        elif isinstance(inner, exp.CheckColumnConstraint | exp.Check):
            _check(table, inner.this)


def _amend(statement: Any, tables: Sequence[_Table]) -> None:
    """Constraints and comments that stand in statements of their own, as dumps of databases write them."""
    from sqlglot import exp

    if isinstance(statement, exp.Alter):
        for table in (found for found in tables if found.name.lower() == statement.this.name.lower()):
            for action in statement.args.get("actions") or ():
                for part in action.expressions if isinstance(action, exp.AddConstraint) else ():
                    _constrain_table(table, part)
    elif isinstance(statement, exp.Comment) and isinstance(statement.this, exp.Column):
        for table in (found for found in tables if found.name.lower() == statement.this.table.lower()):
            table.change(statement.this.name, about=statement.expression.name)


def _check(table: _Table, condition: Any) -> None:
    """Levels and bounds that a condition demands; parts joined by AND are read one by one."""
    from sqlglot import exp

    condition = _bare(condition)
    if isinstance(condition, exp.And):
        _check(table, condition.left)
        _check(table, condition.right)
    elif isinstance(condition, exp.In) and condition.expressions:
        _list(table, condition.this, condition.expressions)
    elif isinstance(condition, exp.Between):
        _bound(table, condition.this, "low", condition.args["low"])
        _bound(table, condition.this, "high", condition.args["high"])
    elif isinstance(condition, exp.EQ):
        inner = _bare(condition.expression)
        if isinstance(inner, exp.Any):
            listed = _bare(inner.this)
            _list(table, condition.this, listed.expressions if isinstance(listed, exp.Array) else ())
    elif isinstance(condition, exp.GTE | exp.GT | exp.LTE | exp.LT):
        _compare(table, condition)


def _compare(table: _Table, condition: Any) -> None:
    from sqlglot import exp

    left, right = _bare(condition.left), _bare(condition.right)
    above, strict = isinstance(condition, exp.GTE | exp.GT), isinstance(condition, exp.GT | exp.LT)
    if not isinstance(left, exp.Column):
        left, right, above = right, left, not above
    end = "low" if above else "high"
    own = table.find(left.name) if isinstance(left, exp.Column) else None
    if strict and own is not None and table.entries[own].kind == "integer":
        value = _literal(right)
        if isinstance(value, int):
            _set_end(table, own, end, value + (1 if above else -1))
            return
    _bound(table, left, end, right)


def _list(table: _Table, column: Any, values: Sequence[Any]) -> None:
    from sqlglot import exp

    column, found = _bare(column), [_literal(_bare(value)) for value in values]
    if isinstance(column, exp.Column) and found and None not in found:
        table.change(column.name, levels=tuple(dict.fromkeys(str(value) for value in found)), said=())


def _bound(table: _Table, column: Any, end: str, value: Any) -> None:
    from sqlglot import exp

    column, found = _bare(column), _literal(_bare(value))
    own = table.find(column.name) if isinstance(column, exp.Column) else None
    if own is not None and found is not None:
        _set_end(table, own, end, found)


def _set_end(table: _Table, name: str, end: str, value: float | str) -> None:
    """The tighter of two bounds counts where both are numbers."""
    before = getattr(table.entries[name], end)
    if isinstance(before, int | float) and isinstance(value, int | float):
        value = max(before, value) if end == "low" else min(before, value)
    table.change(name, **{end: value})


def _bare(part: Any) -> Any:
    """An expression without brackets and casts around it."""
    from sqlglot import exp

    while isinstance(part, exp.Paren | exp.Cast):
        part = part.this
    return part


def _literal(part: Any) -> int | float | str | None:
    """A number or text; None for anything else."""
    from sqlglot import exp

    sign = 1
    if isinstance(part, exp.Neg):
        sign, part = -1, _bare(part.this)
    if not isinstance(part, exp.Literal):
        return None
    if part.is_string:
        return str(part.this) if sign == 1 else None
    text = str(part.this)
    return sign * (int(text) if text.isdigit() else float(text))
