"""Append-only files of JSON lines that survive being cut off at any byte: plain, sealed, and put in order."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from locum.errors import FileFormatError
from locum.files import atomic
from locum.files.json import dump, load
from locum.files.lock import lock

#: Longest lines that are read back; ours are a few hundred bytes.
MAX_LINE, MAX_SEALED_LINE = 4 * 2**20, 1 << 26
_START = "0" * 64


class JsonLines:
    """Appends one JSON object per line, each on the disk before `append` returns.

    Parameters
    ----------
    path
        The file; made when the first line is written.
    private
        Whether only the owner may read it.
    """

    def __init__(self, path: Path, *, private: bool = False) -> None:
        self.path, self._mode = path, atomic.OWNER_ONLY if private else 0o644

    def append(self, record: dict[str, Any]) -> None:
        """Write one line and flush it to the disk.

        A line that an earlier process left unfinished is closed first, so that it spoils nothing but itself.

        Raises
        ------
        FolderError
            When it cannot be written.
        """
        with open_file(self.path, self._mode) as handle:
            size = os.lseek(handle, 0, os.SEEK_END)
            os.lseek(handle, max(0, size - 1), os.SEEK_SET)
            torn = size > 0 and os.read(handle, 1) != b"\n"
            _write(handle, (b"\n" if torn else b"") + dump(record) + b"\n")
            if not size:
                atomic.flush_folder(self.path.parent)

    def records(self) -> Iterator[dict[str, Any]]:
        """All whole lines in order; lines that were cut off are passed over. No file, no records."""
        if not self.path.exists():
            return
        try:
            with self.path.open("rb") as lines:
                while line := lines.readline(MAX_LINE):
                    record = _parsed(line, str(self.path))
                    if record is not None:
                        yield record
        except OSError as error:
            raise FileFormatError("the log cannot be read", where=str(self.path)) from error


class SealedLines:
    """Lines that are each sealed to the one before by its hash; several processes may write.

    A line is on the disk before `append` returns. An unfinished last line is what a crash in the middle of
    writing leaves; whoever wrote it had not yet acted on it, and it is removed by the next writer. What the
    file alone cannot show is that whole lines were cut off its end: keep `head` elsewhere for that.

    Parameters
    ----------
    path
        The file; made when it is missing.
    what
        What the file is, for errors.

    Raises
    ------
    FolderError
        When the file cannot be opened for writing.
    """

    def __init__(self, path: str | os.PathLike[str], what: str = "file") -> None:
        self.path, self._what = Path(path), what
        self.bodies: list[dict[str, Any]] = []
        self._at, self._hashes = 0, [_START]
        self.refresh()
        atomic.flush_folder(self.path.parent)

    @property
    def head(self) -> str:
        """Hash of the last line, which seals all before it."""
        return self._hashes[-1]

    def hash_at(self, lines: int) -> str | None:
        """What `head` was when there were so many lines; None when there are fewer."""
        return self._hashes[lines] if 0 <= lines < len(self._hashes) else None

    def refresh(self) -> None:
        """Read what others have written since."""
        with self._locked():
            self._take_in()

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
            self._take_in()
            body = make()
            if body is None:
                return
            self._before(body)
            seal = _seal(self.head, body)
            line = dump({**body, "previous": self.head, "hash": seal}) + b"\n"
            os.ftruncate(handle, self._at)
            os.lseek(handle, self._at, os.SEEK_SET)
            _write(handle, line)
            self._at += len(line)
            self._hashes.append(seal)
            self.bodies.append(body)
            self._after()

    def _take_in(self) -> None:
        """Read what is new; subclasses hold it against what they know. Nobody else can write meanwhile."""
        self._read()

    def _before(self, body: dict[str, Any]) -> None:
        """Called with a line that is about to be written; here nothing is to do."""

    def _after(self) -> None:
        """Called when a line is on the disk; here nothing is to do."""

    @contextmanager
    def _locked(self) -> Iterator[int]:
        with open_file(self.path, atomic.OWNER_ONLY) as handle:
            lock(handle, wait=True)
            yield handle

    def _read(self) -> None:
        with self.path.open("rb") as file:
            if file.seek(0, os.SEEK_END) < self._at:
                raise self._broken("became shorter")
            file.seek(self._at)
            while True:
                line = file.readline(MAX_SEALED_LINE)
                if not line.endswith(b"\n"):
                    if len(line) >= MAX_SEALED_LINE:
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
        if previous != self.head or seal != _seal(self.head, body):
            raise self._broken(f"line {number} was changed, or one before it")
        if line != dump({**body, "previous": previous, "hash": seal}) + b"\n":
            raise self._broken(f"line {number} is not as it was written")
        self._hashes.append(str(seal))
        return body

    def _broken(self, problem: str) -> FileFormatError:
        return FileFormatError(
            problem,
            where=str(self.path),
            expected=f"a {self._what} that only grew",
            do="bring back the intact file; what it held cannot be known without it",
        )


class Spool:
    """Lines in a file under a temporary name, read back in the order of their slots.

    Costs 40 bytes of memory a line; the file goes when it is closed, and is not flushed before.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file: BinaryIO = path.open("w+b")
        except OSError as error:
            raise atomic.folder_error(error, path) from error
        self._places: list[tuple[int, int]] = []
        self._end = 0

    def append(self, slot: int, value: Any) -> None:
        """Keep one JSON value, its texts and the order of its keys as they are."""
        line = json.dumps(value, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace") + b"\n"
        try:
            self._file.write(line)
        except OSError as error:
            raise atomic.folder_error(error, self._path) from error
        self._places.append((slot, self._end))
        self._end += len(line)

    def lines(self) -> Iterator[bytes]:
        """All lines by slot; equal slots in the order they came."""
        self._file.flush()
        for _, place in sorted(self._places, key=lambda entry: entry[0]):
            self._file.seek(place)
            yield self._file.readline()
        self._file.seek(self._end)

    def write_to(self, path: Path) -> None:
        """Write all lines to a file, all or nothing."""
        with atomic.replacing(path) as temporary, temporary.open("wb") as out:
            for line in self.lines():
                out.write(line)

    def close(self) -> None:
        """Let the file go."""
        self._file.close()
        self._path.unlink(missing_ok=True)


@contextmanager
def open_file(path: Path, mode: int) -> Iterator[int]:
    """A file open for reading and writing, made when it is missing; a failure is a FolderError."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), mode)
        try:
            yield handle
        finally:
            os.close(handle)
    except OSError as error:
        raise atomic.folder_error(error, path) from error


def _write(handle: int, content: bytes) -> None:
    """Write all of it at the present place, and have it on the disk."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(handle, rest[: 1 << 20]) :]
    os.fsync(handle)


def _parsed(line: bytes, where: str) -> dict[str, Any] | None:
    try:
        record = load(line, where) if line.endswith(b"\n") else None
    except FileFormatError:
        return None
    return record if isinstance(record, dict) else None


def _whole(line: bytes) -> bool:
    """Whether a JSON value stands at the start: a write that was cut off leaves less than one."""
    try:
        json.JSONDecoder().raw_decode(line.decode("ascii", errors="replace"))
    except (ValueError, RecursionError):
        return False
    return True


def _seal(previous: str, body: dict[str, Any]) -> str:
    return hashlib.sha256(previous.encode() + b"\n" + dump(body)).hexdigest()
