"""Packed files: gzip, zstandard, bzip2 and xz by their content, and archives that hold one table."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import PurePath
from typing import IO, Any, cast

from locum.errors import DataError

#: Endings of packed files, and how each is packed.
PACKINGS: Mapping[str, str] = {".gz": "gzip", ".zst": "zstandard", ".bz2": "bzip2", ".xz": "xz"}
#: First bytes of packed files.
_MAGIC = (
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstandard"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
)


def packing_of(data: bytes) -> str:
    """How a file is packed, by its first bytes; empty when it is not."""
    return next((name for magic, name in _MAGIC if data.startswith(magic)), "")


def unpack(data: bytes, packing: str, where: str) -> bytes:
    """What a packed file holds.

    Raises
    ------
    DataError
        When it is empty, broken or cut off.
    """
    if not data:
        raise DataError("the file is empty", where=where, expected=f"a {packing} file")
    try:
        with reading(io.BytesIO(data), packing) as inner:
            return inner.read()
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise DataError(
            f"the {packing} file is broken or cut off", where=where, do="copy or pack it anew"
        ) from error


@contextmanager
def reading(file: IO[bytes], packing: str) -> Iterator[IO[bytes]]:
    """The bytes in a packed file, or its own where it is not packed."""
    if not packing:
        yield file
    elif packing == "zstandard":
        import pyarrow as pa

        with pa.CompressedInputStream(pa.PythonFile(file, mode="r"), "zstd") as inner:
            yield cast(IO[bytes], inner)
    else:
        opened: Mapping[str, Any] = {"gzip": gzip.open, "bzip2": bz2.open, "xz": lzma.open}
        with opened[packing](file, "rb") as inner:
            yield cast(IO[bytes], inner)


@contextmanager
def writing(file: IO[bytes], packing: str) -> Iterator[IO[bytes]]:
    """A stream that packs what is written to a file; same bytes in, same bytes out."""
    if not packing:
        yield file
    elif packing == "gzip":
        # No file name and no time in the header.
        with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as out:
            yield cast(IO[bytes], out)
    elif packing == "zstandard":
        import pyarrow as pa

        with pa.CompressedOutputStream(pa.PythonFile(file, mode="w"), "zstd") as stream:
            yield cast(IO[bytes], stream)
    else:
        opened: Mapping[str, Any] = {"bzip2": bz2.open, "xz": lzma.open}
        with opened[packing](file, "wb") as out:
            yield cast(IO[bytes], out)


def only_member(data: bytes, where: str) -> tuple[str, bytes]:
    """Name and bytes of the one file in a ZIP archive.

    Raises
    ------
    DataError
        When it is broken, locked, or holds none or several.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [m for m in archive.infolist() if not m.is_dir() and not _hidden(m.filename)]
            if len(members) != 1:
                listed = ", ".join(m.filename for m in members[:3])
                raise DataError(
                    f"the archive holds {len(members)} files{f' ({listed}, ...)' if members else ''}",
                    where=where,
                    expected="one file with one table",
                    do="unpack it and name the file",
                )
            if members[0].flag_bits & 1:
                raise DataError("the archive is locked with a password", where=where, do="unpack it first")
            return members[0].filename, archive.read(members[0])
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, zlib.error, EOFError) as error:
        raise DataError(
            "the archive is broken or of an unknown kind", where=where, do="copy it anew"
        ) from error


def _hidden(name: str) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in PurePath(name).parts)
