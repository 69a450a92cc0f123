"""``locum plant``: unusual rows into a table, to be looked for among the synthetic ones."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from locum.cli import options
from locum.cli.options import option


def plant(
    data: options.NeededData,
    out: Annotated[Path, option("--out", "Copy with canaries, e.g. .csv.", "FILE")],
    keys: Annotated[
        Path, option("--keys", "File that tells them; keep it from the generator.", "FILE", show_default=True)
    ] = Path("canaries.parquet"),
    planted: Annotated[int, option("--planted", "How many, on average.", "N", show_default=True)] = 100,
    copies: Annotated[int, option("--copies", "How often each goes in.", "N", show_default=True)] = 1,
    seed: Annotated[int | None, option("--seed", "Of rows and coin. Default: a secret one.", "S")] = None,
    force: options.Force = False,
    as_json: options.Json = False,
) -> None:
    """Plant unusual rows before a generator learns; `locum evaluate --canaries` looks for them.

    What is made from the copy is for the test only.
    """
    from locum.cli.console import emit, say
    from locum.runs.plant import plant as work

    made = work(data, out, keys, planted=planted, copies=copies, seed=seed, force=force)
    if as_json:
        emit(
            {
                "command": "plant",
                "out": str(out),
                "keys": str(keys),
                "planted": made.planted,
                "spared": made.spared,
                "copies": copies,
                "rows": made.rows,
            }
        )
        return
    say(f"Planted {made.planted} canaries ({copies} each) in {out}; their key is {keys}.")
    say(f"Next: make rows from {out}, then locum evaluate --real {out} ... --canaries {keys}")
