"""One shot: score once, measure once, fit once.

In the manner of SWIFT (google/dpsynth, unpublished): the errors of all candidates against independent
columns are bought once; the largest junction tree that a size limit allows is grown greedily from the worst
pairs; the marginals that the tree can hold share the rest of the budget. Written from the idea; the choice
of marginals and the division of the budget are ours (see `batch`).
"""

from __future__ import annotations

from typing import ClassVar

from locum.models.marginal.aim import start_model, workload_for
from locum.models.marginal.batch import buy
from locum.models.marginal.model import MarginalModel, Step, WorkloadSettings
from locum.models.marginal.mst import top_up
from locum.models.marginal.session import Session
from locum.models.settings import ModelSettings

#: Parts of the budget for single columns and for errors; the rest measures.
ONE_WAY, CHOICE = 0.12, 0.08


class OneShotModel(MarginalModel):
    """Scores all candidates once, measures the best once, and fits a graphical model once.

    For wide tables, and when an answer is wanted soon. Cost: two fits.
    """

    name: ClassVar[str] = "swift"
    settings_type: ClassVar[type[ModelSettings]] = WorkloadSettings

    settings: WorkloadSettings

    def _spend(self, session: Session, step: Step) -> None:
        start_model(session, ONE_WAY, self.max_cells, extra=1.5)
        weights = workload_for(session, self.settings.degree, self.settings.target).weights
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
