"""Few rows of a table as `locum scarce` sees them, and records of what was measured on them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from benchmarks import results
from locum.data.canonical import canonical
from locum.data.detect import detect
from locum.data.read import read
from locum.runs.tables import StudyTable
from locum.studies.scarce.tables import ScarceTables
from locum.studies.scarce.ways import Sources

FOLDER = results.FOLDER / "scarcity"
TEST_ROWS = 6_000


def most_tested(frame: pd.DataFrame, seed: int) -> pd.DataFrame:
    """At most `TEST_ROWS` of the rows, drawn at random."""
    return frame.sample(frac=1, random_state=seed).head(TEST_ROWS)


def keep(folder: Path, name: str, record: dict[str, Any]) -> None:
    """Add a line to the records of a case."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{name}.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(record) + "\n")


def matched(
    few: pd.DataFrame,
    tested: pd.DataFrame,
    related: pd.DataFrame | None,
    target: str,
    synthesizer: str,
    seed: int,
) -> tuple[Sources, pa.Table, pa.Table]:
    """The tables under one schema, as ``locum scarce`` brings them there."""
    raw = read(few)
    schema = replace(detect(raw, target=target), name="few")
    known = StudyTable("few", schema, raw, canonical(raw, schema), "")
    held = ScarceTables(schema, known).with_related(related).with_test(tested)
    if held.test is None or held.useless:
        raise ValueError(held.useless or "there are no rows to test on")
    return held.sources(synthesizer, {}, None, seed), held.own, held.test


def load(folder: Path, name: str) -> list[dict[str, Any]]:
    """The cuts of a case that were measured; a line cut short by a kill is passed over."""
    path, found = folder / f"{name}.jsonl", []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            found.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return found
