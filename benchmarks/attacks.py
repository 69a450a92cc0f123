"""locum's membership attacks beside published no-box attacks, on the same members and others.

    python -m benchmarks.attacks [--table NAME] [--rows N] [--targets N] [--seeds K] [--first SEED]
        [--python PATH] [--synth-mia CHECKOUT] [--keep FILE]

Stand-ins from harmless to leaky: tree (locum's default), a chain of CARTs with leaves of five rows (in the
manner of synthpop), SMOTE-like interpolation, one half copied, and a bootstrap. Published attacks run in an
environment of their own (``peers/attacks.txt``); Synth-MIA is not on the package index, so a checkout of its
repository (joshward96/Synth-MIA) is named, else it is skipped and said. Each of theirs is given its better
encoding, stand-in by stand-in and seed by seed.

Printed: one table a stand-in of means over the seeds, and the difference of each of theirs to our strongest
(largest mean) with a 95 % interval: Student's t over the paired differences of the seeds. ``--keep`` adds the
measures of each seed to a file of JSON lines, from all of which the tables are made: runs can be parted.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t as student
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from benchmarks import environments
from benchmarks.anonymeter import tree
from benchmarks.tables import load
from locum.data.canonical import canonical
from locum.data.detect import detect
from locum.data.read import read
from locum.evaluation.attacks.threat import ThreatModel
from locum.evaluation.intervals import auc_interval, roc_curve
from locum.evaluation.registry import SEEKERS, score_of

HERE = Path(__file__).resolve().parent
MEASURES = ("area", "found at 1 %", "found at 10 %")
LEAF = 5
OURS = "locum "
Scores = tuple[np.ndarray, np.ndarray]
Entry = dict[str, Any]


def main() -> None:
    """Measure all seeds and print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.attacks")
    parser.add_argument("--table", default="adult", help="a table of benchmarks.tables")
    parser.add_argument("--rows", type=int, default=1_000, help="rows learned from, made and known")
    parser.add_argument("--targets", type=int, default=500, help="members, and others")
    parser.add_argument("--python", help="an interpreter that has the published attacks")
    parser.add_argument("--synth-mia", default="", help="a checkout of Synth-MIA")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--keep", type=Path, help="a file of measures that this run adds to")
    options = parser.parse_args()
    if options.python is None:
        environments.ensure("attacks")
    python = options.python or environments.python_of("attacks")
    found: list[Entry] = []
    if options.keep and options.keep.is_file():
        found = [json.loads(line) for line in options.keep.read_text().splitlines()]
    table = load(options.table)
    rows = pd.concat([table.train, table.holdout], ignore_index=True)
    # Truth values are labels here, to them and to us.
    rows = rows.astype({c: str for c in rows if pd.api.types.is_bool_dtype(rows[c])})
    for seed in range(options.first, options.first + options.seeds):
        new = one_seed(rows, seed, options.rows, options.targets, python, options.synth_mia)
        found += new
        if options.keep:
            with options.keep.open("a") as lines:
                lines.writelines(json.dumps(entry) + "\n" for entry in new)
    report(found)


def one_seed(rows: pd.DataFrame, seed: int, n: int, targets: int, python: str, checkout: str) -> list[Entry]:
    """Measures of every attack on every stand-in, for one cut of the rows."""
    rng = np.random.default_rng(seed)
    rows = rows.iloc[rng.permutation(len(rows))].reset_index(drop=True)
    train, others, reference, fresh = (rows[i * n : (i + 1) * n].reset_index(drop=True) for i in range(4))
    entries: list[Entry] = []
    for name, synthetic in stand_ins(train, fresh, rng).items():
        parts = {
            "members": train[:targets],
            "others": others[:targets],
            "synthetic": synthetic,
            "reference": reference,
        }
        theirs, failed = by_published(python, checkout, parts)
        for who, group in ((OURS, by_locum(parts, seed)), ("", theirs)):
            for attack, (scores, cpu) in group.items():
                entry = {"seed": seed, "stand-in": name, "attack": who + attack, "cpu_s": cpu}
                entries.append({**entry, "measures": measures(scores).tolist()})
        for attack, reason in failed.items():
            print(f"seed {seed}, {name}: {attack} was not run: {reason}")
    return entries


