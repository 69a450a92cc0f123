"""Fits of private generators on plain rows: seeded noise, and a ledger of their own. Not private."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Self

from locum.models.checks import check_training
from locum.privacy.budget import Accounting, Budget
from locum.privacy.ledger import Ledger
from locum.progress import Listener, silent
from locum.randomness import check_seed
from locum.schema.domain import Coded
from locum.sources.memory import MemorySource
from locum.sources.private import PrivateSource


def seeded_source(
    data: Coded, *, epsilon: float, delta: float, seed: int, accounting: Accounting = "gdp"
) -> PrivateSource:
    """A source with seeded noise, for ``Model.fit`` on rows that need no protection. NOT PRIVATE."""
    ledger = Ledger.test(Budget.approx(epsilon, delta), seed=seed, accounting=accounting)
    return PrivateSource(MemorySource(data), ledger)


class Seeded(ABC):
    """A private generator with the budget of its seeded fit.

    Attributes
    ----------
    epsilon, delta
        Budget of `fit`; `fit_source` spends what its source has left.
    """

    epsilon: float
    delta: float

    @property
    def accounting(self) -> Accounting:
        """How the ledger of `fit` adds up."""
        return "gdp"

    def _seeded(self, data: Coded, seed: int) -> PrivateSource:
        seed = check_seed(seed)
        check_training(data)
        return seeded_source(
            data, epsilon=self.epsilon, delta=self.delta, seed=seed, accounting=self.accounting
        )


class SeededFit(Seeded):
    """`fit` of a generator that reads private rows only."""

    @abstractmethod
    def fit_source(self, source: PrivateSource, *, seed: int, progress: Listener = silent) -> Self:
        """Spend what the source has left."""

    def fit(self, data: Coded, *, seed: int, progress: Listener = silent) -> Self:
        """Fit on plain rows with seeded noise: for tests, comparisons and teaching. NOT PRIVATE."""
        return self.fit_source(self._seeded(data, seed), seed=seed, progress=progress)


class SeededPublicFit(Seeded):
    """`fit` of a generator that reads public rows beside the private ones."""

    @abstractmethod
    def fit_source(
        self, source: PrivateSource, *, seed: int, progress: Listener = silent, public: Coded | None = None
    ) -> Self:
        """Spend what the source has left; `public` is coded in the source's domain."""

    def fit(
        self, data: Coded, *, seed: int, progress: Listener = silent, public: Coded | None = None
    ) -> Self:
        """Fit on plain rows with seeded noise: for tests, comparisons and teaching. NOT PRIVATE."""
        return self.fit_source(self._seeded(data, seed), seed=seed, progress=progress, public=public)
