"""The engine: asks models, keeps every answer, and turns trouble into typed reasons."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from locum.errors import UsageError
from locum.text.engine.cache import Cache
from locum.text.engine.caps import Caps, Purse
from locum.text.engine.model import ModelSpec
from locum.text.engine.rate import Breaker, Pace
from locum.text.engine.request import Kind, Reply, Request
from locum.text.engine.transport import FATAL, PASSING, CallFailed, HttpTransport, Transport
from locum.text.failures import EndpointError, Lost, Reason, Stop

#: First wait between two tries in seconds; doubled each time.
_FIRST_WAIT_S = 0.25
_LONGEST_WAIT_S = 20.0
_MAYBE_BILLED = frozenset({Reason.TIMEOUT, Reason.BROKEN_ANSWER, Reason.BAD_ANSWER})

Messages = str | Sequence[Mapping[str, str]]


class Engine:
    """Asks models and keeps every answer.

    >>> async def poem():                                                   # doctest: +SKIP
    ...     async with Engine(ModelSpec("gpt-x", "http://127.0.0.1:8000/v1")) as engine:
    ...         return (await engine.chat("Write a line.", seed=1, max_tokens=30)).text

    Parameters
    ----------
    models
        One model, or several by the short name that callers use.
    cache
        Where answers are kept: a `Cache`, a path, or None for memory only.
    caps
        Hard limits on money, tokens and time.
    replay
        Answer from the cache alone: no model is loaded, no connection opened.
    only_local
        Refuse models that are not on this machine (see `ModelSpec.local`), whatever the caller asks.
    names
        Names under which answers are kept, by short name, where they are known from before: a replay then
        needs no weights.

    Raises
    ------
    LeakError
        With `only_local`, for a model that is elsewhere.
    """

    def __init__(
        self,
        models: ModelSpec | Mapping[str, ModelSpec],
        *,
        cache: Cache | Path | str | None = None,
        caps: Caps | None = None,
        replay: bool = False,
        only_local: bool = False,
        names: Mapping[str, str] | None = None,
    ) -> None:
        named = {"default": models} if isinstance(models, ModelSpec) else dict(models)
        if only_local:
            from locum.text.runs.locality import refuse_remote

            refuse_remote(named)
        self.cache = cache if isinstance(cache, Cache) else Cache(None if cache is None else Path(cache))
        self.replay = replay
        self._served = {name: _Served(spec, (names or {}).get(name, "")) for name, spec in named.items()}
        usage = self.cache.usage()
        spent = [(served.spec, usage.get(served.name)) for served in self._served.values()]
        self.purse = Purse(
            caps or Caps(),
            spent_tokens=sum(u.tokens_in + u.tokens_out for u in usage.values()),
            spent_cost=sum(spec.cost(u.tokens_in, u.tokens_out) for spec, u in spent if u is not None),
        )
        self._asking: dict[str, asyncio.Future[Reply]] = {}
        #: Requests that went out, tries included, since this object was made.
        self.sent = 0
        #: Answers taken from the cache.
        self.hits = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close connections and let embedded models go. The cache stays open if it was given."""
        for served in self._served.values():
            await served.close()

    def spec(self, model: str = "") -> ModelSpec:
        """What is said about a model; the only one where no name is given."""
        return self._find(model).spec

    @property
    def names(self) -> dict[str, str]:
        """Names under which answers are kept, by short name."""
        return {short: served.name for short, served in self._served.items()}

    def model_name(self, model: str = "") -> str:
        """The name under which answers of a model are kept: for embedded ones with the checksum."""
        return self._find(model).name

    async def chat(
        self,
        messages: Messages,
        *,
        model: str = "",
        schema: Mapping[str, Any] | None = None,
        seed: int | None = None,
        **params: Any,
    ) -> Reply:
        """Ask for the next message of a conversation.

        Parameters
        ----------
        messages
            Messages with ``role`` and ``content``, or one text as the user's.
        model
            Short name of a model; may be left out when there is one.
        schema
            JSON Schema of the answer. The endpoint enforces it where it can; the answer is **not** checked
            here, see `locum.text.plan.structured.read_json`.
        seed
            Sampling seed; part of the key, so that another seed is another answer.
        **params
            ``temperature``, ``max_tokens``, ``stop``, ``logprobs``, ``top_logprobs`` ... as the protocol
            has them.

        Raises
        ------
        Lost
            The request was given up; `reason` says why.
        Stop
            A cap was reached, or the endpoint is gone.
        """
        content = [{"role": "user", "content": messages}] if isinstance(messages, str) else list(messages)
        return await self._ask("chat", content, model, schema, seed, params)

    async def complete(
        self,
        prompt: str,
        *,
        model: str = "",
        schema: Mapping[str, Any] | None = None,
        seed: int | None = None,
        **params: Any,
    ) -> Reply:
        """Ask how a text goes on, without a chat template; otherwise as `chat`."""
        return await self._ask("completion", prompt, model, schema, seed, params)

    async def embed(self, texts: Sequence[str], *, model: str = "") -> npt.NDArray[np.float32]:
        """Embeddings of texts by an endpoint, one row a text; raises as `chat`."""
        reply = await self._ask("embedding", list(texts), model, None, None, {})
        if len(reply.vectors) != len(texts) or len({len(vector) for vector in reply.vectors}) > 1:
            raise Lost(Reason.BAD_ANSWER, "embeddings do not fit the texts", stage="request")
        return np.asarray(reply.vectors, dtype=np.float32)

    async def _ask(
        self,
        kind: Kind,
        content: Any,
        model: str,
        schema: Mapping[str, Any] | None,
        seed: int | None,
        params: Mapping[str, Any],
    ) -> Reply:
        served = self._find(model)
        given = params if kind == "embedding" else {**served.spec.defaults(), **params}
        return await self.ask(Request(kind, served.name, content, given, schema, seed), model)

    async def ask(self, request: Request, model: str = "") -> Reply:
        """Answer a request: from the cache, an equal request under way, or by asking; see `chat`."""
        key = request.key
        kept = self.cache.get(request, key)
        if kept is not None:
            self.hits += 1
            return kept
        if self.replay:
            given_up = self.cache.given_up(key)
            if given_up is not None:
                raise Lost(given_up[0], given_up[1], stage="request", tries=given_up[2])
            raise Lost(Reason.NOT_CACHED, "the run is replayed from its cache only", stage="request")
        if key in self._asking:
            return await asyncio.shield(self._asking[key])
        task = asyncio.ensure_future(self._try(request, key, self._find(model)))
        self._asking[key] = task
        try:
            return await task
        finally:
            del self._asking[key]

    async def _try(self, request: Request, key: str, served: _Served) -> Reply:
        """Ask until there is an answer, the tries are used up, or the waiting would be too long."""
        spec, began, waited, tries = served.spec, time.monotonic(), 0.0, 0
        while True:
            tries += 1
            try:
                reply = await self._once(request, served, again=tries > 1)
            except CallFailed as failure:
                if failure.reason in FATAL:
                    raise _stop(failure.reason.value, spec, failure.detail) from failure
                wait = _wait(tries, failure.wait_s, key)
                refused = failure.reason == Reason.RATE_LIMITED  # nothing wrong with it: time alone ends it
                used_up = (tries >= spec.max_tries and not refused) or waited + wait > spec.max_wait_s
                if failure.reason not in PASSING or used_up:
                    raise self._give_up(key, served, failure, tries, began) from failure
                waited += wait
                await asyncio.sleep(wait)
                continue
            if tries > 1:
                reply = replace(reply, tries=tries)
            self.cache.put(request, reply, key)
            return reply

    async def _once(self, request: Request, served: _Served, *, again: bool) -> Reply:
        await served.pace.enter(again=again)
        try:
            transport = served.transport()
            held = await self.purse.reserve(request, served.spec)
            reply, maybe_billed = None, True
            try:
                self.sent += 1
                reply = await transport.send(request)
            except CallFailed as failure:
                maybe_billed = failure.reason in _MAYBE_BILLED
                if failure.reason == Reason.RATE_LIMITED:
                    served.pace.refused(failure.wait_s)
                elif failure.reason == Reason.REFUSED:
                    served.breaker.succeeded(time.monotonic())
                raise
            finally:
                self.purse.settle(held, reply, served.spec, maybe_billed=maybe_billed)
                if transport.pause_s:
                    served.pace.pause(transport.pause_s)
            served.pace.succeeded()
            served.breaker.succeeded(time.monotonic())
        finally:
            served.pace.leave()
        return reply

    def _give_up(self, key: str, served: _Served, failure: CallFailed, tries: int, began: float) -> Exception:
        unreachable = failure.reason in (Reason.UNREACHABLE, Reason.RATE_LIMITED)
        if failure.reason in PASSING and served.breaker.gave_up(since=began, unreachable=unreachable):
            return _stop("endpoint", served.spec, f"{failure.reason.value}, {failure.detail}")
        self.cache.give_up(key, failure.reason, failure.detail, tries)
        return Lost(failure.reason, failure.detail, stage="request", tries=tries)

    def _find(self, model: str) -> _Served:
        if not model and len(self._served) == 1:
            return next(iter(self._served.values()))
        try:
            return self._served[model or "default"]
        except KeyError:
            raise UsageError(
                f"there is no model {model!r}" if model else "no model is named",
                where="model",
                expected="one of " + ", ".join(self._served),
            ) from None


