"""Killing, resuming, replaying: nothing is asked twice, nothing lost or doubled, the bytes are the same."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from fake_endpoint import FakeEndpoint

from locum.text import Category, Check, Dedup, ModelSpec, Plan, Quota, Structured, Text, dump_plan, run
from locum.text.engine.cache import Cache

PROGRAM = Path(__file__).with_name("killed_run.py")
FILES = ("data.jsonl", "provenance.jsonl", "rejects.jsonl", "funnel.json")
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


def make_plan(url: str, *, slots: int, rows: int = 40) -> Plan:
    return Plan(
        (
            Category("topic", ("tea", "rain")),
            Text("line", "Line on {{ topic }}", checks=(Check("regex", {"pattern": "[aeiou]{2}"}),), tries=2),
            Structured("facts", "Facts of {{ line }}", SCHEMA),
        ),
        rows=rows,
        models={"m": ModelSpec("fake", url, max_in_flight=slots)},
        dedup=Dedup(),
        quota=Quota(("topic",), rows // 2),
    )


def contents(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in FILES}


@pytest.mark.parametrize("slots", [1, 8])
def test_a_killed_run_repeats_no_answered_request_and_gives_the_same_bytes(
    tmp_path: Path, slots: int
) -> None:
    with FakeEndpoint(latency_s=0.004, share_500=0.02, share_429=0.02) as endpoint:
        plan = make_plan(endpoint.url, slots=slots)
        (tmp_path / "plan.toml").write_text(dump_plan(plan))
        run(plan, tmp_path / "whole")
        spread = random.Random(slots)
        endpoint.seen.bodies.clear()
        kills, known = 0, set[str]()
        for _ in range(6):
            command = [sys.executable, str(PROGRAM), str(tmp_path / "plan.toml"), str(tmp_path / "killed")]
            process = subprocess.Popen(command, stdout=subprocess.PIPE)
            cache = tmp_path / "killed" / "requests.sqlite"
            # Killed after so many answers, not after so long: a busy machine changes nothing.
            enough = len(endpoint.seen.bodies) + spread.randint(1, 12)
            while process.poll() is None and len(endpoint.seen.bodies) < enough:
                time.sleep(0.001)
            kills += process.poll() is None
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()
            keys = set(Cache(cache)._query("SELECT key FROM answers")) if cache.exists() else set()
            assert known <= keys  # what was answered stays
            known = keys
        assert kills >= 3
        outcome = run(plan, tmp_path / "killed")
        assert outcome.state == "complete"
        # An answer may be on its way when the process dies; all that had come in are never asked again.
        answered = Counter(body for body, outcome in endpoint.seen.bodies if outcome == "ok")
        assert sum(n - 1 for n in answered.values()) <= kills * slots
        assert outcome.cached >= len(known)
    assert contents(tmp_path / "whole") == contents(tmp_path / "killed")


def test_a_finished_run_replays_without_any_endpoint(tmp_path: Path) -> None:
    with FakeEndpoint(share_500=0.05) as endpoint:
        plan = make_plan(endpoint.url, slots=8, rows=20)
        run(plan, tmp_path / "run")
        sent = sum(endpoint.seen.outcomes.values())
        before = contents(tmp_path / "run")
        assert run(plan, tmp_path / "run").sent == 0  # finished: not even replayed
        assert sum(endpoint.seen.outcomes.values()) == sent
    outcome = run(plan, tmp_path / "run", replay=True)
    assert (outcome.state, outcome.sent) == ("complete", 0)
    assert contents(tmp_path / "run") == before


def test_no_row_is_lost_or_doubled_whatever_the_concurrency(tmp_path: Path) -> None:
    with FakeEndpoint(latency_s=0.002, limit=5) as endpoint:
        one = run(make_plan(endpoint.url, slots=1), tmp_path / "one")
        many = run(make_plan(endpoint.url, slots=16), tmp_path / "many")
    assert one.kept == many.kept == 40
    assert contents(tmp_path / "one") == contents(tmp_path / "many")
    rows = [json.loads(line)["row"] for line in (tmp_path / "one" / "provenance.jsonl").open()]
    assert rows == list(range(40))


def test_a_request_given_up_is_lost_again_in_the_replay(tmp_path: Path) -> None:
    columns = (Text("line", "Line {{ n }}"), Category("n", (1, 2, 3)))
    with FakeEndpoint(share_500=0.6, seed=3) as endpoint:
        spec = ModelSpec("fake", endpoint.url, max_in_flight=1, max_tries=2, max_wait_s=0.5)
        plan = Plan(columns, rows=8, models={"m": spec}, tries=3)
        run(plan, tmp_path / "run")
    before = contents(tmp_path / "run")
    assert b"server_error" in before["rejects.jsonl"]
    run(plan, tmp_path / "run", replay=True)
    assert contents(tmp_path / "run") == before
