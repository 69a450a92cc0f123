"""Whether a bundle holds the files that its kind has, unchanged: no fewer and no more."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from locum.files.atomic import file_sha256
from locum.runs.certificate import NAME, is_old
from locum.runs.certificate_form import TABLE
from locum.runs.files import (
    CARD,
    CROISSANT,
    DEPLOYMENT,
    MODEL,
    QUALITY,
    QUALITY_JSON,
    SP800_226,
    TEXTS,
)
from locum.runs.options import FORMATS

if TYPE_CHECKING:
    from locum.data.origin import Origin

#: Names that the synthetic rows can have.
SYNTHETIC = tuple(f"synthetic.{ending}" for ending in FORMATS)
_EXPORTS = frozenset({DEPLOYMENT, SP800_226})
_TABLE_FILES = frozenset({MODEL, CARD, CROISSANT, QUALITY, QUALITY_JSON})
#: Most bytes of the first line of a file.
_LINE = 1 << 22


def check_files(bundle: Path, certificate: Mapping[str, Any]) -> list[str]:
    """What is wrong with the list of files, and with the files."""
    listed = certificate.get("files")
    if not isinstance(listed, dict):
        return [f"{NAME}: there is no list of files."]
    found = []
    present = {p.name for p in bundle.iterdir()}
    for name in sorted(present - set(listed) - {NAME}):
        found.append(f"{name}: not in the certificate.")
    for name, entry in sorted(listed.items()):
        path = bundle / name
        if Path(name).name != name or name == NAME or not isinstance(entry, dict):
            found.append(f"{NAME}: a file is listed that cannot be.")
        elif name not in present or path.is_symlink() or not path.is_file():
            found.append(f"{name}: missing, or no plain file.")
        elif path.stat().st_size != entry.get("bytes") or file_sha256(path) != entry.get("sha256"):
            found.append(f"{name}: changed since it was certified.")
    return found + _check_kind(listed, certificate)


def _check_kind(listed: Mapping[str, Any], certificate: Mapping[str, Any]) -> list[str]:
    """The list has what a release of its kind has."""
    if certificate.get("what", TABLE) == TABLE:
        wanted = _TABLE_FILES | (frozenset() if is_old(certificate) else _EXPORTS)
        rows = [name for name in SYNTHETIC if name in listed]
        optional = frozenset(rows)
        found = (
            [] if len(rows) == 1 else [f"{NAME}: a bundle has one file of synthetic rows, not {len(rows)}."]
        )
    else:
        optional, wanted = frozenset({MODEL, TEXTS}), frozenset({CARD}) | _EXPORTS
        found = [] if optional & set(listed) else [f"{NAME}: neither texts nor a model are among the files."]
    found += [
        f"{NAME}: {name} is not among the files of such a bundle."
        for name in sorted(set(listed) - wanted - optional)
    ]
    return found + [f"{NAME}: {name} is missing among the files." for name in sorted(wanted - set(listed))]


def synthetic_of(certificate: Mapping[str, Any]) -> str:
    """Name of the file of synthetic rows."""
    return next(name for name in SYNTHETIC if name in certificate["files"])


def check_header(path: Path, names: Sequence[str], origin: Origin | None) -> list[str]:
    """Whether a file of synthetic rows has the columns `names`."""
    try:
        held = _names(path, origin)
    except (ValueError, OSError, csv.Error, StopIteration, RecursionError) as error:
        return [f"{path.name}: cannot be read ({type(error).__name__})."]
    if list(held) != list(names):
        return [f"{path.name}: its columns are not those of the model."]
    return []


def _names(path: Path, origin: Origin | None) -> Sequence[str]:
    """Columns of a file; of JSON Lines those of its first record."""
    if path.suffix in (".parquet", ".arrow"):
        from pyarrow import dataset

        # errors of Arrow are ValueErrors
        names: Sequence[str] = dataset.dataset(path, format=path.suffix.lstrip(".")).schema.names
        return names
    with path.open("rb") as handle:
        text = handle.read(_LINE).decode("utf-8-sig", errors="ignore")
    if path.suffix == ".jsonl":
        return list(json.loads(text.split("\n", 1)[0]))
    dialect = origin.dialect if origin is not None and path.suffix == ".csv" else None
    delimiter = "\t" if path.suffix == ".tsv" else "," if dialect is None else dialect.delimiter
    return next(csv.reader(text.splitlines(keepends=True), delimiter=delimiter))
