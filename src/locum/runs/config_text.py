"""A config as the text of ``locum.toml``, with comments for whoever reads and changes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from locum.evaluation.use_rules import rules_as_json
from locum.evaluation.uses import UseRule
from locum.files.toml import toml_key, toml_value
from locum.runs.config import Config
from locum.runs.options import DEFAULT_HOLDOUT
from locum.schema.provenance import facts_read_off
from locum.schema.table import Schema
from locum.schema.toml import column_lines, printable, relation_lines, section

_HEAD = """\
# locum.toml - proposed by `locum init`, meant to be read and changed. It holds no rows.
# Kinds: category boolean integer number datetime date duration text id pii.*
# id, text and pii.* are made afresh, never learned.
"""
_READ_OFF = """\
# source = "data" marks what was read off the rows. A run with --epsilon takes no such fact for known until
# you write source = "public" and by = "..." with who says that it is known without these rows.
"""
_USE = """\
# What a use asks of the stand-in; without it, locum's own rule. Others: test_software teach explore
# publish_figures give_away. A gate: locum run ... --require train_model
# [use.train_model]
# utility.kept = ">= 0.95"
# faithful = "good"
"""
_RULES = """\
# Rules that no row of the data breaks, and that chance cannot explain: no row that `run` or `sample` writes
# will break them. Remove what is not true by nature. What nearly all rows keep stays so, exceptions and all.
"""


def dump_config(config: Config | Schema, remarks: Mapping[str, str] | None = None) -> str:
    """Write a config, or a schema alone, as commented TOML; `remarks` are about its rules.

    What is left out has its default value. Reason and confidence of a detected column go into a comment; what
    was read off rows is marked, and the mark is read back. Everything else comes back equal.
    """
    if isinstance(config, Schema):
        config = Config(config)
    schema = config.schema or Schema(())
    marked = bool(facts_read_off(schema) or schema.near_rules)
    lines = [_HEAD + (_READ_OFF if marked else "") + "version = 1", ""]
    reading = _data(config)
    if reading:
        lines += ["[data]", f"{toml_key(schema.name)} = {toml_value(reading)}", ""]
    for name in config.columns:
        if name in schema.names:
            lines += [*column_lines(schema.name, schema[name]), ""]
        elif name in config.unfilled:
            lines += [section(schema.name, name), '# kind = "..."', ""]
    lines += [_RULES] if remarks else []
    lines += relation_lines(schema, remarks)
    lines += (
        _model(config)
        + evaluate_lines(config)
        + _require(config)
        + _use(config.require.rules)
        + release_lines(config.release)
    )
    if remarks is not None and not config.require.rules:
        lines.append(_USE)
    return "\n".join(lines).rstrip("\n") + "\n"


def _data(config: Config) -> dict[str, Any]:
    """What ``[data]`` says: how to read the file, and what its rows are."""
    said: dict[str, Any] = {} if config.path is None else {"path": config.path}
    said |= {name: value for name, value in config.reading.items() if name != "names"}
    if config.columns and config.schema is None and not config.unfilled:
        said["columns"] = config.columns
    if config.unit is not None:
        said["unit"] = config.unit
    if config.per_unit is not None:
        said["per_unit"] = config.per_unit
    if config.one_row_per_person:
        said["one_row_per_person"] = True
    entity = config.entity or (config.schema.entity if config.schema else None)
    if entity is not None:
        said["entity"] = entity
    return said


def release_lines(release: Mapping[str, str]) -> list[str]:
    """The section about a release; nothing where it says nothing."""
    if not release:
        return []
    return ["[release]", *(f"{name} = {toml_value(text)}" for name, text in release.items()), ""]


def _model(config: Config) -> list[str]:
    model = config.model
    lines = ["[model]"]
    lines.append(f"name = {toml_value(model.name)}" if model.name is not None else '# name = "tree"')
    lines.append(f"seed = {toml_value(model.seed)}" if model.seed is not None else "# seed = 7")
    if model.settings:
        lines.append(f"settings = {toml_value(dict(model.settings))}")
    return [*lines, ""]


def evaluate_lines(config: Config) -> list[str]:
    """The section about how the result is judged."""
    schema, given = config.schema, config.evaluate
    holdout = given.holdout
    if schema is None and not config.unfilled:
        found = {"holdout": holdout, "target": given.target, "protected": list(given.protected) or None}
        return ["[evaluate]", *(f"{k} = {toml_value(v)}" for k, v in found.items() if v is not None), ""]
    schema = schema or Schema(())
    lines = ["[evaluate]"]
    lines.append(
        f"# holdout = {DEFAULT_HOLDOUT:g}" if holdout is None else f"holdout = {toml_value(float(holdout))}"
    )
    target = schema.target if schema.target is not None else given.target
    if target is not None:
        lines.append(f"target = {toml_value(f'{schema.name}.{target}')}")
    else:
        lines.append(f'# target = "{printable(schema.name)}.column"')
    protected = (*schema.protected, *given.protected)
    if protected:
        lines.append(f"protected = {toml_value([f'{schema.name}.{name}' for name in protected])}")
    return [*lines, ""]


def _require(config: Config) -> list[str]:
    wanted = config.require
    if not wanted:
        return []
    lines = []
    if wanted.strict:
        lines.append("strict = true")
    for limit in wanted.limits:
        key = ".".join(toml_key(part) for part in (*limit.name.split("."), limit.bound))
        lines.append(f"{key} = {toml_value(limit.limit)}")
    lines += [f"use.{use} = {toml_value(word)}" for use, word in wanted.uses]
    return ["[require]", *lines, ""] if lines else []


def _use(rules: Sequence[UseRule]) -> list[str]:
    """The user's own rules of uses, one section each."""
    lines = []
    for use, asked in rules_as_json(rules).items():
        lines.append(f"[use.{use}]")
        for name, text in asked.items():
            lines.append(f"{'.'.join(toml_key(part) for part in name.split('.'))} = {toml_value(text)}")
        lines.append("")
    return lines
