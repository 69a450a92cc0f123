"""Private Evolution: candidates are proposed, voted for with noise, and the best are varied, round by round.

Source: Lin et al., "Differentially Private Synthetic Data via Foundation Model APIs 1" (ICLR 2024, arXiv
2305.15560), algorithm 1, with the selection by rank of Xie et al., Aug-PE (ICML 2024, arXiv 2403.01749): the
best by noisy votes are kept, not drawn in proportion, and their variations compete beside them. What is
proposed (rows, texts) and who votes are adapters. Only the voter touches private data, and it pays for that;
all else here is post-processing of noisy votes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

#: Candidates of each class, along the first axis; one class is called "".
Population = Mapping[str, npt.NDArray[Any]]
#: Noisy votes for each of them, shape (candidates,); may be negative.
Votes = Mapping[str, npt.NDArray[Any]]


class Proposer(Protocol):
    """Makes candidates. Sees earlier candidates, public data and what was paid for, never a private row."""

    def first(self) -> Population:
        """The candidates of the first round."""
        ...

    def vary(self, kept: Population, turn: int) -> Population:
        """The candidates after round `turn` (from 0): those that were kept, and variations of them."""
        ...


class Voter(Protocol):
    """Holds private rows against candidates, with noise that is paid for before they are touched."""

    def vote(self, candidates: Population, turn: int) -> Votes:
        """Noisy numbers of private rows that are nearest to each candidate of their class."""
        ...


@dataclass(frozen=True, slots=True)
class VoteRound:
    """The candidates that were kept after a round, best first within each class, and their votes."""

    kept: Population
    votes: Votes


def evolve(proposer: Proposer, voter: Voter, *, rounds: int, sizes: Mapping[str, int]) -> Iterator[VoteRound]:
    """Give the generations of `rounds` rounds, each of up to ``sizes[c]`` candidates of a class c.

    Equal votes go to the candidate that was proposed first.
    """
    candidates = proposer.first()
    for turn in range(rounds):
        votes = voter.vote(candidates, turn)
        best = {c: np.argsort(-votes[c], kind="stable")[:n] for c, n in sizes.items()}
        kept = {c: candidates[c][i] for c, i in best.items()}
        yield VoteRound(kept, {c: votes[c][i] for c, i in best.items()})
        if turn + 1 < rounds:
            candidates = proposer.vary(kept, turn)
