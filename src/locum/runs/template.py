"""A ``locum.toml`` to be filled in: what is known about a table without its rows, and what is missing."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from locum.errors import SchemaError, UsageError
from locum.files.atomic import write_text
from locum.files.toml import toml_key, toml_value
from locum.runs.config import Config, EvaluateConfig
from locum.runs.config_text import evaluate_lines
from locum.runs.out_folder import refuse_existing
from locum.runs.tables import need_column
from locum.schema.column import KINDS, Column
from locum.schema.table import Schema
from locum.schema.toml import column_lines, printable, relation_lines, section
from locum.schema.validate import check

_HEAD = """\
# locum.toml - a template. Nothing in it was read off the rows: it holds what is known without them, and for
# each fact that is missing a line. Take its comment sign off and put the fact in place of the dots. Write
# what a form, a code book or a law says, and leave the rest open: looking it up in the rows would tell
# something about single persons. In a private run --discover buys what is open, at a price.
# Kinds: category boolean integer number datetime date duration text id pii.*
# id, text and pii.* are made afresh, never learned.
version = 1
"""
_RELEASE = """\
# Who releases the stand-in, and why; a certificate says so.
# [release]
# controller = ...   # who answers for the data
# contact = ...
# purpose = ...
# why_epsilon = ...  # why this epsilon
# why_unit = ...     # why persons, or rows, are what is protected
"""
_MISSING = "missing: "

FactName = Literal["names", "kind", "levels", "bounds", "unit"]


@dataclass(frozen=True, slots=True)
class MissingFact:
    """A fact that is still missing: which, of which column (empty for the table), and in words."""

    fact: FactName
    column: str
    words: str

    def __str__(self) -> str:
        return self.words


@dataclass(frozen=True, slots=True)
class Draft:
    """What is known about a table whose rows nobody has looked at.

    Attributes
    ----------
    table
        Name of the table.
    names
        Names of the columns in the order of the data.
    schema
        The columns whose kind is known; None for none. Names that are not among `names` are refused.
    data
        Path of the data as it is to be written; None leaves it out.
    reading
        How the file is read: ``delimiter``, ``encoding``, ``decimal``, ``missing``, ``header``.
    unit, per_unit, one_row_per_person
        Whose rows they are, as in `Config`.
    target, protected
        Column to be predicted, and columns that name groups.
    hints
        By name of a column what is known of it and cannot be said yet, in sentences; written as comments.

    Raises
    ------
    UsageError
        When a unit, target or protected column is not there, or a unit contradicts `one_row_per_person`.
    SchemaError
        When the schema contradicts itself, or is about other columns.
    """

    table: str
    names: tuple[str, ...]
    schema: Schema | None = None
    data: str | None = None
    reading: Mapping[str, Any] = field(default_factory=dict)
    unit: str | None = None
    per_unit: int | None = None
    one_row_per_person: bool = False
    target: str | None = None
    protected: tuple[str, ...] = ()
    hints: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.schema is not None:
            check(self.schema)
            stray = [name for name in self.schema.names if name not in self.names]
            if stray:
                raise SchemaError(f"there is no column {stray[0]!r}", where=self.table, do="name it too")
        if self.unit is not None and self.one_row_per_person:
            raise UsageError(
                "a unit says that a person may have several rows, one row per person that none has",
                where="--unit",
                do="give one of the two",
            )
        roles = [
            ("unit", self.unit),
            ("target", self.target),
            *(("protected", name) for name in self.protected),
        ]
        for role, name in roles:
            if name is not None and self.names:
                need_column(name, self.names, where=f"--{role}")
            elif name is not None and role != "unit":
                raise UsageError("no column is named yet", where=f"--{role}", do="name them with --columns")

    def known(self, name: str) -> Column | None:
        """The column where its kind is known."""
        return self.schema[name] if self.schema is not None and name in self.schema.names else None

    def gaps(self) -> tuple[MissingFact, ...]:
        """What is missing: of each column in order, then of the table."""
        found = [] if self.names else [MissingFact("names", "", "the names of the columns")]
        found += [gap for name in self.names for gap in _gaps(name, self.known(name))]
        if self.unit is None and not self.one_row_per_person:
            found.append(MissingFact("unit", "", "whose row each row is: a unit, or one row per person"))
        return tuple(found)

    def with_column(self, column: Column) -> Draft:
        """The draft with what a column is; in place of what was known of it."""
        schema = self.schema or Schema((), name=self.table)
        known = {c.name: c for c in schema} | {column.name: column}
        columns = tuple(known[name] for name in self.names if name in known)
        return replace(self, schema=replace(schema, columns=columns))

    def text(self) -> str:
        """The template."""
        lines = [_HEAD, *self._data_lines(), ""]
        if not self.names:
            lines += [f"# [schema.{toml_key(self.table)}.NAME]  # one for each column", "# kind = ...", ""]
        for name in self.names:
            lines += [*self._column_lines(name), ""]
        schema = self.schema or Schema((), name=self.table)
        lines += relation_lines(schema)
        unfilled = tuple(name for name in self.names if self.known(name) is None)
        schema = replace(schema, target=None, protected=())
        judged = EvaluateConfig(None, self.target, self.protected)
        lines += evaluate_lines(Config(schema, evaluate=judged, unfilled=unfilled))
        return "\n".join(lines) + "\n" + _RELEASE

    def _data_lines(self) -> list[str]:
        lines = [f"[data.{toml_key(self.table)}]"]
        if self.data is not None:
            lines.append(f"path = {toml_value(self.data)}")
        lines += [f"{k} = {toml_value(v)}" for k, v in self.reading.items() if k not in ("names", "header")]
        if self.names:
            lines.append(f"columns = {toml_value(self.names)}  # in the order of the data")
        else:
            lines.append(f"# columns = [...]  # {_MISSING}the names of the columns, in the order of the data")
        if self.reading.get("header") is False:
            lines.append("header = false")
        else:
            lines.append("# header = false  # if the first line of the file is a row, and not the names")
        if self.unit is not None:
            lines.append(f"unit = {toml_value(self.unit)}  # whose row it is")
            most = f"per_unit = {self.per_unit}" if self.per_unit else "# per_unit = 3"
            lines.append(f"{most}  # rows kept of each, at most; one where nothing is said")
        elif self.one_row_per_person:
            lines.append("one_row_per_person = true")
        else:
            lines += [
                f"# unit = ...  # {_MISSING}the column that says whose row it is",
                "# one_row_per_person = true  # or this instead, if no person has two rows",
            ]
        return lines

    def _column_lines(self, name: str) -> list[str]:
        column = self.known(name)
        hints = [f"# {printable(hint)}" for hint in self.hints.get(name, ())]
        if column is None:
            example = "" if self.unit != name else "; for a unit most often id"
            gap = f"# kind = ...  # {_MISSING}what the values are{example}"
            return [section(self.table, name), *hints, gap]
        gaps = (_gap_line(gap, column) for gap in _gaps(name, column))
        return [*column_lines(self.table, column), *hints, *gaps]


def write_template(
    path: Path,
    table: str,
    names: Sequence[str],
    schema: Schema | None,
    data: str | None,
    reading: Mapping[str, Any],
    *,
    unit: str | None = None,
    one_row_per_person: bool = False,
    force: bool = False,
) -> tuple[str, ...]:
    """Write a template of ``locum.toml`` from what is known, and return what is missing, in words.

    Parameters
    ----------
    path
        File to write.
    table, names, schema, data, reading, unit, one_row_per_person
        As in `Draft`.
    force
        Replace a file of that name.

    Raises
    ------
    FolderError
        When the file exists and `force` is not set, or cannot be written.
    SchemaError, UsageError
        As `Draft`.
    """
    draft = Draft(table, tuple(names), schema, data, reading, unit, one_row_per_person=one_row_per_person)
    return write_draft(draft, path, force=force)


def write_draft(draft: Draft, path: Path, *, force: bool = False) -> tuple[str, ...]:
    """Write a draft; result and errors as in `write_template`."""
    refuse_existing(path, force=force)
    write_text(path, draft.text())
    return tuple(str(gap) for gap in draft.gaps())


def path_from(data: str | os.PathLike[str], config: Path) -> str:
    """Path of the data as written into a config file: relative to the config's folder. Nothing is opened."""
    return Path(os.path.relpath(data, config.parent)).as_posix()


