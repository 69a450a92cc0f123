"""The embedded model, or a local endpoint, as the language model of private prediction."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from types import TracebackType
from typing import Any, Self

import numpy as np

from locum.arrays import FloatArray
from locum.errors import UsageError
from locum.text.engine.client import Engine
from locum.text.engine.model import ModelSpec
from locum.text.failures import Lost, Reason
from locum.text.private.prediction import Tokens
from locum.text.runs.locality import refuse_remote

#: Log-probabilities that are asked for; the embedded model gives up to 5,000.
LOGPROBS = 1000
#: Of an example, so that it fits into the context.
MOST_CHARACTERS = 1200
_INTRO = "Texts of the same kind, one a line.\n\n"


class PromptedModel:
    """Log-probabilities by prompts: one text as an example, then the text so far.

    Parameters
    ----------
    spec
        A model on this machine with one slot: with several, requests are batched, and the rounding of one
        answer depends on the others.
    public
        A public text in the place of the example, for the public prompt; empty for none.
    logprobs
        Log-probabilities asked for. A token that the private prompt does not list gets the least that it
        lists, an upper bound.
    allowed
        Hosts that may have private texts by name, as everywhere.

    Raises
    ------
    LeakError
        For a model that is elsewhere and not allowed; nothing was sent.
    UsageError
        For a model with several slots.

    Notes
    -----
    Use it in a ``with`` block. Prompts and answers are kept in memory only and go with the block. A text ends
    with its line. Cost: a whole prompt for each private text and token, about 0.2 CPU seconds with the
    bundled weights.
    """

    def __init__(
        self, spec: ModelSpec, public: str = "", *, logprobs: int = LOGPROBS, allowed: Collection[str] = ()
    ) -> None:
        refuse_remote({"writer": spec}, allowed=allowed, why="private texts")
        if spec.slots != 1:
            raise UsageError(
                "the model answers several requests at the same time",
                where="model",
                do="set max_in_flight to 1",
            )
        self._engine = Engine(spec)
        self._runner = asyncio.Runner()
        self._public, self._logprobs = public, logprobs
        self._bytes: dict[int, bytes] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._runner.run(self._engine.close())
        self._runner.close()

    @property
    def end(self) -> frozenset[int]:
        """Tokens met so far that end a line."""
        return frozenset(k for k, raw in self._bytes.items() if b"\n" in raw or not raw)

    def public(self, written: Sequence[int]) -> tuple[Tokens, FloatArray]:
        """Tokens and their log-probabilities after the public prompt."""
        found = self._ask(self._public, written)
        return np.array(list(found), dtype=np.int64), np.array(list(found.values()))

    def private(self, text: str, written: Sequence[int], tokens: Tokens) -> FloatArray:
        """Log-probabilities of `tokens` after the private prompt; NaN when there was no answer."""
        try:
            found = self._ask(text, written)
        except Lost:
            # an error must not tell that a text is odd: it then moves nothing
            return np.full(len(tokens), np.nan)
        least = min(found.values())
        return np.array([found.get(int(t), least) for t in tokens])

    def text(self, written: Sequence[int]) -> str:
        """Tokens as text."""
        return self._joined(written).strip()

    def _joined(self, written: Sequence[int]) -> str:
        return b"".join(self._bytes[t] for t in written).decode("utf-8", "replace")

    def _ask(self, example: str, written: Sequence[int]) -> dict[int, float]:
        shown = f"Text: {' '.join(example.split())[:MOST_CHARACTERS]}\n" if example else ""
        prompt = f"{_INTRO}{shown}Text:{self._joined(written)}"
        reply = self._runner.run(
            self._engine.complete(
                prompt, max_tokens=1, temperature=0.0, logprobs=self._logprobs, ignore_eos=True, seed=0
            )
        )
        return self._read(reply.logprobs)

    def _read(self, told: Any) -> dict[int, float]:
        try:
            listed = told["content"][0]["top_logprobs"]
            found = {int(one["id"]): float(one["logprob"]) for one in listed}
            self._bytes.update((int(one["id"]), bytes(one["bytes"])) for one in listed)
        except (KeyError, IndexError, TypeError, ValueError):
            found = {}
        if not found:
            raise Lost(
                Reason.BAD_ANSWER, "no log-probabilities with ids and bytes of tokens", stage="request"
            )
        return found
