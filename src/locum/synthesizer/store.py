"""A fitted generator as a model file: JSON documents and tensors, never code."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from locum.errors import FileFormatError, LocumError
from locum.files.container import Container, read_container, write_container
from locum.models import registry
from locum.models.base import ModelState
from locum.models.checks import broken
from locum.models.fitted import Fitted
from locum.schema.json import schema_from_json, schema_to_json
from locum.schema.lineage import REAL, Lineage, lineage_from_json
from locum.schema.provenance import all_read_off

if TYPE_CHECKING:
    from locum.data.origin import Origin

#: What the container says that it holds.
KIND = "table"


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """What a model file of one table holds.

    Attributes
    ----------
    fitted
        The generator and the coding of its table.
    seed
        Fixes the rows of calls without a seed.
    origin
        The form of the user's data; None where it was canonical.
    lineage
        Where the rows that it makes come from.
    """

    fitted: Fitted
    seed: int
    origin: Origin | None
    lineage: Lineage


def write_model(path: str | os.PathLike[str], stored: Stored) -> None:
    """Write a model file, all or nothing; the same parts give the same bytes.

    Raises
    ------
    FolderError
        When the place cannot be written to.
    """
    fitted = stored.fitted
    state = fitted.model.state()
    documents = {
        "schema": {
            "schema": schema_to_json(fitted.schema),
            "origin": None if stored.origin is None else stored.origin.to_json(),
        },
        "encoder": fitted.encoder.to_json(),
        "model": {
            "name": fitted.name,
            "seed": stored.seed,
            "rows": fitted.n_rows,
            "settings": dict(state.settings),
        },
    }
    if fitted.entity is not None:
        documents["schema"]["entity"] = fitted.entity.to_json()
    if fitted.found_keys:
        documents["schema"]["found_keys"] = list(fitted.found_keys)
    about = {
        "synthesizer": fitted.name,
        "table": fitted.schema.name[:200],
        "rows": fitted.n_rows,
        "columns": len(fitted.schema),
        "codes": sum(fitted.encoder.domain.sizes),
        "lineage": stored.lineage.to_json(),
    }
    write_container(path, Container(KIND, documents, state.tensors, about))


def read_model(path: str | os.PathLike[str]) -> Stored:
    """Read a model file, which may come from anyone.

    Raises
    ------
    UsageError
        When there is no such file.
    FileFormatError
        When the file is damaged, hostile, from a newer version, or names a generator that is not here.
    """
    container = read_container(path)
    if container.kind != KIND:
        what = f"the file holds a {ascii(container.kind[:40])[1:-1]}, not a table's synthesizer"
        raise FileFormatError(what, where=str(path), do="open it with the command that made it")
    try:
        # Files of versions before the stamp have none: their rows are taken to be one generator away.
        lineage = REAL.child()
        if "lineage" in container.about:
            lineage = lineage_from_json(container.about["lineage"], f"{path}:manifest.json")
        return _parts(container.documents, container.tensors, lineage)
    except FileFormatError:
        raise
    except (LocumError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError) as error:
        # Readers of the parts check what they read; this is the net below them, so that whatever a
        # hostile file gets past them still ends as a clear refusal.
        what = f"the parts of the file do not fit together ({type(error).__name__})"
        raise FileFormatError(what, where=str(path), do="use an intact file") from error


def _parts(documents: Mapping[str, Any], tensors: Mapping[str, Any], lineage: Lineage) -> Stored:
    from locum.codes.encoder import Encoder
    from locum.codes.entity import EntityForm
    from locum.codes.json_fields import Wire
    from locum.control.layout.read import read_recodings
    from locum.data.origin import origin_from_json

    head, outer = _head(documents["model"]), documents["schema"]
    if not isinstance(outer, dict) or set(outer) - {"entity", "found_keys"} != {"schema", "origin"}:
        raise broken("schema.json has other parts than schema and origin")
    schema = schema_from_json(outer["schema"])
    # model files hold no marks; without a guarantee anything in one may have been read off rows
    schema = schema if lineage.guaranteed else all_read_off(schema)
    encoder = Encoder.from_json(documents["encoder"], schema, read_recodings)
    origin = None if outer["origin"] is None else origin_from_json(outer["origin"])
    entity = None
    if "entity" in outer:
        entity = EntityForm.from_json(Wire.of(outer["entity"], "schema.entity"), schema)
    found = outer.get("found_keys", [])
    if not isinstance(found, list) or not all(type(rule) is str for rule in found):
        raise broken("found_keys of schema.json is not a list of rules")
    model = registry.get(head["name"]).from_state(ModelState(head["settings"], tensors), encoder.domain)
    fitted = Fitted(head["name"], encoder, model, head["rows"], entity, tuple(found))
    return Stored(fitted, head["seed"], origin, lineage)


def _head(value: Any) -> dict[str, Any]:
    """What model.json says, checked."""
    kinds = {"name": str, "seed": int, "rows": int, "settings": dict}
    if not isinstance(value, dict) or set(value) != set(kinds):
        raise broken("model.json has missing or surplus parts")
    if any(type(value[key]) is not kind for key, kind in kinds.items()):
        raise broken("model.json has parts of the wrong type")
    if not 0 <= value["seed"] < 2**63 or not 0 < value["rows"] < 2**62:
        raise broken("model.json has numbers out of range")
    if value["name"] not in registry.names():
        what = f"the file needs the synthesizer {value['name'][:40]!a}, which is not here"
        raise FileFormatError(what, where="model file", do="update locum, or register that synthesizer first")
    return value
