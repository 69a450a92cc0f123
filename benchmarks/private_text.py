"""Private Evolution with n-gram filling: distance to unseen reviews over rounds, against random votes.

    python -m benchmarks.private_text --private YELP.csv --public SMS.tsv --public GSM8K.jsonl [--epsilon 4]

The reviews but for 1,000 vote; the Frechet distance of embeddings is measured between those 1,000 and the
population after each round. The control has the same settings and votes that are noise alone (mu 1e-4). Noise
is seeded: figures only, nothing here is private; the distances themselves read private texts.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from locum.evaluation.learn.embedding import embed
from locum.evaluation.text.geometry import frechet
from locum.privacy.budget import Budget
from locum.privacy.ledger import Ledger
from locum.randomness import stream
from locum.text.private.evolution import Settings, evolve
from locum.text.private.masked_words import NGramFiller


def main() -> None:
    """Run both arms and print one JSON line each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--private", type=Path, required=True)
    parser.add_argument("--public", type=Path, action="append", required=True)
    parser.add_argument("--epsilon", type=float, default=4.0)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--size", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    with args.private.open(newline="", encoding="utf-8") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    order = stream(args.seed, "benchmark").permutation(len(texts))
    held, voting = [texts[i] for i in order[:1000]], [texts[i] for i in order[1000:]]
    public = [t for path in args.public for t in lines(path)]
    real = embed(held).astype(np.float64)
    delta = 1 / (len(voting) * math.log(len(voting)))
    arms = {f"epsilon {args.epsilon:g}": Budget.approx(args.epsilon, delta),
            "random votes": Budget.gaussian(1e-4, delta)}  # fmt: skip
    for name, budget in arms.items():
        start = time.process_time()
        ledger = Ledger.test(budget, seed=args.seed)
        found = evolve(
            voting, NGramFiller(public), ledger, seed=args.seed,
            settings=Settings(rounds=args.rounds, size=args.size),
        )  # fmt: skip
        distances = [frechet(real, embed(population).astype(np.float64)) for population in found.rounds]
        line = {"arm": name, "private": len(voting), "public": len(public), "sigma": found.sigma,
                "frechet": [round(d, 4) for d in distances], "cpu_s": round(time.process_time() - start, 1),
                "ledger": found.sentence}  # fmt: skip
        sys.stdout.write(json.dumps(line) + "\n")


def lines(path: Path) -> list[str]:
    """Texts of a .jsonl file (its longest string field) or of the last column of a .tsv file."""
    raw = path.read_text(encoding="utf-8").splitlines()
    if path.suffix != ".jsonl":
        return [line.split("\t")[-1] for line in raw if line.strip()]
    values = [[v for v in json.loads(line).values() if isinstance(v, str)] for line in raw if line.strip()]
    return [max(v, key=len) for v in values if v]


if __name__ == "__main__":
    main()
