"""Whether synthetic texts are about the same things, as varied, and worded in the order of real ones."""

from __future__ import annotations

import math
from functools import cache

import numpy as np

from locum.evaluation.result import Result
from locum.evaluation.text import geometry, words
from locum.evaluation.text.spread import Rows, judge
from locum.evaluation.text.trial import TextTrial
from locum.randomness import stream

#: Texts for self-BLEU, and runs of words for distinct-n: its value depends on their number.
BLEU_TEXTS = 300
#: Texts for each cluster of MAUVE.
PER_CLUSTER = 10


def clouds(trial: TextTrial) -> list[Result]:
    """How two clouds of embeddings overlap, at equal n.

    ``text.frechet``: Frechet distance; ``text.mauve``: area under their divergence frontier;
    ``text.precision``, ``text.recall``, ``text.density`` and ``text.coverage``: overlap by neighbourhoods.

    The reference is what the hold-out scores against train, the floor what random words of train score. The
    mean of word vectors knows no order of words; see `order`.
    """
    n = trial.size
    real = trial.vectors["train"][:n]
    part = {name: x[:n] for name, x in trial.vectors.items()}

    @cache
    def covered(name: str, keep: bytes) -> geometry.Cover:
        rows = np.frombuffer(keep, dtype=np.intp)
        return geometry.cover(real[rows], part[name][rows])

    def of(field: str) -> Result | None:
        return judge(
            trial,
            f"text.{field}",
            lambda name, rows: float(getattr(covered(name, rows.astype(np.intp).tobytes()), field)),
            n,
            floor="floor",
            sentence=_SENTENCES[field],
            limits=(0.0, math.inf if field == "density" else 1.0),
        )

    distance = judge(
        trial,
        "text.frechet",
        lambda name, rows: geometry.frechet(real[rows], part[name][rows]),
        n,
        floor="floor",
        sentence="The embeddings are {value} apart (Frechet distance, 0 is the same); hold-out texts are "
        "{reference}, random words of the real texts {floor}.",
    )
    found = [distance, mauve(trial), *(of(f) for f in ("precision", "recall", "density", "coverage"))]
    return [r for r in found if r is not None]


_SENTENCES = {
    "precision": (
        "A share of {value} of the synthetic texts lies where real texts lie; of hold-out texts {reference}, "
        "of random words {floor}."
    ),
    "recall": (
        "A share of {value} of real texts lies where synthetic ones lie; with hold-out texts {reference}, "
        "with random words {floor}."
    ),
    "density": (
        "Synthetic texts lie in real neighbourhoods {value} times as often as expected; hold-out texts "
        "{reference}, random words {floor}."
    ),
    "coverage": (
        "A share of {value} of the real texts has a synthetic neighbour; with hold-out texts {reference}, "
        "with random words {floor}."
    ),
}


def mauve(trial: TextTrial) -> Result | None:
    """MAUVE: area under the divergence frontier of cluster shares, 0 to 1.

    Clusters of train and synthetic, hold-out or floor together, one for each `PER_CLUSTER` texts of a side,
    after principal components with 90 % of the variance. The interval holds the clusters fixed.
    """
    n = trial.size
    k = max(2, n // PER_CLUSTER)
    real = trial.vectors["train"][:n]

    @cache
    def labels(name: str) -> tuple[np.ndarray, np.ndarray]:
        both = geometry.principal(np.concatenate([real, trial.vectors[name][:n]]))
        label = geometry.clusters(both, k, stream(trial.seed, "text", "mauve"))
        return label[:n], label[n:]

    def measure(name: str, rows: Rows) -> float:
        p, q = (np.bincount(side[rows], minlength=k).astype(np.float64) for side in labels(name))
        return geometry.mauve(p, q)

    return judge(
        trial,
        "text.mauve",
        measure,
        n,
        floor="floor",
        limits=(0.0, 1.0),
        sentence="MAUVE is {value} (1 is the same distribution); of hold-out texts {reference}, of random "
        "words {floor}.",
    )


def variety(trial: TextTrial) -> list[Result]:
    """How varied the texts are: ``text.distinct1``, ``text.distinct2``, ``text.self_bleu``, ``text.vendi``.

    Distinct words and pairs at the same number of runs, self-BLEU on at most `BLEU_TEXTS`, Vendi score.

    Two-sided for distinct-n and Vendi: more variety than real texts have is as wrong as less. The reference
    is the hold-out; the floor of self-BLEU and distinct is one text repeated: random words are too varied.
    """
    n = trial.size
    parts = {name: t[:n] for name, t in trial.words.items()}
    found: list[Result | None] = []
    for size in (1, 2):
        # a tenth of the texts is left out for intervals, and texts differ in length
        most = min(sum(max(0, len(t) - size + 1) for t in texts) for texts in parts.values()) * 4 // 5
        one = min((max(0, len(t) - size + 1) for t in parts["train"]), default=0) / max(1, most)
        found.append(
            judge(
                trial,
                f"text.distinct{size}",
                lambda name, rows, size=size, most=most: words.distinct(  # type: ignore[misc]
                    (parts[name][i] for i in rows), size, most
                ),
                n,
                floor=None,
                bottom=one,
                limits=(0.0, 1.0),
                sentence=f"Of {most} {'words' if size == 1 else 'pairs of neighbouring words'} a share of "
                "{value} is different; in hold-out texts {reference}.",
            )
        )
    scores = {name: words.self_bleu(texts[:BLEU_TEXTS]) for name, texts in parts.items() if name != "train"}
    found.append(
        judge(
            trial,
            "text.self_bleu",
            lambda name, rows: float(scores[name][rows].mean()),
            min(n, BLEU_TEXTS),
            floor=None,
            bottom=1.0,
            limits=(0.0, 1.0),
            sentence="A synthetic text is like the others with self-BLEU {value} (1 is a repetition); "
            "hold-out texts {reference}.",
        )
    )
    found.append(
        judge(
            trial,
            "text.vendi",
            lambda name, rows: geometry.vendi(trial.vectors[name][rows]),
            n,
            floor=None,
            bottom=1.0,
            limits=(1.0, math.inf),
            sentence="The texts are as varied as {value} entirely different ones (Vendi score); hold-out "
            "texts {reference}.",
        )
    )
    return [r for r in found if r is not None]


def order(trial: TextTrial) -> list[Result]:
    """Share of pairs of neighbouring words that stand somewhere in train, ``text.order``.

    It sees what embeddings do not.

    The reference is the hold-out, the floor random words of train. A share above the reference is no merit
    (see copying), but is not held against the texts here.
    """
    n = trial.size
    known = words.runs_of(trial.words["train"][:n], 2)
    found = judge(
        trial,
        "text.order",
        lambda name, rows: words.known_pairs([trial.words[name][i] for i in rows], known),
        n,
        floor="floor",
        limits=(0.0, 1.0),
        sentence="A share of {value} of neighbouring words also stand side by side in the real texts; of "
        "hold-out texts {reference}, of random words {floor}.",
    )
    return [found] if found else []
