"""What all private synthesizers on a graphical model share: fit on a source, sample, density, file."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Self

import numpy as np

from locum.arrays import FloatArray
from locum.errors import NotFittedError, UsageError
from locum.models.base import ModelState
from locum.models.checks import check_guide, check_rows, check_width, within
from locum.models.guide import Guide
from locum.models.marginal.coarse import Coarsening
from locum.models.marginal.conditional import sample_guided
from locum.models.marginal.network import Network
from locum.models.marginal.session import Session
from locum.models.marginal.stored import restore, store
from locum.models.seeded import SeededFit
from locum.models.structural_zeros import Impossible, impossible
from locum.progress import Event, Listener, silent
from locum.randomness import check_seed, stream
from locum.schema.domain import Codes, Domain
from locum.sources.private import PrivateSource

#: Cells in one megabyte of a model, at 8 bytes each.
CELLS_A_MB = 2**17

Step = Callable[[float, str], None]


class MarginalModel(SeededFit):
    """A graphical model fitted to noisy marginals; subclasses say which marginals are bought.

    Parameters
    ----------
    epsilon, delta
        Budget of `fit`, which is a test mode with seeded noise and NOT PRIVATE. `fit_source` spends what its
        source has left and does not look at these.
    max_model_mb
        Largest junction tree, in units of 131,072 cells (8 bytes each).
    zeros
        Combinations known in advance to be impossible; they get probability 0 exactly.
    """

    name: ClassVar[str]
    has_density: ClassVar[bool] = True

    def __init__(
        self,
        *,
        epsilon: float = 1.0,
        delta: float = 1e-6,
        max_model_mb: float = 1.0,
        zeros: tuple[Impossible, ...] = (),
    ) -> None:
        if not 0 < max_model_mb <= 4096:
            raise UsageError(
                f"a model of {max_model_mb!r} MB cannot be",
                where="max_model_mb",
                expected="above 0, up to 4096",
            )
        self.epsilon, self.delta = epsilon, delta
        self.max_cells = int(max_model_mb * CELLS_A_MB)
        self._zeros = tuple(zeros)
        self._network: Network | None = None
        self._coarsening: Coarsening | None = None
        self._domain: Domain | None = None
        self._total = 0.0

    @abstractmethod
    def _spend(self, session: Session, step: Step) -> None:
        """Buy marginals and leave the session fitted to them; `step` hears of the share done."""

    def fit_source(self, source: PrivateSource, *, seed: int, progress: Listener = silent) -> Self:
        """Spend what the source has left on noisy marginals, and fit a model to them.

        Parameters
        ----------
        source
            Where noisy answers come from. Nothing else about the data is seen.
        seed
            Checked; the fit itself uses no chance but the source's noise.
        progress
            Hears the share of the budget that is spent.

        Raises
        ------
        BudgetError
            When nothing is left to spend.
        FeasibilityError
            When single columns alone are larger than the model may be.
        UsageError
            When impossible combinations name unknown columns, or leave no possible row.
        """
        check_seed(seed)
        done = 0.0

        def step(share: float, note: str) -> None:
            nonlocal done
            done = max(done, min(share, 1.0))
            progress(Event("fit", done, 1.0, note))

        step(0.0, "single columns")
        session = Session(source, impossible(self._zeros, source.domain))
        self._spend(session, step)
        self._network = session.network()
        self._coarsening = session.coarsening
        self._domain, self._total = source.domain, session.total
        step(1.0, "")
        return self

    @property
    def network(self) -> Network:
        """The fitted distribution over groups of codes; see `coarsening`."""
        self._fitted()
        assert self._network is not None
        return self._network

    @property
    def coarsening(self) -> Coarsening:
        """Which codes were put together before modelling."""
        self._fitted()
        assert self._coarsening is not None
        return self._coarsening

    @property
    def total(self) -> float:
        """Number of rows according to the noisy tables."""
        self._fitted()
        return self._total

    def sample(self, n: int, *, seed: int) -> Codes:
        """Draw `n` rows; int32, shape (n, n_attributes), Fortran order."""
        self._fitted()
        rng = stream(check_seed(seed), self.name, "sample")
        return self.coarsening.refined(self.network.sample(check_rows(n), rng), rng)

    def sample_guided(self, n: int, guide: Guide, *, seed: int) -> tuple[Codes, FloatArray]:
        """Draw rows under a condition, with log weights; see `locum.models.base.Guided`.

        Exact by evidence in the factor graph; only pair factors are left to the weights. No budget is spent:
        this is post-processing.
        """
        domain = self._fitted()
        n, rng = check_rows(n), stream(check_seed(seed), self.name, "guided")
        check_guide(guide, n, domain)
        return sample_guided(self.network, self.coarsening, n, guide, rng)

    def log_prob(self, codes: Codes) -> FloatArray:
        """Natural log of each row's probability; -inf for impossible rows and unknown codes."""
        domain = self._fitted()
        check_width(codes, domain)
        inside = within(codes, domain)
        total = np.full(codes.shape[0], -np.inf)
        known = codes[inside]
        total[inside] = self.network.log_prob(self.coarsening.coarsened(known))
        total[inside] += self.coarsening.log_share(known)
        np.minimum(total, 0.0, out=total)
        return total

    def state(self) -> ModelState:
        """Log weights of every factor, the elimination order of the tree, and the groups of codes."""
        self._fitted()
        return store(self.network, self.coarsening, self._total)

    @classmethod
    def from_state(cls, state: ModelState, domain: Domain) -> Self:
        """Rebuild a fitted model; raises FileFormatError on anything `state` cannot have written."""
        model = cls()
        model._network, model._coarsening, model._total = restore(state, domain)
        model._domain = domain
        return model

    def _fitted(self) -> Domain:
        if self._domain is None:
            raise NotFittedError("the model has not been fitted", where=self.name, do="call fit first")
        return self._domain


def check_share(value: Any, name: str) -> float:
    """A setting that is a part of a whole; raises UsageError outside (0, 1)."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
        raise UsageError(f"{value!r} is not a share", where=name, expected="above 0 and below 1")
    return float(value)
