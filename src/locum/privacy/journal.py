"""An append-only file of JSON lines, each sealed to the one before by its hash; several processes may write.

A line is on the disk (fsync) before `append` returns. An unfinished last line is what a crash in the middle
of writing leaves; whoever wrote it had not yet touched the data, and it is removed by the next writer. What
the file alone cannot show is that whole lines were cut off its end: keep `Journal.head` elsewhere for that.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from locum.errors import FileFormatError, FolderError

_START = "0" * 64
_MAX_LINE = 1 << 26


class Journal:
    """The lines of one file, read as far as they have been written.

    Parameters
    ----------
    path
        The file; made when it is missing.

    Raises
    ------
    FolderError
        When the file cannot be opened for writing.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.bodies: list[dict[str, Any]] = []
        self._at, self._hash = 0, _START
        with self._locked():
            self._read()
        _flush_folder(self.path.parent)

    @property
    def head(self) -> str:
        """Hash of the last line, which seals all before it."""
        return self._hash

    def refresh(self) -> None:
        """Read what others have written since."""
        with self._locked():
            self._read()

    def append(self, make: Callable[[], dict[str, Any] | None]) -> None:
        """Write the line that `make` gives, or none, while nobody else can write.

        `make` is called after the lines of others have been read, so that it may decide on them; when it
        raises, nothing is written.

        Raises
        ------
        FileFormatError
            When the file was changed by anything but appending.
        FolderError
            When writing fails.
        """
        with self._locked() as handle:
            self._read()
            body = make()
            if body is None:
                return
            seal = _seal(self._hash, body)
            line = _dump({**body, "previous": self._hash, "hash": seal}) + b"\n"
            try:
                os.ftruncate(handle, self._at)
                os.lseek(handle, self._at, os.SEEK_SET)
                for start in range(0, len(line), 1 << 20):
                    _write_all(handle, line[start : start + (1 << 20)])
                os.fsync(handle)
            except OSError as error:
                raise FolderError("the privacy ledger cannot be written", where=str(self.path)) from error
            self._at, self._hash = self._at + len(line), seal
            self.bodies.append(body)

    @contextmanager
    def _locked(self) -> Iterator[int]:
        try:
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
        except OSError as error:
            raise FolderError("the privacy ledger cannot be opened", where=str(self.path)) from error
        try:
            _lock(handle)
            yield handle
        finally:
            os.close(handle)

    def _read(self) -> None:
        with self.path.open("rb") as file:
            if file.seek(0, os.SEEK_END) < self._at:
                raise self._broken("became shorter")
            file.seek(self._at)
            while True:
                line = file.readline(_MAX_LINE)
                if not line.endswith(b"\n"):
                    if len(line) >= _MAX_LINE:
                        raise self._broken("holds a line that is too long")
                    if _whole(line):
                        raise self._broken("has a whole line at its end that was not ended")
                    return
                self.bodies.append(self._open(line))
                self._at += len(line)

    def _open(self, line: bytes) -> dict[str, Any]:
        """The body of a sealed line; the running hash moves on."""
        number = len(self.bodies) + 1
        try:
            body = json.loads(line)
        except (ValueError, RecursionError):
            raise self._broken(f"line {number} is not JSON") from None
        if not isinstance(body, dict):
            raise self._broken(f"line {number} is not an entry")
        previous, seal = body.pop("previous", None), body.pop("hash", None)
        if previous != self._hash or seal != _seal(self._hash, body):
            raise self._broken(f"line {number} was changed, or one before it")
        if line != _dump({**body, "previous": previous, "hash": seal}) + b"\n":
            raise self._broken(f"line {number} is not as it was written")
        self._hash = str(seal)
        return body

    def _broken(self, what: str) -> FileFormatError:
        return FileFormatError(
            what,
            where=str(self.path),
            expected="a privacy ledger that only grew",
            do="bring back the intact file; what was spent cannot be known without it",
        )


def _dump(body: dict[str, Any]) -> bytes:
    return json.dumps(
        body, allow_nan=False, ensure_ascii=True, sort_keys=True, separators=(",", ":")
    ).encode()


def _whole(line: bytes) -> bool:
    """Whether a JSON value stands at the start: a write that was cut off leaves less than one."""
    try:
        json.JSONDecoder().raw_decode(line.decode("ascii", errors="replace"))
    except (ValueError, RecursionError):
        return False
    return True


def _seal(previous: str, body: dict[str, Any]) -> str:
    return hashlib.sha256(previous.encode() + b"\n" + _dump(body)).hexdigest()


def _flush_folder(folder: Path) -> None:
    """Make the file's own entry durable; not every system can flush a folder."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _write_all(handle: int, content: bytes) -> None:
    while content:
        content = content[os.write(handle, content) :]


if sys.platform == "win32":

    def _lock(handle: int) -> None:
        import msvcrt

        msvcrt.locking(handle, msvcrt.LK_LOCK, 1)

else:

    def _lock(handle: int) -> None:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX)
