"""Whether an endpoint can be used: what ``locum doctor --endpoint`` asks."""

from __future__ import annotations

import json
import time
from dataclasses import replace

from locum.text.engine.http import Broken, HttpClient
from locum.text.engine.model import ModelSpec
from locum.text.engine.request import Request
from locum.text.engine.transport import CallFailed, HttpTransport
from locum.text.failures import Lost
from locum.text.plan.structured import read_json

_SCHEMA = {
    "type": "object",
    "properties": {"n": {"type": "integer"}},
    "required": ["n"],
    "additionalProperties": False,
}


async def probe(base_url: str, model: str = "", api_key_env: str = "") -> list[tuple[str, bool, str]]:
    """Ask an endpoint a few small questions: at most four requests, some 100 tokens.

    Returns
    -------
    list of (str, bool, str)
        What was asked, whether it went well, and in words how.

    Raises
    ------
    PlanError, EndpointError
        When the address is none, or the variable for the key is not set.
    """
    spec = ModelSpec(model or "unnamed", base_url, api_key_env=api_key_env, timeout_s=30.0)
    transport = HttpTransport(spec)
    found: list[tuple[str, bool, str]] = []
    try:
        names, told = await _models(transport)
        found.append(("models", names is not None, told))
        chosen = model or (names or [""])[0]
        if not chosen:
            return [*found, ("chat", False, "no model is named and none is listed; name one with --model")]
        ask = Request("chat", chosen, [{"role": "user", "content": "Say yes."}], {"max_tokens": 8}, seed=1)
        found.append(await _try(transport, "chat", ask))
        if found[-1][1]:
            again = replace(ask, params={"max_tokens": 8, "temperature": 0.0, "logprobs": True})
            found.append(await _try(transport, "log-probabilities", again, needs_logprobs=True))
            what = [{"role": "user", "content": 'Answer with the JSON {"n": 3}.'}]
            asked = Request("chat", chosen, what, {"max_tokens": 40}, schema=_SCHEMA, seed=1)
            found.append(await _try(transport, "JSON Schema", asked))
    finally:
        await transport.close()
    return found


async def _models(transport: HttpTransport) -> tuple[list[str] | None, str]:
    http: HttpClient = transport.http
    try:
        answer = await http.request("GET", "/models", b"", 30.0)
        names = [str(row["id"]) for row in json.loads(answer.body)["data"]] if answer.status == 200 else None
    except (Broken, TimeoutError) as error:
        return None, str(error) or "no answer in 30 s"
    except (ValueError, KeyError, TypeError):
        return None, "the list of models is not readable"
    if names is None:
        return None, f"status {answer.status}"
    return names, ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


async def _try(
    transport: HttpTransport, name: str, request: Request, *, needs_logprobs: bool = False
) -> tuple[str, bool, str]:
    begin = time.monotonic()
    try:
        reply = await transport.send(request)
        if request.schema is not None:
            read_json(reply.text, request.schema)
    except CallFailed as failure:
        return name, False, f"{failure.reason.value}: {failure}"
    except Lost as lost:
        words = f"the answer is not of the schema ({lost.reason.value}); set enforce_schema = false"
        return name, False, words
    if needs_logprobs and not reply.logprobs:
        return name, False, "not given"
    return name, True, f"{(time.monotonic() - begin) * 1000:.0f} ms"
