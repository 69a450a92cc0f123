"""A source whose every answer is noisy and paid for: the only thing a private synthesizer sees."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from locum.errors import BudgetError, UsageError
from locum.privacy.budget import positive
from locum.privacy.calibration import choice_epsilon_for, sigma_for
from locum.privacy.ledger import Ledger
from locum.privacy.mechanisms import exponential, gaussian_counts
from locum.privacy.noise import MAX_SIGMA, choice_slack, gaussian_slack
from locum.privacy.unit import Adjacency
from locum.schema.domain import Codes, Domain
from locum.sources.base import Counts, Source, check_clique, n_cells
from locum.sources.purposes import ROWS
from locum.sources.votes import VotingSource

#: Least noise that is ever asked for (the sampler takes no less), and most that makes any sense.
LEAST_SIGMA, MOST_SIGMA = 0.1, 1e7
#: Candidates that are scored in one choice where each score has to be bought (Gaussian ledgers).
SHORTLIST = 16


@dataclass(frozen=True, slots=True, eq=False)
class Measurement:
    """A table of noisy counts.

    Attributes
    ----------
    clique
        The attributes; empty for the number of rows.
    counts
        int64, flat, C order; may be negative.
    sigma
        Standard deviation of the noise in each cell.
    """

    clique: tuple[str, ...]
    counts: Counts
    sigma: float


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A table that might be worth measuring.

    Attributes
    ----------
    clique
        Its attributes.
    estimate
        int64, flat, C order: the counts a model expects, rounded.
    weight
        Positive whole number.
    offset
        What an error must exceed to count.
    """

    clique: tuple[str, ...]
    estimate: Counts
    weight: int = 1
    offset: float = 0.0


