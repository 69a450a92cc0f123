"""Conditional queries on networks whose truth is known, against exact inference.

    python -m benchmarks.control_networks FOLDER_OR_WHEEL [--synthesizer bayes-net] [--nets alarm,child]

FOLDER_OR_WHEEL holds BIF files (``alarm.bif.gz`` ...), as pgmpy's wheel does; nothing of it is imported. One
line a query: total variation between the conditional distribution of one column given evidence, as drawn by
``locum``, and exact inference by variable elimination. Beside it the floor: exact inference in a network with
the true graph, whose tables are counted from the same rows, with half a row of the column's own shares for
each combination of parents.
"""

from __future__ import annotations

import argparse
import copy
import gzip
import json
import re
import time
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa


class Net:
    """A discrete Bayesian network read from BIF."""

    def __init__(self, text: str) -> None:
        self.states: dict[str, list[str]] = {}
        self.parents: dict[str, list[str]] = {}
        self.table: dict[str, np.ndarray] = {}
        for name, body in re.findall(r"variable\s+(\S+)\s*\{(.*?)\n\}", text, re.S):
            levels = re.search(r"\{(.*?)\}", body, re.S)[1]
            self.states[name] = [s.strip() for s in levels.split(",")]
        for head, body in re.findall(r"probability\s*\((.*?)\)\s*\{(.*?)\n\}", text, re.S):
            child, _, rest = head.partition("|")
            child, parents = child.strip(), [p.strip() for p in rest.split(",") if p.strip()]
            shape = [len(self.states[p]) for p in parents] + [len(self.states[child])]
            table = np.zeros(shape)
            for line in body.split(";"):
                numbers = [
                    float(x) for x in re.findall(r"[\d.eE+-]+", line.rsplit(")", 1)[-1].replace("table", ""))
                ]
                key = re.search(r"\((.*?)\)", line)
                if key and numbers:
                    at = tuple(
                        self.states[p].index(v.strip())
                        for p, v in zip(parents, key[1].split(","), strict=True)
                    )
                    table[at] = numbers
                elif "table" in line:
                    table[...] = np.reshape(numbers, shape)
            self.parents[child], self.table[child] = parents, table / table.sum(-1, keepdims=True)

    def order(self) -> list[str]:
        """Columns, parents first."""
        done: list[str] = []
        while len(done) < len(self.states):
            done += [n for n in self.states if n not in done and all(p in done for p in self.parents[n])]
        return done

    def sample(self, n: int, rng: np.random.Generator) -> pa.Table:
        """Rows of the network."""
        code: dict[str, np.ndarray] = {}
        for name in self.order():
            p = np.cumsum(self.table[name], -1)[tuple(code[q] for q in self.parents[name])]
            p = np.broadcast_to(p, (n, p.shape[-1]))
            code[name] = np.minimum((p < rng.random(n)[:, None]).sum(1), p.shape[1] - 1)
        return pa.table(
            {k: pa.array(np.array(self.states[k], dtype=object)[code[k]], pa.string()) for k in self.states}
        )

    def exact(self, wanted: list[str], evidence: dict[str, list[str]]) -> tuple[np.ndarray, float]:
        """p(wanted | evidence), p(evidence); evidence gives allowed levels. Greedy variable elimination."""
        factors = []
        for name, table in self.table.items():
            table = table.copy()
            if name in evidence:
                table = table * np.array([s in evidence[name] for s in self.states[name]], float)
            factors.append(([*self.parents[name], name], table))
        left = set(self.states) - set(wanted)
        while left:
            scopes = {v: {x for f in factors if v in f[0] for x in f[0]} for v in sorted(left)}
            v = min(scopes, key=lambda v, s=scopes: np.prod([len(self.states[x]) for x in s[v]]))
            left.remove(v)
            mine = [f for f in factors if v in f[0]]
            factors = [f for f in factors if v not in f[0]] + [self._product(mine, v)]
        scope, table = self._product(factors, None)
        table = np.transpose(table, [scope.index(w) for w in wanted])
        return table / table.sum(), float(table.sum())

    def learned(self, rows: pa.Table) -> Net:
        """The same graph, its tables counted from rows."""
        new = copy.copy(self)
        code = {
            name: np.searchsorted(np.sort(levels), rows.column(name).to_pylist())
            for name, levels in self.states.items()
        }
        place = {name: np.argsort(np.argsort(levels)) for name, levels in self.states.items()}
        new.table = {}
        for name, table in self.table.items():
            axes = [*self.parents[name], name]
            counts = np.zeros(table.shape)
            np.add.at(counts, tuple(code[a] for a in axes), 1)
            counts = counts[np.ix_(*(place[a] for a in axes))]
            shares = counts.reshape(-1, table.shape[-1]).sum(0) / rows.num_rows
            new.table[name] = (counts + 0.5 * shares) / (counts.sum(-1, keepdims=True) + 0.5)
        return new

    def _product(self, factors: list, out: str | None) -> tuple[list[str], np.ndarray]:
        scope = list(dict.fromkeys(x for f in factors for x in f[0]))
        letters = {x: i for i, x in enumerate(scope)}
        keep = [x for x in scope if x != out]
        args = []
        for names, table in factors:
            args += [table, [letters[x] for x in names]]
        return keep, np.einsum(*args, [letters[x] for x in keep], optimize="greedy")


