"""Topics: clusters of the real texts, and whether the synthetic ones fill them as real ones do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from locum.evaluation.result import Result
from locum.evaluation.text import geometry
from locum.evaluation.text.spread import Rows, judge
from locum.evaluation.text.trial import TextTrial
from locum.randomness import stream

Cells = npt.NDArray[np.intp]

#: Real texts to a topic, and most topics: fewer texts a topic would make chance look like a gap.
PER_TOPIC, MOST_TOPICS = 30, 40


def topics(trial: TextTrial) -> list[Result]:
    """Total variation distance of topic shares, and the share of real texts in topics that are missing.

    ``text.topics`` and ``text.topics_missing``.

    Topics are the clusters of the train texts' embeddings (k-means, one for each `PER_TOPIC` of them). The
    reference is what the hold-out scores in the synthetic texts' place, the floor what the same number of
    texts of one topic, the largest, would score. ``detail`` of ``text.topics`` holds the chi-square statistic
    of the two rows of counts (hold-out or train against synthetic), its degrees and p-value: with many texts
    it finds differences that are too small to matter, so the verdict rests on the distance.

    Words alone decide an embedding; the order of words is not seen here.
    """
    n = trial.size
    real = trial.vectors["train"][:n]
    k = max(2, min(MOST_TOPICS, n // PER_TOPIC))
    middle = geometry.centres(real, k, stream(trial.seed, "text", "topics"))
    cells = {name: _nearest(x[:n], middle) for name, x in trial.vectors.items()}
    largest = np.bincount(cells["train"], minlength=len(middle)).argmax()
    cells["one topic"] = np.full(n, largest, dtype=np.intp)

    def share(part: str, rows: Rows) -> npt.NDArray[np.float64]:
        return np.bincount(cells[part][rows], minlength=len(middle)) / max(1, len(rows))

    distance = judge(
        trial,
        "text.topics",
        lambda part, rows: float(np.abs(share(part, rows) - share("train", rows)).sum() / 2),
        n,
        floor="one topic",
        limits=(0.0, 1.0),
        sentence="A share of {value} of the synthetic texts would have to change their topic for the "
        "shares of the real ones; of hold-out texts {reference}, of texts of one topic {floor}.",
    )
    missing = judge(
        trial,
        "text.topics_missing",
        lambda part, rows: float(share("train", rows)[share(part, rows) == 0].sum()),
        n,
        floor="one topic",
        limits=(0.0, 1.0),
        sentence="A share of {value} of the real texts is about topics that no synthetic text is about; with "
        "hold-out texts {reference}, with texts of one topic {floor}.",
    )
    against = "train" if trial.holdout is None else "holdout"
    statistic, degrees, p = chi_square(cells[against], cells["synthetic"])
    told = {
        "topics": len(middle),
        "chi_square": statistic,
        "degrees": degrees,
        "p": p,
        "against": against,
        "missing": int((share("synthetic", np.arange(n)) == 0).sum()),
    }
    return [replace(r, detail={**r.detail, **told}) for r in (distance, missing) if r is not None]


def chi_square(a: Cells, b: Cells) -> tuple[float, int, float]:
    """Pearson's test of two samples of cells for the same shares: statistic, degrees of freedom, p-value.

    Cells expected fewer than 5 times on a side are put together into one. (0, 0, 1) with one cell left.
    """
    from scipy.stats import chi2_contingency

    k = int(max(a.max(initial=0), b.max(initial=0))) + 1
    table = np.stack([np.bincount(a, minlength=k), np.bincount(b, minlength=k)]).astype(np.float64)
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0, keepdims=True) / max(1.0, table.sum())
    small = (expected < 5).any(axis=0)
    table = np.concatenate([table[:, ~small], table[:, small].sum(axis=1, keepdims=True)], axis=1)
    table = table[:, table.sum(axis=0) > 0]
    if table.shape[1] < 2:
        return 0.0, 0, 1.0
    statistic, p, degrees, _ = chi2_contingency(table, correction=False)
    return float(statistic), int(degrees), float(p)


def _nearest(x: npt.NDArray[np.float64], middle: npt.NDArray[np.float64]) -> Cells:
    return np.asarray((x @ middle.T).argmax(axis=1), dtype=np.intp)
