"""Columns taken together: total variation of pairs and triples."""

from __future__ import annotations

import numpy as np

from locum.evaluation.joints import size_factor, subsets, total_variation, worst
from locum.evaluation.registry import result_of
from locum.evaluation.result import Result
from locum.evaluation.trial import MAX_TRIPLES, Trial
from locum.randomness import stream
from locum.wording import percent

#: Below this multiple of the reference the synthetic rows are closer than fresh real rows would be.
CLOSER_TIMES = 0.85


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
    (`size_factor`); a value clearly below it is no merit, for a copy is closest of all. The floor is train
    with every column shuffled.
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


def _result(
    trial: Trial,
    name: str,
    noun: str,
    value: float,
    reference: float | None,
    floor: float,
    top: list[tuple[str, float]],
) -> Result:
    closer = reference is not None and value < CLOSER_TIMES * reference
    sentence = (
        f"For an average {noun} of columns {percent(value)} of the rows would have to change for the "
        "combinations to be as frequent as in the real data"
    )
    if reference is not None:
        sentence += f" ({trial.fresh_rows}: {percent(reference)}, shuffled columns: {percent(floor)})"
    if closer:
        sentence += ". That is closer than fresh real rows come"
    return result_of(
        name,
        value,
        sentence + ".",
        reference=reference,
        floor=floor,
        detail={
            "worst": [{"columns": n, "excess": e} for n, e in top],
            "closer_than_fresh_rows": closer,
        },
    )
