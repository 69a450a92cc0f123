"""Hard limits on money, tokens and time: what cannot be paid for is not sent."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any

from locum.errors import FeasibilityError, UsageError
from locum.text.engine.model import ModelSpec
from locum.text.engine.request import Reply, Request
from locum.text.failures import Stop


@dataclass(frozen=True, slots=True)
class Caps:
    """Limits of a run; None for no limit.

    Attributes
    ----------
    max_cost
        Money, in the currency of the prices.
    max_tokens
        Tokens of prompts and answers together.
    max_time_s
        Seconds on the clock.
    """

    max_cost: float | None = None
    max_tokens: int | None = None
    max_time_s: float | None = None

    def __post_init__(self) -> None:
        for name in ("max_cost", "max_tokens", "max_time_s"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise UsageError(f"{name} is {value}", where=name, expected="more than zero")


class Purse:
    """Counts what was spent and holds back what requests under way may still cost.

    A request is sent only when its worst case (every byte of the prompt a token, the longest answer
    allowed) still fits, so the caps hold whatever the endpoint answers. Answers out of the cache cost
    nothing.

    Parameters
    ----------
    caps
        The limits.
    spent_tokens, spent_cost
        What earlier parts of the same run have used.
    """

    def __init__(self, caps: Caps, *, spent_tokens: int = 0, spent_cost: float = 0.0) -> None:
        self.caps = caps
        self.tokens, self.cost = spent_tokens, spent_cost
        self._held_tokens, self._held_cost = 0, 0.0
        self._begin = time.monotonic()
        self._freed = asyncio.Event()

    @property
    def left_s(self) -> float | None:
        """Seconds until ``max_time_s``; None for no limit."""
        if self.caps.max_time_s is None:
            return None
        return self.caps.max_time_s - (time.monotonic() - self._begin)

    async def reserve(self, request: Request, spec: ModelSpec) -> tuple[int, float]:
        """Hold back the worst case of a request, waiting for others to come in below theirs if need be.

        Raises
        ------
        Stop
            When it cannot be paid for even after everything under way has come back.
        """
        tokens = request.prompt_bytes + request.max_tokens
        cost = spec.cost(request.prompt_bytes, request.max_tokens)
        while True:
            self.check_time()
            cause = self._over(tokens, cost)
            if cause is None:
                break
            if not self._held_tokens:
                raise Stop(cause, self._refusal(cause))
            self._freed.clear()
            await self._freed.wait()
        self._held_tokens += tokens
        self._held_cost += cost
        return tokens, cost

    def settle(
        self, held: tuple[int, float], reply: Reply | None, spec: ModelSpec, *, maybe_billed: bool = False
    ) -> None:
        """Replace what was held back by what it really was.

        Parameters
        ----------
        held
            What `reserve` gave.
        reply
            The answer; None when nothing came. One without token counts is counted at its worst case.
        spec
            The model asked.
        maybe_billed
            The request may have been worked on although nothing came (a timeout): counted at its worst case.
        """
        self._held_tokens -= held[0]
        self._held_cost = max(0.0, self._held_cost - held[1]) if self._held_tokens else 0.0
        counted = reply is not None and (reply.prompt_tokens or reply.completion_tokens)
        if reply is not None and counted:
            self.tokens += reply.prompt_tokens + reply.completion_tokens
            self.cost += spec.cost(reply.prompt_tokens, reply.completion_tokens)
        elif reply is not None or maybe_billed:
            self.tokens += held[0]
            self.cost += held[1]
        self._freed.set()

    def check_time(self) -> None:
        """Raise `Stop` when the time is over."""
        left = self.left_s
        if left is not None and left <= 0:
            raise Stop("max_time", self._refusal("max_time"))

    async def until_stop(self, work: Awaitable[Any]) -> Stop | None:
        """Wait for work, no longer than ``max_time_s``; what stopped it before its end, or None."""
        try:
            async with asyncio.timeout(self.left_s):
                await work
        except TimeoutError:
            try:
                self.check_time()
            except Stop as stop:
                return stop
            raise
        except Stop as stop:
            return stop
        return None

    def _over(self, tokens: int, cost: float) -> str | None:
        caps = self.caps
        if caps.max_tokens is not None and self.tokens + self._held_tokens + tokens > caps.max_tokens:
            return "max_tokens"
        if caps.max_cost is not None and self.cost + self._held_cost + cost > caps.max_cost * (1 + 1e-12):
            return "max_cost"
        return None

    def _refusal(self, cause: str) -> FeasibilityError:
        spent = {
            "max_tokens": f"{self.tokens:,} of {self.caps.max_tokens} tokens are used",
            "max_cost": f"{self.cost:.4f} of {self.caps.max_cost} money is spent",
            "max_time": f"{self.caps.max_time_s} seconds are over",
        }[cause]
        return FeasibilityError(
            f"stopped at {cause}: {spent}, and the next request might exceed it",
            where=cause,
            do="raise the cap and run the same command again; nothing is asked twice",
        )
