"""How many requests at once, and when: additive increase, multiplicative decrease, pauses, a circuit breaker.

Source: AIMD as in Chiu & Jain (1989). What differs: a decrease takes one slot per refusal instead of half
of all. When an endpoint refuses everything above its own limit, that lands on the limit within one round;
when it refuses for ever, the limit still falls in proportion; and a stray refusal costs one slot, not half
the throughput.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

_START = 16.0
#: Outcomes looked at to tell a stray refusal from an endpoint that will have nothing now.
_RECENT = 20


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
        self._refusals = 0
        self._in_flight, self._waiting = 0, deque[asyncio.Future[int]]()
        self._recent: deque[bool] = deque(maxlen=_RECENT)
        self._pause_until = 0.0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def limit(self) -> float:
        """Requests at once that are let through now."""
        return self._limit

    @property
    def in_flight(self) -> int:
        """Requests under way."""
        return self._in_flight

    async def enter(self) -> int:
        """Wait for a free slot and take it; returns how many are taken then, for `refused`."""
        if self._open() and not self._waiting:
            self._in_flight += 1
            return self._in_flight
        turn: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._wake()
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave()  # the slot was given in the same moment
            raise

    def leave(self) -> None:
        """Give the slot back."""
        self._in_flight -= 1
        self._wake()

    def succeeded(self) -> None:
        """A request was answered: one slot more per round; per answer until the limit was found."""
        self._recent.append(True)
        if self._in_flight + 1 < self._limit * 0.9:
            return  # the limit was not what held us back
        step = 1.0 / self._limit if self._refusals > 1 else 1.0
        self._limit = min(self._slots, self._limit + step)

    def refused(self, sent_at: int, wait_s: float | None = None) -> None:
        """A request met the endpoint's limit (429): one slot less; a pause when most are refused.

        Parameters
        ----------
        sent_at
            What `enter` gave: a request sent above the present limit teaches nothing new.
        wait_s
            What the endpoint asked to wait; the refused request itself waits in any case.
        """
        self._recent.append(False)
        self._refusals += 1
        if sent_at <= self._limit:
            self._limit = max(1.0, self._limit - 1.0)
        if wait_s and len(self._recent) == _RECENT and sum(self._recent) < _RECENT / 2:
            self.pause(wait_s)

    def pause(self, seconds: float) -> None:
        """Let nothing through for so long (what the endpoint asked for)."""
        self._pause_until = max(self._pause_until, self._clock() + seconds)
        self._wake()

    def _open(self) -> bool:
        return self._in_flight < max(1, int(self._limit)) and self._clock() >= self._pause_until

    def _wake(self) -> None:
        while self._waiting and self._open():
            turn = self._waiting.popleft()
            if not turn.done():
                self._in_flight += 1
                turn.set_result(self._in_flight)
        rest = self._pause_until - self._clock()
        if self._waiting and rest > 0 and self._timer is None:
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
