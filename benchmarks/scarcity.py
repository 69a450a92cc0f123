"""Do stand-ins help where there are 50, 100 or 200 real rows? Every way of `locum scarce`, over many cuts.

    python -m benchmarks.scarcity [--cases adult-women,...] [--sizes 50,100,200] [--cuts 10] [--page]

Each cut takes n real rows, at least five of either class. Generator, curator and density ratios see these
only, and 3,000 rows of the related domain if there is one. Judge: LightGBM as in ``locum scarce``, tested on
up to 6,000 other rows of the own domain. Differences are paired by cut. One cut is one JSON line in
``benchmarks/results/scarcity``; what is there is not measured again. ``--page`` measures nothing and writes
``benchmarks/SCARCITY.md``.
"""

from __future__ import annotations

import argparse
import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from benchmarks import amplify, run, tables
from benchmarks.cuts import FOLDER, keep, load, matched, most_tested
from benchmarks.page import markdown
from locum.evaluation.learn.features import FeatureView
from locum.evaluation.target import target_of
from locum.randomness import stream
from locum.studies.mix.arms import Block, Goal, oversample, train_and_test
from locum.studies.mix.contrast import corrected_difference
from locum.studies.scarce.conclude import COPIES, REAL, decide
from locum.studies.scarce.study import CLASS_WEIGHTS, LEAST_CLASS, SMOTE, repeated
from locum.studies.scarce.ways import CURATED, GENERATED, stand_ins

PAGE = Path(__file__).resolve().parent / "SCARCITY.md"
SIZES, CUTS = (50, 100, 200), 10
RELATED_ROWS = 3_000
#: Generated rows without the real ones: what is called TSTR.
ALONE = ", without the real ones"

INTRODUCTION = """\
AUC of LightGBM on real rows that were not learned from, means over cuts. In brackets: difference to the real
rows alone, with intervals that hold for all ways of a table at once in 95 % of cases (Student's t over cuts,
Bonferroni). A way *helps* when it gains over real rows alone and over copies of them in its place, each with
its whole interval; it *does not help* when a gain of .01 is ruled out. Each way adds 1,000 rows but SMOTE and
class weights. Cuts of German credit and COMPAS share rows: their intervals are about these very tables."""


@dataclass(frozen=True, slots=True)
class Case:
    """A table to take few rows of, rows to test on, and a related domain.

    Attributes
    ----------
    pool, test
        Rows that cuts are taken from, and rows to test on; without these the rest of the pool is tested on.
    target
        Column to be predicted.
    related
        Rows of another domain, None without.
    about
        What the domains are.
    """

    pool: pd.DataFrame
    test: pd.DataFrame | None
    target: str
    related: pd.DataFrame | None
    about: str


def adult() -> Case:
    """Adult as it is, without a related table."""
    table = tables.adult()
    return Case(table.train, table.holdout, table.target, None, "Adult, no related table")


def adult_part(column: str, own: Callable[[pd.Series], pd.Series], about: str) -> Case:
    """One part of Adult, with the other as the related domain."""
    table = tables.adult()
    mine, tested = own(table.train[column]), own(table.holdout[column])
    return Case(table.train[mine], table.holdout[tested], table.target, table.train[~mine], about)


def german() -> Case:
    """German credit, with Adult under the names of German credit: another question altogether."""
    table, other = tables.german(), tables.adult().train
    names = {"income": table.target, "hours-per-week": "duration", "capital-gain": "credit-amount"}
    frame = other.rename(columns=names)[["age", "sex", "duration", "credit-amount", table.target]]
    frame = frame.assign(sex=frame["sex"].str.lower())
    frame[table.target] = (frame[table.target] == ">50K").astype(int)
    whole = pd.concat([table.train, table.holdout], ignore_index=True)
    return Case(
        whole, None, table.target, frame, "German credit; related: Adult under its names (must not help)"
    )


def compas() -> Case:
    """Women of COMPAS, with the men as the related domain, without the column that gives the target away."""
    table = tables.compas()
    whole = pd.concat([table.train, table.holdout], ignore_index=True).drop(columns="is_recid")
    women = whole["sex"] == "Female"
    return Case(whole[women], None, table.target, whole[~women], "COMPAS women (less is_recid); related: men")


CASES: Mapping[str, Callable[[], Case]] = MappingProxyType(
    {
        "adult": adult,
        "adult-women": lambda: adult_part(
            "sex", lambda c: c == "Female", "Adult, women; related: men"
        ),
        "adult-abroad": lambda: adult_part(
            "native-country",
            lambda c: ~c.isin(["United-States", "?"]),
            "Adult, born abroad; related: born in the US",
        ),
        "german": german,
        "compas-women": compas,
    }
)  # fmt: skip


