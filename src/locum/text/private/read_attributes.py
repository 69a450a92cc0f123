"""From private texts to a table of declared attributes: read here, told to nobody."""

from __future__ import annotations

import asyncio
import json
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from locum.privacy.sealed import seal_errors
from locum.schema.column import Column
from locum.schema.table import Schema
from locum.text.engine.client import Engine
from locum.text.engine.model import ModelSpec
from locum.text.failures import Lost, PlanError
from locum.text.plan.fields import build
from locum.text.plan.structured import read_json
from locum.text.private.attributes import CLASSES, OTHER, Asked, Learned, Record, TextAttribute, check
from locum.text.runs.locality import refuse_remote

if TYPE_CHECKING:
    import pyarrow as pa


def load_attributes(path: Path | str) -> tuple[TextAttribute, ...]:
    """Attributes out of a TOML file: ``[attributes.NAME]`` with ``kind`` and the fields of that kind.

    Raises
    ------
    PlanError
        When the file cannot be read, or a kind or field cannot be.
    """
    place = Path(path)
    try:
        told = tomllib.loads(place.read_text(encoding="utf-8"))
    except OSError as error:
        raise PlanError("cannot be read", where=str(path), do="check the path") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise PlanError(f"is no TOML: {error}", where=str(path)) from None
    found = attributes_from(told, where=str(path), folder=place.parent)
    check(found)
    return found


def attributes_from(
    told: Mapping[str, Any], *, where: str = "attributes", folder: Path | None = None
) -> tuple[TextAttribute, ...]:
    """Attributes out of plain values; files of examples are seen from `folder`. Raises PlanError."""
    listed = told.get("attributes")
    if not isinstance(listed, Mapping) or set(told) != {"attributes"}:
        raise PlanError("holds something else than [attributes.NAME]", where=where)
    made: list[TextAttribute] = []
    for name, one in listed.items():
        kind = str(one.get("kind")) if isinstance(one, Mapping) else ""
        if kind not in CLASSES:
            raise PlanError(f"no kind {kind!r}", where=f"{where}: {name}", expected=", ".join(CLASSES))
        found = build(CLASSES[kind], {"name": name, **one}, f"{where}: {name}")
        if isinstance(found, Learned) and folder is not None:
            found = replace(found, examples=str((folder / found.examples).resolve()))
        made.append(found)
    return tuple(made)


def plain_attribute(attribute: TextAttribute) -> dict[str, Any]:
    """An attribute as plain values without its name, as `attributes_from` reads them."""
    told = asdict(attribute)  # type: ignore[call-overload]
    del told["name"]
    return dict(json.loads(json.dumps(told)))


def schema_of(attributes: Sequence[TextAttribute], name: str = "attributes") -> Schema:
    """The table of attributes: categories with declared levels, nothing missing."""
    columns = (Column(a.name, "category", nullable=False, levels=tuple(a.values)) for a in attributes)
    return Schema(tuple(columns), name=name)


def read_attributes(
    texts: Sequence[str],
    attributes: Sequence[TextAttribute],
    *,
    records: Sequence[Record] | None = None,
    model: ModelSpec | None = None,
    allowed: Collection[str] = (),
) -> pa.Table:
    """The attributes of each text, one row a text, one string column an attribute.

    Parameters
    ----------
    texts
        Private ones, or any others.
    attributes
        What is read.
    records
        The rows that the texts stand in, for `Given`; left out, it reads ``other``.
    model
        For `Asked`: a model on this machine. Prompts and answers are kept in memory only.
    allowed
        Hosts that may have private texts by name.

    Raises
    ------
    PlanError
        When attributes cannot be, or one asks a model and none is named.
    LeakError
        When the model is elsewhere and not allowed; nothing was sent.
    DataError
        When reading fails; never with a word of a text.
    """
    import pyarrow as pa

    check(attributes)
    asked = [a for a in attributes if isinstance(a, Asked)]
    if asked and model is None:
        raise PlanError("this attribute asks a model", where=asked[0].name, do="name one on this machine")
    if asked and model is not None:
        refuse_remote({"reader": model}, allowed=allowed, why="private texts")
    for a in attributes:
        # whatever public file is needed is read before the seal, so that its faults are told plainly
        a.values  # noqa: B018
    rows = list(records) if records is not None else [{}] * len(texts)
    with seal_errors("reading the attributes of texts"):
        columns = {a.name: a.read(texts, rows) for a in attributes if not isinstance(a, Asked)}
        if asked and model is not None:
            columns |= asyncio.run(_ask(asked, texts, model))
        return pa.table({a.name: pa.array(columns[a.name], pa.string()) for a in attributes})


async def _ask(asked: Sequence[Asked], texts: Sequence[str], model: ModelSpec) -> dict[str, list[str]]:
    out: dict[str, list[str]] = {}
    async with Engine(model) as engine:
        for a in asked:
            out[a.name] = [await _answer(engine, a, text) for text in texts]
    return out


async def _answer(engine: Engine, a: Asked, text: str) -> str:
    try:
        reply = await engine.chat(
            a.prompt(text[:2000]), schema=a.schema, temperature=0.0, max_tokens=60, seed=0
        )
        return str(read_json(reply.text, a.schema)["answer"])
    except Lost:
        return OTHER
