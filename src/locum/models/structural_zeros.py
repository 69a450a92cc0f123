"""What is known in advance to be impossible: combinations of codes, and columns that another decides."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from locum.errors import UsageError
from locum.models.marginal.triangulate import Clique, canonical
from locum.schema.domain import Domain

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Impossible:
    """Combinations that cannot happen.

    Attributes
    ----------
    attributes
        Names, in the order of the axes of `mask`.
    mask
        Boolean, one axis an attribute: True where impossible.
    """

    attributes: tuple[str, ...]
    mask: Any

    @classmethod
    def unless_decided(cls, decider: str, decided: str, codes: Sequence[int], size: int) -> Impossible:
        """A functional dependency: code i of `decider` goes with ``codes[i]`` of `decided` only."""
        mask = np.ones((len(codes), size), dtype=bool)
        mask[np.arange(len(codes)), np.asarray(codes)] = False
        return cls((decider, decided), mask)


def impossible(rules: Iterable[Impossible], domain: Domain) -> list[tuple[Clique, Mask]]:
    """The rules by attribute numbers, axes in canonical order.

    Raises
    ------
    UsageError
        When a rule names an unknown attribute, one twice, or its mask has another shape.
    """
    found = []
    for rule in rules:
        names = tuple(rule.attributes)
        unknown = [n for n in names if n not in domain.names]
        if unknown or len(set(names)) != len(names) or not names:
            what = (
                f"there is no attribute {unknown[0]!r}"
                if unknown
                else "an attribute comes twice, or none does"
            )
            raise UsageError(what, where="impossible combinations", expected="names of attributes")
        ids = [domain.index(n) for n in names]
        mask = np.asarray(rule.mask, dtype=bool)
        if mask.shape != tuple(domain.sizes[a] for a in ids):
            raise UsageError(
                f"a mask of shape {mask.shape} does not fit {', '.join(names)}",
                where="impossible combinations",
                expected=f"shape {tuple(domain.sizes[a] for a in ids)}",
            )
        clique = canonical(ids, domain.sizes)
        found.append((clique, np.ascontiguousarray(mask.transpose([ids.index(a) for a in clique]))))
    return found
