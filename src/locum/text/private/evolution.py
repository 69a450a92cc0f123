"""Private Evolution for text: candidates are chosen by noisy votes of the private texts (Aug-PE)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from locum.arrays import FloatArray
from locum.errors import UsageError
from locum.evaluation.learn.embedding import embed as static
from locum.models.evolution import loop
from locum.privacy.calibration import sigma_for
from locum.privacy.ledger import Ledger
from locum.randomness import stream
from locum.text.private.masked_words import Varier
from locum.text.private.votes import (
    Classes,
    Embed,
    Votes,
    class_shares,
    group,
    nearest_counts,
    sizes_of,
    spendable,
)


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
                "the settings are not usable",
                where="evolution",
                expected="1 round and text or more, and 2 variations or more",
            )


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


def evolve(
    private: Sequence[str],
    varier: Varier,
    ledger: Ledger,
    *,
    labels: Sequence[str] | None = None,
    classes: Classes | None = None,
    settings: Settings | None = None,
    share: float = 1.0,
    embed: Embed = static,
    seed: int = 0,
) -> Evolved:
    """Evolve a population of texts toward private ones.

    Parameters
    ----------
    private
        One text a row; each votes once a round for its nearest candidate of its class. No unit of the ledger
        has more of them than it may.
    varier
        Writes and varies candidates. It sees no private text; that its public texts or its model owe nothing
        to them is for the caller to know.
    ledger
        `share` of what it has left is spent: in equal parts on each round, and on one more when class sizes
        are bought. Noise comes from it (the operating system's, unless it is a test ledger).
    labels
        Class of each private text; None for one class.
    classes
        Public names of the classes, with their public shares, or without: then the sizes are bought with one
        more release. Texts of other classes do not vote. Never taken from the data.
    share
        Part of what is left on the ledger that is spent; 1 leaves nothing for another step.
    settings, embed
        How to evolve, and texts to vectors of unit length; an encoder that owes nothing to the private texts.
    seed
        Of the candidates; not of the noise.

    Raises
    ------
    BudgetError
        When nothing is left on the ledger.
    UsageError
        When labels come without classes.

    Notes
    -----
    A round is one histogram over all candidates of all classes; a text adds 1 to one cell, so that the
    Euclidean sensitivity is that of the ledger's unit: 1 for a text, or sqrt 2 when it is replaced. T rounds
    amount to one Gaussian release with ``mu = sensitivity sqrt(T) / sigma``, exactly. The best by rank are
    kept, not drawn in proportion, and the L - 1 variations of each compete beside it.

    Cost: a text votes against all candidates of its class, rounds * texts * size * variations products of
    vectors; each candidate is embedded once.

    Source: Xie et al. (2024), algorithm 1, with rank. Differs: class sizes are public or paid for, noise is
    exact and on whole numbers, and nothing is measured on the private texts between rounds.
    """
    settings = settings or Settings()
    left = spendable(ledger, share)
    groups = group(private, labels, classes)
    bought = not isinstance(classes, Mapping) and len(groups) > 1
    steps = settings.rounds + bought
    sigma = sigma_for(left, ledger.unit.l2, steps) * (1 + 1e-12)
    votes = Votes(ledger, sigma, ledger.unit.l2)
    shares = class_shares(groups, classes, votes, bought)
    sizes = sizes_of(shares, settings.size)
    vectors = {c: embed([private[i] for i in rows]).astype(np.float64) for c, rows in groups.items() if rows}
    proposer = _Variations(varier, sizes, settings.variations, stream(seed, "evolution"))
    generations = list(
        loop.evolve(proposer, _Texts(votes, vectors, embed), rounds=settings.rounds, sizes=sizes)
    )
    kept = generations[-1].kept
    return Evolved(
        tuple(t for c in sizes for t in kept[c]),
        tuple(c for c in sizes for _ in kept[c]),
        tuple(tuple(t for c in sizes for t in g.kept[c]) for g in generations),
        sigma,
        votes.account(steps),
        shares,
    )


@dataclass(frozen=True)
class _Variations:
    """Texts by a varier, a number of them for each that is kept."""

    varier: Varier
    sizes: Mapping[str, int]
    variations: int
    rng: np.random.Generator

    def first(self) -> loop.Population:
        return {c: _texts(self.varier.write(c, n * self.variations, self.rng)) for c, n in self.sizes.items()}

    def vary(self, kept: loop.Population, turn: int) -> loop.Population:
        return {
            c: _texts([v for t in texts for v in (t, *self.varier.vary(t, c, self.variations - 1, self.rng))])
            for c, texts in kept.items()
        }


@dataclass(frozen=True)
class _Texts:
    """The private texts vote, each for the nearest candidate of its class."""

    votes: Votes
    vectors: Mapping[str, FloatArray]
    embed: Embed

    def vote(self, candidates: loop.Population, turn: int) -> loop.Votes:
        near = {c: self.embed(texts.tolist()).astype(np.float64) for c, texts in candidates.items()}
        return self.votes.noisy(
            {c: len(x) for c, x in near.items()},
            lambda c: nearest_counts(self.vectors.get(c, near[c][:0]), near[c]),
            f"votes of round {turn + 1}",
        )


def _texts(texts: Sequence[str]) -> npt.NDArray[np.object_]:
    return np.array(texts, dtype=object)
