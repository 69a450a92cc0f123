"""Measure the text engine on a local fake endpoint, and the embedded model against its bare engine.

    python -m benchmarks.text_engine [throughput] [slow] [rows] [kills] [embedded]

- throughput: 200 ms a request, at most 64 at once, 1 % stray 429s; a client that may send 64 and one that
  may send 128. Share of what the endpoint allows, CPU a request.
- slow: the same with 1 s a request.
- rows: 100,000 rows through plan, cache, removal of duplicates and export. Peak memory, CPU a row.
- kills: kill -9 at ten random points, one slot. Requests repeated, rows lost or doubled, equality of bytes.
- embedded: tokens per second through a plan against the bare engine (needs LOCUM_MODELS).

The endpoint runs in a process of its own, so its CPU time is not counted; on a busy machine it is what
holds back. Results are kept in ``results/text_engine.json`` for `benchmarks.text_page`.
"""

from __future__ import annotations

import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from locum.text import Category, Dedup, ModelSpec, Number, Plan, Text, dump_plan, load_plan, run

BESIDE = Path(__file__).parents[1] / "tests" / "unit" / "text"
RESULTS = Path(__file__).parent / "results" / "text_engine.json"
PROMPT = "Write one line about {{ topic }}, number {{ n }}. " + "Keep it short and plain. " * 8


@contextmanager
def endpoint(*options: str) -> Iterator[tuple[str, dict[str, int]]]:
    """A fake endpoint in another process: its address, and its counts once it has ended."""
    command = [sys.executable, str(BESIDE / "fake_endpoint.py"), *options]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    counts: dict[str, int] = {}
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1", counts
    finally:
        counts.update(json.loads(process.communicate("")[0]))


def plan_for(url: str, rows: int, slots: int, *, minhash: float = 0.8) -> Plan:
    """Two sampled columns and one text."""
    columns = (
        Category("topic", ("tea", "rain", "bread")),
        Number("n", low=0, high=10**6, decimals=0),
        Text("line", PROMPT, max_tokens=50),
    )
    models = {"m": ModelSpec("fake", url, max_in_flight=slots)}
    return Plan(columns, rows=rows, models=models, dedup=Dedup(minhash=minhash))


def throughput(place: Path) -> dict[str, Any]:
    """Rate against the endpoint's own limit, for a client that may send 64 and one that may send 128."""
    return _rates(place, ((64, 0.2, 12_000), (128, 0.2, 12_000)))


def slow(place: Path) -> dict[str, Any]:
    """As `throughput` with a second of latency."""
    return _rates(place, ((64, 1.0, 4_000),))


