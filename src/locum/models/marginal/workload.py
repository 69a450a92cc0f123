"""Which marginals a private model is to get right, and how much each of them matters."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from locum.models.marginal.triangulate import Clique, canonical, volume

#: With more triples than this, pairs alone (and target triples) are the workload.
MOST_TRIPLES = 1000
#: Tables with more cells than this are never measured or scored.
MOST_CELLS = 1_000_000
#: Attribute weights are rounded to multiples of one part in this many.
_GRAIN = 8


@dataclass(frozen=True, slots=True)
class MarginalWorkload:
    """Candidates to measure, with integer weights.

    Attributes
    ----------
    weights
        Weight of each candidate: every workload marginal r gives ``weight_r * |c & r|`` to each candidate c
        (McKenna et al. 2022), scaled and rounded. Candidates are all subsets of
        workload marginals.
    """

    weights: Mapping[Clique, int]

    @classmethod
    def of(
        cls, sizes: Sequence[int], *, degree: int | None = None, target: int | None = None
    ) -> MarginalWorkload:
        """The default workload: all triples, or all pairs where there are too many triples.

        Parameters
        ----------
        sizes
            Number of codes of each attribute; attributes with one code are left out.
        degree
            Attributes a marginal has; None chooses 3 or 2 by the number of triples.
        target
            An attribute that matters more: marginals with it count double, and triples with it are added.
        """
        alive = [a for a, s in enumerate(sizes) if s > 1]
        triples = len(alive) * (len(alive) - 1) * (len(alive) - 2) // 6
        if degree is None:
            degree = 3 if triples <= MOST_TRIPLES else 2
        chosen = set(itertools.combinations(alive, min(degree, len(alive))))
        if target is not None and target in alive:
            others = [a for a in alive if a != target]
            chosen |= {tuple(sorted((*pair, target))) for pair in itertools.combinations(others, 2)}
        fits = {c for c in chosen if volume(c, sizes) <= MOST_CELLS}
        attribute = dict.fromkeys(alive, 0.0)
        for c in fits:
            for a in c:
                attribute[a] += 2.0 if target in c else 1.0
        closed = {
            canonical(sub, sizes)
            for c in (fits or set(itertools.combinations(alive, 2)))
            for r in range(1, len(c) + 1)
            for sub in itertools.combinations(c, r)
        }
        least = min((w for w in attribute.values() if w > 0), default=1.0)
        grains = {a: max(1, round(_GRAIN * w / least)) for a, w in attribute.items()}
        ordered = sorted(closed, key=lambda c: (len(c), c))
        return cls({c: sum(grains[a] for a in c) for c in ordered if volume(c, sizes) <= MOST_CELLS})
