"""An event loop whose clock jumps to the next timer: simulations of waiting take no time and never vary."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


class VirtualLoop(asyncio.SelectorEventLoop):
    """Runs timers in their order without waiting for any; for code that does no input or output."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        self._ask_selector = self._selector.select  # type: ignore[attr-defined]
        self._selector.select = self._jump  # type: ignore[attr-defined]

    def time(self) -> float:
        """Seconds since the loop began."""
        return self._now

    def _jump(self, timeout: float | None) -> Any:
        if timeout:
            self._now += timeout
        return self._ask_selector(0)


def run_virtually(main: Coroutine[Any, Any, Any]) -> Any:
    """As `asyncio.run`, in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
