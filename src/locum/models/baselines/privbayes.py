"""PrivBayes: a network in which every attribute depends on one or two that came before it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from locum.arrays import FloatArray
from locum.models.base import ModelState
from locum.models.buyer import Buyer
from locum.models.checks import broken
from locum.models.codec import ArraySpec, Layout, StateReader, check_shares, flatten
from locum.models.private_model import PrivateModel
from locum.models.settings import BudgetSettings, ModelSettings, whole
from locum.privacy.budget import Accounting
from locum.privacy.calibration import MEAN_NOISE
from locum.progress import Event, Listener
from locum.randomness import stream
from locum.schema.domain import CodedRows, Codes, Domain
from locum.sources.private import Candidate, PrivateSource

#: Shares of the budget for single attributes and for choosing parents; the rest is for the joint tables.
ONE_WAY, CHOICE = 0.2, 0.3
#: A joint table is too large when a cell has fewer rows, on average, than so many times the noise.
USEFUL = 4.0
#: Most candidates of one choice.
MOST_CANDIDATES = 400
#: How much of a conditional is the attribute's own share, and is spread evenly.
OWN, EVEN = 1e-6, 1e-9
_LAYOUT = Layout(
    {
        "order": ArraySpec(np.int64, low=0),
        "parents": ArraySpec(np.int64, low=-1, ndim=2),
        "tables": ArraySpec(np.float64, 0, 2),
    }
)


@dataclass(frozen=True, kw_only=True)
class PrivBayesSettings(BudgetSettings):
    """Settings of PrivBayes."""

    parents: int = whole(2, 1, 4, "Most parents of an attribute.")


class PrivBayes(PrivateModel):
    """A Bayesian network, chosen and measured under privacy, sampled attribute by attribute.

    A baseline. Each attribute gets up to `parents` parents that were measured together before, by the
    exponential mechanism on how far the joint counts are from independence.

    Notes
    -----
    Source: Zhang, Cormode, Procopiuc, Srivastava, Xiao, PrivBayes, SIGMOD 2014 / TODS 2017. What differs: the
    score is the L1 distance from independence (the paper's function R) on counts; parents come from one table
    that was measured before, so that their joint counts are known and tables agree; noise is Gaussian; either
    adjacency will do, and the number of rows need not be public. Cost: one count of rows per candidate.
    """

    name: ClassVar[str] = "privbayes"
    settings_type: ClassVar[type[ModelSettings]] = PrivBayesSettings
    #: For the exponential mechanism.
    accounting: Accounting = "zcdp"

    settings: PrivBayesSettings
    _order: tuple[int, ...]
    _above: tuple[tuple[int, ...], ...]
    _tables: tuple[FloatArray, ...]

    @property
    def families(self) -> tuple[tuple[int, ...], ...]:
        """Each attribute after its parents, by number."""
        self._fitted()
        return tuple((*above, i) for i, above in zip(self._order, self._above, strict=True))

    def _spend_source(
        self, source: PrivateSource, seed: int, progress: Listener, public: CodedRows | None
    ) -> None:
        """`seed` decides which candidates are offered where there are many."""
        run = _Run(source, self.settings.parents, stream(seed, "privbayes", "fit"))
        n = len(source.domain)
        progress(Event("fit", 0, n, "single attributes"))
        run.ones()
        for i in range(1, n):
            progress(Event("fit", i, n, "parents"))
            run.grow(n - i)
        progress(Event("fit", n, n))
        self._order, self._above, self._tables = tuple(run.order), tuple(run.above), tuple(run.tables)

    def _draw(self, n: int, seed: int) -> Codes:
        sizes = self._fitted().sizes
        out = np.zeros((n, len(sizes)), dtype=np.int32, order="F")
        for i, above, table in zip(self._order, self._above, self._tables, strict=True):
            size = sizes[i]
            at = _place(out, above, sizes)
            steps = np.cumsum(table.reshape(-1, size), axis=1)
            # Rows of the table follow each other on one long scale, so one search serves all of them.
            base = np.concatenate([[0.0], np.cumsum(steps[:, -1])])
            scale = (steps + base[:-1, None]).reshape(-1)
            points = stream(seed, "privbayes", "sample", i).random(n) * steps[at, -1] + base[at]
            drawn = np.searchsorted(scale, points, side="right") - at * size
            out[:, i] = np.clip(drawn, 0, size - 1)
        return out

    def _log_prob(self, codes: Codes) -> FloatArray:
        """Sum of the logs of the conditionals."""
        sizes, total = self._fitted().sizes, np.zeros(len(codes))
        for i, above, table in zip(self._order, self._above, self._tables, strict=True):
            square = table.reshape(-1, sizes[i])
            at = _place(codes, above, sizes)
            with np.errstate(divide="ignore"):
                total += np.log(square[at, codes[:, i]]) - np.log(square.sum(axis=1)[at])
        return total

    def _store(self) -> ModelState:
        """Order, parents (-1 for none) and the conditional tables end to end."""
        parents = np.full((len(self._order), 4), -1, dtype=np.int64)
        for place, above in enumerate(self._above):
            parents[place, : len(above)] = above
        return _LAYOUT.write({"order": self._order, "parents": parents, "tables": flatten(self._tables)})

    def _restore(self, state: ModelState, domain: Domain) -> None:
        file = StateReader(state, domain, _LAYOUT)
        order = file.order("order")
        above, cells = [], []
        for place, row in enumerate(file.array("parents", len(domain), 4).tolist()):
            known = [p for p in row if p != -1]
            if row[len(known) :] != [-1] * (4 - len(known)) or len(set(known)) < len(known):
                raise broken("parents are not usable")
            if not set(known) <= set(order[:place]):
                raise broken("a parent comes after its child")
            above.append(tuple(known))
            cells.append(math.prod(domain.sizes[i] for i in (*known, order[place])))
        self._order, self._above, self._tables = tuple(order), tuple(above), file.parts("tables", cells)
        check_shares(
            (t.reshape(-1, domain.sizes[i]) for i, t in zip(order, self._tables, strict=True)), 0.5, 2
        )


def _place(codes: Codes, above: Sequence[int], sizes: Sequence[int]) -> npt.NDArray[np.int64]:
    """Row of a conditional table for each row of codes."""
    at = np.zeros(len(codes), dtype=np.int64)
    for p in above:
        at = at * sizes[p] + codes[:, p]
    return at


class _Run(Buyer):
    """One fit under way; sees sizes and noisy counts only."""

    def __init__(self, source: PrivateSource, parents: int, rng: np.random.Generator) -> None:
        super().__init__(source)
        self.parents, self.rng = parents, rng
        self.budget = source.remaining_rho
        self.shares: list[FloatArray] = []
        self.order: list[int] = []
        self.above: list[tuple[int, ...]] = []
        self.tables: list[FloatArray] = []
        # Noisy joint distributions of what was measured together; parents are taken from one of them.
        self.joints: list[tuple[tuple[int, ...], FloatArray]] = []

    def ones(self) -> None:
        """Measure single attributes; the one with the most codes, a public fact, is the root."""
        alive = self.alive
        share = ONE_WAY if len(alive) > 1 else 1.0
        bought = self.measure([(i,) for i in alive], self.source.remaining_rho * share, "single attributes")
        noisy = {i: m.counts for i, m in zip(alive, bought, strict=True)}
        self.shares = [_share(noisy.get(i, np.ones(1)), size) for i, size in enumerate(self.sizes)]
        self.step = max(0.0, self.source.remaining_rho) / max(1, len(alive) - 1)
        self.place(max(range(len(self.sizes)), key=lambda i: (self.sizes[i], -i)), (), None)

    def place(self, i: int, above: tuple[int, ...], joint: FloatArray | None) -> None:
        """Put attribute `i` next in order, with its conditional table."""
        if joint is None:
            table = self.shares[i]
            joint_known = self.shares[i]
        else:
            square = joint.reshape(-1, self.sizes[i])
            sums = square.sum(axis=1, keepdims=True)
            own = OWN / square.shape[0]
            table = (square + own * self.shares[i]) / (sums + own)
            joint_known = joint
        self.order.append(i)
        self.above.append(above)
        self.tables.append(np.asarray(table, dtype=np.float64).reshape(-1))
        self.joints.append(((*above, i), np.asarray(joint_known, dtype=np.float64).reshape(-1)))

    def grow(self, left: int) -> None:
        """Choose one attribute and its parents, and measure them together."""
        open_ = [i for i in range(len(self.sizes)) if i not in self.order and self.sizes[i] > 1]
        if not open_:
            rest = next(i for i in range(len(self.sizes)) if i not in self.order)
            self.place(rest, (), None)
            return
        rho = min(self.step, self.source.remaining_rho) if len(open_) > 1 else self.source.remaining_rho
        choice = CHOICE / (1 - ONE_WAY)
        sigma = self.source.sigma_for(max(rho * (1 - choice), 1e-300))
        offered = self.offers(open_, sigma)
        if not offered:
            self.place(open_[0], (), None)
            return
        candidates = [
            Candidate(
                self.names((*above, i)),
                np.asarray(np.rint(self.total * np.outer(known, self.shares[i])), dtype=np.int64).reshape(-1),
                1,
                MEAN_NOISE * sigma * known.size * self.sizes[i],
            )
            for i, above, known in offered
        ]
        i, above, _ = offered[self.source.choose(candidates, rho * choice, purpose="parents")]
        bought = self.source.measure([self.names((*above, i))], sigma, purpose="attribute with its parents")
        self.place(i, above, _share(bought[0].counts, bought[0].counts.size))

    def offers(self, open_: list[int], sigma: float) -> list[tuple[int, tuple[int, ...], FloatArray]]:
        """Attributes with parents whose joint table is useful at this noise, by noisy facts."""
        known: dict[tuple[int, ...], FloatArray] = {}
        for clique, joint in self.joints:
            table = joint.reshape([self.sizes[j] for j in clique])
            alive = [j for j in clique if self.sizes[j] > 1]
            for degree in range(1, min(self.parents, len(alive)) + 1):
                for above in itertools.combinations(alive, degree):
                    if tuple(sorted(above)) not in known:
                        drop = tuple(at for at, j in enumerate(clique) if j not in above)
                        kept = [j for j in clique if j in above]
                        order = [kept.index(j) for j in sorted(above)]
                        part = np.asarray(table.sum(axis=drop)).transpose(order)
                        known[tuple(sorted(above))] = part.reshape(-1)
        most = max(4.0, self.total / (USEFUL * sigma))
        found = [
            (i, above, part)
            for above, part in known.items()
            for i in open_
            if part.size * self.sizes[i] <= most
        ]
        limit = self.most_offers(MOST_CANDIDATES)
        if len(found) > limit:
            found = [found[j] for j in sorted(self.rng.permutation(len(found))[:limit].tolist())]
        return found


def _share(counts: npt.NDArray[np.generic], size: int) -> FloatArray:
    """Noisy counts as shares: negative ones are none, and no cell is quite impossible."""
    clean = np.maximum(np.asarray(counts, dtype=np.float64), 0.0)
    mass = float(clean.sum())
    shares = clean / mass if mass > 0 else np.full(size, 1.0 / size)
    shares = (1 - EVEN) * shares + EVEN / size
    return np.asarray(shares / shares.sum(), dtype=np.float64)
