"""Whether synthetic texts have attributes in the shares of real ones: kinds, lengths, topics, styles."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from locum.arrays import FloatArray
from locum.evaluation.registry import result_of
from locum.evaluation.result import Result
from locum.evaluation.text.spread import jackknife, place
from locum.randomness import stream

#: Values of an attribute: of each part (train, holdout, synthetic) one value a text.
Values = Mapping[str, Sequence[str]]


def shares(values: Sequence[str], levels: Sequence[str]) -> FloatArray:
    """Share of each level; shape (levels,)."""
    counts = Counter(values)
    return np.array([counts[v] for v in levels], dtype=np.float64) / max(1, len(values))


def distance(a: Sequence[str], b: Sequence[str]) -> float:
    """Total variation distance of the shares of two lists of values, 0 to 1."""
    levels = sorted({*a, *b})
    return float(np.abs(shares(a, levels) - shares(b, levels)).sum() / 2)


def entropy(values: Sequence[str]) -> float:
    """Entropy of the shares in bits; 0 for a single value."""
    p = shares(values, sorted(set(values)))
    return float(-(p * np.log2(p)).sum()) if len(p) else math.nan


def attributes(found: Mapping[str, Values], seed: int = 0) -> list[Result]:
    """Total variation distance of each attribute from the real shares, ``text.attribute.<name>``.

    All parts are thinned at random to the same number of texts, on which the distance depends. The reference
    is the hold-out, the floor texts with each value that the train texts have equally often. Interval by the
    jackknife over both sides. ``detail`` holds entropies in bits and the values that are missing. Verdict as
    for all measures, but good in any case where the distance is not above twice the hold-out's: with few
    texts and few values both are chance.
    """
    return [r for name, values in found.items() for r in _attribute(name, values, seed)]


def _attribute(name: str, values: Values, seed: int) -> list[Result]:
    parts = {p: list(v) for p, v in values.items() if len(v)}
    if "train" not in parts or "synthetic" not in parts:
        return []
    n = min(len(v) for v in parts.values())
    thin = {
        p: [v[i] for i in stream(seed, "text", "attribute", p).permutation(len(v))[:n]]
        for p, v in parts.items()
    }
    real = thin["train"]
    levels = sorted(set(real))
    even = [levels[i % len(levels)] for i in range(n)]

    def measure(part: Sequence[str], rows: npt.NDArray[np.intp]) -> float:
        return distance([part[i] for i in rows], [real[i] for i in rows])

    value = distance(thin["synthetic"], real)
    half, _ = jackknife(lambda rows: measure(thin["synthetic"], rows), n)
    floor = distance(even, real)
    reference = distance(thin["holdout"], real) if "holdout" in thin else None
    verdict = "unclear"
    if reference is not None:
        good = value <= 2 * reference or value - half <= reference
        verdict = "good" if good else place(value, half, reference, max(floor, 2 * reference))
    missing = [v for v in levels if v not in set(thin["synthetic"])]
    said = "unknown" if reference is None else f"{100 * reference:.0f}"
    return [
        result_of(
            f"text.attribute.{name}",
            value,
            f"{100 * value:.0f} of 100 texts would have to change their {name} to have the shares of "
            f"the real texts; of hold-out texts {said}. Entropy {entropy(thin['synthetic']):.2f} bits, real "
            f"{entropy(real):.2f}.",
            words={"name": name},
            low=max(0.0, value - half),
            high=min(1.0, value + half),
            reference=reference,
            floor=floor,
            verdict=verdict,
            detail={
                "texts": n,
                "entropy": entropy(thin["synthetic"]),
                "entropy_real": entropy(real),
                "missing_values": len(missing),
                "values": len(levels),
            },
        )
    ]


def plan_agreement(name: str, values: Sequence[str], plan: Mapping[str, float]) -> Result | None:
    """``text.plan.<name>``: whether a column of made rows has the shares that its plan asks for.

    Real texts are not read. Value: entropy over that of the plan, 1 when every value comes as often as asked;
    the chi-square test of the shares against the plan decides: poor below p = 0.001 when the total variation
    distance is above 0.1, fair below p = 0.001 otherwise. Values outside the plan count as one more cell.
    None when the plan has one value only, or there are no rows.
    """
    from scipy.stats import chi2

    total = sum(plan.values())
    levels = [v for v, w in plan.items() if w > 0]
    if len(levels) < 2 or not values:
        return None
    p = np.array([plan[v] / total for v in levels])
    q = shares(values, levels)
    # counted, for the sum of shares is 1 only but for rounding
    outside = sum(v not in set(levels) for v in values) / len(values)
    statistic = len(values) * float(((q - p) ** 2 / p).sum())
    chance = 0.0 if outside > 0 else float(chi2.sf(statistic, len(levels) - 1))
    apart = float(np.abs(q - p).sum() + outside) / 2
    asked = float(-(p * np.log2(p)).sum())
    verdict = "good" if chance >= 0.001 else "middling" if apart <= 0.1 else "poor"
    value = entropy(values) / asked
    return result_of(
        f"text.plan.{name}",
        value,
        f"The rows spread over the planned values of {name} with {value:.2f} of the planned "
        f"entropy; {100 * apart:.0f} of 100 rows would have to change (chance of as much by luck: "
        f"{chance:.2g}).",
        words={"name": name},
        reference=1.0,
        floor=0.0,
        verdict=verdict,
        reads_private=False,
        detail={
            "rows": len(values),
            "p": chance,
            "tv": apart,
            "outside": outside,
            "missing_values": int((q == 0).sum()),
        },
    )
