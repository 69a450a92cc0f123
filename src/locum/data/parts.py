"""Several files of one table: their names in order, and their rows one below the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from locum.data.origin import Raw
from locum.errors import DataError

#: Signs of a pattern in the name of a file.
_PATTERN = "*?["
#: Endings of files of which a folder is one table.
_FOLDERS = (".parquet", ".pq")


def parts_of(path: Path, suffixes: Sequence[str]) -> list[Path]:
    """The files that a pattern or a folder stands for, in the order of their names; none for a file.

    A folder of Parquet files is one table; one of other files might hold several, so they must be named.

    Raises
    ------
    DataError
        When no file fits the pattern, or the folder holds anything but Parquet files.
    """
    if path.is_dir():
        files = [p for p in sorted(path.iterdir()) if p.is_file() and not p.name.startswith((".", "_"))]
        tables = [p for p in files if _suffix(p) in suffixes]
        if not tables or len(tables) < len(files) or any(_suffix(p) not in _FOLDERS for p in tables):
            example = f"name a file in it, e.g. {tables[0]}" if tables else "name a file"
            raise DataError(
                "this is a folder, not a file",
                where=str(path),
                expected="one file with one table, or a folder that holds the parts of one table in Parquet",
                do=f"{example}, or several that are parts of one table, e.g. {path / '*.csv'}",
            )
        return tables
    if path.exists() or not any(sign in str(path) for sign in _PATTERN):
        return []
    root = Path(path.anchor) if path.is_absolute() else Path()
    pattern = path.relative_to(path.anchor) if path.is_absolute() else path
    found = sorted(found for found in root.glob(str(pattern)) if found.is_file())
    if not found:
        raise DataError("no file fits this pattern", where=str(path), do="check the spelling of the path")
    return found


def _suffix(path: Path) -> str:
    endings = [
        ending.lower() for ending in path.suffixes if ending.lower() not in (".gz", ".zst", ".bz2", ".xz")
    ]
    return endings[-1] if endings else ""


def read_parts(files: Sequence[Path], name: str, read_one: Callable[[Path], Raw]) -> Raw:
    """The rows of all files, each read by `read_one`, as one table of that name.

    Raises
    ------
    DataError
        When a file has other columns, or other types, than the first.
    """
    import pyarrow as pa

    first = read_one(files[0])
    tables, notes, lineage = [first.table], list(first.notes), first.lineage
    for path in files[1:]:
        raw = read_one(path)
        _refuse_other_columns(first, raw, files[0], path)
        tables.append(raw.table.select(first.table.column_names))
        notes += [note for note in raw.notes if note not in notes]
        lineage = lineage or raw.lineage
    try:
        table = pa.concat_tables(tables, promote_options="permissive")
    except pa.ArrowException as error:
        raise DataError(
            "the files hold the same columns in different types",
            where=name,
            do="write them in the same types",
        ) from error
    many = f"{len(files)} files were read as one table, in the order of their names."
    return replace(
        first,
        table=table,
        name=name,
        notes=(many, *notes) if len(files) > 1 else tuple(notes),
        lineage=lineage,
    )


def _refuse_other_columns(first: Raw, raw: Raw, one: Path, path: Path) -> None:
    ours, theirs = set(first.table.column_names), set(raw.table.column_names)
    if ours == theirs:
        return
    lost, new = sorted(ours - theirs), sorted(theirs - ours)
    what = " and ".join(
        f"{words} {', '.join(some[:3])}{', ...' if len(some) > 3 else ''}"
        for words, some in (("lacks", lost), ("has besides", new))
        if some
    )
    raise DataError(
        f"{path.name} {what}, unlike {one.name}",
        where=str(path),
        expected="the same columns in all files of a table",
        do="name files with the same columns only",
    )