class _Served:
    """One model with its gate; the transport is made when first needed."""

    def __init__(self, spec: ModelSpec, name: str = "") -> None:
        self.spec = spec
        self.pace, self.breaker = Pace(spec.slots), Breaker()
        self._transport: Transport | None = None
        self._name = name

    @property
    def name(self) -> str:
        if not self._name:
            if self.spec.embedded:
                from locum.text.engine.weights import identity

                self._name = identity(self.spec.model)
            else:
                self._name = self.spec.model
        return self._name

    def transport(self) -> Transport:
        if self._transport is None:
            if self.spec.embedded:
                from locum.text.engine.embedded import EmbeddedTransport

                self._transport = EmbeddedTransport(self.spec)
            else:
                self._transport = HttpTransport(self.spec)
        return self._transport

    async def close(self) -> None:
        if self._transport is not None:
            await self._transport.close()
            self._transport = None


def _wait(tries: int, asked_s: float | None, key: str) -> float:
    """Seconds before the next try: what the endpoint asked for, else doubling with a spread by the key."""
    spread = random.Random(f"{key}{tries}").uniform(0.5, 1.0)
    if asked_s is not None:
        return asked_s + 0.1 * spread * min(asked_s, 1.0)
    return min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2.0 ** (tries - 1)) * spread


def _stop(cause: str, spec: ModelSpec, detail: str) -> Stop:
    key = f"check the key in {spec.api_key_env}" if spec.api_key_env else "name its key with api_key_env"
    do = {
        "auth": key,
        "not_found": "check the name of the model and that the address ends where the protocol begins (/v1)",
    }.get(cause, "see that it runs, then run the same command again; nothing is asked twice")
    what = "the endpoint cannot be used" if cause != "endpoint" else "the endpoint is gone"
    return Stop(cause, EndpointError(f"{what}: {detail}", where=spec.base_url or spec.model, do=do))
