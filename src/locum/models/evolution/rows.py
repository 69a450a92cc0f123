"""Private evolution on tables (Tab-PE): made-up rows that the private rows vote for, round by round."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt

from locum.errors import UsageError
from locum.models.evolution.loop import Population, Votes, evolve
from locum.models.seeded import SeededFit
from locum.models.weighted_rows import RowsModel, WeightedRows
from locum.progress import Event, Listener, silent
from locum.randomness import check_seed, stream
from locum.schema.domain import Codes
from locum.sources.private import PrivateSource

#: Share of the budget for single attributes, which the first rows and all variations are drawn from.
ONE_WAY = 0.2
#: Share of a row's cells that a variation changes, in the first and in the last round.
FIRST_RATE, LAST_RATE = 0.5, 0.02
#: Fewest and most rows that are kept from round to round.
FEWEST, MOST = 64, 2_000


class TabPE(RowsModel, SeededFit):
    """Rows that survived rounds of noisy votes.

    For high-order structure in tables with few columns: no marginal is modelled, whole rows are voted on.
    With many columns or few rows, marginal synthesizers are far better.

    Parameters
    ----------
    epsilon, delta
        Budget of `fit` on rows without a ledger (seeded noise, NOT PRIVATE).
    rounds
        Rounds of voting, 1 to 200.
    kept
        Rows kept from round to round; None for as many as get some votes more than noise, by the noisy number
        of rows.
    fold
        Variations of each kept row in a round, 1 to 10.

    Notes
    -----
    Source: Tab-PE (arXiv 2606.08259, 2026), after Lin et al., Differentially Private Synthetic Data via
    Foundation Model APIs 1, ICLR 2024. What differs: first rows and variations are drawn from noisy single
    attributes instead of evenly; nothing about the rows (number, label shares) is taken as public; every
    round keeps the best by noisy votes, and the last votes are the weights. Cost: rounds x rows x proposed
    rows x sum of label sizes. No density.
    """

    name: ClassVar[str] = "tab-pe"
    what: ClassVar[str] = "evolved"

    def __init__(
        self,
        *,
        epsilon: float = 1.0,
        delta: float = 1e-6,
        rounds: int = 8,
        kept: int | None = None,
        fold: int = 2,
    ) -> None:
        for name, value, most in (("rounds", rounds, 200), ("kept", kept, 10**6), ("fold", fold, 10)):
            if value is not None and (
                isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most
            ):
                raise UsageError(f"{value!r} cannot be", where=name, expected=f"1 to {most:,}")
        self.epsilon, self.delta = epsilon, delta
        self.rounds, self.kept, self.fold = rounds, kept, fold

    def fit_source(self, source: PrivateSource, *, seed: int, progress: Listener = silent) -> Self:
        """Spend what the source has left; `seed` decides the made-up rows, not the noise.

        Raises
        ------
        UsageError
            When the source can only count.
        BudgetError
            When nothing is left.
        """
        rng = stream(check_seed(seed), "tab-pe", "fit")
        progress(Event("fit", 0, self.rounds + 1, "single attributes"))
        single = _Single(source)
        sigma = source.sigma_for(source.remaining_rho, self.rounds)
        kept = self.kept or int(np.clip(single.total / (2 * sigma * (1 + self.fold)), FEWEST, MOST))
        voter = _Rows(source, self.rounds, progress)
        *_, last = evolve(
            _Varied(single, kept, self.fold, self.rounds, rng), voter, rounds=self.rounds, sizes={"": kept}
        )
        rows, weights = last.kept[""], np.maximum(last.votes[""] - voter.noise, 0.0)
        if not weights.sum() > 0:
            weights = np.ones(len(rows))
        self._rows = WeightedRows(np.ascontiguousarray(rows, dtype=np.int32), weights / weights.sum())
        progress(Event("fit", self.rounds + 1, self.rounds + 1))
        return self


@dataclass
class _Rows:
    """The private rows vote, each round for an equal part of what is left."""

    source: PrivateSource
    rounds: int
    progress: Listener
    noise: float = 0.0

    def vote(self, candidates: Population, turn: int) -> Votes:
        self.progress(Event("fit", 1 + turn, self.rounds + 1, f"round {turn + 1}"))
        self.noise = self.source.sigma_for(self.source.remaining_rho, self.rounds - turn)
        proposed = np.asfortranarray(candidates[""])
        return {"": self.source.votes(proposed, self.noise, purpose="votes for made-up rows").astype(float)}


@dataclass(frozen=True)
class _Varied:
    """Distinct rows out of noisy single attributes, and variations that become smaller by the round."""

    single: _Single
    kept: int
    fold: int
    rounds: int
    rng: np.random.Generator

    def first(self) -> Population:
        return {"": np.unique(self.single.draw(self.kept * (1 + self.fold), self.rng), axis=0)}

    def vary(self, kept: Population, turn: int) -> Population:
        rate = FIRST_RATE * (LAST_RATE / FIRST_RATE) ** (turn / max(1, self.rounds - 2))
        varied = [self.single.vary(kept[""], rate, self.rng) for _ in range(self.fold)]
        return {"": np.unique(np.concatenate([kept[""], *varied]), axis=0)}


class _Single:
    """Noisy shares of single attributes, and rows made from them."""

    def __init__(self, source: PrivateSource) -> None:
        self.domain = source.domain
        live = [a.name for a in source.domain if a.size > 1]
        rho = source.remaining_rho * ONE_WAY
        names: list[tuple[str, ...]] = [(name,) for name in live] or [()]
        bought = source.measure(names, source.sigma_for(rho, len(names)), purpose="single attributes")
        self.total = source.row_count(bought)
        found = {m.clique[0]: np.maximum(m.counts - m.sigma, 0.0) for m in bought if m.clique}
        self.steps: list[npt.NDArray[np.float64]] = []
        for a in source.domain:
            counts = found.get(a.name, np.ones(a.size))
            self.steps.append(np.cumsum(counts if counts.sum() > 0 else np.ones(a.size)))

    def draw(self, n: int, rng: np.random.Generator) -> Codes:
        """`n` rows, each attribute on its own."""
        out = np.zeros((n, len(self.domain)), dtype=np.int32, order="F")
        for i, steps in enumerate(self.steps):
            points = rng.random(n) * steps[-1]
            last = int(np.searchsorted(steps, steps[-1]))
            out[:, i] = np.minimum(np.searchsorted(steps, points, side="right"), last)
        return out

    def vary(self, rows: Codes, rate: float, rng: np.random.Generator) -> Codes:
        """Rows with about a share `rate` of the cells changed, one at least.

        Labels are drawn anew; ordered codes move by up to `rate` of their range, or are drawn anew one time
        in four, which is how they become missing or stop being so.
        """
        n, width = rows.shape
        change = rng.random((n, width)) < rate
        change[np.arange(n), rng.integers(width, size=n)] = True
        out, fresh = np.asfortranarray(rows.copy()), self.draw(n, rng)
        for i, a in enumerate(self.domain):
            new = fresh[:, i]
            top = a.size - 1 - (a.null is not None)
            if a.ordered and top > 0:
                reach = max(1, round(rate * top))
                moved = np.clip(out[:, i] + rng.integers(-reach, reach + 1, size=n), 0, top)
                stays = (rng.random(n) < 0.75) & (out[:, i] != (-1 if a.null is None else a.null))
                new = np.where(stays, moved, new)
            out[:, i] = np.where(change[:, i], new, out[:, i])
        return out
