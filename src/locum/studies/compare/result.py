"""A field of generators on several tables and seeds: one record, and what follows with intervals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from locum.evaluation.result import Result, plain
from locum.randomness import stream

Status = Literal["ok", "failed", "too slow"]
#: Bootstrap draws of cells behind the interval of a rank.
DRAWS = 1_000
#: Controls that are always in the field, and what each deserves.
CONTROLS: Mapping[str, str] = {
    "independent": "the least faithful of all",
    "bootstrap": "caught copying",
}


@dataclass(frozen=True, slots=True)
class RankedMeasure:
    """A figure by which the field is ranked.

    Attributes
    ----------
    key
        Name of a result, or of a cost: ``cpu_s``, ``wall_s``, ``peak_bytes``, ``advantage``.
    title
        Words for a column head.
    higher
        Whether more is better.
    """

    key: str
    title: str
    higher: bool


#: What is ranked where it was measured, in the order of the page.
RANKED = (
    RankedMeasure("c2st", "Told from real (AUC)", False),
    RankedMeasure("tv.3way", "Triples off", False),
    RankedMeasure("utility.kept", "Skill kept", True),
    RankedMeasure("advantage", "Membership advantage", False),
    RankedMeasure("fairness", "Fairness drift", False),
    RankedMeasure("cpu_s", "CPU seconds", False),
    RankedMeasure("peak_bytes", "Peak memory", False),
)


@dataclass(frozen=True, slots=True)
class Cell:
    """One generator on one table under one seed.

    Attributes
    ----------
    table, contestant, seed
        Which.
    status, reason
        ``ok``, or why there is no result, in one line.
    rows
        Rows learned from, held out, and made.
    cpu_s, wall_s, peak_bytes
        Of fitting and drawing (and starting the program); None where the system cannot tell.
    results
        Everything that was measured, as `Result.to_json` gives it, without the details.
    notes
        How the made rows had to be changed to be compared.
    """

    table: str
    contestant: str
    seed: int
    status: Status
    reason: str = ""
    rows: Mapping[str, int] = field(default_factory=dict)
    cpu_s: float | None = None
    wall_s: float | None = None
    peak_bytes: float | None = None
    results: tuple[Mapping[str, Any], ...] = ()
    notes: tuple[str, ...] = ()

    def value(self, key: str) -> float | None:
        """A measured figure, or None: a result by name, a cost, ``advantage`` or ``fairness``."""
        if self.status != "ok":
            return None  # What a failed attempt cost is no merit.
        if key in ("cpu_s", "wall_s", "peak_bytes"):
            cost = getattr(self, key)
            return None if cost is None else float(cost)
        if key == "advantage":
            return advantage(self.results)
        if key == "fairness":
            return drift(self.results)
        found = next((r for r in self.results if r["name"] == key), None)
        return None if found is None or found["value"] is None else float(found["value"])

    def to_json(self) -> dict[str, Any]:
        """JSON-ready dictionary."""
        return {name: plain(getattr(self, name)) for name in self.__dataclass_fields__}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Cell:
        """The cell that `to_json` wrote; raises TypeError or KeyError for anything else."""
        known = {name: data[name] for name in cls.__dataclass_fields__}
        return cls(**{**known, "results": tuple(known["results"]), "notes": tuple(known["notes"])})


def advantage(results: Sequence[Mapping[str, Any]]) -> float | None:
    """Largest membership advantage (2 AUC - 1, at least 0) among the attacks that were run.

    The largest of several noisy areas is above zero even where nothing leaks: compare generators by it, and
    read the attacks' own intervals before accusing one.
    """
    areas = [r["value"] for r in results if r["question"] == "private" and r["target"] == 0.5]
    known = [float(a) for a in areas if a is not None]
    return max(0.0, 2 * max(known) - 1) if known else None


def drift(results: Sequence[Mapping[str, Any]]) -> float | None:
    """Largest distance of a fairness figure from the one that real rows give."""
    gaps = [
        abs(float(r["value"]) - float(r["reference"]))
        for r in results
        if r["question"] == "fair" and r["value"] is not None and r["reference"] is not None
    ]
    return max(gaps) if gaps else None


def slim(result: Result) -> dict[str, Any]:
    """A result without its details, as a cell keeps it."""
    return {k: v for k, v in result.to_json().items() if k not in ("detail", "reads_private")}


@dataclass(frozen=True, slots=True)
class Rank:
    """Mean rank over cells (1 is best) with an interval; see `Comparison.ranks`."""

    contestant: str
    mean: float
    low: float
    high: float
    cells: int


@dataclass(frozen=True, slots=True)
class Entrant:
    """A contestant as it was named, what kind it is, and how it works in one line."""

    name: str
    kind: str
    about: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """The whole record.

    Attributes
    ----------
    entrants
        The field, in the order given; the negative controls last.
    tables, seeds
        On what.
    cells
        Every combination, failed ones too.
    settings, versions
        How it was run.
    """

    entrants: tuple[Entrant, ...]
    tables: tuple[str, ...]
    seeds: tuple[int, ...]
    cells: tuple[Cell, ...]
    created: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)

    def of(self, contestant: str) -> tuple[Cell, ...]:
        """The cells of one contestant."""
        return tuple(c for c in self.cells if c.contestant == contestant)

    def mean(self, contestant: str, key: str) -> float | None:
        """Mean over the cells that have the figure; None when none has."""
        values = [v for c in self.of(contestant) if (v := c.value(key)) is not None]
        return float(np.mean(values)) if values else None

    def ranked(self) -> tuple[RankedMeasure, ...]:
        """The measures that at least one cell has."""
        return tuple(m for m in RANKED if any(c.value(m.key) is not None for c in self.cells))

    def ranks(self, measure: RankedMeasure) -> tuple[Rank, ...]:
        """Mean ranks by one measure, best first.

        Within a table and seed contestants are ranked with ties sharing their mean rank; who failed there
        comes last. The interval resamples tables, and seeds within each, and is never narrower than chance
        among so few cells explains: two intervals meet where the ranks differ by less than Nemenyi's critical
        difference (Demsar, JMLR 2006). So one cell settles nothing.
        """
        from scipy.stats import studentized_range

        names = [e.name for e in self.entrants]
        blocks = [
            [_rank(names, self._values(table, seed, measure)) for seed in self.seeds] for table in self.tables
        ]
        array = np.array(blocks, dtype=np.float64)  # (tables, seeds, contestants)
        rng = stream(0, "comparison", "ranks", measure.key)
        n_tables, n_seeds = array.shape[:2]
        draws = np.empty((DRAWS, len(names)))
        for i in range(DRAWS):
            tables = rng.integers(n_tables, size=(n_tables, 1))
            draws[i] = array[tables, rng.integers(n_seeds, size=(n_tables, n_seeds))].mean(axis=(0, 1))
        low, high = np.quantile(draws, [0.025, 0.975], axis=0)
        mean = array.mean(axis=(0, 1))
        k, cells = len(names), n_tables * n_seeds
        half = 0.0
        if k > 1:
            far = float(studentized_range.ppf(0.95, k, np.inf)) / np.sqrt(2)
            half = 0.5 * far * np.sqrt(k * (k + 1) / (6 * cells))
        low, high = np.maximum(1, np.minimum(low, mean - half)), np.minimum(k, np.maximum(high, mean + half))
        rows = [
            Rank(name, float(mean[i]), float(low[i]), float(high[i]), n_tables * n_seeds)
            for i, name in enumerate(names)
        ]
        return tuple(sorted(rows, key=lambda r: r.mean))

    def _values(self, table: str, seed: int, measure: RankedMeasure) -> dict[str, float]:
        found = {c.contestant: c.value(measure.key) for c in self.cells if (c.table, c.seed) == (table, seed)}
        sign = -1.0 if measure.higher else 1.0
        return {name: sign * v for name, v in found.items() if v is not None}

    def front(self, x: str, y: RankedMeasure) -> tuple[str, ...]:
        """Contestants that nobody beats on both `x` (less is better) and `y`, by means over cells.

        Negative controls take no part: a copy of the training rows would beat everybody on faithfulness.
        """
        points = {}
        for e in self.entrants:
            if e.kind == "control":
                continue
            a, b = self.mean(e.name, x), self.mean(e.name, y.key)
            if a is not None and b is not None:
                points[e.name] = (a, -b if y.higher else b)
        return tuple(
            name
            for name, p in points.items()
            if not any(q[0] <= p[0] and q[1] <= p[1] and q != p for q in points.values())
        )

    def controls(self) -> tuple[tuple[str, bool | None, str], ...]:
        """Each negative control with whether it got what it deserves (None: unknown) and a sentence."""
        return (self._independent(), self._bootstrap())

    def _independent(self) -> tuple[str, bool | None, str]:
        scores = {e.name: self.mean(e.name, "c2st") for e in self.entrants}
        mine = scores.pop("independent", None)
        others = [v for v in scores.values() if v is not None]
        if mine is None or not others:
            return "independent", None, "Shuffled columns could not be judged."
        # On a table whose columns are unrelated, shuffled columns are a faithful stand-in.
        passed = mine > 0.6
        return (
            "independent",
            passed,
            (
                f"Columns drawn on their own are told from real rows with an area of {mine:.3f}"
                + (
                    ", as they deserve."
                    if passed
                    else ": hardly at all, so on these tables faithfulness of joint columns cannot be judged."
                )
            ),
        )

    def _bootstrap(self) -> tuple[str, bool | None, str]:
        mine = self.mean("bootstrap", "advantage")
        if mine is None:
            return "bootstrap", None, "Copying could not be judged: no rows were held out."
        passed = mine > 0.2
        return (
            "bootstrap",
            passed,
            (
                f"Training rows drawn again give their members away with an advantage of {mine:.3f}"
                + (
                    ", as they deserve."
                    if passed
                    else ": too little, so on these tables the attacks could not have found copying."
                )
            ),
        )

    def records(self) -> Iterator[dict[str, Any]]:
        """Long form for Parquet: one record a cell and figure; a failed cell has one without a figure."""
        for c in self.cells:
            head = {
                "table": c.table,
                "contestant": c.contestant,
                "seed": c.seed,
                "status": c.status,
                "reason": c.reason,
                "rows_train": c.rows.get("train"),
                "rows_made": c.rows.get("made"),
                "cpu_s": c.cpu_s,
                "wall_s": c.wall_s,
                "peak_bytes": c.peak_bytes,
            }
            if not c.results:
                yield head
            for r in c.results:
                yield {
                    **head,
                    "measure": r["name"],
                    "question": r["question"],
                    "value": r["value"],
                    "low": r["low"],
                    "high": r["high"],
                    "reference": r["reference"],
                    "floor": r["floor"],
                    "verdict": r["verdict"],
                }

    def __repr__(self) -> str:
        names = ", ".join(e.name for e in self.entrants)
        return f"<Comparison of {names} on {', '.join(self.tables)}, {len(self.seeds)} seeds>"

    def to_json(self) -> dict[str, Any]:
        """JSON-ready dictionary: the record, means and ranks."""
        means = {e.name: {m.key: self.mean(e.name, m.key) for m in self.ranked()} for e in self.entrants}
        return {
            "created": self.created,
            "entrants": plain(self.entrants),
            "tables": list(self.tables),
            "seeds": list(self.seeds),
            "settings": plain(dict(self.settings)),
            "versions": dict(self.versions),
            "means": plain(means),
            "ranks": {m.key: plain(self.ranks(m)) for m in self.ranked()},
            "controls": [
                {"name": name, "passed": passed, "sentence": said} for name, passed, said in self.controls()
            ],
            "cells": [c.to_json() for c in self.cells],
        }


def _rank(names: Sequence[str], values: Mapping[str, float]) -> list[float]:
    """Ranks from 1, ties sharing the mean of theirs; names without a value come last together."""
    filled = np.array([values.get(name, np.inf) for name in names])
    return [float(1 + (filled < v).sum() + ((filled == v).sum() - 1) / 2) for v in filled]
