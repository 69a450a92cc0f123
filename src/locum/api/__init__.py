"""The public functions of locum: six verbs and the names they need. ``import locum`` offers the same.

>>> import locum
>>> synth = locum.fit("visits.csv", seed=7)                       # doctest: +SKIP
>>> fake = locum.sample(synth, 10_000)                            # doctest: +SKIP
>>> print(locum.evaluate("visits.csv", fake))                     # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from locum.api.contests import compare, tournament
from locum.api.futures import collapse, mix
from locum.api.generators import fit, impute, load, sample
from locum.api.judgement import evaluate, plant, subgroups
from locum.api.repair import fair
from locum.api.runs import run
from locum.api.schemas import detect, propose_rules
from locum.errors import LocumError
from locum.progress import Event
from locum.schema.table import Schema

if TYPE_CHECKING:
    from locum.runs.evaluate import Evaluation
    from locum.runs.outcome import Outcome
    from locum.synthesizer.table import Synthesizer

__all__ = [
    "Evaluation",
    "Event",
    "LocumError",
    "Outcome",
    "Schema",
    "Synthesizer",
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

#: Classes that are public but heavy; fetched when first asked for.
_LATE = {
    "Evaluation": "locum.runs.evaluate",
    "Outcome": "locum.runs.outcome",
    "Synthesizer": "locum.synthesizer.table",
}


def __getattr__(name: str) -> Any:
    if name in _LATE:
        import importlib

        return getattr(importlib.import_module(_LATE[name]), name)
    raise AttributeError(f"module 'locum.api' has no attribute {name!r}")
