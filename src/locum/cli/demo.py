"""``locum demo``: the whole story on a bundled table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from locum.cli import options
from locum.cli.options import option


def demo(
    out: Annotated[Path, option("--out", "Run folder.", "DIR", show_default=True)] = Path("locum-demo"),
    as_json: options.Json = False,
) -> None:
    """Run everything on a small bundled table; needs no data and no network."""
    from locum.cli.console import say
    from locum.cli.progress import Display
    from locum.cli.show import show_outcome
    from locum.data.demo import demo_info, demo_path
    from locum.runs.execute import execute
    from locum.runs.plan import Request
    from locum.runs.prepare import prepare

    info = demo_info()
    if not as_json:
        say(f"The demo table: {info.title}. {info.sentence}")
    with Display() as display:
        prepared = prepare(
            Request(data=demo_path(), out=out, target=info.target, protected=info.protected), display
        )
        display.announce(prepared)
        outcome = execute(prepared, display)
    show_outcome(outcome, as_json=as_json, command="demo")
    if not as_json:
        say("Next: locum run YOUR_TABLE.csv --target COLUMN", "bold")
