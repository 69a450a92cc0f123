"""One entrant makes its rows: whatever it is, a file goes in, a file comes out, and its use is measured."""

from __future__ import annotations

import json
import shlex
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from locum.errors import LocumError
from locum.schema.json import schema_to_json
from locum.schema.table import Schema
from locum.studies.compare.result import Status
from locum.studies.contestants.contestant import Contestant
from locum.studies.contestants.process import Use, run

if TYPE_CHECKING:
    import pyarrow as pa

#: Reads a made file against a schema: the canonical table, the schema that fits both, and notes.
Reader = Callable[[Path, Schema], tuple["pa.Table", Schema, tuple[str, ...]]]


@dataclass(frozen=True, slots=True, eq=False)
class Arena:
    """One table to compare on, cut for one seed.

    Attributes
    ----------
    name
        Of the table.
    schema
        What its columns are, with target and protected columns.
    train, holdout
        Canonical rows to learn from, and rows that nobody sees (None without).
    write
        Writes a canonical table as the CSV that entrants get.
    read
        Reads what they made.
    """

    name: str
    schema: Schema
    train: pa.Table
    holdout: pa.Table | None
    write: Callable[[pa.Table, Path], object]
    read: Reader


@dataclass(frozen=True, slots=True)
class ProducedRows:
    """Where the rows are and what they cost, or why there are none."""

    status: Status
    path: Path
    reason: str = ""
    cpu_s: float | None = None
    wall_s: float | None = None
    peak_bytes: float | None = None


def produce(
    who: Contestant, arena: Arena, *, rows: int, seed: int, limit_s: float, folder: Path
) -> ProducedRows:
    """Let one entrant make its rows in `folder`; whatever goes wrong becomes a reason, not an exception."""
    try:
        if who.kind == "files":
            return _ready(who, arena, seed)
        if who.kind == "function":
            return _function(who, arena, rows, seed, folder)
        command, out = _command(who, arena, rows, seed, folder)
    except (LocumError, OSError) as error:
        return ProducedRows("failed", folder, str(error)[:300])
    # Relative paths in a command are the user's own.
    use = run(command, limit_s=limit_s, log=folder / "output.txt", folder=Path.cwd())
    return _judge(use, out, limit_s)


def _judge(use: Use, out: Path, limit_s: float) -> ProducedRows:
    cost = (use.cpu_s, use.wall_s, use.peak_bytes)
    if use.too_slow:
        return ProducedRows("too slow", out, f"stopped after {limit_s:g} s", *cost)
    if use.code:
        return ProducedRows("failed", out, use.said or f"exit code {use.code}", *cost)
    if not out.is_file():
        return ProducedRows("failed", out, "ended well, but wrote no file", *cost)
    return ProducedRows("ok", out, "", *cost)


def _ready(who: Contestant, arena: Arena, seed: int) -> ProducedRows:
    path = Path(who.what.replace("{table}", arena.name).replace("{seed}", str(seed)))
    if not path.is_file():
        return ProducedRows("failed", path, f"there is no file {path.name}")
    return ProducedRows("ok", path)


def _function(who: Contestant, arena: Arena, rows: int, seed: int, folder: Path) -> ProducedRows:
    """In this process, so it can be neither stopped nor its memory told apart."""
    train, out = folder / "train.csv", folder / "made.csv"
    arena.write(arena.train, train)
    assert who.function is not None
    cpu, wall = time.process_time(), time.monotonic()
    try:
        who.function(train, out, rows, seed)
    except Exception as error:  # noqa: BLE001 - somebody else's function: its failure is a row of the record
        return ProducedRows(
            "failed", out, f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
        )
    cost = (time.process_time() - cpu, time.monotonic() - wall)
    if not out.is_file():
        return ProducedRows("failed", out, "ended well, but wrote no file", *cost)
    return ProducedRows("ok", out, "", *cost)


def _command(who: Contestant, arena: Arena, rows: int, seed: int, folder: Path) -> tuple[list[str], Path]:
    if who.kind == "built-in":
        return _built_in(who, arena, rows, seed, folder)
    train, out = folder / "train.csv", folder / "made.csv"
    arena.write(arena.train, train)
    if who.kind == "peer":
        hints: dict[str, Any] = {
            # Times as text are labels to most peers; none of them reads dates unasked.
            "labels": [c.name for c in arena.schema if c.kind not in ("integer", "number", "duration")],
            "target": arena.schema.target,
            "settings": dict(who.settings),
        }
        (folder / "hints.json").write_text(json.dumps(hints), encoding="utf-8")
        script = Path(__file__).with_name("peer.py")
        words = [who.python, "-I", str(script), who.what, str(train), str(out), str(rows), str(seed)]
        return [*words, str(folder / "hints.json")], out
    places = {
        "train": str(train),
        "out": str(out),
        "rows": str(rows),
        "seed": str(seed),
        "table": arena.name,
        "python": sys.executable,
        "target": arena.schema.target or "",
    }
    # Filled in word by word after the split, so that a path with blanks stays one word.
    words = []
    for word in shlex.split(who.what):
        for name, value in places.items():
            word = word.replace(f"{{{name}}}", value)
        words.append(word)
    return words, out


def _built_in(who: Contestant, arena: Arena, rows: int, seed: int, folder: Path) -> tuple[list[str], Path]:
    import pyarrow.parquet as pq

    train, out, job = folder / "train.parquet", folder / "made.parquet", folder / "job.json"
    pq.write_table(arena.train, train)
    text = {
        "train": str(train),
        "out": str(out),
        "name": who.what,
        "settings": dict(who.settings),
        "seed": seed,
        "rows": rows,
        "schema": schema_to_json(arena.schema),
    }
    job.write_text(json.dumps(text), encoding="utf-8")
    return [sys.executable, "-m", "locum.studies.contestants.child", str(job)], out
