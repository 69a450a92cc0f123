"""What every recipe works with: asks a model with seeds of its own, counts what was lost and why."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from locum.errors import UsageError
from locum.progress import Event, Listener, silent
from locum.randomness import child_seed, stream
from locum.text.engine.client import Engine
from locum.text.failures import Lost, Reason
from locum.text.plan.plan import Dedup
from locum.text.plan.structured import read_json
from locum.text.runs.dedup import Duplicates

Row = dict[str, Any]
T = TypeVar("T")
#: Attempts without one kept row after which a recipe ends.
_HOPELESS = 60


@dataclass(slots=True)
class Kit:
    """A model, a seed, and the count of what came of it. One kit serves one recipe, or a chain of them.

    Attributes
    ----------
    engine
        Who is asked.
    seed
        From which the seeds of all requests and draws derive; with the engine's cache it makes a recipe that
        is run again repeat itself without asking anything twice.
    model
        Short name of the model; empty where there is one.
    temperature
        Of requests that say nothing else.
    progress
        Told about kept rows.
    kept, attempts
        Rows kept and attempts made so far, over all recipes run with this kit.
    lost
        Attempts lost by stage and reason.
    rejects
        The lost attempts: stage, reason, detail; no more than `most_rejects`.
    made
        The kept rows, in their order.
    facts
        What else a recipe found; goes into the funnel.
    wanted
        Rows wanted, for the progress; 0 where it follows from what goes in.
    """

    engine: Engine
    seed: int = 0
    model: str = ""
    temperature: float = 0.8
    progress: Listener = silent
    kept: int = 0
    attempts: int = 0
    lost: Counter[tuple[str, str]] = field(default_factory=Counter)
    rejects: list[Row] = field(default_factory=list)
    made: list[Row] = field(default_factory=list)
    most_rejects: int = 10_000
    facts: Row = field(default_factory=dict)
    wanted: int = 0

    async def chat(self, prompt: str, *names: str | int, system: str = "", **params: Any) -> str:
        """An answer, without white space around it.

        Parameters
        ----------
        prompt
            The user's message.
        *names
            What this request is; another name is another seed.
        system
            System message, if any.
        **params
            Sampling as for `Engine.chat`.

        Raises
        ------
        Lost
            Also for an empty answer.
        """
        messages = [{"role": "system", "content": system}] if system else []
        messages.append({"role": "user", "content": prompt})
        given = {"temperature": self.temperature, "max_tokens": 200, **params}
        reply = await self.engine.chat(messages, model=self.model, seed=self._seed(*names), **given)
        return _filled(reply.text)

    async def go_on(self, prompt: str, *names: str | int, **params: Any) -> str:
        """How a text goes on, without a chat template; otherwise as `chat`."""
        given = {"temperature": self.temperature, "max_tokens": 200, **params}
        reply = await self.engine.complete(prompt, model=self.model, seed=self._seed(*names), **given)
        return _filled(reply.text)

    async def filled(
        self, prompt: str, schema: Mapping[str, Any], *names: str | int, repairs: int = 1, **params: Any
    ) -> Any:
        """JSON of a schema; a broken answer is asked for again with the fault named, `repairs` times."""
        talk = [{"role": "user", "content": prompt}]
        given = {"temperature": self.temperature, "max_tokens": 300, **params}
        for turn in range(repairs + 1):
            reply = await self.engine.chat(
                talk, model=self.model, schema=schema, seed=self._seed(*names, turn), **given
            )
            try:
                return read_json(reply.text, schema)
            except Lost as lost:
                if turn == repairs:
                    raise
                fault = f"That cannot be used: {lost.detail}. Answer with the JSON alone."
            talk += [{"role": "assistant", "content": reply.text}, {"role": "user", "content": fault}]
        raise AssertionError("there is at least one turn")

    async def several(self, most: int, make: Callable[[int], Awaitable[T]]) -> AsyncIterator[T]:
        """What `make` gives for 0, 1, ... in this order, as many at the same time as the model has slots.

        What raises `Lost` is counted and passed over. Stop reading to end it; at most a batch was made for
        nothing. Ends by itself when nothing at all was kept for very long.
        """
        width = min(64, self.engine.spec(self.model).slots)
        for start in range(0, most, width):
            if self.hopeless():
                return
            tasks = [make(k) for k in range(start, min(most, start + width))]
            for found in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(found, Lost):
                    self.lose_with(found)
                elif isinstance(found, BaseException):
                    raise found
                else:
                    yield found

    async def gather(
        self,
        most: int,
        make: Callable[[int], Awaitable[Row]],
        rows: int,
        *,
        new: Callable[[Row], bool] = lambda row: True,
        reason: Reason = Reason.NEAR_DUPLICATE,
    ) -> list[Row]:
        """The first `rows` of what `make` gives (see `several`), without rows that are not `new`, kept."""
        made: list[Row] = []
        async for row in self.several(most, make):
            if not new(row):
                self.lose("dedup", reason)
                continue
            made.append(self.keep(row))
            if len(made) >= rows:
                break
        return made

    def draw(self, *names: str | int) -> np.random.Generator:
        """The random numbers of a step."""
        return stream(self.seed, "recipe", *names)

    def some(self, items: Sequence[Any], count: int, *names: str | int) -> list[Any]:
        """`count` different items, or all in another order when there are fewer."""
        order = self.draw(*names).permutation(len(items))[:count]
        return [items[k] for k in order]

    def keep(self, row: Row) -> Row:
        """Count a row as kept."""
        self.attempts += 1
        self.kept += 1
        self.made.append(row)
        self.progress(Event("write", self.kept, self.wanted, f"{self.attempts - self.kept} attempts lost"))
        return row

    def lose(self, stage: str, reason: Reason | str, detail: str = "") -> None:
        """Count an attempt as lost."""
        self.attempts += 1
        word = reason.value if isinstance(reason, Reason) else reason
        self.lost[stage, word] += 1
        if len(self.rejects) < self.most_rejects:
            entry = {"attempt": self.attempts - 1, "stage": stage, "reason": word, "detail": detail[:300]}
            self.rejects.append(entry)

    def lose_with(self, lost: Lost) -> None:
        """Count an attempt as lost by what was raised."""
        self.lose(lost.stage or "request", lost.reason, lost.detail)

    def hopeless(self) -> bool:
        """Whether nothing was kept in very many attempts."""
        return not self.kept and self.attempts >= _HOPELESS

    def funnel(self) -> dict[str, Any]:
        """Counts from attempts to kept rows, in the form of a plan's run."""
        losses = [
            {"column": "", "stage": stage, "reason": reason, "attempts": n}
            for (stage, reason), n in sorted(self.lost.items(), key=lambda item: (-item[1], item[0]))
        ]
        return {
            "wanted": self.kept,
            "attempts": self.attempts,
            "kept": self.kept,
            "unmet": 0,
            "yield": round(self.kept / self.attempts, 4) if self.attempts else None,
            "lost": losses,
            **({"facts": self.facts} if self.facts else {}),
        }

    def _seed(self, *names: str | int) -> int:
        return child_seed(self.seed, "recipe", *names)


