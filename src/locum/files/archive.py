"""Zip archives from strangers: nothing is unpacked before its claims have been checked."""

from __future__ import annotations

import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from locum.errors import FileFormatError, UsageError

#: A central directory of a handful of members fits many times over.
MAX_DIRECTORY = 64 * 2**10
#: Members above this size must not be packed tighter than `MAX_RATIO` (our own writer stores them instead).
RATIO_FREE = 8 * 2**20
MAX_RATIO = 60
_CHUNK = 1 << 20
_END = struct.Struct("<4s4H2LH")
_ZIP64_LOCATOR = 20
#: Bytes of the header before each member, without its name.
_LOCAL = 30
_ASK = "ask for the file again, from a source you trust"


def refuse(what: str, where: str, *, expected: str = "", do: str = _ASK) -> FileFormatError:
    """The error for a file that is not what it should be."""
    return FileFormatError(what, where=where, expected=expected, do=do)


@contextmanager
def open_archive(path: Path, limits: Mapping[str, int]) -> Iterator[zipfile.ZipFile]:
    """Open an archive whose members are all named in `limits` and claim no more than that many bytes.

    Only the end record and the directory (at most `MAX_DIRECTORY` bytes) are read. Errors that appear while
    members are read inside the block become FileFormatError too.

    Raises
    ------
    UsageError
        When there is no such file, or no permission to read it.
    FileFormatError
        For everything else that is not a small, plain archive of exactly the expected kind.
    """
    where = str(path)
    with _open_regular(path) as handle:
        _check_ends(handle, where)
        try:
            with zipfile.ZipFile(handle) as archive:
                _check_members(archive, limits, where)
                yield archive
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
            raise refuse(f"the archive is damaged: {type(error).__name__}", where) from None
        except (OSError, ValueError, struct.error, RuntimeError, OverflowError) as error:
            raise refuse(f"the archive cannot be read: {type(error).__name__}", where) from None


def read_member(archive: zipfile.ZipFile, name: str, where: str) -> bytes:
    """All bytes of one member, decompressed in steps and never beyond its claimed (and checked) size."""
    try:
        info = archive.getinfo(name)
    except KeyError:
        raise refuse(f"member {name} is missing", where) from None
    content = bytearray()
    with archive.open(info) as stream:
        while chunk := stream.read(_CHUNK):
            content += chunk
            if len(content) > info.file_size:
                raise refuse(f"member {name} is longer than it claims", where)
    if len(content) != info.file_size:
        raise refuse(f"member {name} is shorter than it claims", where)
    return bytes(content)


def packs_too_well(size: int, packed: int) -> bool:
    """Whether a member of `size` bytes in `packed` bytes looks like a zip bomb."""
    return size > RATIO_FREE and size > MAX_RATIO * packed


def _open_regular(path: Path) -> BinaryIO:
    where = str(path)
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise refuse(
                "that is a folder", where, expected="a model file (*.locum)", do="name the file in it"
            )
        if not stat.S_ISREG(mode):
            raise refuse("that is not an ordinary file", where, expected="a model file (*.locum)")
        return path.open("rb")
    except FileNotFoundError:
        raise UsageError("there is no such file", where=where, do=_near(path)) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "the name is not usable"
        raise UsageError(f"the file cannot be opened: {reason}", where=where, do="check the path") from None


def _near(path: Path) -> str:
    import difflib

    try:
        names = [p.name for p in path.parent.iterdir() if p.suffix == path.suffix]
    except OSError:
        return "check the path: its folder cannot be read either"
    close = difflib.get_close_matches(path.name, names, n=1)
    return f"did you mean {close[0]}?" if close else "check the path"


def _check_ends(handle: BinaryIO, where: str) -> None:
    """Read the first four and the last 42 bytes, before anything else believes the file's own sizes."""
    size = handle.seek(0, os.SEEK_END)
    if size == 0:
        raise refuse("the file is empty", where, expected="a model file (*.locum)")
    handle.seek(0)
    if handle.read(4) != b"PK\x03\x04":
        raise refuse("not a locum model file", where, expected="a model file made by locum (*.locum)")
    tail = min(size, _END.size + _ZIP64_LOCATOR)
    handle.seek(size - tail)
    data = handle.read(tail)
    if len(data) < _END.size or not data[-_END.size :].startswith(b"PK\x05\x06"):
        raise refuse("the file is cut off or has been added to", where)
    _, disk, disk_start, here, total, length, offset, comment = _END.unpack(data[-_END.size :])
    if data[: -_END.size].startswith(b"PK\x06\x07") or 0xFFFFFFFF in (length, offset):
        raise refuse("the archive is of the 64-bit kind, which no locum file needs", where)
    if disk or disk_start or comment or here != total or length > MAX_DIRECTORY:
        raise refuse("the archive's directory makes impossible claims", where)
    if offset + length + _END.size != size:
        raise refuse("the file is cut off or has been added to", where)


def _check_members(archive: zipfile.ZipFile, limits: Mapping[str, int], where: str) -> None:
    seen: set[str] = set()
    at = 0
    for info in sorted(archive.infolist(), key=lambda member: member.header_offset):
        name, shown = info.filename, ascii(info.filename[:60])
        if name in seen:
            raise refuse(f"member {shown} appears twice", where)
        seen.add(name)
        if name not in limits:
            outside = name.startswith(("/", "\\")) or ".." in name or ":" in name
            what = "points outside the archive" if outside else "does not belong in a model file"
            raise refuse(f"member {shown} {what}", where)
        if stat.S_ISLNK(info.external_attr >> 16):
            raise refuse(f"member {shown} is a link", where)
        if info.flag_bits & 0x1:
            raise refuse(f"member {shown} is encrypted", where)
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise refuse(f"member {shown} is packed in a way that model files do not use", where)
        if info.file_size > limits[name]:
            raise refuse(
                f"member {shown} claims {info.file_size:,} bytes", where, expected=f"at most {limits[name]:,}"
            )
        if packs_too_well(info.file_size, info.compress_size):
            raise refuse(f"member {shown} unpacks to {MAX_RATIO} times its size or more (a zip bomb?)", where)
        # nothing may stand beside the members, for nobody would see it
        if info.header_offset != at or info.extra or info.comment:
            raise refuse(f"something is hidden before or beside member {shown}", where)
        at += _LOCAL + len(name.encode()) + info.compress_size
    if at != archive.start_dir:
        raise refuse("something is hidden after the last member", where)
