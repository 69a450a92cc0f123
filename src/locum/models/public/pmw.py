"""PMW^Pub: public rows, reweighted until they answer what was measured on the private ones."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from locum.arrays import FloatArray, IntArray
from locum.models.buyer import Buyer, Clique
from locum.models.private_model import PrivateModel, check_public
from locum.models.public.reweight import NoisyMarginal, noisy_marginal, reweight, sampling_trust
from locum.models.settings import BudgetSettings, ModelSettings, whole
from locum.models.weighted_rows import WeightedRows, WeightedRowsModel
from locum.privacy.calibration import MEAN_NOISE
from locum.progress import Event, Listener
from locum.schema.domain import CodedRows
from locum.sources.private import PrivateSource

#: Share of the budget for the single attributes.
ONE_WAY = 1 / 3
#: Share of a round's budget for choosing what to measure.
CHOICE = 0.15
#: Tables with more cells are not measured.
MOST_CELLS = 1 << 20
#: Most tables that are measured at once, or scored in all.
MOST_TABLES = 1_500


@dataclass(frozen=True, kw_only=True)
class PublicWeightsSettings(BudgetSettings):
    """Settings of PMW^Pub."""

    rounds: int | None = whole(
        None,
        0,
        10_000,
        "Rounds of choosing and measuring; 0 measures all pairs at once; None chooses by public facts.",
        optional=True,
    )


class PublicWeights(PrivateModel, WeightedRowsModel):
    """Public rows with weights learned from noisy marginals of private rows (PMW^Pub).

    Only rows that are in the public table can come out, so the public table must cover what matters; where it
    is biased, the weights undo the bias as far as the measured marginals show it.

    What is measured: all single attributes for a third of the budget; for the rest all pairs at once where
    that noise is small beside what `n_public` rows leave unknown, otherwise, round by round, the marginal of
    up to three attributes that is chosen as badly answered. The last weights are the model.

    Notes
    -----
    Source: Liu, Vietri, Steinke, Ullman, Wu, Leveraging Public Data for Practical Private Query Release, ICML
    2021. What differs: a whole marginal is chosen and measured where the paper takes one of its cells, which
    costs the same; the update on all measurements so far is carried to its end and holds on to the public
    weights as far as their fit to the single attributes warrants (`sampling_trust`); the last iterate is the
    result, not the average (which hurts under bias), and never the best by an un-noised score; either
    adjacency will do. Cost O(solver steps x public rows x measured tables), no density.
    """

    name: ClassVar[str] = "pmw-pub"
    needs_public: ClassVar[bool] = True
    settings_type: ClassVar[type[ModelSettings]] = PublicWeightsSettings

    settings: PublicWeightsSettings

    def _spend_source(
        self, source: PrivateSource, seed: int, progress: Listener, public: CodedRows | None
    ) -> None:
        rows = check_public(public, source.domain, self.name)
        known = WeightedRows.of(rows.take(np.arange(rows.n_rows)))
        run = _Run(source, known, rows.n_rows, progress)
        run.one_way()
        rounds = run.plan() if self.settings.rounds is None else self.settings.rounds
        if rounds:
            for i in range(rounds):
                progress(Event("fit", 1 + i, 2 + rounds, f"round {i + 1}"))
                run.round(rounds - i)
        else:
            run.pairs()
        progress(Event("fit", 1 + rounds, 2 + rounds, "weights"))
        self._rows = WeightedRows(known.rows, run.solve())
        progress(Event("fit", 2 + rounds, 2 + rounds))


class _Run(Buyer):
    """One fit under way; sees public rows and noisy counts only."""

    def __init__(self, source: PrivateSource, known: WeightedRows, n_public: int, progress: Listener) -> None:
        super().__init__(source)
        self.known, self.n_public, self.progress = known, n_public, progress
        self.weights = known.weights
        self.trust = 1.0
        self._targets: list[NoisyMarginal] = []
        self._dual: FloatArray | None = None
        self._cells: dict[Clique, IntArray] = {}
        self._measured: set[Clique] = set()

    def cells(self, clique: Clique) -> IntArray:
        if clique not in self._cells:
            self._cells[clique] = self.known.cells(list(clique), self.sizes)
        return self._cells[clique]

    def buy(self, cliques: list[Clique], rho: float, purpose: str) -> None:
        if not cliques or rho <= 0:
            return
        bought = self.measure(cliques, rho, purpose)
        if not self._targets:
            self.total = self.source.row_count(bought)
        for clique, m in zip(cliques, bought, strict=True):
            self._targets.append(noisy_marginal(self.cells(clique), m.counts, m.sigma, self.total))
            self._measured.add(clique)

    def one_way(self) -> None:
        """Measure single attributes and learn from them how far the public rows can be trusted."""
        self.progress(Event("fit", 0, 3, "single attributes"))
        ones: list[Clique] = [(i,) for i in self.alive]
        share = ONE_WAY if len(ones) > 1 else 1.0
        self.buy(ones, self.source.remaining_rho * share, "single attributes")
        self.trust = sampling_trust(self.known.weights, self.n_public, self._targets, self.total)

    def plan(self) -> int:
        """How many rounds, from public and noisy facts only; 0 for all pairs at once."""
        tables = len(self.pair_list())
        if not tables:
            return 0
        noise = self.source.sigma_for(max(self.source.remaining_rho, 1e-300), tables) / self.total
        # Half of what is unknown of a share of one half when so many rows are known.
        if tables <= MOST_TABLES and noise <= 0.25 / math.sqrt(max(self.n_public, 1)):
            return 0
        return min(20, max(5, len(self.alive)))

    def pair_list(self) -> list[Clique]:
        pairs: Iterator[Clique] = itertools.combinations(self.alive, 2)
        return [p for p in pairs if self.volume(p) <= MOST_CELLS]

    def pairs(self) -> None:
        """Measure all pairs for what is left."""
        self.progress(Event("fit", 1, 3, "pairs"))
        self.buy(self.pair_list(), self.source.remaining_rho, "all pairs")

    def round(self, left: int) -> None:
        """Choose a badly answered marginal and measure it, for one of `left` equal parts of what remains."""
        rho = self.source.remaining_rho / left
        sigma = self.source.sigma_for(max(rho * (1 - CHOICE), 1e-300))
        candidates = self.candidates(sigma)
        if not candidates or rho <= 0:
            return
        self.weights = self.solve(quick=True)
        cliques = [c for _, c in candidates[: self.most_offers(MOST_TABLES)]]
        offered = [
            self.offer(c, np.bincount(self.cells(c), self.weights, self.volume(c)), sigma) for c in cliques
        ]
        chosen = cliques[self.source.choose(offered, rho * CHOICE, purpose="what to measure")]
        self.buy([chosen], rho * (1 - CHOICE), "badly answered marginal")

    def candidates(self, sigma: float) -> list[tuple[float, Clique]]:
        """Marginals of two or three attributes not measured yet, the most promising first.

        Ranked by public facts: how unsure the public rows leave a table (square root of its occupied cells),
        less what noise would hide.
        """
        found = []
        for degree in (2, 3):
            if math.comb(len(self.alive), degree) > MOST_TABLES:
                continue
            for c in itertools.combinations(self.alive, degree):
                if c in self._measured or self.volume(c) > MOST_CELLS:
                    continue
                shares = np.bincount(self.cells(c), self.known.weights)
                unsure = self.total * MEAN_NOISE * float(np.sqrt(shares / self.n_public).sum())
                found.append((unsure - MEAN_NOISE * sigma * self.volume(c), c))
        return sorted(found, key=lambda pair: (-pair[0], pair[1]))[:MOST_TABLES]

    def solve(self, *, quick: bool = False) -> FloatArray:
        """Weights that answer all measurements so far."""
        self.weights, self._dual = reweight(
            self.known.weights, self._targets, self.trust, self._dual, steps=40 if quick else None
        )
        return self.weights
