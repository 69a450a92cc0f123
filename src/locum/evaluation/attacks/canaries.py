"""Canaries: unusual rows planted before the fit, and looked for among the synthetic rows afterwards."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from locum.errors import DataError, UsageError
from locum.evaluation.attacks.nearest import nearest
from locum.evaluation.attacks.verdict import AttackFinding, area_p, rates, roc_points
from locum.evaluation.claim import Claim
from locum.evaluation.intervals import auc_interval
from locum.evaluation.learn.cells import from_numeric, levels_of, numeric
from locum.evaluation.learn.features import RankView
from locum.evaluation.registry import result_of
from locum.randomness import check_seed, stream
from locum.schema.column import Column
from locum.schema.table import Schema

if TYPE_CHECKING:
    import pyarrow as pa

#: Canaries planted, and as many spared; rarest share of the levels that labels are drawn from.
PLANTED, RARE = 100, 0.2


@dataclass(frozen=True, eq=False)
class Canaries:
    """Rows made for the test: those that were put into the table, and their like that were not.

    Which is which was decided by coin, so to anybody who has not seen the table both are the same.
    """

    planted: pa.Table
    spared: pa.Table
    copies: int


def plant(
    table: pa.Table, schema: Schema, *, seed: int, planted: int = PLANTED, copies: int = 1
) -> tuple[pa.Table, Canaries]:
    """Put unusual rows into a canonical table before a generator learns from it.

    Each value is drawn on its own, so canaries keep to the table's values but to no dependence: labels from
    the rarest `RARE` share of the levels, numbers evenly over the range, nothing missing where a value is
    known. Ids, text and personal details are taken from random rows. Twice `planted` rows are made; for
    each a coin decides whether it goes in, `copies` times, at random places.

    Parameters
    ----------
    table, schema
        Canonical rows and their columns.
    seed
        Of the values and the coin; keep it from the generator.
    planted, copies
        How many canaries go in on average, and how often each.

    Returns
    -------
    The table with canaries, and the canaries for `find`. Synthetic tables made from it are for the test only.

    Raises
    ------
    UsageError
        On a negative seed, or fewer than one canary or copy.
    DataError
        When no compared column holds two values, so that no row could be unlike the others.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    check_seed(seed)
    if planted < 1 or copies < 1:
        raise UsageError("canaries and copies must be at least 1", where="planted, copies")
    varied = (pc.count_distinct(table.column(c.name)).as_py() for c in schema if not c.regenerated)
    if max(varied, default=0) < 2:
        raise DataError(
            "no column holds two different values, so no row could be made that is unlike the others",
            where=schema.name,
            do="give a table whose columns vary",
        )
    rng = stream(seed, "attacks", "canaries")
    made = _make(table, schema, 2 * planted, rng)
    # Independent coins, as the bound on epsilon wants them; so about `planted` go in.
    coin = rng.random(2 * planted) < 0.5
    inside, outside = made.filter(coin), made.filter(~coin)
    whole = pa.concat_tables([table, *([inside] * copies)])
    return whole.take(rng.permutation(whole.num_rows)), Canaries(inside, outside, copies)


def _make(table: pa.Table, schema: Schema, n: int, rng: np.random.Generator) -> pa.Table:
    import pyarrow as pa

    parent = {d.dependent: d.determinant for d in schema.dependencies}
    rows: dict[str, npt.NDArray[np.intp]] = {}

    def values(name: str) -> pa.ChunkedArray | pa.Array:
        if name not in parent and name not in parent.values():
            return _values(schema[name], table.column(name), n, rng)
        # What determines another column, and what is determined, comes from one row: dependencies must hold.
        root = name
        while root in parent:
            root = parent[root]
        if root not in rows:
            rows[root] = rng.integers(table.num_rows, size=n)
        return table.column(name).take(rows[root])

    return pa.table([values(name) for name in table.column_names], schema=table.schema)


