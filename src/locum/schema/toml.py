"""Columns, dependencies and rules to and from their sections in ``locum.toml``."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from locum.files.toml import toml_key, toml_value
from locum.schema.column import Bounds, Column, Kind, Source
from locum.schema.table import Schema

DECLARED = "declared in locum.toml"


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


class ColumnForm(StrictForm):
    """What a section says about a column."""

    kind: Kind
    nullable: bool = True
    missing: Texts = ()
    storage: str = "string"
    bounds: _BoundsForm | None = None
    levels: Texts | None = None
    decimals: Annotated[int, Field(ge=0, le=15)] | None = None
    format: str = ""
    timezone: str = ""

    def build(self, name: str) -> Column:
        """The column of that name."""
        bounds = None if self.bounds is None else Bounds(**vars(self.bounds))
        return Column(name, **{**vars(self), "bounds": bounds}, reason=DECLARED)


class DependencyForm(StrictForm):
    """What a section says about two columns that go together."""

    determinant: str
    dependent: str


class RuleForm(StrictForm):
    """A rule that every row keeps."""

    holds: Annotated[str, Field(max_length=20_000)]


def schema_lines(schema: Schema) -> list[str]:
    """The sections about columns, dependencies and rules; comments say why a column is of its kind."""
    lines = []
    for column in schema:
        lines += [f"[schema.{toml_key(schema.name)}.{toml_key(column.name)}]", *_column(column), ""]
    for dependency in schema.dependencies:
        lines += [
            "[[dependency]]",
            f"determinant = {toml_value(dependency.determinant)}",
            f"dependent = {toml_value(dependency.dependent)}  # each determinant goes with one value of it",
            "",
        ]
    for rule in schema.rules:
        lines += ["[[rule]]", f"holds = {toml_value(rule)}  # in every row that is written", ""]
    return lines


def _column(column: Column) -> list[str]:
    comment = "" if column.reason in ("", DECLARED, "declared") else f"  # {_comment(column)}"
    lines = [f"kind = {toml_value(column.kind)}{comment}"]
    plain = Column(column.name, column.kind)
    for name in ("nullable", "missing", "storage", "levels", "decimals", "format", "timezone"):
        value = getattr(column, name)
        if value != getattr(plain, name):
            lines.append(f"{name} = {toml_value(value)}")
    if column.bounds is not None:
        lines.append(f"bounds = {toml_value(_bounds(column.bounds))}")
    return lines


def _bounds(bounds: Bounds) -> dict[str, Any]:
    found = {"low": bounds.low, "high": bounds.high, "source": bounds.source}
    return {name: value for name, value in found.items() if value is not None}


def _comment(column: Column) -> str:
    reason = "".join(c if c.isprintable() else " " for c in column.reason)
    return f"{reason} ({column.confidence:.0%} sure)" if column.confidence < 1 else reason
