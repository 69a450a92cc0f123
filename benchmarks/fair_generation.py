"""Gaps of labels and models before and after each repair, and the loss, tested on every real row.

python -m benchmarks.fair_generation adult_train.csv adult_holdout.csv --target income --protected sex race

Both files are put together and cut into folds: each fold is scored by models of rows drawn by a generator
that has not seen it (`locum.studies.fair.crossfit`). Groups with fewer than `--least` rows of either outcome
are listed and not judged. For each measure: before, after; for parities also what equal groups would show by
chance, and the gap beyond that.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from itertools import combinations
from typing import Any

METHODS = ("parity", "odds", "reweigh", "causal", "groups")


def main() -> None:
    """Judge every method for each column and each combination, and print the gaps."""
    from locum.studies.fair.crossfit import cross_fit
    from locum.studies.fair.methods import Order

    args = _asked()
    data, schema = _read(args.files, args.target)
    columns = [c for k in range(1, args.most + 1) for c in combinations(args.protected, k)]
    repairs = [Order(m, notion=args.notion) for m in args.methods.split(",")]
    repairs += [Order("parity", strength=s) for s in args.strengths]
    orders = [(c, order) for c in columns for order in repairs]
    for seed in args.seeds:
        found = cross_fit(
            data, schema, orders, target=args.target, synthesizer=args.synthesizer, folds=args.folds,
            least=args.least, seed=seed,
        )  # fmt: skip
        for (c, order), one in zip(orders, found, strict=True):
            print(
                f"\n{' x '.join(c)}, {order.method}, seed {seed}", *(f"strength {s:g}" for s in one.strengths)
            )
            _tell(one.evidence, notes=one.notes if args.notes else ())


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--target", required=True)
    parser.add_argument("--protected", nargs="+", required=True)
    parser.add_argument("--synthesizer", default="tree-fast")
    parser.add_argument("--methods", default="parity,odds,reweigh", help=f"some of {', '.join(METHODS)}")
    parser.add_argument("--strengths", nargs="*", type=float, default=[])
    parser.add_argument("--notion", default="dp")
    parser.add_argument("--most", type=int, default=2, help="columns crossed at most")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--least", type=int, default=100)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--notes", action="store_true")
    return parser.parse_args()


def _read(files: list[str], target: str) -> tuple[Any, Any]:
    import pyarrow as pa

    from locum.data.canonical import canonical
    from locum.data.detect import detect
    from locum.data.read import read

    raws = [read(f) for f in files]
    schema = replace(detect(raws[0]), target=target)
    return pa.concat_tables([canonical(r, schema) for r in raws]).combine_chunks(), schema


def _tell(evidence: Any, notes: tuple[str, ...]) -> None:
    for name, before in evidence.before.items():
        beyond = evidence.beyond_chance.get(name)
        more = ""
        if beyond is not None:
            b = beyond[1]
            more = f"   by chance {b.by_chance:.3f}, beyond it {b.value:.3f} ({b.low:.3f} to {b.high:.3f})"
        print(f"  {name:20s} {before}  ->  {evidence.after[name]}{more}", flush=True)
    for r in evidence.rates:
        a, b = r["before"], r["after"]
        if None not in (*a.values(), *b.values()):
            print(
                f"    {r['group']:32s} {r['positives']:6,} {r['negatives']:6,}  true positives "
                f"{a['true_positive']:.3f} -> {b['true_positive']:.3f}, false {a['false_positive']:.3f} -> "
                f"{b['false_positive']:.3f}"
            )
    if evidence.left_out:
        print(f"    not judged: {'; '.join(evidence.left_out)}")
    for note in notes:
        print(f"    {note}")


if __name__ == "__main__":
    main()
