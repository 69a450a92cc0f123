"""All metrics by name, in the order in which a report shows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from locum.evaluation.metrics.association import association
from locum.evaluation.metrics.fairness.data import parity
from locum.evaluation.metrics.fairness.models import model_parity
from locum.evaluation.metrics.fairness.quality import quality_parity
from locum.evaluation.metrics.inference.naive import inference
from locum.evaluation.metrics.marginals import pairs, triples
from locum.evaluation.metrics.missingness import missingness
from locum.evaluation.metrics.shapes import shapes
from locum.evaluation.metrics.simplejudge import logistic
from locum.evaluation.metrics.tails import tails
from locum.evaluation.metrics.twosample import c2st
from locum.evaluation.metrics.utility import utility
from locum.evaluation.result import Result
from locum.evaluation.trial import Trial

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
