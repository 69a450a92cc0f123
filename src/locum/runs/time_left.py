"""How far a run is and how long it will still take, from predicted costs and progress events."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from locum.progress import Event


class Timeline:
    """Predicted seconds per stage, corrected by what has been observed.

    Parameters
    ----------
    expected
        Seconds per stage in the order in which the stages run; a stage without a positive number counts as
        a tenth of a second.
    clock
        Monotonic seconds; replaced in tests.

    Notes
    -----
    A finished stage counts with the time it took. The running stage is extrapolated from its own progress
    once a tenth of it is done, before that from the prediction. Stages to come are scaled by how far off
    the predictions have been so far (never by more than a factor of 4 either way).
    """

    def __init__(self, expected: Mapping[str, float], clock: Callable[[], float] = time.monotonic) -> None:
        self.expected = {stage: max(seconds, 0.1) for stage, seconds in expected.items()}
        self._clock = clock
        self._took: dict[str, float] = {}
        self._stage = ""
        self._since = clock()
        self._share = 0.0

    def update(self, event: Event) -> None:
        """Take note of an event; a new stage name ends the stage before it."""
        now = self._clock()
        if event.stage != self._stage:
            if self._stage:
                self._took[self._stage] = self._took.get(self._stage, 0.0) + now - self._since
            self._stage, self._since, self._share = event.stage, now, 0.0
            self.expected.setdefault(event.stage, 0.1)
        if event.total > 0:
            self._share = max(self._share, min(1.0, event.done / event.total))

    def skip(self, stage: str) -> None:
        """Say that a stage needs no time (it was done by an earlier run)."""
        self.expected[stage] = 0.0

    @property
    def stage_share(self) -> float:
        """Share of the running stage that is done, 0-1."""
        return self._share

    def left(self) -> float:
        """Seconds until everything is done, by the present knowledge."""
        running = self._clock() - self._since
        total = self._stage_total(running)
        known = {**self._took, self._stage: total} if self._stage else self._took
        predicted = sum(self.expected.get(stage, 0.0) for stage in known)
        observed = sum(known.values())
        scale = min(4.0, max(0.25, observed / predicted)) if predicted > 0.5 else 1.0
        ahead = sum(s for stage, s in self.expected.items() if stage not in known)
        return max(0.0, total - running if self._stage else 0.0) + scale * ahead

    def _stage_total(self, running: float) -> float:
        predicted = self.expected.get(self._stage, 0.0)
        if self._share >= 0.1:
            return running / self._share
        return max(predicted, running)
