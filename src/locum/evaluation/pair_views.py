"""Pairs of columns made to be looked at: joint shares on coarse cells, real beside synthetic."""

from __future__ import annotations

from collections import Counter

import numpy as np

from locum.evaluation.column_views import name_of
from locum.evaluation.evidence import PairView
from locum.evaluation.joints import coarsen
from locum.evaluation.learn.cells import Cut
from locum.evaluation.trial import Trial
from locum.schema.domain import Codes

#: Pairs shown, cells a side without the missing one, and pairs in which one column may appear.
PAIRS, CELLS, APPEARANCES = 12, 11, 3


def pair_views(trial: Trial, limit: int = PAIRS) -> tuple[PairView, ...]:
    """The pairs furthest beyond their reference first, at most `limit`; no column in more than three."""
    if not trial.columns:
        return ()
    scan = trial.pairs
    chosen: list[int] = []
    seen: Counter[int] = Counter()
    for i in np.argsort(-(scan.tv - scan.tv_reference), kind="stable"):
        a, b = scan.pairs[i]
        if len(chosen) == limit:
            break
        if max(seen[a], seen[b]) < APPEARANCES:
            chosen.append(int(i))
            seen.update((a, b))
    return tuple(_view(trial, i) for i in chosen)


def _view(trial: Trial, at: int) -> PairView:
    scan = trial.pairs
    a, b = scan.pairs[at]
    sides = [_coarse(trial, i) for i in (a, b)]
    joint = {}
    for part in ("train", "synthetic"):
        codes_a, codes_b = sides[0][0][part], sides[1][0][part]
        size_a, size_b = len(sides[0][1]), len(sides[1][1])
        flat = np.bincount(codes_a.astype(np.int64) * size_b + codes_b, minlength=size_a * size_b)
        joint[part] = flat.reshape(size_a, size_b) / max(len(codes_a), 1)
    return PairView(
        a=trial.columns[a].name,
        b=trial.columns[b].name,
        labels_a=sides[0][1],
        labels_b=sides[1][1],
        real=tuple(tuple(row) for row in joint["train"].tolist()),
        synthetic=tuple(tuple(row) for row in joint["synthetic"].tolist()),
        tv=float(scan.tv[at]),
        tv_reference=float(scan.tv_reference[at]) if trial.test.num_rows else None,
        association_real=float(scan.nmi["train"][at]),
        association_synthetic=float(scan.nmi["synthetic"][at]),
    )


def _coarse(trial: Trial, i: int) -> tuple[dict[str, Codes], tuple[str, ...]]:
    cut = trial.cuts[i]
    parts, size = {}, 0
    for part in ("train", "synthetic"):
        parts[part], size = coarsen(trial.grid.parts[part][:, i], cut.size, CELLS, cut.ordered)
    labels = cell_labels(cut, size)
    # Cells that nobody is in (no missing values, no unseen levels) are not shown.
    used = np.flatnonzero(sum(np.bincount(codes, minlength=size) for codes in parts.values()))
    new = np.zeros(size, dtype=np.int32)
    new[used] = np.arange(len(used))
    return {part: new[codes] for part, codes in parts.items()}, tuple(labels[k] for k in used)


def cell_labels(cut: Cut, size: int) -> list[str]:
    """Names of the `size` cells that `coarsen` makes of a cut's cells."""
    values = cut.size - 1
    if not cut.ordered:
        names = [*cut.levels, "levels not in the real rows"]
        if size == cut.size:
            return [*names, "missing"]
        return [*names[: size - 2], f"{values - size + 2:,} other levels", "missing"]
    first = np.arange(values)
    if size < cut.size:
        new = first * (size - 1) // values
        first = np.array([int(np.flatnonzero(new == k)[0]) for k in range(size - 1)])
    edges = cut.edges
    with np.errstate(over="ignore", invalid="ignore"):
        step = float(np.nan_to_num(np.diff(edges).min())) if len(edges) > 1 else 1.0
    names = []
    for k, start in enumerate(first):
        stop = first[k + 1] - 1 if k + 1 < len(first) else None
        low = name_of(edges[start - 1], cut.kind, step) if start > 0 else None
        high = name_of(edges[stop], cut.kind, step) if stop is not None and stop < len(edges) else None
        if low is None and high is None:
            names.append("any value")
        elif low is None:
            names.append(f"below {high}")
        else:
            names.append(f"{low} and more" if high is None else f"{low} to below {high}")
    return [*names, "missing"]
