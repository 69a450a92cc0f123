"""What a newcomer downloads and waits for: ``python -m benchmarks.install_size``.

Resolves locum's base requirements as pip would on a fresh machine, downloads them into a folder that is
thrown away, and adds up the files; then takes the median CPU time of ``import locum`` in new processes. The
bounds are 160 MB and 0.3 s.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TIMES = 7
IMPORTS = ("", "import locum", "import locum; locum.fit", "import numpy, pyarrow")


def requirements() -> list[str]:
    """The base requirements of ``pyproject.toml``."""
    return list(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"])


def resolved() -> list[str]:
    """The whole base set as ``name==version``, as pip resolves it with the project's constraints."""
    with tempfile.TemporaryDirectory() as place:
        report = Path(place) / "report.json"
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed"]
        command += ["-c", str(ROOT / "constraints.txt"), "--report", str(report), *requirements()]
        subprocess.run(command, check=True)
        found = json.loads(report.read_text())["install"]
    return sorted(f"{entry['metadata']['name']}=={entry['metadata']['version']}" for entry in found)


def downloaded(pins: list[str]) -> dict[str, int]:
    """Bytes of each file that pip downloads for these pins."""
    with tempfile.TemporaryDirectory() as place:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", place, *pins]
        subprocess.run(command, check=True)
        return {path.name: path.stat().st_size for path in Path(place).iterdir()}


def import_cpu_s(code: str) -> float:
    """Median CPU seconds of a new Python that runs `code`, its start included."""
    taken = []
    for _ in range(TIMES):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", code], check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        taken.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return statistics.median(taken)


def main() -> None:
    """Print sizes, largest first, and import times."""
    sizes = downloaded(resolved())
    for name, size in sorted(sizes.items(), key=lambda item: -item[1])[:10]:
        print(f"{size / 1e6:8.1f} MB  {name.split('-')[0]}")
    print(f"{sum(sizes.values()) / 1e6:8.1f} MB  in all, {len(sizes)} packages")
    start = import_cpu_s("")
    for code in IMPORTS[1:]:
        print(
            f"{import_cpu_s(code) - start:8.3f} CPU-s  {code} (beyond the {start:.3f} s of an empty Python)"
        )


if __name__ == "__main__":
    main()
