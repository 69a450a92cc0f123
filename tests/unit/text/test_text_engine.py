"""The engine against a faulty endpoint: trouble has its typed reason, waits are capped, caps are hard."""

from __future__ import annotations

import asyncio
import json
import random
import socket
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from fake_endpoint import FakeEndpoint

from locum.errors import FileFormatError, LeakError, UsageError
from locum.text import Cache, Caps, EndpointError, Engine, Lost, ModelSpec, Reason, Request, Stop
from locum.text.engine.probe import probe
from locum.text.engine.rate import Breaker, Pace
from locum.text.engine.transport import parse, retry_after
from locum.text.failures import PlanError


def ask(engine: Engine, work: Callable[[Engine], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        async with engine:
            return await work(engine)

    return asyncio.run(main())


def spec(endpoint: FakeEndpoint, **changes: Any) -> ModelSpec:
    return ModelSpec("fake", endpoint.url, **{"max_tries": 3, "max_wait_s": 3.0, **changes})


def test_equal_requests_are_asked_once_even_at_the_same_time() -> None:
    with FakeEndpoint(latency_s=0.05) as endpoint:

        async def work(engine: Engine) -> list[str]:
            replies = await asyncio.gather(*(engine.chat("hi", seed=1, max_tokens=5) for _ in range(10)))
            return [reply.text for reply in replies]

        texts = ask(Engine(spec(endpoint)), work)
        assert len(set(texts)) == 1
        assert endpoint.seen.outcomes == {"ok": 1}


@pytest.mark.parametrize(
    "change", [{"content": "b"}, {"model": "n"}, {"params": {"top_p": 0.5}}, {"schema": {}}, {"seed": 2}]
)
def test_the_key_depends_on_every_part_of_a_request(change: dict[str, Any]) -> None:
    same = {"kind": "chat", "model": "m", "content": "a", "params": {"top_p": 0.4}, "schema": None, "seed": 1}
    assert Request(**same).key == Request(**same).key  # type: ignore[arg-type]
    assert Request(**same).key != Request(**{**same, **change}).key  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        ({"share_500": 1.0}, Reason.SERVER_ERROR),
        ({"share_cut": 1.0}, Reason.BROKEN_ANSWER),
        ({"share_bad_json": 1.0}, Reason.BAD_ANSWER),
        ({"status": 400}, Reason.REFUSED),
        ({"status": 302}, Reason.REFUSED),
        ({"latency_s": 5.0}, Reason.TIMEOUT),
    ],
)
def test_trouble_with_one_request_has_its_reason(behaviour: dict[str, Any], reason: Reason) -> None:
    with FakeEndpoint(**behaviour) as endpoint:
        engine = Engine(spec(endpoint, timeout_s=0.2, max_tries=2))
        with pytest.raises(Lost) as lost:
            ask(engine, lambda e: e.chat("hi", max_tokens=5))
    assert lost.value.reason == reason


