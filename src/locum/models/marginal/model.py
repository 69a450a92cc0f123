"""What all private synthesizers on a graphical model share: a fit on a source."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from locum.models.marginal.network_model import NetworkModel
from locum.models.marginal.session import Session
from locum.models.private_model import PrivateModel
from locum.models.settings import BudgetSettings, ModelSettings, number, setting
from locum.models.structural_zeros import Impossible, zero_cells
from locum.progress import Event, Listener
from locum.schema.domain import CodedRows
from locum.sources.private import PrivateSource

#: Cells in one megabyte of a model, at 8 bytes each.
CELLS_A_MB = 2**17

Step = Callable[[float, str], None]


@dataclass(frozen=True, kw_only=True)
class MarginalSettings(BudgetSettings):
    """Settings of every model on marginals."""

    max_model_mb: float = number(
        1.0,
        0.0,
        4096.0,
        "Largest junction tree, in units of 131,072 cells of 8 bytes; marginals that would outgrow it "
        "are not measured.",
        outside=("low",),
    )
    zeros: tuple[Impossible, ...] = setting(
        (), "object", "Combinations known in advance to be impossible; they get probability 0 exactly."
    )


@dataclass(frozen=True, kw_only=True)
class WorkloadSettings(MarginalSettings):
    """Settings of the models that weigh marginals of several columns."""

    degree: int | None = setting(
        None,
        "whole",
        "Columns in a marginal of the workload; None chooses 3, or 2 where there are very many triples.",
        choices=(2, 3),
        optional=True,
    )
    target: str | None = setting(
        None, "text", "Name of an attribute whose marginals count double.", optional=True
    )


class MarginalModel(PrivateModel, NetworkModel):
    """A graphical model fitted to noisy marginals; subclasses say in `_spend` which marginals are bought.

    The fit uses no chance but the source's noise; conditions and rows are post-processing and cost no budget.
    """

    settings_type: ClassVar[type[ModelSettings]] = MarginalSettings

    settings: MarginalSettings

    @property
    def max_cells(self) -> int:
        """Most cells of the junction tree."""
        return int(self.settings.max_model_mb * CELLS_A_MB)

    @abstractmethod
    def _spend(self, session: Session, step: Step) -> None:
        """Buy marginals and leave the session fitted to them; `step` hears of the share done."""

    def _spend_source(
        self, source: PrivateSource, seed: int, progress: Listener, public: CodedRows | None
    ) -> None:
        done = 0.0

        def step(share: float, note: str) -> None:
            nonlocal done
            done = max(done, min(share, 1.0))
            progress(Event("fit", done, 1.0, note))

        step(0.0, "single columns")
        session = Session(source, zero_cells(self.settings.zeros, source.domain))
        self._spend(session, step)
        self._network = session.network()
        self._coarsening, self._total = session.coarsening, session.total
        step(1.0, "")
