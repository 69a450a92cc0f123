"""Gaps of labels and models before and after each repair, and the loss in AUC.

python -m benchmarks.fair_generation adult_train.csv adult_holdout.csv income sex race
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from itertools import combinations

METHODS = ("parity", "odds", "reweigh", "causal", "groups")
#: Strengths of `parity` for the curve of its cost.
STRENGTHS = (0.25, 0.5, 0.75)


def main() -> None:
    """Fit once, repair by every method for each column and each pair, print one line each."""
    from locum.control.fair.repair import repair
    from locum.data.canonical import canonical
    from locum.data.detect import detect
    from locum.data.read import read
    from locum.synthesizers.synthesizer import Synthesizer

    parser = argparse.ArgumentParser()
    for name in ("train", "test", "target"):
        parser.add_argument(name)
    parser.add_argument("protected", nargs="+")
    parser.add_argument("--synthesizer", default="tree-fast")
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--notion", default="dp")
    parser.add_argument("--most", type=int, default=2, help="columns crossed at most")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    raw = read(args.train)
    schema = replace(detect(raw), target=args.target)
    train, test = canonical(raw, schema), canonical(read(args.test), schema)
    synth = Synthesizer(args.synthesizer, seed=args.seed).fit_table(train, schema)
    for k in range(1, args.most + 1):
        for columns in combinations(args.protected, k):
            asked = [(m, 1.0) for m in args.methods.split(",")]
            asked += [("parity", s) for s in STRENGTHS if "parity" in args.methods]
            for method, strength in asked:
                done = repair(
                    synth, target=args.target, protected=columns, method=method, strength=strength,
                    test=test, data=train, notion=args.notion,
                )  # fmt: skip
                print(" x ".join(columns), method, strength if strength < 1 else "", *done.notes)
                for name, before in done.before.items():
                    chance = done.evidence.by_chance.get(name)
                    by = "" if chance is None else f"   by chance {chance:.3f}"
                    print(f"  {name:20s} {before}  ->  {done.after[name]}{by}", flush=True)


if __name__ == "__main__":
    main()
