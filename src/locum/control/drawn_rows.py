"""What came of a request: the rows, how they were found, how likely the model holds them to be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from locum.errors import FeasibilityError

if TYPE_CHECKING:
    import pyarrow as pa

#: ``plain`` nothing was asked; ``exact`` all rows weigh the same; ``guided`` importance weights and
#: resampling along the model; ``rejection`` draws that do not fit are thrown away, counted; ``tilted``
#: rows of a pool, and more where it is short, in the asked proportions.
Strategy = Literal["plain", "exact", "guided", "rejection", "tilted"]


@dataclass(frozen=True, slots=True)
class DrawnRows:
    """Rows, and how they were found.

    Attributes
    ----------
    table
        Canonical table of exactly the rows asked for.
    strategy
        How they were found.
    acceptance
        Share of realised rows that fulfilled everything, 0-1.
    effective
        Effective number of independent rows among them (Kish); at most the number of rows drawn.
    probability
        The model's probability of conditions and rules, estimated while drawing; 1 where nothing was asked.
    drawn
        Rows that the model drew to get there.
    kl
        Kullback-Leibler divergence, in nats, that the targets cost: of the tilted distribution from the
        model's; None without targets.
    shares
        Share of rows reached for each asked class, by the words of the target.
    notes
        What a user should know, in plain sentences.
    """

    table: pa.Table
    strategy: Strategy
    acceptance: float
    effective: float
    probability: float
    drawn: int
    kl: float | None = None
    shares: tuple[tuple[str, float], ...] = ()
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Everything but the rows, JSON-ready."""
        return {
            "rows": self.table.num_rows,
            "strategy": self.strategy,
            "acceptance": self.acceptance,
            "effective_sample_size": self.effective,
            "probability": self.probability,
            "drawn": self.drawn,
            "kl": self.kl,
            "shares": dict(self.shares),
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        words = f"{self.table.num_rows:,} rows ({self.strategy}); model probability {self.probability:.2g}"
        words += f", {self.acceptance:.0%} of the rows made fitted"
        if self.kl is not None:
            words += f"; the targets cost {self.kl:.3g} nats"
        return " ".join([words + ".", *self.notes])


class Infeasible(FeasibilityError):
    """The request cannot be met.

    Attributes
    ----------
    clash
        The smallest set of clauses found that cannot hold together.
    nearest
        The nearest request that can be met, in words.
    proven
        Whether no row of the model can meet it; else none was found among many.
    """

    def __init__(
        self, what: str, *, clash: Sequence[str] = (), nearest: str = "", proven: bool = True, where: str = ""
    ) -> None:
        self.clash, self.nearest, self.proven = tuple(clash), nearest, proven
        super().__init__(what, where=where or "request", do=nearest)

    def add_advice(self, more: str) -> None:
        """Say what else the user can do, known only further up."""
        self.do = f"{self.do}; {more}" if self.do else more
        self.args = (self.message,)

    def to_json(self) -> dict[str, object]:
        """The message as a JSON-ready dictionary."""
        out = dict(super().to_json())
        return out | {"clash": list(self.clash), "nearest": self.nearest, "proven": self.proven}
