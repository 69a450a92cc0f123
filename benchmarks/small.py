"""Few rows and rare targets: ours beside CART, a Gaussian copula and SDV on 100 to 4,000 rows.

    python -m benchmarks.small [--tables german600,...] [--who locum,cart,...] [--seeds 0,1,2] [--page]

Every seed takes other rows of the table to learn from; all generators of a seed see the same. One measurement
is one JSON line in ``benchmarks/results/small``; what is there is not measured again unless ``--again`` is
given. ``--page`` measures nothing and writes the page of what is there, ``benchmarks/SMALL.md``.
"""

from __future__ import annotations

import argparse
import math
import os
import platform
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from benchmarks import generate, results, run, tables
from benchmarks.environments import NotInstalled, python_of
from benchmarks.page import markdown
from benchmarks.results import Record, mean, shown
from benchmarks.roster import EVERYBODY, PEERS

PAGE = Path(__file__).resolve().parent / "SMALL.md"
FOLDER = results.FOLDER / "small"
#: Whom the page is about: with the target named, as someone who wants to train a model would.
OURS = "locum-target"
WHO = (OURS, "locum", "cart", "copula", "sdv_gc")
#: What we must not fall behind.
BASELINES = ("cart", "copula")
#: How far below real rows ours may stay in TSTR, and the most that membership may reach.
FROM_REAL, MEMBERSHIP = 0.03, 0.515

INTRODUCTION = """\
Each seed learns from other rows and is judged on up to 6,000 that no generator has seen, as
`benchmarks/evaluator.py` defines it. Means over seeds, the worst seed in brackets; TSTR is AUC, or R2 where
the target is a number (beijing, lin). C2ST and membership: 0.5 is best. Ours is `locum-target`, which is told
what is to be predicted (`--target`); `locum` beside it is not."""

HEAD = (
    "who",
    "seeds",
    "CPU-s",
    "C2ST (worst)",
    "TSTR (worst)",
    "below real",
    "membership (worst)",
    "copies %",
)
SUMMARY = (
    "table",
    "C2ST ours",
    "better baseline",
    "TSTR ours",
    "better baseline",
    "real rows",
    "membership",
    "reached",
)


