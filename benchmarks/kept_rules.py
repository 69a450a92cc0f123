"""Which share of the rows breaks what every real row keeps, by kind of rule, over several seeds.

    python -m benchmarks.kept_rules [--tables demo adult ...] [--seeds 3] [--page]
    python -m benchmarks.kept_rules --tables adult --synthetic SDV=adult-sdv.csv

Rules are found in all rows of the table. Rows of ``tree`` that keep what was found stand beside rows of
``tree`` that keep only what is declared (nothing), and beside rows of other tools, which are given as files.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.margins import MarginTable, tables
from locum.control.rules.clause import rule_clauses
from locum.control.rules.discover import discover
from locum.control.rules.found import with_found_rules
from locum.control.rules.proposal import RuleProposal
from locum.control.rules.whole_table import rows_against
from locum.control.where.names import Names
from locum.data.canonical import canonical
from locum.data.detect import detect
from locum.data.read import read
from locum.schema.table import Schema
from locum.synthesizer.table import Synthesizer

#: Where the page is written.
PAGE = Path(__file__).resolve().parent / "KEPT_RULES.md"
INTRODUCTION = """\
Share of rows that break a rule which every real row keeps, in % (mean over the rules of a kind; worst
seed), of `tree` with the rules that are found, and of `tree` with `--rules declared`. CPU seconds are those
of fitting and drawing as many rows as the table has; finding is told apart."""


def broken(table: pa.Table, real: pa.Table, schema: Schema, rules: list[RuleProposal]) -> dict[str, float]:
    """Share of rows that break each rule."""
    names, out = Names(schema), {}
    for rule in rules:
        parts = []
        for clause in rule_clauses(rule.rule, names):
            known = real if clause.term.op == "follows" else None
            about = clause.about_table
            parts.append(rows_against(clause, table, known) if about else ~clause.holds(table))
        out[rule.rule] = float(np.logical_or.reduce(parts).mean())
    return out


def by_kind(shares: dict[str, float], rules: list[RuleProposal]) -> dict[str, float]:
    """Mean share of the rules of each kind."""
    kinds = dict.fromkeys(rule.kind for rule in rules)
    return {k: float(np.mean([shares[r.rule] for r in rules if r.kind == k])) for k in kinds}


def measure(table: MarginTable, seeds: int, others: dict[str, str]) -> Iterator[dict[str, Any]]:
    """One record for each way and seed."""
    raw = read(table.path)
    plain = detect(raw, target=table.target, protected=table.protected)
    real = canonical(raw, plain)
    start = time.process_time()
    found = list(discover(real, plain))
    cpu = time.process_time() - start
    exact = [rule for rule in found if not rule.violations]
    near = [rule for rule in found if rule.violations]
    base = {"table": table.name, "rules": len(exact), "near": len(near), "finding": cpu}
    for way, schema in (("found", with_found_rules(real, plain, found)), ("declared", plain)):
        for seed in range(seeds):
            start = time.process_time()
            synth = Synthesizer("tree", seed=seed).fit_table(real, schema)
            rows = synth.draw(real.num_rows, seed=1000 + seed).table
            spent = time.process_time() - start
            shares = broken(rows, real, plain, exact)
            rates = {
                r.rule: (s, r.rate)
                for r, s in zip(near, broken(rows, real, plain, near).values(), strict=True)
            }
            yield {
                **base,
                "way": way,
                "seed": seed,
                "cpu": spent,
                "kinds": by_kind(shares, exact),
                "near_rates": rates,
            }
    for name, path in others.items():
        rows = canonical(read(path), plain, lenient=True)
        yield {
            **base,
            "way": name,
            "seed": 0,
            "cpu": None,
            "kinds": by_kind(broken(rows, real, plain, exact), exact),
        }


def page(records: list[dict[str, Any]]) -> str:
    """The records as a page."""
    head = ["table", "kind", "found: mean", "found: worst seed", "declared: mean", "others"]
    lines = [
        "# Rules that every real row keeps",
        "",
        INTRODUCTION,
        "",
        f"| {' | '.join(head)} |",
        "|---" * len(head) + "|",
    ]
    for name in dict.fromkeys(r["table"] for r in records):
        mine = [r for r in records if r["table"] == name]
        for kind in mine[0]["kinds"]:
            of = {
                w: [100 * r["kinds"][kind] for r in mine if r["way"] == w]
                for w in dict.fromkeys(r["way"] for r in mine)
            }
            other = ", ".join(
                f"{w} {np.mean(v):.2f}" for w, v in of.items() if w not in ("found", "declared")
            )
            lines.append(
                f"| {name} | {kind} | {np.mean(of['found']):.3f} | {max(of['found']):.3f} | "
                f"{np.mean(of['declared']):.2f} | {other} |"
            )
    lines += [
        "",
        "| table | rules | nearly kept | finding, CPU-s | with rules, CPU-s | without |",
        "|---|---|---|---|---|---|",
    ]
    for name in dict.fromkeys(r["table"] for r in records):
        mine = [r for r in records if r["table"] == name]
        cpu = {w: np.mean([r["cpu"] for r in mine if r["way"] == w]) for w in ("found", "declared")}
        first = mine[0]
        lines.append(
            f"| {name} | {first['rules']} | {first['near']} | {first['finding']:.1f} | {cpu['found']:.1f} "
            f"| {cpu['declared']:.1f} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Print a record a line, and write the page when asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tables", nargs="*", default=None)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--synthetic", action="append", default=[], help="NAME=FILE of another tool")
    parser.add_argument("--page", action="store_true")
    asked = parser.parse_args()
    others = dict(text.split("=", 1) for text in asked.synthetic)
    records = []
    for table in tables().values():
        if asked.tables is None or table.name in asked.tables:
            for record in measure(table, asked.seeds, others):
                print(json.dumps(record), flush=True)
                records.append(record)
    if asked.page:
        PAGE.write_text(page(records), encoding="utf-8")


if __name__ == "__main__":
    main()
