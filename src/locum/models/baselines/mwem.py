"""MWEM: one histogram over all combinations, bent towards what the noisy answers say."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from locum.arrays import FloatArray, IntArray
from locum.models.base import ModelState
from locum.models.buyer import Buyer, Clique
from locum.models.checks import broken
from locum.models.codec import ArraySpec, Layout, StateReader, check_shares, flatten
from locum.models.private_model import PrivateModel
from locum.models.public.reweight import NoisyMarginal, noisy_marginal, reweight
from locum.models.settings import BudgetSettings, ModelSettings, whole
from locum.privacy.budget import Accounting
from locum.progress import Event, Listener
from locum.randomness import stream
from locum.schema.domain import CodedRows, Codes, Domain
from locum.sources.private import Measurement, PrivateSource

#: Share of the budget for single attributes, and of a round for its choice.
ONE_WAY, CHOICE = 0.2, 0.1
#: How much of a distribution is spread evenly, so that no combination is impossible.
EVEN = 1e-9
#: Most rounds, and most candidates that are looked at in one.
MOST_ROUNDS, MOST_CANDIDATES = 8, 200
_LAYOUT = Layout({"groups": ArraySpec(np.int64, low=0), "shares": ArraySpec(np.float64, 0, 1)})


@dataclass(frozen=True, kw_only=True)
class MWEMSettings(BudgetSettings):
    """Settings of MWEM."""

    cells: int = whole(
        1 << 13,
        1,
        1 << 24,
        "Cells of one histogram; attributes that do not fit together get histograms of their own. "
        "Memory: some ten arrays of so many numbers.",
    )


class MWEM(PrivateModel):
    """One histogram over the whole domain, reweighted to a few chosen noisy marginals.

    A baseline: only for few attributes with few codes. Attributes are taken in order into histograms of at
    most `cells` cells; attributes of different histograms are independent in the model.

    Notes
    -----
    Source: Hardt, Ligett, McSherry, A simple and practical algorithm for differentially private data release,
    NIPS 2012. What differs: whole marginals are chosen and measured, which costs the same as one cell; noise
    is Gaussian; the single attributes are measured first; the update on all measurements so far is carried
    to its end; the last iterate is the result. Cost O(rounds x solver steps x cells).
    """

    name: ClassVar[str] = "mwem"
    settings_type: ClassVar[type[ModelSettings]] = MWEMSettings
    #: For the exponential mechanism.
    accounting: Accounting = "zcdp"

    settings: MWEMSettings
    _groups: tuple[int, ...]
    _shares: tuple[FloatArray, ...]

    def _spend_source(
        self, source: PrivateSource, seed: int, progress: Listener, public: CodedRows | None
    ) -> None:
        """`seed` shuffles what a Gaussian ledger's short list is taken from."""
        groups = _group_attributes(source.domain.sizes, self.settings.cells)
        run = _Run(source, groups)
        rounds = min(MOST_ROUNDS, len(run.candidates))
        run.measure_ones(1.0 if not rounds else ONE_WAY)
        for i in range(rounds):
            progress(Event("fit", i, rounds + 1, f"round {i + 1}"))
            run.round(rounds - i, stream(seed, "mwem", "round", i))
        progress(Event("fit", rounds, rounds + 1, "histogram"))
        self._shares = tuple(run.solve(g) for g in range(1 + max(groups, default=-1)))
        self._groups = groups
        progress(Event("fit", rounds + 1, rounds + 1))

    def _draw(self, n: int, seed: int) -> Codes:
        sizes = self._fitted().sizes
        out = np.empty((n, len(sizes)), dtype=np.int32, order="F")
        for g, shares in enumerate(self._shares):
            columns = [i for i, group in enumerate(self._groups) if group == g]
            steps = np.cumsum(shares)
            points = stream(seed, "mwem", "sample", g).random(n) * float(steps[-1])
            drawn = np.minimum(np.searchsorted(steps, points, side="right"), np.flatnonzero(shares)[-1])
            for i, codes in zip(columns, np.unravel_index(drawn, [sizes[i] for i in columns]), strict=True):
                out[:, i] = codes
        return out

    def _log_prob(self, codes: Codes) -> FloatArray:
        """Log of the cell's share, summed over histograms."""
        sizes, total = self._fitted().sizes, np.zeros(len(codes))
        for g, shares in enumerate(self._shares):
            place = np.zeros(len(codes), dtype=np.int64)
            for i in (i for i, group in enumerate(self._groups) if group == g):
                place = place * sizes[i] + codes[:, i]
            with np.errstate(divide="ignore"):
                total += np.log(shares[place]) - np.log(shares.sum())
        return total

    def _store(self) -> ModelState:
        """Which histogram each attribute is in, and the histograms end to end."""
        return _LAYOUT.write({"groups": self._groups, "shares": flatten(self._shares)})

    def _restore(self, state: ModelState, domain: Domain) -> None:
        file = StateReader(state, domain, _LAYOUT)
        groups = file.array("groups", len(domain)).tolist()
        if max(groups) >= len(groups) or set(groups) != set(range(max(groups) + 1)):
            raise broken("histograms are not numbered from 0")
        volumes = [1] * (max(groups) + 1)
        for group, size in zip(groups, domain.sizes, strict=True):
            volumes[group] *= size
        self._groups, self._shares = tuple(groups), file.parts("shares", volumes)
        check_shares(self._shares, 0.5, 2.0)


