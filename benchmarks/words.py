"""How often are the words wrong? False alarms on fresh real rows, and planted faults that are found.

    python -m benchmarks.words DATA_FOLDER --tables adult german --rows 500 1000 --seeds 5 --faults all

For every table, number of rows and seed, real rows are drawn three times: learned from, held out (a half as
many), and in the place of the synthetic rows. As they are, they are the negative control: no question may be
answered worse than unclear. With a fault planted, the question that the fault concerns must be answered with
middling or poor. Rates have Wilson's 95 % intervals; the JSON lines written with ``--out`` hold every answer.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

QUESTIONS = ("faithful", "useful", "private", "fair", "risk")
ALARMS = ("middling", "poor")


@dataclass(frozen=True)
class Source:
    """A table: its files, the column to predict, and a column of groups."""

    files: tuple[str, ...]
    target: str
    group: str


SOURCES = {
    "adult": Source(("adult_train.csv", "adult_holdout.csv"), "income", "sex"),
    "shoppers": Source(("shoppers.csv",), "Revenue", "VisitorType"),
    "compas": Source(("compas.csv",), "two_year_recid", "sex"),
    "german": Source(("german_credit.csv",), "class-label", "sex"),
    "magic": Source(("magic_train.csv", "magic_hold.csv"), "class", ""),
    "beijing": Source(("beijing_train.csv", "beijing_hold.csv"), "pm2.5", ""),
}


@dataclass(frozen=True)
class Fault:
    """What is done to fresh rows, and the question that must notice."""

    question: str
    plant: Callable[[pa.Table, pa.Table, Source, np.random.Generator], pa.Table | None]


def replace(table: pa.Table, name: str, values: Sequence[Any]) -> pa.Table:
    """The table with other values in a column."""
    at = table.column_names.index(name)
    return table.set_column(at, name, pa.array(values, table.schema.field(name).type))


def numbers(table: pa.Table, but: str) -> list[str]:
    """Columns of numbers with more than ten values."""
    found = [f.name for f in table.schema if pa.types.is_integer(f.type) or pa.types.is_floating(f.type)]
    return [n for n in found if n != but and len(table.column(n).unique()) > 10]


def shuffled(fresh: pa.Table, _: pa.Table, source: Source, rng: np.random.Generator) -> pa.Table:
    """Every column shuffled by itself."""
    columns = [c.take(pa.array(rng.permutation(len(c)))) for c in fresh.columns]
    return pa.table(columns, names=fresh.column_names)


def label_shuffled(fresh: pa.Table, _: pa.Table, source: Source, rng: np.random.Generator) -> pa.Table:
    """The target shuffled."""
    column = fresh.column(source.target)
    return replace(fresh, source.target, column.take(pa.array(rng.permutation(len(column)))).to_pylist())


def ruined_column(fresh: pa.Table, _: pa.Table, source: Source, rng: np.random.Generator) -> pa.Table | None:
    """A column of numbers a quarter of its spread too large."""
    found = numbers(fresh, source.target)
    if not found:
        return None
    name = str(rng.choice(found))
    x = np.array(fresh.column(name).to_pylist(), dtype=float)
    moved = x + 0.25 * np.nanstd(x)
    whole = pa.types.is_integer(fresh.schema.field(name).type)
    return replace(fresh, name, [None if np.isnan(v) else round(v) if whole else float(v) for v in moved])


def mode_dropped(fresh: pa.Table, _: pa.Table, source: Source, rng: np.random.Generator) -> pa.Table | None:
    """A level that 10 to 60 % of the rows have is gone: its rows are drawn again from the others."""
    found = []
    for name in fresh.column_names:
        values = np.array([str(v) for v in fresh.column(name).to_pylist()])
        levels, counts = np.unique(values, return_counts=True)
        found += [(name, v) for v, k in zip(levels, counts / len(values), strict=True) if 0.1 < k < 0.6]
    if not found:
        return None
    name, level = found[int(rng.integers(len(found)))]
    values = np.array([str(v) for v in fresh.column(name).to_pylist()])
    left = np.flatnonzero(values != level)
    return fresh.take(pa.array(rng.choice(left, size=fresh.num_rows)))


def copies(fresh: pa.Table, train: pa.Table, _: Source, rng: np.random.Generator) -> pa.Table:
    """One row in ten is a row that was learned from."""
    k = fresh.num_rows // 10
    some = train.take(pa.array(rng.choice(train.num_rows, size=k, replace=False)))
    return pa.concat_tables([some, fresh.slice(k)])


def near_copies(
    fresh: pa.Table, train: pa.Table, source: Source, rng: np.random.Generator
) -> pa.Table | None:
    """Three rows in ten were learned from, with numbers moved by a hundredth of their spread."""
    found = numbers(fresh, source.target)
    if not found:
        return None
    k = 3 * fresh.num_rows // 10
    some = train.take(pa.array(rng.choice(train.num_rows, size=k, replace=False)))
    for name in found:
        x = np.array(some.column(name).to_pylist(), dtype=float)
        moved = x + 0.01 * np.nanstd(x) * rng.normal(size=k)
        whole = pa.types.is_integer(fresh.schema.field(name).type)
        some = replace(some, name, [None if np.isnan(v) else round(v) if whole else float(v) for v in moved])
    return pa.concat_tables([some, fresh.slice(k)])


def _members(table: pa.Table, source: Source) -> np.ndarray:
    """Rows of the largest group."""
    values = np.array([str(v) for v in table.column(source.group).to_pylist()])
    levels, counts = np.unique(values, return_counts=True)
    return values == levels[counts.argmax()]


def noisy_group(fresh: pa.Table, _: pa.Table, source: Source, rng: np.random.Generator) -> pa.Table | None:
    """Six of ten labels of one group are drawn anew."""
    if not source.group:
        return None
    labels = fresh.column(source.target).to_pylist()
    levels = sorted(set(labels), key=str)
    hit = _members(fresh, source) & (rng.random(len(labels)) < 0.6)
    new = [levels[int(rng.integers(len(levels)))] if h else v for v, h in zip(labels, hit, strict=True)]
    return replace(fresh, source.target, new)


def positives_gone(fresh: pa.Table, _: pa.Table, source: Source, rng: np.random.Generator) -> pa.Table | None:
    """Four of ten rows of one group that have the rarer label are gone; others are drawn again."""
    if not source.group:
        return None
    labels = np.array([str(v) for v in fresh.column(source.target).to_pylist()])
    levels, counts = np.unique(labels, return_counts=True)
    out = _members(fresh, source) & (labels == levels[counts.argmin()]) & (rng.random(len(labels)) < 0.4)
    left = np.flatnonzero(~out)
    more = rng.choice(left, size=int(out.sum()))
    return fresh.take(pa.array(np.concatenate([left, more])))


FAULTS: dict[str, Fault] = {
    "all shuffled": Fault("faithful", shuffled),
    "all shuffled (risk)": Fault("risk", shuffled),
    "column moved": Fault("faithful", ruined_column),
    "mode dropped": Fault("faithful", mode_dropped),
    "label shuffled": Fault("useful", label_shuffled),
    "10 % copies": Fault("private", copies),
    "30 % near copies": Fault("private", near_copies),
    "noisy group": Fault("fair", noisy_group),
    "positives gone": Fault("fair", positives_gone),
}


def draws(table: pa.Table, n: int, seed: int) -> tuple[pa.Table, pa.Table, pa.Table]:
    """Rows learned from, held out and fresh, all different; fewer held out where the table is small."""
    rng = np.random.default_rng([seed, n])
    order = rng.permutation(table.num_rows)
    held = min(n // 2, table.num_rows - 2 * n)
    if held < 50:
        raise ValueError(f"{table.num_rows} rows do not suffice for {n}")
    ends = np.cumsum([n, held, n])
    return tuple(table.take(pa.array(part)) for part in np.split(order[: ends[-1]], ends[:-1]))  # type: ignore[return-value]


def judge(
    source: Source, train: pa.Table, fake: pa.Table, held: pa.Table, seed: int, effort: str
) -> dict[str, Any]:
    """All answers and what decided them."""
    import locum

    start = time.process_time()
    found = locum.evaluate(
        train, fake, holdout=held, target=source.target, protected=[source.group] if source.group else [],
        effort=effort, seed=seed,
    ).evidence  # fmt: skip
    return {
        "answers": {a.question: a.verdict for a in found.answers},
        "decided": {a.question: list(a.decided) for a in found.answers},
        "controls": {c.name: c.passed for c in found.controls},
        "cpu_s": time.process_time() - start,
    }


def runs(args: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Every case one after the other."""
    from pyarrow.csv import read_csv

    wanted = [] if args.faults == ["none"] else FAULTS if args.faults == ["all"] else args.faults
    for name in args.tables:
        source = SOURCES[name]
        paths = [args.data / f for f in source.files]
        table = pa.concat_tables([read_csv(p) for p in paths], promote_options="permissive")
        for n in args.rows:
            for seed in range(args.first, args.first + args.seeds):
                try:
                    train, held, fresh = draws(table, n, seed)
                except ValueError:
                    continue
                for fault in ("", *wanted):
                    rng = np.random.default_rng([seed, n, 7])
                    fake = FAULTS[fault].plant(fresh, train, source, rng) if fault else fresh
                    if fake is None or (not fault and args.no_fresh):
                        continue
                    case = {"table": name, "rows": n, "seed": seed, "fault": fault}
                    yield case | judge(source, train, fake, held, seed, args.effort)


