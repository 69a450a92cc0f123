"""JAM: each relation from the public table or from the private rows, whichever promises the smaller error."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from locum.arrays import FloatArray
from locum.models.marginal.aim import AimModel
from locum.models.marginal.model import WorkloadSettings
from locum.models.marginal.session import Session
from locum.models.marginal.triangulate import Clique, canonical, volume
from locum.models.private_model import check_public
from locum.models.settings import ModelSettings, number
from locum.privacy.calibration import MEAN_NOISE
from locum.progress import Listener
from locum.schema.domain import CodedRows
from locum.sources.private import Candidate, PrivateSource

#: Tables over more cells than this are not taken from the public table.
MOST_CELLS = 1 << 18
#: Most public tables whose error is bought.
MOST_TABLES = 60
#: A public table this many times further off than chance is not believed at all.
LIMIT = 3.0


@dataclass(frozen=True, kw_only=True)
class JamSettings(WorkloadSettings):
    """Settings of JAM."""

    check: float = number(
        0.03,
        0.0,
        1.0,
        "Part of the budget for holding public tables against private rows.",
        outside=("low", "high"),
    )
    public_share: float = number(
        0.5, 0.0, 1.0, "Part of the model's size that public tables may take.", outside=("low", "high")
    )


class JamModel(AimModel):
    """AIM that starts from a public table: what the public rows tell well enough is not bought again.

    After the single columns, tables of the public rows are chosen by their own strength (free), and how far
    each is from the private rows is bought once, all together, for the part `check` of the budget. A table
    that is no further off than chance explains enters the model with the variance of its sampling, one that
    is further off with more, and one that is far off not at all. AIM's rounds then measure the rest.

    Notes
    -----
    Source: Fuentes, Mullins, McKenna, Miklau, Sheldon, Joint Selection: Adaptively Incorporating Public
    Information for Private Synthetic Data, AISTATS 2024. What differs: the choice between public and private
    is made for all public tables at once, from noisy errors, instead of once a round by the exponential
    mechanism; a public table is weighed by its variance instead of taken or left; every step is Gaussian, and
    either adjacency will do. Cost: as AIM.
    """

    name: ClassVar[str] = "jam"
    needs_public: ClassVar[bool] = True
    settings_type: ClassVar[type[ModelSettings]] = JamSettings

    settings: JamSettings
    _public: CodedRows | None = None

    def _spend_source(
        self, source: PrivateSource, seed: int, progress: Listener, public: CodedRows | None
    ) -> None:
        self._public = public
        try:
            super()._spend_source(source, seed, progress, public)
        finally:
            self._public = None

    def _learn_more(self, session: Session) -> None:
        """Take public tables in, each with the variance that its noisy error suggests."""
        known = _Public(check_public(self._public, session.domain, self.name), session)
        chosen = known.choose(int(self.max_cells * self.settings.public_share))
        if not chosen:
            return
        total = session.noisy_total()
        sigma = session.error_sigma_for(session.budget * self.settings.check, len(chosen))
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

    def __init__(self, public: CodedRows, session: Session) -> None:
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
