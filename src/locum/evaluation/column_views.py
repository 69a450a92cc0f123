"""Cells made to be looked at: how an ordered column is cut and named for a chart, real beside synthetic."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np

from locum.arrays import FloatArray
from locum.evaluation.evidence import ColumnView
from locum.evaluation.learn.cells import levels_of, numeric, texts
from locum.evaluation.metrics.shapes import column_distances
from locum.evaluation.trial import PARTS, Part, Trial
from locum.schema.column import Column

#: Cells of an ordered column, levels of the others, and columns shown at most.
BINS, LEVELS, COLUMNS = 24, 20, 60
#: Bins are spread over the train values between these quantiles; the outer two reach to the ends.
INNER = (0.005, 0.995)
#: How many of a kind's units (as `numeric` gives them) make the unit of `ColumnView.edges`.
UNITS = {"datetime": 1e6, "duration": 1e6, "date": 1 / 86400}


def column_views(trial: Trial, limit: int = COLUMNS) -> tuple[ColumnView, ...]:
    """One view a column, those furthest beyond their reference first; at most `limit`.

    Columns that are made afresh (ids, text, PII) come last, with their missing share only.
    """
    tv, reference = column_distances(trial) if trial.columns else (np.zeros(0), np.zeros(0))
    has_test = trial.test.num_rows > 0
    order = np.argsort(-(tv - reference), kind="stable")[:limit]
    views = [
        _view(trial, trial.columns[i], float(tv[i]), float(reference[i]) if has_test else None) for i in order
    ]
    afresh = [c for c in trial.schema if c.regenerated][: max(0, limit - len(views))]
    return (*views, *(_afresh(trial, c) for c in afresh))


def _view(trial: Trial, column: Column, tv: float, reference: float | None) -> ColumnView:
    shown = _ordered(trial, column) if column.ordered else _labels(trial, column)
    labels, edges, shares = shown
    notes = []
    if shares["train"].max(initial=0) == 1:
        notes.append("constant in the real data")
    return ColumnView(
        name=column.name,
        kind=column.kind,
        labels=labels,
        real=tuple(shares["train"].tolist()),
        synthetic=tuple(shares["synthetic"].tolist()),
        holdout=tuple(shares["test"].tolist()) if trial.independent_test else None,
        edges=edges,
        tv=tv,
        tv_reference=reference,
        note="; ".join(notes),
    )


Shown = tuple[tuple[str, ...], tuple[float, ...], dict[Part, FloatArray]]


def _ordered(trial: Trial, column: Column) -> Shown:
    values = {p: numeric(trial.rows(p).column(column.name)) for p in PARTS}
    everything = np.concatenate(list(values.values()))
    finite = everything[np.isfinite(everything)]
    known = values["train"][np.isfinite(values["train"])]
    borders, labels = borders_of(known if len(known) else finite, finite, column.kind)
    missing = bool(np.isnan(everything).any())
    shares: dict[Part, FloatArray] = {}
    for part, numbers in values.items():
        there = numbers[~np.isnan(numbers)]
        at = np.clip(np.searchsorted(borders, there, "right") - 1, 0, max(len(labels) - 1, 0))
        counts = np.bincount(at, minlength=len(labels)) if len(labels) else np.zeros(0)
        if missing:
            counts = np.append(counts, len(numbers) - len(there))
        shares[part] = counts / max(len(numbers), 1)
    unit = UNITS.get(column.kind, 1.0)
    edges = tuple((borders / unit).tolist())
    return (*labels, *(("missing",) if missing else ())), edges, shares


def borders_of(train: FloatArray, every: FloatArray, kind: str) -> tuple[FloatArray, tuple[str, ...]]:
    """Borders and names of the cells that `train` is shown in; both empty without finite values.

    Up to `BINS` distinct values get a cell each; otherwise `BINS` cells of equal width (whole numbers where
    the values are) between the `INNER` quantiles, the outer ones stretched to the ends of `every`.
    """
    distinct = np.unique(train)
    if not len(distinct):
        return np.zeros(0), ()
    whole = kind in ("integer", "date")
    if len(distinct) <= BINS:
        middle = distinct[:-1] / 2 + distinct[1:] / 2
        with np.errstate(over="ignore"):
            gap = float(np.diff(distinct).min()) if len(distinct) > 1 else 1.0
        step = 1.0 if whole else min(gap, 1e300)
        low, high = distinct[0] - step / 2, distinct[-1] + step / 2
        borders = np.concatenate([[min(low, every.min())], middle, [max(high, every.max())]])
        return _ascending(borders), tuple(name_of(v, kind, step) for v in distinct)
    ends = np.quantile(distinct if _spiky(train) else train, INNER, method="nearest")
    low, high = float(ends[0]), float(ends[1])
    width = max(high / BINS - low / BINS, np.finfo(float).tiny)
    if whole:
        low, width = float(np.floor(low)), float(max(1.0, np.ceil((high - low + 1) / BINS)))
    inner = low + width * np.arange(1, BINS)
    inner = inner[(inner > distinct[0]) & (inner <= distinct[-1])]
    last = distinct[-1] + (1.0 if whole else 0.0)
    borders = _ascending(np.concatenate([[min(distinct[0], every.min())], inner, [max(last, every.max())]]))
    less = 1.0 if whole else 0.0
    return borders, tuple(_span(a, b - less, kind, width) for a, b in pairwise(borders.tolist()))


def _spiky(train: FloatArray) -> bool:
    low, high = np.quantile(train, INNER, method="nearest")
    return bool(low == high)


def _ascending(borders: FloatArray) -> FloatArray:
    """Borders without repeats; adjacent floats that cannot be told apart are pushed up by one step."""
    out = borders.copy()
    for i in range(1, len(out)):
        if out[i] <= out[i - 1]:
            out[i] = np.nextafter(out[i - 1], np.inf)
    return out


def _span(low: float, high: float, kind: str, width: float) -> str:
    a, b = name_of(low, kind, width), name_of(high, kind, width)
    return a if a == b else f"{a}\u2013{b}"


def name_of(value: float, kind: str, step: float) -> str:
    """A value as `numeric` gives it, the way people write it; values `step` apart must differ."""
    if kind in ("date", "datetime"):
        seconds = value / UNITS[kind]
        fine = kind == "datetime" and step < 86400e6
        try:
            at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
        except OverflowError:
            return f"{seconds:.3g} s"
        return at.strftime("%Y-%m-%d %H:%M" if fine else "%Y-%m-%d")
    if kind == "duration":
        return f"{value / UNITS[kind]:g} s"
    if kind == "integer":
        return f"{int(value):,}"
    digits = int(np.clip(np.ceil(-np.log10(max(step, 1e-12))) + 1, 0, 8))
    return f"{value:,.{digits}f}" if 1e-6 < abs(value) < 1e9 or value == 0 else f"{value:.4g}"


def _labels(trial: Trial, column: Column) -> Shown:
    parts = {p: texts(trial.rows(p).column(column.name)) for p in PARTS}
    known = levels_of(trial.train.column(column.name))
    kept = known if len(known) <= LEVELS + 1 else known[:LEVELS]
    cut = next(c for c in trial.cuts if c.name == column.name)
    at = next(i for i, c in enumerate(trial.cuts) if c is cut)
    cells = trial.grid.shares((at,))
    labels = list(kept)
    groups = [slice(i, i + 1) for i in range(len(kept))]
    if len(known) > len(kept):
        labels.append(f"{len(known) - len(kept):,} other levels")
        groups.append(slice(len(kept), len(known)))
    unseen = any(cells[p][len(known)] > 0 for p in parts)
    if unseen:
        labels.append("levels not in the real rows")
        groups.append(slice(len(known), len(known) + 1))
    if any(cells[p][cut.null] > 0 for p in parts):
        labels.append("missing")
        groups.append(slice(cut.null, cut.null + 1))
    shares: dict[Part, FloatArray] = {p: np.array([cells[p][group].sum() for group in groups]) for p in parts}
    return tuple(labels), (), shares


def _afresh(trial: Trial, column: Column) -> ColumnView:
    gone = {p: _missing_share(trial, p, column.name) for p in PARTS}
    return ColumnView(
        name=column.name,
        kind=column.kind,
        labels=("present", "missing"),
        real=(1 - gone["train"], gone["train"]),
        synthetic=(1 - gone["synthetic"], gone["synthetic"]),
        holdout=(1 - gone["test"], gone["test"]) if trial.independent_test else None,
        edges=(),
        tv=abs(gone["train"] - gone["synthetic"]),
        tv_reference=abs(gone["learning"] - gone["test"]) if trial.test.num_rows else None,
        note="values are made afresh, so only missing values are compared",
    )


def _missing_share(trial: Trial, part: Part, name: str) -> float:
    column = trial.rows(part).column(name)
    return float(column.null_count / max(len(column), 1))
