"""One shot: score once, measure once, fit once.

In the manner of SWIFT (google/dpsynth, unpublished): the errors of all candidates against independent
columns are bought once; the largest junction tree that a size limit allows is grown greedily from the worst
pairs; the marginals that the tree can hold share the rest of the budget. Written from the idea; the choice
of marginals and the division of the budget are ours (see `batch`).
"""

from __future__ import annotations

from typing import ClassVar

from locum.models.marginal.aim import check_degree, start_model, workload_for
from locum.models.marginal.batch import buy
from locum.models.marginal.model import MarginalModel, Step
from locum.models.marginal.mst import top_up
from locum.models.marginal.session import Session
from locum.models.structural_zeros import Impossible

#: Parts of the budget for single columns and for errors; the rest measures.
ONE_WAY, CHOICE = 0.12, 0.08


class OneShotModel(MarginalModel):
    """Scores all candidates once, measures the best once, and fits a graphical model once.

    For wide tables, and when an answer is wanted soon. Cost: two fits.

    Parameters
    ----------
    epsilon, delta
        Budget of `fit` (test mode, NOT PRIVATE); `fit_source` spends what its source has left.
    max_model_mb
        Largest junction tree, in units of 131,072 cells.
    degree
        Attributes in a marginal of the workload; None chooses 3, or 2 where there are very many triples.
    target
        Name of an attribute whose marginals count double.
    zeros
        Combinations known in advance to be impossible.
    """

    name: ClassVar[str] = "swift"

    def __init__(
        self,
        *,
        epsilon: float = 1.0,
        delta: float = 1e-6,
        max_model_mb: float = 1.0,
        degree: int | None = None,
        target: str | None = None,
        zeros: tuple[Impossible, ...] = (),
    ) -> None:
        super().__init__(epsilon=epsilon, delta=delta, max_model_mb=max_model_mb, zeros=zeros)
        self.degree, self.target = check_degree(degree), target

    def _spend(self, session: Session, step: Step) -> None:
        start_model(session, ONE_WAY, self.max_cells, extra=1.5)
        weights = workload_for(session, self.degree, self.target).weights
        candidates = [c for c in weights if len(c) > 1]
        if not candidates:
            top_up(session)
            return
        step(ONE_WAY, "errors of independent columns")
        sigma = session.error_sigma_for(session.budget * CHOICE, len(candidates))
        found = session.errors(candidates, sigma, "errors of independent columns")
        errors = dict(zip(candidates, found, strict=True))
        step(ONE_WAY + CHOICE, "marginals")
        if not buy(session, errors, weights, session.left, self.max_cells):
            top_up(session)
