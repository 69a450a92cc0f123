"""locum: synthetic stand-ins for data, with the evidence of how far they can be trusted.

``import locum`` loads nothing else; each public name is fetched from `locum.api` when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from locum.version import VERSION as __version__

__all__ = [
    "Evaluation",
    "LocumError",
    "Outcome",
    "Schema",
    "Synthesizer",
    "__version__",
    "detect",
    "evaluate",
    "fit",
    "load",
    "run",
    "sample",
]

if TYPE_CHECKING:
    from locum.api import (
        Evaluation,
        LocumError,
        Outcome,
        Schema,
        Synthesizer,
        detect,
        evaluate,
        fit,
        load,
        run,
        sample,
    )


def __getattr__(name: str) -> Any:
    if name in __all__:
        import importlib

        return getattr(importlib.import_module("locum.api"), name)
    raise AttributeError(f"module 'locum' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
