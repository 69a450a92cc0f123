"""A schema as JSON, the form it has inside model files; `locum.toml` is the form for people."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from locum.errors import FileFormatError, SchemaError
from locum.schema.column import Bounds, Column, Kind, Source
from locum.schema.table import Dependency, Schema

#: Most columns a schema file may have.
MAX_COLUMNS = 20_000


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
        place = ".".join(str(part)[:40] for part in error.errors()[0]["loc"]) or "the whole of it"
        what = f"the schema is not in order at {ascii(place)[1:-1]}"
        raise FileFormatError(what, where=where, do="use an intact file") from None
    except SchemaError as error:
        what = f"the schema contradicts itself: {error.what}"
        raise FileFormatError(what, where=where, do="use an intact file") from None


def _column_to_json(column: Column) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name in Column.__dataclass_fields__:
        value = getattr(column, name)
        if isinstance(value, Bounds):
            value = {
                "low": _limit_to_json(value.low),
                "high": _limit_to_json(value.high),
                "source": value.source,
            }
        out[name] = list(value) if isinstance(value, tuple) else value
    return out


def _limit_to_json(value: float | str | None) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": repr(value)}
    return value


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _NotFinite(_Strict):
    float: Literal["inf", "-inf", "nan"]


_Limit = int | float | str | _NotFinite | None


class _BoundsFile(_Strict):
    low: _Limit
    high: _Limit
    source: Source

    def build(self) -> Bounds:
        return Bounds(_limit(self.low), _limit(self.high), self.source)


def _limit(value: _Limit) -> float | str | None:
    return float(value.float) if isinstance(value, _NotFinite) else value


class _ColumnFile(_Strict):
    name: str
    kind: Kind
    nullable: bool
    missing: list[str]
    storage: Annotated[str, Field(max_length=10_000)]
    bounds: _BoundsFile | None
    levels: list[str] | None
    decimals: Annotated[int, Field(ge=0, le=15)] | None
    format: Annotated[str, Field(max_length=1000)]
    timezone: Annotated[str, Field(max_length=200)]
    confidence: float
    reason: str

    def build(self) -> Column:
        return Column(
            name=self.name,
            kind=self.kind,
            nullable=self.nullable,
            missing=tuple(self.missing),
            storage=self.storage,
            bounds=self.bounds.build() if self.bounds else None,
            levels=None if self.levels is None else tuple(self.levels),
            decimals=self.decimals,
            format=self.format,
            timezone=self.timezone,
            confidence=self.confidence,
            reason=self.reason,
        )


class _DependencyFile(_Strict):
    determinant: str
    dependent: str


class _SchemaFile(_Strict):
    name: str
    target: str | None
    protected: list[str]
    columns: Annotated[list[_ColumnFile], Field(min_length=1, max_length=MAX_COLUMNS)]
    dependencies: Annotated[list[_DependencyFile], Field(max_length=MAX_COLUMNS)]
    rules: Annotated[list[Annotated[str, Field(max_length=20_000)]], Field(max_length=1000)] = []

    def build(self) -> Schema:
        return Schema(
            columns=tuple(column.build() for column in self.columns),
            dependencies=tuple(Dependency(d.determinant, d.dependent) for d in self.dependencies),
            target=self.target,
            protected=tuple(self.protected),
            name=self.name,
            rules=tuple(self.rules),
        )
