"""The loop: attempts are made at the same time but settled one after the other, in their order.

So what is kept does not depend on which answer came first: duplicates, quotas and the numbers of new
attempts are decided in the order of the attempts alone.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Mapping
from typing import Any

from locum.errors import FeasibilityError
from locum.progress import Event, Listener
from locum.text.engine.client import Engine
from locum.text.failures import Lost, Reason, Stop
from locum.text.plan.plan import Plan
from locum.text.runs.dedup import Duplicates
from locum.text.runs.makers import CellMaker, Row, makers
from locum.text.runs.records import HOPELESS, Journal

_SHOW_EVERY_S = 2.0


class RowLoop:
    """Makes the rows of a plan.

    Parameters
    ----------
    plan, engine, journal
        What, with whom, and where it is written down.
    progress
        Told about kept rows.
    """

    def __init__(self, plan: Plan, engine: Engine, journal: Journal, progress: Listener) -> None:
        self._plan, self._journal, self._progress = plan, journal, progress
        self._makers, bad_lines = makers(plan, engine)
        for path, lines in bad_lines.items():
            for line in lines:
                lost = Lost(Reason.BAD_SEED_LINE, f"line {line}", stage="read", tries=0)
                journal.reject(None, None, path, lost)
        self._layers = [
            tuple((column.name, self._makers[column.name]) for column in layer) for layer in plan.layers
        ]
        self._duplicates: Duplicates | None = None
        if plan.dedup is not None:
            written = tuple(column.name for column in plan.written)
            columns = plan.dedup.columns or written or tuple(column.name for column in plan.kept)
            self._duplicates = Duplicates(plan.dedup, columns)
        cells = plan.cells()
        self._cells = [cell for cell in cells for _ in range(plan.quota.per_cell)] if plan.quota else []
        slots = max((spec.slots for spec in plan.used_models().values()), default=1)
        # Rows being made are enough to fill every slot; those made but not settled wait for one before them
        # that takes long, and cost memory alone.
        self._making_most, self._open_most = (1, 1) if slots == 1 else (4 * slots, 64 * slots)
        self._making, self._number = 0, 0
        self._queue = deque((slot, 1) for slot in range(plan.rows))
        self._open: deque[tuple[Row, int, asyncio.Task[None]]] = deque()
        self._last_shown = 0.0

    async def run(self) -> None:
        """Make all rows; raises Stop for an orderly end before that."""
        self._fill()
        try:
            while self._open:
                row, tried, task = self._open[0]
                try:
                    await task
                    self._settle(row)
                except _LostIn as lost:
                    self._lose(row, tried, lost)
                self._open.popleft()
                self._fill()
                self._tell()
        finally:
            self._queue.clear()
            for _, _, task in self._open:
                task.cancel()
            await asyncio.gather(*(task for _, _, task in self._open), return_exceptions=True)

    def _made(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and isinstance(task.exception(), Stop):
            self._queue.clear()  # told when its turn comes; no row is begun in vain until then
        self._fill()

    def _fill(self) -> None:
        """Begin rows as long as there is room. Numbers follow the queue, whenever a row is begun."""
        while self._queue and self._making < self._making_most and len(self._open) < self._open_most:
            slot, tried = self._queue.popleft()
            row = Row(slot, self._number, dict(self._cells[slot]) if self._cells else {})
            self._making, self._number = self._making + 1, self._number + 1
            task = asyncio.ensure_future(self._make(row))
            self._open.append((row, tried, task))
            task.add_done_callback(self._made)

    async def _make(self, row: Row) -> None:
        try:
            for layer in self._layers:
                await self._layer(row, [(name, maker) for name, maker in layer if name not in row.values])
        finally:
            self._making -= 1

    async def _layer(self, row: Row, todo: list[tuple[str, CellMaker]]) -> None:
        if len(todo) == 1:
            await self._cell(row, *todo[0])
        elif todo:
            # The first to fail loses the row; the others' answers are kept in the cache all the same.
            results = await asyncio.gather(
                *(self._cell(row, name, maker) for name, maker in todo), return_exceptions=True
            )
            failures = [result for result in results if isinstance(result, BaseException)]
            for failure in sorted(failures, key=lambda failure: isinstance(failure, _LostIn)):
                raise failure  # the end of the run before the loss of a row

    async def _cell(self, row: Row, name: str, maker: CellMaker) -> None:
        try:
            row.values[name] = await maker(row)
        except Lost as lost:
            raise _LostIn(name, lost) from None

    def _settle(self, row: Row) -> None:
        if self._duplicates is not None:
            try:
                self._duplicates.add(row.values)
            except Lost as lost:
                raise _LostIn("", lost) from None
        self._journal.keep(row)

    def _lose(self, row: Row, tried: int, lost: _LostIn) -> None:
        self._journal.reject(row.slot, row.attempt, lost.column, lost.lost)
        if tried < self._plan.tries:
            self._queue.append((row.slot, tried + 1))
        else:
            self._journal.unmet += 1
        more = bool(self._queue) or len(self._open) > 1
        if not self._journal.kept and self._journal.attempts >= HOPELESS and more:
            raise Stop("yield", _hopeless(self._journal.funnel()))

    def _tell(self) -> None:
        journal, now = self._journal, time.monotonic()
        note = f"{journal.attempts - journal.kept} of {journal.attempts} attempts lost"
        self._progress(Event("write", journal.kept, journal.wanted, note))
        if now - self._last_shown >= _SHOW_EVERY_S:
            self._last_shown = now
            journal.show()


class _LostIn(Exception):
    """A loss and the column it happened in; empty for the whole row."""

    def __init__(self, column: str, lost: Lost) -> None:
        super().__init__(str(lost))
        self.column, self.lost = column, lost


def _hopeless(funnel: Mapping[str, Any]) -> FeasibilityError:
    worst = funnel["lost"][0]
    place = f"column {worst['column']}" if worst["column"] else "whole rows"
    return FeasibilityError(
        f"all of the first {funnel['attempts']} attempts were lost, most in {place} ({worst['reason']})",
        where="plan",
        do="see rejects.jsonl, change the plan, and try `locum text preview` first",
    )
