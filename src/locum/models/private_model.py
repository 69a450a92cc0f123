"""Generators that learn from noisy counts, and their fits on plain rows: seeded noise, NOT PRIVATE."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, Self

from locum.errors import UsageError
from locum.models.checks import check_training
from locum.models.fitted_model import FittedModel
from locum.models.settings import BudgetSettings, ModelSettings
from locum.privacy.budget import Accounting, Budget
from locum.privacy.ledger import Ledger
from locum.progress import Listener, silent
from locum.randomness import check_seed
from locum.schema.domain import CodedRows, Domain
from locum.sources.memory import MemorySource
from locum.sources.private import PrivateSource


class PrivateModel(FittedModel):
    """A generator that sees noisy counts only; see `locum.models.base.CountModel`.

    Subclasses spend a source's budget in `_spend_source`.
    """

    settings_type: ClassVar[type[ModelSettings]] = BudgetSettings
    needs_public: ClassVar[bool] = False

    settings: BudgetSettings

    @property
    def accounting(self) -> Accounting:
        """How the ledger of `fit` adds up."""
        return "gdp"

    def fit(
        self, data: CodedRows, *, seed: int, progress: Listener = silent, public: CodedRows | None = None
    ) -> Self:
        """Fit on plain rows with seeded noise: for tests, comparisons and teaching. NOT PRIVATE."""
        seed = check_seed(seed)
        check_training(data)
        budget = Budget.approx(self.settings.epsilon, self.settings.delta)
        ledger = Ledger.test(budget, seed=seed, accounting=self.accounting)
        source = PrivateSource(MemorySource(data), ledger)
        return self.fit_source(source, seed=seed, progress=progress, public=public)

    def fit_source(
        self,
        source: PrivateSource,
        *,
        seed: int,
        progress: Listener = silent,
        public: CodedRows | None = None,
    ) -> Self:
        """Spend what the source has left; `public` is coded in the source's domain, where it is needed.

        Raises
        ------
        BudgetError
            When nothing is left to spend.
        FeasibilityError
            When the model would be larger than it may be.
        UsageError
            When the source cannot answer, or a needed public table is missing or of another domain.
        """
        seed = check_seed(seed)
        if self.needs_public:
            check_public(public, source.domain, self.name)
        self._spend_source(source, seed, progress, public)
        self._domain = source.domain
        return self

    @abstractmethod
    def _spend_source(
        self, source: PrivateSource, seed: int, progress: Listener, public: CodedRows | None
    ) -> None:
        """What `fit_source` does once its arguments are checked."""


def check_public(public: CodedRows | None, domain: Domain, where: str) -> CodedRows:
    """The public rows, or a UsageError that says what is wrong with them."""
    if public is None:
        raise UsageError(
            "there is no public table", where=where, do="give one, or use a synthesizer that needs none"
        )
    if public.domain != domain:
        raise UsageError(
            "the public table has other attributes than the private one",
            where="public table",
            do="encode both with one encoder",
        )
    if public.n_rows == 0:
        raise UsageError("the public table has no rows", where="public table", do="give at least one row")
    return public
