"""MWEM: one histogram over all combinations, bent towards what the noisy answers say."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt

from locum.arrays import FloatArray
from locum.errors import NotFittedError, UsageError
from locum.models.base import ModelState
from locum.models.checks import (
    broken,
    check_rows,
    check_width,
    exactly,
    tensor,
    within,
)
from locum.models.public.reweight import Target, reweight, target
from locum.models.seeded import SeededFit
from locum.privacy.budget import Accounting
from locum.privacy.calibration import MEAN_NOISE
from locum.progress import Event, Listener, silent
from locum.randomness import check_seed, stream
from locum.schema.domain import Codes, Domain
from locum.sources.private import SHORTLIST, Candidate, PrivateSource

Clique = tuple[int, ...]
#: Cells of one histogram; attributes that do not fit together get histograms of their own.
CELLS = 1 << 13
#: Share of the budget for single attributes, and of a round for its choice.
ONE_WAY, CHOICE = 0.2, 0.1
#: How much of a distribution is spread evenly, so that no combination is impossible.
EVEN = 1e-9
#: Most rounds, and most candidates that are looked at in one.
MOST_ROUNDS, MOST_CANDIDATES = 8, 200


class MWEM(SeededFit):
    """One histogram over the whole domain, reweighted to a few chosen noisy marginals.

    A baseline: only for few attributes with few codes. Attributes are taken in order into histograms of at
    most `cells` cells; attributes of different histograms are independent in the model.

    Parameters
    ----------
    epsilon, delta
        Budget of `fit` on rows without a ledger (seeded noise, NOT PRIVATE).
    cells
        Cells of one histogram, 1 to 2**24. Memory: some ten arrays of so many numbers.

    Notes
    -----
    Source: Hardt, Ligett, McSherry, A simple and practical algorithm for differentially private data release,
    NIPS 2012. What differs: whole marginals are chosen and measured, which costs the same as one cell; noise
    is Gaussian; the single attributes are measured first; the update on all measurements so far is carried
    to its end; the last iterate is the result. Cost O(rounds x solver steps x cells).
    """

    name: ClassVar[str] = "mwem"
    has_density: ClassVar[bool] = True

    def __init__(self, *, epsilon: float = 1.0, delta: float = 1e-6, cells: int = CELLS) -> None:
        if isinstance(cells, bool) or not isinstance(cells, int) or not 1 <= cells <= 1 << 24:
            raise UsageError(f"{cells!r} cells cannot be", where="cells", expected="1 to 2**24")
        self.epsilon, self.delta, self.cells = epsilon, delta, cells
        self._groups: tuple[int, ...] = ()
        self._shares: tuple[FloatArray, ...] = ()
        self._domain: Domain | None = None

    @property
    def accounting(self) -> Accounting:
        """``zcdp``, for the exponential mechanism."""
        return "zcdp"

    def fit_source(self, source: PrivateSource, *, seed: int, progress: Listener = silent) -> Self:
        """Spend what the source has left. `seed` shuffles what a Gaussian ledger's short list is taken from.

        Raises
        ------
        BudgetError
            When nothing is left.
        """
        seed = check_seed(seed)
        groups = _grouped(source.domain.sizes, self.cells)
        run = _Run(source, groups)
        rounds = min(MOST_ROUNDS, len(run.candidates))
        run.measure_ones(1.0 if not rounds else ONE_WAY)
        for i in range(rounds):
            progress(Event("fit", i, rounds + 1, f"round {i + 1}"))
            run.round(rounds - i, stream(seed, "mwem", "round", i))
        progress(Event("fit", rounds, rounds + 1, "histogram"))
        shares = tuple(run.solve(g) for g in range(1 + max(groups, default=-1)))
        progress(Event("fit", rounds + 1, rounds + 1))
        self._groups, self._shares, self._domain = groups, shares, source.domain
        return self

    def sample(self, n: int, *, seed: int) -> Codes:
        """Draw `n` rows; int32, shape (n, n_attributes), Fortran order."""
        domain = self._fitted()
        n, seed = check_rows(n), check_seed(seed)
        out = np.empty((n, len(domain)), dtype=np.int32, order="F")
        for g, shares in enumerate(self._shares):
            columns = [i for i, group in enumerate(self._groups) if group == g]
            steps = np.cumsum(shares)
            points = stream(seed, "mwem", "sample", g).random(n) * float(steps[-1])
            drawn = np.minimum(np.searchsorted(steps, points, side="right"), np.flatnonzero(shares)[-1])
            for i, codes in zip(
                columns, np.unravel_index(drawn, [domain.sizes[i] for i in columns]), strict=True
            ):
                out[:, i] = codes
        return out

    def log_prob(self, codes: Codes) -> FloatArray:
        """Log of the cell's share, summed over histograms; -inf outside the domain."""
        domain = self._fitted()
        check_width(codes, domain)
        inside = within(codes, domain)
        total = np.where(inside, 0.0, -np.inf)
        for g, shares in enumerate(self._shares):
            columns = [i for i, group in enumerate(self._groups) if group == g]
            place = np.zeros(int(inside.sum()), dtype=np.int64)
            for i in columns:
                place = place * domain.sizes[i] + codes[inside, i]
            with np.errstate(divide="ignore"):
                total[inside] += np.log(shares[place]) - np.log(shares.sum())
        return total

    def state(self) -> ModelState:
        """Which histogram each attribute is in, and the histograms end to end."""
        self._fitted()
        groups = np.array(self._groups, dtype=np.int64)
        return ModelState({}, {"groups": groups, "shares": np.concatenate(self._shares)})

    @classmethod
    def from_state(cls, state: ModelState, domain: Domain) -> Self:
        """Rebuild from histograms; raises FileFormatError when they do not fit the domain."""
        exactly(state, set(), {"groups", "shares"})
        groups = [int(g) for g in tensor(state, "groups", np.int64, (len(domain),))]
        if not groups or max(groups) >= len(groups) or set(groups) != set(range(max(groups) + 1)):
            raise broken("histograms are not numbered from 0")
        volumes = [1] * (max(groups) + 1)
        for group, size in zip(groups, domain.sizes, strict=True):
            volumes[group] *= size
        if sum(volumes) > 2**34:
            raise broken("histograms are absurdly large")
        flat = tensor(state, "shares", np.float64, (sum(volumes),))
        parts = tuple(np.split(flat, np.cumsum(volumes)[:-1]))
        for part in parts:
            fits = np.isfinite(part).all() and part.min() >= 0 and part.max() <= 1
            if not fits or not 0.5 < float(part.sum()) < 2.0:
                raise broken("shares are negative, not finite, or do not add up to one")
        model = cls()
        model._groups, model._shares, model._domain = tuple(groups), parts, domain
        return model

    def _fitted(self) -> Domain:
        if self._domain is None:
            raise NotFittedError("the model has not been fitted", where=self.name, do="call fit first")
        return self._domain


