"""Every column on its own: the generator that has learned nothing about how columns go together."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from locum.arrays import FloatArray
from locum.errors import NotFittedError
from locum.models.base import ModelState
from locum.models.checks import (
    broken,
    check_guide,
    check_rows,
    check_training,
    check_width,
    exactly,
    tensor,
    within,
)
from locum.models.guide import FREE, Guide
from locum.progress import Event, Listener, silent
from locum.randomness import check_seed, stream
from locum.schema.domain import Coded, Codes, Domain


class IndependentModel:
    """Draws each attribute from its own observed shares, without smoothing.

    A baseline (the floor of every measure) and a negative control: its columns look right one by one, and
    nothing between them is kept. Fitting and sampling cost O(rows x attributes).
    """

    name: ClassVar[str] = "independent"
    has_density: ClassVar[bool] = True

    def __init__(self) -> None:
        self._counts: tuple[npt.NDArray[np.int64], ...] = ()
        self._domain: Domain | None = None

    def fit(self, data: Coded, *, seed: int, progress: Listener = silent) -> Self:
        """Count how often each code appears; `seed` is checked but not needed."""
        check_seed(seed)
        check_training(data)
        counts = []
        for i, attribute in enumerate(data.domain):
            progress(Event("fit", i, len(data.domain), attribute.name))
            counts.append(np.bincount(data.column(i), minlength=attribute.size).astype(np.int64))
        progress(Event("fit", len(data.domain), len(data.domain)))
        self._counts, self._domain = tuple(counts), data.domain
        return self

    def sample(self, n: int, *, seed: int) -> Codes:
        """Draw `n` rows; int32, shape (n, n_attributes), Fortran order."""
        domain = self._fitted()
        n, seed = check_rows(n), check_seed(seed)
        out = np.empty((n, len(domain)), dtype=np.int32, order="F")
        for i, counts in enumerate(self._counts):
            steps = np.cumsum(counts)
            # Attributes are numbered, not named: two may not share a stream whatever their names are.
            draws = stream(seed, "independent", "sample", i).integers(int(steps[-1]), size=n)
            out[:, i] = np.searchsorted(steps, draws, side="right")
        return out

    def sample_guided(self, n: int, guide: Guide, *, seed: int) -> tuple[Codes, FloatArray]:
        """Draw rows under a condition, with log weights; see `locum.models.base.Guided`.

        Weights and fixed cells are exact (all rows have one weight), pairs are left to the log weights.
        """
        domain = self._fitted()
        n, seed = check_rows(n), check_seed(seed)
        check_guide(guide, n, domain)
        out = np.empty((n, len(domain)), dtype=np.int32, order="F")
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

    def log_prob(self, codes: Codes) -> FloatArray:
        """Sum over attributes of the log of the observed share; -inf for codes never seen."""
        domain = self._fitted()
        check_width(codes, domain)
        inside = within(codes, domain)
        total = np.where(inside, 0.0, -np.inf)
        for i, counts in enumerate(self._counts):
            with np.errstate(divide="ignore"):
                log_share = np.log(counts) - np.log(counts.sum())
            total[inside] += log_share[codes[inside, i]]
        return total

    def state(self) -> ModelState:
        """The counts of all attributes, end to end."""
        self._fitted()
        return ModelState({}, {"counts": np.concatenate(self._counts)})

    @classmethod
    def from_state(cls, state: ModelState, domain: Domain) -> Self:
        """Rebuild from counts; raises FileFormatError when they do not fit the domain."""
        exactly(state, set(), {"counts"})
        flat: npt.NDArray[Any] = tensor(state, "counts", np.int64, (sum(domain.sizes),))
        counts = tuple(np.split(flat, np.cumsum(domain.sizes)[:-1])) if len(domain) else ()
        for part in counts:
            # Python integers: a hostile sum would wrap around in int64.
            if part.min(initial=0) < 0 or not 0 < sum(part.tolist()) < 2**62:
                raise broken("counts are negative, all zero or absurdly large")
        model = cls()
        model._counts, model._domain = counts, domain
        return model

    def _fitted(self) -> Domain:
        if self._domain is None:
            raise NotFittedError("the model has not been fitted", where=self.name, do="call fit first")
        return self._domain
