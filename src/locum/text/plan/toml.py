"""Plans as TOML files: read with every key checked, written so that reading gives the same plan."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from locum.files.toml import toml_key, toml_value
from locum.text.engine.model import ModelSpec
from locum.text.failures import PlanError
from locum.text.plan.columns import CLASSES
from locum.text.plan.fields import build, plain
from locum.text.plan.plan import Dedup, Export, Plan, Quota

_PARTS: Mapping[str, Any] = {"dedup": Dedup, "quota": Quota, "export": Export}
_PLAIN: Mapping[str, type] = {"name": str, "rows": int, "seed": int, "tries": int, "allow_endpoints": list}


def load_plan(path: str | os.PathLike[str]) -> Plan:
    """Read a plan file.

    Raises
    ------
    PlanError
        When there is no such file, it is no TOML, has an unknown key, or contradicts itself.
    """
    where = str(path)
    try:
        text = Path(path).read_bytes().decode("utf-8")
    except FileNotFoundError as error:
        raise PlanError("there is no such file", where=where, do="make one with `locum text init`") from error
    except (OSError, UnicodeDecodeError) as error:
        raise PlanError("the file cannot be read as UTF-8 text", where=where) from error
    return parse_plan(text, where=where, folder=str(Path(path).parent))


def parse_plan(text: str, *, where: str = "plan", folder: str = "") -> Plan:
    """Read a plan from TOML text; see `load_plan`."""
    try:
        told = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise PlanError(f"not TOML: {error}", where=where, do="correct the line") from error
    return plan_from_json(told, where=where, folder=folder)


def plan_from_json(told: Mapping[str, Any], *, where: str = "plan", folder: str = "") -> Plan:
    """Build a plan from plain values, as they stand in TOML or ``plan.json``."""
    rest = dict(told)
    version = rest.pop("version", 1)
    if version != 1:
        raise PlanError(
            f"a plan of version {version!r}", where=where, expected="version 1", do="update locum"
        )
    simple = {name: rest.pop(name) for name in _PLAIN if name in rest}
    models = _table(rest.pop("models", {}), f"{where}: models")
    columns = _table(rest.pop("columns", {}), f"{where}: columns")
    parts = {name: rest.pop(name) for name in _PARTS if name in rest}
    if rest:
        known = ", ".join([*_PLAIN, "models", "columns", *_PARTS])
        raise PlanError(f"unknown key {next(iter(rest))!r}", where=where, expected=f"one of {known}")
    return Plan(
        columns=tuple(column_of(name, column, where) for name, column in columns.items()),
        models={name: build(ModelSpec, spec, f"{where}: models.{name}") for name, spec in models.items()},
        folder=folder,
        **_check_simple(simple, where),
        **{name: build(_PARTS[name], part, f"{where}: {name}") for name, part in parts.items()},
    )


def plan_to_json(plan: Plan) -> dict[str, Any]:
    """Plain values from which `plan_from_json` builds an equal plan; what has its default is left out."""
    told: dict[str, Any] = {"version": 1, "name": plan.name, "rows": plan.rows, "seed": plan.seed}
    if plan.quota is not None:
        del told["rows"]
    told["tries"] = plan.tries
    if plan.allow_endpoints:
        told["allow_endpoints"] = list(plan.allow_endpoints)
    for name in _PARTS:
        part = getattr(plan, name)
        if part is not None and part != Export():
            told[name] = plain(part)
    told["models"] = {name: plain(spec) for name, spec in plan.models.items()}
    told["columns"] = {
        column.name: {"kind": column.kind, **{k: v for k, v in plain(column).items() if k != "name"}}
        for column in plan.columns
    }
    return told


def dump_plan(plan: Plan) -> str:
    """Write a plan as TOML, with blocks of text as multi-line strings."""
    told = plan_to_json(plan)
    lines = ["# A plan for `locum text`. Columns may use each other in {{ }}; the order of making follows."]
    tables = ("models", "columns", *_PARTS)
    lines += [f"{key} = {toml_value(value)}" for key, value in told.items() if key not in tables]
    for name in ("models", *_PARTS, "columns"):
        if name not in told:
            continue
        groups = told[name].items() if name in ("models", "columns") else [("", told[name])]
        for key, table in groups:
            lines += ["", f"[{name}.{toml_key(key)}]" if key else f"[{name}]"]
            lines += [f"{toml_key(k)} = {_text(v)}" for k, v in table.items()]
    return "\n".join(lines) + "\n"


def _text(value: Any) -> str:
    """A TOML value; texts of several lines as a block where that gives back the same."""
    if isinstance(value, str) and "\n" in value and "'''" not in value and _clean(value):
        return f"'''\n{value}'''"
    return toml_value(value)


def _clean(text: str) -> bool:
    return all(c in "\n\t" or (c.isprintable() and ord(c) < 0xD800) for c in text) and not text.endswith("'")


def column_of(name: str, told: Any, where: str) -> Any:
    """A column out of plain values with ``kind``; raises PlanError."""
    place = f"{where}: columns.{name}"
    if not isinstance(told, Mapping) or told.get("kind") not in CLASSES:
        found = told.get("kind") if isinstance(told, Mapping) else told
        raise PlanError(f"there is no kind {found!r}", where=place, expected="one of " + ", ".join(CLASSES))
    return build(CLASSES[told["kind"]], {"name": name, **told}, place)


def _check_simple(values: Mapping[str, Any], where: str) -> dict[str, Any]:
    for name, value in values.items():
        if not isinstance(value, _PLAIN[name]) or isinstance(value, bool):
            raise PlanError(f"{name} is {value!r}", where=where, expected=_PLAIN[name].__name__)
    return {**values, "allow_endpoints": tuple(values.get("allow_endpoints", ()))}


def _table(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise PlanError("that is no table", where=where)
    return value
