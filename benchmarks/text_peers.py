"""Data Designer and distilabel beside locum on the same local endpoint, at 64 requests at once.

    python -m benchmarks.environments datadesigner distilabel
    python -m benchmarks.text_peers [ROWS]

Two endpoints of 200 ms: one without a limit, one that refuses what is above 64 at once and 1 % of all. The
rows are whole commands, so start and end of each tool count: wall and CPU seconds of its process and its
children, and the slope between ROWS and a tenth of them as CPU per request without the start. Telemetry is
switched off, and what is tried beyond this machine meets a closed port. A peer that is not installed is
skipped by name. Results are kept in ``results/text_peers.json`` for `benchmarks.text_page`.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.environments import NotInstalled, python_of
from benchmarks.text_engine import endpoint, keep, plan_for
from locum.text import dump_plan

PEERS = Path(__file__).parent / "peers"
RESULTS = Path(__file__).parent / "results" / "text_peers.json"
SLOTS, LATENCY = 64, 0.2
TIME_OUT_S = 150
CASES = {"no limit": ("--limit", "0"), "64 at once, 1 % refused": ("--limit", "64", "--share-429", "0.01")}


def command(who: str, url: str, rows: int, place: Path) -> list[str]:
    """What makes the rows; raises NotInstalled."""
    if who == "locum":
        (place / "plan.toml").write_text(dump_plan(plan_for(url, rows, SLOTS)))
        return [
            sys.executable,
            "-m",
            "locum",
            "text",
            "run",
            str(place / "plan.toml"),
            "--out",
            str(place / "out"),
        ]
    return [python_of(who), str(PEERS / f"text_{who}.py"), url, str(rows), str(SLOTS)]


def measure(who: str, rows: int, options: tuple[str, ...]) -> dict[str, Any]:
    """One run of one tool."""
    with (
        tempfile.TemporaryDirectory(prefix="locum-bench-") as folder,
        endpoint("--latency", str(LATENCY), *options) as (url, counts),
    ):
        place = Path(folder)
        asked = command(who, url, rows, place)
        # The endpoint is a child too, but one that is waited for only after this.
        before, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        try:
            done = subprocess.run(
                asked, capture_output=True, text=True, timeout=TIME_OUT_S, check=False, cwd=place,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path) if who == "locum" else ""},
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return {"asked": rows, "error": f"more than {TIME_OUT_S} s"}
        wall = time.perf_counter() - wall
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        made = _made(who, done.stdout, place)
    found: dict[str, Any] = {
        "asked": rows, "rows": made, "wall_s": round(wall, 2),
        "cpu_s": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 2),
        "answered": counts.get("ok", 0), "refused": counts.get("429", 0), "peak": counts.get("peak", 0),
    }  # fmt: skip
    if done.returncode:
        found["error"] = (done.stderr.strip().splitlines() or [f"exit {done.returncode}"])[-1][:200]
    return found


def _made(who: str, said: str, place: Path) -> int:
    if who == "locum":
        data = place / "out" / "data.jsonl"
        return len(data.read_text("utf-8").splitlines()) if data.exists() else 0
    lines = [line for line in said.splitlines() if line.startswith("RESULT ")]
    return int(json.loads(lines[-1][7:])["rows"]) if lines else 0


def main() -> None:
    """Measure all of them, with ROWS rows (2,000)."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    found: dict[str, Any] = {"rows": rows, "load_before": round(os.getloadavg()[0], 1)}
    for who in ("locum", "datadesigner", "distilabel"):
        try:
            found[who] = {case: measure(who, rows, options) for case, options in CASES.items()}
            few = measure(who, rows // 10, CASES["no limit"])
        except NotInstalled as error:
            found[who] = {"skipped": str(error)}
            continue
        many = found[who]["no limit"]
        if "error" not in many and "error" not in few:
            slope = (many["cpu_s"] - few["cpu_s"]) / (rows - rows // 10)
            found[who]["cpu_ms_per_request"] = round(1000 * slope, 2)
        print(json.dumps({who: found[who]}), flush=True)
    keep(RESULTS, found)


if __name__ == "__main__":
    main()
