"""Parity of quality: whether the stand-in is as faithful to every group as to the others."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from locum.evaluation.claim import Claim, normal_tail
from locum.evaluation.excess import excess
from locum.evaluation.groups import Grouping, groupings
from locum.evaluation.intervals import Z95, middle
from locum.evaluation.joints import CellGrid, subsets, total_variation
from locum.evaluation.metrics.worst_parts import common_grid, most_telling
from locum.evaluation.registry import result_of
from locum.evaluation.result import Result
from locum.evaluation.thresholds import root_factor
from locum.evaluation.trial import PARTS, Part, Trial
from locum.randomness import stream
from locum.schema.domain import Codes
from locum.wording import percent

#: Pairs of columns compared in each group, rows a group at most, and bootstrap repeats.
PAIRS, ROWS, REPEATS = 40, 8_000, 40
#: Joint cells of a pair at most.
CELLS = 100_000
#: Columns that are told of, the surest first.
SAID = 3


def quality_parity(trial: Trial) -> list[Result]:
    """Excess distance of the worst group: ``fair.fidelity.<columns>``.

    In each group: mean total variation over up to `PAIRS` random pairs of columns, real against synthetic
    rows, less what real hold-out rows of the group score (scaled to the numbers of rows). Value: the largest
    excess of any group, 0 when all are as near as fresh rows; the interval is a reflected bootstrap of that
    group's excess, which takes off the bias that resampling adds to distances. The detail has all groups,
    with their share of real and of synthetic rows: a stand-in can lose a group altogether. Claims: that the
    share of a group is another than in the train rows, group by group (two-proportion test), and that one of
    its columns is farther off than among all others; the excess is shown only. Empty without protected
    columns or without hold-out rows.
    """
    if not trial.schema.protected or len(trial.columns) < 2:
        return []
    found, left = groupings(trial)
    results = [_of(trial, grouping, left) for grouping in found]
    return [r for r in results if r is not None]


def _of(trial: Trial, grouping: Grouping, left: list[str]) -> Result | None:
    g = len(grouping.labels)
    group = {p: grouping.codes(trial.rows(p)) for p in PARTS}
    sizes = trial.grid.sizes
    every = subsets(len(sizes), 2, 10 * PAIRS, stream(trial.seed, "metrics", "quality", "pairs"))
    # Pairs of columns with very many levels take memory and say little about a small group.
    chosen = [(i, j) for i, j in every if sizes[i] * sizes[j] <= CELLS]
    order = stream(trial.seed, "metrics", "quality", "order").permutation(len(chosen))[:PAIRS]
    chosen = [chosen[k] for k in np.sort(order)]
    if not chosen:
        return None
    rng = stream(trial.seed, "metrics", "quality", grouping.name)
    entries: list[dict[str, object]] = []
    excesses: list[tuple[float, float, float]] = []
    for i, label in enumerate(grouping.labels):
        rows = {p: trial.grid.parts[p][_some(group[p] == i, rng)] for p in PARTS}
        share = {p: float((group[p] == i).mean()) for p in ("train", "synthetic")}
        entry: dict[str, object] = {
            "group": label,
            "share_real": share["train"],
            "share_synthetic": share["synthetic"],
            "n": int((group["train"] == i).sum()),
            "n_synthetic": int((group["synthetic"] == i).sum()),
        }
        factor = root_factor(*(len(rows[p]) for p in PARTS))
        if factor is None:
            entry["why"] = "no synthetic or no hold-out rows of this group"
            entries.append(entry)
            continue
        tv = distance(rows["train"], rows["synthetic"], sizes, chosen)
        reference = factor * distance(rows["learning"], rows["test"], sizes, chosen)
        low, high = _reflect(rows, sizes, chosen, tv, rng)
        excesses.append((tv - reference, low - reference, high - reference))
        entries.append(
            {**entry, "tv": tv, "reference": reference, "excess": tv - reference, "low": low, "high": high}
        )
    if not excesses or g < 2:
        return None
    worst = max(range(len(excesses)), key=lambda k: excesses[k][0])
    return _result(
        grouping, entries, excesses[worst], left, _represented(trial, grouping), _columns_off(trial, grouping)
    )


def _result(
    grouping: Grouping,
    entries: list[dict[str, object]],
    worst: tuple[float, float, float],
    left: list[str],
    claims: list[Claim],
    columns: list[Claim],
) -> Result:
    value = max(0.0, worst[0])
    known = [e for e in entries if "excess" in e]
    name = max(known, key=lambda e: float(e["excess"]))["group"]  # type: ignore[arg-type]
    absent = [str(e["group"]) for e in entries if not e["n_synthetic"]]
    sentence = (
        f"Of the groups of {grouping.name!r}, the stand-in is farthest off in {name!r}: pairs of columns "
        f"differ by {percent(value)} more than in fresh real rows"
    )
    moved = max(claims, key=lambda c: c.effect)
    if moved.effect > 0:
        sentence += f"; the share of {moved.of!r} has moved most, {percent(moved.effect)} more than by chance"
    off = max(columns, key=lambda c: c.low, default=None)
    if off is not None and off.low > 0:
        sentence += f"; beyond chance and beyond the other groups {off.of} is off by {percent(off.effect)}"
    if absent:
        sentence += f"; the synthetic table has no row of {', '.join(map(repr, absent[:3]))}"
    return result_of(
        f"fair.fidelity.{grouping.name}",
        value,
        sentence + ".",
        words={"groups": grouping.name},
        low=min(value, max(0.0, worst[1])),
        high=max(value, min(1.0, worst[2])),
        reference=0.0,
        claims=(*claims, *columns),
        detail={"grouping": list(grouping.columns), "groups": entries, "absent": absent, "left_out": left},
    )


def _represented(trial: Trial, grouping: Grouping) -> list[Claim]:
    """For each group how far its share of the rows has moved."""
    counts = [
        np.bincount(grouping.codes(trial.rows(p)), minlength=len(grouping.labels) + 1)
        for p in ("train", "synthetic")
    ]
    return [
        excess("points", [a[i], a.sum() - a[i]], [b[i], b.sum() - b[i]], label)
        for a, b in [counts]
        for i, label in enumerate(grouping.labels)
    ]


def _columns_off(trial: Trial, grouping: Grouping) -> list[Claim]:
    """For each group and column how much farther off it is in that group than in all others.

    What is off everywhere is unfaithful, not unfair. The p-value is the larger one of the group's own rows
    and of the difference: both have to speak against the stand-in.
    """
    grid = common_grid(trial)
    codes = {p: grouping.codes(trial.rows(p)) for p in ("train", "synthetic")}
    found = []
    for i, label in enumerate(grouping.labels):
        inside = {p: codes[p] == i for p in codes}
        for j, column in enumerate(trial.columns):
            if column.name in grouping.columns:
                continue
            own, others = (
                _apart(grid, j, masks) for masks in (inside, {p: ~mask for p, mask in inside.items()})
            )
            effect = own.effect - max(0.0, others.effect)
            error = float(np.hypot(own.error, others.error))
            half, p = Z95 * error, max(own.p, normal_tail(effect / error))
            of = f"{column.name!r} in {label!r}"
            found.append(Claim("points", effect, effect - half, effect + half, p, of))
    return most_telling(found, len(found))[:SAID]


def _apart(grid: CellGrid, column: int, masks: dict[str, npt.NDArray[np.bool_]]) -> Claim:
    """How far one column is off among some rows."""
    train, made = (
        np.bincount(grid.parts[p][mask, column], minlength=grid.sizes[column]) for p, mask in masks.items()
    )
    return excess("points", train, made)


def distance(a: Codes, b: Codes, sizes: tuple[int, ...], chosen: list[tuple[int, int]]) -> float:
    """Mean total variation over pairs of columns."""
    grid = CellGrid(sizes, {"a": a, "b": b})
    found = [grid.shares(pair) for pair in chosen]
    return sum(total_variation(shares["a"], shares["b"]) for shares in found) / max(1, len(chosen))


def _reflect(
    rows: dict[Part, Codes],
    sizes: tuple[int, ...],
    chosen: list[tuple[int, int]],
    value: float,
    rng: np.random.Generator,
) -> tuple[float, float]:
    # Ten pairs are enough for a spread.
    few = chosen[:10]
    draws = np.empty(REPEATS)
    for k in range(REPEATS):
        a, b = (c[rng.integers(len(c), size=len(c))] for c in (rows["train"], rows["synthetic"]))
        draws[k] = distance(a, b, sizes, few)
    base = distance(rows["train"], rows["synthetic"], sizes, few)
    low, high = middle(draws - draws.mean(), 0.0)
    spread = value / base if base > 0 else 1.0
    return value - high * spread, value - low * spread


def _some(mask: npt.NDArray[np.bool_], rng: np.random.Generator) -> npt.NDArray[np.intp]:
    rows = np.flatnonzero(mask)
    return rows if len(rows) <= ROWS else np.sort(rng.choice(rows, size=ROWS, replace=False))
