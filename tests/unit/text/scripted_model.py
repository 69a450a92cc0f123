"""A model that answers by a function, inside the process: an adapter of the engine's transport."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from locum.text import Engine, ModelSpec, Reply, Request


class Scripted:
    """Answers with what `answer` gives for (last text of the request, seed)."""

    def __init__(self, answer: Callable[[str, int], str]) -> None:
        self.answer, self.pause_s = answer, 0.0
        self.asked: list[str] = []

    async def send(self, request: Request) -> Reply:
        content: Any = request.content
        text = content if isinstance(content, str) else content[-1]["content"]
        self.asked.append(text)
        return Reply(self.answer(text, request.seed or 0), "stop", 10, 10)

    async def close(self) -> None:
        return None


def scripted(answer: Callable[[str, int], str], *, slots: int = 1) -> tuple[Engine, Scripted]:
    engine = Engine(ModelSpec("scripted", "http://127.0.0.1:1/v1", max_in_flight=slots))
    model = Scripted(answer)
    engine._served["default"]._transport = model
    return engine, model