class Seen:
    """Texts that differ."""

    def __init__(self) -> None:
        self._found: set[str] = set()

    def new(self, text: str) -> bool:
        """Whether a text was not there before; it is remembered."""
        known = text in self._found
        self._found.add(text)
        return not known


class Near:
    """Texts unlike each other: near-duplicates by MinHash.

    Parameters
    ----------
    threshold
        Jaccard similarity of 5-grams of characters from which on two are too like.
    """

    def __init__(self, threshold: float) -> None:
        self._found = Duplicates(Dedup(exact=True, minhash=threshold), ("text",))

    def new(self, text: str) -> bool:
        """Whether a text is unlike all before; it is remembered then."""
        try:
            self._found.add({"text": text})
        except Lost:
            return False
        return True


def need(items: Sequence[Any], what: str, least: int = 1) -> None:
    """Raise UsageError unless there are at least so many."""
    if len(items) < least:
        raise UsageError(f"{len(items)} {what}", where="recipe", expected=f"at least {least}")


def first_line(text: str) -> str:
    """The first line with anything in it, without marks of lists around it."""
    for line in text.splitlines():
        bare = line.strip().lstrip("-*# ").strip()
        head, _, rest = bare.partition(". ")
        if head.isdigit() and rest:
            bare = rest
        if bare:
            return bare.strip('"“” ')
    return ""


def _filled(text: str) -> str:
    bare = text.strip()
    if not bare:
        raise Lost(Reason.EMPTY, stage="parse")
    return bare
