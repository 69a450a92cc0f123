"""Columns, dependencies and rules to and from their sections in ``locum.toml``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from locum.files.toml import toml_key, toml_value
from locum.schema.column import FACTS, Bounds, Column, Kind, Source
from locum.schema.table import Dependency, Schema

DECLARED = "declared in locum.toml"
#: Where a fact may come from in ``source = ...``; what was bought stands in a ledger, not here.
SOURCES = ("data", "declared", "public")


class StrictForm(BaseModel):
    """A section of which unknown keys are refused by name."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _BoundsForm(StrictForm):
    low: int | float | str | None = None
    high: int | float | str | None = None
    source: Source = "declared"


def _as_tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


Texts = Annotated[tuple[str, ...], BeforeValidator(_as_tuple)]


def mistake(what: str, expected: str = "", do: str = "") -> PydanticCustomError:
    """A mistake in a file, told in our words; see `locum.runs.config`."""
    return PydanticCustomError("locum", "{what}", {"what": what, "expected": expected, "do": do})


def _source(value: object) -> object:
    """One word for all facts, or a word for each; refused here, for a union would be told in odd words."""
    each = isinstance(value, Mapping)
    words = value if isinstance(value, Mapping) else {"": value}
    for fact, word in words.items():
        if each and fact not in FACTS:
            about = "bounds tell their own source" if fact == "bounds" else f"there is no fact {fact!r}"
            raise mistake(about, f"facts among {', '.join(FACTS)}", "correct it, or remove it")
        if word not in SOURCES:
            raise mistake(f"{word!r} is no source", f"one of {', '.join(SOURCES)}")
    return dict(words)


_Word = Literal["data", "declared", "public"]
_Sources = Annotated[dict[str, _Word], BeforeValidator(_source)]


class _MarkedForm(StrictForm):
    """A section that may say where its facts come from, and who vouches for them."""

    source: _Sources = Field(default_factory=dict)
    by: Annotated[str, Field(max_length=1000)] = ""

    @model_validator(mode="after")
    def _names_who(self) -> _MarkedForm:
        public = "public" in self.source.values()
        if public and not self.by.strip():
            raise mistake(
                'source = "public" does not say who says so', do='add by = "..." with a name or a document'
            )
        if self.by and not public and not self._public_besides():
            raise mistake(
                "by = ... says who vouches for public facts, and no fact here is public",
                do='set source = "public", or remove by',
            )
        return self

    def _public_besides(self) -> bool:
        return False

    @property
    def whole(self) -> _Word:
        """The source of a section that is one fact."""
        return self.source.get("", "declared")


class ColumnForm(_MarkedForm):
    """What a section says about a column; without a kind it says nothing but that there is one."""

    kind: Kind | None = None
    nullable: bool = True
    missing: Texts = ()
    storage: str = "string"
    bounds: _BoundsForm | None = None
    levels: Texts | None = None
    decimals: Annotated[int, Field(ge=0, le=15)] | None = None
    format: str = ""
    timezone: str = ""

    @model_validator(mode="after")
    def _has_kind(self) -> ColumnForm:
        if self.kind is None and self.model_fields_set:
            known = ", ".join(name for name in type(self).model_fields if name in self.model_fields_set)
            raise mistake(
                f"the kind is missing, without which the rest ({known}) cannot be understood",
                do='add it, such as kind = "integer"',
            )
        return self

    def _public_besides(self) -> bool:
        return self.bounds is not None and self.bounds.source == "public"

    def build(self, name: str) -> Column:
        """The column of that name; only where there is a kind."""
        bounds = None if self.bounds is None else Bounds(**vars(self.bounds))
        said: dict[str, Any] = {fact: getattr(self, fact) for fact in FACTS if fact != "name"}
        column = Column(name, **said, bounds=bounds, reason=DECLARED, by=self.by)
        told = ("name", *column.told) if "name" in self.source else column.told
        read_off = (fact for fact in told if self.source.get(fact, self.whole) == "data")
        return replace(column, read_off=tuple(read_off))


