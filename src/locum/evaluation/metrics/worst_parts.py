"""The worst column and the worst pair of columns: what an average over many would hide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from locum.data.distinct import as_numbers, flat
from locum.evaluation.claim import Claim
from locum.evaluation.excess import excess
from locum.evaluation.intervals import wilson
from locum.evaluation.joints import CellGrid, Subset, subsets
from locum.evaluation.learn.cells import codes_of, cut
from locum.evaluation.registry import result_of
from locum.evaluation.result import Result
from locum.evaluation.trial import MAX_PAIRS, Trial
from locum.randomness import stream
from locum.wording import count, percent

#: Claims kept of each sort: the surest.
KEPT = 12
#: Cells of a pair at most; with more, hardly two rows share one and nothing can be told.
CELLS = 1 << 22


def worst_parts(trial: Trial) -> list[Result]:
    """Farthest off beyond chance: ``columns.worst`` and ``pairs.worst``.

    Total variation between train and synthetic rows over the cells of one column, or of two (5 % quantiles
    of both tables together, levels, missing), less what dealing the rows anew to two such tables gives
    (`locum.evaluation.excess`). Of columns with an order also the share of rows beyond the smallest and the
    largest real value, which cells hide. Every column and every pair is tested (at most `MAX_PAIRS` random
    pairs), and the correction is for all of them. Rows of the hold-out are not used.
    """
    if not trial.columns:
        return []
    grid = common_grid(trial)
    names = [c.name for c in trial.columns]
    singles: list[Subset] = [(i,) for i in range(len(names))]
    found = [*_claims(grid, singles, names, "column"), *_missing(trial), *_beyond(trial)]
    found = most_telling(found, len(trial.schema) + sum(c.ordered for c in trial.columns))
    results = [_result("columns.worst", ("column", "columns"), "column", found, len(trial.schema))]
    pairs = subsets(len(names), 2, MAX_PAIRS, stream(trial.seed, "trial", "pairs"))
    pairs = [p for p in pairs if grid.sizes[p[0]] * grid.sizes[p[1]] <= CELLS]
    if pairs:
        found = _claims(grid, pairs, names, "pair")
        results.append(
            _result("pairs.worst", ("pair of columns", "pairs of columns"), "pair", found, len(pairs))
        )
    return results


def common_grid(trial: Trial) -> CellGrid:
    """Train and synthetic rows on cells cut from both together, as `excess` asks for."""
    import pyarrow as pa

    tables = {"train": trial.rows("train"), "synthetic": trial.rows("synthetic")}
    both = pa.concat_tables([t.select([c.name for c in trial.columns]) for t in tables.values()])
    cuts = [cut(c, both.column(c.name)) for c in trial.columns]
    return CellGrid(tuple(c.size for c in cuts), {p: codes_of(cuts, t) for p, t in tables.items()})


def most_telling(claims: Sequence[Claim], tested: int) -> list[Claim]:
    """The surest claims, each picked from so many."""
    found = sorted(claims, key=lambda c: (c.p, -c.effect))[:KEPT]
    return [replace(c, among=tested) for c in found]


def _claims(grid: CellGrid, chosen: Sequence[Subset], names: Sequence[str], scale: str) -> list[Claim]:
    rows = {p: len(codes) for p, codes in grid.parts.items()}
    found = []
    for subset in chosen:
        shares = grid.shares(subset)
        counts = [np.round(shares[p] * rows[p]) for p in ("train", "synthetic")]
        of = " x ".join(names[i] for i in subset)
        found.append(excess(scale, counts[0], counts[1], of))
    return most_telling(found, len(chosen))


def _missing(trial: Trial) -> list[Claim]:
    """Columns that are made afresh: whether a value is missing is all that can be compared."""
    out = []
    for column in trial.schema:
        if column.regenerated:
            parts = [trial.rows(p).column(column.name) for p in ("train", "synthetic")]
            counts = [[v.null_count, len(v) - v.null_count] for v in parts]
            out.append(excess("column", counts[0], counts[1], column.name))
    return out


def _beyond(trial: Trial) -> list[Claim]:
    """Columns with an order: rows beyond all real values, against how many fresh rows would be.

    Exact: in any order of n real and m fresh rows the k largest are all fresh with probability
    C(m, k) / C(n + m, k).
    """
    import pyarrow.compute as pc

    out = []
    for column in trial.columns:
        if not column.ordered:
            continue
        parts = (trial.rows(p).column(column.name) for p in ("train", "synthetic"))
        real, made = (as_numbers(flat(values)) for values in parts)
        n, m = len(real) - real.null_count, len(made) - made.null_count
        if not n or not m:
            continue
        ends = pc.min_max(real)
        below = pc.sum(pc.less(made, ends["min"])).as_py() or 0
        above = pc.sum(pc.greater(made, ends["max"])).as_py() or 0
        if not below + above:
            continue
        k = np.arange(max(below, above))
        p = min(1.0, 2.0 * float(np.exp(np.log((m - k) / (n + m - k)).sum())))
        expected = 2.0 / (n + 1)
        share, (low, high) = (below + above) / len(made), wilson(below + above, len(made))
        out.append(Claim("column", share - expected, low - expected, high - expected, p, column.name))
    return out


def _result(name: str, nouns: tuple[str, str], short: str, claims: list[Claim], tested: int) -> Result:
    worst = max(claims, key=lambda c: c.low)
    value = min(1.0, max(0.0, worst.effect))
    sentence = f"None of {count(tested, *nouns)} is off beyond what chance explains."
    if value > 0:
        sentence = (
            f"Farthest off of {count(tested, *nouns)} is {worst.of}: {percent(value)} of the rows would have "
            "to change value, more than by chance."
        )
    return result_of(
        name,
        value,
        sentence,
        low=min(value, max(0.0, worst.low)),
        high=max(value, min(1.0, worst.high)),
        reference=0.0,
        claims=tuple(claims),
        detail={
            "tested": tested,
            "worst": [
                {short: c.of, "beyond chance": c.effect, "low": c.low, "high": c.high, "p": c.p}
                for c in claims
            ],
        },
    )
