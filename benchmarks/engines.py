"""Memory and time of a private fit, rows in memory or in their file: ``python -m benchmarks.engines FOLDER``.

Writes mixed tables (15 columns: numbers, labels, dates) as CSV and Parquet into FOLDER, and fits MST to each
with each engine, every fit in a process of its own. Last columns: bytes of memory beyond the program's own
for each byte of the file, from which `locum.runs.private_rows.HELD` was taken.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

BLOCK = 500_000


def block(rows: int, seed: int) -> object:
    """A mixed table of 15 columns."""
    import pyarrow as pa

    rng = np.random.default_rng(seed)
    base = rng.integers(0, 6, rows)
    labels = [f"level {chr(97 + i)}" for i in range(12)]
    columns: dict[str, object] = {}
    for i in range(6):
        columns[f"label{i}"] = np.array(labels)[(base + rng.integers(0, 2 + i, rows)) % 12]
    for i in range(4):
        columns[f"count{i}"] = base * 7 + rng.integers(0, 20 * (i + 1), rows)
    for i in range(3):
        columns[f"amount{i}"] = np.round(np.exp(rng.normal(5 + base / 3, 1, rows)), 2)
    days = rng.integers(15_000, 20_000, rows).astype("datetime64[D]")
    columns["since"] = days.astype(str)
    columns["yes"] = np.where(base + rng.integers(0, 4, rows) > 4, "yes", "no")
    return pa.table({name: pa.array(values) for name, values in columns.items()})


def write(folder: Path, rows: int) -> list[Path]:
    """The table as CSV and as Parquet."""
    import pyarrow.csv as pa_csv
    import pyarrow.parquet as pq

    paths = [folder / f"mixed{rows}.csv", folder / f"mixed{rows}.parquet"]
    if all(p.exists() for p in paths):
        return paths
    first = block(1, 0).schema  # type: ignore[attr-defined]
    with pa_csv.CSVWriter(paths[0], first) as text, pq.ParquetWriter(paths[1], first) as typed:
        for start in range(0, rows, BLOCK):
            part = block(min(BLOCK, rows - start), start)
            text.write_table(part)
            typed.write_table(part)
    return paths


def measure(path: Path, engine: str) -> None:
    """One fit; prints what it took."""
    from locum.data.private_table import open_private
    from locum.privacy.budget import Budget
    from locum.privacy.ledger import Ledger
    from locum.runs.private_rows import choose_engine, open_rows
    from locum.synthesizer.private import fit_private

    start = time.process_time()
    names = block(1, 0).column_names  # type: ignore[attr-defined]
    rows = open_rows(open_private(path, names), choose_engine(path, engine))
    opened = time.process_time() - start
    ledger = Ledger.memory(Budget.approx(1.0, 1e-9), reserve=0.1)
    fit_private(rows, ledger, synthesizer="mst")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    size = path.stat().st_size
    print(
        f"{path.name:22} {engine:7} {size / 1e6:8.0f} MB  open {opened:6.1f} s  in all "
        f"{time.process_time() - start:6.1f} CPU-s  peak {peak / 1e6:7.0f} MB  "
        f"x{max(0.0, peak - 2.5e8) / size:.1f}",
        flush=True,
    )


def main(argv: list[str]) -> None:
    """All fits of all sizes."""
    if len(argv) == 3:
        measure(Path(argv[1]), argv[2])
        return
    folder = Path(argv[1])
    for rows in (200_000, 1_000_000):
        for path in write(folder, rows):
            for engine in ("memory", "duckdb"):
                subprocess.run([sys.executable, "-m", "benchmarks.engines", str(path), engine], check=True)


if __name__ == "__main__":
    main(sys.argv)
