"""``locum doctor``: what this machine and installation offer."""

from __future__ import annotations

from locum.cli.options import Json


def doctor(as_json: Json = False) -> None:
    """Show versions, cores, memory, disk and extras; paste it into a bug report."""
    from pathlib import Path

    from locum.cli import console
    from locum.pipeline import machine
    from locum.pipeline.versions import EXTRAS, REQUIRED, versions
    from locum.pipeline.words import size

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
