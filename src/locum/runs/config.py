"""What ``locum.toml`` says: data file, schema, generator, evaluation; reading and finding it."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from locum.errors import SchemaError, UsageError
from locum.evaluation.limits import Requirements, requirements
from locum.runs.config_forms import AREA, DataForm, EvaluateForm, ModelForm, ReleaseForm
from locum.runs.files import CONFIG
from locum.runs.options import NO_ENTITY
from locum.runs.request import RunRequest
from locum.schema.table import Dependency, Schema
from locum.schema.toml import (
    ColumnForm,
    DependencyForm,
    RuleForm,
    StrictForm,
)


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
    columns
        Names of all columns in the order of the data, also of those whose kind is not filled in yet; where
        ``[data]`` does not list them, those that have a section.
    unfilled
        Those of `columns` whose kind is still to be filled in, in a file that describes others or tries to.
        They are not in `schema`.
    header
        Whether the first line of a text table holds names; without, columns are known by their place. None
        when the file does not say.
    unit, per_unit
        Column that says whose row it is, and how many rows of each are kept; None when that is not said.
    one_row_per_person
        Whether the file says that no person has two rows.
    release
        What ``[release]`` says about a release by key: ``controller``, ``contact``, ``purpose``,
        ``why_epsilon``, ``why_unit``, ``unit_said``.
    entity
        Column that says whose row it is in a run without a guarantee, ``none`` where each row is somebody
        else's; None when that is not said.
    area
        Where the table lies in its file, by the keys ``skip_rows``, ``header_rows``, ``units_row``,
        ``footer_rows`` and ``sheet``.
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
    columns: tuple[str, ...] = ()
    unfilled: tuple[str, ...] = ()
    header: bool | None = None
    unit: str | None = None
    per_unit: int | None = None
    one_row_per_person: bool = False
    release: Mapping[str, str] = field(default_factory=dict)
    entity: str | None = None
    area: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.columns and self.schema is not None:
            object.__setattr__(self, "columns", self.schema.names)

    @property
    def reading(self) -> dict[str, Any]:
        """The reading options that are set, as keyword arguments of `locum.data.read`."""
        given: dict[str, Any] = {"delimiter": self.delimiter, "encoding": self.encoding}
        given |= {"decimal": self.decimal, "missing": self.missing}
        found = {name: value for name, value in given.items() if value} | dict(self.area)
        if self.header is None:
            return found
        return {**found, "header": True} if self.header else {**found, **headless(self.columns)}


def headless(names: Sequence[str]) -> dict[str, Any]:
    """Keyword arguments of `locum.data.read` for a file without a header line, with its names if known."""
    return {"header": False, **({"names": tuple(names)} if names else {})}


class _ConfigForm(StrictForm):
    """The file as it is written; unknown keys are refused by name."""

    version: Literal[1] | None = None
    data: dict[str, DataForm] = Field(default_factory=dict)
    tables: dict[str, dict[str, ColumnForm]] = Field(alias="schema", default_factory=dict)
    dependency: list[DependencyForm] = Field(default_factory=list)
    rule: list[RuleForm] = Field(default_factory=list)
    model: ModelForm = Field(default_factory=ModelForm)
    evaluate: EvaluateForm = Field(default_factory=EvaluateForm)
    require: dict[str, Any] = Field(default_factory=dict)
    use: dict[str, Any] = Field(default_factory=dict)
    release: ReleaseForm = Field(default_factory=ReleaseForm)

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

        data = self.data.get(table, DataForm())
        names = data.columns or tuple(columns)
        stray = [name for name in columns if name not in names]
        if stray:
            raise SchemaError(
                f"there is a section about {stray[0]!r}, which the list of columns does not name",
                where=f"data.{table}.columns",
                do="add the name where it stands in the data, or remove the section",
            )
        filled = tuple(name for name in names if name in columns and columns[name].kind is not None)
        unfilled = tuple(name for name in names if name not in filled)

        def short(name: str) -> str:
            """Column name without the table's name before it."""
            rest = name.removeprefix(f"{table}.")
            return rest if rest in names else name

        dependencies = tuple(
            Dependency(short(d.determinant), short(d.dependent), d.whole, d.by) for d in self.dependency
        )
        for dependency in dependencies:
            for name in (dependency.determinant, dependency.dependent):
                if name in unfilled:
                    raise SchemaError(
                        f"a dependency names {name!r}, whose kind is not filled in yet",
                        where=f"schema.{table}.{name}",
                        do="add its kind, or remove the dependency",
                    )
        target = None if self.evaluate.target is None else short(self.evaluate.target)
        protected = tuple(short(name) for name in self.evaluate.protected)
        for role in (target, *protected):
            if role is not None and role not in names:
                raise SchemaError(
                    f"there is no column {role!r}",
                    where="evaluate",
                    expected=f"one of {', '.join(names[:12])}",
                )
        firm = [rule for rule in self.rule if not rule.nearly]
        schema = Schema(
            columns=tuple(columns[name].build(name) for name in filled),
            dependencies=dependencies,
            target=target if target in filled else None,
            protected=tuple(name for name in protected if name in filled),
            name=table,
            rules=tuple(dict.fromkeys(rule.holds for rule in firm)),
            rules_read_off=tuple(dict.fromkeys(rule.holds for rule in firm if rule.whole == "data")),
            rules_by=tuple((rule.holds, rule.by) for rule in firm if rule.whole == "public"),
            near_rules=tuple(dict.fromkeys(rule.holds for rule in self.rule if rule.nearly)),
        )
        # Roles of columns that the schema cannot hold yet are kept beside it.
        judged = EvaluateConfig(
            self.evaluate.holdout,
            target if target in unfilled else None,
            tuple(name for name in protected if name in unfilled),
        )
        return self._config(schema if filled else None, data, judged, names, unfilled)

    def _without_columns(self) -> Config:
        """A file that leaves the columns to detection."""
        if self.dependency or self.rule:
            raise SchemaError(
                "dependencies and rules need the columns that they are about",
                where="schema",
                do="add the sections [schema.<table>.<column>], as `locum init` writes them",
            )
        if len(self.data) > 1:
            raise SchemaError(
                f"[data] names {len(self.data)} tables", where="data", expected="one table", do="keep one"
            )
        data = next(iter(self.data.values()), DataForm())
        judged = EvaluateConfig(self.evaluate.holdout, self.evaluate.target, self.evaluate.protected)
        return self._config(None, data, judged, data.columns)

    def _config(
        self,
        schema: Schema | None,
        data: DataForm,
        judged: EvaluateConfig,
        names: tuple[str, ...],
        unfilled: tuple[str, ...] = (),
    ) -> Config:
        for key, name in (("unit", data.unit), ("entity", data.entity)):
            if name is None or not names or name in names or (key, name) == ("entity", NO_ENTITY):
                continue
            raise SchemaError(
                f"there is no column {name!r}",
                where=f"data.{key}",
                expected=f"one of {', '.join(names[:12])}",
            )
        return Config(
            schema,
            data.path,
            data.delimiter,
            data.encoding,
            data.decimal,
            data.missing,
            ModelConfig(self.model.name, self.model.seed, dict(self.model.settings)),
            judged,
            requirements({**self.require, "rules": self.use}),
            names,
            unfilled,
            data.header,
            data.unit,
            data.per_unit,
            data.one_row_per_person,
            {name: text for name, text in vars(self.release).items() if text},
            data.entity,
            {name: getattr(data, name) for name in AREA if getattr(data, name) is not None},
        )


