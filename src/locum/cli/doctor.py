"""``locum doctor``: what this machine and installation offer."""

from __future__ import annotations

from typing import Annotated

import typer

from locum.cli.options import Json, option


def doctor(
    endpoint: Annotated[
        str | None,
        option("--endpoint", help="Test a model endpoint instead: its address up to /v1.", metavar="URL"),
    ] = None,
    model: Annotated[str, option("--model", help="Model to ask.", metavar="NAME")] = "",
    key_env: Annotated[str, option("--key-env", help="Variable that holds the key.", metavar="VAR")] = "",
    as_json: Json = False,
) -> None:
    """Show versions, cores, memory, disk and extras; paste it into a bug report."""
    if endpoint is not None:
        _test_endpoint(endpoint, model, key_env, as_json=as_json)
        return
    from pathlib import Path

    from locum.cli import console
    from locum.runs import machine
    from locum.runs.versions import EXTRAS, REQUIRED, versions
    from locum.wording import size

    here = machine.Machine.here()
    disk = machine.disk_free(Path.cwd())
    required, extras = versions(REQUIRED), versions(EXTRAS)
    missing = sorted(name for name in REQUIRED if name not in required)
    if as_json:
        console.emit(
            {
                "command": "doctor", **machine.describe(), "cores": here.cores,
                "memory_bytes": here.memory_bytes, "disk_free_bytes": disk, "speed": round(here.speed, 2),
                "versions": required, "extras": extras, "missing": missing,
            }
        )  # fmt: skip
        return
    rows = [[name, value] for name, value in machine.describe().items()]
    rows += [
        ["cores", str(here.cores)],
        ["memory", f"{size(here.memory_bytes)} free for this process"],
        ["disk", f"{size(disk)} free here"],
        ["speed", f"{here.speed:.1f} x the machine of the cost model"],
        *([name, version] for name, version in required.items()),
        *([name, f"{version} (optional)"] for name, version in extras.items()),
        *([name, "MISSING: install locum again"] for name in missing),
    ]
    console.table(["what", "here"], rows)


def _test_endpoint(url: str, model: str, key_env: str, *, as_json: bool) -> None:
    """Ask the endpoint a few small questions; exit 1 when it cannot chat."""
    import asyncio

    from locum.cli import console
    from locum.text.engine.probe import probe

    found = asyncio.run(probe(url, model, key_env))
    works = any(name == "chat" and ok for name, ok, _ in found)
    if as_json:
        tests = [{"test": name, "ok": ok, "told": told} for name, ok, told in found]
        console.emit({"command": "doctor", "endpoint": url, "tests": tests, "ok": works})
    else:
        console.table(
            ["test", "result", ""], [[name, "ok" if ok else "no", told] for name, ok, told in found]
        )
    if not works:
        raise typer.Exit(1)
