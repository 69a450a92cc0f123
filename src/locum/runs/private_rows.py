"""Where private rows lie while they are learned from: in memory, or in their file behind DuckDB.

The choice rests on the size of the file and of the machine. Neither engine leaves a trace in what is
released: for the same noise both give the same counts, to the last one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast, get_args

from locum.data.private_table import PrivateTable
from locum.data.read import kind_of_file
from locum.errors import UsageError
from locum.privacy.sealed import seal_errors
from locum.runs.machine import available_memory
from locum.runs.options import ENGINES, check_engine
from locum.sources.rows import MemoryRows, Rows
from locum.wording import size

Engine = Literal["memory", "duckdb"]

#: Bytes of memory at the peak of a private run for each byte of the file, by format. The fit alone took 3
#: (CSV) and 16 (Parquet) on 15 mixed columns (``python -m benchmarks.engines``); judging holds more copies of
#: the rows, and other columns pack better, so that four times as much is set aside.
HELD: Mapping[str, float] = {"csv": 12.0, "parquet": 60.0, "arrow": 8.0}
#: Memory of the program itself.
BASE = 2.5e8
#: Part of the free memory that rows in memory may take before they stay in their file.
_SHARE = 0.5
#: Memory limit of the database: a quarter of what is free, within these bounds, in megabytes.
_LEAST, _MOST = 128, 400


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """An engine, the memory that rows in memory would take, and why in a sentence (empty when asked for)."""

    engine: Engine
    memory_bytes: int
    why: str = ""


def choose_engine(data: Any, wanted: str = ENGINES[0], *, free: int | None = None) -> EngineChoice:
    """Decide where the rows of a path or frame lie.

    Parameters
    ----------
    data
        Path or frame.
    wanted
        ``memory``, ``duckdb``, or ``auto``: by size.
    free
        Free memory in bytes; None looks.

    Raises
    ------
    UsageError
        For an unknown engine, and for DuckDB with a table that is in memory already.
    """
    check_engine(wanted)
    if not isinstance(data, str | Path) or not Path(data).is_file():
        if wanted == "duckdb":
            raise UsageError(
                "DuckDB reads files, and this is none",
                where="--engine",
                do="leave it out, or write a Parquet file",
            )
        return EngineChoice("memory", 0)
    path = Path(data)
    need = int(BASE + path.stat().st_size * HELD[file_family(path)])
    if wanted in get_args(Engine):
        return EngineChoice(cast(Engine, wanted), need)
    free = available_memory() if free is None else free
    if need <= _SHARE * free:
        return EngineChoice("memory", need)
    words = f"rows in memory may take {size(need)} of {size(free)} that are free"
    return EngineChoice("duckdb", need, f"The rows stay in their file, behind DuckDB: {words}.")


def open_rows(table: PrivateTable, chosen: EngineChoice) -> Rows:
    """The private rows of a table; what a broken file is told about quotes no value.

    Raises
    ------
    DataError, UsageError
        When the rows cannot be read, or DuckDB is not installed.
    """
    with seal_errors("reading the rows"):
        if chosen.engine == "duckdb":
            from locum.sources.files import FileRows

            memory = max(_LEAST, min(_MOST, available_memory() // 4_000_000))
            return FileRows.of(table, memory=memory)
        return MemoryRows.of(table)


def file_family(path: Path) -> str:
    """``parquet``, ``arrow``, or ``csv`` for all that is text."""
    families = {
        ".parquet": "parquet",
        ".pq": "parquet",
        ".arrow": "arrow",
        ".feather": "arrow",
        ".ipc": "arrow",
    }
    return families.get(kind_of_file(path)[0], "csv")
