"""Do the membership attacks catch what leaks and leave alone what cannot? Adult, standard effort.

    python -m benchmarks.membership [--seeds K] [--rows N]

Each seed shuffles all of Adult and cuts it into rows learned from, as many fresh rows that the generator may
give out, and a hold-out of twice as many, one half of which the attacker knows. Untrained: the fresh rows
alone, which cannot have anything of train in them. Half-leaked: one half train rows, the other half fresh.
Asked are 5,000 members and 5,000 others, so the standard error of an area at chance is .0058. The whole suite
judges a copy, the half-leaked and the untrained stand-in of the first seed.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from benchmarks.tables import folder
from locum.data.canonical import canonical
from locum.data.detect import detect
from locum.data.read import read
from locum.evaluation.attacks.membership import nearest_membership
from locum.evaluation.attacks.suite import SIZES, suite
from locum.evaluation.attacks.threat import threat_model
from locum.evaluation.intervals import auc_interval
from locum.evaluation.registry import evaluators
from locum.evaluation.trial import Trial
from locum.schema.table import Schema

#: Half-leaked areas must reach this; untrained ones lie so near one half in all seeds but one of twenty.
LEAST, ROOM = 0.7, 0.02
SIZE = SIZES["standard"]


def main() -> None:
    """Measure and print areas by seed, then the verdicts of the whole suite."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.membership")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--rows", type=int, default=10_000)
    options = parser.parse_args()
    raws = [read(folder() / f"adult_{part}.csv") for part in ("train", "holdout")]
    schema = detect(raws[0])
    every = pa.concat_tables([canonical(r, schema) for r in raws])
    found: dict[str, dict[str, list[float]]] = {}
    for seed in range(options.seeds):
        for name, trial in trials(schema, every, options.rows, seed):
            if name == "copy":
                continue
            for attack, area in areas(trial).items():
                found.setdefault(name, {}).setdefault(attack, []).append(area)
    print(f"| stand-in | attack | mean area | least | largest | seeds of {options.seeds} as they should be |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, by_attack in found.items():
        for attack, values in by_attack.items():
            a = np.array(values)
            good = a >= LEAST if name == "half-leaked" else np.abs(a - 0.5) <= ROOM
            print(f"| {name} | {attack} | {a.mean():.3f} | {a.min():.3f} | {a.max():.3f} | {good.sum()} |")
    print("\n| stand-in | verdict of the whole suite | strength | worst attack | CPU-s |")
    print("| --- | --- | --- | --- | --- |")
    for name, trial in trials(schema, every, options.rows, 0):
        start = time.process_time()
        worst = suite(trial, before=nearest_membership(trial))[-1]
        seconds = time.process_time() - start
        print(f"| {name} | {worst.verdict} | {worst.value:.3f} | {worst.detail['attack']} | {seconds:.1f} |")


def trials(schema: Schema, every: pa.Table, n: int, seed: int) -> Iterator[tuple[str, Trial]]:
    """The stand-ins of one seed."""
    rows = every.take(np.random.default_rng(seed).permutation(every.num_rows))
    train, fresh, holdout = rows.slice(0, n), rows.slice(n, n), rows.slice(2 * n, 2 * n)
    half = pa.concat_tables([train.slice(0, n // 2), fresh.slice(0, n - n // 2)])
    for name, fake in (("untrained", fresh), ("half-leaked", half), ("copy", train)):
        yield name, Trial(schema, train, fake, holdout, seed)


def areas(trial: Trial) -> dict[str, float]:
    """Area under the curve of each membership attack on random members and others."""
    out = {"nearest row": nearest_membership(trial)[0].value}
    ready = threat_model(trial, targets=SIZE.targets, rare=SIZE.rare, searched=SIZE.searched)
    if ready is None:
        raise SystemExit("too few rows to attack")
    for attack in (e for e in evaluators("score") if e.within("standard")):
        name, score = attack.key, attack.load()(ready[0], ready[1].together)[0]
        members, others, _, _ = ready[1].split(score)
        out[name] = auc_interval(members, others)[0]
    return out


if __name__ == "__main__":
    main()