class _WholeForm(_MarkedForm):
    """A section that is one fact."""

    @model_validator(mode="after")
    def _one_word(self) -> _WholeForm:
        if any(self.source):
            raise mistake("a section that says one thing has one source", 'such as source = "declared"')
        return self


class DependencyForm(_WholeForm):
    """What a section says about two columns that go together."""

    determinant: str
    dependent: str


#: What a rule without a remark is said to be.
EVERY_ROW, NEARLY = "in every row that is written", "in nearly all rows, as in the data"


class RuleForm(_WholeForm):
    """A rule that every row keeps, or nearly every row."""

    holds: Annotated[str, Field(max_length=20_000)]
    nearly: bool = False


def schema_lines(schema: Schema) -> list[str]:
    """The sections about columns, dependencies and rules; comments say why a column is of its kind."""
    lines = []
    for column in schema:
        lines += [*column_lines(schema.name, column), ""]
    return lines + relation_lines(schema)


def column_lines(table: str, column: Column) -> list[str]:
    """The section about one column."""
    comment = "" if column.reason in ("", DECLARED, "declared") else f"  # {_comment(column)}"
    lines = [section(table, column.name), f"kind = {toml_value(column.kind)}{comment}"]
    lines += [f"{name} = {toml_value(getattr(column, name))}" for name in column.told if name != "kind"]
    if column.bounds is not None:
        lines.append(f"bounds = {toml_value(_bounds(column.bounds))}")
    return lines + _marks(column)


def section(table: str, column: str) -> str:
    """The first line of the section about a column."""
    return f"[schema.{toml_key(table)}.{toml_key(column)}]"


def relation_lines(schema: Schema, remarks: Mapping[str, str] | None = None) -> list[str]:
    """The sections about dependencies and rules; remarks by rule stand behind it."""
    lines = []
    told = remarks or {}
    for dependency in schema.dependencies:
        lines += [
            "[[dependency]]",
            f"determinant = {toml_value(dependency.determinant)}",
            f"dependent = {toml_value(dependency.dependent)}  # each determinant goes with one value of it",
            *_source_lines(dependency),
            "",
        ]
    named = dict(schema.rules_by)
    for rule in schema.rules:
        lines += ["[[rule]]", f"holds = {toml_value(rule)}  # {printable(told.get(rule, EVERY_ROW))}"]
        if rule in schema.rules_read_off:
            lines.append('source = "data"')
        elif named.get(rule):
            lines += ['source = "public"', f"by = {toml_value(named[rule])}"]
        lines.append("")
    for rule in schema.near_rules:
        lines += ["[[rule]]", f"holds = {toml_value(rule)}  # {printable(told.get(rule, NEARLY))}"]
        lines += ["nearly = true", 'source = "data"', ""]
    return lines


def _source_lines(dependency: Dependency) -> list[str]:
    if dependency.source == "data":
        return ['source = "data"']
    if dependency.source == "public" and dependency.by:
        return ['source = "public"', f"by = {toml_value(dependency.by)}"]
    return []


def _marks(column: Column) -> list[str]:
    """Where the facts of a column come from; nothing where all are declared."""
    told = ("name", *column.told) if "name" in column.read_off else column.told
    read_off = [fact for fact in told if fact in column.read_off]
    other = [fact for fact in told if fact not in read_off]
    ranged = column.bounds is not None and column.bounds.source == "public"
    by = [f"by = {toml_value(column.by)}"] if column.by and (other or ranged) else []
    if not read_off:
        return ['source = "public"', *by] if by else []
    if not other and "name" not in read_off:
        return ['source = "data"', *by]
    else_word = "public" if column.by else "declared"
    words = {fact: "data" if fact in read_off else else_word for fact in told}
    return [f"source = {toml_value(words)}", *by]


def _bounds(bounds: Bounds) -> dict[str, Any]:
    found = {"low": bounds.low, "high": bounds.high, "source": bounds.source}
    return {name: value for name, value in found.items() if value is not None}


def _comment(column: Column) -> str:
    reason = printable(column.reason)
    return f"{reason} ({column.confidence:.0%} sure)" if column.confidence < 1 else reason


def printable(text: str) -> str:
    """Text that stays in its comment."""
    return "".join(c if c.isprintable() else " " for c in text)