@pytest.mark.parametrize(("behaviour", "cause"), [({"status": 404}, "not_found"), ({"key": "right"}, "auth")])
def test_what_holds_for_every_request_stops_at_once(
    behaviour: dict[str, Any], cause: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WRONG_KEY", "wrong-secret")
    with FakeEndpoint(**behaviour) as endpoint:
        with pytest.raises(Stop) as stop:
            ask(Engine(spec(endpoint, api_key_env="WRONG_KEY")), lambda e: e.chat("hi"))
        assert sum(endpoint.seen.outcomes.values()) == 1
    assert stop.value.cause == cause
    assert "wrong-secret" not in str(stop.value)


def test_a_missing_key_is_told_before_anything_is_sent() -> None:
    with FakeEndpoint() as endpoint:
        with pytest.raises(EndpointError, match="LOCUM_NO_SUCH"):
            ask(Engine(spec(endpoint, api_key_env="LOCUM_NO_SUCH")), lambda e: e.chat("hi"))
        assert not endpoint.seen.outcomes


def test_an_endpoint_that_is_down_stops_the_run_in_bounded_time() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
        begin = time.monotonic()
        with pytest.raises(Stop) as stop:
            ask(Engine(ModelSpec("m", url, max_tries=3)), lambda e: e.chat("hi"))
    assert stop.value.cause == "endpoint"
    assert time.monotonic() - begin < 60


def test_endless_refusals_end_within_the_patience_for_one_request() -> None:
    with FakeEndpoint(status=429, retry_after="0.3") as endpoint:
        begin = time.monotonic()
        with pytest.raises(Stop) as stop:
            ask(Engine(spec(endpoint, max_tries=50, max_wait_s=1.0)), lambda e: e.chat("hi"))
        assert time.monotonic() - begin < 60
        assert endpoint.seen.outcomes["429"] <= 5
    assert stop.value.cause == "endpoint"


def test_retry_after_is_waited_for() -> None:
    with FakeEndpoint(share_429=0.999, retry_after="0.4", seed=1) as endpoint:
        begin = time.monotonic()
        with pytest.raises((Lost, Stop)):
            ask(Engine(spec(endpoint, max_tries=3)), lambda e: e.chat("hi"))
        assert time.monotonic() - begin >= 0.8


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "2"}, 2.0),
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after": "1m30s"}, 90.0),
        ({"retry-after": "soon"}, None),
        ({}, None),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
    ],
)
def test_retry_after_in_all_its_forms(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


@pytest.mark.parametrize("body", [b"", b"[]", b'{"choices": []}', b'{"choices": [{"message": {}}]}', b"\xff"])
def test_answers_that_are_none_are_told_apart(body: bytes) -> None:
    with pytest.raises(Exception, match="not an answer"):
        parse("chat", body)


def test_half_characters_in_an_answer_do_not_break_the_files() -> None:
    body = json.dumps({"choices": [{"message": {"content": "a\ud83d"}}]}).encode()
    assert parse("chat", body).text == "a?"


def test_the_token_cap_is_never_exceeded() -> None:
    with FakeEndpoint(latency_s=0.01) as endpoint:

        async def work(engine: Engine) -> int:
            results = await asyncio.gather(
                *(engine.chat("hi", seed=i, max_tokens=50) for i in range(100)), return_exceptions=True
            )
            assert any(isinstance(result, Stop) and result.cause == "max_tokens" for result in results)
            return engine.purse.tokens

        tokens = ask(Engine(spec(endpoint), caps=Caps(max_tokens=1000)), work)
        assert 1000 - 200 < tokens <= 1000
        assert endpoint.seen.outcomes["ok"] * 32 == tokens


def test_the_money_cap_holds_over_several_processes(tmp_path: Path) -> None:
    with FakeEndpoint() as endpoint:
        priced = spec(endpoint, price_in=1000.0, price_out=1000.0)
        for _ in range(2):  # the second begins with what the first has spent

            async def work(engine: Engine) -> float:
                try:
                    for i in range(1000):
                        await engine.chat("hi", seed=i, max_tokens=20)
                except Stop as stop:
                    assert stop.cause == "max_cost"
                return engine.purse.cost

            cost = ask(Engine(priced, cache=tmp_path / "c.sqlite", caps=Caps(max_cost=0.5)), work)
            assert 0.4 < cost <= 0.5


def test_answers_without_counts_are_counted_at_their_worst() -> None:
    reply = parse("chat", b'{"choices": [{"message": {"content": "x"}}]}')
    assert reply.prompt_tokens == 0
    with FakeEndpoint(share_cut=1.0) as endpoint:
        engine = Engine(spec(endpoint, max_tries=1))
        with pytest.raises(Lost):
            ask(engine, lambda e: e.chat("hi", max_tokens=50))
    assert engine.purse.tokens >= 52


def test_pace_lands_on_the_limit_of_the_endpoint() -> None:
    """A simulated endpoint that refuses everything above 24 at once: the limit must settle there."""

    async def main() -> tuple[float, int]:
        pace, busy, refusals, spread = Pace(64), 0, 0, random.Random(1)

        async def one() -> None:
            nonlocal busy, refusals
            await pace.enter()
            busy += 1
            refused = busy > 24
            await asyncio.sleep(0.001 if refused else spread.uniform(0.004, 0.008))
            busy -= 1
            if refused:
                refusals += 1
                pace.refused()
            else:
                pace.succeeded()
            pace.leave()

        await asyncio.gather(*(one() for _ in range(2000)))
        return pace.limit, refusals

    limit, refusals = asyncio.run(main())
    # Wide, because answers of a busy machine come late and out of order.
    assert 12 <= limit <= 40
    assert refusals < 1000


def test_pace_never_lets_in_more_than_its_slots_and_keeps_a_pause() -> None:
    async def main() -> None:
        pace, most = Pace(4), 0

        async def one() -> None:
            nonlocal most
            await pace.enter()
            most = max(most, pace.in_flight)
            await asyncio.sleep(0.001)
            pace.succeeded()
            pace.leave()

        await asyncio.gather(*(one() for _ in range(40)))
        assert most == 4
        pace.pause(0.2)
        begin = time.monotonic()
        await one()
        assert time.monotonic() - begin >= 0.19

    asyncio.run(main())


def test_one_bad_request_does_not_open_the_breaker_but_a_row_of_them_does() -> None:
    breaker = Breaker(at_most=3)
    assert not breaker.gave_up(since=0, unreachable=False)
    breaker.succeeded(1.0)
    assert [breaker.gave_up(since=2, unreachable=False) for _ in range(3)] == [False, False, True]
    assert Breaker().gave_up(since=0, unreachable=True)


def test_embeddings_come_back_in_order() -> None:
    with FakeEndpoint() as endpoint:
        vectors = ask(Engine(spec(endpoint)), lambda e: e.embed(["a", "b", "a"]))
    assert vectors.shape == (3, 8)
    assert (vectors[0] == vectors[2]).all()
    assert (vectors[0] != vectors[1]).any()


def test_a_file_that_is_no_cache_is_refused(tmp_path: Path) -> None:
    (tmp_path / "c.sqlite").write_bytes(b"not a database at all" * 100)
    with pytest.raises(FileFormatError):
        Cache(tmp_path / "c.sqlite")


def test_unknown_model_and_remote_model_are_refused_by_name() -> None:
    with pytest.raises(UsageError, match="nope"):
        ask(Engine(ModelSpec("m", "http://127.0.0.1:9/v1")), lambda e: e.chat("x", model="nope"))
    with pytest.raises(LeakError, match=r"api\.example\.org"):
        Engine(ModelSpec("m", "https://api.example.org/v1"), only_local=True)


@pytest.mark.parametrize("url", ["", "ftp://x", "localhost:80", "http://user:pw@x/v1"])
def test_addresses_that_cannot_be(url: str) -> None:
    with pytest.raises(PlanError):
        ModelSpec("m", url)


def test_probe_tells_what_an_endpoint_can_do() -> None:
    with FakeEndpoint() as endpoint:
        found = {name: ok for name, ok, _ in asyncio.run(probe(endpoint.url))}
    assert found == {"models": True, "chat": True, "log-probabilities": False, "JSON Schema": True}
    with FakeEndpoint(status=401) as endpoint:
        told = asyncio.run(probe(endpoint.url, "m"))
    assert told[1][0] == "chat"
    assert "auth" in told[1][2]


def test_nothing_is_contacted_but_what_was_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counts every connection that this process opens, proxies in the environment included."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    seen: list[Any] = []
    connect = socket.socket.connect

    def watch(self: socket.socket, address: Any) -> None:
        seen.append(address)
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", watch)
    with FakeEndpoint() as endpoint:
        loops: list[Any] = []

        async def work(engine: Engine) -> None:
            loop = asyncio.get_running_loop()
            original = loop.sock_connect

            async def sock_connect(sock: Any, address: Any) -> None:
                loops.append(address)
                await original(sock, address)

            monkeypatch.setattr(loop, "sock_connect", sock_connect)
            await engine.chat("hi")

        ask(Engine(spec(endpoint)), work)
        assert {address[:2] for address in loops} == {("127.0.0.1", endpoint.port)}
    assert all(address[:2] == ("127.0.0.1", endpoint.port) for address in seen)
