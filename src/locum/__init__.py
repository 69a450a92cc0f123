"""locum: synthetic stand-ins for data, with the evidence of how far they can be trusted.

``import locum`` loads nothing else; each public name is fetched from `locum.api` when it is first used. What
type checkers and editors see is in ``__init__.pyi``.
"""

from __future__ import annotations

__version__ = "0.1.0"

__all__ = [
    "Evaluation",
    "LocumError",
    "Outcome",
    "Schema",
    "Synthesizer",
    "__version__",
    "collapse",
    "compare",
    "detect",
    "evaluate",
    "fair",
    "fit",
    "impute",
    "load",
    "mix",
    "plant",
    "propose_rules",
    "run",
    "sample",
    "subgroups",
    "tournament",
]


def __getattr__(name: str) -> object:
    if name in __all__:
        import importlib

        return getattr(importlib.import_module("locum.api"), name)
    raise AttributeError(f"module 'locum' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
