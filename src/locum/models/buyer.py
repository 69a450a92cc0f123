"""Noisy tables bought by attribute number: what generators without a junction tree share while they fit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from locum.privacy.calibration import MEAN_NOISE
from locum.sources.private import SHORTLIST, Candidate, Measurement, PrivateSource

Clique = tuple[int, ...]


class Buyer:
    """One fit under way; sees sizes and noisy counts only."""

    def __init__(self, source: PrivateSource) -> None:
        self.source, self.sizes = source, source.domain.sizes
        #: Attributes with more than one code.
        self.alive = [i for i, size in enumerate(self.sizes) if size > 1]
        self.total = source.row_count()

    def names(self, clique: Sequence[int]) -> tuple[str, ...]:
        """Names of attributes."""
        return tuple(self.source.domain.attributes[i].name for i in clique)

    def volume(self, clique: Sequence[int]) -> int:
        """Cells of a table over attributes."""
        return math.prod(self.sizes[i] for i in clique)

    def measure(self, cliques: Sequence[Clique], rho: float, purpose: str) -> list[Measurement]:
        """Noisy tables that cost `rho` together."""
        if not cliques:
            return []
        sigma = self.source.sigma_for(rho, len(cliques))
        return self.source.measure([self.names(c) for c in cliques], sigma, purpose=purpose)

    def most_offers(self, most: int) -> int:
        """At most `most` candidates of one choice, fewer where each score has to be bought."""
        return most if self.source.ledger.accounting == "zcdp" else SHORTLIST

    def offer(self, clique: Clique, shares: npt.NDArray[Any], sigma: float) -> Candidate:
        """A table that might be worth measuring with noise `sigma`, and what the model says of it."""
        estimate = np.asarray(np.rint(self.total * shares), dtype=np.int64)
        return Candidate(self.names(clique), estimate, 1, MEAN_NOISE * sigma * self.volume(clique))