def _grouped(sizes: Sequence[int], cells: int) -> tuple[int, ...]:
    """Number of the histogram of each attribute: as many neighbours together as fit."""
    groups: list[int] = []
    volume = 0
    for size in sizes:
        fits = volume > 0 and volume * size <= cells
        volume = volume * size if fits else size
        groups.append((groups[-1] if groups else -1) + (0 if fits else 1))
    return tuple(groups)


class _Run:
    """One fit under way; sees sizes and noisy counts only."""

    def __init__(self, source: PrivateSource, groups: tuple[int, ...]) -> None:
        self.source, self.groups = source, groups
        self.sizes = source.domain.sizes
        self.total = source.row_count()
        members: list[list[int]] = [[] for _ in range(1 + max(groups, default=-1))]
        for i, group in enumerate(groups):
            members[group].append(i)
        self.members = members
        self.targets: list[list[Target]] = [[] for _ in members]
        self.dual: list[FloatArray | None] = [None for _ in members]
        self._cells: dict[Clique, npt.NDArray[np.int64]] = {}
        self.candidates: list[Clique] = [
            c
            for group in members
            for degree in (2, 3)
            for c in itertools.combinations([i for i in group if self.sizes[i] > 1], degree)
        ]

    def volume(self, clique: Sequence[int]) -> int:
        return math.prod(self.sizes[i] for i in clique)

    def cells(self, clique: Clique) -> npt.NDArray[np.int64]:
        """Cell of the marginal that each cell of its histogram falls in."""
        if clique not in self._cells:
            group = self.members[self.groups[clique[0]]]
            table = np.arange(self.volume(clique), dtype=np.int64).reshape(
                [self.sizes[i] if i in clique else 1 for i in group]
            )
            self._cells[clique] = np.broadcast_to(table, [self.sizes[i] for i in group]).reshape(-1)
        return self._cells[clique]

    def names(self, clique: Clique) -> tuple[str, ...]:
        return tuple(self.source.domain.attributes[i].name for i in clique)

    def measure_ones(self, share: float) -> None:
        ones: list[Clique] = [(i,) for i, size in enumerate(self.sizes) if size > 1]
        if not ones:
            return
        sigma = self.source.sigma_for(self.source.remaining_rho * share, len(ones))
        bought = self.source.measure([self.names(c) for c in ones], sigma, purpose="single attributes")
        self.total = self.source.row_count(bought)
        for clique, m in zip(ones, bought, strict=True):
            self.add(clique, m.counts, m.sigma)

    def add(self, clique: Clique, counts: npt.NDArray[np.int64], sigma: float) -> None:
        self.targets[self.groups[clique[0]]].append(target(self.cells(clique), counts, sigma, self.total))

    def round(self, left: int, rng: np.random.Generator) -> None:
        """Choose the worst answered marginal and measure it, for one of `left` parts of what remains."""
        rho = self.source.remaining_rho / left
        sigma = self.source.sigma_for(rho * (1 - CHOICE))
        most = MOST_CANDIDATES if self.source.ledger.accounting == "zcdp" else SHORTLIST
        picked = sorted(rng.permutation(len(self.candidates))[:most].tolist())
        shares = {g: self.solve(g, steps=10) for g in {self.groups[self.candidates[i][0]] for i in picked}}
        offered = []
        for i in picked:
            c = self.candidates[i]
            found = np.bincount(self.cells(c), shares[self.groups[c[0]]], self.volume(c))
            estimate = np.asarray(np.rint(self.total * found), dtype=np.int64)
            offered.append(Candidate(self.names(c), estimate, 1, MEAN_NOISE * sigma * self.volume(c)))
        best = self.source.choose(offered, rho * CHOICE, purpose="what to measure")
        clique = self.candidates.pop(picked[best])
        bought = self.source.measure([self.names(clique)], sigma, purpose="badly answered marginal")
        self.add(clique, bought[0].counts, bought[0].sigma)

    def solve(self, group: int, steps: int | None = None) -> FloatArray:
        """Shares of one histogram that answer what was measured of it."""
        volume = self.volume(self.members[group])
        even = np.full(volume, 1.0 / volume)
        shares, self.dual[group] = reweight(even, self.targets[group], 1.0, self.dual[group], steps=steps)
        mixed = (1 - EVEN) * shares + EVEN / volume
        return np.asarray(mixed / mixed.sum(), dtype=np.float64)
