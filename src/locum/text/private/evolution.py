"""Private Evolution for text: candidates are chosen by noisy votes of the private texts (Aug-PE)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from locum.errors import BudgetError, DataError, UsageError
from locum.evidence.embedding import embed as static
from locum.privacy.accountant import Total
from locum.privacy.ledger import Ledger
from locum.privacy.mechanisms import gaussian_counts
from locum.privacy.noise import gaussian_slack
from locum.randomness import stream
from locum.text.private.filling import Varier

Floats = npt.NDArray[np.float64]
Embed = Callable[[Sequence[str]], npt.NDArray[np.float32]]
_BLOCK = 2048


@dataclass(frozen=True, slots=True)
class Settings:
    """How a population evolves.

    Attributes
    ----------
    rounds
        Times that the private texts vote (T).
    size
        Texts that are kept in all, shared out over the classes.
    variations
        Candidates for each kept text, itself included (L).
    """

    rounds: int = 10
    size: int = 200
    variations: int = 3

    def __post_init__(self) -> None:
        if self.rounds < 1 or self.size < 1 or self.variations < 2:
            raise UsageError(
                "the settings are not usable", where="evolution",
                expected="1 round and text or more, and 2 variations or more",
            )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Evolved:
    """What came out.

    Attributes
    ----------
    texts, labels
        The last population, best first within each class.
    rounds
        The population after each round. All of it derives from the noisy votes alone, and is as private.
    sigma
        Standard deviation of the noise on a vote.
    sentence
        The accounting in one line.
    shares
        Share of each class in the population.
    """

    texts: tuple[str, ...]
    labels: tuple[str, ...]
    rounds: tuple[tuple[str, ...], ...] = field(repr=False)
    sigma: float
    sentence: str
    shares: Mapping[str, float]


def sigma_for(rho: float, steps: int, sensitivity: float = 1.0) -> float:
    """Noise with which `steps` releases cost `rho` together (``mu**2 / 2`` when all are Gaussian)."""
    return sensitivity * math.sqrt(steps / (2 * rho))


def evolve(
    private: Sequence[str],
    varier: Varier,
    ledger: Ledger,
    *,
    labels: Sequence[str] | None = None,
    classes: Mapping[str, float] | Sequence[str] | None = None,
    settings: Settings | None = None,
    embed: Embed = static,
    seed: int = 0,
) -> Evolved:
    """Evolve a population of texts toward private ones.

    Parameters
    ----------
    private
        One text a row; each votes once a round for its nearest candidate of its class.
    varier
        Writes and varies candidates. It sees no private text; that its public texts or its model owe nothing
        to them is for the caller to know.
    ledger
        All of what it has left is spent: in equal parts on each round, and on one more when class sizes are
        bought. Noise comes from it (the operating system's, unless it is a test ledger).
    labels
        Class of each private text; None for one class.
    classes
        Public names of the classes, with their public shares, or without: then the sizes are bought with one
        more release. Texts of other classes do not vote. Never taken from the data.
    settings, embed
        How to evolve, and texts to vectors of unit length; an encoder that owes nothing to the private texts.
    seed
        Of the candidates; not of the noise.

    Raises
    ------
    BudgetError
        When nothing is left on the ledger.
    UsageError
        When labels come without classes, or a unit holds several rows.

    Notes
    -----
    A round is one histogram over all candidates of all classes; a text adds 1 to one cell, so that the
    Euclidean sensitivity is that of the ledger's unit: 1, or sqrt 2 when a text is replaced. T rounds amount
    to one Gaussian release with ``mu = sensitivity sqrt(T) / sigma``, exactly. The best by rank are kept, not
    drawn in proportion, and the L - 1 variations of each compete beside it.

    Cost: a text votes against all candidates of its class, rounds * texts * size * variations products of
    vectors; each candidate is embedded once.

    Source: Xie et al. (2024), algorithm 1, with rank. Differs: class sizes are public or paid for, noise is
    exact and on whole numbers, and nothing is measured on the private texts between rounds.
    """
    settings = settings or Settings()
    if ledger.unit.rows != 1:
        raise UsageError("a unit with several texts is not supported here", where="unit", do="keep one each")
    groups = _groups(private, labels, classes)
    bought = not isinstance(classes, Mapping) and len(groups) > 1
    steps = settings.rounds + bought
    sensitivity = ledger.unit.l2
    left = ledger.remaining_rho
    # spending all leaves the rounding of the arithmetic
    if left <= 1e-9 * ledger.budget.rho(ledger.accounting, ledger.reserve):
        raise BudgetError("nothing is left", where="privacy budget", do="raise the total")
    sigma = sigma_for(left, steps, sensitivity) * (1 + 1e-12)
    votes = Votes(ledger, sigma, sensitivity)
    shares = _shares(groups, classes, votes, bought)
    sizes = _sizes(shares, settings.size)
    vectors = {c: embed([private[i] for i in rows]).astype(np.float64) for c, rows in groups.items() if rows}
    rng = stream(seed, "evolution")
    pool = {c: varier.write(c, n * settings.variations, rng) for c, n in sizes.items()}
    kept: dict[str, list[str]] = {}
    history = []
    for turn in range(settings.rounds):
        near = {c: embed(texts).astype(np.float64) for c, texts in pool.items()}
        noisy = votes.noisy(
            {c: len(x) for c, x in near.items()},
            lambda c, near=near: nearest_counts(vectors.get(c, near[c][:0]), near[c]),  # type: ignore[misc]
            f"votes of round {turn + 1}",
        )
        kept = {c: [pool[c][i] for i in np.argsort(-noisy[c], kind="stable")[: sizes[c]]] for c in sizes}
        history.append(tuple(t for c in sizes for t in kept[c]))
        if turn + 1 < settings.rounds:
            pool = {
                c: [v for t in texts for v in (t, *varier.vary(t, c, settings.variations - 1, rng))]
                for c, texts in kept.items()
            }
    return Evolved(
        tuple(t for c in sizes for t in kept[c]), tuple(c for c in sizes for _ in kept[c]), tuple(history),
        sigma, accounting(ledger, steps, sigma, sensitivity), shares,
    )  # fmt: skip


def accounting(ledger: Ledger, steps: int, sigma: float, sensitivity: float) -> str:
    """One line: what was released, what it cost, and what it amounts to at the ledger's delta."""
    mu = sensitivity * math.sqrt(steps) / sigma
    total = Total.of(ledger.own)
    words = (
        f"{steps} histograms of votes with Gaussian noise sigma {sigma:.4g}, sensitivity {sensitivity:.4g}: "
        f"mu {mu:.4g}, (epsilon {total.epsilon(ledger.budget.delta):.4g}, delta {ledger.budget.delta:.3g}) "
        f"by {ledger.unit.adjacency} of one {ledger.unit}"
    )
    return f"{words}. {ledger.stamp}" if ledger.stamp else f"{words}."


def nearest_counts(votes: Floats, candidates: Floats) -> npt.NDArray[np.int64]:
    """How many rows of `votes` each candidate is the nearest of (cosine; the first of equals)."""
    counts = np.zeros(len(candidates), dtype=np.int64)
    for start in range(0, len(votes), _BLOCK):
        near = (votes[start : start + _BLOCK] @ candidates.T).argmax(axis=1)
        counts += np.bincount(near, minlength=len(candidates))
    return counts


class Votes:
    """Histograms that are paid for before they are counted out."""

    def __init__(self, ledger: Ledger, sigma: float, sensitivity: float) -> None:
        self._ledger, self._sigma, self._sensitivity = ledger, sigma, sensitivity

    def noisy(
        self, cells: Mapping[str, int], count: Callable[[str], npt.NDArray[np.int64]], purpose: str
    ) -> dict[str, npt.NDArray[np.int64]]:
        """Noisy counts of each class; `count` is called only once the step is on the ledger."""
        noise = self._ledger.spend(
            "gaussian", [("text",)], sensitivity=self._sensitivity, scale=self._sigma,
            slack=sum(cells.values()) * gaussian_slack(self._sigma), purpose=purpose,
        )  # fmt: skip
        return {name: gaussian_counts(count(name), self._sigma, noise) for name in cells}


def _groups(
    private: Sequence[str],
    labels: Sequence[str] | None,
    classes: Mapping[str, float] | Sequence[str] | None,
) -> dict[str, list[int]]:
    if not private:
        raise DataError("there are no private texts", where="private")
    if labels is None:
        return {"": list(range(len(private)))}
    if len(labels) != len(private):
        raise UsageError("there is not one label for each text", where="labels")
    if not classes:
        raise UsageError(
            "classes were not named; names found in the data would not be private", where="classes",
            do="name them, with public shares if there are any",
        )  # fmt: skip
    groups: dict[str, list[int]] = {name: [] for name in classes}
    for i, label in enumerate(labels):
        if label in groups:
            groups[label].append(i)
    return groups


def _shares(
    groups: Mapping[str, list[int]],
    classes: Mapping[str, float] | Sequence[str] | None,
    votes: Votes,
    bought: bool,
) -> dict[str, float]:
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


def _sizes(shares: Mapping[str, float], size: int) -> dict[str, int]:
    """Texts of each class: whole parts, and what remains to the largest fractions."""
    sizes = {c: int(size * s) for c, s in shares.items()}
    order = sorted(shares, key=lambda c: (sizes[c] - size * shares[c], c))
    for c in order[: size - sum(sizes.values())]:
        sizes[c] += 1
    return {c: n for c, n in sizes.items() if n}
