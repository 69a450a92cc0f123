"""locum's risks beside Anonymeter's own, on Adult: whether they agree within its intervals, and at what cost.

    python -m benchmarks.anonymeter [--rows N] [--attacks N] [--conditions N] [--seeds K] [--python PATH]

Two stand-ins: one half of whose rows are copied from train, and one made by the tree synthesizer. Chance is
taken out wherever it can be, so that what is left is a difference of the two programs:

- linkability and inference attack the very same rows of train and control, with the same halves of the
  columns and the same secrets;
- singling out by one column tries every condition there is, not a draw of them;
- singling out by several columns tries conditions that Anonymeter drew, counted by either program.

Each of these cells is one risk of ours that must lie in Anonymeter's own 95 % interval. Conditions on several
columns that each program draws for itself are compared by the risks over all seeds. Anonymeter runs in an
environment of its own (``peers/anonymeter.txt``), or with the interpreter given.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import environments
from benchmarks.tables import adult
from locum.data.canonical import canonical
from locum.data.detect import detect
from locum.data.read import read
from locum.evaluation.attacks.inference import inference
from locum.evaluation.attacks.linkability import linkability
from locum.evaluation.attacks.predicates import MISSING, Counter, Queries, ValueCodes
from locum.evaluation.attacks.risk import Successes
from locum.evaluation.attacks.singling import singling_out
from locum.evaluation.intervals import Z95
from locum.evaluation.trial import Trial
from locum.randomness import stream

HERE = Path(__file__).resolve().parent
COLUMNS = 3
#: More conditions on one column than there are.
ALL = 10**9
Cell = dict[str, Any]


@dataclass(frozen=True)
class Bench:
    """One stand-in: the tables, and the rows of train and control that both programs attack."""

    train: pd.DataFrame
    synthetic: pd.DataFrame
    control: pd.DataFrame
    attacked: pd.DataFrame
    attacked_control: pd.DataFrame
    seed: int

    def trial(self, main: pd.DataFrame, control: pd.DataFrame) -> Trial:
        """What locum is handed: these rows, read as Anonymeter reads them.

        locum would take Adult's "?" and a capital gain of 99999 for missing values.
        """
        schema = detect(read(self.train))
        schema = replace(schema, columns=tuple(replace(c, missing=()) for c in schema))
        parts = (canonical(read(t), schema) for t in (main, self.synthetic, control))
        return Trial(schema, *parts, seed=self.seed)


@dataclass
class Found:
    """Cells by name, and CPU seconds by kind of risk."""

    cells: dict[str, Cell] = field(default_factory=dict)
    cpu: dict[str, float] = field(default_factory=dict)


def main() -> None:
    """Measure and print one table a stand-in and seed, then a summary."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.anonymeter")
    parser.add_argument("--rows", type=int, default=6_000, help="train and control rows")
    parser.add_argument("--attacks", type=int, default=500)
    parser.add_argument("--conditions", type=int, default=2_000, help="conditions on several columns")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--python", help="an interpreter that has anonymeter")
    options = parser.parse_args()
    if options.python is None:
        environments.ensure("anonymeter")
    python = options.python or environments.python_of("anonymeter")
    table = adult()
    n = options.rows
    train, fresh, control = table.train[:n], table.train[n : n + n // 2], table.holdout[:n]
    half = pd.concat([train[: n // 2], fresh], ignore_index=True)
    for name, synthetic in (("half copied", half), ("tree", tree(train, n))):
        inside = cells = 0
        own: list[tuple[Cell, Cell]] = []
        for seed in range(options.seeds):
            rng = np.random.default_rng(seed)
            attacked = [
                t.iloc[rng.choice(len(t), options.attacks, replace=False)].reset_index(drop=True)
                for t in (train, control)
            ]
            whole = (t.reset_index(drop=True) for t in (train, synthetic, control))
            bench = Bench(*whole, *attacked, seed)
            ours = by_locum(bench, options.conditions)
            singles = ours.cells["singling univariate"]["attacks"]
            theirs, conditions = by_anonymeter(python, bench, singles, options.conditions)
            ours.cells["singling multivariate"] = counted(bench, conditions)
            inside += show(f"{name}, seed {seed}", ours, theirs)
            cells += len(theirs.cells)
            own.append((ours.cells["own conditions"], theirs.cells["singling multivariate"]))
        print(f"\n{name}: {inside} of {cells} of locum's risks lie within Anonymeter's intervals.")
        drawn(name, own)


def tree(train: pd.DataFrame, n: int) -> pd.DataFrame:
    """Rows made by the default synthesizer."""
    import locum

    made = locum.fit(train, seed=1).sample(n, seed=2)
    return made if isinstance(made, pd.DataFrame) else made.to_pandas()


def halves(train: pd.DataFrame) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Every other column."""
    names = tuple(train.columns)
    return names[::2], names[1::2]


# ---------------------------------------------------------------- ours


def by_locum(bench: Bench, conditions: int) -> Found:
    """Our risks by the names used there."""
    found, n = Found(), len(bench.attacked)
    rows, targets = (
        bench.trial(*t) for t in ((bench.train, bench.control), (bench.attacked, bench.attacked_control))
    )
    start = time.process_time()
    found.cells["singling univariate"] = singling_out(rows, attacks=ALL, columns=1)[0].result.detail
    found.cells["own conditions"] = singling_out(rows, attacks=conditions, columns=COLUMNS)[-1].result.detail
    found.cpu["singling"] = time.process_time() - start
    start = time.process_time()
    linked = linkability(targets, attacks=n, sides=halves(bench.train))
    found.cells["linkability"] = linked[0].result.detail
    found.cpu["linkability"] = time.process_time() - start
    start = time.process_time()
    for entry in inference(targets, attacks=n)[0].result.detail["secrets"]:
        found.cells[f"inference {entry['column']}"] = entry
    found.cpu["inference"] = time.process_time() - start
    return found


def counted(bench: Bench, conditions: list[list[tuple[str, str, Any]]]) -> Cell:
    """Our count of conditions that Anonymeter drew, and the risk from it."""
    trial = bench.trial(bench.train, bench.control)
    book = ValueCodes.learn(trial.columns, trial.synthetic)
    places = {c.name: j for j, c in enumerate(book.columns)}
    shape = (len(conditions), len(conditions[0]))
    columns, low, high = np.zeros(shape, np.intp), np.zeros(shape, np.int32), np.zeros(shape, np.int32)
    for i, condition in enumerate(conditions):
        for t, (name, test, value) in enumerate(condition):
            j = columns[i, t] = places[name]
            low[i, t], high[i, t] = _interval(book, j, test, value)
    queries = Queries(columns, low, high)
    rng = stream(bench.seed, "benchmark")
    hits = [Counter(book.codes(t), rng).counts(queries) == 1 for t in (trial.train, trial.test)]
    n = len(queries)
    s = Successes(int(hits[0].sum()), int(hits[1].sum()), 0, n, n)
    return {"risk": s.risk, **s.to_json()}


def _interval(book: ValueCodes, j: int, test: str, value: Any) -> tuple[int, int]:
    if test == "IsNull":
        return MISSING, MISSING
    if not book.columns[j].ordered:
        code = book.levels[j].index(str(value))
        return code, code
    code = int(
        np.searchsorted(book.values[j], value, "left") + np.searchsorted(book.values[j], value, "right")
    )
    return (0, code) if test == "LtEq" else (code, np.iinfo(np.int32).max)


# ---------------------------------------------------------------- theirs


def by_anonymeter(
    python: str, bench: Bench, singles: int, conditions: int
) -> tuple[Found, list[list[tuple[str, str, Any]]]]:
    """Its risks, from a process of its own, and the conditions on several columns that it drew."""
    job = {
        "attacks": len(bench.attacked),
        "conditions": {"univariate": singles, "multivariate": conditions},
        "columns": COLUMNS,
        "seed": bench.seed,
        "halves": halves(bench.train),
        "secrets": list(bench.train.columns),
    }
    with tempfile.TemporaryDirectory() as folder:
        for name in ("train", "synthetic", "control", "attacked", "attacked_control"):
            getattr(bench, name).to_csv(Path(folder) / f"{name}.csv", index=False)
        (Path(folder) / "job.json").write_text(json.dumps(job))
        command = [python, str(HERE / "peers" / "anonymeter_risks.py"), folder]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"anonymeter failed: {done.stderr.strip().splitlines()[-1]}")
    told = json.loads(done.stdout.strip().splitlines()[-1])
    found = Found(told["risks"])
    for kind in ("singling", "linkability", "inference"):
        found.cpu[kind] = sum(c["cpu_s"] for k, c in found.cells.items() if k.startswith(kind))
    return found, told["conditions"]


# ---------------------------------------------------------------- the tables


def show(name: str, ours: Found, theirs: Found) -> int:
    """A table in Markdown, then CPU seconds of both; returns how many of our risks lie inside."""
    print(f"\n## {name}\n")
    print("| risk | successes, locum | Anonymeter | risk, locum | Anonymeter (95 %) | within |")
    print("| --- | --- | --- | --- | --- | --- |")
    agree = 0
    for key, their in theirs.cells.items():
        our = ours.cells[key]
        n = our["attacks"]
        risk, attacks = max(0.0, our["risk"]), their["attacks"]
        inside = their["low"] <= risk <= their["high"]
        agree += inside
        main, control = (_successes(our, side) for side in ("main", "control"))
        print(
            f"| {key} | {main} / {control} of {n} | {their['main']} / {their['control']} of {attacks} | "
            f"{risk:.3f} | {their['risk']:.3f} ({their['low']:.3f} to {their['high']:.3f}) | "
            f"{'yes' if inside else 'no'} |"
        )
    print(f"\n{agree} of {len(theirs.cells)} within.")
    for kind, seconds in ours.cpu.items():
        other = theirs.cpu[kind]
        print(f"{kind}: locum {seconds:.2f} CPU-s, Anonymeter {other:.2f} CPU-s, {other / seconds:.0f} times")
    total, all_theirs = sum(ours.cpu.values()), sum(theirs.cpu.values())
    print(f"all: {total:.2f} against {all_theirs:.2f} CPU-s, {all_theirs / total:.0f} times")
    return agree


def drawn(name: str, own: list[tuple[Cell, Cell]]) -> None:
    """Conditions that each program drew for itself, over all seeds: both risks, and whether they differ."""
    told, logs, errors = [], [], []
    for k, who in enumerate(("locum", "Anonymeter")):
        n = sum(pair[k]["attacks"] for pair in own)
        main, control = (sum(_successes(pair[k], side) for pair in own) for side in ("main", "control"))
        s = Successes(main, control, 0, n, n)
        low, high = s.interval
        told.append(f"{who} {s.risk:.4f} ({low:.4f} to {high:.4f}; {main} / {control} of {n})")
        # Of 1 - risk the interval is that of a logarithm.
        logs.append(math.log1p(-s.risk))
        errors.append((math.log1p(-low) - math.log1p(-high)) / 2 / Z95)
    p = math.erfc(abs(logs[0] - logs[1]) / math.hypot(*errors) / math.sqrt(2))
    print(f"{name}, conditions on several columns, each its own: {'; '.join(told)}; difference p = {p:.2f}.")


def _successes(cell: Cell, side: str) -> int:
    return cell[side] if side in cell else round(cell[f"{side}_rate"] * cell["attacks"])


if __name__ == "__main__":
    main()
