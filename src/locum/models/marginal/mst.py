"""MST: a tree of the strongest pairs.

McKenna, Miklau, Sheldon: Winning the NIST contest, a scalable and general approach to differentially private
synthetic data, 2021. Ours differs: all pairs are scored once with Gaussian noise (instead of d - 1 draws of
the exponential mechanism) so that every step adds up exactly; the expected noise of a pair is taken off its
score; rare codes are put together only in large columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from locum.models.marginal.aim import start_model, workload_for
from locum.models.marginal.model import MarginalModel, MarginalSettings, Step
from locum.models.marginal.session import Session
from locum.models.marginal.triangulate import Clique, canonical
from locum.models.settings import ModelSettings, with_default

#: Parts of the budget for single columns and for the choice; the rest measures the chosen pairs.
ONE_WAY, CHOICE = 0.35, 0.1


@dataclass(frozen=True, kw_only=True)
class MstSettings(MarginalSettings):
    """Settings of MST, whose tree of pairs may be larger."""

    max_model_mb: float = with_default(MarginalSettings, "max_model_mb", 8.0)


class MstModel(MarginalModel):
    """Measures single columns and the pairs of a maximum spanning tree, once each, and fits a graphical
    model.

    Fast and sturdy at small budgets; keeps the strongest pairs only. Cost: two fits, a second or two.
    """

    name: ClassVar[str] = "mst"
    settings_type: ClassVar[type[ModelSettings]] = MstSettings

    def _spend(self, session: Session, step: Step) -> None:
        start_model(session, ONE_WAY, self.max_cells)
        pairs: list[Clique] = [c for c in workload_for(session, 2, None).weights if len(c) == 2]
        if not pairs:
            top_up(session)
            return
        step(ONE_WAY, "choice of pairs")
        sigma = session.error_sigma_for(session.budget * CHOICE, len(pairs))
        errors = session.errors(pairs, sigma, "errors of pairs under independent columns")
        noise = session.sigma_for(session.left, max(1, len(session.live) - 1))
        gains: dict[Clique, float] = {
            c: e - session.bias(c, noise) for c, e in zip(pairs, errors, strict=True)
        }
        chosen = spanning(session, gains, self.max_cells)
        step(ONE_WAY + CHOICE, "pairs")
        if not chosen:
            top_up(session)
            return
        session.measure(chosen, session.sigma_for(session.left, len(chosen)), "pairs")
        session.refit()


def spanning(session: Session, gains: dict[Clique, float], most: int) -> list[Clique]:
    """The maximum spanning forest of the pairs (Kruskal), as far as the model may grow."""
    part = list(range(len(session.sizes)))
    chosen: list[Clique] = []
    for c in sorted(gains, key=lambda c: (-gains[c], c)):
        a, b = part[c[0]], part[c[1]]
        if a == b or session.triangulator.cells([*session.cliques, *chosen, c]) > most:
            continue
        part = [a if p == b else p for p in part]
        chosen.append(canonical(c, session.sizes))
    return chosen


def top_up(session: Session) -> None:
    """Spend what is left on single columns, where there is nothing else to learn."""
    live = session.live
    session.measure(live, session.sigma_for(session.left, len(live)), "single columns")
    session.refit()
