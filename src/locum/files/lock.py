"""One process at a time in a folder; the operating system lets go when the process ends, however it ends."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from locum.errors import FolderError
from locum.files.atomic import OWNER_ONLY, folder_error

LOCK_NAME = ".lock"


class FolderLock:
    """An exclusive lock on ``.lock`` in a folder, held from construction to `release`.

    Raises
    ------
    FolderError
        When another process holds it, or the folder cannot be written to.
    """

    def __init__(self, folder: Path) -> None:
        try:
            self._handle = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CREAT, OWNER_ONLY)
        except OSError as error:
            raise folder_error(error, folder) from error
        try:
            lock(self._handle, wait=False)
        except OSError as error:
            os.close(self._handle)
            raise FolderError(
                "another process is working in this folder",
                where=str(folder),
                do="wait until it has finished, or choose another folder",
            ) from error
        self._held = True

    def release(self) -> None:
        """Let go; calling it again does nothing. The file itself stays, so that no second one can be made."""
        if self._held:
            self._held = False
            os.close(self._handle)


if sys.platform == "win32":

    def lock(handle: int, *, wait: bool) -> None:
        """Lock an open file until it is closed; OSError when another process holds it and `wait` is off."""
        import msvcrt

        msvcrt.locking(handle, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)

else:

    def lock(handle: int, *, wait: bool) -> None:
        """Lock an open file until it is closed; OSError when another process holds it and `wait` is off."""
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
