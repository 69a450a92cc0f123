"""``locum plant``: unusual rows into a table, to be looked for among the synthetic ones."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from locum.cli import options
from locum.cli.options import option


def plant(
    data: options.NeededData,
    out: Annotated[Path, option("--out", help="Copy with canaries, e.g. .csv.", metavar="FILE")],
    keys: Annotated[
        Path,
        typer.Option("--keys", help="File that tells them; keep it from the generator.", metavar="FILE"),
    ] = Path("canaries.parquet"),
    planted: Annotated[int, typer.Option("--planted", help="How many, on average.", metavar="N")] = 100,
    copies: Annotated[int, typer.Option("--copies", help="How often each goes in.", metavar="N")] = 1,
    seed: Annotated[
        int | None, option("--seed", help="Of rows and coin. Default: a secret one.", metavar="S")
    ] = None,
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