def _group_attributes(sizes: Sequence[int], cells: int) -> tuple[int, ...]:
    """Number of the histogram of each attribute: as many neighbours together as fit."""
    groups: list[int] = []
    volume = 0
    for size in sizes:
        fits = volume > 0 and volume * size <= cells
        volume = volume * size if fits else size
        groups.append((groups[-1] if groups else -1) + (0 if fits else 1))
    return tuple(groups)


class _Run(Buyer):
    """One fit under way."""

    def __init__(self, source: PrivateSource, groups: tuple[int, ...]) -> None:
        super().__init__(source)
        self.groups = groups
        n = 1 + max(groups, default=-1)
        self.members = [[i for i, group in enumerate(groups) if group == g] for g in range(n)]
        self.targets: list[list[NoisyMarginal]] = [[] for _ in self.members]
        self.dual: list[FloatArray | None] = [None for _ in self.members]
        self._cells: dict[Clique, IntArray] = {}
        self.candidates: list[Clique] = [
            c
            for group in self.members
            for degree in (2, 3)
            for c in itertools.combinations([i for i in group if self.sizes[i] > 1], degree)
        ]

    def cells(self, clique: Clique) -> IntArray:
        """Cell of the marginal that each cell of its histogram falls in."""
        if clique not in self._cells:
            group = self.members[self.groups[clique[0]]]
            table = np.arange(self.volume(clique), dtype=np.int64).reshape(
                [self.sizes[i] if i in clique else 1 for i in group]
            )
            self._cells[clique] = np.broadcast_to(table, [self.sizes[i] for i in group]).reshape(-1)
        return self._cells[clique]

    def measure_ones(self, share: float) -> None:
        ones: list[Clique] = [(i,) for i in self.alive]
        bought = self.measure(ones, self.source.remaining_rho * share, "single attributes")
        if bought:
            self.total = self.source.row_count(bought)
        for clique, m in zip(ones, bought, strict=True):
            self.add(clique, m)

    def add(self, clique: Clique, m: Measurement) -> None:
        target = noisy_marginal(self.cells(clique), m.counts, m.sigma, self.total)
        self.targets[self.groups[clique[0]]].append(target)

    def round(self, left: int, rng: np.random.Generator) -> None:
        """Choose the worst answered marginal and measure it, for one of `left` parts of what remains."""
        rho = self.source.remaining_rho / left
        sigma = self.source.sigma_for(rho * (1 - CHOICE))
        most = self.most_offers(MOST_CANDIDATES)
        picked = sorted(rng.permutation(len(self.candidates))[:most].tolist())
        shares = {g: self.solve(g, steps=10) for g in {self.groups[self.candidates[i][0]] for i in picked}}
        offered = []
        for c in (self.candidates[i] for i in picked):
            found = np.bincount(self.cells(c), shares[self.groups[c[0]]], self.volume(c))
            offered.append(self.offer(c, found, sigma))
        best = self.source.choose(offered, rho * CHOICE, purpose="what to measure")
        clique = self.candidates.pop(picked[best])
        bought = self.source.measure([self.names(clique)], sigma, purpose="badly answered marginal")
        self.add(clique, bought[0])

    def solve(self, group: int, steps: int | None = None) -> FloatArray:
        """Shares of one histogram that answer what was measured of it."""
        volume = self.volume(self.members[group])
        even = np.full(volume, 1.0 / volume)
        shares, self.dual[group] = reweight(even, self.targets[group], 1.0, self.dual[group], steps=steps)
        mixed = (1 - EVEN) * shares + EVEN / volume
        return np.asarray(mixed / mixed.sum(), dtype=np.float64)