def load_config(path: str | os.PathLike[str]) -> Config:
    """Read a ``locum.toml``.

    Raises
    ------
    SchemaError
        File absent or no TOML, an unknown key, a value of the wrong type, or parts that contradict each
        other; the message names the key.
    """
    where = str(path)
    try:
        text = Path(path).read_bytes().decode("utf-8")
    except FileNotFoundError as error:
        raise SchemaError(
            "there is no such file", where=where, do="make one with `locum init DATA`"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise SchemaError("the file cannot be read as UTF-8 text", where=where) from error
    return parse_config(text, where=where)


def parse_config(text: str, *, where: str = "locum.toml") -> Config:
    """Read the text of a ``locum.toml``; errors as in `load_config`."""
    try:
        return _ConfigForm.model_validate(tomllib.loads(text)).build()
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SchemaError(f"this is no TOML: {error}", where=where, do="repair the line named") from error
    except ValidationError as error:
        raise _explain(error, where) from None
    except SchemaError as error:
        raise SchemaError(
            error.what, where=f"{where}: {error.where}", expected=error.expected, do=error.do
        ) from error


def _explain(error: ValidationError, where: str) -> SchemaError:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "locum":
        said = first["ctx"]
        what, expected, do = said["what"], said["expected"], said["do"]
    elif first["type"] == "extra_forbidden":
        what, expected, do = "this key is not known", "", "check its spelling, or remove it"
    elif first["type"] == "missing":
        what, expected, do = "this key is missing", "", "add it"
    else:
        what, expected, do = "this value is not possible", first["msg"].removeprefix("Input should be "), ""
    more = error.error_count() - 1
    if more:
        what += f" (and {more} more {'mistake' if more == 1 else 'mistakes'})"
    return SchemaError(what, where=f"{where}: {key}", expected=expected, do=do)


def find_config(request: RunRequest) -> tuple[Config | None, Any]:
    """The config file that applies, and the data it or the request names.

    Named with ``--config``, it must exist. Otherwise ``locum.toml`` beside the data (or in the working
    directory) is used, if it is about this data.
    """
    data = request.data
    if request.config is not None:
        config = load_config(request.config)
        return config, data if data is not None else _data_of(config, request.config)
    if data is not None and not isinstance(data, str | Path):
        return None, data
    beside = Path(CONFIG) if data is None else Path(data).parent / CONFIG
    if not beside.is_file():
        return None, data
    config = load_config(beside)
    planned = _data_of(config, beside)
    if data is None:
        return config, planned
    return (config, data) if planned is None or planned.name == Path(data).name else (None, data)


def _data_of(config: Config, at: Path) -> Path | None:
    """The data file a config names, relative to the config itself."""
    return at.parent / config.path if config.path else None


def locate_data(request: RunRequest) -> tuple[Config | None, Any, dict[str, Any]]:
    """The config file that applies, the data, and how to read it: options win over the config.

    Raises
    ------
    UsageError
        When neither names any data.
    """
    config, data = find_config(request)
    if data is None:
        raise UsageError("no data was named", where="DATA", do="give a file: locum run DATA.csv")
    asked = {"delimiter": request.delimiter, "encoding": request.encoding}
    reading = config.reading if config else {}
    reading |= {name: value for name, value in asked.items() if value}
    if request.header is not None:
        reading = {name: value for name, value in reading.items() if name not in ("header", "names")}
        reading |= {"header": True} if request.header else headless(config.columns if config else ())
    reading |= request.area
    return config, data, reading
