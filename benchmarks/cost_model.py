"""Predicted against measured cost of whole runs: the basis of the coefficients in ``pipeline/estimate.py``.

    python -m benchmarks.cost_model [DATA ...] [--rows N]

Each table is run in a process of its own. Without DATA: the demo table, and made-up tables of several shapes.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

#: Rows, numeric columns, label columns of made-up tables.
SHAPES = ((500, 5, 5), (10_000, 20, 0), (10_000, 5, 45), (100_000, 8, 7), (1_000, 100, 100))

ONE = """
import json, sys, time
from pathlib import Path
from locum.runs.request import RunRequest
from locum.runs.prepare import prepare
from locum.runs.execute import execute
from locum.runs.machine import peak_memory
start = time.process_time()
prepared = prepare(RunRequest(data=Path(sys.argv[1]), out=Path(sys.argv[2]), rows=int(sys.argv[3]) or None))
ready = time.process_time()
outcome = execute(prepared)
records = [json.loads(line) for line in (Path(sys.argv[2]) / "run.jsonl").read_text().splitlines()]
took = {r["stage"]: r["cpu_s"] for r in records if r["event"] == "finished"}
estimate = prepared.decision.estimate
print(json.dumps({
    "predicted": {**estimate.cpu_s, "total": estimate.total_cpu_s, "MB": estimate.memory_bytes / 1e6},
    "measured": {"read": ready - start, **took, "total": time.process_time(), "MB": peak_memory() / 1e6},
    "speed": prepared.machine.speed,
}))
"""


def made_up(n_rows: int, numeric: int, labels: int, path: Path) -> Path:
    """A table of correlated numbers and labels."""
    rng = np.random.default_rng(1)
    hidden = rng.normal(size=(n_rows, 3))
    columns, names = [], []
    for i in range(numeric):
        value = hidden @ rng.normal(size=3) + rng.normal(size=n_rows)
        columns.append(np.char.mod("%.2f", 100 * value if i % 2 else np.round(10 * value)))
        names.append(f"n{i}")
    for i in range(labels):
        level = np.digitize(
            hidden @ rng.normal(size=3) + rng.normal(size=n_rows), np.linspace(-3, 3, 2 + i % 14)
        )
        columns.append(np.char.add("level", level.astype(str)))
        names.append(f"c{i}")
    lines = [",".join(names), *(",".join(row) for row in zip(*columns, strict=True))]
    path.write_text("\n".join(lines) + "\n", encoding="ascii")
    return path


def measure(data: Path, rows: int, folder: Path) -> dict[str, dict[str, float]]:
    """Run one table in a new process."""
    argv = [sys.executable, "-c", ONE, str(data), str(folder), str(rows)]
    return json.loads(subprocess.run(argv, capture_output=True, text=True, check=True).stdout)


def main() -> int:
    """Print a line per table: measured, and predicted divided by measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", nargs="*", type=Path)
    parser.add_argument("--rows", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tables = options.data
        if not tables:
            from locum.data.demo import demo_path

            tables = [demo_path()]
            tables += [made_up(*s, folder / f"made{'x'.join(map(str, s))}.csv") for s in SHAPES]
        for i, data in enumerate(tables):
            found = measure(data, options.rows, folder / f"run{i}")
            p, m = found["predicted"], found["measured"]
            p["read"] += p["detect"]
            p["evaluate"] += p["report"]
            cells = [
                f"{k} {m[k]:.2f} (x{p[k] / m[k]:.2f})"
                for k in ("read", "fit", "sample", "evaluate", "total", "MB")
            ]
            print(f"{data.name} at speed {found['speed']:.2f}: " + ", ".join(cells), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
