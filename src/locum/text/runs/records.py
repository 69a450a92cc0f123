"""What a run writes while it goes on: kept rows, where each cell came from, what was lost and why."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from locum.files import atomic
from locum.files.lines import Spool
from locum.text.failures import Lost
from locum.text.runs.makers import Row

DATA, PROVENANCE, REJECTS, FUNNEL = "data.jsonl", "provenance.jsonl", "rejects.jsonl", "funnel.json"


class Journal:
    """Rows, rejects and counts of one run.

    Parameters
    ----------
    folder
        Where the files go; they take their names with `finish` only.
    columns
        Columns of the output in order.
    """

    def __init__(self, folder: Path, columns: tuple[str, ...], wanted: int) -> None:
        self._folder, self._columns, self.wanted = folder, columns, wanted
        self._rows = Spool(folder / f"{atomic.TEMPORARY_PREFIX}rows")
        self._origins = Spool(folder / f"{atomic.TEMPORARY_PREFIX}origins")
        self._rejects = Spool(folder / f"{atomic.TEMPORARY_PREFIX}rejects")
        self.attempts = self.kept = self.unmet = 0
        self.lost: Counter[tuple[str, str, str]] = Counter()

    def keep(self, row: Row) -> None:
        """A row was kept."""
        self.attempts += 1
        self.kept += 1
        self._rows.append(row.slot, {name: row.values[name] for name in self._columns})
        self._origins.append(
            row.slot, {"row": row.slot, "attempt": row.attempt, "cells": dict(sorted(row.made.items()))}
        )

    def reject(self, row: int, attempt: int, column: str, lost: Lost) -> None:
        """An attempt was lost."""
        self.attempts += 1
        self.lost[column, lost.stage, lost.reason.value] += 1
        self._rejects.append(
            0,
            {
                "row": row,
                "attempt": attempt,
                "column": column,
                "stage": lost.stage,
                "reason": lost.reason.value,
                "detail": lost.detail,
                "tries": lost.tries,
            },
        )

    def note(self, source: str, line: int, lost: Lost) -> None:
        """A line of a seed file is no record; counted beside the attempts."""
        self.lost[source, "read", lost.reason.value] += 1
        self._rejects.append(
            0,
            {
                "row": None,
                "attempt": None,
                "column": source,
                "stage": "read",
                "reason": lost.reason.value,
                "detail": f"line {line}",
                "tries": 0,
            },
        )

    def funnel(self) -> dict[str, Any]:
        """Counts from attempts to kept rows, losses by column, stage and reason."""
        losses = [
            {"column": column, "stage": stage, "reason": reason, "attempts": n}
            for (column, stage, reason), n in sorted(self.lost.items(), key=lambda item: (-item[1], item[0]))
        ]
        return {
            "wanted": self.wanted,
            "attempts": self.attempts,
            "kept": self.kept,
            "unmet": self.unmet,
            "yield": round(self.kept / self.attempts, 4) if self.attempts else None,
            "lost": losses,
        }

    def show(self) -> None:
        """Write the funnel as it is now."""
        text = json.dumps(self.funnel(), indent=2) + "\n"
        atomic.write_text(self._folder / FUNNEL, text)

    def finish(self) -> Mapping[str, int]:
        """Give all files their names."""
        self._rows.write_to(self._folder / DATA)
        self._origins.write_to(self._folder / PROVENANCE)
        self._rejects.write_to(self._folder / REJECTS)
        self.show()
        return {"kept": self.kept, "attempts": self.attempts}

    def close(self) -> None:
        """Remove the temporary files."""
        for spool in (self._rows, self._origins, self._rejects):
            spool.close()
