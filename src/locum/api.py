"""The public names of locum and where each is defined; ``import locum`` fetches one when it is first used.

>>> import locum
>>> synth = locum.fit("visits.csv", seed=7)                       # doctest: +SKIP
>>> fake = locum.sample(synth, 10_000)                            # doctest: +SKIP
>>> print(locum.evaluate("visits.csv", fake))                     # doctest: +SKIP
"""

from __future__ import annotations

#: Public name -> module and the name in it.
NAMES = {
    "Evaluation": "locum.runs.evaluate:Evaluation",
    "LocumError": "locum.errors:LocumError",
    "Outcome": "locum.runs.outcome:RunOutcome",
    "Schema": "locum.schema.table:Schema",
    "Synthesizer": "locum.synthesizer.table:Synthesizer",
    "collapse": "locum.studies.collapse.collapse:collapse",
    "combine": "locum.evaluation.metrics.inference.combine:combine",
    "compare": "locum.studies.compare.compare:compare",
    "detect": "locum.runs.init:detect",
    "evaluate": "locum.runs.evaluate:evaluate",
    "fair": "locum.studies.fair.fair:fair",
    "fit": "locum.runs.fit:fit",
    "impute": "locum.runs.impute:impute",
    "load": "locum.runs.sample:load",
    "mix": "locum.studies.mix.mix:mix",
    "plant": "locum.runs.plant:plant",
    "propose_rules": "locum.runs.init:propose_rules",
    "run": "locum.runs.execute:run",
    "sample": "locum.runs.sample:sample",
    "scarce": "locum.studies.scarce.scarce:scarce",
    "subgroups": "locum.studies.subgroups.subgroups:subgroups",
    "tournament": "locum.studies.tournament.tournament:tournament",
}


def fetch(place: str):  # type: ignore[no-untyped-def]  # `typing` alone would cost more than the whole import
    """What stands at ``module:name``; only now its module is loaded."""
    import importlib

    module, _, name = place.partition(":")
    return getattr(importlib.import_module(module), name)
