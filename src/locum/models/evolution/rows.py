"""Private evolution on tables (Tab-PE): made-up rows that the private rows vote for, round by round."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from locum.models.evolution.loop import Population, Votes, evolve
from locum.models.private_model import PrivateModel
from locum.models.settings import BudgetSettings, ModelSettings, whole
from locum.models.weighted_rows import WeightedRows, WeightedRowsModel
from locum.progress import Event, Listener
from locum.randomness import stream
from locum.schema.domain import CodedRows, Codes
from locum.sources.private import PrivateSource
from locum.sources.purposes import VOTES

#: Share of the budget for single attributes, which the first rows and all variations are drawn from.
ONE_WAY = 0.2
#: Share of a row's cells that a variation changes, in the first and in the last round.
FIRST_RATE, LAST_RATE = 0.5, 0.02
#: Fewest and most rows that are kept from round to round.
FEWEST, MOST = 64, 2_000


@dataclass(frozen=True, kw_only=True)
class TabPESettings(BudgetSettings):
    """Settings of Tab-PE."""

    rounds: int = whole(8, 1, 200, "Rounds of voting.")
    kept: int | None = whole(
        None,
        1,
        10**6,
        "Rows kept from round to round; None for as many as get some votes more than noise, by the noisy "
        "number of rows.",
        optional=True,
    )
    fold: int = whole(2, 1, 10, "Variations of each kept row in a round.")


class TabPE(PrivateModel, WeightedRowsModel):
    """Rows that survived rounds of noisy votes.

    For high-order structure in tables with few columns: no marginal is modelled, whole rows are voted on.
    With many columns or few rows, marginal synthesizers are far better.

    Notes
    -----
    Source: Tab-PE (arXiv 2606.08259, 2026), after Lin et al., Differentially Private Synthetic Data via
    Foundation Model APIs 1, ICLR 2024. What differs: first rows and variations are drawn from noisy single
    attributes instead of evenly; nothing about the rows (number, label shares) is taken as public; every
    round keeps the best by noisy votes, and the last votes are the weights. Cost: rounds x rows x proposed
    rows x sum of label sizes. No density.
    """

    name: ClassVar[str] = "tab-pe"
    settings_type: ClassVar[type[ModelSettings]] = TabPESettings

    settings: TabPESettings

    def _spend_source(
        self, source: PrivateSource, seed: int, progress: Listener, public: CodedRows | None
    ) -> None:
        rounds, fold = self.settings.rounds, self.settings.fold
        rng = stream(seed, "tab-pe", "fit")
        progress(Event("fit", 0, rounds + 1, "single attributes"))
        single = _Single(source)
        sigma = source.sigma_for(source.remaining_rho, rounds)
        kept = self.settings.kept or int(np.clip(single.total / (2 * sigma * (1 + fold)), FEWEST, MOST))
        voter = _Rows(source, rounds, progress)
        varied = _Varied(single, kept, fold, rounds, rng)
        *_, last = evolve(varied, voter, rounds=rounds, sizes={"": kept})
        rows, weights = last.kept[""], np.maximum(last.votes[""] - voter.noise, 0.0)
        if not weights.sum() > 0:
            weights = np.ones(len(rows))
        self._rows = WeightedRows(np.ascontiguousarray(rows, dtype=np.int32), weights / weights.sum())
        progress(Event("fit", rounds + 1, rounds + 1))


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
        return {"": self.source.votes(proposed, self.noise, purpose=VOTES).astype(float)}


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
