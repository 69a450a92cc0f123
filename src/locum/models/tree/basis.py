"""What an additive model sees of an attribute: a few numbers for each of its codes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from locum.arrays import FloatArray
from locum.schema.domain import Attribute, Codes, Domain

#: Ordered attributes with at most so many codes are seen code by code, as labels are.
FEW_CODES = 7
#: Shares of the rows at which the slope of an ordered attribute may change.
KNOTS = (0.07, 0.25, 0.5, 0.75, 0.93)
#: Size of a change of slope beside the slope itself: smaller ones cost more penalty.
BEND = 0.5
#: Least share of the rows for a label to count by itself, and most labels of an attribute that do.
LEAST_SHARE, MOST_LABELS = 0.004, 40
#: Least share of the rows for a value to stand apart from the others, and the same as a multiple of either
#: neighbour's.
APART, OF_NEIGHBOUR = 0.1, 3.0
#: Normal scores are cut at this probability on either side.
LEAST_TAIL = 1e-7


@dataclass(frozen=True, slots=True, eq=False)
class Basis:
    """Features of every attribute by its codes.

    Attributes
    ----------
    tables
        Per attribute an array of shape (n_codes, n_features), centred over the rows. The first feature of an
        attribute that is `scored` is its normal score.
    first
        Number of the first feature of each attribute, and the number of all; shape (n_attributes + 1,).
    """

    tables: tuple[FloatArray, ...]
    first: tuple[int, ...]

    @classmethod
    def of(cls, domain: Domain, marginals: Sequence[FloatArray]) -> Basis:
        """The features of every attribute; they follow from its shares of the training rows alone."""
        tables = tuple(_features(a, m) for a, m in zip(domain, marginals, strict=True))
        return cls(tables, tuple(np.cumsum([0, *(t.shape[1] for t in tables)]).tolist()))

    def rows(self, codes: Codes) -> FloatArray:
        """Features of some rows; shape (n_rows, n_features)."""
        return np.hstack([t[codes[:, i]] for i, t in enumerate(self.tables)])

    def of_attributes(self, attributes: Sequence[int]) -> list[int]:
        """Numbers of the features of some attributes."""
        return [k for i in attributes for k in range(self.first[i], self.first[i + 1])]


def scored(attribute: Attribute) -> bool:
    """Whether an attribute is seen as a number and not code by code."""
    return attribute.ordered and attribute.size > FEW_CODES


def separate(attribute: Attribute, marginal: FloatArray) -> list[int]:
    """Codes, of an attribute that is not scored, that have a feature each: the most frequent has none."""
    order = np.argsort(-marginal, kind="stable")[1 : MOST_LABELS + 1]
    return sorted(int(code) for code in order if marginal[code] >= LEAST_SHARE)


def borders(attribute: Attribute, marginal: FloatArray) -> FloatArray:
    """Normal scores between the codes of a scored attribute; infinite at both ends.

    Codes that stand `apart` have no room; null, which is the last one, has no borders either.
    """
    total = _total(attribute, marginal)
    total[0], total[-1] = 0.0, 1.0
    out: FloatArray = ndtri(np.clip(total, 0.0, 1.0))
    return out


def middles(attribute: Attribute, marginal: FloatArray) -> FloatArray:
    """Normal score of the middle of each code's share, null aside; void for a code that stands apart."""
    total = _total(attribute, marginal)
    out: FloatArray = ndtri(np.clip((total[1:] + total[:-1]) / 2, LEAST_TAIL, 1 - LEAST_TAIL))
    return out


def apart(attribute: Attribute, marginal: FloatArray) -> tuple[int, ...]:
    """Codes of a scored attribute that say something else than its other numbers.

    Null, and values that so many rows have, and so few the next ones, that they are there for a reason of
    their own: the zeros of a number that is mostly zero, the forty hours of a week.
    """
    if not scored(attribute):
        return ()
    share = marginal if attribute.null is None else marginal[: attribute.null]
    beside = np.concatenate([[0.0], share, [0.0]])
    most = np.maximum(beside[:-2], beside[2:])
    found = np.flatnonzero((share >= APART) & (share >= OF_NEIGHBOUR * most) & (share < 1.0)).tolist()
    return tuple(found) if attribute.null is None else (*found, attribute.null)


def _numbers(attribute: Attribute, marginal: FloatArray) -> FloatArray:
    """Share of each code, null aside, among the rows that have none of those that stand apart."""
    share = (marginal if attribute.null is None else marginal[: attribute.null]).copy()
    share[[code for code in apart(attribute, marginal) if code < len(share)]] = 0.0
    return share / max(float(share.sum()), 1e-300)


def _total(attribute: Attribute, marginal: FloatArray) -> FloatArray:
    share = _numbers(attribute, marginal)
    return np.concatenate([[0.0], np.cumsum(share)])


def _features(attribute: Attribute, marginal: FloatArray) -> FloatArray:
    size = attribute.size
    if not scored(attribute):
        picked = separate(attribute, marginal)
        out = np.zeros((size, len(picked)))
        out[picked, np.arange(len(picked))] = 1.0
        return out - marginal @ out
    middle, share = middles(attribute, marginal), _numbers(attribute, marginal)
    total = np.cumsum(share)
    knots = np.unique(middle[np.minimum(np.searchsorted(total, KNOTS), len(middle) - 1)])
    held = middle[share > 0]
    knots = knots[(knots > held.min(initial=0.0)) & (knots < held.max(initial=0.0))]
    numbers = np.column_stack([middle, *(BEND * np.maximum(middle - k, 0.0) for k in knots)])
    others = apart(attribute, marginal)
    out = np.tile(share @ numbers, (size, 1))
    out[: len(numbers)] = numbers
    out[list(others)] = share @ numbers
    flags = np.zeros((size, len(others)))
    flags[others, np.arange(len(others))] = 1.0
    out = np.hstack([out, flags])
    centred: FloatArray = out - marginal @ out
    return centred
