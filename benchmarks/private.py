"""Error and CPU time of the private marginal synthesizers on the AIM suite, next to the reference AIM.

    python -m benchmarks.private ours --data ../shared/data/private --sets titanic nltcs --epsilon 1 --seeds 3
    python -m benchmarks.private reference --mbi CHECKOUT --data ../shared/data/private --sets titanic
    python -m benchmarks.private page

Each run is one line of the results file; ``page`` puts its means into PRIVATE.md, together with those of
`benchmarks.private_public`. The error is the mean, over all triples of columns, of the L1 distance between
the normalised triple of the data and of as many synthetic rows.

The reference is ``mechanisms/aim.py`` of a checkout of ryan112358/mbi, called by path and run on the mbi that
is installed; nothing of it is kept here. Two things are changed around it: the estimator's argument
``potentials`` is handed on as ``warm_start`` (its name since mbi 2.0), and with ``--fast-tables`` the tables
of the model are worked out by our engine, since compiling one elimination a candidate takes most of its time.
That makes the reference faster, and leaves what it computes as it is.

Noise is seeded: figures only, nothing here is private. CPU seconds are of one process with one thread.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import math
import os
import sys
import time
import types
from collections import defaultdict
from pathlib import Path
from typing import Any

# Before NumPy is imported: a second thread of the linear algebra would count as CPU time.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from locum.models import registry
from locum.models.marginal.propagation import Propagation
from locum.models.marginal.query import Query
from locum.models.marginal.triangulate import Triangulator, canonical
from locum.schema.domain import Attribute, Coded, Domain

DELTA = 1e-9
RESULTS = Path(__file__).with_name("private.jsonl")
PAGE = Path(__file__).with_name("PRIVATE.md")
MARKS = ("<!-- means of private.jsonl -->", "<!-- end -->")
MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    "aim": ("aim", {}),
    "aim-paper": ("aim", {"selection": "exponential"}),
    "swift": ("swift", {}),
    "mst": ("mst", {}),
}


def load(folder: Path, name: str) -> Coded:
    """One set of the suite as codes."""
    return read_codes(folder / f"aim_{name}.csv", folder / f"aim_{name}-domain.json")


def read_codes(table: Path, sizes: Path, without: tuple[str, ...] = ()) -> Coded:
    """A CSV file of codes, with the columns that its file of sizes names."""
    known = {n: s for n, s in json.loads(sizes.read_text()).items() if n not in without}
    with table.open(newline="") as file:
        rows = csv.reader(file)
        head = next(rows)
        places = [head.index(n) for n in known]
        values = np.array([[int(row[i]) for i in places] for row in rows], dtype=np.int32)
    domain = Domain(tuple(Attribute(n, n, s, False) for n, s in known.items()))
    return Coded(domain, np.asfortranarray(values))


def shares(codes: np.ndarray, sizes: tuple[int, ...], clique: tuple[int, ...]) -> np.ndarray:
    """Normalised table of some columns, flat."""
    cells = np.ravel_multi_index([codes[:, a] for a in clique], [sizes[a] for a in clique])
    return np.bincount(cells, minlength=int(np.prod([sizes[a] for a in clique]))) / len(codes)


def row_error(data: Coded, rows: np.ndarray) -> float:
    """Mean L1 distance over all triples."""
    sizes = data.domain.sizes
    triples = itertools.combinations(range(len(sizes)), 3)
    distances = [np.abs(shares(data.codes, sizes, c) - shares(rows, sizes, c)).sum() for c in triples]
    return float(np.mean(distances))


def ours(data: Coded, model: str, epsilon: float, seed: int, size: float) -> dict[str, Any]:
    """Fit one of our models and measure it."""
    name, settings = MODELS[model]
    started = time.process_time()
    made = registry.create(name, epsilon=epsilon, delta=DELTA, max_model_mb=size, **settings)
    made.fit(data, seed=seed)
    fitted = time.process_time()
    rows = made.sample(data.n_rows, seed=seed)
    done = time.process_time()
    network = made.network  # type: ignore[attr-defined]
    return {
        "cpu": done - started,
        "fit": fitted - started,
        "rows": row_error(data, rows),
        "mb": network.tree.cells * 8 / 2**20,
        "tables": len(network.factors),
    }


def reference(
    data: Coded, checkout: Path, epsilon: float, seed: int, size: float, fast: bool
) -> dict[str, Any]:
    """Run the reference AIM on the installed mbi and measure it."""
    import jax

    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_enable_compilation_cache", False)
    import mbi

    for absent in ("matplotlib", "matplotlib.pyplot"):
        sys.modules.setdefault(absent, types.ModuleType(absent))
    sys.path.insert(0, str(checkout / "mechanisms"))
    estimate = mbi.estimation.MirrorDescent.estimate

    def renamed(self: Any, *args: Any, potentials: Any = None, **options: Any) -> Any:
        # The wrapped method may be reached twice in one call; the second time it has its new name.
        return estimate(self, *args, **({"warm_start": potentials} | options))

    mbi.estimation.MirrorDescent.estimate = renamed
    if fast:
        tables = _Tables()
        # A plain function, so that it is bound to each model.
        mbi.MarkovRandomField.project = lambda model, attributes: tables.project(model, attributes)
    from aim import AIM  # type: ignore[import-not-found]

    names = data.domain.names
    domain = mbi.Domain(names, data.domain.sizes)
    known = mbi.Dataset({n: data.column(i).astype(int) for i, n in enumerate(names)}, domain)
    workload = [(c, 1.0) for c in itertools.combinations(names, 3)]
    np.random.seed(seed)  # noqa: NPY002 - the reference draws from NumPy's global stream
    started = time.process_time()
    model, drawn = AIM(epsilon, DELTA, max_model_size=size, prng=np.random).run(known, workload)
    cpu = time.process_time() - started
    columns = drawn.to_dict()
    rows = np.stack([np.asarray(columns[n]) for n in names], axis=1)
    held = mbi.junction_tree.hypothetical_model_size(domain, list(model.cliques))
    return {"cpu": cpu, "rows": row_error(data, rows), "mb": float(held), "tables": len(model.cliques)}


class _Tables:
    """Answers `MarkovRandomField.project` with our engine, one plan a model."""

    def __init__(self) -> None:
        self._of: Any = None
        self._query: Query | None = None

    def project(self, model: Any, attributes: Any) -> Any:
        """The model's table of some attributes, as the reference would work it out."""
        import mbi

        wanted = (attributes,) if isinstance(attributes, str | int) else tuple(attributes)
        names = list(model.domain.attributes)
        sizes = tuple(model.domain[n] for n in names)
        if self._of is not model.potentials:
            tables: dict[tuple[int, ...], np.ndarray] = {}
            for clique in model.potentials.cliques:
                ids = [names.index(a) for a in clique]
                ordered = canonical(ids, sizes)
                values = np.asarray(model.potentials[clique].values, dtype=float)
                turned = values.transpose([ids.index(i) for i in ordered])
                tables[ordered] = tables[ordered] + turned if ordered in tables else turned
            tree = Triangulator(sizes).tree(tables)
            self._engine = Propagation(tree, list(tables))
            self._query = Query(tree, self._engine.run(list(tables.values())))
            self._of = model.potentials
        assert self._query is not None
        ids = [names.index(a) for a in wanted]
        ordered = canonical(ids, sizes)
        table = self._query.marginal(ordered).transpose([ordered.index(i) for i in ids])
        return mbi.Factor(model.domain.project(wanted), np.ascontiguousarray(table) * float(model.total))


