"""Write the model files of the present format that every later version must read.

Run once per file format, after the format has settled, and commit what it writes::

    .venv/bin/python tests/golden/make_golden.py [NAME...]

Existing files are never replaced: they stand for what users have on their disks. The table is invented.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa

from locum.files.manifest import FORMAT
from locum.models import registry
from locum.schema.column import Bounds, Column
from locum.schema.table import Dependency, Schema
from locum.synthesizer.table import Synthesizer

HERE = Path(__file__).parent
ROWS = 90
#: The tree models get enough rows for a density ratio, and chains too weak to need none.
TREE_ROWS = 720
SETTINGS = {"tree": {"members": 2, "penalty": 40.0, "rounds": 12}}


def table(rows: int = ROWS) -> tuple[pa.Table, Schema]:
    """A small invented table with every family of columns."""
    rng = np.random.default_rng(2026)
    start = dt.datetime(2024, 1, 1)
    times = [start + dt.timedelta(hours=11 * i) for i in range(rows)]
    town = ["east", "west", None] * (rows // 3)
    data = {
        "town": pa.array(town),
        "coast": pa.array([None if t is None else t[0] for t in town]),
        "income": pa.array(np.round(rng.lognormal(9, 1, rows), 2), mask=rng.random(rows) < 0.2),
        "gain": pa.array(np.where(rng.random(rows) < 0.8, 0, rng.integers(1, 9999, rows))),
        "member": pa.array(rng.random(rows) < 0.3, mask=rng.random(rows) < 0.2),
        "since": pa.array([t.date() for t in times]),
        "seen": pa.array(times, pa.timestamp("us")),
        "took": pa.array([dt.timedelta(minutes=int(m)) for m in rng.integers(1, 90, rows)]),
        "key": pa.array([f"K-{i:05d}" for i in range(rows)]),
        "note": pa.array([f"invented words number {i}" for i in range(rows)]),
        "mail": pa.array([f"p{i}@example.org" for i in range(rows)]),
    }
    columns = (
        Column("town", "category", missing=("?",)),
        Column("coast", "category"),
        Column("income", "number", decimals=2, bounds=Bounds(0, 1e6, "declared")),
        Column("gain", "integer", nullable=False),
        Column("member", "boolean", format="no|yes"),
        Column("since", "date", nullable=False),
        Column("seen", "datetime", nullable=False),
        Column("took", "duration", nullable=False),
        Column("key", "id", nullable=False),
        Column("note", "text", nullable=False),
        Column("mail", "pii.email", nullable=False),
    )
    schema = Schema(columns, (Dependency("town", "coast"),), "member", ("town",), "golden")
    return pa.table(data), schema


def main() -> int:
    """Write what is missing; returns the number of files written."""
    written = 0
    for name in sys.argv[1:] or registry.BUILT_IN:
        path = HERE / f"format-{FORMAT}-{name}.locum"
        if path.exists():
            continue
        data, schema = table(TREE_ROWS if name.startswith("tree") else ROWS)
        synthesizer = Synthesizer(name, seed=7, **SETTINGS.get(name, {})).fit_table(data, schema)
        synthesizer.save(path)
        expected = {
            "name": name,
            "rows": data.num_rows,
            "columns": list(schema.names),
            "sizes": list(synthesizer.encoder.domain.sizes),
            "log_prob": np.round(synthesizer.log_prob_table(data)[:10], 9).tolist(),
        }
        path.with_suffix(".json").write_text(json.dumps(expected, indent=1) + "\n", encoding="utf-8")
        sys.stdout.write(f"{path.name}: {path.stat().st_size:,} bytes\n")
        written += 1
    return written


if __name__ == "__main__":
    main()
