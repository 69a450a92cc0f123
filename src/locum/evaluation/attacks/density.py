"""Density ratios: members lie where synthetic rows are denser than rows of the population.

After DOMIAS (van Breugel et al., AISTATS 2023): score log p_synthetic(x) / p_reference(x). The densities are
estimated in quick ways instead of by flows: nearest rows, counts of random column subsets, and two
classifiers. None is best everywhere (Ward et al., Synth-MIA, 2025), so all are run.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from locum.arrays import FloatArray, IntArray
from locum.evaluation.attacks.nearest import nearest
from locum.evaluation.attacks.threat import ThreatModel
from locum.evaluation.learn.boosting import grow, grow_forest
from locum.randomness import child_seed, stream

if TYPE_CHECKING:
    import pyarrow as pa


#: Smallest distance: a copy is this near; about a rank step in 1,000 rows.
NEAR = 1e-3
#: Random column subsets counted, their largest size, and cells that they are hashed to.
SUBSETS, LARGEST, CELLS = 150, 4, 2**18
#: Rows a side from which the classifier learns, and its rounds.
TREE_ROWS, TREE_ROUNDS = 12_000, 60
#: Rows a side and trees of the deep forest.
FOREST_ROWS, FOREST_TREES = 4_000, 60


def neighbour_ratio(known: ThreatModel, rows: pa.Table) -> tuple[FloatArray, FloatArray]:
    """Log of distance to the nearest reference row over distance to the nearest synthetic one.

    With it the naive score, which looks at the reference alone; shape (n,) each. Cost: see `nearest`.
    """
    synthetic, reference = known.sides
    asked = known.ranks.ranks(rows)
    to_synthetic, to_reference = (
        np.log(np.maximum(nearest(asked, side)[0].astype(np.float64), NEAR))
        for side in (synthetic, reference)
    )
    return to_reference - to_synthetic, to_reference


def count_ratio(known: ThreatModel, rows: pa.Table, subsets: int = SUBSETS) -> tuple[FloatArray, FloatArray]:
    """Mean log ratio of the shares of a row's cells in random column subsets, synthetic over reference.

    Subsets of two to `LARGEST` columns; cells as in `locum.evaluation.learn.cells`; half a row is added to
    each cell. With it the naive score. Strong against generators that copy marginals. Cost: about 5 ns a row,
    subset and column.
    """
    rng = stream(known.seed, "attacks", "subsets")
    parts = [known.cells(t) for t in (known.synthetic, known.reference, rows)]
    sizes = [c.size for c in known.cuts]
    out, naive = np.zeros(rows.num_rows), np.zeros(rows.num_rows)
    for _ in range(subsets):
        size = int(rng.integers(min(2, len(sizes)), min(LARGEST, len(sizes)) + 1))
        chosen = rng.choice(len(sizes), size=size, replace=False).tolist()
        keys = [joint(p, sizes, chosen) for p in parts]
        shares = [np.log((np.bincount(k, minlength=CELLS)[keys[2]] + 0.5) / (len(k) + 1.0)) for k in keys[:2]]
        out += (shares[0] - shares[1]) / subsets
        naive -= shares[1] / subsets
    return out, naive


def joint(cells: npt.NDArray[np.int32], sizes: Sequence[int], chosen: Sequence[int]) -> npt.NDArray[np.int64]:
    """Number of the joint cell of some columns, below `CELLS`; shape (n,). Hashed when there are more."""
    key = np.zeros(len(cells), dtype=np.uint64)
    for j in chosen:
        key = key * np.uint64(sizes[j]) + cells[:, j].astype(np.uint64)
    if np.prod([float(sizes[j]) for j in chosen]) > CELLS:
        # Fibonacci hashing: the high bits of a product with 2**64 over the golden ratio.
        key = (key * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(64 - CELLS.bit_length() + 1)
    return key.astype(np.int64)


def tree_ratio(known: ThreatModel, rows: pa.Table) -> tuple[FloatArray, FloatArray]:
    """Log odds that a row is synthetic and not of the reference, by boosted trees that learned to tell.

    With it the naive score (0 for every row: without synthetic rows there is nothing to learn). Cost: one fit
    of up to `TREE_ROWS` rows a side.
    """
    x, y, seed = _sides(known, TREE_ROWS, "trees")
    forest = grow(x, y, "binary", categorical=known.features.categorical, seed=seed, rounds=TREE_ROUNDS)
    p = np.clip(forest.predict(known.features.matrix(rows)), 1e-9, 1 - 1e-9)
    return np.log(p / (1 - p)), np.zeros(rows.num_rows)


def forest_ratio(known: ThreatModel, rows: pa.Table) -> tuple[FloatArray, FloatArray]:
    """Share of synthetic rows in the leaf of a row, over fully grown trees of a random forest.

    After the classifier attack of TAPAS (Houssiau et al., 2022), the strongest of the published ones
    against a chain of small-leaved trees. A leaf holds next to nothing but a row's nearest relatives by the
    columns that tell synthetic from real rows, so it is a nearest-neighbour ratio with a learned distance,
    where boosted trees only see regions. With it the naive score (0 for every row). Cost: one forest of
    `FOREST_TREES` trees on up to `FOREST_ROWS` rows a side, about 8 s.
    """
    x, y, seed = _sides(known, FOREST_ROWS, "forest")
    forest = grow_forest(x, y, trees=FOREST_TREES, seed=seed)
    return forest.predict(known.features.matrix(rows)), np.zeros(rows.num_rows)


def _sides(known: ThreatModel, most: int, name: str) -> tuple[FloatArray, IntArray, int]:
    """Equally many synthetic and reference rows, which are which, and a seed for who learns to tell them."""
    rng = stream(known.seed, "attacks", name)
    n = min(known.synthetic.num_rows, known.reference.num_rows, most)
    sides = [known.features.matrix(t) for t in (known.synthetic, known.reference)]
    x = np.concatenate([s[rng.choice(len(s), size=n, replace=False)] for s in sides])
    return x, np.repeat([1, 0], n), child_seed(known.seed, "attacks", name)
