"""Versions of everything that decides the bytes of a run."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import metadata

#: What locum needs, in the order shown.
REQUIRED = (
    "locum", "numpy", "scipy", "pyarrow", "narwhals", "lightgbm", "pydantic", "safetensors", "jinja2",
    "faker", "typer", "rich",
)  # fmt: skip
#: What locum can use when it is there.
EXTRAS = ("pandas", "polars", "duckdb", "h11", "jsonschema", "xllamacpp")


def versions(names: Sequence[str] = REQUIRED) -> dict[str, str]:
    """Installed version by name; names that are not installed are left out. Imports none of them."""
    found = {}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
