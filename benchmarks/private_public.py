"""Error of private generators that get a public table, on the PMW^Pub and JAM set-ups.

    python -m benchmarks.private_public pmw --data ../shared/data/private --seeds 3
    python -m benchmarks.private_public jam --data ../shared/data/private --epsilon 1 --seeds 3

``pmw``: 90 % of pmwpub_adult.csv is private, 256 random triples of 14 columns are asked, and the error is the
largest of any cell's share, answered by the weights themselves. Public rows are a tenth of all rows, drawn
with replacement as the paper's authors draw them (so most are private rows too; ``apart`` takes the other
tenth instead), or the same with the share of the rarer sex raised by 0.45. Adjacency is *replace*, delta
1/n^2.

``jam``: the private and public parts of the two Adult splits; mean L1 distance of all normalised triples,
next to AIM on the private rows alone. Adjacency is *add-remove*, delta 1e-9.

Noise is seeded: figures only, nothing here is private. Each run is one line of the results file, which
`benchmarks.private` puts on its page.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import time
from pathlib import Path
from typing import Any

# Before NumPy is imported: a second thread of the linear algebra would count as CPU time.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from benchmarks.private import DELTA, RESULTS, read_codes, row_error, shares
from locum.models import registry
from locum.privacy.budget import Budget
from locum.privacy.ledger import Ledger
from locum.privacy.unit import Unit
from locum.schema.domain import Coded
from locum.sources.memory import MemorySource
from locum.sources.private import PrivateSource

SPLITS = {"unbiased": 0.0, "sex +.45": 0.45}


def pmw_tables(data: Coded, kind: str) -> tuple[Coded, Coded]:
    """The private rows and the public ones of one set-up; the same for every seed of the noise."""
    rng = np.random.default_rng(0)
    order = rng.permutation(data.n_rows)
    cut = int(0.9 * data.n_rows)
    private = Coded(data.domain, np.asfortranarray(data.codes[order[:cut]]))
    if kind == "apart":
        return private, Coded(data.domain, np.asfortranarray(data.codes[order[cut:]]))
    sex = data.codes[:, data.domain.names.index("sex")]
    rarer = sex == np.argmin(np.bincount(sex))
    share = rarer.mean() + SPLITS[kind]
    weights = np.where(rarer, share / rarer.sum(), (1 - share) / (~rarer).sum())
    drawn = rng.choice(data.n_rows, data.n_rows // 10, p=weights / weights.sum())
    return private, Coded(data.domain, np.asfortranarray(data.codes[drawn]))


def largest_error(private: Coded, rows: np.ndarray, weights: np.ndarray) -> float:
    """The largest error of a cell's share over 256 random triples."""
    sizes = private.domain.sizes
    triples = list(itertools.combinations(range(len(sizes)), 3))
    asked = np.random.default_rng(0).choice(len(triples), 256, replace=False)
    found = 0.0
    for clique in (triples[i] for i in asked):
        cells = np.ravel_multi_index([rows[:, a] for a in clique], [sizes[a] for a in clique])
        truth = shares(private.codes, sizes, clique)
        found = max(found, float(np.abs(np.bincount(cells, weights, len(truth)) - truth).max()))
    return found


def pmw(folder: Path, kind: str, epsilon: float, seed: int) -> dict[str, Any]:
    """PMW^Pub on one set-up."""
    data = read_codes(folder / "pmwpub_adult.csv", folder / "pmwpub_adult-domain.json", without=("age",))
    private, public = pmw_tables(data, kind)
    budget = Budget.approx(epsilon, private.n_rows**-2.0)
    ledger = Ledger.test(budget, Unit(adjacency="replace"), seed=seed)
    started = time.process_time()
    model: Any = registry.create("pmw-pub")
    model.fit_source(PrivateSource(MemorySource(private), ledger), seed=seed, public=public)
    cpu = time.process_time() - started
    tensors = model.state().tensors
    even = np.full(public.n_rows, 1 / public.n_rows)
    return {
        "cpu": cpu,
        "rows": largest_error(private, tensors["rows"], tensors["weights"]),
        "start": largest_error(private, public.codes, even),
    }


def jam(folder: Path, split: str, name: str, epsilon: float, seed: int) -> dict[str, Any]:
    """JAM, or AIM without the public rows, on one split."""
    place = folder / f"jam_adult_{split}"
    private, public = (read_codes(place / f"{n}.csv", place / "domain.json") for n in ("priv", "pub"))
    started = time.process_time()
    model: Any = registry.create(name, epsilon=epsilon, delta=DELTA, max_model_mb=1.0)
    model.fit(private, seed=seed, **({"public": public} if name == "jam" else {}))
    rows = model.sample(private.n_rows, seed=seed)
    cpu = time.process_time() - started
    return {"cpu": cpu, "rows": row_error(private, rows), "start": row_error(private, public.codes)}


def main() -> None:
    """Run one measurement after the other."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["pmw", "jam"])
    parser.add_argument("results", type=Path, nargs="?", default=RESULTS)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--epsilon", type=float, nargs="+", default=[1.0])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--splits", nargs="+", default=["pub025", "pub100"])
    args = parser.parse_args()
    runs = (
        [("pmw-pub", kind) for kind in (*SPLITS, "apart")]
        if args.what == "pmw"
        else [(name, split) for split in args.splits for name in ("aim", "jam")]
    )
    for epsilon, seed, (name, kind) in itertools.product(args.epsilon, range(args.seeds), runs):
        if args.what == "pmw":
            found = pmw(args.data, kind, epsilon, seed)
        else:
            found = jam(args.data, kind, name, epsilon, seed)
        record = {"set": f"{args.what} {kind}", "epsilon": epsilon, "seed": seed, "model": name, **found}
        with args.results.open("a") as file:
            file.write(json.dumps(record) + "\n")
        print(record, flush=True)


if __name__ == "__main__":
    main()