class PrivateSource:
    """Noisy counts of a source, paid for out of a ledger.

    Parameters
    ----------
    source
        Who counts. It must already keep to the unit's number of rows.
    ledger
        Who pays, and whose noise it is.
    total
        The number of rows where it is public; otherwise it is bought when first asked for.
    total_share
        Part of what then remains that it is bought for.
    """

    def __init__(
        self, source: Source, ledger: Ledger, *, total: int | None = None, total_share: float = 0.005
    ) -> None:
        self._source, self.ledger = source, ledger
        self.domain: Domain = source.domain
        self._total: Measurement | int | None = total
        self._total_share = total_share

    @property
    def adjacency(self) -> Adjacency:
        """``add-remove`` or ``replace``."""
        return self.ledger.unit.adjacency

    @property
    def sensitivity(self) -> float:
        """Euclidean change of one table of counts by one unit: k, or sqrt(2) k under ``replace``."""
        return self.ledger.unit.l2

    @property
    def remaining_rho(self) -> float:
        """What is left; a table measured with sigma costs ``sensitivity**2 / (2 sigma**2)``."""
        return self.ledger.remaining_rho

    @property
    def total(self) -> Measurement | int:
        """The public number of rows, or a noisy one, bought once."""
        if self._total is None:
            rho = self.remaining_rho * self._total_share
            sigma = sigma_for(rho, self.sensitivity) if rho > 0 else MAX_SIGMA
            self._total = self.measure([()], sigma, purpose=ROWS)[0]
        return self._total

    def row_count(self, measured: Sequence[Measurement] = ()) -> float:
        """The number of rows as far as it may be known: public or noisy, at least 1.

        A noisy one is put together with the sums of the tables in `measured`. Each is unbiased, with the sum
        of its cells' variances; they are weighted by precision.
        """
        total = self.total
        if not isinstance(total, Measurement):
            return max(1.0, float(total))
        if not measured:
            return max(1.0, float(total.counts[0]))
        estimates = [(float(m.counts.sum()), m.counts.size * m.sigma**2) for m in (total, *measured)]
        precision = sum(1 / v for _, v in estimates)
        return max(1.0, sum(y / v for y, v in estimates) / precision)

    def sigma_for(self, rho: float, tables: int = 1) -> float:
        """Noise of each of `tables` tables of counts that together cost `rho` (or less, where that is a lot).

        Raises
        ------
        BudgetError
            When `rho` is nothing, or so little that nothing could be seen through the noise.
        """
        sigma = sigma_for(max(rho, 1e-300), self.sensitivity, tables)
        if sigma > MOST_SIGMA:
            raise BudgetError(
                "nothing is left of the privacy budget",
                where="privacy budget",
                do="use a larger total; a spent budget does not come back",
            )
        return max(LEAST_SIGMA, sigma)

    def measure(self, cliques: Sequence[Sequence[str]], sigma: float, *, purpose: str) -> list[Measurement]:
        """Noisy tables of counts.

        Parameters
        ----------
        cliques
            Attribute sets; the cost is that of each, added up.
        sigma
            Standard deviation of the noise in each cell.
        purpose
            A few public words for the ledger.

        Raises
        ------
        BudgetError
            When it costs more than is left; the data are not touched then.
        """
        names = [check_clique(self.domain, c) for c in cliques]
        if not names:
            return []
        sigma = positive(sigma, "sigma")
        cells = sum(n_cells(self.domain, c) for c in names)
        noise = self.ledger.spend(
            "gaussian" if self.ledger.accounting == "gdp" else "discrete-gaussian",
            names,
            sensitivity=self.sensitivity,
            scale=sigma,
            steps=len(names),
            slack=cells * gaussian_slack(sigma),
            purpose=purpose,
        )
        rounded = self.ledger.accounting == "gdp"
        tables = self._source.marginals(names)
        noisy = gaussian_counts(np.concatenate(tables), sigma, noise, rounded=rounded)
        ends = np.cumsum([len(t) for t in tables])[:-1]
        return [Measurement(c, part, sigma) for c, part in zip(names, np.split(noisy, ends), strict=True)]

    def scores(
        self, candidates: Sequence[Candidate], *, sigma: float, purpose: str
    ) -> npt.NDArray[np.float64]:
        """Noisy scores ``weight * (|M(D) - estimate| + noise - offset)``, with noise of deviation `sigma`.

        The cost is ``l1**2 / (2 sigma**2)`` for each candidate, with l1 = k, or 2k under ``replace``.
        """
        return self._noisy_scores(candidates, positive(sigma, "sigma"), "gaussian-scores", purpose)

    def select(
        self,
        candidates: Sequence[Candidate],
        *,
        sigma: float | None = None,
        epsilon: float | None = None,
        purpose: str,
    ) -> int:
        """The position of a candidate with a large score ``weight * (|M(D) - estimate| - offset)``.

        Parameters
        ----------
        candidates
            At least one.
        sigma
            The largest of all noisy scores (see `scores`), at their cost.
        epsilon
            Exponential mechanism, ``P ~ exp(epsilon score / (2 max(weight) l1))``, exactly; costs
            ``epsilon**2 / 8`` in rho and needs a ``zcdp`` ledger.
        purpose
            A few public words for the ledger.

        Raises
        ------
        UsageError
            When not exactly one of `sigma` and `epsilon` is given.
        BudgetError
            When it costs more than is left; the data are not touched then.
        """
        if (sigma is None) == (epsilon is None):
            raise UsageError("select takes either sigma or epsilon", where="select")
        if sigma is not None:
            noisy = self._noisy_scores(candidates, positive(sigma, "sigma"), "gaussian-argmax", purpose)
            return int(np.argmax(noisy))
        epsilon = positive(epsilon, "epsilon")
        self._check(candidates)
        noise = self.ledger.spend(
            "exponential",
            [c.clique for c in candidates],
            sensitivity=1.0,
            scale=epsilon,
            slack=choice_slack(len(candidates)),
            purpose=purpose,
        )
        scores = [
            c.weight * (int(error) - Fraction(float(c.offset)))
            for c, error in zip(candidates, self._errors(candidates), strict=True)
        ]
        reach = max(c.weight for c in candidates) * self.ledger.unit.l1
        return exponential(scores, epsilon, reach, noise)

    def choose(self, candidates: Sequence[Candidate], rho: float, *, purpose: str) -> int:
        """The position of a candidate with a large score, for `rho`.

        The exponential mechanism where the ledger can add it up, else the largest of the noisy scores; these
        cost in proportion to the number of candidates, so give at most `SHORTLIST` to a Gaussian ledger.
        """
        if self.ledger.accounting == "zcdp":
            return self.select(candidates, epsilon=choice_epsilon_for(rho), purpose=purpose)
        sigma = max(LEAST_SIGMA, sigma_for(rho, self.ledger.unit.l1, len(candidates)))
        return self.select(candidates, sigma=sigma, purpose=purpose)

    def votes(self, proposed: Codes, sigma: float, *, purpose: str) -> Counts:
        """Noisy numbers of rows nearest to each proposed row (`nearest_votes`); int64, may be negative.

        A row has one vote, so that a unit changes the votes as it changes a table of counts: the cost is
        ``sensitivity**2 / (2 sigma**2)``, however many rows are proposed.

        Raises
        ------
        UsageError
            When the source can only count, or nothing usable is proposed.
        BudgetError
            When it costs more than is left; the data are not touched then.
        """
        source = self._source
        if not isinstance(source, VotingSource):
            raise UsageError(
                "this source only counts", where="votes", do="read the rows into memory, or use aim or swift"
            )
        if proposed.ndim != 2 or not len(proposed) or proposed.shape[1] != len(self.domain):
            raise UsageError("the proposed rows do not fit the attributes", where="votes")
        sigma = positive(sigma, "sigma")
        noise = self.ledger.spend(
            "gaussian" if self.ledger.accounting == "gdp" else "discrete-gaussian",
            [self.domain.names],
            sensitivity=self.sensitivity,
            scale=sigma,
            slack=len(proposed) * gaussian_slack(sigma),
            purpose=purpose,
        )
        rounded = self.ledger.accounting == "gdp"
        return gaussian_counts(source.votes(proposed), sigma, noise, rounded=rounded)

    def _noisy_scores(
        self, candidates: Sequence[Candidate], sigma: float, mechanism: str, purpose: str
    ) -> npt.NDArray[np.float64]:
        self._check(candidates)
        noise = self.ledger.spend(
            mechanism,
            [c.clique for c in candidates],
            sensitivity=float(self.ledger.unit.l1),
            scale=sigma,
            steps=len(candidates),
            slack=len(candidates) * gaussian_slack(sigma),
            purpose=purpose,
        )
        errors = gaussian_counts(self._errors(candidates), sigma, noise)
        weights = np.array([c.weight for c in candidates], dtype=np.float64)
        return weights * (errors - np.array([c.offset for c in candidates], dtype=np.float64))

    def _check(self, candidates: Sequence[Candidate]) -> None:
        if not candidates:
            raise UsageError("there is no candidate", where="select")
        for c in candidates:
            cells = n_cells(self.domain, check_clique(self.domain, c.clique))
            if c.estimate.shape != (cells,) or c.estimate.dtype != np.int64:
                raise UsageError("an estimate does not fit its attributes", where="select")
            if c.weight < 1 or int(c.weight) != c.weight or not math.isfinite(c.offset):
                raise UsageError("a weight must be a positive whole number", where="select")

    def _errors(self, candidates: Sequence[Candidate]) -> Counts:
        """Sum of absolute differences between counts and estimate, of each candidate; int64."""
        tables = self._source.marginals([c.clique for c in candidates])
        pairs = zip(tables, candidates, strict=True)
        return np.array([np.abs(t - c.estimate).sum() for t, c in pairs], dtype=np.int64)
