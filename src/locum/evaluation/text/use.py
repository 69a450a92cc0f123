"""What labelled synthetic texts are good for: train on them, test on real ones; and whether labels fit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from locum.arrays import FloatArray
from locum.evaluation.intervals import wilson
from locum.evaluation.registry import result_of
from locum.evaluation.result import Result, Verdict
from locum.evaluation.text.trial import TextTrial
from locum.randomness import stream

RIDGE = 1.0


def classify(x: FloatArray, y: Sequence[str], test: FloatArray, ridge: float = RIDGE) -> list[str]:
    """Labels of `test` by ridge regression on one indicator a class (one against the rest), in closed form.

    Cost: O(n d**2 + d**3). Classes weigh by their number of texts.
    """
    levels = sorted(set(y))
    place = {level: i for i, level in enumerate(levels)}
    target = np.zeros((len(y), len(levels)))
    target[np.arange(len(y)), [place[v] for v in y]] = 1
    mean, middle = x.mean(axis=0), target.mean(axis=0)
    centred = x - mean
    gram = centred.T @ centred + ridge * np.eye(x.shape[1])
    weights = np.linalg.solve(gram, centred.T @ (target - middle))
    return [levels[i] for i in ((test - mean) @ weights + middle).argmax(axis=1)]


def train_and_test(trial: TextTrial) -> list[Result]:
    """Accuracy on hold-out texts of a classifier trained on synthetic ones: ``text.tstr``.

    Reference is the same number of train texts in place of the synthetic ones, floor the same synthetic texts
    with shuffled labels. Good within 0.05 of the reference or when the interval holds it; poor in the lower
    half from the floor. Empty without labels or hold-out.
    """
    marks = _marks(trial)
    if marks is None:
        return []
    train, test, ours = marks
    x, n = trial.vectors, min(len(train), len(ours))
    shuffled = list(stream(trial.seed, "text", "tstr").permutation(np.array(ours[:n], dtype=object)))
    real = _right(x["train"][:n], train[:n], x["holdout"], test) / len(test)
    floor = _right(x["synthetic"][:n], shuffled, x["holdout"], test) / len(test)
    hits = _right(x["synthetic"][:n], ours[:n], x["holdout"], test)
    said = (
        "A classifier trained on synthetic texts labels {value:.0f} of 100 real hold-out texts rightly; "
        "trained on as many real ones {reference:.0f}, with shuffled labels {floor:.0f}."
    )
    return [_share("text.tstr", hits, len(test), real, floor, said)]


def label_agreement(trial: TextTrial) -> list[Result]:
    """How far synthetic labels fit their texts: ``text.labels``.

    A classifier trained on real texts reads the synthetic ones; reference is its accuracy on the hold-out,
    floor that of a guess by the commonest label. Verdict as in `train_and_test`.
    """
    marks = _marks(trial)
    if marks is None:
        return []
    train, test, ours = marks
    x = trial.vectors
    commonest = max(sum(v == level for v in ours) for level in set(ours)) / len(ours)
    real = _right(x["train"], train, x["holdout"], test) / len(test)
    said = (
        "A classifier trained on real texts agrees with {value:.0f} of 100 synthetic labels; "
        "of hold-out texts {reference:.0f}, a guess {floor:.0f}."
    )
    hits = _right(x["train"], train, x["synthetic"], ours)
    return [_share("text.labels", hits, len(ours), real, commonest, said)]


def _marks(trial: TextTrial) -> tuple[list[str], list[str], list[str]] | None:
    """Labels of train, hold-out and synthetic texts; None where one of them has none."""
    if trial.holdout is None:
        return None
    train, test, ours = (trial.marks(part) for part in ("train", "holdout", "synthetic"))
    return None if train is None or test is None or ours is None else (train, test, ours)


def _right(learn: FloatArray, labels: Sequence[str], to: FloatArray, true: Sequence[str]) -> int:
    return sum(a == b for a, b in zip(classify(learn, labels, to), true, strict=True))


def _share(name: str, hits: int, n: int, reference: float, floor: float, sentence: str) -> Result:
    value = hits / n
    low, high = wilson(hits, n)
    verdict: Verdict = "middling"
    if value >= reference - 0.05 or high >= reference:
        verdict = "good"
    elif value - floor < (reference - floor) / 2:
        verdict = "poor"
    words = sentence.format(value=100 * value, reference=100 * reference, floor=100 * floor)
    return result_of(
        name,
        value,
        words,
        low=low,
        high=high,
        reference=reference,
        floor=floor,
        verdict=verdict,
        detail={"texts": n},
    )
