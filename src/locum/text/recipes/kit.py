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
from locum.text.engine.request import Reply
from locum.text.failures import Lost, Reason
from locum.text.plan.plan import Dedup
from locum.text.plan.structured import read_json
from locum.text.runs.dedup import Duplicates
from locum.text.runs.records import HOPELESS, funnel

Row = dict[str, Any]
T = TypeVar("T")
_MOST_REJECTS = 10_000


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
        The lost attempts: stage, reason, detail; no more than 10,000.
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
    facts: Row = field(default_factory=dict)
    wanted: int = 0

    async def chat(self, prompt: str, *names: str | int, **params: Any) -> str:
        """An answer, without white space around it.

        Parameters
        ----------
        prompt
            The user's message.
        *names
            What this request is; another name is another seed.
        **params
            Sampling as for `Engine.chat`.

        Raises
        ------
        Lost
            Also for an empty answer.
        """
        return await self._ask(self.engine.chat, prompt, names, params)

    async def go_on(self, prompt: str, *names: str | int, **params: Any) -> str:
        """How a text goes on, without a chat template; otherwise as `chat`."""
        return await self._ask(self.engine.complete, prompt, names, params)

    async def _ask(
        self,
        ask: Callable[..., Awaitable[Reply]],
        prompt: str,
        names: Sequence[str | int],
        params: Mapping[str, Any],
    ) -> str:
        given = {"temperature": self.temperature, "max_tokens": 200, **params}
        reply = await ask(prompt, model=self.model, seed=self.child(*names), **given)
        bare = reply.text.strip()
        if not bare:
            raise Lost(Reason.EMPTY, stage="parse")
        return bare

    async def fill(self, prompt: str, schema: Mapping[str, Any], *names: str | int, max_tokens: int) -> Any:
        """JSON of a schema; a broken answer is asked for again once, with the fault named."""
        talk = [{"role": "user", "content": prompt}]
        given = {"temperature": self.temperature, "max_tokens": max_tokens}
        turn = 0
        while True:
            seed = self.child(*names, turn)
            reply = await self.engine.chat(talk, model=self.model, schema=schema, seed=seed, **given)
            try:
                return read_json(reply.text, schema)
            except Lost as lost:
                if turn:
                    raise
                fault = f"That cannot be used: {lost.detail}. Answer with the JSON alone."
            turn = 1
            talk += [{"role": "assistant", "content": reply.text}, {"role": "user", "content": fault}]

    async def several(
        self,
        most: int,
        make: Callable[[int], Awaitable[T]],
        *,
        new: Callable[[T], bool] = lambda made: True,
        reason: Reason = Reason.NEAR_DUPLICATE,
    ) -> AsyncIterator[T]:
        """What `make` gives for 0, 1, ... in this order, as many at the same time as the model has slots.

        What raises `Lost` is counted and passed over, and what is not `new`, for `reason`. Stop reading to
        end it; at most a batch was made for nothing. Ends by itself when nothing was kept for very long.
        """
        width = min(64, self.engine.spec(self.model).slots)
        for start in range(0, most, width):
            if self.hopeless():
                return
            tasks = [make(k) for k in range(start, min(most, start + width))]
            for found in await asyncio.gather(*tasks, return_exceptions=True):
                try:
                    if isinstance(found, BaseException):
                        raise found
                    if not new(found):
                        raise Lost(reason, stage="dedup")
                except Lost as lost:
                    self.lose_with(lost)
                else:
                    yield found

    async def gather(
        self, most: int, make: Callable[[int], Awaitable[Row]], rows: int, **which: Any
    ) -> list[Row]:
        """The first `rows` of what `several` gives, kept."""
        made: list[Row] = []
        async for row in self.several(most, make, **which):
            made.append(self.keep(row))
            if len(made) >= rows:
                break
        return made

    def child(self, *names: str | int) -> int:
        """The seed of a request."""
        return child_seed(self.seed, "recipe", *names)

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
        if len(self.rejects) < _MOST_REJECTS:
            entry = {"attempt": self.attempts - 1, "stage": stage, "reason": word, "detail": detail[:300]}
            self.rejects.append(entry)

    def lose_with(self, lost: Lost) -> None:
        """Count an attempt as lost by what was raised."""
        self.lose(lost.stage or "request", lost.reason, lost.detail)

    def hopeless(self) -> bool:
        """Whether nothing was kept in very many attempts."""
        return not self.kept and self.attempts >= HOPELESS

    def funnel(self) -> dict[str, Any]:
        """Counts from attempts to kept rows, in the form of a plan's run."""
        lost = {("", *where): n for where, n in self.lost.items()}
        facts = {"facts": self.facts} if self.facts else {}
        return {**funnel(lost, wanted=self.kept, attempts=self.attempts, kept=self.kept), **facts}


def unseen() -> Callable[[str], bool]:
    """A test whether a text was not there before; it is remembered."""
    found: set[str] = set()

    def new(text: str) -> bool:
        count = len(found)
        found.add(text)
        return len(found) > count

    return new


def unlike(threshold: float) -> Callable[[str], bool]:
    """A test whether a text is unlike all before, by MinHash; it is remembered then.

    Parameters
    ----------
    threshold
        Jaccard similarity of 5-grams of characters from which on two are too like.
    """
    found = Duplicates(Dedup(exact=True, minhash=threshold), ("text",))

    def new(text: str) -> bool:
        try:
            found.add({"text": text})
        except Lost:
            return False
        return True

    return new


def lose_if(why: str, stage: str = "filter") -> None:
    """Raise Lost where there is a reason to."""
    if why:
        raise Lost(Reason.INVALID, why, stage=stage)


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
