"""How strongly columns go together: normalised mutual information, real against synthetic."""

from __future__ import annotations

import numpy as np

from locum.arrays import FloatArray
from locum.evaluation.registry import result_of
from locum.evaluation.result import Result
from locum.evaluation.thresholds import root_factor
from locum.evaluation.trial import PARTS, Trial


def association(trial: Trial) -> list[Result]:
    """Mean difference in the strength of association over pairs, ``association``, in points of NMI (0 to 1).

    Pairs are weighted by the larger of the two strengths, so that a lost association and an invented one
    count alike and the many unrelated pairs do not water the mean down. The reference compares hold-out with
    train, scaled by the root of 1/n + 1/m to a table as long as the synthetic one; the floor is train with
    every column shuffled.
    """
    scan = trial.pairs
    if not scan.pairs:
        return []
    value = weighted_difference(scan.nmi["train"], scan.nmi["synthetic"])
    floor = weighted_difference(scan.nmi["train"], scan.nmi["independent"])
    scale = root_factor(*(len(trial.grid.parts[p]) for p in PARTS))
    reference = None
    if scale is not None:
        reference = scale * weighted_difference(scan.nmi["learning"], scan.nmi["test"])
    gap = scan.nmi["synthetic"] - scan.nmi["train"]
    order = np.argsort(-np.abs(gap), kind="stable")[:10]
    name = [(trial.columns[a].name, trial.columns[b].name) for a, b in scan.pairs]
    versus = "" if reference is None else f", {trial.fresh_rows}: {reference:.3f}"
    first = name[order[0]]
    move = "weaker" if gap[order[0]] < 0 else "stronger"
    return [
        result_of(
            "association",
            value,
            f"The strength of association between two columns differs by {value:.3f} on a scale from 0 "
            f"to 1 (shuffled columns: {floor:.3f}{versus}); the most changed pair, {first[0]!r} and "
            f"{first[1]!r}, is {move} by {abs(gap[order[0]]):.3f}.",
            reference=reference,
            floor=floor,
            detail={
                "worst": [
                    {
                        "a": name[i][0],
                        "b": name[i][1],
                        "real": float(scan.nmi["train"][i]),
                        "synthetic": float(scan.nmi["synthetic"][i]),
                    }
                    for i in order
                ]
            },
        )
    ]


def weighted_difference(a: FloatArray, b: FloatArray) -> float:
    """Mean of |a - b| weighted by max(a, b); 0 when all are 0."""
    weight = np.maximum(a, b)
    total = float(weight.sum())
    return float((weight * np.abs(a - b)).sum() / total) if total > 0 else 0.0