def table(path: Path) -> str:
    """The means of a results file as Markdown; the ratio is to the reference where it ran, else to AIM."""
    groups: dict[tuple[str, float, str], list[dict[str, Any]]] = defaultdict(list)
    for line in path.read_text().splitlines():
        record = json.loads(line)
        groups[record["set"], record["epsilon"], record["model"]].append(record)
    errors = {key: float(np.mean([r["rows"] for r in found])) for key, found in groups.items()}
    head = ("set", "epsilon", "model", "seeds", "error", "sd", "ratio", "CPU s")
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for (name, epsilon, model), found in sorted(groups.items()):
        key = (name, epsilon, model)
        base = errors.get((name, epsilon, "reference"), errors.get((name, epsilon, "aim"), math.nan))
        ratio = "–" if math.isnan(base) or errors[key] == base else f"{errors[key] / base:.2f}"
        sd = f"{np.std([r['rows'] for r in found], ddof=1):.4f}" if len(found) > 1 else "–"
        first, last = min(r["seed"] for r in found), max(r["seed"] for r in found)
        seeds = f"{first}" if first == last else f"{first} to {last}"
        cpu = np.mean([r["cpu"] for r in found])
        lines.append(
            f"| {name} | {epsilon:g} | {model} | {seeds} | {errors[key]:.4f} | {sd} | {ratio} | {cpu:.1f} |"
        )
    return "\n".join(lines)


def page(path: Path) -> None:
    """Put the table of a results file between the two marks of the page."""
    before, rest = PAGE.read_text().split(MARKS[0])
    after = rest.split(MARKS[1])[1]
    PAGE.write_text(f"{before}{MARKS[0]}\n{table(path)}\n{MARKS[1]}{after}")


def main() -> None:
    """Run one measurement after the other; each is one line of the results file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["ours", "reference", "page"])
    parser.add_argument("results", type=Path, nargs="?", default=RESULTS)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--sets", nargs="+", default=["titanic", "nltcs", "adult", "salary"])
    parser.add_argument("--epsilon", type=float, nargs="+", default=[1.0])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--models", nargs="+", default=["aim", "swift", "mst"], choices=list(MODELS))
    parser.add_argument("--size", type=float, default=1.0, help="model size in MB")
    parser.add_argument("--mbi", type=Path, help="checkout of ryan112358/mbi")
    parser.add_argument("--fast-tables", action="store_true")
    args = parser.parse_args()
    if args.what == "page":
        page(args.results)
        return
    models = args.models if args.what == "ours" else ["reference"]
    seeds = range(args.first_seed, args.first_seed + args.seeds)
    for name, epsilon, seed, model in itertools.product(args.sets, args.epsilon, seeds, models):
        data = load(args.data, name)
        if model == "reference":
            found = reference(data, args.mbi, epsilon, seed, args.size, args.fast_tables)
        else:
            found = ours(data, model, epsilon, seed, args.size)
        record = {"set": name, "epsilon": epsilon, "seed": seed, "model": model, "size": args.size, **found}
        with args.results.open("a") as file:
            file.write(json.dumps(record) + "\n")
        print(record, flush=True)


if __name__ == "__main__":
    main()