def rate(hits: int, of: int) -> str:
    """A share with its interval."""
    from locum.evaluation.intervals import wilson

    low, high = wilson(hits, of)
    return f"{hits}/{of} ({100 * low:.0f}-{100 * high:.0f} %)"


def page(found: Sequence[dict[str, Any]]) -> str:
    """Two tables: false alarms by question, and faults found."""
    by: dict[tuple[str, int], list[dict[str, Any]]] = defaultdict(list)
    for case in found:
        by[case["fault"], case["rows"]].append(case)
    out = ["| rows | question | worse than unclear | unclear | good |", "|---|---|---|---|---|"]
    for (fault, n), cases in sorted(by.items()):
        for q in QUESTIONS if not fault else ():
            said = [c["answers"][q] for c in cases if c["answers"][q] != "not measured"]
            if said:
                cells = [sum(v in w for v in said) for w in (ALARMS, ("unclear",), ("good", "none found"))]
                out.append(f"| {n} | {q} | {' | '.join(rate(k, len(said)) for k in cells)} |")
    out += ["", "| fault | rows | question | found | poor |", "|---|---|---|---|---|"]
    for (fault, n), cases in sorted(by.items()):
        if fault:
            q = FAULTS[fault].question
            said = [c["answers"][q] for c in cases]
            cells = [sum(v in w for v in said) for w in (ALARMS, ("poor",))]
            out.append(f"| {fault} | {n} | {q} | {' | '.join(rate(k, len(said)) for k in cells)} |")
    return "\n".join(out)


def main() -> None:
    """Run the cases and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--tables", nargs="+", default=list(SOURCES))
    parser.add_argument("--rows", nargs="+", type=int, default=[500, 1000])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--faults", nargs="+", default=["all"])
    parser.add_argument("--no-fresh", action="store_true")
    parser.add_argument("--effort", default="quick")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    found = []
    for case in runs(args):
        found.append(case)
        if args.out:
            with args.out.open("a") as file:
                file.write(json.dumps(case) + "\n")
    print(page(found))


if __name__ == "__main__":
    main()