def stand_ins(train: pd.DataFrame, fresh: pd.DataFrame, rng: np.random.Generator) -> dict[str, pd.DataFrame]:
    """Synthetic tables as long as train."""
    n = len(train)
    return {
        "tree": tree(train, n),
        "CART, leaves of 5": cart(train, rng),
        "interpolated": interpolated(train, rng),
        "half copied": pd.concat([train[: n // 2], fresh[: n - n // 2]], ignore_index=True),
        "bootstrap": train.iloc[rng.integers(n, size=n)].reset_index(drop=True),
    }


def codes(frame: pd.DataFrame) -> np.ndarray:
    """Every column as numbers."""
    cells = [
        frame[c].fillna(-1) if pd.api.types.is_numeric_dtype(frame[c]) else pd.factorize(frame[c])[0]
        for c in frame
    ]
    return np.column_stack([np.asarray(c, dtype=np.float64) for c in cells])


def cart(train: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Column after column: a tree of the columns before, and a value drawn from its leaf's own rows."""
    x, n = codes(train), len(train)
    made = np.empty((n, 0))
    picked = np.empty((n, x.shape[1]), dtype=int)
    for j, name in enumerate(train):
        if j == 0:
            chosen = rng.integers(n, size=n)
        else:
            numeric = pd.api.types.is_numeric_dtype(train[name])
            kind = DecisionTreeRegressor if numeric else DecisionTreeClassifier
            forest = kind(min_samples_leaf=LEAF, random_state=0).fit(x[:, :j], x[:, j])
            leaf_of, asked = forest.apply(x[:, :j]), forest.apply(made)
            chosen = np.array([rng.choice(np.flatnonzero(leaf_of == leaf)) for leaf in asked])
        picked[:, j] = chosen
        made = np.column_stack([made, x[chosen, j]])
    columns = {c: train[c].to_numpy()[picked[:, j]] for j, c in enumerate(train)}
    return pd.DataFrame(columns)


def interpolated(train: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Between a row and one of its five nearest: numbers by a random share, labels from either (SMOTE-NC)."""
    x = codes(train)
    scaled = (x - x.mean(axis=0)) / np.maximum(x.std(axis=0), 1e-9)
    n = len(train)
    first = rng.integers(n, size=n)
    near = np.empty(n, dtype=int)
    for i, row in enumerate(first):
        distance = ((scaled - scaled[row]) ** 2).sum(axis=1)
        near[i] = np.argsort(distance)[rng.integers(1, 6)]
    share, out = rng.random(n), {}
    for c in train:
        a, b = train[c].to_numpy()[first], train[c].to_numpy()[near]
        if pd.api.types.is_numeric_dtype(train[c]):
            out[c] = np.round(a + share * (b - a)).astype(train[c].dtype)
        else:
            out[c] = np.where(rng.random(n) < 0.5, a, b)
    return pd.DataFrame(out)


def by_locum(parts: dict[str, pd.DataFrame], seed: int) -> dict[str, tuple[Scores, float]]:
    """Our seekers' scores of members and others, with CPU seconds."""
    raws = {name: read(frame.reset_index(drop=True)) for name, frame in parts.items()}
    schema = detect(raws["reference"])
    tables = {name: canonical(raw, schema) for name, raw in raws.items()}
    columns = tuple(c for c in schema if not c.regenerated)
    known = ThreatModel(columns, tables["synthetic"], tables["reference"], seed)
    out = {}
    for name in SEEKERS:
        if name == "guess":
            continue
        start, score = time.process_time(), score_of(name).load()
        both = tuple(np.asarray(score(known, tables[part])[0], dtype=float) for part in ("members", "others"))
        out[name] = ((both[0], both[1]), time.process_time() - start)
    return out


def by_published(
    python: str, checkout: str, parts: dict[str, pd.DataFrame]
) -> tuple[dict[str, tuple[Scores, float]], dict[str, str]]:
    """Theirs, each with its better encoding (by area), and what did not run."""
    with tempfile.TemporaryDirectory() as folder:
        for name, frame in parts.items():
            frame.to_csv(Path(folder) / f"{name}.csv", index=False)
        command = [python, str(HERE / "peers" / "published_attacks.py"), folder, checkout]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"the published attacks failed: {done.stderr.strip().splitlines()[-1]}")
    n, found, failed = len(parts["members"]), {}, {}
    for name, entry in json.loads(done.stdout.strip().splitlines()[-1]).items():
        ran = [e for e in entry.values() if isinstance(e, dict) and "scores" in e]
        if not ran:
            reasons = [e if isinstance(e, str) else e["failed"] for e in entry.values()]
            failed[name] = reasons[0]
            continue
        tried = [(np.array(e["scores"][:n]), np.array(e["scores"][n:])) for e in ran]
        best = max(range(len(ran)), key=lambda i: auc_interval(*tried[i])[0])
        found[name] = (tried[best], float(ran[best]["cpu_s"]))
    return found, failed


def measures(scores: Scores) -> np.ndarray:
    """Area, and shares found at 1 % and 10 % false alarms."""
    alarms, hits = roc_curve(*scores)
    return np.array([auc_interval(*scores)[0], *np.interp([0.01, 0.1], alarms, hits)])


def report(found: list[Entry]) -> None:
    """Print means over seeds, our strongest beside theirs, and where one of theirs is ahead."""
    ahead = []
    for name in dict.fromkeys(e["stand-in"] for e in found):
        here = [e for e in found if e["stand-in"] == name]
        seeds = sorted({e["seed"] for e in here})
        by_attack: dict[str, np.ndarray] = {}
        for attack in dict.fromkeys(e["attack"] for e in here):
            by_seed = {e["seed"]: e["measures"] for e in here if e["attack"] == attack}
            by_attack[attack] = np.array([by_seed.get(s, [np.nan] * len(MEASURES)) for s in seeds])
        ours = [a for a in by_attack if a.startswith(OURS)]
        best = [max(ours, key=lambda a: by_attack[a][:, k].mean()) for k in range(len(MEASURES))]
        print(f"\n## {name}, mean of {len(seeds)} seeds ({', '.join(map(str, seeds))})\n")
        print(
            f"| attack | {' | '.join(MEASURES)} | area less {best[0]} | found at 1 % less {best[1]} | CPU-s |"
        )
        print(f"| --- {'| --- ' * len(MEASURES)}| --- | --- | --- |")
        for attack, values in by_attack.items():
            cells = [f"{v:.3f}" for v in np.nanmean(values, axis=0)]
            for k in (0, 1):
                gap, low, high = paired(values[:, k] - by_attack[best[k]][:, k])
                cells.append("" if attack in ours else f"{gap:+.3f} ({low:+.3f} to {high:+.3f})")
                if attack not in ours and gap > 0:
                    beyond = "beyond its interval" if low > 0 else "within its interval"
                    ahead.append(f"{name}, {MEASURES[k]}: {attack} by {gap:.3f} over {best[k]}, {beyond}")
            cpu = np.mean([e["cpu_s"] for e in here if e["attack"] == attack])
            print(f"| {attack} | {' | '.join(cells)} | {cpu:.1f} |")
    print("\n## Where the mean of one of theirs is above our strongest\n")
    print("\n".join(f"- {words}" for words in ahead or ["nowhere"]))


def paired(differences: np.ndarray) -> tuple[float, float, float]:
    """Mean of the differences over seeds with its 95 % interval; seeds that lack one are left out."""
    known = differences[~np.isnan(differences)]
    mean, n = float(known.mean()), len(known)
    if n < 2:
        return mean, -np.inf, np.inf
    half = float(student.ppf(0.975, n - 1) * known.std(ddof=1) / np.sqrt(n))
    return mean, mean - half, mean + half


if __name__ == "__main__":
    main()
