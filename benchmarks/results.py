"""Records of measurements: one JSON line each in ``benchmarks/results``."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

Record = dict[str, Any]
FOLDER = Path(__file__).resolve().parent / "results"


def append(folder: Path, record: Record) -> None:
    """Add one line to the table's file."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{record['table']}.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(record, sort_keys=True) + "\n")


def load(folder: Path) -> dict[tuple[str, str, int], Record]:
    """The latest record of each (table, who, seed); a line cut short by a kill is passed over."""
    found: dict[tuple[str, str, int], Record] = {}
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                record = json.loads(line)
            except json.JSONDecodeError:
                continue
            found[record["table"], record["who"], record["seed"]] = record
    return found


def mean(records: Iterable[Record], name: str) -> float:
    """Mean of a measure over seeds; NaN when nobody has it."""
    values = [float(r[name]) for r in records if isinstance(r.get(name), int | float)]
    return sum(values) / len(values) if values else math.nan


def shown(value: float, digits: int) -> str:
    """A number for the page; a dash when there is none."""
    return "-" if math.isnan(value) else f"{value:.{digits}f}"


def stage(records: Sequence[Record], name: str) -> float:
    """Mean CPU seconds of fit or sample."""
    stages = [r["stages"] for r in records if isinstance(r.get("stages"), dict)]
    return mean(stages, name)