def _gaps(name: str, column: Column | None) -> Iterator[MissingFact]:
    """What is missing of a column."""
    if column is None:
        yield MissingFact("kind", name, f"the kind of {name}")
    elif column.kind == "category" and column.levels is None:
        yield MissingFact("levels", name, f"the levels of {name}")
    elif column.ordered:
        bounds = column.bounds
        low, high = (None, None) if bounds is None else (bounds.low, bounds.high)
        if low is None and high is None:
            yield MissingFact("bounds", name, f"the lowest and the highest value of {name}")
        elif low is None or high is None:
            yield MissingFact("bounds", name, f"the {'lowest' if low is None else 'highest'} value of {name}")


def _gap_line(gap: MissingFact, column: Column) -> str:
    """The commented line of a fact that is missing of a column whose kind is known."""
    words = printable(gap.words)
    if gap.fact == "levels":
        beside = f"; name in by who says so, beside {printable(column.by)}" if column.by else ""
        return f"# levels = [...]  # {_MISSING}every label that may appear{beside}"
    if column.bounds is not None:
        end = "low" if column.bounds.low is None else "high"
        return f"# add {end} = ... to the bounds  # {_MISSING}{words}"
    return f'# bounds = {{ low = ..., high = ..., source = "declared" }}  # {_MISSING}{words}'


def kinds_in_words() -> str:
    """The kinds there are, for a question."""
    plain = [kind for kind in KINDS if not kind.startswith("pii.")]
    return f"{', '.join(plain)}, or {KINDS[len(plain)]} and other pii.*"
