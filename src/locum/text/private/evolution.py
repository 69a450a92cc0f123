"""Private Evolution for text: candidates are chosen by noisy votes of the private texts (Aug-PE)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from locum.errors import UsageError
from locum.evaluation.learn.embedding import embed as static
from locum.privacy.ledger import Ledger
from locum.randomness import stream
from locum.text.private.masked_words import Varier
from locum.text.private.votes import (
    Classes,
    Embed,
    Votes,
    accounting,
    grouped,
    nearest_counts,
    shared_out,
    sigma_for,
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
        One text a row; each votes once a round for its nearest candidate of its class.
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
    left = spendable(ledger, share)
    groups = grouped(private, labels, classes)
    bought = not isinstance(classes, Mapping) and len(groups) > 1
    steps = settings.rounds + bought
    sensitivity = ledger.unit.l2
    sigma = sigma_for(left, steps, sensitivity) * (1 + 1e-12)
    votes = Votes(ledger, sigma, sensitivity)
    shares = shared_out(groups, classes, votes, bought)
    sizes = sizes_of(shares, settings.size)
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
