"""A sum of regression trees over codes, as plain arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True, eq=False)
class TreeSum:
    """Regression trees whose values are added up.

    Trees are stored one after the other, children in LightGBM's convention: a child c >= 0 is inner node c
    of the same tree, c < 0 is leaf ``~c``.

    Attributes
    ----------
    leaves
        Number of leaves of each tree; a tree has one inner node less.
    feature, threshold, left, right
        Inner nodes: attribute, last code that goes left (or number of the tree's label set), children.
    by_set
        1 where an inner node sends the labels of a set to the left, 0 where it cuts at the threshold.
    value
        Leaf values.
    sets, set_words, words
        Label sets of each tree, 32-bit words of each set, and the words: bit ``c % 32`` of word ``c // 32``
        says that code c goes left.
    """

    leaves: npt.NDArray[np.int32]
    feature: npt.NDArray[np.int32]
    threshold: npt.NDArray[np.int32]
    left: npt.NDArray[np.int32]
    right: npt.NDArray[np.int32]
    by_set: npt.NDArray[np.uint8]
    value: npt.NDArray[np.float64]
    sets: npt.NDArray[np.int32]
    set_words: npt.NDArray[np.int32]
    words: npt.NDArray[np.int64]

    @classmethod
    def constant(cls, value: float) -> Self:
        """A sum that is `value` everywhere: one tree of one leaf."""
        none = np.zeros(0, dtype=np.int32)
        one, flags, words = np.ones(1, dtype=np.int32), np.zeros(0, np.uint8), np.zeros(0, np.int64)
        return cls(one, none, none, none, none, flags, np.array([value]), 0 * one, none, words)

    @classmethod
    def mean(cls, sums: Sequence[TreeSum]) -> Self:
        """The mean of some sums, as one sum."""
        whole = cls(*(np.concatenate([getattr(s, f.name) for s in sums]) for f in fields(cls)))
        return replace(whole, value=whole.value / len(sums))

    def times(self, factor: float) -> Self:
        """The same trees with all values times a factor."""
        return replace(self, value=self.value * factor)

    @classmethod
    def from_lightgbm(cls, text: str, first: int = 0, step: int = 1) -> Self:
        """Read LightGBM's text form of a booster.

        With several classes, the trees of one of them: every `step`-th from number `first`.
        """
        parts: dict[str, list[npt.NDArray[Any]]] = {
            "split_feature": [],
            "threshold": [],
            "left_child": [],
            "right_child": [],
            "decision_type": [],
            "leaf_value": [],
            "cat_boundaries": [],
            "cat_threshold": [],
        }
        leaves, sets = [], []
        for block in text.split("\nTree=")[1 + first :: step]:
            fields = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
            leaves.append(int(fields["num_leaves"]))
            sets.append(int(fields["num_cat"]))
            for name, part in parts.items():
                if name in fields:
                    values = np.array(fields[name].split(), dtype=np.float64)
                    part.append(np.diff(values) if name == "cat_boundaries" else values)

        def whole(name: str, dtype: npt.DTypeLike = np.int32) -> npt.NDArray[Any]:
            # Codes are whole, so the cut between two of them is the lower one.
            flat: npt.NDArray[Any] = np.floor(np.concatenate([np.zeros(0), *parts[name]])).astype(dtype)
            return flat

        return cls(
            leaves=np.array(leaves, dtype=np.int32),
            feature=whole("split_feature"),
            threshold=whole("threshold"),
            left=whole("left_child"),
            right=whole("right_child"),
            by_set=(whole("decision_type") & 1).astype(np.uint8),
            value=np.concatenate(parts["leaf_value"]),
            sets=np.array(sets, dtype=np.int32),
            set_words=whole("cat_boundaries"),
            words=whole("cat_threshold", np.int64),
        )
