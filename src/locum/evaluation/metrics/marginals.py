"""Columns taken together: total variation of pairs and triples."""

from __future__ import annotations

import numpy as np

from locum.evaluation.joints import size_factor, subsets, total_variation, worst
from locum.evaluation.registry import result_of
from locum.evaluation.result import Result, Verdict
from locum.evaluation.trial import MAX_TRIPLES, Trial
from locum.randomness import stream
from locum.wording import percent

#: Good: at most this multiple of the reference, or this share of the way from reference to floor.
GOOD_TIMES, GOOD_SHARE = 1.25, 0.10
#: Fair: up to this share of the way; poor beyond.
FAIR_SHARE = 0.40
#: Below this multiple of the reference the synthetic rows are closer than fresh real rows would be.
MEMORISING_TIMES = 0.85


def pairs(trial: Trial) -> list[Result]:
    """Mean total variation distance of pairs of columns, ``tv.2way``; rule and reference as in `triples`."""
    scan = trial.pairs
    if not scan.pairs:
        return []
    names = [f"{trial.columns[a].name} x {trial.columns[b].name}" for a, b in scan.pairs]
    reference = float(scan.tv_reference.mean()) if trial.test.num_rows else None
    return [
        _result(
            trial,
            "tv.2way",
            "pair",
            float(scan.tv.mean()),
            reference,
            float(scan.tv_floor.mean()),
            worst(names, scan.tv - scan.tv_reference, 10),
        )
    ]


def triples(trial: Trial) -> list[Result]:
    """Mean total variation distance of up to 300 random triples of columns, ``tv.3way``.

    Distances are between train and synthetic over the joint cells of `Trial.cuts` (ordered columns: 5 %
    quantiles). The reference is what a fresh real table as long as the synthetic one is expected to score
    (`size_factor`); a value clearly below it is a sign of memorising, not of quality. The floor is train with
    every column shuffled.

    Verdict: with d = (value - reference) / (floor - reference): good when the value is within `GOOD_TIMES`
    references or d <= `GOOD_SHARE`; fair when d <= `FAIR_SHARE`; else poor. Unclear when the floor itself is
    within `GOOD_TIMES` references, because then shuffled columns would pass too, or without real test rows.
    """
    chosen = subsets(len(trial.columns), 3, MAX_TRIPLES, stream(trial.seed, "metrics", "triples"))
    if not chosen:
        return []
    value, reference, floor = np.zeros(len(chosen)), np.zeros(len(chosen)), np.zeros(len(chosen))
    for i, subset in enumerate(chosen):
        shares = trial.grid.shares(subset)
        value[i] = total_variation(shares["train"], shares["synthetic"])
        reference[i] = total_variation(shares["learning"], shares["test"])
        floor[i] = total_variation(shares["train"], shares["independent"])
    reference = np.minimum(reference * size_factor(trial.grid, chosen), 1.0)
    names = [" x ".join(trial.columns[j].name for j in subset) for subset in chosen]
    fresh = float(reference.mean()) if trial.test.num_rows else None
    return [
        _result(
            trial,
            "tv.3way",
            "triple",
            float(value.mean()),
            fresh,
            float(floor.mean()),
            worst(names, value - reference, 10),
        )
    ]


def verdict_of(value: float, reference: float | None, floor: float) -> Verdict:
    """Verdict on a joint distance; see `triples`."""
    if reference is None or floor <= GOOD_TIMES * reference:
        return "unclear"
    way = (value - reference) / (floor - reference)
    if value <= GOOD_TIMES * reference or way <= GOOD_SHARE:
        return "good"
    return "fair" if way <= FAIR_SHARE else "poor"


def _result(
    trial: Trial,
    name: str,
    noun: str,
    value: float,
    reference: float | None,
    floor: float,
    top: list[tuple[str, float]],
) -> Result:
    closer = reference is not None and value < MEMORISING_TIMES * reference
    sentence = (
        f"For an average {noun} of columns {percent(value)} of the rows would have to change for the "
        "combinations to be as frequent as in the real data"
    )
    if reference is not None:
        sentence += f" ({trial.fresh_rows}: {percent(reference)}, shuffled columns: {percent(floor)})"
    if closer:
        sentence += ". That is closer than fresh real rows come, which is a sign of memorising"
    return result_of(
        name,
        value,
        sentence + ".",
        reference=reference,
        floor=floor,
        verdict=verdict_of(value, reference, floor),
        detail={
            "worst": [{"columns": n, "excess": e} for n, e in top],
            "closer_than_fresh_rows": closer,
        },
    )