def options(arguments: list[str] | None = None) -> argparse.Namespace:
    """What is asked for; ends the program with a message when it cannot be."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scarcity")
    parser.add_argument("--cases", type=run.names, default=list(CASES), help=", ".join(CASES))
    parser.add_argument("--sizes", type=lambda s: [int(x) for x in run.names(s)], default=list(SIZES))
    parser.add_argument("--cuts", type=int, default=CUTS)
    parser.add_argument("--synthesizer", default="few-shot")
    parser.add_argument(
        "--page", action="store_true", help="measure nothing, write the page of what is there"
    )
    chosen = parser.parse_args(arguments)
    for name in chosen.cases:
        if name not in CASES:
            parser.error(f"no case is called {name!r}; there are {', '.join(CASES)}")
    return chosen


# ---------------------------------------------------------------- measuring


def one(case: Case, n: int, cut: int, synthesizer: str) -> dict[str, Any]:
    """Test scores of every way to use the rows of one cut."""
    start = time.process_time()
    rng = np.random.default_rng([n, cut])
    order = rng.permutation(len(case.pool))
    while (
        case.pool[case.target].iloc[order[:n]].value_counts().reindex(levels_in(case)).fillna(0).min()
        < LEAST_CLASS
    ):
        order = rng.permutation(len(case.pool))
    few, rest = case.pool.iloc[order[:n]], case.pool.iloc[order[n:]]
    tested = most_tested(rest if case.test is None else case.test, cut)
    related = None
    if case.related is not None:
        related = case.related.sample(min(RELATED_ROWS, len(case.related)), random_state=cut)
    sources, own, test = matched(few, tested, related, case.target, synthesizer, cut)
    target = target_of(sources.schema[case.target], own.column(case.target))
    if target is None or target.task != "binary":
        raise ValueError(f"{case.target} is no label of two values in {n} rows")
    columns = [c for c in sources.schema if not c.regenerated and c.name != case.target]
    view = FeatureView.learn(columns, pa.concat_tables([own, test]))
    goal = Goal("binary", 2, tuple(view.categorical))
    real, at = Block.of(view, target, own), Block.of(view, target, test)
    draws = stream(cut, "scarcity", n)

    def score(rows: Block, extra: Block | None, *, balance: bool = False) -> float:
        return train_and_test(goal, rows, extra, 1.0, at, cut, balance=balance).score

    scores = {REAL: score(real, None)}
    scores[COPIES] = score(real, repeated(real, sources.wanted(n), draws))
    scores[CLASS_WEIGHTS] = score(real, None, balance=True)
    scores[SMOTE] = score(real, oversample(goal, real, draws))
    for name, rows in stand_ins(sources, own, cut).items():
        made = Block.of(view, target, rows)
        scores[name] = score(real, made)
        if name in (GENERATED, GENERATED + CURATED):
            scores[name + ALONE] = score(made, None)
    return {"n": n, "cut": cut, "by": synthesizer, "scores": scores, "cpu_s": time.process_time() - start}


def levels_in(case: Case) -> list[object]:
    """The labels of a case."""
    return sorted(case.pool[case.target].dropna().unique())


def measure(chosen: argparse.Namespace, folder: Path) -> None:
    """Every cut that is asked for and not there yet."""
    for name in chosen.cases:
        try:
            case = CASES[name]()
        except tables.NoTable as error:
            print(f"{name}: skipped, {error}")
            continue
        have = {(r["n"], r["cut"], r["by"]) for r in load(folder, name)}
        for n in chosen.sizes:
            for cut in range(chosen.cuts):
                if (n, cut, chosen.synthesizer) in have:
                    continue
                record = {"case": name, **one(case, n, cut, chosen.synthesizer)}
                keep(folder, name, record)
            print(f"{name}, {n} rows: done", flush=True)


# ---------------------------------------------------------------- page


def page(folder: Path) -> str:
    """The whole page as Markdown."""
    made = f"Made by `python -m benchmarks.scarcity`, Python {platform.python_version()}."
    lines = ["# Few rows: what helps", "", made, INTRODUCTION, ""]
    cpu = 0.0
    for name in CASES:
        records = load(folder, name)
        cpu += sum(r["cpu_s"] for r in records)
        for by in sorted({r["by"] for r in records}):
            lines += section(name, by, [r for r in records if r["by"] == by])
    lines += amplify.sections(folder)
    return "\n".join([*lines, f"{cpu / 60:.1f} CPU minutes for the tables on few rows.", ""])


def section(name: str, by: str, records: list[dict[str, Any]]) -> list[str]:
    """One case: a line a way, a column a size."""
    sizes = sorted({r["n"] for r in records})
    cuts = {n: [r["scores"] for r in records if r["n"] == n] for n in sizes}
    ways = [way for way in cuts[sizes[0]][0] if all(way in s for n in sizes for s in cuts[n])]
    head = ["trained on", *(f"n = {n} ({len(cuts[n])} cuts)" for n in sizes)]
    rows = [[way, *(cell(way, ways, cuts[n]) for n in sizes)] for way in ways]
    return [f"## {about(name)}", "", f"Generator: `{by}`.", "", *markdown(head, rows), ""]


def about(name: str) -> str:
    """What a case is; its name where the tables are not here."""
    try:
        return CASES[name]().about
    except tables.NoTable:
        return name


def cell(way: str, ways: list[str], cuts: list[Mapping[str, float]]) -> str:
    """Mean score, difference to real rows alone with its interval, and the verdict."""
    own = np.array([s[way] for s in cuts])
    if way in (REAL, COPIES) or len(cuts) < 2:
        return f"{own.mean():.3f}"
    level = 1 - 0.05 / (len(ways) - 2)
    gain, over = (
        corrected_difference(own - np.array([s[base] for s in cuts]), 0.0, level=level)
        for base in (REAL, COPIES)
    )
    verdict = decide(gain, over)
    told = f"**{verdict}**" if verdict == "helps" else verdict
    return f"{own.mean():.3f} ({gain.value:+.3f}, {gain.low:+.3f} to {gain.high:+.3f}) {told}"


def main(arguments: list[str] | None = None) -> None:
    """Measure, then write the page."""
    chosen = options(arguments)
    if not chosen.page:
        measure(chosen, FOLDER)
    PAGE.write_text(page(FOLDER), encoding="utf-8")
    print(f"{PAGE.name} is written.")


if __name__ == "__main__":
    main()
