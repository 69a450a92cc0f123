"""Whether synthetic texts repeat the texts they were made from: runs of words, likeness, identifiers."""

from __future__ import annotations

from collections import Counter
from math import comb, log

import numpy as np

from locum.evaluation.intervals import auc_interval, rate_at, wilson
from locum.evaluation.registry import find, result_of
from locum.evaluation.result import Result, Verdict
from locum.evaluation.text import words
from locum.evaluation.text.trial import TextTrial

#: Words of a run that two people do not write by chance, and the level of its test.
RUN, LEVEL = 8, 0.01


def runs(trial: TextTrial) -> list[Result]:
    """Share of synthetic texts with a run of `RUN` words of train, beside that of as many hold-out texts.

    ``text.copied_runs``.

    Poor when more texts have more runs of train than of the hold-out than the other way round (one-sided sign
    test at `LEVEL`); stock phrases are in both and decide nothing. ``detail`` has the longest shared runs.
    """
    if trial.holdout is None:
        return []
    n = min(len(trial.words["train"]), len(trial.words["holdout"]))
    ours = [set(words.ngrams(t, RUN)) for t in trial.words["synthetic"]]
    hits = []
    for name in ("train", "holdout"):
        known = words.runs_of(trial.words[name][:n], RUN)
        hits.append(np.array([len(grams & known) for grams in ours]))
    only, other = int((hits[0] > hits[1]).sum()), int((hits[0] < hits[1]).sum())
    p = sum(comb(only + other, i) for i in range(only, only + other + 1)) / 2 ** (only + other)
    value, real = float((hits[0] > 0).mean()), float((hits[1] > 0).mean())
    low, high = wilson(float((hits[0] > 0).sum()), len(ours))
    verdict: Verdict = "poor" if p < LEVEL else "good"
    longest = [
        words.longest_shared(trial.words["synthetic"], trial.words[name][:n]) for name in ("train", "holdout")
    ]
    sentence = (
        f"{100 * value:.1f} of 100 synthetic texts hold a run of {RUN} words of a real text "
        "they were made from, "
        f"{100 * real:.1f} one of a text never seen; the longest have {longest[0]} and {longest[1]} words."
    )
    return [
        result_of(
            "text.copied_runs",
            value,
            sentence,
            words={"words": str(RUN)},
            low=low,
            high=high,
            reference=real,
            verdict=verdict,
            detail={
                "longest_train": longest[0],
                "longest_holdout": longest[1],
                "p": p,
                "more_train": only,
                "more_holdout": other,
            },
        )
    ]


def membership(trial: TextTrial) -> list[Result]:
    """Whether texts that were learned from can be told from hold-out texts by the synthetic ones alone.

    Two scores of a real text, without the model and without canaries: cosine similarity of its nearest
    synthetic text (``text.membership.nearest``), and mean log-likelihood of its words in a bigram model of
    the synthetic texts (``text.membership.likelihood``). AUC, 0.5 is guessing. Poor when the interval lies
    above 0.5 and the area is 0.6 or more; fair when only the interval does.

    Source: Meeus et al. (2025), the attacks from data alone.
    """
    if trial.holdout is None:
        return []
    n = min(len(trial.words["train"]), len(trial.words["holdout"]))
    near = [(trial.vectors[p][:n] @ trial.vectors["synthetic"].T).max(axis=1) for p in ("train", "holdout")]
    model = Bigrams(trial.words["synthetic"])
    likely = [np.array([model.mean(t) for t in trial.words[p][:n]]) for p in ("train", "holdout")]
    out = []
    for key, (train, holdout) in (("nearest", near), ("likelihood", likely)):
        name = f"text.membership.{key}"
        value, low, high = auc_interval(train, holdout)
        verdict: Verdict = "good" if low <= 0.5 else "poor" if value >= 0.6 else "middling"
        sentence = (
            f"{find(name)[0].title}, a text that was learned from and one that was not are told apart "
            f"{100 * value:.0f} times in 100 ({100 * low:.0f} to {100 * high:.0f}; 50 is guessing); at one "
            f"false alarm in 100, {100 * rate_at(train, holdout):.1f} of 100 are found (1 is guessing)."
        )
        out.append(
            result_of(
                name,
                value,
                sentence,
                low=low,
                high=high,
                reference=0.5,
                verdict=verdict,
                detail={"texts": n, "found_at_1_percent": rate_at(train, holdout)},
            )
        )
    return out


class Bigrams:
    """A bigram model of texts, for likelihoods; mixed with single words, one unseen word kept possible.

    Weight of the pair after a word seen c times in u kinds of pairs: ``c / (c + u)`` (Witten and Bell 1991).
    """

    def __init__(self, texts: list[words.Words]) -> None:
        self._pairs = Counter(g for t in texts for g in words.ngrams(t, 2))
        self._words = Counter(w for t in texts for w in t)
        self._first = Counter(w for t in texts for w in t[:-1])
        self._kinds = Counter(a for a, _ in self._pairs)
        self._total = sum(self._words.values()) + len(self._words) + 1

    def mean(self, text: words.Words) -> float:
        """Mean natural log-likelihood of a word of `text` after the one before it; 0 below two words."""
        if len(text) < 2:
            return 0.0
        total = 0.0
        for a, b in words.ngrams(text, 2):
            single = (self._words[b] + 1) / self._total
            c, u = self._first[a], self._kinds[a]
            total += log((self._pairs[a, b] + u * single) / (c + u) if c else single)
        return total / (len(text) - 1)
