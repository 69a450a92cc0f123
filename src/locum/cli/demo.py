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
    from locum.cli.run import run_and_show
    from locum.data.demo import demo_info, demo_path
    from locum.runs.request import RunRequest

    info = demo_info()
    if not as_json:
        say(f"The demo table: {info.title}. {info.sentence}")
    request = RunRequest(data=demo_path(), out=out, target=info.target, protected=info.protected)
    run_and_show(request, command="demo", as_json=as_json)
    if not as_json:
        say("Next: locum run YOUR_TABLE.csv --target COLUMN", "bold")
