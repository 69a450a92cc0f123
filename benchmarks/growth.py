"""How cost grows with rows and columns: ``make bench BENCH=--growth``.

Tables of 10,000, 100,000 and 1,000,000 rows by 15 columns, and of 50,000 rows by 200 columns. Beside the cost
stand tv3 and C2ST against rows held out, to see whether a shortcut on large tables loses anything.
"""

from __future__ import annotations

import argparse

from benchmarks import generate, results, tables
from benchmarks.evaluator import two_sample, variations
from benchmarks.roster import PEERS
from benchmarks.values import Table, read, tidy

WHO = ("locum", "locum-fast")
FOLDER = results.FOLDER / "growth"


def main(chosen: argparse.Namespace) -> None:
    """Measure what is not there yet."""
    who = [name for name in chosen.who if name in PEERS and (name in WHO or len(chosen.who) < len(PEERS))]
    names = [name for name in tables.GROWTH if name in chosen.tables] or list(tables.GROWTH)
    have = results.load(FOLDER)
    print(
        f"Growth of {', '.join(who)} on {', '.join(names)}: about {20 * len(who)} CPU minutes for all.",
        flush=True,
    )
    for name in names:
        work = [
            (w, s) for w in who for s in chosen.seeds if chosen.again or not finished(have.get((name, w, s)))
        ]
        if not work:
            continue
        try:
            table = tables.load(name, 1_500 if chosen.quick else None)
        except tables.NoTable as error:
            print(f"{name}: skipped, {error}")
            continue
        for peer, seed in work:
            record = one(table, peer, seed, chosen)
            if not chosen.quick:
                results.append(FOLDER, record)
            print(said(record), flush=True)


def finished(record: results.Record | None) -> bool:
    """Measured, well or badly."""
    return record is not None and record["status"] in {"ok", "late"}


def one(table: Table, who: str, seed: int, chosen: argparse.Namespace) -> results.Record:
    """Cost of fit and sample at as many rows as were learned from, and how good they are."""
    record = generate.begin(table, who, seed) | generate.run_peer(
        table,
        who,
        seed,
        minutes=chosen.minutes,
        quick=chosen.quick,
        keep=FOLDER,
        install=not chosen.no_install,
    )
    out = FOLDER / f"{table.name}-{who}-{seed}.csv"
    if record["status"] == "ok":
        train, holdout, fake = (tidy(f, table) for f in (table.train, table.holdout, read(out)))
        record |= variations(table, train, holdout, fake) | two_sample(table, train, holdout, fake)
    out.unlink(missing_ok=True)
    return record


def said(record: results.Record) -> str:
    """One line on the screen."""
    keys = ("status", "reason", "cpu_s", "wall_s", "rss_mb", "stages", "tv3", "floor3", "c2st")
    return f"{record['table']:>9} {record['who']:<11} " + ", ".join(
        f"{k} {record[k]}" for k in keys if k in record
    )
