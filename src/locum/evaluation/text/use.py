"""What labelled synthetic texts are good for: train on them, test on real ones; and whether labels fit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from locum.arrays import FloatArray
from locum.evaluation.intervals import wilson
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


def use(trial: TextTrial) -> list[Result]:
    """Accuracy on hold-out texts of a classifier trained on synthetic ones, and accuracy of synthetic labels.

    ``text.tstr``: reference is the same number of train texts in place of the synthetic ones, floor the same
    synthetic texts with shuffled labels. ``text.labels``: a classifier trained on real texts reads the
    synthetic ones; reference is its accuracy on the hold-out, floor that of a guess by the commonest label.
    Good within 0.05 of the reference or when the interval holds it; poor in the lower half from the floor.
    Empty without labels or hold-out.
    """
    marks = {p: trial.marks(p) for p in ("train", "holdout", "synthetic")} if trial.holdout else {}
    if len(marks) < 3 or any(m is None for m in marks.values()):
        return []
    train, test, ours = (list(m or ()) for m in marks.values())
    x = trial.vectors
    n = min(len(train), len(ours))

    def right(learn: FloatArray, labels: Sequence[str], to: FloatArray, true: Sequence[str]) -> int:
        return sum(a == b for a, b in zip(classify(learn, labels, to), true, strict=True))

    shuffled = list(stream(trial.seed, "text", "tstr").permutation(np.array(ours[:n], dtype=object)))
    commonest = max(sum(v == level for v in ours) for level in set(ours)) / len(ours)
    real = right(x["train"][:n], train[:n], x["holdout"], test) / len(test)
    return [
        _share(
            "text.tstr", "Train on synthetic, test on real", "useful",
            right(x["synthetic"][:n], ours[:n], x["holdout"], test), len(test), real,
            right(x["synthetic"][:n], shuffled, x["holdout"], test) / len(test),
            "A classifier trained on synthetic texts labels {value:.0f} of 100 real hold-out texts rightly; "
            "trained on as many real ones {reference:.0f}, with shuffled labels {floor:.0f}.",
        ),
        _share(
            "text.labels", "Labels fit their texts", "faithful",
            right(x["train"], train, x["synthetic"], ours), len(ours),
            right(x["train"], train, x["holdout"], test) / len(test), commonest,
            "A classifier trained on real texts agrees with {value:.0f} of 100 synthetic labels; "
            "of hold-out texts {reference:.0f}, a guess {floor:.0f}.",
        ),
    ]  # fmt: skip


def _share(
    name: str, title: str, question: str, hits: int, n: int, reference: float, floor: float, sentence: str
) -> Result:
    value = hits / n
    low, high = wilson(hits, n)
    verdict: Verdict = "fair"
    if value >= reference - 0.05 or high >= reference:
        verdict = "good"
    elif value - floor < (reference - floor) / 2:
        verdict = "poor"
    words = sentence.format(value=100 * value, reference=100 * reference, floor=100 * floor)
    return Result(
        name=name, title=title, question=question, value=value, low=low, high=high,  # type: ignore[arg-type]
        direction="higher", reference=reference, floor=floor, verdict=verdict, sentence=words, headline=True,
        detail={"texts": n},
    )  # fmt: skip
