"""The folder that a study writes into: refused when it holds something else, filled all or nothing."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from locum.errors import FolderError
from locum.files.atomic import OWNER_ONLY_FOLDER, TEMPORARY_PREFIX, folder_error, write_text


def own_folder(folder: Path, own: set[str]) -> Path:
    """The folder, refused when it holds anything but files named `own` and unfinished ones.

    Raises
    ------
    FolderError
        When it does, or cannot be looked into.
    """
    foreign = sorted(n for n in _names(folder) - own if not n.startswith(TEMPORARY_PREFIX))
    if foreign:
        raise _refusal("something else", foreign, folder)
    return folder


def refuse_taken(folder: Path) -> None:
    """Refuse a folder that holds something already; best asked before the work is done.

    Raises
    ------
    FolderError
        When it is not empty, or no folder.
    """
    taken = sorted(_names(folder))
    if taken:
        raise _refusal("something already", taken, folder)


def refuse_existing(path: Path, *, force: bool) -> Path:
    """Return `path` if it may be written.

    Raises
    ------
    FolderError
        When it exists and `force` is not set, when it is a folder, or when its folder does not exist.
    """
    if path.is_dir():
        raise FolderError("this is a folder", where=str(path), expected="the name of a file")
    if path.exists() and not force:
        raise FolderError("the file exists already", where=str(path), do="choose another name or add --force")
    if not path.parent.is_dir():
        raise FolderError("the folder does not exist", where=str(path.parent), do="create it first")
    return path


def make_folder(folder: Path, *, private: bool = False) -> Path:
    """Make the folder and those above it, a private one for its owner only.

    Raises
    ------
    FolderError
        When that cannot be.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if private:
            folder.chmod(OWNER_ONLY_FOLDER)
    except OSError as error:
        raise folder_error(error, folder) from error
    return folder


def study_folder(out: str | os.PathLike[str] | None, name: str, *more: str) -> Path | None:
    """Where page and numbers of a study go, and files named `more`; None stays None. See `own_folder`."""
    return None if out is None else own_folder(Path(out), {f"{name}.html", f"{name}.json", *more})


def write_study(folder: Path, name: str, page: str, numbers: Mapping[str, Any]) -> Path:
    """Write a study's page and numbers as ``name.html`` and ``name.json``, each all or nothing.

    Raises
    ------
    FolderError
        When the folder cannot be made or written to.
    ValueError
        When a number is not finite: a defect, as evidence says why it has no number.
    """
    make_folder(folder)
    text = json.dumps(numbers, indent=1, ensure_ascii=False, allow_nan=False)
    write_text(folder / f"{name}.json", text + "\n")
    write_text(folder / f"{name}.html", page)
    return folder


def _names(folder: Path) -> set[str]:
    try:
        return {entry.name for entry in folder.iterdir()} if folder.exists() else set()
    except OSError as error:
        raise folder_error(error, folder) from error


def _refusal(what: str, names: list[str], folder: Path) -> FolderError:
    return FolderError(
        f"the folder holds {what} ({', '.join(names[:3])})",
        where=str(folder),
        do="choose a new or empty folder with --out",
    )
