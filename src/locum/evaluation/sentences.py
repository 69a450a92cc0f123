"""Numbers and phrases as they stand in sentences."""

from __future__ import annotations

from locum.evaluation.trial import Trial


def percent(share: float) -> str:
    """A share as a percentage with two meaningful digits: 0.0137 -> ``1.4 %``."""
    value = 100 * share
    if value == 0:
        return "0 %"
    return (
        f"{value:.0f} %"
        if abs(value) >= 9.95
        else f"{value:.1f} %"
        if abs(value) >= 0.095
        else f"{value:.2f} %"
    )


def in_hundred(share: float) -> str:
    """A chance as cases in a hundred: 0.5231 -> ``52``; one more digit near 50 and at the ends."""
    value = 100 * share
    return f"{value:.1f}" if abs(value - 50) < 5 or value < 1 or value > 99 else f"{value:.0f}"


def fresh_rows(trial: Trial) -> str:
    """What the reference value was taken from."""
    if trial.independent_test:
        return "fresh real rows"
    return "one half of the real rows against the other"


def seen_note(trial: Trial) -> str:
    """A sentence to add where a test on real rows rests on rows that the generator may have seen."""
    if trial.independent_test:
        return ""
    return " No rows were kept out, so the generator may have seen the real rows of this test."
