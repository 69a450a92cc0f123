"""``report.json``: everything the page shows, and the numbers behind it, for programs."""

from __future__ import annotations

from typing import Any

from locum.evaluation.evidence import Evidence, RunContext
from locum.evaluation.result import plain

#: Raised by one whenever a field changes its meaning or disappears; new fields do not raise it.
SCHEMA_VERSION = 2


def to_json(evidence: Evidence, context: RunContext) -> dict[str, Any]:
    """The report as a dictionary that ``json.dumps(..., allow_nan=False)`` accepts.

    Returns
    -------
    dict
        ``schema_version``, ``generator``, ``internal`` (true: computed on real rows), ``context``,
        ``evidence`` (every field of `Evidence`) and ``verdicts`` (question -> verdict, for quick reading).
        Numbers are not rounded; those that are not finite become null. NumPy scalars become plain numbers.
    """
    lineage = None if context.lineage is None else context.lineage.to_json()
    return {
        "schema_version": SCHEMA_VERSION,
        "generator": "locum",
        "internal": True,
        "notice": "Computed on real rows. Do not share.",
        "verdicts": {a.question: a.verdict for a in evidence.answers},
        "context": {**plain(context), "lineage": lineage},
        "evidence": evidence.to_json(),
    }
