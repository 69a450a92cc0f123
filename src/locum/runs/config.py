"""What ``locum.toml`` says: data file, schema, generator, evaluation; reading, writing and finding it."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from locum.errors import SchemaError, UsageError
from locum.evaluation.limits import Requirements, requirements
from locum.files.toml import toml_key, toml_value
from locum.runs.files import CONFIG
from locum.runs.options import DEFAULT_HOLDOUT
from locum.runs.request import RunRequest
from locum.schema.table import Dependency, Schema
from locum.schema.toml import ColumnForm, DependencyForm, RuleForm, StrictForm, Texts, schema_lines

_HEAD = """\
# locum.toml - proposed by `locum init`, meant to be read and changed. It holds no rows.
# Kinds: category boolean integer number datetime date duration text id pii.*
# id, text and pii.* are made afresh, never learned.
"""
_PROPOSED = """\
# Rules that the rows seem to follow. Take the comment signs off those that are true by nature: no row that
# `run` or `sample` writes will break them. They were read off the rows: with --epsilon keep only what you
# would have said without looking.
"""


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


class _DataForm(StrictForm):
    path: str | None = None
    delimiter: str | None = None
    encoding: str | None = None
    decimal: Literal[".", ","] | None = None
    missing: Texts = ()


class _ModelForm(StrictForm):
    name: str | None = None
    seed: Annotated[int, Field(ge=0, lt=2**63)] | None = None
    settings: dict[str, bool | int | float | str | list[int | float | str]] = Field(default_factory=dict)


class _EvaluateForm(StrictForm):
    holdout: Annotated[float, Field(ge=0, lt=1)] | None = None
    target: str | None = None
    protected: Texts = ()


class _ConfigForm(StrictForm):
    """The file as it is written; unknown keys are refused by name."""

    version: Literal[1] | None = None
    data: dict[str, _DataForm] = Field(default_factory=dict)
    tables: dict[str, dict[str, ColumnForm]] = Field(alias="schema", default_factory=dict)
    dependency: list[DependencyForm] = Field(default_factory=list)
    rule: list[RuleForm] = Field(default_factory=list)
    model: _ModelForm = Field(default_factory=_ModelForm)
    evaluate: _EvaluateForm = Field(default_factory=_EvaluateForm)
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
        return self._config(schema, self.data.get(table, _DataForm()), EvaluateConfig(self.evaluate.holdout))

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
        data = next(iter(self.data.values()), _DataForm())
        judged = EvaluateConfig(self.evaluate.holdout, self.evaluate.target, self.evaluate.protected)
        return self._config(None, data, judged)

    def _config(self, schema: Schema | None, data: _DataForm, judged: EvaluateConfig) -> Config:
        model = ModelConfig(self.model.name, self.model.seed, dict(self.model.settings))
        return Config(
            schema,
            data.path,
            data.delimiter,
            data.encoding,
            data.decimal,
            data.missing,
            model,
            judged,
            requirements(self.require),
        )


def dump_config(config: Config | Schema, proposed: Sequence[tuple[str, str]] = ()) -> str:
    """Write a config, or a schema alone, as commented TOML.

    Rules in `proposed`, each with a remark, are written as comments that do nothing until somebody takes the
    comment signs off.

    What is left out has its default value. Reason and confidence of a detected column go into a comment; read
    back they are "declared", for whoever keeps the file has agreed to it. Everything else comes back equal.
    """
    if isinstance(config, Schema):
        config = Config(config)
    schema = config.schema or Schema(())
    lines = [_HEAD + "version = 1", ""]
    reading: dict[str, Any] = {} if config.path is None else {"path": config.path}
    reading.update(config.reading)
    if reading:
        lines += ["[data]", f"{toml_key(schema.name)} = {toml_value(reading)}", ""]
    lines += schema_lines(schema) + _proposal_lines(proposed)
    lines += _model(config) + _evaluate(config) + _require(config)
    return "\n".join(lines).rstrip("\n") + "\n"


def _proposal_lines(proposed: Sequence[tuple[str, str]]) -> list[str]:
    if not proposed:
        return []
    lines = [_PROPOSED]
    for rule, remark in proposed:
        lines += ["# [[rule]]", f"# holds = {toml_value(rule)}  # {_printable(remark)}", ""]
    return lines


def _model(config: Config) -> list[str]:
    model = config.model
    lines = ["[model]"]
    lines.append(f"name = {toml_value(model.name)}" if model.name is not None else '# name = "tree"')
    lines.append(f"seed = {toml_value(model.seed)}" if model.seed is not None else "# seed = 7")
    if model.settings:
        lines.append(f"settings = {toml_value(dict(model.settings))}")
    return [*lines, ""]


def _evaluate(config: Config) -> list[str]:
    schema, given = config.schema, config.evaluate
    holdout = given.holdout
    if schema is None:
        found = {"holdout": holdout, "target": given.target, "protected": list(given.protected) or None}
        return ["[evaluate]", *(f"{k} = {toml_value(v)}" for k, v in found.items() if v is not None), ""]
    lines = ["[evaluate]"]
    lines.append(
        f"# holdout = {DEFAULT_HOLDOUT:g}" if holdout is None else f"holdout = {toml_value(float(holdout))}"
    )
    if schema.target is not None:
        lines.append(f"target = {toml_value(f'{schema.name}.{schema.target}')}")
    else:
        lines.append(f'# target = "{_printable(schema.name)}.column"')
    if schema.protected:
        lines.append(f"protected = {toml_value([f'{schema.name}.{name}' for name in schema.protected])}")
    return [*lines, ""]


def _require(config: Config) -> list[str]:
    wanted = config.require
    if not wanted:
        return []
    lines = ["[require]"]
    if wanted.strict:
        lines.append("strict = true")
    for limit in wanted.limits:
        key = ".".join(toml_key(part) for part in (*limit.name.split("."), limit.bound))
        lines.append(f"{key} = {toml_value(limit.limit)}")
    return [*lines, ""]


def _printable(text: str) -> str:
    """Text that stays in its comment."""
    return "".join(c if c.isprintable() else " " for c in text)


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
    if first["type"] == "extra_forbidden":
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
    return config, data, {**reading, **{name: value for name, value in asked.items() if value}}
