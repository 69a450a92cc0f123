"""Membership attacks of somebody who holds the synthetic rows and other real ones, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from locum.arrays import FloatArray
from locum.evaluation.attacks.density import count_ratio, forest_ratio, neighbour_ratio, tree_ratio
from locum.evaluation.attacks.multiplicity import value_ratio
from locum.evaluation.attacks.scaled import scaled_ratio
from locum.evaluation.attacks.threat import Knowledge
from locum.evaluation.attacks.verdict import Wording

if TYPE_CHECKING:
    import pyarrow as pa

#: Scores of rows, higher meaning member, and naive scores without the synthetic rows; shape (n,) each.
Scorer = Callable[[Knowledge, "pa.Table"], tuple[FloatArray, FloatArray]]

HOLDS = "The synthetic rows and other real rows of the same population."
SCORERS: Mapping[str, tuple[Scorer, Wording]] = MappingProxyType(
    {
        "neighbours": (
            neighbour_ratio,
            Wording(
                "attack.density.neighbours",
                "Membership by distances",
                "whether a synthetic row or a fresh real row is nearer",
                HOLDS,
            ),
        ),
        "scaled": (
            scaled_ratio,
            Wording(
                "attack.density.scaled",
                "Membership by scaled distances",
                "how much nearer a synthetic row is than the nearest fresh real rows, in standard deviations",
                HOLDS,
            ),
        ),
        "counts": (
            count_ratio,
            Wording(
                "attack.density.counts",
                "Membership by counts",
                "how often a row's values occur together among synthetic and among fresh real rows",
                HOLDS,
            ),
        ),
        "values": (
            value_ratio,
            Wording(
                "attack.density.values",
                "Membership by exact values",
                "a row's exact values, alone and together, that synthetic rows show and fresh rows do not",
                HOLDS,
            ),
        ),
        "trees": (
            tree_ratio,
            Wording(
                "attack.density.trees",
                "Membership by a trained judge",
                "a judge trained to tell synthetic from fresh real rows",
                HOLDS,
            ),
        ),
        "forest": (
            forest_ratio,
            Wording(
                "attack.density.forest",
                "Membership by a deep forest",
                "whether synthetic rows or fresh real rows share the smallest leaves of a forest",
                HOLDS,
            ),
        ),
    }
)
