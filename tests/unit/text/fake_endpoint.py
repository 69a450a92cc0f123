"""A local OpenAI-style endpoint for tests and benchmarks: bare asyncio, slow and faulty on demand.

Every answer is a function of the request's bytes alone, so that runs can be compared. Run it as a program
to keep its CPU time out of a measurement: ``python fake_endpoint.py --latency 0.2 --limit 64 --log FILE``
prints its port.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import random
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

WORDS = (
    "amber",
    "basket",
    "candle",
    "drift",
    "ember",
    "forest",
    "garden",
    "harbour",
    "island",
    "jacket",
    "kettle",
    "lantern",
    "meadow",
    "needle",
    "orchard",
    "pepper",
    "quarry",
    "river",
    "saddle",
    "thistle",
    "umbrella",
    "valley",
    "willow",
    "yarn",
    "zephyr",
    "anchor",
    "bridge",
    "copper",
    "dune",
    "engine",
)


@dataclass
class Behaviour:
    """What the endpoint does; shares are of all requests and drawn from `seed`."""

    latency_s: float = 0.0
    limit: int = 0  # most requests in flight; above it 429. 0: no limit
    retry_after: str = ""  # header of a 429
    share_429: float = 0.0
    share_500: float = 0.0
    share_cut: float = 0.0  # half a body, then the connection is closed
    share_bad_json: float = 0.0  # an answer that is no JSON at all
    down: bool = False  # closes every connection
    status: int = 0  # answers everything with this
    answer: str = ""  # text of every answer; empty makes one
    key: str = ""  # the key that must be sent
    log: str = ""
    seed: int = 0


@dataclass
class Seen:
    """What happened: requests by outcome, and the digest of each request's body with its outcome."""

    outcomes: Counter[str] = field(default_factory=Counter)
    bodies: list[tuple[str, str]] = field(default_factory=list)
    peak: int = 0


class FakeEndpoint:
    """Use as a context manager; runs in a thread of its own with its own event loop."""

    def __init__(self, behaviour: Behaviour | None = None, **changes: Any) -> None:
        self.behaviour = behaviour or Behaviour(**changes)
        self.seen, self.port = Seen(), 0
        self._in_flight, self._random = 0, random.Random(self.behaviour.seed)
        self._ready = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def __enter__(self) -> FakeEndpoint:
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main()), daemon=True)
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    async def _main(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._one(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in lines if line)
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        path = first.split(" ")[1]
        digest = hashlib.sha256(body).hexdigest()
        self._in_flight += 1
        self.seen.peak = max(self.seen.peak, self._in_flight)
        try:
            outcome = self._outcome(headers)
            if outcome in ("ok", "cut", "bad_json", "500"):
                await asyncio.sleep(self.behaviour.latency_s)
        finally:
            self._in_flight -= 1
        self._note(digest, outcome)
        if outcome == "down":
            return False
        return await self._reply(writer, outcome, path, body, digest)

    def _outcome(self, headers: dict[str, str]) -> str:
        b, draw = self.behaviour, self._random.random()
        if b.down:
            return "down"
        if b.status:
            return str(b.status)
        if b.key and headers.get("authorization") != f"Bearer {b.key}":
            return "401"
        if b.limit and self._in_flight > b.limit:
            return "429"
        for share, outcome in (
            (b.share_429, "429"),
            (b.share_500, "500"),
            (b.share_cut, "cut"),
            (b.share_bad_json, "bad_json"),
        ):
            if draw < share:
                return outcome
            draw -= share
        return "ok"

    async def _reply(
        self, writer: asyncio.StreamWriter, outcome: str, path: str, body: bytes, digest: str
    ) -> bool:
        status, extra = (200, "") if outcome in ("ok", "cut", "bad_json") else (int(outcome), "")
        if status == 200:
            asked = json.loads(body) if body else {}
            content = json.dumps(self._answer(path, asked, digest)).encode()
        else:
            content = json.dumps({"error": {"message": f"fake {outcome}"}}).encode()
        if status == 429 and self.behaviour.retry_after:
            extra = f"retry-after: {self.behaviour.retry_after}\r\n"
        if outcome == "bad_json":
            content = b"<html>oops</html>"
        head = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {len(content)}\r\n"
        sent = content[: len(content) // 2] if outcome == "cut" else content
        writer.write(f"{head}{extra}\r\n".encode() + sent)
        await writer.drain()
        return outcome != "cut"

    def _answer(self, path: str, asked: dict[str, Any], digest: str) -> dict[str, Any]:
        usage = {"prompt_tokens": 20, "completion_tokens": 12}
        if path.endswith("/models"):
            return {"data": [{"id": "fake"}]}
        if path.endswith("/embeddings"):
            texts = asked["input"] if isinstance(asked["input"], list) else [asked["input"]]
            data = [{"index": i, "embedding": _vector(text)} for i, text in enumerate(texts)]
            return {"data": data, "usage": usage}
        text = self.behaviour.answer or self._text(asked, digest)
        if path.endswith("/chat/completions"):
            choice: dict[str, Any] = {"message": {"role": "assistant", "content": text}}
        else:
            choice = {"text": text}
        return {"choices": [{**choice, "index": 0, "finish_reason": "stop"}], "usage": usage}

    def _text(self, asked: dict[str, Any], digest: str) -> str:
        schema = asked.get("response_format", {}).get("json_schema", {}).get("schema")
        rng = random.Random(digest)
        if schema is not None:
            return json.dumps(_fill(schema, rng))
        return " ".join(rng.choices(WORDS, k=12)).capitalize() + "."

    def _note(self, digest: str, outcome: str) -> None:
        self.seen.outcomes[outcome] += 1
        self.seen.bodies.append((digest, outcome))
        if self.behaviour.log:
            with Path(self.behaviour.log).open("a") as log:
                log.write(f"{time.time():.4f} {digest} {outcome}\n")


def _fill(schema: dict[str, Any], rng: random.Random) -> Any:
    """A value of a simple JSON Schema."""
    if "enum" in schema:
        return rng.choice(schema["enum"])
    kind = schema.get("type")
    if kind == "object":
        return {name: _fill(part, rng) for name, part in schema.get("properties", {}).items()}
    if kind == "array":
        return [_fill(schema.get("items", {}), rng) for _ in range(schema.get("minItems", 1))]
    if kind in ("integer", "number"):
        return rng.randint(int(schema.get("minimum", 0)), int(schema.get("maximum", 9)))
    if kind == "boolean":
        return rng.random() < 0.5
    return " ".join(rng.choices(WORDS, k=6))


def _vector(text: str) -> list[float]:
    rng = random.Random(text)
    return [round(rng.gauss(0, 1), 6) for _ in range(8)]


def _program() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--latency", type=float, default=0.2)
    parser.add_argument("--limit", type=int, default=64)
    parser.add_argument("--share-429", type=float, default=0.0)
    parser.add_argument("--share-500", type=float, default=0.0)
    parser.add_argument("--retry-after", default="")
    parser.add_argument("--log", default="")
    given = parser.parse_args()
    endpoint = FakeEndpoint(
        latency_s=given.latency,
        limit=given.limit,
        share_429=given.share_429,
        share_500=given.share_500,
        retry_after=given.retry_after,
        log=given.log,
    )
    with endpoint:
        print(endpoint.port, flush=True)
        sys.stdin.read()
        print(json.dumps({**endpoint.seen.outcomes, "peak": endpoint.seen.peak}), flush=True)


if __name__ == "__main__":
    _program()
