"""A schema as JSON, the form it has inside model files; `locum.toml` is the form for people."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from locum.errors import FileFormatError, SchemaError
from locum.files.manifest import place_of
from locum.schema.column import Bounds, Column, Kind, Source
from locum.schema.table import Dependency, Schema
from locum.schema.toml import StrictForm, Texts

#: Most columns a schema file may have.
MAX_COLUMNS = 20_000
#: Most rules of each sort.
MAX_RULES = 10_000
#: Marks of where facts come from; a model file says what columns are, not how that was found out.
_MARKS = ("read_off", "by")


def schema_to_json(schema: Schema) -> dict[str, Any]:
    """JSON-ready dictionary; `schema_from_json` gives back an equal schema."""
    out: dict[str, Any] = {
        "name": schema.name,
        "target": schema.target,
        "protected": list(schema.protected),
        "columns": [_column_to_json(column) for column in schema.columns],
        "dependencies": [
            {"determinant": d.determinant, "dependent": d.dependent} for d in schema.dependencies
        ],
    }
    if schema.rules:
        # Left out where there is none, so that files of versions without rules stay the same.
        out["rules"] = list(schema.rules)
    if schema.near_rules:
        out["near_rules"] = list(schema.near_rules)
    if schema.entity is not None:
        out["entity"] = schema.entity
    return out


def schema_from_json(value: object, where: str = "schema.json") -> Schema:
    """Schema from untrusted JSON.

    Raises
    ------
    FileFormatError
        When an entry is missing, surplus, of the wrong type, or contradicts another.
    """
    try:
        return _SchemaFile.model_validate(value).build()
    except ValidationError as error:
        what = f"the schema is not in order at {place_of(error)}"
        raise FileFormatError(what, where=where, do="use an intact file") from None
    except SchemaError as error:
        what = f"the schema contradicts itself: {error.what}"
        raise FileFormatError(what, where=where, do="use an intact file") from None


def _column_to_json(column: Column) -> dict[str, Any]:
    said = {name: v for name, v in asdict(column).items() if name not in _MARKS}
    out: dict[str, Any] = {name: list(v) if isinstance(v, tuple) else v for name, v in said.items()}
    if column.bounds is not None:
        out["bounds"] |= {end: _limit_to_json(out["bounds"][end]) for end in ("low", "high")}
    return out


def _limit_to_json(value: float | str | None) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": repr(value)}
    return value


class _NotFinite(StrictForm):
    float: Literal["inf", "-inf", "nan"]


_Limit = int | float | str | _NotFinite | None


class _BoundsFile(StrictForm):
    low: _Limit
    high: _Limit
    source: Source

    def build(self) -> Bounds:
        return Bounds(_limit(self.low), _limit(self.high), self.source)


def _limit(value: _Limit) -> float | str | None:
    return float(value.float) if isinstance(value, _NotFinite) else value


class _ColumnFile(StrictForm):
    name: str
    kind: Kind
    nullable: bool
    missing: Texts
    storage: Annotated[str, Field(max_length=10_000)]
    bounds: _BoundsFile | None
    levels: Texts | None
    decimals: Annotated[int, Field(ge=0, le=15)] | None
    format: Annotated[str, Field(max_length=1000)]
    timezone: Annotated[str, Field(max_length=200)]
    confidence: float
    reason: str

    def build(self) -> Column:
        return Column(**{**vars(self), "bounds": self.bounds.build() if self.bounds else None})


class _DependencyFile(StrictForm):
    determinant: str
    dependent: str


_Rules = Annotated[list[Annotated[str, Field(max_length=20_000)]], Field(max_length=MAX_RULES)]


class _SchemaFile(StrictForm):
    name: str
    target: str | None
    protected: Texts
    columns: Annotated[list[_ColumnFile], Field(min_length=1, max_length=MAX_COLUMNS)]
    dependencies: Annotated[list[_DependencyFile], Field(max_length=MAX_COLUMNS)]
    rules: _Rules = Field([])
    near_rules: _Rules = Field([])
    entity: str | None = None

    def build(self) -> Schema:
        return Schema(
            columns=tuple(column.build() for column in self.columns),
            dependencies=tuple(Dependency(**vars(d)) for d in self.dependencies),
            target=self.target,
            protected=self.protected,
            name=self.name,
            rules=tuple(self.rules),
            near_rules=tuple(self.near_rules),
            entity=self.entity,
        )
