"""The knobs of the tree synthesizer, each with its effect; the defaults serve the family, not one table."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from locum.errors import UsageError

#: Settings that need not be whole.
FRACTIONS = ("share", "order_spread", "penalty", "smoothing", "pool", "learning_rate")


@dataclass(frozen=True, slots=True)
class TreeSettings:
    """How chains are grown, smoothed and corrected.

    Attributes
    ----------
    members
        Chains in the mixture. More chains: smoother, slower.
    share, max_rows
        Share of the training rows that each chain sees (drawn without replacement), and the most rows it
        sees. A row that a chain has not seen cannot be remembered by it.
    order_spread
        Standard deviation of the noise on log(number of codes) that gives each chain its own column order; up
        to six times as much on wide tables.
    min_leaf
        Fewest training rows in a leaf: no conditional distribution rests on fewer.
    penalty
        Log-likelihood (nats) that a split must gain per free parameter that it adds; 1 is Akaike's rule.
    smoothing
        Pseudo-rows, per distinct code in a leaf, that a leaf borrows from a wider ancestor (Witten-Bell).
    max_depth, max_bins, classes, max_inputs
        Depth of a tree; bins per input column; classes of the target a split looks at; input columns per tree
        (the most informative ones when there are more).
    correction
        Whether the density-ratio correction is fitted.
    ratios
        Boosted models whose mean is the log density ratio; each sees its own share of the chain rows.
    pool
        Rows drawn from the chains per row kept by the correction.
    rounds, leaves, learning_rate
        Boosting of the density ratio; the number of rounds follows from held-out rows.
    target
        Attribute that a user wants to predict: its codes are drawn last, by a boosted classifier on all other
        columns (`locum.models.tree.target`). Empty for none.
    """

    members: int = 10
    share: float = 0.5
    max_rows: int = 100_000
    order_spread: float = 0.5
    min_leaf: int = 20
    penalty: float = 1.35
    smoothing: float = 0.2
    max_depth: int = 18
    max_bins: int = 64
    classes: int = 8
    max_inputs: int = 30
    correction: bool = True
    ratios: int = 2
    pool: float = 2.0
    rounds: int = 600
    leaves: int = 31
    learning_rate: float = 0.13
    target: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.target, str):
            raise UsageError(f"target={self.target!r} is not usable", where="tree", expected="a name")
        limits: dict[str, tuple[float, float]] = {
            "members": (1, 64),
            "share": (0.01, 1.0),
            "max_rows": (100, 10**8),
            "order_spread": (0.0, 100.0),
            "min_leaf": (1, 10**6),
            "penalty": (0.0, 1000.0),
            "smoothing": (0.0, 100.0),
            "max_depth": (1, 30),
            "max_bins": (4, 255),
            "classes": (2, 64),
            "max_inputs": (1, 10_000),
            "ratios": (1, 10),
            "pool": (1.1, 10),
            "rounds": (1, 1000),
            "leaves": (2, 64),
            "learning_rate": (0.001, 1.0),
        }
        for name, (low, high) in limits.items():
            value = getattr(self, name)
            kinds = (int, float) if name in FRACTIONS else (int,)
            if not isinstance(value, kinds) or isinstance(value, bool) or not low <= value <= high:
                raise UsageError(
                    f"{name}={value!r} is not usable",
                    where="tree",
                    expected=f"a number from {low:g} to {high:g}",
                )

    @classmethod
    def preset(cls, name: str) -> TreeSettings:
        """Settings by name: ``default`` or ``fast`` (one pass, no correction).

        Raises
        ------
        UsageError
            If there is no preset of that name.
        """
        if name == "default":
            return cls()
        if name == "fast":
            return cls(
                members=2,
                share=0.75,
                order_spread=0.5,
                correction=False,
                smoothing=0.1,
                penalty=1.2,
                classes=8,
                min_leaf=20,
            )
        raise UsageError(f"there is no preset {name!r}", where="tree", expected="default or fast")

    def to_json(self) -> dict[str, Any]:
        """JSON-ready dictionary."""
        return asdict(self)

    @classmethod
    def from_json(cls, obj: dict[str, Any]) -> TreeSettings:
        """Rebuild from `to_json`; raises UsageError on unknown names or values out of range."""
        known = {f.name for f in fields(cls)}
        if not set(obj) <= known:
            raise UsageError(
                f"unknown setting {sorted(set(obj) - known)[0]!r}",
                where="tree",
                expected=", ".join(sorted(known)),
            )
        return cls(**obj)
