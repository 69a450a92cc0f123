"""Write and read ``locum.toml``: one section a column, each with a comment that says why."""

from __future__ import annotations

import math
import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from locum.errors import SchemaError
from locum.schema.column import Bounds, Column
from locum.schema.config import DECLARED, Config, ConfigFile
from locum.schema.table import Schema

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
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}


def dump_toml(config: Config | Schema, proposed: Sequence[tuple[str, str]] = ()) -> str:
    """Write a config, or a schema alone, as commented TOML.

    Rules in `proposed`, each with a remark, are written as comments that do nothing until somebody takes the
    comment signs off.

    What is left out has its default value. Reason and confidence of a detected column go into a comment; read
    back they are "declared", for whoever keeps the file has agreed to it. Everything else comes back equal.
    """
    if isinstance(config, Schema):
        config = Config(config)
    schema = config.schema or Schema(())
    table = _key(schema.name)
    lines = [_HEAD + "version = 1", ""]
    reading: dict[str, Any] = {} if config.path is None else {"path": config.path}
    reading.update(config.reading)
    if reading:
        lines += ["[data]", f"{table} = {_value(reading)}", ""]
    for column in schema:
        lines += [f"[schema.{table}.{_key(column.name)}]", *_column(column), ""]
    for dependency in schema.dependencies:
        lines += [
            "[[dependency]]",
            f"determinant = {_value(dependency.determinant)}",
            f"dependent = {_value(dependency.dependent)}  # each determinant goes with one value of it",
            "",
        ]
    for rule in schema.rules:
        lines += ["[[rule]]", f"holds = {_value(rule)}  # in every row that is written", ""]
    lines += _proposed(proposed)
    lines += _model(config)
    lines += _evaluate(config)
    lines += _require(config)
    return "\n".join(lines).rstrip("\n") + "\n"


def _proposed(proposed: Sequence[tuple[str, str]]) -> list[str]:
    if not proposed:
        return []
    lines = [_PROPOSED]
    for rule, remark in proposed:
        plain = "".join(c if c.isprintable() else " " for c in remark)
        lines += ["# [[rule]]", f"# holds = {_value(rule)}  # {plain}", ""]
    return lines


def _column(column: Column) -> list[str]:
    comment = "" if column.reason in ("", DECLARED, "declared") else f"  # {_comment(column)}"
    lines = [f"kind = {_value(column.kind)}{comment}"]
    plain = Column(column.name, column.kind)
    for name in ("nullable", "missing", "storage", "levels", "decimals", "format", "timezone"):
        value = getattr(column, name)
        if value != getattr(plain, name):
            lines.append(f"{name} = {_value(value)}")
    if column.bounds is not None:
        lines.append(f"bounds = {_value(_bounds(column.bounds))}")
    return lines


def _bounds(bounds: Bounds) -> dict[str, Any]:
    found = {"low": bounds.low, "high": bounds.high, "source": bounds.source}
    return {name: value for name, value in found.items() if value is not None}


def _comment(column: Column) -> str:
    reason = "".join(c if c.isprintable() else " " for c in column.reason)
    return f"{reason} ({column.confidence:.0%} sure)" if column.confidence < 1 else reason


def _model(config: Config) -> list[str]:
    model = config.model
    lines = ["[model]"]
    lines.append(f"name = {_value(model.name)}" if model.name is not None else '# name = "tree"')
    lines.append(f"seed = {_value(model.seed)}" if model.seed is not None else "# seed = 7")
    if model.settings:
        lines.append(f"settings = {_value(dict(model.settings))}")
    return [*lines, ""]


def _evaluate(config: Config) -> list[str]:
    schema, holdout = config.schema, config.evaluate.holdout
    if schema is None:
        return _evaluate_alone(config)
    lines = ["[evaluate]"]
    lines.append(f"holdout = {_value(float(holdout))}" if holdout is not None else "# holdout = 0.2")
    if schema.target is not None:
        lines.append(f"target = {_value(f'{schema.name}.{schema.target}')}")
    else:
        lines.append(f'# target = "{_comment_name(schema)}"')
    if schema.protected:
        lines.append(f"protected = {_value([f'{schema.name}.{name}' for name in schema.protected])}")
    return [*lines, ""]


def _evaluate_alone(config: Config) -> list[str]:
    """The section of a config that describes no columns."""
    given = config.evaluate
    found = {"holdout": given.holdout, "target": given.target, "protected": list(given.protected) or None}
    return ["[evaluate]", *(f"{k} = {_value(v)}" for k, v in found.items() if v is not None), ""]


def _require(config: Config) -> list[str]:
    wanted = config.require
    if not wanted:
        return []
    lines = ["[require]"]
    if wanted.strict:
        lines.append("strict = true")
    for limit in wanted.limits:
        key = ".".join(_key(part) for part in (*limit.name.split("."), limit.bound))
        lines.append(f"{key} = {_value(limit.limit)}")
    return [*lines, ""]


def _comment_name(schema: Schema) -> str:
    return "".join(c if c.isprintable() else " " for c in schema.name) + ".column"


def _key(name: str) -> str:
    bare = name and all(c.isascii() and (c.isalnum() or c in "-_") for c in name)
    return name if bare else _value(name)


def _value(value: Any) -> str:
    """One TOML value; texts as basic strings with every control character escaped."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return (
            "nan"
            if math.isnan(value)
            else ("inf" if value > 0 else "-inf")
            if math.isinf(value)
            else repr(value)
        )
    if isinstance(value, str):
        return '"' + "".join(_escape(c) for c in value) + '"'
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_key(name)} = {_value(item)}" for name, item in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    return "[" + ", ".join(_value(item) for item in value) + "]"


def _escape(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    code = ord(char)
    if 0xD800 <= code < 0xE000:
        raise SchemaError("a text holds half a character (surrogate)", where="locum.toml", do="rename it")
    return f"\\u{code:04X}" if code < 0x20 or code == 0x7F else char


def load_toml(path: str | os.PathLike[str]) -> Config:
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
    return parse_toml(text, where=where)


def parse_toml(text: str, *, where: str = "locum.toml") -> Config:
    """Read the text of a ``locum.toml``; errors as in `load_toml`."""
    try:
        return ConfigFile.model_validate(tomllib.loads(text)).build()
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
        what = "this value is not possible"
        expected = first["msg"].removeprefix("Input should be ")
        do = ""
    more = error.error_count() - 1
    if more:
        what += f" (and {more} more {'mistake' if more == 1 else 'mistakes'})"
    return SchemaError(what, where=f"{where}: {key}", expected=expected, do=do)
