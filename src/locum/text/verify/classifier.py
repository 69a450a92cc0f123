"""A small text classifier: hashed words and word pairs, and static vectors where they are there.

Logistic regression with an L2 penalty, fitted by L-BFGS: no torch, no network, seconds for thousands of
texts. Source: feature hashing (Weinberger et al. 2009); the joint use of both kinds of features is ours.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from locum.arrays import FloatArray
from locum.errors import DataError, NotFittedError
from locum.text.verify.base import Verdict

_BUCKETS = 1 << 15
_WORD = re.compile(r"[\w']+|[!?$%]")


class TextClassifier:
    """Labels of texts, learned from examples.

    Parameters
    ----------
    penalty
        Strength of the L2 penalty, in units of one example.
    vectors
        Whether the static encoder's vectors are features too; it must be installed then.

    Examples
    --------
    >>> learned = TextClassifier(vectors=False).fit(["so good", "so bad"] * 5, ["+", "-"] * 5)
    >>> learned.predict(["good", "bad"])
    ['+', '-']
    """

    def __init__(self, *, penalty: float = 1.0, vectors: bool = True) -> None:
        self._penalty, self._vectors = penalty, vectors
        self._labels: tuple[str, ...] = ()
        self._known: npt.NDArray[np.intp] = np.zeros(0, dtype=np.intp)
        self._idf: FloatArray = np.ones(0)
        self._weights: FloatArray = np.zeros((0, 0))

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels known, sorted."""
        return self._labels

    def fit(self, texts: Sequence[str], labels: Sequence[str]) -> Self:
        """Learn; about 2 s for 5,000 reviews and two labels.

        Raises
        ------
        DataError
            When lengths differ or there are fewer than two labels.
        """
        from scipy.optimize import minimize

        if len(texts) != len(labels):
            raise DataError(f"{len(texts)} texts and {len(labels)} labels", where="classifier")
        self._labels = tuple(sorted(set(labels)))
        if len(self._labels) < 2:
            raise DataError("a classifier needs at least two labels", where="classifier")
        place = {label: k for k, label in enumerate(self._labels)}
        truth = np.zeros((len(texts), len(self._labels)))
        truth[np.arange(len(texts)), [place[label] for label in labels]] = 1
        counts = [_counted(text) for text in texts]
        seen = np.zeros(_BUCKETS)
        for one in counts:
            seen[list(one)] += 1
        # A word of one text alone can teach nothing about another.
        self._known = np.flatnonzero(seen >= 2)
        self._idf = np.log((1 + len(texts)) / (1 + seen)) + 1
        features = self._features(texts, counts)
        shape = (features.shape[1], len(self._labels))

        def loss(flat: FloatArray) -> tuple[float, FloatArray]:
            weights = flat.reshape(shape)
            chances = _softmax(features @ weights)
            fit = -float(np.log(np.maximum((chances * truth).sum(axis=1), 1e-300)).sum())
            slope = features.T @ (chances - truth) + self._penalty * weights
            return fit + 0.5 * self._penalty * float(flat @ flat), np.asarray(slope).ravel()

        start = np.zeros(shape[0] * shape[1])
        found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 80})
        self._weights = found.x.reshape(shape)
        return self

    def chances(self, texts: Sequence[str]) -> FloatArray:
        """Probability of each label (columns, sorted) for each text (rows)."""
        if not self._labels:
            raise NotFittedError("the classifier has not learned anything", where="classifier", do="call fit")
        features = self._features(texts, [_counted(text) for text in texts])
        return _softmax(features @ self._weights)

    def predict(self, texts: Sequence[str]) -> list[str]:
        """The likeliest label of each text."""
        return [self._labels[k] for k in self.chances(texts).argmax(axis=1)] if texts else []

    def accuracy(self, texts: Sequence[str], labels: Sequence[str]) -> float:
        """Share of texts whose likeliest label is the given one."""
        return float(np.mean([p == t for p, t in zip(self.predict(texts), labels, strict=True)]))

    def _features(self, texts: Sequence[str], counts: Sequence[Mapping[int, int]]) -> Any:
        from scipy.sparse import csr_matrix, hstack

        ends = np.cumsum([0, *(len(one) for one in counts)])
        where = np.fromiter((k for one in counts for k in one), dtype=np.int64, count=int(ends[-1]))
        tf = np.fromiter((n for one in counts for n in one.values()), dtype=np.float64, count=int(ends[-1]))
        values = (1 + np.log(tf)) * self._idf[where]
        rows = np.repeat(np.arange(len(counts)), np.diff(ends))
        norms = np.sqrt(np.bincount(rows, weights=values**2, minlength=len(counts)))
        values /= np.maximum(norms, 1e-12)[rows]
        hashed = csr_matrix((3 * values, where, ends), shape=(len(counts), _BUCKETS))
        parts: list[Any] = [hashed[:, self._known]]
        if self._vectors:
            from locum.evaluation.learn.embedding import embed

            parts.append(csr_matrix(3 * embed(texts).astype(np.float64)))
        parts.append(csr_matrix(np.ones((len(counts), 1))))
        return hstack(parts, format="csr")


def _counted(text: str) -> dict[int, int]:
    words = _WORD.findall(text.lower()[:20_000])
    pairs = (f"{a} {b}" for a, b in pairwise(words))
    grams = (*words, *pairs)
    return dict(sorted(Counter(zlib.crc32(gram.encode()) % _BUCKETS for gram in grams).items()))


def _softmax(scores: FloatArray) -> FloatArray:
    shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))


@dataclass(frozen=True, slots=True)
class Label:
    """Passes texts whose label, by a classifier learned from examples of yours, is the one wanted.

    Attributes
    ----------
    label
        The label wanted; mostly a template, e.g. ``"{{ rating }}"``.
    examples
        JSON Lines, CSV, TSV or Parquet file with labelled texts; relative to the working directory.
    text, field
        Names of its columns of texts and labels.
    least
        Least probability of the label.
    """

    label: str
    examples: str
    text: str = "text"
    field: str = "label"
    least: float = 0.5

    def verify(self, item: Any, row: Mapping[str, Any]) -> Verdict:
        """See `Verifier`; the classifier is learned once a file, text and field."""
        learned = learn(self.examples, self.text, self.field)
        if self.label not in learned.labels:
            return Verdict(False, "the examples have no such label")
        chance = learned.chances([str(item)])[0, learned.labels.index(self.label)]
        return Verdict(bool(chance >= self.least), "" if chance >= self.least else "looks like another label")


@lru_cache(maxsize=4)
def learn(examples: str, text: str = "text", field: str = "label") -> TextClassifier:
    """A classifier from a file of labelled texts; kept for the next call.

    Raises
    ------
    PlanError
        When the file cannot be read or lacks the columns.
    """
    from locum.evaluation.learn.embedding import available
    from locum.text.failures import PlanError
    from locum.text.runs.sources import labelled

    pairs = labelled(examples, text, field)
    if not pairs:
        raise PlanError(f"no record has {text!r} and {field!r}", where=examples)
    return TextClassifier(vectors=available()).fit([t for t, _ in pairs], [label for _, label in pairs])
