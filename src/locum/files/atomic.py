"""Writing files so that a final name never holds half a file, saying clearly why it failed; checksums."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from locum.errors import FolderError

#: Start of the name of every unfinished file; such files may be deleted by whoever holds the folder.
TEMPORARY_PREFIX = ".unfinished-"
#: Permissions of files and folders that nobody but their owner may look into.
OWNER_ONLY, OWNER_ONLY_FOLDER = 0o600, 0o700

_REASONS = {
    errno.ENOSPC: ("no space is left on the disk", "free some space, or write somewhere else"),
    errno.EDQUOT: ("your disk quota is used up", "free some space, or write somewhere else"),
    errno.EFBIG: ("the file would be larger than the system allows", "raise the limit, or write less"),
    errno.EACCES: ("there is no permission to write there", "choose a place you may write to"),
    errno.EPERM: ("there is no permission to write there", "choose a place you may write to"),
    errno.EROFS: ("the file system is read-only", "choose a place you may write to"),
    errno.ENOENT: ("the folder does not exist", "create the folder first, or choose another place"),
    errno.ENOTDIR: ("part of the path is a file, not a folder", "choose another place"),
    errno.EISDIR: ("that is a folder, not a file", "give the name of a file"),
    errno.ENAMETOOLONG: ("the name is too long", "choose a shorter name"),
}


def folder_error(error: OSError, path: str | os.PathLike[str]) -> FolderError:
    """The FolderError that says in words what the operating system said in numbers."""
    what, do = _REASONS.get(
        error.errno or 0,
        (f"writing failed: {error.strerror or type(error).__name__}", "choose another place"),
    )
    return FolderError(what, where=str(path), do=do)


@contextmanager
def replacing(path: str | os.PathLike[str], *, private: bool = False) -> Iterator[Path]:
    """Give a temporary path beside `path`; when the block ends well, it takes the final name.

    The content is flushed to disk before the rename, so that after a crash the final name holds either the
    old file or the whole new one. When the block raises, the temporary file is removed and nothing else
    has changed. The temporary name ends like the final one, so that writers which look at suffixes work.

    Parameters
    ----------
    path
        The final name.
    private
        Whether only the owner may read the file, from its first byte on. It is there, and empty, when the
        block begins.

    Raises
    ------
    FolderError
        For any OSError of the file system inside the block (no space, no permission, a folder in the way).
    """
    final = Path(path)
    temporary = final.with_name(f"{TEMPORARY_PREFIX}{secrets.token_hex(4)}{final.suffix}")
    try:
        if final.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(final))
        if private:
            os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY))
        yield temporary
        if private:
            # some writers make the file anew
            temporary.chmod(OWNER_ONLY)
        _flush_file(temporary)
        os.replace(temporary, final)  # noqa: PTH105 - os.replace is the atomic one on every platform
        flush_folder(final.parent)
    except OSError as error:
        raise folder_error(error, path) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_bytes(path: str | os.PathLike[str], content: bytes, *, private: bool = False) -> None:
    """Write `content` so that `path` holds all of it or what it held before; raises FolderError."""
    with replacing(path, private=private) as temporary:
        temporary.write_bytes(content)


def write_text(path: str | os.PathLike[str], content: str, *, private: bool = False) -> None:
    """Write UTF-8 text with ``\\n`` line ends, all or nothing; raises FolderError."""
    write_bytes(path, content.encode("utf-8"), private=private)


def is_private(path: Path) -> bool:
    """Whether nobody but its owner may read a file; raises OSError when it is not there."""
    return os.name == "posix" and not path.stat().st_mode & 0o077


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal; about 0.5 s per GB. Raises OSError."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _flush_file(path: Path) -> None:
    with path.open("rb+") as handle:
        os.fsync(handle.fileno())


def flush_folder(path: Path) -> None:
    """Make the names in a folder durable; not every system can, and none needs it for atomicity."""
    with suppress(OSError):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
