"""``report.json``: everything the page shows, and the numbers behind it, for programs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Set
from numbers import Integral, Real
from typing import Any

from locum.evaluation.evidence import Evidence, RunContext

#: Raised by one whenever a field changes its meaning or disappears; new fields do not raise it.
SCHEMA_VERSION = 1


def to_json(evidence: Evidence, context: RunContext) -> dict[str, Any]:
    """The report as a dictionary that ``json.dumps(..., allow_nan=False)`` accepts.

    Returns
    -------
    dict
        ``schema_version``, ``generator``, ``internal`` (true: computed on real rows), ``context``,
        ``evidence`` (every field of `Evidence`) and ``verdicts`` (question -> verdict, for quick reading).
        Numbers are not rounded; those that are not finite become null. NumPy scalars become plain numbers.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "generator": "locum",
        "internal": True,
        "notice": "Computed on real rows. Do not share.",
        "verdicts": {a.question: a.verdict for a in evidence.answers},
        "context": clean({name: getattr(context, name) for name in context.__dataclass_fields__}),
        "evidence": clean(evidence.to_json()),
    }


def clean(value: Any) -> Any:
    """Value made of JSON types only; sets are sorted by their text so that the output is stable."""
    if value is None or isinstance(value, bool | str):
        return value
    if hasattr(value, "__dataclass_fields__"):
        return {name: clean(getattr(value, name)) for name in value.__dataclass_fields__}
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        plain = float(value)
        return plain if math.isfinite(plain) else None
    if isinstance(value, Mapping):
        return {str(k): clean(v) for k, v in value.items()}
    if isinstance(value, Set):
        return sorted((clean(v) for v in value), key=str)
    if isinstance(value, list | tuple):
        return [clean(v) for v in value]
    if hasattr(value, "tolist"):  # NumPy arrays and booleans, without importing NumPy here
        return clean(value.tolist())
    return str(value)
