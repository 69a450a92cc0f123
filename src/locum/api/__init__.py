"""The public functions of locum: six verbs and the names they need. ``import locum`` offers the same.

>>> import locum
>>> synth = locum.fit("visits.csv", seed=7)                       # doctest: +SKIP
>>> fake = locum.sample(synth, 10_000)                            # doctest: +SKIP
>>> print(locum.evaluate("visits.csv", fake))                     # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from locum.api.generators import fit, impute, load, sample
from locum.api.repair import fair
from locum.api.runs import run
from locum.api.schemas import detect, propose_rules
from locum.errors import LocumError
from locum.progress import Event
from locum.schema.table import Schema

if TYPE_CHECKING:
    from locum.runs.evaluate import Evaluation, evaluate
    from locum.runs.outcome import RunOutcome as Outcome
    from locum.runs.plant import plant
    from locum.studies.collapse.verb import collapse
    from locum.studies.compare.verb import compare
    from locum.studies.mix.verb import mix
    from locum.studies.subgroups.verb import subgroups
    from locum.studies.tournament.verb import tournament
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

#: What is public but heavy, or lies with its study; fetched when first asked for.
_LATE = {
    "collapse": "locum.studies.collapse.verb:collapse",
    "compare": "locum.studies.compare.verb:compare",
    "evaluate": "locum.runs.evaluate:evaluate",
    "mix": "locum.studies.mix.verb:mix",
    "plant": "locum.runs.plant:plant",
    "subgroups": "locum.studies.subgroups.verb:subgroups",
    "tournament": "locum.studies.tournament.verb:tournament",
    "Evaluation": "locum.runs.evaluate:Evaluation",
    "Outcome": "locum.runs.outcome:RunOutcome",
    "Synthesizer": "locum.synthesizer.table:Synthesizer",
}


def __getattr__(name: str) -> Any:
    if name in _LATE:
        import importlib

        module, _, attribute = _LATE[name].partition(":")
        return getattr(importlib.import_module(module), attribute)
    raise AttributeError(f"module 'locum.api' has no attribute {name!r}")
