"""One private fit under way: what has been measured, the model so far, and what is left to spend."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from locum.arrays import FloatArray
from locum.errors import BudgetError, FeasibilityError
from locum.models.marginal.coarse import Coarsening
from locum.models.marginal.fit import FactorFit, FitSettings, fit
from locum.models.marginal.measured import MeasuredTable, pool, total_of
from locum.models.marginal.network import Network
from locum.models.marginal.propagation import Propagation
from locum.models.marginal.query import Query
from locum.models.marginal.triangulate import Clique, JunctionTree, Triangulator
from locum.models.structural_zeros import Mask
from locum.privacy.calibration import MEAN_NOISE, sigma_for
from locum.schema.domain import Domain
from locum.sources.private import Candidate, PrivateSource

#: Codes whose noisy count is below so many standard deviations are put together.
RARE = 3.0
#: Part of the noise that survives the fit, which is regular and shares strength between tables. 1 would be
#: no fit at all, as in AIM's score; on titanic, nltcs and adult (epsilon 1) 0.35 to 0.6 gave the least error.
KEPT_NOISE = 0.4
#: A hair less than all, so that rounding cannot ask for more than there is.
_ALL = 1 - 1e-9


class Session:
    """Holds what is known about the data, all of it noisy, and the model fitted to it.

    Parameters
    ----------
    source
        Answers noisy questions and pays for them.
    zeros
        What cannot happen: for some cliques a boolean table over them, True where impossible.
    settings
        How hard to fit.
    """

    def __init__(
        self,
        source: PrivateSource,
        zeros: Sequence[tuple[Clique, Mask]] = (),
        settings: FitSettings | None = None,
    ) -> None:
        self.source = source
        self.domain: Domain = source.domain
        self.settings = settings or FitSettings()
        self.coarsening = Coarsening.none(self.domain.sizes)
        self.sizes = self.domain.sizes
        self.triangulator = Triangulator(self.sizes)
        self._noisy: list[MeasuredTable] = []
        self._noise: float | None = None
        self._zeros: dict[Clique, FloatArray] = {}
        for clique, mask in zeros:
            self._zeros[clique] = self._zeros.get(clique, 0.0) + np.where(mask, -np.inf, 0.0)
        self._known: dict[Clique, FloatArray] = {}
        self._engine: Propagation | None = None
        self._fitted: FactorFit | None = None
        self._query: Query | None = None
        self.total = 1.0
        self.passes = 0
        self.budget = self.left

    @property
    def left(self) -> float:
        """Budget left, in rho."""
        return float(self.source.remaining_rho)

    @property
    def live(self) -> list[Clique]:
        """The single attributes worth measuring; the first one where none has two codes."""
        live: list[Clique] = [(a,) for a, s in enumerate(self.domain.sizes) if s > 1]
        return live or [(0,)]

    @property
    def cliques(self) -> tuple[Clique, ...]:
        """What the model is over: measured cliques and those of impossible combinations."""
        return tuple(dict.fromkeys([*(m.clique for m in self._noisy), *self._zeros]))

    @property
    def tree(self) -> JunctionTree:
        """The junction tree of the last fit."""
        assert self._engine is not None
        return self._engine.tree

    def graph(self, more: Iterable[Clique] = ()) -> list[int]:
        """The attributes that are neighbours in the model so far, and in some cliques more."""
        return self.triangulator.graph([*self.cliques, *more])

    def sigma_for(self, rho: float, tables: int = 1) -> float:
        """Noise for `tables` tables that together cost `rho`."""
        self._check(rho)
        return sigma_for(rho * _ALL, self.source.sensitivity, tables)

    def error_sigma_for(self, rho: float, candidates: int) -> float:
        """Noise for the errors of so many candidates that together cost `rho`."""
        self._check(rho)
        return sigma_for(rho * _ALL, self.source.ledger.unit.l1, candidates)

    def names(self, clique: Iterable[int]) -> tuple[str, ...]:
        """Names of the attributes of a clique."""
        return tuple(self.domain.attributes[a].name for a in clique)

    def measure(self, cliques: Sequence[Clique], sigma: float, purpose: str) -> None:
        """Buy noisy tables, each with noise `sigma` in each cell."""
        bought = self.source.measure([self.names(c) for c in cliques], sigma, purpose=purpose)
        for clique, m in zip(cliques, bought, strict=True):
            counts = self.coarsening.sum_groups(m.counts.astype(float), clique)
            self._noisy.append(MeasuredTable(clique, counts, m.sigma**2 * self.coarsening.cells(clique)))

    def know(self, clique: Clique, counts: FloatArray, variance: FloatArray) -> None:
        """Take in a table that is public, as if it had been bought with noise of that variance a cell.

        The entropy of later fits goes by the noise so far: a public cell may be all but certain, and would
        otherwise flatten everything else.
        """
        if self._noise is None:
            self._noise = float(np.sqrt(min(float(np.min(m.variance)) for m in self._noisy)))
        summed = self.coarsening.sum_groups
        self._noisy.append(MeasuredTable(clique, summed(counts, clique), summed(variance, clique)))

    def errors(self, cliques: Sequence[Clique], sigma: float, purpose: str) -> list[float]:
        """Buy noisy L1 distances between the data's counts and the model's."""
        found = self.source.scores([self.candidate(c) for c in cliques], sigma=sigma, purpose=purpose)
        return [float(x) for x in found]

    def candidate(self, clique: Clique, weight: int = 1, offset: float = 0.0) -> Candidate:
        """A table with the model's expected counts, for selection."""
        estimate = np.rint(self.coarsening.spread(self.expected(clique), clique))
        return Candidate(self.names(clique), estimate.astype(np.int64), weight, offset)

    def bias(self, clique: Clique, sigma: float) -> float:
        """The L1 error that noise would leave in a table, were it measured and the model fitted to it."""
        return KEPT_NOISE * MEAN_NOISE * sigma * float(np.sqrt(self.coarsening.cells(clique)).sum())

    def noisy_total(self) -> float:
        """The number of rows that the tables so far say."""
        return total_of(pool(self._noisy))

    def answerable(self, clique: Clique) -> bool:
        """Whether the model's expected counts can be worked out within the memory allowed."""
        try:
            self.expected(clique)
        except FeasibilityError:
            return False
        return True

    def coarsen(self, above: int) -> None:
        """Put the rare codes of single columns together, where a column has more than `above` codes.

        Only single columns may have been measured. Columns of impossible combinations stay as they are.
        """
        held = {a for clique in self._zeros for a in clique}
        counts: list[FloatArray | None] = [None] * len(self.sizes)
        floor = 0.0
        pooled = pool(self._noisy)
        for m in pooled:
            if self.sizes[m.clique[0]] > above and m.clique[0] not in held:
                counts[m.clique[0]] = m.counts
                floor = RARE * float(np.sqrt(np.max(m.variance)))
        self.coarsening = Coarsening.of_rare(self.sizes, counts, floor)
        if self.coarsening.trivial:
            return
        self._noisy = [
            MeasuredTable(
                m.clique,
                self.coarsening.sum_groups(m.counts, m.clique),
                self.coarsening.sum_groups(m.variance, m.clique),
            )
            for m in pooled
        ]
        self.sizes = self.coarsening.sizes
        self.triangulator = Triangulator(self.sizes)
        self._known, self._engine = {}, None

    def refit(self, *, tolerance: float | None = None, steps: int | None = None) -> None:
        """Fit the model to all that has been measured, starting from the last fit."""
        pooled = pool(self._noisy)
        factors = [p.clique for p in pooled]
        planned = (*factors, *(c for c in self._zeros if c not in factors))
        self.total = total_of(pooled)
        if self._engine is None or self._engine.factors != planned:
            self._engine = Propagation(self.triangulator.tree(planned), planned)
        settings = replace(
            self.settings, tolerance=tolerance or self.settings.tolerance, steps=steps or self.settings.steps
        )
        warm = [self._known.get(c) for c in factors]
        self._fitted = fit(
            self._engine, pooled, self.total, settings, fixed=self._zeros, warm=warm, noise=self._noise
        )
        self.passes += self._fitted.steps
        self._known = dict(zip(factors, self._fitted.weights, strict=True))
        self._query = Query(self._engine.tree, self._fitted.beliefs)

    def expected(self, clique: Clique) -> FloatArray:
        """Expected counts of the model over groups of codes, flat."""
        assert self._query is not None
        return self.total * self._query.marginal(clique).reshape(-1)

    def network(self) -> Network:
        """The model of the last fit, on its own."""
        assert self._engine is not None and self._fitted is not None
        return Network(self.sizes, self._engine.factors, self._fitted.tables, self._engine.tree.order)

    def check_size(self, most: int) -> None:
        """Refuse a domain whose single columns and impossible combinations alone outgrow a model.

        Raises
        ------
        FeasibilityError
            With the columns to make coarser.
        """
        cells = self.triangulator.cells(self.cliques or self.live)
        if cells <= most:
            return
        by_size = sorted(range(len(self.sizes)), key=lambda a: -self.sizes[a])[:3]
        raise FeasibilityError(
            f"the model would need {cells:,} cells",
            where="max_model_mb",
            expected=f"at most {most:,}",
            do=f"coarsen {', '.join(self.names(by_size))}, or allow a larger model",
        )

    def _check(self, rho: float) -> None:
        if not rho > 0:
            raise BudgetError(
                "nothing is left of the privacy budget",
                where="privacy budget",
                do="use a larger total; a spent budget does not come back",
            )