def load(source: Path, name: str) -> Net:
    """Read one network out of a folder or a wheel."""
    if source.is_dir():
        return Net(gzip.decompress(next(source.rglob(f"{name}.bif.gz")).read_bytes()).decode())
    with zipfile.ZipFile(source) as wheel:
        path = next(n for n in wheel.namelist() if n.endswith(f"/{name}.bif.gz"))
        return Net(gzip.decompress(wheel.read(path)).decode())


def queries(
    net: Net, truth: pa.Table, rng: np.random.Generator, each: int
) -> list[tuple[dict[str, list[str]], float]]:
    """Random evidence on 1-8 columns with exact probability near 1e-1 ... 1e-4, taken from real rows."""
    out = []
    names = list(net.states)
    for goal in (0.1, 0.01, 0.001, 0.0001):
        found = 0
        for _ in range(400):
            k = int(rng.integers(1, 5) if goal >= 0.01 else rng.integers(3, 9))
            row = truth.slice(int(rng.integers(truth.num_rows)), 1).to_pylist()[0]
            evidence = {c: [row[c]] for c in rng.choice(names, k, replace=False).tolist()}
            p = net.exact([names[0]], evidence)[1]
            if goal / 2 < p < goal * 2:
                out.append((evidence, p))
                found += 1
            if found == each:
                break
    return out


def main() -> None:
    """Fit on each network, ask, compare."""
    parser = argparse.ArgumentParser()
    parser.add_argument("source", type=Path)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--nets", default="alarm,insurance,child")
    parser.add_argument("--model", default="")
    parser.add_argument("--synthesizer", default="tree")
    parser.add_argument("--set", default="", help="settings of the synthesizer, such as share=1.0,members=20")
    parser.add_argument("--seed", type=int, default=0, help="of the rows and the questions")
    parser.add_argument("--each", type=int, default=3, help="queries for each size of probability")
    options = parser.parse_args()
    from locum.errors import LocumError
    from locum.schema.column import Column
    from locum.schema.table import Schema
    from locum.synthesizer.table import Synthesizer

    settings = {k: json.loads(v) for k, v in (s.split("=") for s in options.set.split(",") if s)}
    for name in options.nets.split(","):
        net = load(options.source, name)
        rng = np.random.default_rng(options.seed)
        truth = net.sample(options.rows, rng)
        schema = Schema(tuple(Column(c, "category", nullable=False) for c in truth.column_names), name=name)
        path = Path(f"{options.model}{name}.locum") if options.model else None
        start = time.process_time()
        if path is not None and path.exists():
            synth = Synthesizer.load(path)
        else:
            synth = Synthesizer(options.synthesizer, seed=1, **settings).fit_table(truth, schema)
            if path is not None:
                synth.save(path)
        print(
            f"{name}: {len(net.states)} columns, fitted in {time.process_time() - start:.0f} CPU-s",
            flush=True,
        )
        by_size: dict[int, list[tuple[float, float, float]]] = {}
        known = net.learned(truth)
        for evidence, p in queries(net, truth, rng, options.each):
            where = " and ".join(f"{c} = '{v[0]}'" for c, v in evidence.items())
            start = time.process_time()
            try:
                outcome = synth.draw(20_000, where=where, seed=2)
            except LocumError as error:
                print("   ", where, error)
                continue
            cpu = time.process_time() - start
            gaps, raw, floor = [], [], []
            mask = np.ones(truth.num_rows, bool)
            for c, v in evidence.items():
                mask &= np.asarray(truth.column(c).to_numpy(zero_copy_only=False) == v[0])
            for column in net.states:
                if column in evidence:
                    continue
                exact, _ = net.exact([column], evidence)
                drawn = outcome.table.column(column).to_numpy(zero_copy_only=False)
                share = np.array([(drawn == s).mean() for s in net.states[column]])
                gaps.append(0.5 * np.abs(share - exact).sum())
                floor.append(0.5 * np.abs(known.exact([column], evidence)[0] - exact).sum())
                real = truth.column(column).to_numpy(zero_copy_only=False)[mask]
                share = np.array([(real == s).mean() if len(real) else 0 for s in net.states[column]])
                raw.append(0.5 * np.abs(share - exact).sum())
            print(
                f"    p {p:.1e} (said {outcome.probability:.1e}) ESS {outcome.effective:6.0f} cpu {cpu:5.1f} "
                f"mean TV {np.mean(gaps):.4f} max {np.max(gaps):.4f} | floor mean "
                f"{np.mean(floor):.4f} max {np.max(floor):.4f} | training rows alone mean {np.mean(raw):.4f} "
                f"max {np.max(raw):.4f} n={mask.sum()} | {len(evidence)} columns",
                flush=True,
            )
            by_size.setdefault(round(np.log10(p)), []).append(
                (float(np.mean(gaps)), float(np.mean(floor)), float(np.mean(raw)))
            )
        for size in sorted(by_size, reverse=True):
            ours, floor, rows = np.mean(by_size[size], axis=0)
            worst = max(gap for gap, _, _ in by_size[size])
            print(
                f"  {name} p near 1e{size}: mean TV {ours:.4f}, worst query {worst:.4f} (floor {floor:.4f}, "
                f"training rows alone {rows:.4f}), {len(by_size[size])} queries",
                flush=True,
            )


if __name__ == "__main__":
    main()
