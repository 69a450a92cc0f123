"""One stream of progress events; the terminal and ``run.jsonl`` read it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """One step of a running job.

    Attributes
    ----------
    stage
        Name of the stage, e.g. ``fit``.
    done, total
        Work units finished and in all, in units of the stage's own choice.
    note
        A few words on what is being done now, e.g. the column's name. Holds no data values.
    """

    stage: str
    done: float
    total: float
    note: str = ""


Listener = Callable[[Event], None]


def silent(_: Event) -> None:
    """The listener that ignores everything."""


def relabel(progress: Listener, stage: str) -> Listener:
    """Events of a part as events of one stage of the run, whatever the part calls its own steps."""

    def listen(event: Event) -> None:
        note = event.note or ("" if event.stage == stage else event.stage)
        progress(Event(stage, event.done, event.total, note))

    return listen
