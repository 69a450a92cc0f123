"""JAM: each relation from the public table or from the private rows, whichever promises the smaller error."""

from __future__ import annotations

import itertools
from typing import ClassVar, Self

import numpy as np

from locum.arrays import FloatArray
from locum.errors import UsageError
from locum.models.marginal.aim import AimModel, Plan
from locum.models.marginal.model import check_share
from locum.models.marginal.session import Session
from locum.models.marginal.triangulate import Clique, canonical, volume
from locum.models.public.pmw import check_public
from locum.models.seeded import SeededPublicFit
from locum.models.structural_zeros import Impossible
from locum.privacy.calibration import MEAN_NOISE
from locum.progress import Listener, silent
from locum.schema.domain import Coded
from locum.sources.private import Candidate, PrivateSource

#: Tables over more cells than this are not taken from the public table.
MOST_CELLS = 1 << 18
#: Most public tables whose error is bought.
MOST_TABLES = 60
#: A public table this many times further off than chance is not believed at all.
LIMIT = 3.0


class JamModel(SeededPublicFit, AimModel):
    """AIM that starts from a public table: what the public rows tell well enough is not bought again.

    After the single columns, tables of the public rows are chosen by their own strength (free), and how far
    each is from the private rows is bought once, all together, for `check` of the budget. A table that is no
    further off than chance explains enters the model with the variance of its sampling, one that is further
    off with more, and one that is far off not at all. AIM's rounds then measure what is still wrong.

    Parameters
    ----------
    check
        Part of the budget for holding public tables against private rows.
    public_share
        Part of the model's size that public tables may take.
    epsilon, delta, max_model_mb, degree, target, zeros, plan
        As for AIM.

    Notes
    -----
    Source: Fuentes, Mullins, McKenna, Miklau, Sheldon, Joint Selection: Adaptively Incorporating Public
    Information for Private Synthetic Data, AISTATS 2024. What differs: the choice between public and private
    is made for all public tables at once, from noisy errors, instead of once a round by the exponential
    mechanism; a public table is weighed by its variance instead of taken or left; every step is Gaussian, and
    either adjacency will do. Cost: as AIM.
    """

    name: ClassVar[str] = "jam"
    #: `fit` and `fit_source` need a public table.
    needs_public: ClassVar[bool] = True

    def __init__(
        self,
        *,
        epsilon: float = 1.0,
        delta: float = 1e-6,
        max_model_mb: float = 1.0,
        degree: int | None = None,
        target: str | None = None,
        zeros: tuple[Impossible, ...] = (),
        plan: Plan | None = None,
        check: float = 0.03,
        public_share: float = 0.5,
    ) -> None:
        super().__init__(
            epsilon=epsilon, delta=delta, max_model_mb=max_model_mb, degree=degree, target=target,
            zeros=zeros, plan=plan,
        )  # fmt: skip
        self.check = check_share(check, "check")
        self.public_share = check_share(public_share, "public_share")
        self._public: Coded | None = None

    def fit_source(
        self,
        source: PrivateSource,
        *,
        seed: int,
        progress: Listener = silent,
        public: Coded | None = None,
    ) -> Self:
        """Spend what the source has left; `public` is coded in the source's domain.

        Raises
        ------
        UsageError
            Without a public table, or with one of another domain or without rows.
        BudgetError
            When nothing is left.
        """
        check_public(public, source.domain, self.name)
        self._public = public
        try:
            return AimModel.fit_source(self, source, seed=seed, progress=progress)
        finally:
            self._public = None

    def _learn_more(self, session: Session) -> None:
        """Take public tables in, each with the variance that its noisy error suggests."""
        if self._public is None:
            raise UsageError("there is no public table", where=self.name)
        known = _Public(self._public, session)
        chosen = known.choose(int(self.max_cells * self.public_share))
        if not chosen:
            return
        total = session.noisy_total()
        sigma = session.error_sigma_for(session.budget * self.check, len(chosen))
        asked = [
            Candidate(session.names(c), np.rint(total * known.shares(c)).astype(np.int64)) for c in chosen
        ]
        errors = session.source.scores(asked, sigma=sigma, purpose="errors of public tables")
        for clique, error in zip(chosen, errors, strict=True):
            variance = known.variance(clique, total)
            chance = MEAN_NOISE * float(np.sqrt(variance).sum())
            # One standard deviation of the noise is given in favour of doubt, not of the public table.
            excess = max(1.0, (float(error) + sigma) / max(chance, 1.0))
            if excess <= LIMIT:
                session.know(clique, total * known.shares(clique), variance * excess**2)
        session.refit()


class _Public:
    """What public rows say about marginals, and how well."""

    def __init__(self, public: Coded, session: Session) -> None:
        self.public, self.session = public, session
        self.sizes = public.domain.sizes
        self._shares: dict[Clique, FloatArray] = {}

    def shares(self, clique: Clique) -> FloatArray:
        """Public shares over codes, flat."""
        if clique not in self._shares:
            place = np.zeros(self.public.n_rows, dtype=np.int64)
            for a in clique:
                place = place * self.sizes[a] + self.public.column(a)
            counts = np.bincount(place, minlength=volume(clique, self.sizes))
            self._shares[clique] = counts / self.public.n_rows
        return self._shares[clique]

    def variance(self, clique: Clique, total: float) -> FloatArray:
        """Variance of each cell if the public rows were drawn like the private ones; never 0.

        A cell without public rows is given that of half a row spread over all such cells.
        """
        shares = self.shares(clique)
        empty = shares == 0
        floor = 0.5 / self.public.n_rows / max(1, int(empty.sum()))
        likely = np.where(empty, floor, shares)
        return np.asarray(total**2 * likely * (1.0 / self.public.n_rows + 1.0 / total), dtype=np.float64)

    def strength(self, clique: Clique) -> float:
        """How far the public rows are from what the model of single columns says, less chance."""
        shares = self.shares(clique)
        even: FloatArray = np.ones(1)
        for a in clique:
            even = np.multiply.outer(even, self.shares((a,))).reshape(-1)
        chance = MEAN_NOISE * float(np.sqrt(even / self.public.n_rows).sum())
        return float(np.abs(shares - even).sum()) - chance

    def choose(self, cells: int) -> list[Clique]:
        """Pairs and triples to take in, strongest first, as far as the junction tree stays small enough."""
        session = self.session
        live = [a for a, size in enumerate(session.sizes) if size > 1]
        pairs = [canonical(c, session.sizes) for c in itertools.combinations(live, 2)]
        able = [c for c in pairs if volume(c, self.sizes) <= MOST_CELLS]
        strong = sorted(able, key=lambda c: (-self.strength(c), c))
        chosen: list[Clique] = []
        for c in strong:
            graph = session.graph(chosen)
            fits = session.triangulator.cells_with(graph, c) <= cells
            if fits and self.strength(c) > 0 and len(chosen) < MOST_TABLES:
                chosen.append(c)
        return chosen
