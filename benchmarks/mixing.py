"""Whether `locum mix` says the right thing, and the same under other seeds, where the answer is known.

    python -m benchmarks.mixing adult_train.csv income --case plain --rows 200 [--holdout adult_holdout.csv]

Cases: ``plain`` (the synthesizer learns from the real rows of each split), ``rare`` (the same with --share of
the rows in the smaller class), ``borrow`` (ready-made rows from a generator that learned --partner other real
rows: a neighbour who cannot share his own; they must help where real rows are few). Every seed draws other
real rows and other splits. Printed per seed: verdict, gain and its interval, smallest effect that would have
been seen, gain over copies, plain use (1 x, weight 1), membership attack, CPU seconds.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import pyarrow as pa


def draw(
    table: pa.Table, target: str, rows: int, share: float | None, seed: int
) -> tuple[pa.Table, pa.Table]:
    """Rows of the study, with that share in the smaller class if asked, and all others."""
    rng = np.random.default_rng([seed, rows])
    order = rng.permutation(table.num_rows)
    take = order[:rows]
    if share is not None:
        labels = np.array(table.column(target).to_pylist(), dtype=object)
        levels, counts = np.unique(labels.astype(str), return_counts=True)
        small = labels[order].astype(str) == levels[counts.argmin()]
        few = round(share * rows)
        take = rng.permutation(np.r_[order[small][:few], order[~small][: rows - few]])
    rest = np.setdiff1d(order, take)
    return table.take(pa.array(take)).combine_chunks(), table.take(pa.array(rng.permutation(rest)))


def one(args: argparse.Namespace, table: pa.Table, holdout: pa.Table | None, seed: int) -> dict:
    """The study under one seed, as numbers."""
    import locum

    few, rest = draw(table, args.target, args.rows, args.share if args.case == "rare" else None, seed)
    more: dict = {"synthesizer": args.synthesizer, "holdout": holdout}
    if args.case == "borrow":
        partner = locum.fit(rest.slice(0, args.partner), synthesizer=args.synthesizer, seed=seed)
        more = {"synthetic": locum.sample(partner, 4 * args.rows, seed=seed), "holdout": holdout}
    start = time.process_time()
    found = locum.mix(
        few, target=args.target, seed=seed, splits=args.splits, protected=args.protected.split(","), **more
    )
    cpu = time.process_time() - start
    return {**found.to_json(), "cpu_s": cpu, "seed": seed}


def line(found: dict) -> str:
    """A row of the table."""

    def words(c: dict) -> str:
        return f"{c['value']:+.4f} ({c['low']:+.4f} to {c['high']:+.4f})"

    copying = found["copying"] or [float("nan")]
    cells = [
        str(found["seed"]), found["verdict"], words(found["gain"]), f"{found['gain']['detectable']:.4f}",
        words(found["floor"]), words(found["pooled"]), f"{copying[0]:.3f}", f"{found['cpu_s']:.0f}",
    ]  # fmt: skip
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Run all seeds and print the table; numbers into a file where asked."""
    from locum.data.read import read

    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    parser.add_argument("target")
    parser.add_argument("--holdout")
    parser.add_argument("--case", choices=["plain", "rare", "borrow"], default="plain")
    parser.add_argument("--rows", type=int, default=200)
    parser.add_argument("--partner", type=int, default=10_000)
    parser.add_argument("--share", type=float, default=0.02)
    parser.add_argument("--synthesizer", default="tree")
    parser.add_argument("--splits", type=int)
    parser.add_argument("--protected", default="sex")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=0, help="the first of the seeds")
    parser.add_argument("--out")
    args = parser.parse_args()
    table = read(args.data).table
    holdout = read(args.holdout).table if args.holdout else None
    print("| seed | verdict | gain | would be seen | over copies | pooled | attack | CPU-s |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    found = []
    for seed in range(args.first, args.first + args.seeds):
        found.append(one(args, table, holdout, seed))
        print(line(found[-1]), flush=True)
    if args.out:
        Path(args.out).write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
