"""Cost of counting all pairs of 15 columns of 10 million rows, in memory and by DuckDB over a Parquet file.

``python -m benchmarks.sources FOLDER`` writes the rows into FOLDER (about 80 MB) and prints CPU-seconds and
memory. Each source runs in a process of its own, so that memory is its own.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from itertools import combinations
from pathlib import Path

import numpy as np

from locum.schema.domain import Attribute, Coded, Domain
from locum.sources.base import Source
from locum.sources.duckdb import DuckDBSource
from locum.sources.memory import MemorySource
from locum.sources.sql import Ready

ROWS = 10_000_000
#: As Adult's columns are in the AIM suite.
SIZES = (74, 9, 100, 16, 16, 7, 15, 6, 5, 2, 99, 85, 94, 42, 2)
DOMAIN = Domain(tuple(Attribute(f"c{i}", f"c{i}", s, False) for i, s in enumerate(SIZES)))


def column(i: int) -> np.ndarray:
    """Codes of one column, small ones more frequent; int32."""
    random = np.random.default_rng(i)
    return (random.random(ROWS) ** 2 * SIZES[i]).astype(np.int32)


def write(path: Path) -> None:
    """The rows as a Parquet file, a million at a time."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({f"c{i}": column(i) for i in range(len(SIZES))})
    pq.write_table(table, path, row_group_size=1_000_000)


def peak() -> float:
    """Highest memory of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(kind: str, path: Path) -> None:
    """Count all pairs with one source and print what it took."""
    start, before = time.process_time(), peak()
    source: Source
    if kind == "memory":
        codes = np.empty((ROWS, len(SIZES)), dtype=np.int32, order="F")
        for i in range(len(SIZES)):
            codes[:, i] = column(i)
        source = MemorySource(Coded(DOMAIN, codes))
        start, before = time.process_time(), peak()
    else:
        source = DuckDBSource(path, [Ready(a) for a in DOMAIN], memory=700)
    ready = time.process_time()
    tables = source.marginals(list(combinations(DOMAIN.names, 2)))
    done = time.process_time()
    assert all(int(t.sum()) == ROWS for t in tables)
    print(
        f"{kind}: {len(tables)} tables, load {ready - start:.1f} s, count {done - ready:.1f} s CPU, "
        f"memory {peak():.0f} MB, {peak() - before:.0f} MB of it for loading and counting"
    )


def main() -> None:
    """Measure each source in its own process."""
    folder = Path(sys.argv[1])
    rows = folder / "rows.parquet"
    if len(sys.argv) == 3:
        write(rows) if sys.argv[2] == "write" else measure(sys.argv[2], rows)
        return
    folder.mkdir(parents=True, exist_ok=True)
    # a process starts with its parent's peak of memory, so that this one must stay small
    for kind in ("write", "memory", "duckdb") if not rows.exists() else ("memory", "duckdb"):
        subprocess.run([sys.executable, "-m", "benchmarks.sources", str(folder), kind], check=True)


if __name__ == "__main__":
    main()
