"""Measure locum and its peers side by side: ``make bench``, or ``make bench BENCH="--who locum"``.

    python -m benchmarks.run [--tables adult,...] [--who locum,sdv_gc,...] [--seeds 0,1] [--growth] [--quick]

Each generator runs as a process of its own, one after the other, in its own environment (made on first use;
what cannot be installed is left out by name). Results are kept in ``benchmarks/results`` and are not
measured twice; the page is ``benchmarks/RESULTS.md``.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks import generate, growth, page, results, tables
from benchmarks.environments import ENVIRONMENTS, is_ready
from benchmarks.roster import EVERYBODY, PEERS
from benchmarks.values import Table

QUICK_ROWS = 1_500
JUDGE_ADULT_S = 12.0  # CPU seconds that judging one table of Adult's size takes


def names(text: str) -> list[str]:
    """A list of names from a comma-separated argument."""
    return [part.strip() for part in text.split(",") if part.strip()]


def options(arguments: list[str] | None = None) -> argparse.Namespace:
    """What is asked for; ends the program with a message when it cannot be."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run")
    parser.add_argument("--tables", type=names, default=list(tables.DEFAULT), help=", ".join(tables.names()))
    parser.add_argument("--who", type=names, default=list(EVERYBODY), help=", ".join(EVERYBODY))
    parser.add_argument("--seeds", type=lambda s: [int(x) for x in names(s)], default=[0])
    parser.add_argument("--minutes", type=float, default=45.0, help="longest time on the clock per generator")
    parser.add_argument("--again", action="store_true", help="measure also what has been measured")
    parser.add_argument(
        "--judge-again", action="store_true", help="judge kept synthetic tables anew, make none"
    )
    parser.add_argument("--no-install", action="store_true", help="use the environments that are there")
    parser.add_argument("--growth", action="store_true", help="measure growth in rows and columns instead")
    parser.add_argument("--quick", action="store_true", help="a smoke test on few rows; changes no page")
    chosen = parser.parse_args(arguments)
    for who in chosen.who:
        if who not in EVERYBODY:
            parser.error(f"nobody is called {who!r}; there are {', '.join(EVERYBODY)}")
    for name in chosen.tables:
        if not tables.known(name):
            parser.error(f"no table is called {name!r}; there are {', '.join(tables.names())}")
    return chosen


def predicted_minutes(name: str, who: str) -> float:
    """CPU minutes of one measurement, by cells in proportion to Adult; a rough guide."""
    rows, columns = tables.size(name)
    generator = PEERS[who].adult_cpu_s if who in PEERS else 0.0
    return (generator + JUDGE_ADULT_S) * rows * columns / (36_631 * 15) / 60


def announce(work: list[tuple[str, str, int]], chosen: argparse.Namespace) -> None:
    """Say what will happen and how long it takes before it starts."""
    minutes = sum(predicted_minutes(name, who) for name, who, _ in work)
    print(f"{len(work)} measurements to make, about {max(1, round(minutes))} CPU minutes", end="")
    print(" (far less with --quick)." if chosen.quick else ".")
    needed = {PEERS[who].environment for _, who, _ in work if who in PEERS} - {""}
    missing = [name for name in ENVIRONMENTS if name in needed and not is_ready(name)]
    if missing and not chosen.no_install:
        size = sum(ENVIRONMENTS[name][1] for name in missing)
        print(f"First the environments of {', '.join(missing)}: up to {size:.1f} GB, 5 to 15 minutes each.")
    sys.stdout.flush()


def measure(chosen: argparse.Namespace, folder: Path) -> None:
    """Everything that is asked for and not there yet, table by table."""
    have = results.load(folder)
    wanted = [(n, w, s) for n in chosen.tables for w in chosen.who for s in chosen.seeds]
    work = [key for key in wanted if chosen.again or not done(have.get(key))]
    announce(work, chosen)
    for name in dict.fromkeys(key[0] for key in work):
        try:
            table = tables.load(name, QUICK_ROWS if chosen.quick else None)
        except tables.NoTable as error:
            print(f"{name}: skipped, {error}")
            continue
        for _, who, seed in (key for key in work if key[0] == name):
            record = generate.one(
                table, who, seed, minutes=chosen.minutes, quick=chosen.quick, keep=folder / "synthetic",
                install=not chosen.no_install,
            )  # fmt: skip
            results.append(folder, record)
            print(said(record), flush=True)


def done(record: results.Record | None) -> bool:
    """Need not be measured again; what was skipped or failed is tried again."""
    return record is not None and record["status"] in {"ok", "late"}


def judge_again(chosen: argparse.Namespace, folder: Path) -> None:
    """New scores for kept tables, after the evaluator has changed."""
    for (name, who, seed), record in results.load(folder).items():
        kept = folder / "synthetic" / f"{name}-{who}-{seed}.csv"
        if (
            record["status"] != "ok"
            or name not in chosen.tables
            or who not in chosen.who
            or not kept.exists()
        ):
            continue
        table: Table = tables.load(name, QUICK_ROWS if chosen.quick else None)
        if generate.digest(table) != record["data"]:
            print(f"{name}, {who}: skipped, the table has changed since")
            continue
        results.append(folder, record | generate.judged_file(table, kept))
        print(said(results.load(folder)[name, who, seed]), flush=True)


def said(record: results.Record) -> str:
    """One line on the screen."""
    head = f"{record['table']:>9} {record['who']:<15} seed {record['seed']}"
    if record["status"] != "ok":
        return f"{head}  {record['status']}: {record.get('reason', '')}"
    parts = [f"{key} {record[key]:.4g}" for key in ("cpu_s", "rss_mb") if key in record]
    parts += [f"{key} {record[key]:.4f}" for key in ("c2st", "tstr", "tv3", "membership", "copies")]
    return f"{head}  " + "  ".join(parts)


def main(arguments: list[str] | None = None) -> None:
    """Measure, then write and print the page."""
    chosen = options(arguments)
    if chosen.growth:
        growth.main(chosen)
        if not chosen.quick:
            page.write(results.FOLDER, page.PAGE, command(arguments))
        return
    folder = results.FOLDER / "quick" if chosen.quick else results.FOLDER
    if chosen.judge_again:
        judge_again(chosen, folder)
    else:
        measure(chosen, folder)
    page.write(folder, None if chosen.quick else page.PAGE, command(arguments))


def command(arguments: list[str] | None) -> str:
    """How this was called, for the page."""
    return " ".join(["python -m benchmarks.run", *(sys.argv[1:] if arguments is None else arguments)])


if __name__ == "__main__":
    main()
