"""AIM: measure, round by round, the marginal that the model gets most wrong.

McKenna, Mullins, Sheldon, Miklau: AIM, an adaptive and iterative mechanism for differentially private
synthetic data, VLDB 2022. Ours differs in five ways, all for accuracy or time at the same guarantee:

- every step is Gaussian, so that the ledger adds up exactly (about a tenth more budget at the same epsilon
  and delta); the worst marginal is the largest of noisy errors. As in the public AIM-GDP, all candidates
  are scored once, against independent columns, and each round buys fresh errors of the most promising few
  only;
- half of the budget buys a first batch of marginals at once, chosen by those errors as one-shot does;
- single columns get a larger part, the large ones most, and there are fewer, larger rounds;
- the model is fitted with a little entropy (see `fit`), which takes up less of the noise;
- `selection="exponential"` is the paper's version: zCDP, all candidates scored each round by the
  exponential mechanism.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from locum.errors import UsageError
from locum.models.marginal.batch import buy
from locum.models.marginal.model import MarginalModel, Step, WorkloadSettings
from locum.models.marginal.session import Session
from locum.models.marginal.triangulate import Clique, volume
from locum.models.marginal.workload import MOST_CELLS, MarginalWorkload
from locum.models.settings import ModelSettings, setting
from locum.privacy.budget import Accounting
from locum.privacy.calibration import choice_epsilon_for

#: Marginals whose fit into the model's size is looked up in a round, most promising first; in a table of 200
#: columns there are 20,000, and in a late round hardly one fits.
MOST_TRIED = 600
#: Largest part of the budget for single columns, whatever noise covers of them.
MOST_SINGLE = 0.6


@dataclass(frozen=True, slots=True)
class BudgetPlan:
    """How the budget is divided.

    Attributes
    ----------
    rounds
        Rounds for each attribute, before annealing makes them fewer.
    one_way, extra
        Parts of the budget for single columns: the first always; of the second as much as noise then
        still covers of them.
    first
        Part for the errors of all candidates against independent columns; 0 in the paper's version.
    batch, batch_cells
        Part of what is then left, and of the model's size, for a first batch of marginals (see `batch`).
    select
        Part of each round's budget that chooses.
    shortlist
        Candidates whose errors are bought anew each round.
    anneal
        A round that taught nothing makes the next ones so many times larger.
    tolerance, steps
        How hard to fit between rounds; the last fit is a full one.
    """

    rounds: float = 3.0
    one_way: float = 0.12
    extra: float = 1.5
    first: float = 0.05
    batch: float = 0.5
    batch_cells: float = 1.0
    select: float = 0.1
    shortlist: int = 16
    anneal: float = 2.0
    tolerance: float = 0.1
    steps: int = 100


#: The paper's division: 16 d equal rounds, the first d of them for single columns, a tenth of each to choose.
PAPER = BudgetPlan(
    rounds=16.0, one_way=0.9 / 16, extra=0.0, first=0.0, batch=0.0, select=0.1, shortlist=0, anneal=4.0
)


@dataclass(frozen=True, kw_only=True)
class AimSettings(WorkloadSettings):
    """Settings of AIM."""

    selection: str = setting(
        "gaussian",
        "text",
        "How the worst marginal is chosen; exponential is the paper's version and needs a zcdp ledger.",
        choices=("gaussian", "exponential"),
    )


class AimModel(MarginalModel):
    """Measures, round by round, the marginal that the model so far gets most wrong, and fits a graphical
    model.

    The default for tables of up to about 30 columns. Cost: a fit a round; seconds to minutes.
    """

    name: ClassVar[str] = "aim"
    settings_type: ClassVar[type[ModelSettings]] = AimSettings

    settings: WorkloadSettings

    @property
    def plan(self) -> BudgetPlan:
        """How the budget is divided."""
        return BudgetPlan() if self.accounting == "gdp" else PAPER

    @property
    def accounting(self) -> Accounting:
        """``gdp``, or ``zcdp`` for the exponential mechanism."""
        paper = isinstance(self.settings, AimSettings) and self.settings.selection == "exponential"
        return "zcdp" if paper else "gdp"

    def _spend(self, session: Session, step: Step) -> None:
        _Rounds(session, self, step).run()

    def _learn_more(self, session: Session) -> None:
        """What is done between the single columns and the rounds; nothing here."""


class _Rounds:
    """One run of the mechanism."""

    def __init__(self, session: Session, model: AimModel, step: Step) -> None:
        self.session, self.plan, self.step = session, model.plan, step
        self.learn_more = model._learn_more
        self.most, self.exponential = model.max_cells, model.accounting == "zcdp"
        self.degree, self.target = model.settings.degree, model.settings.target
        self.errors: dict[Clique, float] = {}
        #: Cells of the junction tree that each marginal would need, as last worked out.
        self.needed: dict[Clique, int] = {}

    def run(self) -> None:
        session, plan = self.session, self.plan
        start_model(session, plan.one_way, self.most, extra=plan.extra, even=self.exponential)
        self.learn_more(session)
        self.workload = workload_for(session, self.degree, self.target)
        candidates = list(self.workload.weights)
        if not any(len(c) > 1 for c in candidates):
            session.measure(
                session.live, session.sigma_for(session.left, len(session.live)), "single columns"
            )
            session.refit()
            return
        if not self.exponential:
            sigma = session.error_sigma_for(session.budget * plan.first, len(candidates))
            found = session.errors(candidates, sigma, "errors of independent columns")
            self.errors = dict(zip(candidates, found, strict=True))
            self._batch()
        share = session.left / (plan.rounds * len(session.live))
        last = False
        while not last:
            last = session.left < 2 * share
            share = session.left if last else share
            self.step(1 - session.left / session.budget, "marginals")
            taught = self._round(share, last)
            if not taught:
                share *= plan.anneal

    def _batch(self) -> None:
        """Buy the first marginals together, and reckon what errors that leaves.

        The old error squared less the square of the model's own move, as if they stood at right angles; it
        costs nothing and only orders the candidates for fresh scores.
        """
        session, plan = self.session, self.plan
        before = {c: session.expected(c) for c in self.errors if session.answerable(c)}
        cells = int(self.most * plan.batch_cells)
        bought = buy(session, self.errors, self.workload.weights, session.left * plan.batch, cells)
        if not bought:
            return
        for c, old in before.items():
            moved = float(np.abs(session.expected(c) - old).sum()) if session.answerable(c) else 0.0
            self.errors[c] = math.sqrt(max(0.0, max(self.errors[c], 0.0) ** 2 - moved**2))
        self.errors.update(dict.fromkeys(bought, 0.0))

    def _round(self, share: float, last: bool) -> bool:
        """Choose, measure, fit; whether the model moved by more than the noise."""
        session, plan = self.session, self.plan
        sigma = session.sigma_for(share * (1 - plan.select))
        used = 1 - (session.left - share) / session.budget
        chosen = self._choose(share * plan.select, sigma, max(self.most * used, session.tree.cells))
        before = session.expected(chosen)
        session.measure([chosen], session.sigma_for(session.left) if last else sigma, "marginals")
        session.refit(tolerance=None if last else plan.tolerance, steps=None if last else plan.steps)
        moved = float(np.abs(session.expected(chosen) - before).sum())
        return moved > session.bias(chosen, sigma)

    def _choose(self, rho: float, sigma: float, cells: float) -> Clique:
        session, weights = self.session, self.workload.weights
        graph = session.graph()

        def fits(c: Clique) -> bool:
            # The graph only grows, so what a marginal needed once it needs ever after: one that was too large
            # is worked out again only when there is room for what it needed then.
            if self.needed.get(c, 0) > cells:
                return False
            self.needed[c] = session.triangulator.cells_with(graph, c)
            return self.needed[c] <= cells

        if self.exponential:
            able = [c for c in weights if fits(c) and session.answerable(c)]
            listed = [session.candidate(c, weights[c], session.bias(c, sigma)) for c in able]
            return able[
                session.source.select(
                    listed, epsilon=choice_epsilon_for(rho * (1 - 1e-9)), purpose="worst marginal"
                )
            ]

        def gain(c: Clique) -> float:
            return weights[c] * (self.errors[c] - session.bias(c, sigma))

        short: list[Clique] = []
        for tried, c in enumerate(sorted(weights, key=gain, reverse=True)):
            if short and tried >= MOST_TRIED:
                break
            if fits(c) and session.answerable(c):
                short.append(c)
                if len(short) == self.plan.shortlist:
                    break
        noise = session.error_sigma_for(rho, len(short))
        self.errors.update(
            zip(short, session.errors(short, noise, "errors of the worst marginals"), strict=True)
        )
        return max(short, key=gain)


def start_model(
    session: Session,
    share: float,
    most: int,
    *,
    extra: float = 0.0,
    even: bool = False,
    coarsen_above: int = 256,
) -> None:
    """Measure single columns with a share of the budget and fit them.

    Where the noise still covers much of them (few rows, many codes), more is spent: `extra` times the mean
    part of a column's rows that noise of this size would move, which is worked out of noisy numbers.
    """
    session.check_size(2**27)
    noise = _single(session, session.budget * share, "single columns", even=even)
    if extra:
        rows = session.noisy_total()
        covered = float(np.mean([min(1.0, session.bias(c, sigma) / rows) for c, sigma in noise.items()]))
        more = min(extra * covered, MOST_SINGLE - share)
        if more > 0.1 * share:
            _single(session, session.budget * more, "single columns again", even=even)
    session.coarsen(coarsen_above)
    session.check_size(most)
    session.refit()


def _single(session: Session, rho: float, purpose: str, *, even: bool) -> dict[Clique, float]:
    """Measure single columns for `rho` together and give the noise of each; large ones get less of it.

    The error that noise leaves in a column grows with its codes times the noise; the best division for
    errors that count alike gives each column a part proportional to codes^(2/3).
    `even` gives all the same noise.
    """
    parts = {c: 1.0 if even else session.sizes[c[0]] ** (2 / 3) for c in session.live}
    whole = sum(parts.values())
    noise = {c: session.sigma_for(rho * part / whole) for c, part in parts.items()}
    for c, sigma in noise.items():
        session.measure([c], sigma, purpose)
    return noise


def workload_for(session: Session, degree: int | None, target: str | None) -> MarginalWorkload:
    """The default workload on the session's attributes, without marginals too large to count."""
    if target is not None and target not in session.domain.names:
        raise UsageError(
            f"there is no attribute {target!r}", where="target", expected="the name of an attribute"
        )
    at = None if target is None else session.domain.index(target)
    found = MarginalWorkload.of(session.sizes, degree=degree, target=at)
    full = session.domain.sizes
    return MarginalWorkload({c: w for c, w in found.weights.items() if volume(c, full) <= MOST_CELLS})
