"""Whether every margin of the rows lies within sampling error of the training rows, over many seeds.

``python -m benchmarks.margins [--tables adult demo] [--seeds 10] [--synthesizer tree] [--page]``

A margin is the share of a level, of missing values, of a repeated number or of a tenth of the values, or the
mean of a number; of all rows, and of the rows of every protected group. Its z is its distance from the
training rows in standard errors of a bootstrap sample of as many rows. Every seed fits and draws anew.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.stats import binom, norm

from benchmarks.tables import folder
from locum.control.rules.found import with_found_rules
from locum.data.canonical import canonical
from locum.data.demo import demo_info, demo_path
from locum.data.detect import detect
from locum.data.read import read
from locum.schema.table import Schema
from locum.synthesizer.table import Synthesizer

#: Training rows on either side that a share needs to count as a margin, and rows that make a group.
LEAST, GROUP = 10, 100
#: Beyond so many standard errors a share's tail is not looked up.
FARTHEST = 8.0
#: A number counts as repeated from this share of the rows.
SPIKE = 0.005
#: Where the page is written.
PAGE = Path(__file__).resolve().parent / "MARGINS.md"
INTRODUCTION = """\
Margins: every level, missing share, repeated number, tenth of the values and mean, of all rows and within
every protected group. z: distance from the training rows in standard errors of a bootstrap sample of as many
rows (of a share: the normal quantile of its binomial tail); every seed fits and draws anew. A table holds
when at most 1 % of |z| are beyond 3, the mean z of each margin lies within -1 and 1, and none is beyond the
Bonferroni bound at 1 %. For bootstrap samples of the training rows the means would spread by 0.32 over ten
seeds: a few in a thousand lie beyond 1 by chance."""
HEAD = (
    "table", "margins", "seeds", "% beyond 3", "largest mean z", "means beyond 1", "largest z", "bound",
    "holds",
)  # fmt: skip
#: Seeds of the fits start here, those of the draws a thousand later.
FIRST_SEED = 1


@dataclass(frozen=True, slots=True)
class MarginTable:
    """One table of the page: its file, target, protected columns and columns left out."""

    name: str
    path: Path
    target: str
    protected: tuple[str, ...]
    without: tuple[str, ...] = ()


def tables() -> dict[str, MarginTable]:
    """The tables by name."""
    home, demo = folder(), demo_info()
    every = (
        MarginTable("adult", home / "adult_train.csv", "income", ("sex", "race")),
        MarginTable("beijing", home / "beijing_train.csv", "pm2.5", ("cbwd",), ("No",)),
        MarginTable("magic", home / "magic_train.csv", "class", ()),
        MarginTable("compas", home / "compas.csv", "two_year_recid", ("race", "sex")),
        MarginTable("german", home / "german_credit.csv", "class-label", ("sex",)),
        MarginTable("shoppers", home / "shoppers.csv", "Revenue", ("VisitorType",)),
        MarginTable("demo", demo_path(), demo.target, demo.protected),
    )
    return {table.name: table for table in every}


def open_table(entry: MarginTable) -> tuple[pa.Table, Schema]:
    """Canonical rows and schema of a table, as `locum run` would see them."""
    raw = read(entry.path)
    if entry.without:
        kept = [name for name in raw.table.column_names if name not in entry.without]
        raw = read(raw.table.select(kept))
    schema = detect(raw, target=entry.target, protected=entry.protected)
    table = canonical(raw, schema)
    return table, with_found_rules(table, schema)


#: Name of a margin, its value, its rows, and the spread of the number where it is a mean.
Measured = tuple[str, float, float, float]


@dataclass(frozen=True, slots=True)
class Margins:
    """Values of the margins of a table, and their standard errors in a sample of as many rows."""

    names: tuple[str, ...]
    value: np.ndarray
    error: np.ndarray


class Ruler:
    """What to measure on any table like the training rows, which choose levels, numbers and tenths."""

    def __init__(self, train: pa.Table, schema: Schema) -> None:
        self._columns = [c for c in schema.columns if not c.regenerated]
        self._protected = tuple(schema.protected)
        self._cuts = {c.name: _cuts(train[c.name]) for c in self._columns}
        self._groups = [
            (name, level)
            for name in self._protected
            for level in _levels(train[name], GROUP)
            if isinstance(level, str | bool)
        ]
        every = self._measure(train)
        n = np.array([m[2] for m in every])
        value = np.array([m[1] for m in every])
        spread = np.array([m[3] for m in every])
        share = np.isnan(spread)
        enough = ~share | (np.minimum(value, 1 - value) * n >= LEAST)
        spread = np.where(share, np.sqrt(np.maximum(value * (1 - value), 0)), spread)
        self._kept = enough & (spread > 0) & (n > 1)
        names = tuple(m[0] for m, kept in zip(every, self._kept, strict=True) if kept)
        self.train = Margins(names, value[self._kept], (spread / np.sqrt(np.maximum(n, 1)))[self._kept])
        self._share = share[self._kept]

    def z(self, rows: pa.Table) -> np.ndarray:
        """Distance of each margin of some rows, as many as there are training rows, in standard errors.

        Of a share it is the normal quantile of its binomial tail (with half of what is met): the same but for
        counts of few rows, whose upper tail is longer than a normal one.
        """
        measured = self._measure(rows)
        value = np.array([m[1] for m in measured])[self._kept]
        z: np.ndarray = np.nan_to_num((value - self.train.value) / self.train.error, nan=99.0)
        some = self._share & (np.abs(z) < FARTHEST)
        n = np.array([m[2] for m in measured])[self._kept][some]
        count, p = np.rint(value[some] * n), self.train.value[some]
        lower, upper = binom.cdf(count, n, p), binom.sf(count, n, p)
        half = binom.pmf(count, n, p) / 2
        z[some] = np.where(lower < upper, norm.ppf(lower - half), norm.isf(upper + half))
        return z

    def _measure(self, table: pa.Table) -> list[Measured]:
        """Name, value, rows and spread (of means only) of each margin, in an order that never changes."""
        out = list(self._of("", table, np.ones(table.num_rows, dtype=bool)))
        for name, level in self._groups:
            inside = np.asarray(pc.fill_null(pc.equal(table[name], pa.scalar(level)), False))
            out += list(self._of(f" | {name}={level}", table, inside))
        return out

    def _of(self, label: str, table: pa.Table, inside: np.ndarray) -> Iterator[Measured]:
        n = int(inside.sum())
        for column in self._columns:
            name = column.name
            array = table[name].combine_chunks()
            missing = np.asarray(array.is_null())
            yield f"{name} missing{label}", float(missing[inside].mean()), n, np.nan
            levels, edges = self._cuts[name]
            for level in levels:
                hit = np.asarray(pc.fill_null(pc.equal(array, pa.scalar(level, array.type)), False))
                yield f"{name}={level}{label}", float(hit[inside].mean()), n, np.nan
            if edges is None:
                continue
            number = _numbers(array)
            present = number[inside & ~missing]
            yield f"{name} mean{label}", float(present.mean()), len(present), float(present.std())
            for i, edge in enumerate(edges):
                yield f"{name} below cut {i}{label}", float((present <= edge).mean()), len(present), np.nan


def _levels(array: pa.ChunkedArray, least: float) -> list[Any]:
    tally = pc.value_counts(array.drop_null())
    counts = np.asarray(tally.field("counts"))
    return [v for v, c in zip(tally.field("values").to_pylist(), counts, strict=True) if c >= least]


def _cuts(array: pa.ChunkedArray) -> tuple[list[Any], np.ndarray | None]:
    """Levels or repeated values of a column, and the tenths of a number."""
    ordered = not (pa.types.is_string(array.type) or pa.types.is_boolean(array.type))
    if not ordered:
        return _levels(array, LEAST), None
    number = _numbers(array.combine_chunks())
    number = number[np.isfinite(number)]
    if not len(number):
        return [], None
    tenths = np.unique(np.quantile(number, np.arange(1, 10) / 10))
    return _levels(array, max(LEAST, SPIKE * len(array))), tenths


def _numbers(array: pa.Array) -> np.ndarray:
    if pa.types.is_date32(array.type):
        array = array.view(pa.int32())
    elif not (pa.types.is_floating(array.type) or pa.types.is_integer(array.type)):
        array = array.view(pa.int64())
    missing = np.asarray(array.is_null())
    out = np.asarray(array.fill_null(0)).astype(np.float64)
    out[missing] = np.nan
    return out


@dataclass(frozen=True, slots=True)
class Verdict:
    """The three conditions over all seeds of one table."""

    margins: int
    beyond_three: float
    worst_mean: float
    worst: float
    bound: float
    spread: float
    means_beyond: int
    farthest: str
    names: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """All of it in a line."""
        return (
            f"{'holds' if self.holds else 'FAILS'} margins {self.margins} "
            f"beyond 3: {100 * self.beyond_three:.2f} % worst mean {self.worst_mean:.2f} "
            f"({self.means_beyond} beyond 1) worst {self.worst:.2f} (bound {self.bound:.2f}) "
            f"spread {self.spread:.2f}; worst is {self.farthest}"
        )

    @property
    def holds(self) -> bool:
        """Whether all three hold."""
        return self.beyond_three <= 0.01 and self.worst_mean <= 1.0 and self.worst <= self.bound


def judge(names: Sequence[str], z: np.ndarray) -> Verdict:
    """Judge z scores; shape (seeds, margins).

    At most 1 % beyond 3, each margin's mean within 1, none beyond the Bonferroni bound at 1 %.
    """
    mean = np.abs(z.mean(axis=0))
    bound = float(norm.isf(0.005 / z.size))
    worst = np.argsort(-mean)[:8]
    said = tuple(f"{names[i]} {z[:, i].mean():.2f}" for i in worst)
    return Verdict(
        len(names),
        float((np.abs(z) > 3).mean()),
        float(mean.max()),
        float(np.abs(z).max()),
        bound,
        float(z.std(axis=0).mean()),
        int((mean > 1).sum()),
        names[int(np.abs(z).max(axis=0).argmax())],
        said,
    )


def scores(
    entry: MarginTable, seeds: Sequence[int], synthesizer: str, settings: dict[str, Any] | None = None
) -> tuple[tuple[str, ...], np.ndarray, float, float]:
    """Names of the margins, their z by seed, and mean CPU seconds of fit and draw."""
    table, schema = open_table(entry)
    ruler = Ruler(table, schema)
    out, fit, drawn = [], 0.0, 0.0
    for seed in seeds:
        start = time.process_time()
        made = Synthesizer(synthesizer, seed=seed, **(settings or {})).fit_table(table, schema)
        middle = time.process_time()
        rows = made.draw(table.num_rows, seed=1000 + seed).table
        fit, drawn = fit + middle - start, drawn + time.process_time() - middle
        out.append(ruler.z(rows))
    return ruler.train.names, np.array(out), fit / len(out), drawn / len(out)


def page(found: dict[str, tuple[Verdict, int]], synthesizer: str) -> str:
    """The page as Markdown: one line a table, and its worst margins."""
    lines = [
        "# Margins",
        "",
        f"Made by `python -m benchmarks.margins --page` with `{synthesizer}`.",
        *INTRODUCTION.splitlines(),
        "",
        f"| {' | '.join(HEAD)} |",
        f"|{' --- |' * len(HEAD)}",
    ]
    for name, (v, seeds) in found.items():
        lines.append(
            f"| {name} | {v.margins} | {seeds} | {100 * v.beyond_three:.2f} | {v.worst_mean:.2f} "
            f"| {v.means_beyond} | {v.worst:.2f} | {v.bound:.2f} | {'yes' if v.holds else 'no'} |"
        )
    lines += ["", "Largest mean z of each table:", ""]
    lines += [f"- {name}: {'; '.join(v.names[:3])}" for name, (v, _) in found.items()]
    return "\n".join(lines) + "\n"


def _stored(path: Path) -> dict[str, tuple[Verdict, int]]:
    """Verdicts of records that earlier calls wrote with ``--json``."""
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return {r["table"]: (judge(r["names"], np.array(r["z"])), len(r["z"])) for r in records}


def main() -> None:
    """Print a line per table, and what is worst."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", nargs="*", default=[])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--synthesizer", default="tree")
    parser.add_argument("--settings", default="{}", help="JSON of settings of the synthesizer")
    parser.add_argument("--json", type=Path, help="append one JSON line per table to this file")
    parser.add_argument("--stored", type=Path, help="measure nothing, read this file that --json wrote")
    parser.add_argument("--page", action="store_true", help="write benchmarks/MARGINS.md")
    asked = parser.parse_args()
    every = tables()
    found = {} if asked.stored is None else _stored(asked.stored)
    for name in [] if found else asked.tables or every:
        seeds = range(FIRST_SEED, FIRST_SEED + asked.seeds)
        names, z, fit, drawn = scores(every[name], seeds, asked.synthesizer, json.loads(asked.settings))
        v = judge(names, z)
        found[name] = v, asked.seeds
        print(f"{name:9} {v.sentence} fit {fit:.1f} s draw {drawn:.1f} s", flush=True)
        print("          " + "; ".join(v.names), flush=True)
        if asked.json:
            with asked.json.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"table": name, "names": list(names), "z": z.round(3).tolist()}) + "\n")
    if asked.page:
        ordered = {name: found[name] for name in every if name in found}
        PAGE.write_text(page(ordered, asked.synthesizer), encoding="utf-8")


if __name__ == "__main__":
    main()
