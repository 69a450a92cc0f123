"""A look at a text run, finished or under way, without touching it."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

from locum.text.runs.records import DATA, FUNNEL, REJECTS
from locum.text.runs.run import CACHE, OUTCOME, plan_in


def inspect(folder: Path) -> dict[str, Any]:
    """State, counts, losses and usage of a run folder, JSON-ready.

    The state is ``complete``, ``short`` or ``stopped`` as the run said, else ``under way or killed``.

    Raises
    ------
    UsageError
        When it is no text run.
    """
    plan = plan_in(folder)
    outcome, funnel = _json(folder / OUTCOME), _json(folder / FUNNEL)
    kept = outcome.get("kept", funnel.get("kept", 0))
    empty = {"wanted": plan.rows, "attempts": 0, "kept": 0, "unmet": 0, "lost": []}
    return {
        "folder": str(folder),
        "name": plan.name,
        "state": outcome.get("state", "under way or killed"),
        "kept": kept,
        "wanted": plan.rows,
        "columns": [column.name for column in plan.kept],
        "funnel": outcome.get("funnel", funnel or empty),
        "usage": _usage(folder / CACHE),
        "files": [name for name in (DATA, REJECTS, FUNNEL, CACHE) if (folder / name).exists()],
    }


def _json(path: Path) -> dict[str, Any]:
    try:
        told = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def _usage(path: Path) -> dict[str, dict[str, int]]:
    """Answers and tokens by model, read without writing so that a run under way is not disturbed."""
    if not path.exists():
        return {}
    sums = "model, COUNT(*), COALESCE(SUM(tokens_in), 0), COALESCE(SUM(tokens_out), 0)"
    try:
        database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            rows = database.execute(f"SELECT {sums} FROM answers GROUP BY model ORDER BY model").fetchall()
        finally:
            database.close()
    except sqlite3.Error:
        return {}
    return {row[0]: {"requests": row[1], "tokens_in": row[2], "tokens_out": row[3]} for row in rows}
