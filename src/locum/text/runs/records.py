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


#: Attempts that may be lost before the first row is kept; then the plan is at fault, not the rows.
HOPELESS = 60


def funnel(
    lost: Mapping[tuple[str, str, str], int], *, wanted: int, attempts: int, kept: int, unmet: int = 0
) -> dict[str, Any]:
    """Counts from attempts to kept rows, losses by column, stage and reason, the most frequent first."""
    losses = [
        {"column": column, "stage": stage, "reason": reason, "attempts": n}
        for (column, stage, reason), n in sorted(lost.items(), key=lambda item: (-item[1], item[0]))
    ]
    share = round(kept / attempts, 4) if attempts else None
    counts = {"wanted": wanted, "attempts": attempts, "kept": kept, "unmet": unmet}
    return {**counts, "yield": share, "lost": losses}


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

    def reject(self, row: int | None, attempt: int | None, column: str, lost: Lost) -> None:
        """An attempt was lost; without a number of it, a line of a seed file, which counts beside them."""
        self.attempts += attempt is not None
        self.lost[column, lost.stage, lost.reason.value] += 1
        where = {"row": row, "attempt": attempt, "column": column, "stage": lost.stage}
        what = {"reason": lost.reason.value, "detail": lost.detail, "tries": lost.tries}
        self._rejects.append(0, {**where, **what})

    def funnel(self) -> dict[str, Any]:
        """Counts so far, see `funnel`."""
        return funnel(self.lost, wanted=self.wanted, attempts=self.attempts, kept=self.kept, unmet=self.unmet)

    def show(self) -> None:
        """Write the funnel as it is now."""
        text = json.dumps(self.funnel(), indent=2) + "\n"
        atomic.write_text(self._folder / FUNNEL, text)

    def finish(self) -> None:
        """Give all files their names."""
        self._rows.write_to(self._folder / DATA)
        self._origins.write_to(self._folder / PROVENANCE)
        self._rejects.write_to(self._folder / REJECTS)
        self.show()

    def close(self) -> None:
        """Remove the temporary files."""
        for spool in (self._rows, self._origins, self._rejects):
            spool.close()
