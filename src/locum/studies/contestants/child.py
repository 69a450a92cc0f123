"""What the child process of a built-in generator does: learn, draw, write.

Called as ``python -m locum.studies.contestants.child JOB.json``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def work(job: dict[str, Any]) -> None:
    """Fit the generator of a job on its Parquet file and write as many rows to another."""
    import pyarrow.parquet as pq

    from locum.schema.json import schema_from_json
    from locum.synthesizer.table import Synthesizer

    table, schema = pq.read_table(job["train"]), schema_from_json(job["schema"])
    made = Synthesizer(job["name"], seed=job["seed"], **job["settings"]).fit_table(table, schema)
    pq.write_table(made.draw(job["rows"], seed=job["seed"]).table, job["out"])


def main() -> int:
    """Do the job named on the command line; a refusal is told in one line."""
    from locum.errors import LocumError

    try:
        work(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    except LocumError as error:
        sys.stderr.write(f"{error.message}\n")
        return 1
    except MemoryError:
        sys.stderr.write("memory ran out\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
