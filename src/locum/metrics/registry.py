"""All metrics by name, in the order in which a report shows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from locum.evidence.result import Result
from locum.evidence.trial import Trial
from locum.metrics.association import association
from locum.metrics.fairness.data import parity
from locum.metrics.fairness.models import model_parity
from locum.metrics.fairness.quality import quality_parity
from locum.metrics.inference.naive import inference
from locum.metrics.marginals import pairs, triples
from locum.metrics.missingness import missingness
from locum.metrics.shapes import shapes
from locum.metrics.simplejudge import logistic
from locum.metrics.tails import tails
from locum.metrics.twosample import c2st
from locum.metrics.utility import utility

Metric = Callable[[Trial], list[Result]]

#: Every metric; each returns an empty list where it has nothing to compare.
METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        "shapes": shapes,
        "pairs": pairs,
        "triples": triples,
        "association": association,
        "tails": tails,
        "missingness": missingness,
        "c2st": c2st,
        "logistic": logistic,
        "utility": utility,
        "inference": inference,
        "parity": parity,
        "model parity": model_parity,
        "quality parity": quality_parity,
    }
)
