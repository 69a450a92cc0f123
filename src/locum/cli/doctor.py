"""``locum doctor``: what this machine and installation offer."""

from __future__ import annotations

from pathlib import Path

import typer

from locum.cli import console


def doctor(endpoint: str | None = None, model: str = "", key_env: str = "", as_json: bool = False) -> None:
    """Show versions, cores, memory, disk and extras; paste it into a bug report."""
    if endpoint is not None:
        _test_endpoint(endpoint, model, key_env, as_json=as_json)
        return
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
                "command": "doctor",
                **machine.describe(),
                "cores": here.cores,
                "memory_bytes": here.memory_bytes,
                "disk_free_bytes": disk,
                "speed": round(here.speed, 2),
                "versions": required,
                "extras": extras,
                "missing": missing,
            }
        )
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