def _rates(place: Path, cases: tuple[tuple[int, float, int], ...]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for slots, latency, rows in cases:
        with endpoint("--latency", str(latency), "--limit", "64", "--share-429", "0.01") as (url, counts):
            wall, cpu = time.perf_counter(), time.process_time()
            outcome = run(plan_for(url, rows, slots), place / f"throughput{slots}-{latency}")
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        found[f"{slots} slots, {latency} s"] = {
            "rows": outcome.kept, "requests_per_s": round(rows / wall, 1), "limit_per_s": 64 / latency,
            "share_of_limit": round(rows / wall / (64 / latency), 3), "refused": counts.get("429", 0),
            "cpu_ms_per_request": round(1000 * cpu / outcome.sent, 3), "endpoint": counts,
        }  # fmt: skip
    return found


def rows(place: Path) -> dict[str, Any]:
    """Peak memory of 100,000 rows, in a process of its own."""
    with endpoint("--latency", "0.02", "--limit", "0") as (url, _):
        (place / "rows.toml").write_text(dump_plan(plan_for(url, 100_000, 64)))
        command = [sys.executable, "-m", "benchmarks.text_engine", "_child", str(place / "rows.toml")]
        done = subprocess.run([*command, str(place / "rows")], capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def child(plan: str, out: str) -> None:
    """One run; prints what it took."""
    wall, cpu = time.perf_counter(), time.process_time()
    outcome = run(load_plan(plan), out)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        json.dumps(
            {
                "rows": outcome.kept, "state": outcome.state, "peak_mb": round(peak),
                "wall_s": round(time.perf_counter() - wall, 1),
                "cpu_ms_per_row": round(1000 * (time.process_time() - cpu) / max(1, outcome.kept), 3),
            }
        )
    )  # fmt: skip


def kills(place: Path) -> dict[str, Any]:
    """Kill a run ten times at random points and compare it with one that was left alone."""
    files, spread = ("data.jsonl", "provenance.jsonl", "rejects.jsonl"), random.Random(7)
    log = place / "log"
    with endpoint("--latency", "0.005", "--limit", "0", "--share-500", "0.01", "--log", str(log)) as (url, _):
        plan = plan_for(url, 1500, 1)
        (place / "kills.toml").write_text(dump_plan(plan))
        run(plan, place / "whole")
        log.unlink()
        killed, on_their_way, kept = 0, 0, [0]
        for _ in range(10):
            command = [
                sys.executable,
                str(BESIDE / "killed_run.py"),
                str(place / "kills.toml"),
                str(place / "killed"),
            ]
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
            seen = _size(log)  # a kill before the first new request would show nothing
            while process.poll() is None and _size(log) == seen:
                time.sleep(0.005)
            time.sleep(spread.uniform(0, 0.5))
            killed += process.poll() is None
            process.kill()
            process.wait()
            kept.append(len(_replies(place / "killed" / "requests.sqlite")))
            answered_then = {line.split()[1] for line in log.read_text().splitlines() if line.endswith(" ok")}
            on_their_way += len(answered_then) - kept[-1]
        outcome = run(plan, place / "killed")
    lines = [line.split() for line in log.read_text().splitlines()]
    answered = Counter(body for _, body, result in lines if result == "ok")
    provenance = [json.loads(line)["row"] for line in (place / "killed" / "provenance.jsonl").open()]
    equal = all((place / "whole" / f).read_bytes() == (place / "killed" / f).read_bytes() for f in files)
    again = sum(n - 1 for n in answered.values())
    return {
        "killed": killed, "answers": sum(answered.values()), "asked_again": again,
        "on_their_way_at_a_kill": on_their_way, "asked_again_though_kept": again - on_their_way,
        "resumed_from_cache": outcome.cached, "rows_in_order_once": provenance == list(range(1500)),
        "bytes_equal": equal,
    }  # fmt: skip


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def embedded(place: Path) -> dict[str, Any]:
    """Tokens per CPU second and per second: the bare engine, then the same requests through a plan."""
    import asyncio

    from locum.text.engine.embedded import EmbeddedTransport

    spec = ModelSpec("smollm2-135m", temperature=0.8)
    prompt = "Write a short review of a small cafe."

    async def bare() -> int:
        transport, total = EmbeddedTransport(spec), 0
        for seed in range(25):
            body = {"messages": [{"role": "user", "content": prompt}], "max_tokens": 60, "temperature": 0.8}
            reply = transport._handle("chat", {**body, "seed": seed, "cache_prompt": False})
            total += reply["usage"]["completion_tokens"]
        await transport.close()
        return total

    def timed(work: Any) -> dict[str, float]:
        wall, cpu = time.perf_counter(), time.process_time()
        tokens = work()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        return {
            "tokens": tokens,
            "tokens_per_s": round(tokens / wall, 1),
            "per_cpu_s": round(tokens / cpu, 1),
        }

    def planned() -> int:
        plan = Plan(
            (Text("t", prompt, max_tokens=60),), rows=25, models={"m": spec}, dedup=Dedup(minhash=0.9)
        )
        out = place / "embedded"
        run(plan, out)
        return sum(json.loads(line)["out"] for line in _replies(out / "requests.sqlite"))

    raw, through = timed(lambda: asyncio.run(bare())), timed(planned)
    return {"bare": raw, "plan": through, "share": round(through["per_cpu_s"] / raw["per_cpu_s"], 3)}


def _replies(path: Path) -> list[bytes]:
    import sqlite3

    database = sqlite3.connect(path)
    found = [row[0] for row in database.execute("SELECT reply FROM answers")]
    database.close()
    return found


PARTS = {"throughput": throughput, "slow": slow, "rows": rows, "kills": kills, "embedded": embedded}


def main() -> None:
    """Run the parts that were named; all of them by default."""
    if sys.argv[1:2] == ["_child"]:
        child(*sys.argv[2:4])
        return
    for name in sys.argv[1:] or PARTS:
        load = round(os.getloadavg()[0], 1)
        with tempfile.TemporaryDirectory(prefix="locum-bench-") as place:
            found = {name: {**PARTS[name](Path(place)), "load_before": load}}
        print(json.dumps(found), flush=True)
        keep(RESULTS, found)


def keep(path: Path, found: dict[str, Any]) -> None:
    """Add results to a file of results."""
    path.parent.mkdir(exist_ok=True)
    before = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps({**before, **found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
