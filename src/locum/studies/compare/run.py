"""The whole field on every table and seed; a comparison that was stopped goes on where it stopped."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from locum.data.lineage_stamp import stamp_of
from locum.errors import FolderError, LocumError
from locum.evaluation.evaluate import evaluate
from locum.files.atomic import folder_error, write_text
from locum.files.lock import FolderLock
from locum.progress import Event, Listener, silent
from locum.randomness import child_seed
from locum.schema.lineage import uncovered_warning
from locum.studies.compare.result import Cell, slim
from locum.studies.contestants.contestant import Contestant
from locum.studies.contestants.produce import Arena, ProducedRows, produce
from locum.synthesizer.refit import Refit

CELLS = "cells"


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds for every cell.

    Attributes
    ----------
    rows
        Rows to make; None means as many as were learned from.
    limit_s
        Longest time for fitting and drawing, on the clock.
    keep
        Whether made rows are kept beside the record.
    retry
        Whether cells that failed before are tried again.
    judging
        Further keyword arguments of `locum.evaluation.evaluate.evaluate`.
    """

    rows: int | None = None
    limit_s: float = 3_600.0
    keep: bool = False
    retry: bool = False
    judging: tuple[tuple[str, Any], ...] = ()

    def identity(self) -> dict[str, Any]:
        """What decides the figures of a cell."""
        return {"rows": self.rows, "limit_s": self.limit_s, "judging": dict(self.judging)}


def compare(
    arenas: Mapping[str, Callable[[int], Arena]],
    field: Sequence[Contestant],
    seeds: Sequence[int],
    *,
    folder: Path | None,
    identity: Mapping[str, str],
    rules: Rules | None = None,
    listener: Listener = silent,
) -> tuple[Cell, ...]:
    """Run and judge every entrant on every table under every seed.

    Parameters
    ----------
    arenas
        By table name, what cuts it for a seed: training rows and hold-out.
    field
        The entrants, controls included (`field_of`).
    seeds
        Of splitting, fitting, drawing and judging.
    folder
        Where finished cells are kept, so that the same call goes on with what is left; None keeps nothing.
    identity
        Digest of each table; a changed table is run again.
    rules
        What holds for every cell.
    listener
        Told of each cell.

    Raises
    ------
    FolderError
        When the folder cannot be used, or another process works in it.

    Notes
    -----
    An entrant that fails, is too slow, or makes rows that cannot be compared gives a cell with the reason.
    Cells run one after the other, so that their CPU seconds are not disturbed by each other.
    """
    rules = rules or Rules()
    cells: list[Cell] = []
    total = len(arenas) * len(field) * len(seeds)
    with _workplace(folder) as (kept, work):
        for table, cut in arenas.items():
            for seed in seeds:
                arena: Arena | None = None
                for who in field:
                    note = f"{table}, seed {seed}: {who.name}"
                    listener(Event("compare", len(cells), total, note))
                    at = None if kept is None else kept / f"{_digest(who, identity[table], seed, rules)}.json"
                    cell = _read(at, retry=rules.retry)
                    if cell is None:
                        arena = arena or cut(seed)
                        cell = _cell(who, arena, seed, rules, work, kept)
                        if at is not None:
                            text = json.dumps(cell.to_json(), ensure_ascii=False, allow_nan=False)
                            write_text(at, text + "\n")
                    cells.append(cell)
        listener(Event("compare", total, total))
    return tuple(cells)


@contextmanager
def _workplace(folder: Path | None) -> Iterator[tuple[Path | None, Path]]:
    """The folder of finished cells (locked) and one for work in progress, which is emptied in the end."""
    with tempfile.TemporaryDirectory(prefix="locum-compare-") as work:
        if folder is None:
            yield None, Path(work)
            return
        kept = folder / CELLS
        try:
            kept.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise folder_error(error, folder) from error
        lock = FolderLock(folder)
        try:
            yield kept, Path(work)
        finally:
            lock.release()


def _digest(who: Contestant, table: str, seed: int, rules: Rules) -> str:
    from locum.version import VERSION

    what = {
        "who": who.identity(),
        "table": table,
        "seed": seed,
        "rules": rules.identity(),
        "version": VERSION,
    }
    return hashlib.sha256(json.dumps(what, sort_keys=True, default=str).encode()).hexdigest()[:24]


def _read(at: Path | None, *, retry: bool) -> Cell | None:
    """A finished cell; one that cannot be read counts as not there."""
    if at is None or not at.is_file():
        return None
    try:
        cell = Cell.from_json(json.loads(at.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return None if retry and cell.status != "ok" else cell


def _cell(who: Contestant, arena: Arena, seed: int, rules: Rules, work: Path, kept: Path | None) -> Cell:
    folder = work / "one"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    rows = rules.rows or arena.train.num_rows
    # The plain seed: whoever repeats a command by hand, or names files after seeds, knows no other.
    made = produce(who, arena, rows=rows, seed=seed, limit_s=rules.limit_s, folder=folder)
    sizes = {"train": arena.train.num_rows, "holdout": 0 if arena.holdout is None else arena.holdout.num_rows}
    if made.status != "ok":
        return _failure(who, arena, seed, made, sizes, made.reason)
    try:
        table, schema, notes = arena.read(made.path, arena.schema)
        bare = uncovered_warning(stamp_of(made.path), who.name)
        notes = (*notes, *([bare] if bare else []))
        sizes["made"] = table.num_rows
        evidence = evaluate(
            arena.train,
            table,
            schema=schema,
            holdout=arena.holdout,
            target=schema.target,
            protected=schema.protected,
            seed=child_seed(seed, "compare", "judge"),
            controls=False,
            generator=Refit(),
            **dict(rules.judging),
        )
    except LocumError as error:
        return _failure(who, arena, seed, made, sizes, f"made rows that cannot be judged: {error.message}")
    if rules.keep and kept is not None:
        _keep(made, kept.parent / "made", f"{arena.name}-{who.name}-{seed}")
    return Cell(
        arena.name,
        who.name,
        seed,
        "ok",
        "",
        sizes,
        made.cpu_s,
        made.wall_s,
        made.peak_bytes,
        tuple(slim(r) for r in evidence.results),
        notes,
    )


def _failure(
    who: Contestant, arena: Arena, seed: int, made: ProducedRows, sizes: Mapping[str, int], reason: str
) -> Cell:
    status = "failed" if made.status == "ok" else made.status
    return Cell(arena.name, who.name, seed, status, reason, sizes, made.cpu_s, made.wall_s, made.peak_bytes)


def _keep(made: ProducedRows, folder: Path, name: str) -> None:
    try:
        folder.mkdir(exist_ok=True)
        safe = "".join(c if c.isalnum() or c in "-_." else "_" for c in name)
        shutil.copyfile(made.path, folder / f"{safe}{made.path.suffix}")
    except OSError as error:
        raise FolderError("made rows cannot be kept", where=str(folder), do="free some space") from error
