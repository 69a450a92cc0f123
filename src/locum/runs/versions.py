"""What a run was made with and when: versions and platform, without names of people, machines or places."""

from __future__ import annotations

import hashlib
import os
import platform
import time
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from locum.files.atomic import file_sha256
from locum.version import VERSION

#: What locum needs, in the order shown.
REQUIRED = (
    "locum",
    "numpy",
    "scipy",
    "pyarrow",
    "narwhals",
    "lightgbm",
    "pydantic",
    "safetensors",
    "jinja2",
    "faker",
    "typer",
    "rich",
)
#: What locum can use when it is there.
EXTRAS = ("pandas", "polars", "duckdb", "h11", "jsonschema", "xllamacpp", "openpyxl", "sqlglot")


def versions(names: Sequence[str] = REQUIRED) -> dict[str, str]:
    """Installed version by name; names that are not installed are left out. Imports none of them."""
    found = {}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def build() -> dict[str, Any]:
    """The code that is running: version, number of files, and one hash over names and content of all of them.

    Two installations of the same release have the same hash; a changed file gives another.
    """
    root = Path(__file__).parents[1]
    found = hashlib.sha256()
    files = sorted(
        (p.relative_to(root).as_posix(), p)
        for p in root.rglob("*")
        if p.is_file() and "__pycache__" not in p.parts and p.suffix != ".pyc"
    )
    for name, path in files:
        found.update(f"{name}\0{file_sha256(path)}\n".encode())
    return {"version": VERSION, "sha256": found.hexdigest(), "files": len(files)}


def environment_text(found: Mapping[str, str]) -> str:
    """The content of ``environment.txt``.

    Parameters
    ----------
    found
        Version by package name.
    """
    facts = {
        "python": f"{platform.python_version()} ({platform.python_implementation()})",
        "system": f"{platform.system()} {platform.machine()}".strip() or "unknown",
        "cores": str(os.cpu_count() or "unknown"),
        **{name: found[name] for name in sorted(found)},
    }
    width = max(map(len, facts))
    return "".join(f"{name:<{width}}  {value}\n" for name, value in facts.items())


def now() -> str:
    """The time in ISO 8601, UTC; ``SOURCE_DATE_EPOCH`` wins, for files that can be compared."""
    fixed = os.environ.get("SOURCE_DATE_EPOCH", "")
    seconds = int(fixed) if fixed.isdigit() else int(time.time())
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
