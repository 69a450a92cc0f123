"""Histograms of noisy votes: what the private texts are nearest to, counted and paid for."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from locum.arrays import FloatArray, largest_remainders
from locum.errors import BudgetError, UsageError
from locum.privacy.accountant import Total
from locum.privacy.ledger import Ledger
from locum.privacy.mechanisms import gaussian_counts
from locum.privacy.noise import gaussian_slack
from locum.sources.base import Counts

Embed = Callable[[Sequence[str]], npt.NDArray[np.float32]]
#: Names of classes, with public shares or without.
Classes = Mapping[str, float] | Sequence[str]
_BLOCK = 2048


def spendable(ledger: Ledger, share: float) -> float:
    """Part `share` of what a ledger has left, in rho.

    Raises
    ------
    UsageError
        When the share is not above 0 and at most 1.
    BudgetError
        When nothing is left but the rounding of earlier steps.
    """
    if not 0 < share <= 1:
        raise UsageError(f"a share of {share:g}", where="share", expected="above 0, at most 1")
    left = ledger.remaining_rho
    if left <= 1e-9 * ledger.budget.rho(ledger.accounting, ledger.reserve):
        raise BudgetError("nothing is left", where="privacy budget", do="raise the total")
    return left * share


def account(ledger: Ledger, words: str) -> str:
    """A sentence on what was released, followed by what the whole run amounts to, and the ledger's stamp."""
    total = Total.of(ledger.own)
    line = (
        f"{words}, (epsilon {total.epsilon(ledger.budget.delta):.4g}, delta {ledger.budget.delta:.3g}) "
        f"by {ledger.unit.adjacency} of one {ledger.unit}."
    )
    return f"{line} {ledger.stamp}." if ledger.stamp else line


def nearest_counts(votes: FloatArray, candidates: FloatArray) -> Counts:
    """How many rows of `votes` each candidate is the nearest of (cosine; the first of equals)."""
    counts = np.zeros(len(candidates), dtype=np.int64)
    for start in range(0, len(votes), _BLOCK):
        near = (votes[start : start + _BLOCK] @ candidates.T).argmax(axis=1)
        counts += np.bincount(near, minlength=len(candidates))
    return counts


class Votes:
    """Histograms that are paid for before they are counted out.

    Noise is rounded Gaussian on a ledger that adds up mu exactly, discrete Gaussian on a zcdp ledger.
    """

    def __init__(self, ledger: Ledger, sigma: float, sensitivity: float) -> None:
        self._ledger, self._sigma, self._sensitivity = ledger, sigma, sensitivity

    def account(self, steps: int) -> str:
        """One line: what so many histograms cost, and what the run amounts to at the ledger's delta."""
        mu = self._sensitivity * math.sqrt(steps) / self._sigma
        exact = self._ledger.accounting == "gdp"
        law, cost = ("Gaussian", f"mu {mu:.4g}") if exact else ("discrete Gaussian", f"rho {mu**2 / 2:.4g}")
        return account(
            self._ledger,
            f"{steps} histogram{'s' if steps > 1 else ''} of votes with {law} noise sigma {self._sigma:.4g}, "
            f"sensitivity {self._sensitivity:.4g}: {cost}",
        )

    def noisy(
        self, cells: Mapping[str, int], count: Callable[[str], Counts], purpose: str
    ) -> dict[str, Counts]:
        """Noisy counts of each class; `count` is called only once the step is on the ledger."""
        exact = self._ledger.accounting == "gdp"
        noise = self._ledger.spend(
            "gaussian" if exact else "discrete-gaussian",
            [("text",)],
            sensitivity=self._sensitivity,
            scale=self._sigma,
            slack=sum(cells.values()) * gaussian_slack(self._sigma),
            purpose=purpose,
        )
        return {name: gaussian_counts(count(name), self._sigma, noise, rounded=exact) for name in cells}


def group(
    private: Sequence[str], labels: Sequence[str] | None, classes: Classes | None
) -> dict[str, list[int]]:
    """Numbers of the texts of each class; texts of other classes are in none.

    No error depends on how many texts there are: whether there is one at all is private.

    Raises
    ------
    UsageError
        When labels do not fit the texts, or come without names of classes.
    """
    if labels is None:
        return {"": list(range(len(private)))}
    if len(labels) != len(private):
        raise UsageError("there is not one label for each text", where="labels")
    if not classes:
        raise UsageError(
            "classes were not named; names found in the data would not be private",
            where="classes",
            do="name them, with public shares if there are any",
        )
    groups: dict[str, list[int]] = {name: [] for name in classes}
    for i, label in enumerate(labels):
        if label in groups:
            groups[label].append(i)
    return groups


def class_shares(
    groups: Mapping[str, list[int]], classes: Classes | None, votes: Votes, bought: bool
) -> dict[str, float]:
    """Share of each class: public, bought with one histogram, or equal.

    Raises
    ------
    UsageError
        When public shares are negative, infinite or all 0.
    """
    if bought:
        found = votes.noisy(
            dict.fromkeys(groups, 1), lambda c: np.array([len(groups[c])], dtype=np.int64), "class sizes"
        )
        sizes = {c: max(0, int(v[0])) for c, v in found.items()}
    elif isinstance(classes, Mapping) and len(groups) > 1:
        if any(not 0 <= v < math.inf for v in classes.values()) or sum(classes.values()) <= 0:
            raise UsageError("the shares are not usable", where="classes", expected="numbers from 0 up")
        return {c: classes[c] / sum(classes.values()) for c in groups}
    else:
        sizes = dict.fromkeys(groups, 1)
    total = sum(sizes.values())
    return {c: n / total if total else 1 / len(sizes) for c, n in sizes.items()}


def sizes_of(shares: Mapping[str, float], size: int) -> dict[str, int]:
    """Texts of each class that has any, in the order given; `size` in all."""
    names = sorted(shares)
    parts = largest_remainders(size * np.array([shares[c] for c in names]))
    sizes = dict(zip(names, parts.tolist(), strict=True))
    return {c: sizes[c] for c in shares if sizes[c]}
