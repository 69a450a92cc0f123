"""Every column on its own: the generator that has learned nothing about how columns go together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt

from locum.arrays import FloatArray
from locum.models.base import ModelState
from locum.models.codec import ArraySpec, Layout, StateReader, check_counts, flatten
from locum.models.fitted_model import GuidedModel
from locum.models.guide import FREE, Guide
from locum.privacy.budget import Accounting
from locum.progress import Event, Listener, silent
from locum.randomness import check_seed, stream
from locum.schema.domain import CodedRows, Codes, Domain
from locum.sources.private import Measurement, PrivateSource

_LAYOUT = Layout({"counts": ArraySpec(np.int64, low=0)})


class IndependentModel(GuidedModel):
    """Draws each attribute from its own observed shares, without smoothing.

    A baseline (the floor of every measure) and a negative control: its columns look right one by one, and
    nothing between them is kept. Fitting and sampling cost O(rows x attributes).
    """

    name: ClassVar[str] = "independent"
    needs_public: ClassVar[bool] = False
    accounting: ClassVar[Accounting] = "gdp"

    _counts: tuple[npt.NDArray[np.int64], ...]

    @classmethod
    def of_measurements(cls, domain: Domain, measured: Sequence[Measurement]) -> Self:
        """The model of noisy tables, the least noisy for each attribute; negative counts count as none."""
        best: dict[str, Measurement] = {}
        for m in measured:
            if len(m.clique) == 1 and (m.clique[0] not in best or m.sigma < best[m.clique[0]].sigma):
                best[m.clique[0]] = m
        model = cls()
        counts = [np.maximum(best[a.name].counts, 0) if a.name in best else np.zeros(a.size) for a in domain]
        model._counts = tuple((c if c.sum() > 0 else np.ones(len(c))).astype(np.int64) for c in counts)
        model._domain = domain
        return model

    def fit_source(
        self,
        source: PrivateSource,
        *,
        seed: int,
        progress: Listener = silent,
        public: CodedRows | None = None,
    ) -> Self:
        """Buy every attribute's counts with all that is left; see `locum.models.base.CountModel`."""
        check_seed(seed)
        progress(Event("fit", 0, 1))
        cliques = [(a.name,) for a in source.domain if a.size > 1]
        measured = []
        if cliques:
            # A hair less than all, so that rounding cannot ask for more than there is.
            sigma = source.sigma_for(source.remaining_rho * (1 - 1e-9), len(cliques))
            measured = source.measure(cliques, sigma, purpose="single columns")
        made = self.of_measurements(source.domain, measured)
        self._counts, self._domain = made._counts, source.domain
        progress(Event("fit", 1, 1))
        return self

    def _learn(self, data: CodedRows, seed: int, progress: Listener) -> None:
        counts = []
        for i, attribute in enumerate(data.domain):
            progress(Event("fit", i, len(data.domain), attribute.name))
            counts.append(np.bincount(data.column(i), minlength=attribute.size).astype(np.int64))
        progress(Event("fit", len(data.domain), len(data.domain)))
        self._counts = tuple(counts)

    def _draw(self, n: int, seed: int) -> Codes:
        out = np.empty((n, len(self._counts)), dtype=np.int32, order="F")
        for i, counts in enumerate(self._counts):
            steps = np.cumsum(counts)
            # Attributes are numbered, not named: two may not share a stream whatever their names are.
            draws = stream(seed, "independent", "sample", i).integers(int(steps[-1]), size=n)
            out[:, i] = np.searchsorted(steps, draws, side="right")
        return out

    def _draw_guided(self, n: int, guide: Guide, seed: int) -> tuple[Codes, FloatArray]:
        """Weights and fixed cells are exact (all rows have one weight), pairs are left to the log weights."""
        out = np.empty((n, len(self._counts)), dtype=np.int32, order="F")
        log_weight = np.zeros(n)
        for i, counts in enumerate(self._counts):
            share = (counts / counts.sum()) ** (1.0 / guide.temperature)
            share = share / share.sum() * guide.weights.get(i, 1.0)
            fixed = (
                np.full(n, FREE)
                if guide.fixed is None
                else np.repeat(guide.fixed[:, i], n // len(guide.fixed))
            )
            steps = np.cumsum(share)
            mass = float(steps[-1])
            draws = stream(seed, "independent", "guided", i).random(n) * mass
            drawn = np.minimum(np.searchsorted(steps, draws, side="right"), np.flatnonzero(steps < mass).size)
            out[:, i] = np.where(fixed == FREE, drawn, fixed)
            with np.errstate(divide="ignore"):
                log_weight += np.where(fixed == FREE, np.log(mass), np.log(share)[out[:, i]])
        return out, log_weight + replace(guide, weights={}).log_factor(out)

    def _log_prob(self, codes: Codes) -> FloatArray:
        """Sum over attributes of the log of the observed share; -inf for codes never seen."""
        total = np.zeros(len(codes))
        for i, counts in enumerate(self._counts):
            with np.errstate(divide="ignore"):
                log_share = np.log(counts) - np.log(counts.sum())
            total += log_share[codes[:, i]]
        return total

    def _store(self) -> ModelState:
        return _LAYOUT.write({"counts": flatten(self._counts)})

    def _restore(self, state: ModelState, domain: Domain) -> None:
        parts = StateReader(state, domain, _LAYOUT).per_attribute("counts")
        self._counts = tuple(check_counts(part) for part in parts)
