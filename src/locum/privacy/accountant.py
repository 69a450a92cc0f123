"""What a list of steps amounts to in (epsilon, delta)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from locum.errors import UsageError
from locum.privacy.budget import Accounting
from locum.privacy.conversions import gdp_delta, zcdp_delta
from locum.privacy.entry import Entry

_ADAPTIVE = (
    "Steps and the scales of their noise were chosen after earlier answers were seen. Each was paid for "
    "before it touched the data, out of a budget that its run fixed before the first, and what a run left "
    "was paid for too. If the budget of a run was chosen by what an earlier run gave, the guarantee is that "
    "of the ledger's total budget. "
)
#: Why steps that were chosen adaptively add up as they do, for certificates; docs/decisions/0020-filters.md.
THEOREMS: Mapping[Accounting, str] = MappingProxyType(
    {
        "gdp": _ADAPTIVE
        + "Given the answers before it, each step is Gaussian-private with its mu, so that all "
        "together are Gaussian-private with the root of the sum of squares (fully adaptive composition for "
        "Gaussian differential privacy: Smith and Thakurta 2022; Koskela, Tobaben and Honkela 2023).",
        "zcdp": _ADAPTIVE
        + "Given the answers before it, each step is zero-concentrated private with its rho, "
        "so that all together are with the sum (Renyi filter: Feldman and Zrnic 2021; fully adaptive "
        "composition: Whitehouse, Ramdas, Rogers and Wu 2023).",
    }
)
_DELTAS = (1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-11, 1e-12)


@dataclass(frozen=True, slots=True)
class Total:
    """The sum of some steps.

    Attributes
    ----------
    rho
        In zero-concentrated privacy.
    gaussian
        Whether every step was Gaussian: then ``mu = sqrt(2 rho)`` holds exactly.
    delta
        Sum of what steps spent on thresholds.
    slack
        Sum of the samplers' total-variation distances.
    """

    rho: float
    gaussian: bool
    delta: float
    slack: float

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> Total:
        """Add up entries; no entries make a total of nothing."""
        listed = list(entries)
        return cls(
            math.fsum(e.rho for e in listed),
            all(e.gaussian for e in listed),
            math.fsum(e.delta for e in listed),
            math.fsum(e.slack for e in listed),
        )

    @property
    def mu(self) -> float | None:
        """Exact Gaussian parameter; None when a step was not Gaussian."""
        return math.sqrt(2 * self.rho) if self.gaussian else None

    def delta_at(self, epsilon: float, accounting: Accounting | None = None) -> float:
        """The delta at `epsilon`, everything included, at most 1.

        Parameters
        ----------
        epsilon
            From 0.
        accounting
            ``gdp`` or ``zcdp``; by default the tighter one that holds.

        Notes
        -----
        A sampler at distance tau from its law turns (epsilon, delta) into
        (epsilon, delta + (1 + exp(epsilon)) tau). A threshold adds its own probability to delta.
        """
        if accounting == "gdp" and not self.gaussian:
            raise UsageError("a step is not Gaussian, so that mu does not add up", where="accountant")
        exact = self.gaussian and accounting != "zcdp"
        base = gdp_delta(math.sqrt(2 * self.rho), epsilon) if exact else zcdp_delta(self.rho, epsilon)
        return min(1.0, base + self.delta + (1 + math.exp(min(epsilon, 700.0))) * self.slack)

    def epsilon(self, delta: float, accounting: Accounting | None = None) -> float:
        """The smallest epsilon at `delta`, rounded up; infinite when thresholds took more than `delta`."""
        if self.delta_at(0.0, accounting) <= delta:
            return 0.0
        high = 1.0
        while self.delta_at(high, accounting) > delta:
            high *= 2
            if high > 1e4:
                return math.inf
        low = 0.0
        for _ in range(80):
            middle = (low + high) / 2
            low, high = (low, middle) if self.delta_at(middle, accounting) <= delta else (middle, high)
        return high

    def curve(self, deltas: Sequence[float] = _DELTAS) -> list[tuple[float, float]]:
        """Pairs (delta, epsilon), finite ones only."""
        pairs = [(d, self.epsilon(d)) for d in deltas]
        return [(d, e) for d, e in pairs if math.isfinite(e)]
