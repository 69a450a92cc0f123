"""The pace against simulated endpoints in virtual time: how much of each limit is used, how much is refused.

Nothing here depends on the machine: the clock jumps from timer to timer.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest
from virtual_time import run_virtually

from locum.text.engine.rate import Pace

#: Takes the time now and the requests under way; answers whether a request is refused, and what to wait.
Limit = Callable[[float, int], tuple[bool, float | None]]


@dataclass
class Simulation:
    """Requests without end through a pace to an endpoint with a limit."""

    limit: Limit
    slots: int = 64
    latency: float = 0.2
    busy: int = 0
    most: int = 0
    answered: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)

    async def run(self, seconds: float) -> Simulation:
        """Ask for so long; 256 requests want to be sent at any time, as in a run."""
        clock = asyncio.get_running_loop().time
        pace, spread = Pace(self.slots, clock), random.Random(3)

        async def one() -> None:
            tries = 0
            while True:
                await pace.enter(again=tries > 0)
                tries += 1
                self.busy += 1
                self.most = max(self.most, self.busy)
                refused, wait = self.limit(clock(), self.busy)
                await asyncio.sleep(0.002 if refused else self.latency * spread.uniform(0.9, 1.1))
                self.busy -= 1
                (self.refused if refused else self.answered).append(clock())
                if not refused:
                    pace.succeeded()
                    pace.leave()
                    return
                pace.refused(wait)
                pace.leave()
                await asyncio.sleep(wait or min(20.0, 0.25 * 2 ** (tries - 1)) * spread.uniform(0.5, 1.0))

        async def worker() -> None:
            while clock() < seconds:
                await one()

        await asyncio.wait([asyncio.ensure_future(worker()) for _ in range(4 * self.slots)], timeout=seconds)
        return self


def at_once(most: int, stray: float = 0.0) -> Limit:
    """Refuses what is above so many at once, and a share of all."""
    draw = random.Random(5)
    return lambda now, busy: (busy > most or draw.random() < stray, None)


def bucket(rate: float, burst: float, wait: float | None) -> Limit:
    """A token bucket; refused requests take no token."""
    level, last = burst, 0.0

    def ask(now: float, busy: int) -> tuple[bool, float | None]:
        nonlocal level, last
        level, last = min(burst, level + (now - last) * rate), now
        if level < 1:
            return True, wait
        level -= 1
        return False, None

    return ask


def windows(per_window: int, length: float) -> Limit:
    """So many in each window of time; says how long it still lasts."""
    counts: dict[int, int] = {}

    def ask(now: float, busy: int) -> tuple[bool, float | None]:
        number = int(now / length)
        counts[number] = counts.get(number, 0) + 1
        return counts[number] > per_window, (number + 1) * length - now

    return ask


def simulate(limit: Limit, seconds: float, **options: float) -> Simulation:
    return run_virtually(Simulation(limit, **options).run(seconds))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("limit", "latency", "per_s"),
    [
        (lambda: at_once(64), 0.2, 320),
        (lambda: at_once(64, 0.01), 0.2, 320),
        (lambda: at_once(64, 0.01), 1.0, 64),
        (lambda: at_once(24), 0.2, 120),
        (lambda: at_once(4), 0.5, 8),
        (lambda: at_once(24, 0.01), 0.2, 120),
        (lambda: bucket(100, 20, None), 0.2, 100),
        (lambda: bucket(100, 20, 0.5), 0.2, 100),
        (lambda: bucket(5, 10, 1.0), 1.0, 5),
    ],
    ids=["64", "64-stray", "64-slow", "24", "4", "24-stray", "rate", "rate-told", "rate-low"],
)
def test_a_limit_is_used_and_hardly_exceeded(
    limit: Callable[[], Limit], latency: float, per_s: float
) -> None:
    """At least 95 % of what the limit allows between the 10th and the 70th second, few refused."""
    seen = simulate(limit(), 70.0, latency=latency)
    answered = sum(10.0 <= at < 70.0 for at in seen.answered)
    refused = sum(10.0 <= at < 70.0 for at in seen.refused)
    assert answered >= 0.95 * per_s * 60 * 0.995  # the latency is uniform around its mean
    assert refused <= 0.05 * answered + 10


def test_a_window_of_a_minute_is_used_up_without_a_storm() -> None:
    seen = simulate(windows(600, 60.0), 299.0)
    assert len(seen.answered) == 5 * 600
    assert len(seen.refused) < 5 * 100


def test_an_endpoint_that_refuses_everything_is_left_in_peace_and_taken_up_again() -> None:
    """Out for a minute without a word how long: few requests meanwhile, all slots soon after."""
    seen = simulate(lambda now, busy: (10 <= now < 70 or busy > 64, None), 130.0)
    assert sum(10 <= at < 11 for at in seen.refused) < 200
    assert sum(11 <= at < 70 for at in seen.refused) < 100
    assert sum(110 <= at < 130 for at in seen.answered) >= 0.95 * 320 * 20 * 0.995


def test_a_request_that_was_refused_goes_first() -> None:
    async def main() -> list[str]:
        pace, order = Pace(1), []
        await pace.enter()

        async def one(name: str, again: bool) -> None:
            await pace.enter(again=again)
            order.append(name)
            pace.leave()

        waiting: list[Awaitable[None]] = [one("new 1", False), one("new 2", False), one("again", True)]
        tasks = [asyncio.ensure_future(each) for each in waiting]
        await asyncio.sleep(0)
        pace.leave()
        await asyncio.gather(*tasks)
        return order

    assert run_virtually(main()) == ["again", "new 1", "new 2"]
