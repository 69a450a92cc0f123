"""Private prediction: each token is drawn from a public model that private texts may move a little.

Experimental. In the manner of InvisibleInk (2025), written from its description; see `predict`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from locum.arrays import FloatArray
from locum.errors import BudgetError, UsageError
from locum.privacy.ledger import Ledger
from locum.privacy.mechanisms import exponential
from locum.privacy.noise import Noise, choice_slack
from locum.text.private.votes import account, spendable

Tokens = npt.NDArray[np.int64]

#: Steps of the grid of scores to one unit of log-probability: sums on it are exact.
GRID = 1 << 16
#: Most tokens that one draw chooses among.
MOST = 1 << 14


class LanguageModel(Protocol):
    """Log-probabilities of the next token, with and without a private text in the prompt.

    What it says about one private text must follow from that text, what was written so far and public things
    alone. Numbers that depend on other requests by rounding are outside the proof.
    """

    @property
    def end(self) -> frozenset[int]:
        """Tokens that end a text."""
        ...

    def public(self, written: Sequence[int]) -> tuple[Tokens, FloatArray]:
        """Tokens and their log-probabilities without any private text; those left out are never drawn."""
        ...

    def private(self, text: str, written: Sequence[int], tokens: Tokens) -> FloatArray:
        """Log-probabilities of `tokens` with one private text in the prompt; NaN where it says nothing."""
        ...

    def text(self, written: Sequence[int]) -> str:
        """Tokens as text."""
        ...


@dataclass(frozen=True, slots=True)
class Predicted:
    """What came out.

    Attributes
    ----------
    texts
        The texts, each of its own batch.
    clip
        How far one private text may move the log-probability of a token, before the mean over a batch.
    epsilon_token
        Epsilon of the exponential mechanism that draws one token.
    rho
        Cost of everything, in rho.
    sentence
        The accounting in one line.
    """

    texts: tuple[str, ...] = field(repr=False)
    clip: float
    epsilon_token: float
    rho: float
    sentence: str


def rho_of(tokens: int, clip: float, batch: int, temperature: float, moves: int = 1) -> float:
    """Cost of a text in rho: ``tokens (moves clip)**2 / (2 batch**2 temperature**2)``.

    `moves` is 1 when a neighbour has one text more, 2 when a text is replaced by another.
    """
    return tokens * (moves * clip) ** 2 / (2 * batch**2 * temperature**2)


def clip_for(rho: float, tokens: int, batch: int, temperature: float, moves: int = 1) -> float:
    """The bound with which a text of so many tokens costs `rho`; the inverse of `rho_of`."""
    return batch * temperature * math.sqrt(2 * rho / tokens) / moves


def predict(
    private: Sequence[str],
    model: LanguageModel,
    ledger: Ledger,
    *,
    texts: int,
    batch: int,
    tokens: int = 40,
    temperature: float = 1.0,
    clip: float | None = None,
    top: int = 100,
    used: float = 1.0,
    share: float = 1.0,
) -> Predicted:
    """Write texts token by token, each token by the exponential mechanism. Experimental.

    Parameters
    ----------
    private
        One text a row. Each falls into one of the batches by a coin of its own.
    model
        Gives log-probabilities; it must run where the private texts may go.
    ledger
        Must add up rho (``accounting="zcdp"``). All tokens are paid for before the first one is drawn.
        No unit has more texts than it may.
    texts
        Batches, and so texts. Batches are disjoint, so that all texts together cost what one costs.
    batch
        Nominal number of private texts in a batch (B); public, chosen by you, a divisor only.
    tokens
        Most tokens in a text (T); all are paid for.
    temperature
        Of the sampling (tau).
    clip
        How far one text may move a log-probability (C). None takes the largest that the budget allows.
    top
        Tokens to choose among: those whose public log-probability is not more than 2 clip / batch below
        that of the `top`-th, and so some more than `top`. Public, free.
    used
        Chance with which a private text is used at all; it spares time and claims nothing.
    share
        Part of what is left on the ledger that is spent, where `clip` is None.

    Raises
    ------
    UsageError
        When the ledger does not add up rho, or a number cannot be.
    BudgetError
        When the ledger has less left than the texts cost, or too little to move anything.

    Notes
    -----
    Score of a token: public log-probability plus the sum over the batch of (private minus public, cut to
    [-clip, clip]) over `batch`; drawn with probability in proportion to exp(score / temperature). One text
    more moves a score by at most clip / batch, so a token is exponential-mechanism private with epsilon
    ``2 clip / (batch temperature)`` and costs epsilon**2 / 8 in rho (bounded range); with replacement of a
    text the move is twice as large, and k times as large where a unit has k texts. That its texts may fall
    into several batches costs no more: the coins owe nothing to the data, and the squares of the moves in the
    batches add up to at most k**2. Scores are whole numbers on a grid, sums and draws are exact.

    Source: InvisibleInk (2025), difference clipping and the enlarged top-k set; Amin et al. (2024), disjoint
    batches. Differs: batches by independent coins with a fixed divisor, so that the number of texts needs
    not be public; exact draws.

    Cost: for each token one call of `private` a text that is used.
    """
    moves = check_prediction(ledger, texts, batch, tokens, temperature, top, used)
    if clip is None:
        # a hair less, so that rounding cannot ask for more than there is
        clip = clip_for(spendable(ledger, share) * (1 - 1e-9), tokens, batch, temperature, moves)
    bound = math.floor(clip * GRID)
    if bound < 1:
        raise BudgetError(
            "the budget is too small to move any token",
            where="privacy budget",
            do="raise it, use larger batches or fewer tokens",
        )
    epsilon = 2 * moves * bound / (GRID * batch * temperature)
    noise = ledger.spend(
        "exponential",
        [("text",)],
        sensitivity=1.0,
        scale=epsilon,
        steps=tokens,
        slack=texts * tokens * choice_slack(MOST),
        purpose="tokens by private prediction",
    )
    place = _coins(len(private), texts, used, noise)
    draw = _Draw(model, batch, bound, moves, epsilon, top, noise)
    written = [
        draw.text([private[i] for i in np.flatnonzero(place == j).tolist()], tokens) for j in range(texts)
    ]
    rho = rho_of(tokens, bound / GRID, batch, temperature, moves)
    words = (
        f"Experimental: {texts} texts of at most {tokens} tokens from disjoint batches, divisor {batch}, "
        f"clip {bound / GRID:.4g}, temperature {temperature:g}: rho {rho:.4g}"
    )
    return Predicted(tuple(written), bound / GRID, epsilon, rho, account(ledger, words))


def contribution(private: FloatArray, public: FloatArray, bound: int) -> npt.NDArray[np.int64]:
    """What one private text adds to the scores of the tokens: whole grid steps in [-bound, bound]."""
    gap = np.nan_to_num((private - public) * GRID, nan=0.0, posinf=bound, neginf=-bound)
    return np.rint(np.clip(gap, -bound, bound)).astype(np.int64)


def candidates(public: FloatArray, top: int, reach: float) -> npt.NDArray[np.intp]:
    """Places of the tokens not more than `reach` below the `top`-th, likeliest first, at most `MOST`."""
    order = np.argsort(-public, kind="stable")[:MOST]
    least = public[order[min(top, len(order)) - 1]] - reach
    return np.asarray(order[public[order] >= least], dtype=np.intp)


class _Draw:
    """Draws the tokens of one text after the other."""

    def __init__(
        self, model: LanguageModel, batch: int, bound: int, moves: int, epsilon: float, top: int, noise: Noise
    ) -> None:
        self._model, self._batch, self._bound, self._moves = model, batch, bound, moves
        self._epsilon, self._top, self._noise = epsilon, top, noise

    def text(self, mine: Sequence[str], tokens: int) -> str:
        written: list[int] = []
        for _ in range(tokens):
            found = self.token(mine, written)
            if found in self._model.end:
                break
            written.append(found)
        return self._model.text(written)

    def token(self, mine: Sequence[str], written: Sequence[int]) -> int:
        names, public = self._model.public(written)
        keep = candidates(public, self._top, 2 * self._bound / (GRID * self._batch))
        names, public = names[keep], public[keep]
        scores = np.rint(np.maximum(public - public.max(), -400.0) * GRID).astype(np.int64) * self._batch
        for text in mine:
            scores += contribution(self._model.private(text, written, names), public, self._bound)
        chosen = exponential([int(s) for s in scores], self._epsilon, self._moves * self._bound, self._noise)
        return int(names[chosen])


def _coins(n: int, texts: int, used: float, noise: Noise) -> npt.NDArray[np.int64]:
    """Batch of each private text by a coin of its own, -1 for none."""
    words = noise.bits.words(2 * n)
    batch = (words[:n] % np.uint64(texts)).astype(np.int64)
    return np.where(words[n:].astype(np.float64) < used * 2.0**64, batch, -1)


def check_prediction(
    ledger: Ledger, texts: int, batch: int, tokens: int, temperature: float, top: int, used: float
) -> int:
    """How many contributions a neighbour can change; refuses what cannot be."""
    if ledger.accounting != "zcdp":
        raise UsageError(
            "private prediction is no Gaussian step", where="ledger", do='open it with accounting="zcdp"'
        )
    if min(texts, batch, tokens, top) < 1 or not 0 < temperature <= 100 or not 0 < used <= 1:
        raise UsageError(
            "a number cannot be",
            where="predict",
            expected="texts, batch, tokens and top from 1; temperature above 0; used above 0, at most 1",
        )
    return ledger.unit.l1
