"""The lineage stamp of a table: in its metadata where the format has some, else in a file beside it.

::

    Parquet, Arrow      schema metadata ``locum.lineage``
    pandas              ``frame.attrs["locum.lineage"]``, which pandas carries into Parquet itself
    CSV, TSV, JSONL     ``NAME.lineage.json`` beside the file, with the SHA-256 of the file
    run folder, bundle  the head of ``card.md``, for the files that it names

A stamp can be lost or taken off; it is a help to honest users, no proof.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from locum.errors import FileFormatError
from locum.files import atomic
from locum.schema.lineage import GIVEN, Lineage, lineage_from_json

KEY = "locum.lineage"
#: Key in the head of a data card, and most bytes of a card or sidecar that are looked at.
CARD, CARD_KEY, MOST = "card.md", "locum_lineage:", 1 << 16
_BINARY = (".parquet", ".pq", ".arrow", ".feather", ".ipc")


def beside(path: Path) -> Path:
    """Where the stamp of a text file stands."""
    return path.with_name(path.name + ".lineage.json")


def metadata(lineage: Lineage) -> dict[str, str]:
    """The stamp as Arrow schema metadata."""
    return {KEY: json.dumps(lineage.to_json(), sort_keys=True)}


def with_stamp(table: Any, lineage: Lineage | None) -> Any:
    """A frame with the stamp put on, where its library has a place for it; others come back as they are.

    ``pyarrow.Table`` has metadata, pandas has ``attrs``; polars has neither.
    """
    import pyarrow as pa

    if lineage is None:
        return table
    if isinstance(table, pa.Table):
        return table.replace_schema_metadata({**(table.schema.metadata or {}), **metadata(lineage)})
    native = table.to_native() if hasattr(table, "to_native") else table
    attrs = getattr(native, "attrs", None)
    if isinstance(attrs, dict):
        attrs.update(metadata(lineage))
    return table


def stamp_in(held: Mapping[Any, Any] | None) -> Lineage | None:
    """The stamp in Arrow metadata or pandas attributes; None where there is none, or a broken one."""
    plain = {_text(k): _text(v) for k, v in (held or {}).items()}
    found = plain.get(KEY)
    if found is None and "PANDAS_ATTRS" in plain:
        attrs = _json(plain["PANDAS_ATTRS"])
        found = attrs.get(KEY) if isinstance(attrs, dict) else None
    return None if found is None else _read(_json(found) if isinstance(found, str) else found)


def stamp_of(source: Any) -> Lineage | None:
    """The stamp of a file or frame, without reading its rows; None where there is none."""
    if not isinstance(source, str | os.PathLike):
        held = getattr(getattr(source, "schema", None), "metadata", None) or getattr(source, "attrs", None)
        return stamp_in(held if isinstance(held, Mapping) else None)
    path = Path(source)
    if path.suffix.lower() in _BINARY and path.is_file():
        import pyarrow as pa
        from pyarrow import dataset

        try:
            form = "parquet" if path.suffix.lower() in (".parquet", ".pq") else "arrow"
            found = stamp_in(dataset.dataset(path, format=form).schema.metadata)
        except (pa.ArrowException, OSError):
            found = None
        if found is not None:
            return found
    return stamp_of_file(path, b"")[0]


def after_given(lineage: Lineage, given: Any) -> Lineage:
    """Lineage of rows that take cells over from a file or frame."""
    return lineage.after(stamp_of(given), GIVEN)


def restamp(path: Path, lineage: Lineage) -> None:
    """Put another stamp into a file that carries its stamp in itself; others are left as they are.

    Raises
    ------
    FolderError
        When the place cannot be written to.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if path.suffix.lower() not in _BINARY:
        return
    with atomic.replacing(path) as temporary:
        if path.suffix.lower() in (".parquet", ".pq"):
            with pq.ParquetFile(path) as held:
                schema = held.schema_arrow.with_metadata(metadata(lineage))
                with pq.ParquetWriter(temporary, schema) as out:
                    for batch in held.iter_batches():
                        out.write_batch(batch.replace_schema_metadata(schema.metadata))
            return
        with pa.ipc.open_file(path) as held:
            schema = held.schema.with_metadata(metadata(lineage))
            with pa.ipc.new_file(temporary, schema) as out:
                for i in range(held.num_record_batches):
                    out.write_batch(held.get_batch(i).replace_schema_metadata(schema.metadata))


def stamp_of_file(path: Path, data: bytes) -> tuple[Lineage | None, tuple[str, ...]]:
    """The stamp beside a file, and a note when it was written for other bytes; the file's own comes first.

    A stamp whose file has changed still counts: rows that were edited are not real for that.
    """
    try:
        text = beside(path).read_bytes()[:MOST].decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return _of_card(path), ()
    body = _json(text)
    if not isinstance(body, dict):
        return None, ()
    lineage = _read(body.get("lineage"))
    if lineage is None or body.get("sha256") == hashlib.sha256(data).hexdigest():
        return lineage, ()
    note = f"The file was changed after {beside(path).name} was written; remove that if these are other rows."
    return lineage, (note,)


def write_stamp(path: Path, lineage: Lineage | None) -> tuple[str, ...]:
    """Write the stamp beside a text file; returns the name of what was written, nothing for typed files.

    Raises
    ------
    FolderError
        When the place cannot be written to.
    """
    if lineage is None or path.suffix.lower() in _BINARY:
        return ()
    digest = atomic.file_sha256(path)
    body = {"file": path.name, "sha256": digest, "lineage": lineage.to_json(), "sentence": str(lineage)}
    atomic.write_text(beside(path), json.dumps(body, indent=1) + "\n", private=atomic.is_private(path))
    return (beside(path).name,)


def _of_card(path: Path) -> Lineage | None:
    """The stamp in the head of the data card beside a file, if the card is about that file."""
    try:
        with (path.parent / CARD).open("rb") as handle:
            text = handle.read(MOST).decode("utf-8", errors="replace")
    except OSError:
        return None
    head = text.split("\n---", 1)[0].splitlines() if text.startswith("---") else []
    if f"- {json.dumps(path.name, ensure_ascii=False)}" not in (line.strip() for line in head):
        return None
    found = next((x.removeprefix(CARD_KEY) for x in head if x.startswith(CARD_KEY)), None)
    return None if found is None else _read(_json(found))


def _read(value: object) -> Lineage | None:
    try:
        return lineage_from_json(value, KEY)
    except FileFormatError:
        return None


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _text(value: Any) -> Any:
    return value.decode("utf-8", errors="replace") if isinstance(value, bytes) else value
