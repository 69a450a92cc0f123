"""The knobs of the tree synthesizer, each with its effect; the defaults serve the family, not one table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from locum.errors import UsageError
from locum.models.settings import ModelSettings, number, setting, whole


@dataclass(frozen=True, kw_only=True)
class TreeSettings(ModelSettings):
    """How chains are grown, smoothed and corrected."""

    members: int = whole(8, 1, 64, "Chains in the mixture. More chains: smoother, slower.")
    share: float = number(
        0.5,
        0.01,
        1.0,
        "Share of the training rows that each chain sees (drawn without replacement). A row that a chain "
        "has not seen cannot be remembered by it.",
    )
    max_rows: int = whole(100_000, 100, 10**8, "Most rows that a chain sees.")
    order_spread: float = number(
        0.5,
        0.0,
        100.0,
        "Standard deviation of the noise on log(number of codes) that gives each chain its own column "
        "order; up to six times as much on wide tables.",
    )
    min_leaf: int = whole(
        20, 1, 10**6, "Fewest training rows in a leaf: no conditional distribution rests on fewer."
    )
    penalty: float = number(
        1.35,
        0.0,
        1000.0,
        "Log-likelihood (nats) that a split must gain per free parameter that it adds; 1 is Akaike's rule.",
    )
    smoothing: float = number(
        0.2,
        0.0,
        100.0,
        "Pseudo-rows, per distinct code in a leaf, that a leaf borrows from a wider ancestor (Witten-Bell).",
    )
    max_depth: int = whole(18, 1, 30, "Depth of a tree.")
    max_bins: int = whole(64, 4, 255, "Bins per input column.")
    classes: int = whole(8, 2, 64, "Classes of the target that a split looks at.")
    max_inputs: int = whole(
        30, 1, 10_000, "Input columns per tree: the most informative ones when there are more."
    )
    experts: bool = setting(
        True,
        "flag",
        "Whether regressions share columns with the trees, as far as held-out rows are more likely by it.",
    )
    correction: bool = setting(True, "flag", "Whether the density-ratio correction is fitted.")
    margins: bool = setting(
        True,
        "flag",
        "Whether offsets hold the margins of the training rows, of all rows and within groups. The density "
        "is then known up to a constant that is estimated.",
    )
    ratios: int = whole(
        2,
        1,
        10,
        "Boosted models whose mean is the log density ratio; each sees its own share of the chain rows.",
    )
    pool: float = number(
        4.0,
        1.1,
        20.0,
        "Most rows drawn from the chains per row kept: fewer where the weights are even, up to three times "
        "as many where margins cannot be held otherwise.",
    )
    rounds: int = whole(
        600, 1, 1000, "Most rounds of boosting of the density ratio; their number follows from held-out rows."
    )
    leaves: int = whole(31, 2, 64, "Leaves of its trees.")
    learning_rate: float = number(0.13, 0.001, 1.0, "Its learning rate.")
    target: str = setting(
        "",
        "text",
        "Attribute that a user wants to predict: its codes are drawn last, by a boosted classifier on all "
        "other columns. Empty for none.",
    )
    protected: tuple[str, ...] = setting(
        (),
        "object",
        "Columns, as a list of names, within whose groups every margin of the training rows is held, besides "
        "those of columns with few levels.",
    )

    def __post_init__(self) -> None:
        ModelSettings.__post_init__(self)
        names: object = self.protected
        if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
            raise UsageError(
                f"protected={names!r} is not usable", where="setting", expected="a list of column names"
            )
        # A file holds a list where a caller may give a tuple.
        object.__setattr__(self, "protected", tuple(names))

    def to_json(self) -> dict[str, Any]:
        """All settings, JSON-ready."""
        return {**ModelSettings.to_json(self), "protected": list(self.protected)}
