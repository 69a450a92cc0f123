"""What is judged: real texts, texts kept out, synthetic texts, and the views that all judges share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt

from locum.errors import DataError, UsageError
from locum.evaluation.learn.embedding import embed as static
from locum.evaluation.text.words import Words, split
from locum.randomness import stream

Part = Literal["train", "holdout", "synthetic", "floor"]
Embed = Callable[[Sequence[str]], npt.NDArray[np.float32]]

#: Texts of each part that judges look at, at most: measures of clouds cost the square of it.
MOST = 1500
#: Fewer texts than this on a side say nothing about a distribution.
LEAST = 20


@dataclass(frozen=True, eq=False)
class TextTrial:
    """Synthetic texts before their judges.

    Parameters
    ----------
    train
        Real texts the generator learned from.
    synthetic
        Texts to be judged.
    holdout
        Real texts the generator never saw; None leaves every result without reference, and nothing can be
        said about copying.
    labels
        Labels of train, synthetic and holdout, by those names; empty without.
    seed
        Seed of every random choice.
    embed
        Texts to vectors of unit length; the static encoder of `locum.evaluation.learn.embedding` by default.

    Raises
    ------
    DataError
        When a part has fewer than `LEAST` texts with words.
    UsageError
        When there is not one label for each text.

    Notes
    -----
    Parts longer than `MOST` are thinned at random. `floor` are texts of the lengths of train's with words
    drawn from all of train: what a generator writes that learned the words and nothing else.
    """

    train: Sequence[str]
    synthetic: Sequence[str]
    holdout: Sequence[str] | None = None
    labels: Mapping[str, Sequence[str]] | None = None
    seed: int = 0
    embed: Embed = static

    def __post_init__(self) -> None:
        for name in ("train", "synthetic", "holdout"):
            texts = getattr(self, name)
            if texts is None:
                continue
            found = sum(1 for t in texts if t and t.strip())
            if found < LEAST:
                raise DataError(
                    f"there are {found} texts", where=name, expected=f"at least {LEAST} that are not empty"
                )
            marks = (self.labels or {}).get(name)
            if marks is not None and len(marks) != len(texts):
                raise UsageError("there is not one label for each text", where=f"labels of {name}")

    @property
    def parts(self) -> tuple[Part, ...]:
        """The parts there are."""
        return (
            ("train", "synthetic", "floor")
            if self.holdout is None
            else (
                "train",
                "holdout",
                "synthetic",
                "floor",
            )
        )

    @cached_property
    def chosen(self) -> dict[str, npt.NDArray[np.intp]]:
        """Numbers of the texts of each part that are looked at, in random order; empty texts are left out."""
        out = {}
        for name in ("train", "holdout", "synthetic"):
            texts = getattr(self, name)
            if texts is not None:
                full = np.flatnonzero([bool(t and t.strip()) for t in texts])
                out[name] = stream(self.seed, "text", "thin", name).permutation(full)[:MOST]
        return out

    @cached_property
    def texts(self) -> dict[str, list[str]]:
        """The texts that are looked at."""
        return {name: [getattr(self, name)[i] for i in rows] for name, rows in self.chosen.items()}

    @cached_property
    def words(self) -> dict[str, list[Words]]:
        """The same as words, and the floor."""
        out = {name: [split(t) for t in texts] for name, texts in self.texts.items()}
        pool = np.array([w for words in out["train"] for w in words], dtype=object)
        rng = stream(self.seed, "text", "floor")
        out["floor"] = [
            list(pool[rng.integers(len(pool), size=len(words))]) if len(pool) else []
            for words in out["train"]
        ]
        return out

    @cached_property
    def vectors(self) -> dict[str, npt.NDArray[np.float64]]:
        """One row a text, float64, shape (n, d)."""
        out = {name: self.embed(texts).astype(np.float64) for name, texts in self.texts.items()}
        floor = [" ".join(words) for words in self.words["floor"]]
        return {**out, "floor": self.embed(floor).astype(np.float64)}

    def marks(self, part: str) -> list[str] | None:
        """Labels of the texts that are looked at; None without."""
        given = (self.labels or {}).get(part)
        return None if given is None else [given[i] for i in self.chosen[part]]

    @property
    def size(self) -> int:
        """Texts a part that all parts have: measures whose value depends on the number are taken at it."""
        return min(len(rows) for rows in self.chosen.values())
