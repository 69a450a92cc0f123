"""How many requests at once, and when: additive increase and decrease, pauses, a circuit breaker.

Source: AIMD as in Chiu & Jain (1989). What differs: a decrease takes one slot per refusal instead of half
of all, and an increase is a fixed part of a slot per answer instead of a slot per round. Both together hold
the share of refused requests near that part, whatever the number of slots and the latency: an endpoint that
refuses everything above its limit is used up to it, a stray refusal costs next to nothing, and a limit on
the rate is met just as well as one on the requests at once. When most requests are refused nothing is sent
for a while, so that no storm of refusals comes of it.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

_START = 16.0
#: Slots that an answer adds once the limit was met: about so many requests of all are refused there.
_STEP = 0.02
#: Answers without a refusal after which the limit is looked for faster, a slot per round.
_CLEAN = 50
#: Outcomes looked at, and refusals among them that tell that the limit was met, not by chance alone.
_RECENT, _MET = 20, 3
#: First and longest pause in seconds when an endpoint that will have nothing does not say for how long.
_PAUSE_S = 0.25
_LONGEST_PAUSE_S = 20.0


class Pace:
    """A gate that lets through as many requests at once as the endpoint bears.

    Parameters
    ----------
    slots
        Never more than this.
    clock
        Monotonic seconds; tests give their own.
    """

    def __init__(self, slots: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._slots, self._clock = float(slots), clock
        self._limit = min(float(slots), _START)
        self._clean, self._in_a_row, self._pauses = 0, 0, 0
        self._met = False
        #: Requests under way.
        self.in_flight = 0
        self._again, self._waiting = deque[asyncio.Future[None]](), deque[asyncio.Future[None]]()
        self._recent: deque[bool] = deque(maxlen=_RECENT)
        self._pause_until = 0.0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def limit(self) -> float:
        """Requests at once that are let through now."""
        return self._limit

    async def enter(self, *, again: bool = False) -> None:
        """Wait for a free slot and take it.

        Parameters
        ----------
        again
            The request was sent before and refused: it goes before those that were not, because later rows
            wait for it to be settled.
        """
        if self._open() and not self._again and (again or not self._waiting):
            self.in_flight += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        (self._again if again else self._waiting).append(turn)
        self._wake()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave()  # the slot was given in the same moment
            raise

    def leave(self) -> None:
        """Give the slot back."""
        self.in_flight -= 1
        self._wake()

    def succeeded(self) -> None:
        """A request was answered: the limit rises, by a slot per answer until it was met."""
        if self._pauses > 1:  # it was out for a while: look for its limit anew
            self._recent.clear()
            self._met = False
        self._recent.append(True)
        self._clean, self._in_a_row, self._pauses = self._clean + 1, 0, 0
        if self.in_flight + 1 < self._limit * 0.9:
            return  # the limit was not what held us back
        step = _STEP
        if not self._met:
            step = 1.0
        elif self._clean > max(_CLEAN, 2 * self._limit):
            step = max(_STEP, 1.0 / self._limit)
        self._limit = min(self._slots, self._limit + step)

    def refused(self, wait_s: float | None = None) -> None:
        """A request met the endpoint's limit (429): one slot less; a pause when nothing else comes.

        Parameters
        ----------
        wait_s
            What the endpoint asked to wait; the refused request itself waits in any case.
        """
        self._recent.append(False)
        self._clean = 0
        refusals = len(self._recent) - sum(self._recent)
        self._met = self._met or refusals >= _MET
        # Its slot is not filled again: when many are refused at once, the limit lands where it should.
        self._limit = max(1.0, self._limit - 1.0)
        self._in_a_row += 1
        if self._in_a_row < max(_RECENT, self._limit):
            return  # fewer at once is what it wants, not a rest
        if wait_s:
            self.pause(wait_s)
        elif self._clock() >= self._pause_until:
            self.pause(min(_LONGEST_PAUSE_S, _PAUSE_S * 2.0**self._pauses))
            self._pauses += 1

    def pause(self, seconds: float) -> None:
        """Let nothing through for so long (what the endpoint asked for)."""
        self._pause_until = max(self._pause_until, self._clock() + seconds)
        self._wake()

    def _open(self) -> bool:
        return self.in_flight < max(1, int(self._limit)) and self._clock() >= self._pause_until

    def _wake(self) -> None:
        while (self._again or self._waiting) and self._open():
            turn = (self._again or self._waiting).popleft()
            if not turn.done():
                self.in_flight += 1
                turn.set_result(None)
        rest = self._pause_until - self._clock()
        if (self._again or self._waiting) and rest > 0 and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(rest + 1e-3, self._ring)

    def _ring(self) -> None:
        self._timer = None
        self._wake()


@dataclass
class Breaker:
    """Notices that an endpoint is gone, so that a run ends with what it has instead of losing every row.

    One request that fails for ever is its own fault as long as others succeed; nothing but failures is the
    endpoint's.

    Attributes
    ----------
    at_most
        Requests given up in a row, without one success between them, before the endpoint counts as gone.
    """

    at_most: int = 5
    _in_a_row: int = 0
    _last_success: float = float("-inf")

    def succeeded(self, now: float) -> None:
        """The endpoint answered something."""
        self._in_a_row, self._last_success = 0, now

    def gave_up(self, *, since: float, unreachable: bool) -> bool:
        """A request begun at `since` was given up; whether the endpoint counts as gone now.

        An endpoint that cannot even be reached is gone with the first such request, unless it answered others
        in the meantime.
        """
        self._in_a_row += 1
        return self._in_a_row >= self.at_most or (unreachable and self._last_success < since)