def _values(
    column: Column, known: pa.ChunkedArray, n: int, rng: np.random.Generator
) -> pa.ChunkedArray | pa.Array:
    import pyarrow as pa

    some = known.drop_null()
    if len(some) == 0 or column.regenerated:
        return known.take(rng.integers(max(1, len(known)), size=n)) if len(known) else pa.nulls(n, known.type)
    if not column.ordered:
        levels = levels_of(some)
        rare = levels[-max(2, math.ceil(RARE * len(levels))) :]
        return pa.array(rng.choice(rare, size=n).tolist()).cast(known.type)
    x = numeric(some)
    x = x[np.isfinite(x)]
    if not len(x):
        return known.take(rng.integers(len(known), size=n))
    share = rng.random(n)
    drawn = x.min() * (1 - share) + x.max() * share
    if column.kind == "number":
        drawn = np.round(drawn, 15 if column.decimals is None else column.decimals)
    return from_numeric(drawn, known.type)


def find(canaries: Canaries, synthetic: pa.Table, schema: Schema, *, seed: int = 0) -> list[AttackFinding]:
    """``attack.canaries``: whether planted canaries can be told from spared ones by the synthetic rows.

    Score: minus the distance to the nearest synthetic row. Value: area under the ROC curve, planted against
    spared, DeLong's interval; p-value by Mann and Whitney. The detail also holds the share found at low
    false-alarm rates, mean exposure in bits (log2 of the number of spared canaries over the rank among them)
    and a lower bound on epsilon at 95 % (`epsilon_bound`), which holds for one fit and copies = 1.
    """
    columns = [c for c in schema if not c.regenerated]
    if not columns or not canaries.planted.num_rows or not canaries.spared.num_rows:
        return []
    view = RankView.learn(columns, synthetic)
    rows = view.ranks(synthetic)
    inside, outside = (
        -nearest(view.ranks(t), rows)[0].astype(np.float64) for t in (canaries.planted, canaries.spared)
    )
    value, low, high = auc_interval(inside, outside)
    p = area_p(value, len(inside), len(outside))
    above = (outside[None] >= inside[:, None]).sum(axis=1)
    exposure = np.log2((len(outside) + 1) / (above + 1))
    bound = epsilon_bound(inside, outside, seed=seed) if canaries.copies == 1 else None
    result = result_of(
        "attack.canaries",
        value,
        f"Of {len(inside)} unusual rows planted before the fit, one is told from a row of the same sort "
        f"that was not planted {100 * value:.1f} times in 100 (50 is guessing).",
        low=low,
        high=high,
        reference=0.5,
        detail={
            "planted": len(inside),
            "copies": canaries.copies,
            "exposure_bits": float(exposure.mean()),
            "epsilon_at_least": bound,
            "found": rates(inside, outside, stream(seed, "attacks", "find")),
            "roc": roc_points(inside, outside),
            "baseline": {"what": "a coin decided which canaries were planted", "area": 0.5},
            "p": {"area": p},
        },
    )
    return [AttackFinding(result, (Claim("outlying area", value, low, high, p),))]


def epsilon_bound(
    inside: npt.NDArray[np.float64], outside: npt.NDArray[np.float64], *, seed: int = 0, level: float = 0.05
) -> float:
    """Lower bound on epsilon (pure, delta 0) from one fit, after Steinke, Nasr and Jagielski (NeurIPS 2023).

    The r best scores are guessed to be planted and the r worst to be spared. Under epsilon the number
    of right guesses is at most Binomial(2r, e^eps / (1 + e^eps)); the bound is the largest epsilon refused at
    `level`.
    The r is a quarter of the canaries, fixed beforehand. 0 when nothing is refused. Their extra term for
    delta is left out, so for (epsilon, delta) guarantees with sizeable delta the bound is too large by a
    little.
    """
    from scipy.stats import binom

    scores = np.concatenate([inside, outside])
    r = len(scores) // 4
    if r < 1:
        return 0.0
    # Ties are broken by coin: any other way could favour whoever comes first.
    order = np.lexsort((stream(seed, "attacks", "ties").random(len(scores)), -scores))
    planted = order < len(inside)
    right = int(planted[:r].sum() + (~planted[-r:]).sum())
    low, high = 0.0, 30.0
    if binom.sf(right - 1, 2 * r, 0.5) > level:
        return 0.0
    for _ in range(60):
        middle = (low + high) / 2
        refused = binom.sf(right - 1, 2 * r, 1 / (1 + math.exp(-middle))) <= level
        low, high = (middle, high) if refused else (low, middle)
    return low
