"""The border to whatever answers: one method, one failure type; here for HTTP endpoints."""

from __future__ import annotations

import email.utils
import json
import os
import re
import time
from collections.abc import Mapping
from typing import Any, Protocol

from locum.text.engine.http import Broken, HttpClient
from locum.text.engine.model import ModelSpec
from locum.text.engine.request import PATHS, Reply, Request
from locum.text.failures import EndpointError, Reason

#: Reasons that another try may cure.
PASSING = frozenset(
    {
        Reason.UNREACHABLE,
        Reason.RATE_LIMITED,
        Reason.SERVER_ERROR,
        Reason.TIMEOUT,
        Reason.BROKEN_ANSWER,
        Reason.BAD_ANSWER,
    }
)
#: Reasons that hold for every request to this endpoint: the run ends.
FATAL = frozenset({Reason.AUTH, Reason.NOT_FOUND})


class CallFailed(Exception):
    """One try failed.

    Attributes
    ----------
    reason, detail
        What happened; `detail` holds no header.
    wait_s
        What the endpoint asked us to wait; None when it did not say.
    """

    def __init__(self, reason: Reason, detail: str, wait_s: float | None = None) -> None:
        super().__init__(detail)
        self.reason, self.detail, self.wait_s = reason, detail, wait_s


class Transport(Protocol):
    """Whatever answers requests."""

    #: Seconds from now during which nothing should be sent, as told by the last answer; 0 for none.
    pause_s: float

    async def send(self, request: Request) -> Reply:
        """Answer a request once; raises `CallFailed`."""
        ...

    async def close(self) -> None:
        """Let go of connections or memory."""
        ...


class HttpTransport:
    """An OpenAI-compatible endpoint.

    Parameters
    ----------
    spec
        Address, name of the variable with the key, time limit.

    Raises
    ------
    EndpointError
        When the variable named for the key is not set.
    """

    def __init__(self, spec: ModelSpec) -> None:
        headers = {}
        if spec.api_key_env:
            key = os.environ.get(spec.api_key_env, "").strip()
            if not key or not key.isascii() or not key.isprintable():
                raise EndpointError(
                    f"the variable {spec.api_key_env} holds no usable key",
                    where=spec.base_url or "",
                    do=f"set it: export {spec.api_key_env}=...",
                )
            headers["authorization"] = f"Bearer {key}"
        self._spec = spec
        self.http = HttpClient(spec.base_url or "", headers)
        self.pause_s = 0.0

    async def send(self, request: Request) -> Reply:
        """Answer a request once over the network; raises `CallFailed`."""
        body = json.dumps(request.body(enforce_schema=self._spec.enforce_schema)).encode()
        self.pause_s = 0.0
        try:
            answer = await self.http.request("POST", PATHS[request.kind], body, self._spec.timeout_s)
        except TimeoutError:
            raise CallFailed(Reason.TIMEOUT, f"no answer in {self._spec.timeout_s:g} s") from None
        except Broken as error:
            reason = Reason.BROKEN_ANSWER if error.answered else Reason.UNREACHABLE
            raise CallFailed(reason, str(error)) from error
        self.pause_s = _pause(answer.headers)
        if answer.status != 200:
            raise _refusal(answer.status, answer.headers, answer.body)
        return parse(request.kind, answer.body)

    async def close(self) -> None:
        """Close the connections."""
        await self.http.close()


def _refusal(status: int, headers: Mapping[str, str], body: bytes) -> CallFailed:
    detail = f"status {status}{_words(body)}"
    if status in (401, 403):
        return CallFailed(Reason.AUTH, detail)
    if status == 404:
        return CallFailed(Reason.NOT_FOUND, detail)
    if status == 429:
        return CallFailed(Reason.RATE_LIMITED, detail, retry_after(headers) or _pause(headers) or None)
    if status >= 500 or status == 408:
        return CallFailed(Reason.SERVER_ERROR, detail, retry_after(headers))
    return CallFailed(Reason.REFUSED, detail)


def _words(body: bytes) -> str:
    """What the endpoint itself says, in a few words."""
    try:
        told = json.loads(body[:10_000])
        error = told.get("error", told) if isinstance(told, dict) else {}
        words = error.get("message", "") if isinstance(error, dict) else error
    except (ValueError, RecursionError):
        return ""
    clean = "".join(c if c.isprintable() else " " for c in str(words))
    return f": {clean[:200]}" if clean else ""


def parse(kind: str, body: bytes) -> Reply:
    """Read an answer of the protocol; raises `CallFailed` when it is none."""
    try:
        return reply_of(kind, json.loads(body))
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError) as error:
        raise CallFailed(
            Reason.BAD_ANSWER, f"not an answer of the protocol ({type(error).__name__})"
        ) from None


def reply_of(kind: str, told: Mapping[str, Any]) -> Reply:
    """The reply in a parsed answer; KeyError, TypeError and the like when it is none."""
    usage = told.get("usage") or {}
    used = int(usage.get("prompt_tokens") or 0), int(usage.get("completion_tokens") or 0)
    if kind == "embedding":
        rows = sorted(told["data"], key=lambda row: row["index"])
        return Reply("", "stop", *used, vectors=[[float(x) for x in row["embedding"]] for row in rows])
    choice = told["choices"][0]
    text = choice["message"]["content"] if kind == "chat" else choice["text"]
    if text is None:
        text = ""
    if not isinstance(text, str):
        raise TypeError("text")
    # Half a character cannot be written to any file.
    text = text.encode("utf-8", "replace").decode("utf-8")
    return Reply(text, str(choice.get("finish_reason") or "stop"), *used, logprobs=choice.get("logprobs"))


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds of ``Retry-After`` (or its ``-ms`` form), a number or a date; None when unreadable."""
    if "retry-after-ms" in headers:
        return _seconds(headers["retry-after-ms"] + "ms")
    value = headers.get("retry-after", "")
    seconds = _seconds(value)
    if seconds is None:
        try:
            seconds = email.utils.parsedate_to_datetime(value).timestamp() - time.time()
        except (ValueError, TypeError, OverflowError):
            return None
    return max(0.0, seconds)


def _pause(headers: Mapping[str, str]) -> float:
    """How long the endpoint will take nothing more: its remaining requests or tokens are zero."""
    longest = 0.0
    for what in ("requests", "tokens"):
        if headers.get(f"x-ratelimit-remaining-{what}", "").strip() == "0":
            longest = max(longest, _seconds(headers.get(f"x-ratelimit-reset-{what}", "")) or 0.0)
    return longest


_NUMBER = r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)"
_SPAN = re.compile(rf"(?:{_NUMBER}(?:ms|[hms]))*(?:{_NUMBER})?")
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001, "": 1.0}


def _seconds(text: str) -> float | None:
    """``6``, ``1.5``, ``6s``, ``20ms``, ``1m30s`` in seconds; None when it is nothing of the kind."""
    span = text.strip().lower()
    if not span or not _SPAN.fullmatch(span):
        return None
    total = sum(float(n) * _UNITS[unit] for n, unit in re.findall(rf"({_NUMBER})(ms|[hms]|)", span))
    return total if total < 1e7 else None
