"""Votes: each row is counted for the one of some proposed rows that it is nearest to."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from locum.schema.domain import Codes, Domain
from locum.sources.base import Counts

#: Numbers in one block of distances (float32).
_BLOCK = 1 << 22
#: Labels with more codes are compared one by one instead of as a point.
_NARROW = 64


@runtime_checkable
class VotingSource(Protocol):
    """A source that can hold its rows against proposed ones. Votes of parts of a data set add up."""

    def votes(self, proposed: Codes) -> Counts:
        """Number of rows nearest to each proposed row; int64, shape (n_proposed,). See `nearest_votes`."""
        ...


def nearest_votes(codes: Codes, domain: Domain, proposed: Codes) -> Counts:
    """How many rows are nearest to each proposed row.

    The squared distance adds, over attributes, 1 where labels differ, and the squared difference of ordered
    codes as parts of their range (1 where only one of the two is missing). The first of equally near proposed
    rows gets the vote, so a row has exactly one, and depends on no other row.

    Parameters
    ----------
    codes
        The rows, shape (n_rows, n_attributes); codes outside the domain count as the nearest inside.
    domain
        What the columns of both are.
    proposed
        Shape (n_proposed, n_attributes), at least one.

    Notes
    -----
    Cost: one product of matrices, rows x (sum of sizes of labels up to 64) x proposed rows. Extra memory
    about 64 MB.
    """
    points = _embedded(proposed, domain)
    half = 0.5 * np.einsum("ij,ij->i", points, points)
    wide = [i for i, a in enumerate(domain) if not a.ordered and a.size > _NARROW]
    votes = np.zeros(len(points), dtype=np.int64)
    step = max(1, _BLOCK // max(1, len(points) + points.shape[1]))
    for start in range(0, len(codes), step):
        part = codes[start : start + step]
        near = _embedded(part, domain) @ points.T - half
        for i in wide:
            values = np.clip(part[:, i], 0, domain.attributes[i].size - 1)
            near += np.float32(0.5) * (values[:, None] == proposed[None, :, i])
        votes += np.bincount(np.argmax(near, axis=1), minlength=len(points))
    return votes


def _embedded(codes: Codes, domain: Domain) -> npt.NDArray[np.float32]:
    """Rows as points whose squared Euclidean distance is that of `nearest_votes`, wide labels left out."""
    widths = [
        (1 if a.null is None else 2) if a.ordered else (a.size if a.size <= _NARROW else 0) for a in domain
    ]
    out = np.zeros((len(codes), sum(widths)), dtype=np.float32)
    rows, at = np.arange(len(codes)), 0
    for i, (attribute, width) in enumerate(zip(domain, widths, strict=True)):
        values = np.clip(codes[:, i], 0, attribute.size - 1)
        if width == 0:
            continue
        if not attribute.ordered:
            out[rows, at + values] = np.sqrt(0.5)
        else:
            missing = values == (-1 if attribute.null is None else attribute.null)
            top = max(1, attribute.size - 1 - (attribute.null is not None))
            out[:, at] = np.where(missing, 0.5, values / top)
            if width == 2:
                out[:, at + 1] = np.where(missing, 1.0, 0.0)
        at += width
    return out
