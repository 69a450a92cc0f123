"""locum's membership attacks beside published no-box attacks, on the same members and others of Adult.

    python -m benchmarks.attacks [--rows N] [--targets N] [--python PATH] [--synth-mia CHECKOUT] [--seeds K]

Stand-ins from harmless to leaky: tree (locum's default), a chain of CARTs with leaves of five rows (in the
manner of synthpop), SMOTE-like interpolation, one half copied, and a bootstrap. Published attacks run in an
environment of their own (``peers/attacks.txt``); Synth-MIA is not on the package index, so a checkout of its
repository (joshward96/Synth-MIA) is named, else it is skipped and said. Each of theirs is given its better
encoding. Printed: areas and shares found, and the difference of our strongest to each of theirs with a paired
bootstrap interval.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from benchmarks import environments
from benchmarks.anonymeter import tree
from benchmarks.tables import adult
from locum.attacks.knowledge import Knowledge
from locum.attacks.outcome import curve
from locum.data.canonical import canonical
from locum.data.detect import detect
from locum.data.read import read
from locum.evidence.intervals import auc_interval
from locum.studies.tournament.seekers import BUILT_IN

HERE = Path(__file__).resolve().parent
MEASURES = ("area", "found at 1 %", "found at 10 %")
REPEATS = 200
LEAF = 5
Scores = tuple[np.ndarray, np.ndarray]


def main() -> None:
    """Measure and print one table a stand-in, then the summary."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.attacks")
    parser.add_argument("--rows", type=int, default=2_000, help="rows learned from, made and known")
    parser.add_argument("--targets", type=int, default=1_000, help="members, and others")
    parser.add_argument("--python", help="an interpreter that has the published attacks")
    parser.add_argument("--synth-mia", default="", help="a checkout of Synth-MIA")
    parser.add_argument("--seeds", type=int, default=1)
    options = parser.parse_args()
    if options.python is None:
        environments.ensure("attacks")
    python = options.python or environments.python_of("attacks")
    n, t = options.rows, options.targets
    worst: list[tuple[float, str]] = []
    for seed in range(options.seeds):
        table = adult()
        rng = np.random.default_rng(seed)
        rows = pd.concat([table.train, table.holdout], ignore_index=True)
        rows = rows.iloc[rng.permutation(len(rows))].reset_index(drop=True)
        train, others, reference, fresh = (rows[i * n : (i + 1) * n].reset_index(drop=True) for i in range(4))
        for name, synthetic in stand_ins(train, fresh, rng).items():
            parts = {
                "members": train[:t],
                "others": others[:t],
                "synthetic": synthetic,
                "reference": reference,
            }
            ours = by_locum(parts, seed)
            theirs, failed = by_published(python, options.synth_mia, parts)
            worst += show(f"{name}, seed {seed}", ours, theirs, failed)
    print("\n## Where one of theirs is ahead of all of ours, beyond chance\n")
    for difference, words in sorted(worst) or [(0.0, "nowhere")]:
        print(f"- {words}" if words == "nowhere" else f"- {words}: {difference:+.3f}")


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
    known = Knowledge(columns, tables["synthetic"], tables["reference"], seed)
    out = {}
    for name, (seek, _) in BUILT_IN.items():
        if name == "guess":
            continue
        start = time.process_time()
        both = tuple(np.asarray(seek(known, tables[part]), dtype=float) for part in ("members", "others"))
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
    alarms, hits = curve(*scores)
    return np.array([auc_interval(*scores)[0], *np.interp([0.01, 0.1], alarms, hits)])


def show(
    title: str,
    ours: dict[str, tuple[Scores, float]],
    theirs: dict[str, tuple[Scores, float]],
    failed: dict[str, str],
) -> list[tuple[float, str]]:
    """Print a table; the cases where one of theirs is ahead of all of ours beyond its interval."""
    print(f"\n## {title}\n\n| attack | {' | '.join(MEASURES)} | CPU-s |\n| --- | --- | --- | --- | --- |")
    for who, group in (("locum", ours), ("", theirs)):
        for name, (scores, cpu) in group.items():
            cells = " | ".join(f"{v:.3f}" for v in measures(scores))
            print(f"| {f'{who} {name}'.strip()} | {cells} | {cpu:.1f} |")
    for name, reason in failed.items():
        print(f"| {name} | not run: {reason} | | | |")
    rng = np.random.default_rng(0)
    m = len(next(iter(ours.values()))[0][0])
    picks = [(rng.integers(m, size=m), rng.integers(m, size=m)) for _ in range(REPEATS)]
    draws = {
        name: np.array([measures((s[0][a], s[1][b])) for a, b in picks])
        for group in (ours, theirs)
        for name, (s, _) in group.items()
    }
    behind = []
    for k, measure in enumerate(MEASURES):
        best = max(ours, key=lambda name: measures(ours[name][0])[k])
        for name, (scores, _) in theirs.items():
            gap = float(measures(scores)[k] - measures(ours[best][0])[k])
            low = float(np.quantile(draws[name][:, k] - draws[best][:, k], 0.025))
            if gap > 0 and low > 0:
                behind.append((gap, f"{title}: {name} against {best}, {measure}"))
    return behind


if __name__ == "__main__":
    main()
