"""Do generated rows of a minority help it, and what do they cost the others? A part of `benchmarks.scarcity`.

    python -m benchmarks.amplify [--cases adult-black,...] [--cuts 10]

Each cut takes n real rows of a table; the rows of one group are doubled, or brought up to the others, by rows
that the generator drew of it. Results are kept beside those of `benchmarks.scarcity`, whose page shows them.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from benchmarks import run, tables
from benchmarks.cuts import FOLDER, keep, load, matched, most_tested
from benchmarks.page import markdown
from locum.evaluation.learn.features import FeatureView
from locum.evaluation.scores import score_of
from locum.evaluation.target import target_of
from locum.randomness import stream
from locum.studies.mix.arms import Block, Goal, train_and_test
from locum.studies.mix.contrast import corrected_difference
from locum.studies.scarce.conclude import COPIES, HALVED_COPIES, MATTERS, REAL, control, decide
from locum.studies.scarce.study import copied_halves, repeated
from locum.studies.scarce.ways import GROUP_WEIGHTS, group_rows, short

CUTS = 10
#: What the ways are held against.
BASES = (REAL, COPIES, HALVED_COPIES)


@dataclass(frozen=True, slots=True)
class Minority:
    """A table, the column and label of a group, and the rows of a cut."""

    table: str
    column: str
    label: str
    rows: int


CASES: Mapping[str, Minority] = MappingProxyType(
    {
        "adult-black": Minority("adult", "race", "Black", 1_000),
        "adult-female": Minority("adult", "sex", "Female", 200),
        "compas-female": Minority("compas", "sex", "Female", 200),
        "german-female": Minority("german", "sex", "female", 200),
    }
)


def one(case: Minority, cut: int, synthesizer: str) -> dict[str, Any]:
    """Scores of the group and of the others by every way, for one cut."""
    start = time.process_time()
    whole = tables.NAMES[case.table]()
    frame = pd.concat([whole.train, whole.holdout], ignore_index=True)
    if case.table == "compas":
        frame = frame.drop(columns="is_recid")
    order = np.random.default_rng([case.rows, cut]).permutation(len(frame))
    few, rest = frame.iloc[order[: case.rows]], most_tested(frame.iloc[order[case.rows :]], cut)
    sources, own, test = matched(few, rest, None, whole.target, synthesizer, cut)
    target = target_of(sources.schema[whole.target], own.column(whole.target))
    if target is None:
        raise ValueError(f"{whole.target} cannot be learned from these rows")
    columns = [c for c in sources.schema if not c.regenerated and c.name != whole.target]
    view = FeatureView.learn(columns, pa.concat_tables([own, test]))
    goal = Goal("binary", 2, tuple(view.categorical))
    real, at = Block.of(view, target, own), Block.of(view, target, test)
    inside, tested = (
        np.array([v == case.label for v in t.column(case.column).to_pylist()]) for t in (own, test)
    )
    members, lacking = int(inside.sum()), short(len(real), int(inside.sum()))
    group = Block.of(view, target, own.filter(pa.array(inside)))

    def score(extra: Block | None, weight: float = 1.0) -> list[float]:
        p = train_and_test(goal, real, extra, weight, at, cut).prediction
        return [score_of("binary", 2, at.y[side], p[side]) for side in (tested, ~tested)]

    copies = repeated(group, lacking, stream(cut, "amplify"))
    halves = copied_halves(group, real, sources.wanted(case.rows), stream(cut, "halves"))
    scores = {REAL: score(None), COPIES: score(copies), HALVED_COPIES: score(halves)}
    scores[GROUP_WEIGHTS] = score(group, lacking / members)
    condition = f"{case.column} = '{case.label}'"
    for name, rows in group_rows(sources, own, members, condition, cut).items():
        scores[name] = score(Block.of(view, target, rows))
    return {"n": case.rows, "cut": cut, "by": synthesizer, "scores": scores, "members": members,
            "cpu_s": time.process_time() - start}  # fmt: skip


def measure(names: Sequence[str], cuts: int, synthesizer: str, folder: Path) -> None:
    """Every cut that is asked for and not there yet."""
    for name in names:
        have = {(r["cut"], r["by"]) for r in load(folder, f"amplify-{name}")}
        for cut in range(cuts):
            if (cut, synthesizer) not in have:
                keep(folder, f"amplify-{name}", one(CASES[name], cut, synthesizer))
        print(f"{name}: done", flush=True)


def sections(folder: Path) -> list[str]:
    """What the page says of groups; nothing where nothing was measured."""
    found = {name: load(folder, f"amplify-{name}") for name in CASES}
    if not any(found.values()):
        return []
    lines = [
        "## More rows of a minority",
        "",
        "AUC within the group and within the others. The verdict is on the group; a loss for the others",
        "is ruled out where the interval of their difference (95 %, for this way alone) stays above "
        f"-{MATTERS:g}.",
        "",
    ]
    for name, records in found.items():
        for by in sorted({r["by"] for r in records}):
            lines += section(CASES[name], by, [r for r in records if r["by"] == by])
    return lines


def section(case: Minority, by: str, records: Sequence[Mapping[str, Any]]) -> list[str]:
    """One group: a line a way."""
    ways = list(records[0]["scores"])
    values = {way: np.array([r["scores"][way] for r in records]) for way in ways}
    members = float(np.mean([r["members"] for r in records]))
    rows = []
    for way in ways:
        group, others = values[way].mean(axis=0)
        told = ["", "", ""]
        if way not in BASES:
            level = 1 - 0.05 / (len(ways) - len(BASES))
            gain, over = (
                corrected_difference(values[way][:, 0] - values[base][:, 0], 0.0, level=level)
                for base in (REAL, control(way))
            )
            cost = corrected_difference(values[way][:, 1] - values[REAL][:, 1], 0.0)
            spans = [f"{c.value:+.3f} ({c.low:+.3f} to {c.high:+.3f})" for c in (gain, cost)]
            loss = (
                "no loss" if cost.low > -MATTERS else "a loss is not ruled out" if cost.high > 0 else "a loss"
            )
            told = [spans[0] + " " + decide(gain, over), spans[1], loss]
        rows.append([way, f"{group:.3f}", told[0], f"{others:.3f}", told[1], told[2]])
    name = f"{case.table}, {case.column} = {case.label}"
    head = f"### {name}: {members:.0f} of {case.rows} rows, {len(records)} cuts, `{by}`"
    columns = ["added", "group", "difference", "others", "difference", "others"]
    return [head, "", *markdown(columns, rows), ""]


def main(arguments: list[str] | None = None) -> None:
    """Measure; the page is written by `benchmarks.scarcity`."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.amplify")
    parser.add_argument("--cases", type=run.names, default=list(CASES), help=", ".join(CASES))
    parser.add_argument("--cuts", type=int, default=CUTS)
    parser.add_argument("--synthesizer", default="few-shot")
    chosen = parser.parse_args(arguments)
    for name in chosen.cases:
        if name not in CASES:
            parser.error(f"no case is called {name!r}; there are {', '.join(CASES)}")
    measure(chosen.cases, chosen.cuts, chosen.synthesizer, FOLDER)


if __name__ == "__main__":
    main()
