"""Whether statistics computed on the synthetic rows can be trusted: their intervals, and their centre."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from locum.arrays import FloatArray
from locum.evaluation.intervals import Z95, wilson
from locum.evaluation.learn.cells import numeric
from locum.evaluation.metrics.inference.combine import naive_coverage, widening
from locum.evaluation.registry import result_of
from locum.evaluation.result import Result
from locum.evaluation.trial import Trial
from locum.randomness import stream

#: Level shares that expect fewer rows than this are left out: their intervals are not normal.
LEAST_EXPECTED = 20
#: Pairs of columns whose products are compared at most, and quantities listed in the detail.
MAX_PRODUCTS, LISTED = 60, 12


@dataclass(frozen=True, slots=True)
class Quantity:
    """A mean compared between synthetic rows and rows that were kept out; `z` is 0 +- 1 if unbiased."""

    name: str
    synthetic: float
    real: float
    z: float


def inference(trial: Trial) -> list[Result]:
    """Would a naive confidence interval mislead: ``inference.naive`` and ``inference.unbiased``.

    ``inference.naive`` is how often a 95 % interval that takes the synthetic rows for real ones holds the
    truth, if the generator is right: 2 Phi(1.96 sqrt(n/(n+k))) - 1 for k rows learned from n
    (`naive_coverage`). It falls with every row drawn, whatever the generator.

    ``inference.unbiased`` tests the rest of that sentence: for means of ordered columns, shares of levels
    and mean products of pairs, the share whose synthetic value lies within 1.96 s sqrt(1/k + 1/n + 1/h) of
    the value of h hold-out rows. About 0.95 is right for an unbiased generator; what is missing is
    bias, which no combining rule mends. The interval is Wilson's and takes quantities for independent,
    which they are not quite. Needs a hold-out.

    Cost: one pass over the rows and at most `MAX_PRODUCTS` products.
    """
    n, k = trial.train.num_rows, trial.synthetic.num_rows
    if not trial.columns:
        return []
    covered, factor = naive_coverage(n, k), widening(n, k)
    out = [
        result_of(
            "inference.naive",
            covered,
            f"A 95 % interval computed as if the {k:,} synthetic rows were real would hold the truth "
            f"only about {100 * covered:.0f} times in 100, even with a perfect generator. Multiply its "
            f"width by {factor:.2f}, the square root of 1 + synthetic rows / real rows.",
            reference=0.95,
            floor=0.0,
            detail={"rows_learned_from": n, "synthetic_rows": k, "multiply_width_by": factor},
        )
    ]
    found = _quantities(trial) if trial.independent_test else []
    return [*out, _unbiased(found)] if found else out


def _unbiased(found: list[Quantity]) -> Result:
    agree = sum(abs(q.z) <= Z95 for q in found)
    share, (low, high) = agree / len(found), wilson(agree, len(found))
    worst = sorted(found, key=lambda q: -abs(q.z))[:LISTED]
    return result_of(
        "inference.unbiased",
        share,
        f"{agree} of {len(found)} means, shares and products agree with fresh real rows as well as those "
        "of an unbiased generator would (95 in 100). Corrected intervals hold for these; where the "
        "generator is biased, no rule mends it.",
        low=low,
        high=high,
        reference=0.95,
        floor=0.0,
        detail={
            "quantities": len(found),
            "farthest": [
                {"quantity": q.name, "synthetic": q.synthetic, "real": q.real, "standard_errors": q.z}
                for q in worst
            ],
        },
    )


def _quantities(trial: Trial) -> list[Quantity]:
    parts = ("train", "synthetic", "test")
    counts = tuple(getattr(trial, p).num_rows for p in parts)
    out: list[Quantity] = []
    scaled: list[tuple[str, list[FloatArray]]] = []
    for column in trial.columns:
        if not column.ordered:
            continue
        values = [numeric(trial.rows(p).column(column.name)) for p in parts]  # type: ignore[arg-type]
        values = [np.where(np.isfinite(v), v, np.nan) for v in values]
        known = values[0][~np.isnan(values[0])]
        if len(known) < 2 or any(np.isnan(v).all() for v in values):
            continue
        with np.errstate(over="ignore", invalid="ignore"):
            middle, spread = float(known.mean()), float(known.std())
        if not (np.isfinite(middle) and np.isfinite(spread) and spread > 0):
            continue  # One value only, or values so large that their square is none.
        # The normal interval needs finite tails: beyond 5 spreads values count as 5 spreads away.
        scaled.append((column.name, [np.clip((v - middle) / spread, -5.0, 5.0) for v in values]))
        out += _compare(f"mean of {column.name} (in standard deviations)", scaled[-1][1], counts)
    out += _shares(trial, counts)
    pairs = [(i, j) for i in range(len(scaled)) for j in range(i)]
    order = stream(trial.seed, "metrics", "inference").permutation(len(pairs))[:MAX_PRODUCTS]
    for i, j in (pairs[o] for o in sorted(order.tolist())):
        products = [a * b for a, b in zip(scaled[i][1], scaled[j][1], strict=True)]
        out += _compare(f"product of {scaled[i][0]} and {scaled[j][0]}", products, counts)
    return out


def _shares(trial: Trial, counts: tuple[int, ...]) -> list[Quantity]:
    out: list[Quantity] = []
    for i, cut in enumerate(trial.cuts):
        if cut.ordered:
            continue
        shares = trial.grid.shares((i,))
        for level, text in enumerate(cut.levels):
            p = [float(shares[part][level]) for part in ("train", "synthetic", "test")]
            pooled = p[0]
            if min(pooled, 1 - pooled) * min(counts) < LEAST_EXPECTED:
                continue
            error = np.sqrt(pooled * (1 - pooled) * sum(1 / c for c in counts))
            out.append(
                Quantity(f"share of {cut.name} = {text[:40]}", p[1], p[2], float((p[1] - p[2]) / error))
            )
    return out


def _compare(name: str, values: list[FloatArray], counts: tuple[int, ...]) -> list[Quantity]:
    kept = [v[~np.isnan(v)] for v in values]
    if min(len(v) for v in kept) < 2:
        return []
    # Rows may have been thinned for the views: each mean has the error of the rows it was taken from, but the
    # generator learned from all of train.
    sizes = (len(kept[0]) * counts[0] / len(values[0]), len(kept[1]), len(kept[2]))
    variance = float(kept[0].var(ddof=1))
    if variance <= 0:
        return []
    a, b = float(kept[1].mean()), float(kept[2].mean())
    return [Quantity(name, a, b, (a - b) / float(np.sqrt(variance * sum(1 / s for s in sizes))))]
