"""Gaps of labels and models before and after each repair, and the loss in AUC.

python -m benchmarks.fair_generation adult_train.csv adult_holdout.csv income sex race
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from itertools import combinations

METHODS = ("parity", "odds", "reweigh", "causal", "groups")


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
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    raw = read(args.train)
    schema = replace(detect(raw), target=args.target)
    train, test = canonical(raw, schema), canonical(read(args.test), schema)
    synth = Synthesizer(args.synthesizer, seed=args.seed).fit_table(train, schema)
    for k in (1, 2):
        for columns in combinations(args.protected, k):
            for method in METHODS:
                done = repair(
                    synth, target=args.target, protected=columns, method=method, test=test, data=train
                )
                print(" x ".join(columns), method)
                for name, before in done.before.items():
                    print(f"  {name:20s} {before}  ->  {done.after[name]}", flush=True)


if __name__ == "__main__":
    main()
