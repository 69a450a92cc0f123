"""What ``locum.toml`` says: the data file, the schema, the generator, the evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from locum.errors import SchemaError
from locum.schema.column import Bounds, Column, Kind, Source
from locum.schema.require import Requirements, requirements
from locum.schema.table import Dependency, Schema

DECLARED = "declared in locum.toml"


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """Which generator makes the rows.

    Attributes
    ----------
    name
        Name in the registry; None leaves the choice to locum.
    seed
        Seed of every random step; None leaves it to the command.
    settings
        Settings of the generator by name.
    """

    name: str | None = None
    seed: int | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EvaluateConfig:
    """How the result is judged: share of rows kept aside (0-1), None for the default.

    Target and protected columns stand in the schema; here only when the file describes no columns.
    """

    holdout: float | None = None
    target: str | None = None
    protected: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Config:
    """All of a ``locum.toml``.

    Attributes
    ----------
    schema
        The table's columns, dependencies, target and protected columns; None when the file describes none,
        such as one that holds only ``[require]``: then columns are detected.
    path
        The data file, relative to the config file; None when the config names none.
    delimiter, encoding, decimal, missing
        How to read a CSV file where sniffing gets it wrong; see `locum.data.read`.
    model, evaluate, require
        The other sections.
    """

    schema: Schema | None
    path: str | None = None
    delimiter: str | None = None
    encoding: str | None = None
    decimal: str | None = None
    missing: tuple[str, ...] = ()
    model: ModelConfig = field(default_factory=ModelConfig)
    evaluate: EvaluateConfig = field(default_factory=EvaluateConfig)
    require: Requirements = field(default_factory=Requirements)

    @property
    def reading(self) -> dict[str, Any]:
        """The reading options that are set, as keyword arguments of `locum.data.read`."""
        given = {"delimiter": self.delimiter, "encoding": self.encoding, "decimal": self.decimal}
        given["missing"] = self.missing  # type: ignore[assignment]
        return {name: value for name, value in given.items() if value}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _BoundsFile(_Strict):
    low: int | float | str | None = None
    high: int | float | str | None = None
    source: Source = "declared"


def _as_tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


_Texts = Annotated[tuple[str, ...], BeforeValidator(_as_tuple)]


class _ColumnFile(_Strict):
    kind: Kind
    nullable: bool = True
    missing: _Texts = ()
    storage: str = "string"
    bounds: _BoundsFile | None = None
    levels: _Texts | None = None
    decimals: Annotated[int, Field(ge=0, le=15)] | None = None
    format: str = ""
    timezone: str = ""

    def build(self, name: str) -> Column:
        bounds = self.bounds
        return Column(
            name=name,
            kind=self.kind,
            nullable=self.nullable,
            missing=self.missing,
            storage=self.storage,
            bounds=None if bounds is None else Bounds(bounds.low, bounds.high, bounds.source),
            levels=self.levels,
            decimals=self.decimals,
            format=self.format,
            timezone=self.timezone,
            reason=DECLARED,
        )


class _DataFile(_Strict):
    path: str | None = None
    delimiter: str | None = None
    encoding: str | None = None
    decimal: Literal[".", ","] | None = None
    missing: _Texts = ()


class _DependencyFile(_Strict):
    determinant: str
    dependent: str


class _RuleFile(_Strict):
    holds: Annotated[str, Field(max_length=20_000)]


class _ModelFile(_Strict):
    name: str | None = None
    seed: Annotated[int, Field(ge=0, lt=2**63)] | None = None
    settings: dict[str, bool | int | float | str | list[int | float | str]] = Field(default_factory=dict)


class _EvaluateFile(_Strict):
    holdout: Annotated[float, Field(ge=0, lt=1)] | None = None
    target: str | None = None
    protected: _Texts = ()


class ConfigFile(_Strict):
    """The file as it is written; unknown keys are refused by name."""

    version: Literal[1] | None = None
    data: dict[str, _DataFile] = Field(default_factory=dict)
    tables: dict[str, dict[str, _ColumnFile]] = Field(alias="schema", default_factory=dict)
    dependency: list[_DependencyFile] = Field(default_factory=list)
    rule: list[_RuleFile] = Field(default_factory=list)
    model: _ModelFile = Field(default_factory=_ModelFile)
    evaluate: _EvaluateFile = Field(default_factory=_EvaluateFile)
    require: dict[str, Any] = Field(default_factory=dict)

    def build(self) -> Config:
        """The settled config.

        Raises
        ------
        SchemaError
            When there is more than one table, or parts contradict each other.
        """
        if not self.tables:
            return self._without_columns()
        if len(self.tables) != 1:
            raise SchemaError(
                f"the file describes {len(self.tables)} tables",
                where="schema",
                expected="one table",
                do="keep the sections [schema.<table>.<column>] of one table",
            )
        if self.version is None:
            raise SchemaError("this key is missing", where="version", do="add it: version = 1")
        (table, columns), *_ = self.tables.items()
        other = [name for name in self.data if name != table]
        if other:
            raise SchemaError(
                f"[data] names table {other[0]!r}, the schema is about {table!r}",
                where=f"data.{other[0]}",
                do="give both the same name",
            )

        def short(name: str) -> str:
            """Column name without the table's name before it."""
            rest = name.removeprefix(f"{table}.")
            return rest if rest in columns else name

        schema = Schema(
            columns=tuple(column.build(name) for name, column in columns.items()),
            dependencies=tuple(Dependency(short(d.determinant), short(d.dependent)) for d in self.dependency),
            target=None if self.evaluate.target is None else short(self.evaluate.target),
            protected=tuple(short(name) for name in self.evaluate.protected),
            name=table,
            rules=tuple(dict.fromkeys(rule.holds for rule in self.rule)),
        )
        return self._config(schema, self.data.get(table, _DataFile()), EvaluateConfig(self.evaluate.holdout))

    def _without_columns(self) -> Config:
        """A file that leaves the columns to detection."""
        if self.dependency or self.rule:
            raise SchemaError(
                "dependencies and rules need the columns that they are about", where="schema",
                do="add the sections [schema.<table>.<column>], as `locum init` writes them",
            )  # fmt: skip
        if len(self.data) > 1:
            raise SchemaError(
                f"[data] names {len(self.data)} tables", where="data", expected="one table", do="keep one"
            )
        data = next(iter(self.data.values()), _DataFile())
        judged = EvaluateConfig(self.evaluate.holdout, self.evaluate.target, self.evaluate.protected)
        return self._config(None, data, judged)

    def _config(self, schema: Schema | None, data: _DataFile, judged: EvaluateConfig) -> Config:
        model = ModelConfig(self.model.name, self.model.seed, dict(self.model.settings))
        return Config(
            schema, data.path, data.delimiter, data.encoding, data.decimal, data.missing, model, judged,
            requirements(self.require),
        )  # fmt: skip
