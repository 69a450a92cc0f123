"""``croissant.json``: the release described for machines, after Croissant 1.1 of MLCommons (JSON-LD)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

from locum.schema.column import Column
from locum.schema.table import Schema

#: Which vocabulary the document follows.
CONFORMS_TO = "http://mlcommons.org/croissant/1.1"
RAI = "http://mlcommons.org/croissant/RAI/1.0"

_TERMS = (
    "arrayShape",
    "citeAs",
    "column",
    "containedIn",
    "equivalentProperty",
    "extract",
    "field",
    "fileObject",
    "fileProperty",
    "fileSet",
    "format",
    "includes",
    "isArray",
    "isLiveDataset",
    "jsonPath",
    "key",
    "md5",
    "parentField",
    "path",
    "recordSet",
    "references",
    "regex",
    "repeated",
    "replace",
    "samplingRate",
    "separator",
    "source",
    "subField",
    "transform",
    "unArchive",
    "value",
)
_MEDIA = {
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
    "parquet": "application/x-parquet",
    "arrow": "application/vnd.apache.arrow.file",
    "jsonl": "application/jsonlines",
}
_TYPES = {
    "boolean": "sc:Boolean",
    "integer": "sc:Integer",
    "number": "sc:Float",
    "date": "sc:Date",
    "datetime": "sc:DateTime",
}


def context() -> dict[str, Any]:
    """The ``@context`` that the vocabulary asks for."""
    plain = {term: f"cr:{term}" for term in _TERMS}
    return {
        "@language": "en",
        "@vocab": "https://schema.org/",
        **plain,
        "conformsTo": "dct:conformsTo",
        "cr": "http://mlcommons.org/croissant/",
        "data": {"@id": "cr:data", "@type": "@json"},
        "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
        "dct": "http://purl.org/dc/terms/",
        "examples": {"@id": "cr:examples", "@type": "@json"},
        "rai": "http://mlcommons.org/croissant/RAI/",
        "sc": "https://schema.org/",
    }


def croissant(
    schema: Schema,
    *,
    title: str,
    description: str,
    created: str,
    data: str,
    files: Mapping[str, str],
    privacy: str,
) -> dict[str, Any]:
    """The description as a JSON-ready dictionary.

    Parameters
    ----------
    schema
        Columns of the synthetic table.
    title, description, created
        Name, one paragraph, and ISO 8601 time of the release.
    data
        Name of the synthetic table among `files`.
    files
        SHA-256 by name of the files described.
    privacy
        What protects persons in the data, in one sentence.

    Notes
    -----
    The publisher adds a ``license``.
    """
    suffix = PurePath(data).suffix.lstrip(".")
    return {
        "@context": context(),
        "@type": "sc:Dataset",
        "conformsTo": [CONFORMS_TO, RAI],
        "name": title,
        "description": description,
        "datePublished": created[:10],
        "version": "1.0.0",
        "isLiveDataset": False,
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": name,
                "name": name,
                "contentUrl": name,
                "encodingFormat": _media(name),
                "sha256": digest,
            }
            for name, digest in sorted(files.items())
        ],
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": "rows",
                "name": "rows",
                "description": "Synthetic rows; none describes a real person or thing.",
                "field": [
                    _field(column, at, data, suffix)
                    for column, at in zip(schema, field_ids(schema.names), strict=True)
                ],
            }
        ],
        "rai:dataCollection": "Drawn from a model that was fitted to real rows under differential privacy.",
        "rai:personalSensitiveInformation": privacy,
    }


def field_ids(names: Sequence[str]) -> list[str]:
    """Identifiers of columns: Croissant takes no blanks in them, nor any escape; all differ."""
    out: list[str] = []
    for i, name in enumerate(names):
        plain = re.sub(r"[^\w.-]", "_", name)
        out.append(plain if plain not in out and (plain == name or plain not in names) else f"{plain}_{i}")
    return out


def _field(column: Column, identifier: str, data: str, suffix: str) -> dict[str, Any]:
    # JSON Lines are addressed by path, everything else by column
    extract = {"jsonPath": f"$[{column.name!r}]"} if suffix == "jsonl" else {"column": column.name}
    return {
        "@type": "cr:Field",
        "@id": f"rows/{identifier}",
        "name": column.name,
        "description": f"{column.kind}{', made afresh and not learned' if column.regenerated else ''}",
        "dataType": _TYPES.get(column.kind, "sc:Text"),
        "source": {"fileObject": {"@id": data}, "extract": extract},
    }


def _media(name: str) -> str:
    suffix = PurePath(name).suffix.lstrip(".")
    known = {**_MEDIA, "json": "application/json", "html": "text/html", "md": "text/markdown"}
    return known.get(suffix, "application/octet-stream")