def options(arguments: list[str] | None = None) -> argparse.Namespace:
    """What is asked for; ends the program with a message when it cannot be."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.small")
    parser.add_argument(
        "--tables", type=run.names, default=list(tables.SMALL), help="names, and cuts such as adult250"
    )
    parser.add_argument("--who", type=run.names, default=list(WHO), help=", ".join(EVERYBODY))
    parser.add_argument("--seeds", type=lambda s: [int(x) for x in run.names(s)], default=[0, 1, 2])
    parser.add_argument("--minutes", type=float, default=10.0, help="longest time on the clock per generator")
    parser.add_argument("--again", action="store_true", help="measure also what has been measured")
    parser.add_argument(
        "--page", action="store_true", help="measure nothing, write the page of what is there"
    )
    chosen = parser.parse_args(arguments)
    for who in chosen.who:
        if who not in EVERYBODY:
            parser.error(f"nobody is called {who!r}; there are {', '.join(EVERYBODY)}")
    for name in chosen.tables:
        if tables.cut_of(name) is None:
            parser.error(
                f"{name!r} is no small cut; cuts are named as adult250 is, and measured are "
                f"{', '.join(tables.SMALL)}"
            )
    return chosen


def measure(chosen: argparse.Namespace, folder: Path) -> None:
    """Everything that is asked for and not there yet; says which peer is not installed."""
    here = [who for who in chosen.who if installed(who)]
    have = results.load(folder)
    work = [
        (name, seed, who)
        for name in chosen.tables
        for seed in chosen.seeds
        for who in here
        if chosen.again or not run.done(have.get((name, who, seed)))
    ]
    print(f"{len(work)} measurements to make.", flush=True)
    for name, seed in dict.fromkeys((name, seed) for name, seed, _ in work):
        try:
            table = tables.small(name, seed)
        except tables.NoTable as error:
            print(f"{name}: skipped, {error}")
            continue
        for who in [w for n, s, w in work if (n, s) == (name, seed)]:
            record = generate.one(
                table,
                who,
                seed,
                minutes=chosen.minutes,
                quick=False,
                keep=folder / "synthetic",
                install=False,
            )
            results.append(folder, record)
            print(run.said(record), flush=True)


def installed(who: str) -> bool:
    """Whether a generator can run here; says why not."""
    try:
        python_of(PEERS[who].environment if who in PEERS else "")
    except NotInstalled as error:
        print(f"{who}: left out, {error} (python -m benchmarks.environments {PEERS[who].environment})")
        return False
    return True


# ---------------------------------------------------------------- page


def page(records: Iterable[Record]) -> str:
    """The whole page as Markdown."""
    good: dict[str, dict[str, list[Record]]] = defaultdict(lambda: defaultdict(list))
    every = [record for record in records if record["status"] == "ok"]
    for record in every:
        good[record["table"]][record["who"]].append(record)
    dates = sorted({record["date"] for record in every})
    when = " to ".join(dict.fromkeys((dates[0], dates[-1]))) if dates else "no records"
    commits = ", ".join(sorted({r["revision"] for r in every if r["who"] == OURS and r.get("revision")}))
    order = sorted(good, key=lambda name: (tables.SMALL.index(name) if name in tables.SMALL else 99, name))
    lines = [
        "# Few rows, rare targets",
        "",
        f"Made by `python -m benchmarks.small`, {when}, Python {platform.python_version()}, "
        f"{os.cpu_count()} cores" + (f", locum at {commits}." if commits else "."),
        INTRODUCTION,
        "",
        "## Ours beside the better of the two baselines",
        "",
        *markdown(SUMMARY, [line for name in order if (line := summary(name, good[name]))]),
        "",
        "Reached: u = as useful as the better baseline, within two standard errors of the difference;",
        f"l = looks more real than both; r = within {FROM_REAL} of real rows; p = membership at most",
        f"{MEMBERSHIP}, within two standard errors.",
        "A dot stands for what was not reached.",
        "",
    ]
    for name in order:
        lines += section(name, good[name])
    told = [
        f"- {who}: {PEERS[who].note}" for who in WHO if who in PEERS and any(who in g for g in good.values())
    ]
    absent = [who for who in WHO if not any(who in found for found in good.values())]
    told += [f"- {who}: left out, its environment is not installed here" for who in absent if who in PEERS]
    return "\n".join([*lines, "## Who", "", *told, ""])


def summary(name: str, found: dict[str, list[Record]]) -> list[str] | None:
    """One line on ours and the better baseline; None without ours or without both baselines."""
    if any(who not in found for who in (OURS, *BASELINES)):
        return None
    ours = found[OURS]
    nearest = min(BASELINES, key=lambda who: mean(found[who], "c2st"))
    useful = max(BASELINES, key=lambda who: mean(found[who], "tstr"))
    return [
        name,
        shown(mean(ours, "c2st"), 3),
        f"{shown(mean(found[nearest], 'c2st'), 3)} {nearest}",
        shown(mean(ours, "tstr"), 3),
        f"{shown(mean(found[useful], 'tstr'), 3)} {useful}",
        shown(mean(ours, "trtr"), 3),
        shown(mean(ours, "membership"), 3),
        reached(ours, found[useful], mean(found[nearest], "c2st")),
    ]


def reached(ours: Sequence[Record], useful: Sequence[Record], nearest: float) -> str:
    """Letters for the goals that are reached, dots for the others; see the page."""
    behind = paired(ours, useful, "tstr")
    error = math.sqrt(sum(r["membership_se"] ** 2 for r in ours)) / len(ours)
    goals = {
        "u": not behind or mean_of(behind) >= -2 * error_of(behind),
        "l": mean(ours, "c2st") < nearest,
        "r": mean(ours, "tstr") >= mean(ours, "trtr") - FROM_REAL,
        "p": mean(ours, "membership") - 2 * error <= MEMBERSHIP,
    }
    return "".join(letter if met else "·" for letter, met in goals.items())


def paired(ours: Sequence[Record], others: Sequence[Record], measure: str) -> list[float]:
    """Differences by seed, where both were measured on the same rows."""
    theirs = {(r["seed"], r["data"]): r[measure] for r in others}
    return [r[measure] - theirs[r["seed"], r["data"]] for r in ours if (r["seed"], r["data"]) in theirs]


def mean_of(values: Sequence[float]) -> float:
    """Mean of some numbers."""
    return sum(values) / len(values)


def error_of(values: Sequence[float]) -> float:
    """Standard error of their mean; 0 for a single one."""
    if len(values) < 2:
        return 0.0
    centre = mean_of(values)
    return math.sqrt(sum((v - centre) ** 2 for v in values) / (len(values) - 1) / len(values))


def section(name: str, found: dict[str, list[Record]]) -> list[str]:
    """One table's part of the page."""
    first = next(iter(found.values()))[0]
    order = sorted((who for who in found), key=EVERYBODY.index)
    order.sort(key=lambda who: who not in PEERS)
    lines = [f"## {name}: {first['rows_train']:,} training rows, {first['columns']} columns", ""]
    lines += markdown(HEAD, (row(who, found[who]) for who in order))
    own = [r for who in found for r in found[who]]
    truth = f"Real training rows reach TSTR {worst(own, 'trtr', min)}"
    errors = f"C2ST {shown(mean(own, 'c2st_se'), 3)}, membership {shown(mean(own, 'membership_se'), 3)}"
    return [*lines, "", f"{truth}; standard errors of one seed: {errors}.", ""]


def row(who: str, records: Sequence[Record]) -> list[str]:
    """One generator on one table, mean over seeds."""
    return [
        who if who in PEERS else f"*{who}*",
        str(len(records)),
        shown(mean(records, "cpu_s"), 1),
        worst(records, "c2st", max),
        worst(records, "tstr", min),
        shown(mean(records, "trtr") - mean(records, "tstr"), 3),
        worst(records, "membership", max),
        shown(100 * mean(records, "copies"), 2),
    ]


def worst(records: Sequence[Record], measure: str, pick: Callable[[list[float]], float]) -> str:
    """Mean over seeds, and the worst seed in brackets."""
    return f"{shown(mean(records, measure), 3)} ({shown(pick([r[measure] for r in records]), 3)})"


def main(arguments: list[str] | None = None) -> None:
    """Measure, then write the page."""
    chosen = options(arguments)
    if not chosen.page:
        measure(chosen, FOLDER)
    PAGE.write_text(page(results.load(FOLDER).values()), encoding="utf-8")
    print(f"{PAGE.name} is written.")


if __name__ == "__main__":
    main()
