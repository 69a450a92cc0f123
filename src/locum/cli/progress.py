"""Live progress on standard error: a bar with the time left on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.text import Text

from locum.cli.console import err
from locum.progress import Event
from locum.runs.time_left import Timeline
from locum.wording import count, duration, size

if TYPE_CHECKING:
    from locum.runs.prepare import Prepared

#: What people read for each stage of the pipeline.
LABELS = {
    "read": "reading",
    "detect": "looking at columns",
    "fit": "learning",
    "sample": "making rows",
    "evaluate": "judging",
    "report": "writing the report",
}

#: Seconds between two lines about the same stage where there is no terminal.
LINE_EVERY_S = 15.0
#: Stages shorter than this leave no line behind.
QUIET_S = 1.0


class Display:
    """Shows events as they come; use it as a context manager and as a `Listener`.

    Parameters
    ----------
    expected
        Predicted seconds per stage in order, from the cost estimate; `announce` fills it in later.
    """

    def __init__(self, expected: Mapping[str, float] | None = None) -> None:
        self._console = err()
        self._timeline = Timeline(expected or {})
        self._known = bool(expected)
        self._stage, self._since, self._last_line = "", 0.0, 0.0
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        if self._console.is_terminal and not self._console.is_dumb_terminal:
            self._bar = Progress(
                TextColumn("{task.description}", markup=False),
                _bar(),
                TextColumn("{task.percentage:>3.0f} %"),
                TextColumn("{task.fields[left]}", markup=False),
                TextColumn("{task.fields[note]}", style="dim", markup=False),
                console=self._console,
                transient=True,
                refresh_per_second=8,
            )

    def announce(self, prepared: Prepared) -> None:
        """Say what is about to be done and what it will cost, if that is known, and expect it from now on."""
        self._finish_stage()
        decision, plan = prepared.decision, prepared.plan
        if decision is not None:
            work, estimate = decision.work, decision.estimate
            self._console.print(
                f"{plan.source.name}: {count(work.n_rows, 'row')} x {count(work.n_columns, 'column')}"
                f"{', target ' + plan.schema.target if plan.schema.target else ''}. "
                f"Expected: {duration(estimate.total_wall_s)}, {size(estimate.memory_bytes)} of memory."
            )
        for note in prepared.notes:
            self._console.print(Text(f"note: {note}", style="dim"))
        if decision is None:
            return
        self._known = True
        self._timeline = Timeline(
            {stage: s for stage, s in estimate.wall_s.items() if stage not in ("read", "detect")}
        )

    def __call__(self, event: Event) -> None:
        """Show one event."""
        self._timeline.update(event)
        if event.stage != self._stage:
            self._finish_stage()
            self._stage, self._since = event.stage, time.monotonic()
            self._start_stage()
        elif self._bar is None:
            self._maybe_line(event)
        if self._bar is not None and self._task is not None:
            self._bar.update(
                self._task,
                completed=100 * self._timeline.stage_share,
                left=self._left(),
                note=event.note[:40],
            )

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._finish_stage()
        if self._bar is not None:
            self._bar.stop()

    def _start_stage(self) -> None:
        label = LABELS.get(self._stage, self._stage)
        if self._bar is not None:
            if self._task is not None:
                self._bar.remove_task(self._task)
            self._task = self._bar.add_task(label, total=100, left=self._left(), note="")
        elif self._timeline.left() >= QUIET_S:
            self._console.print(f"{label} ... {self._left()}")
        self._last_line = time.monotonic()

    def _finish_stage(self) -> None:
        took = time.monotonic() - self._since
        if self._stage and took >= QUIET_S:
            label = LABELS.get(self._stage, self._stage)
            self._console.print(Text(f"{label}: done in {duration(took)}", style="dim"))
        self._stage = ""

    def _maybe_line(self, event: Event) -> None:
        if time.monotonic() - self._last_line >= LINE_EVERY_S:
            share = 100 * self._timeline.stage_share
            left = self._left()
            said = f"{share:.0f} %, {left}" if left else f"{share:.0f} %"
            self._console.print(f"{LABELS.get(event.stage, event.stage)} ... {said}")
            self._last_line = time.monotonic()

    def _left(self) -> str:
        if not self._known and self._timeline.stage_share < 0.1:
            return ""  # Nothing was predicted and nothing can be extrapolated yet.
        left = self._timeline.left()
        return f"about {duration(left)} left" if left >= QUIET_S else "nearly done"


def _bar() -> BarColumn:
    """A calm bar: rich's own is the colour of alarms."""
    return BarColumn(bar_width=24, complete_style="cyan", finished_style="cyan", pulse_style="cyan")
