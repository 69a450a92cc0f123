"""Intervals and verdicts that all measures of text share."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from locum.evaluation.registry import find, result_of
from locum.evaluation.result import Result, Verdict
from locum.evaluation.text.trial import TextTrial

Rows = npt.NDArray[np.intp]

#: Groups of the jackknife, and the 97.5 % quantile of Student's t at one degree less.
GROUPS, T = 10, 2.262


def jackknife(measure: Callable[[Rows], float], n: int) -> tuple[float, float]:
    """95 % half-width and error of ``measure(rows)`` when `n` texts are drawn anew: (half, error).

    Leaves out one of `GROUPS` groups at a time. Rows are in random order already. NaN where the measure is.
    Cost: `GROUPS` times the measure. Source: the delete-group jackknife (Shao and Wu 1989).
    """
    every = np.arange(n)
    values = np.array([measure(every[every % GROUPS != g]) for g in range(GROUPS)])
    error = math.sqrt((GROUPS - 1) / GROUPS * float(((values - values.mean()) ** 2).sum()))
    return T * error, error


def judge(
    trial: TextTrial,
    name: str,
    measure: Callable[[str, Rows], float],
    n: int,
    *,
    floor: str | None,
    sentence: str,
    bottom: float | None = None,
    limits: tuple[float, float] = (0.0, math.inf),
) -> Result | None:
    """A measure of the synthetic texts beside that of real ones and that of the floor.

    Parameters
    ----------
    trial
        The texts; their hold-out, if there is one, is the reference.
    name
        Of a registered measure; one with a target is two-sided: being beyond the reference is as bad as
        falling short of it.
    measure
        Value of a part, on some of its rows.
    n
        Rows of each part.
    floor
        Part that learned nothing, to compare with besides the hold-out; None without one.
    bottom
        Value of the floor where there is no such part.
    limits
        Where the interval is cut.
    sentence
        With the places ``{value}``, ``{reference}`` and ``{floor}``.

    Notes
    -----
    Verdict: the place of the value between floor (0) and reference (1). From 0.8 on, or when the interval
    reaches the reference, good; from 0.5 fair; else poor. Two-sided, a value beyond twice the way is judged
    as if it fell short by as much. Unclear without a hold-out. None where the value is no number.
    """
    every, two_sided = np.arange(n), find(name)[0].direction == "target"
    value = measure("synthetic", every)
    if not math.isfinite(value):
        return None
    half, _ = jackknife(lambda rows: measure("synthetic", rows), n)
    real = None if trial.holdout is None else measure("holdout", every)
    low_end = measure(floor, every) if floor else bottom
    verdict: Verdict = "unclear"
    if real is not None and low_end is not None and math.isfinite(half):
        verdict = place(value, half, real, low_end, two_sided)
    words = sentence.format(value=figure(value), reference=figure(real), floor=figure(low_end))
    if real is None:
        words += " Without a hold-out there is nothing to compare it with."
    return result_of(
        name,
        value,
        words,
        low=max(limits[0], value - half),
        high=min(limits[1], value + half),
        target=real if two_sided else None,
        reference=real,
        floor=low_end,
        verdict=verdict,
        detail={"texts": n},
    )


def place(value: float, half: float, reference: float, floor: float, two_sided: bool = False) -> Verdict:
    """Verdict on a value between a floor and a reference; see `judge`."""
    way = reference - floor
    if abs(way) < 1e-12:
        return "unclear"
    share = (value - floor) / way
    reach = half / abs(way)
    if two_sided and share > 1:
        share = 2 - share
    if share >= 0.8 or (share + reach >= 1 and share >= 0.5):
        return "good"
    return "middling" if share >= 0.5 else "poor"


def figure(value: float | None) -> str:
    """A number for a sentence."""
    if value is None or not math.isfinite(value):
        return "unknown"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
