"""An append-only file of JSON lines that survives being cut off at any byte."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from locum.errors import FileFormatError
from locum.files.atomic import folder_error
from locum.files.json import dump, load

#: Longest line that is read back; ours are a few hundred bytes.
MAX_LINE = 4 * 2**20


class EventLog:
    """Appends one JSON object per line, each on the disk before `append` returns.

    Parameters
    ----------
    path
        The file; made when the first line is written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, record: dict[str, Any]) -> None:
        """Write one line and flush it to the disk.

        A line that an earlier process left unfinished is closed first, so that it spoils nothing but itself.

        Raises
        ------
        FolderError
            When it cannot be written.
        """
        try:
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
            try:
                size = os.fstat(handle).st_size
                torn = size > 0 and _byte_at(handle, size - 1) != b"\n"
                _write_all(handle, (b"\n" if torn else b"") + dump(record) + b"\n")
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as error:
            raise folder_error(error, self.path) from error

    def records(self) -> Iterator[dict[str, Any]]:
        """All whole lines in order; lines that were cut off are passed over. No file, no records."""
        if not self.path.exists():
            return
        try:
            with self.path.open("rb") as lines:
                while line := lines.readline(MAX_LINE):
                    record = _parse(line, str(self.path))
                    if record is not None:
                        yield record
        except OSError as error:
            raise FileFormatError("the log cannot be read", where=str(self.path)) from error


def _parse(line: bytes, where: str) -> dict[str, Any] | None:
    if not line.endswith(b"\n"):
        return None
    try:
        record = load(line, where)
    except FileFormatError:
        return None
    return record if isinstance(record, dict) else None


def _byte_at(handle: int, offset: int) -> bytes:
    os.lseek(handle, offset, os.SEEK_SET)
    return os.read(handle, 1)


def _write_all(handle: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(handle, view) :]


def pretty(value: Any) -> str:
    """JSON for people: indented, keys in the order given, one line end at the end."""
    return json.dumps(value, allow_nan=False, ensure_ascii=False, indent=2) + "\n"
