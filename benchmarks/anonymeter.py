"""locum's risks beside Anonymeter's own, on Adult: whether they agree within its intervals, and at what cost.

    python -m benchmarks.anonymeter [--rows N] [--attacks N] [--seeds K] [--python PATH]

Two stand-ins: one half of whose rows are copied from train, and one made by the tree synthesizer. Both tools
attack rows of their own choice, so where they do the same, about one value in six lies outside the other's
95 % interval; the last column allows for the chance of both. With more than one seed both run again with
other rows attacked: then it is also counted how often Anonymeter's later runs lie within its own first
interval, and whether the means over all seeds differ (two-sided normal test, corrected by Holm). Anonymeter
runs in an environment of its own (``peers/anonymeter.txt``), or with the interpreter given.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import environments
from benchmarks.tables import adult
from locum.attacks.outcome import holm

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Measure and print one table a stand-in."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.anonymeter")
    parser.add_argument("--rows", type=int, default=12_000, help="train and control rows")
    parser.add_argument("--attacks", type=int, default=500)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--python", help="an interpreter that has anonymeter")
    options = parser.parse_args()
    if options.python is None:
        environments.ensure("anonymeter")
    python = options.python or environments.python_of("anonymeter")
    table = adult()
    n = options.rows
    train, fresh, control = table.train[:n], table.train[n : n + n // 2], table.holdout[:n]
    half = pd.concat([train[: n // 2], fresh])
    for name, synthetic in (("half copied", half), ("tree", tree(train, n))):
        runs = []
        for seed in range(options.seeds):
            ours, cpu = by_locum(train, synthetic, control, options.attacks, seed)
            theirs = by_anonymeter(python, train, synthetic, control, options.attacks, seed)
            show(f"{name}, seed {seed}", ours, cpu, theirs)
            runs.append((ours, theirs))
        if len(runs) > 1:
            again(name, runs)


def tree(train: pd.DataFrame, n: int) -> pd.DataFrame:
    """Rows made by the default synthesizer."""
    import locum

    made = locum.fit(train, seed=1).sample(n, seed=2)
    return made if isinstance(made, pd.DataFrame) else made.to_pandas()


def halves(train: pd.DataFrame) -> list[list[str]]:
    """Every other column."""
    names = list(train.columns)
    return [names[::2], names[1::2]]


def by_locum(
    train: pd.DataFrame, synthetic: pd.DataFrame, control: pd.DataFrame, attacks: int, seed: int = 0
) -> tuple[dict[str, Any], dict[str, float]]:
    """Our risks by the names used there, and CPU seconds by kind."""
    from locum.attacks.inference import inference
    from locum.attacks.linkability import linkability
    from locum.attacks.singling import singling_out
    from locum.data.canonical import canonical
    from locum.data.detect import detect
    from locum.data.read import read
    from locum.evidence.trial import Trial

    raws = [read(t.reset_index(drop=True)) for t in (train, synthetic, control)]
    schema = detect(raws[0])
    trial = Trial(schema, *(canonical(r, schema) for r in raws), seed=seed)
    out: dict[str, Any] = {}
    cpu: dict[str, float] = {}
    start = time.process_time()
    for found in singling_out(trial, attacks=attacks):
        mode = "univariate" if found.result.name.endswith("one") else "multivariate"
        out[f"singling {mode}"] = found.result.detail
    cpu["singling"] = time.process_time() - start
    start = time.process_time()
    a, b = halves(train)
    out["linkability"] = linkability(trial, attacks=attacks, sides=(tuple(a), tuple(b)))[0].result.detail
    cpu["linkability"] = time.process_time() - start
    start = time.process_time()
    for entry in inference(trial, attacks=attacks)[0].result.detail["secrets"]:
        out[f"inference {entry['column']}"] = entry
    cpu["inference"] = time.process_time() - start
    return out, cpu


def by_anonymeter(
    python: str,
    train: pd.DataFrame,
    synthetic: pd.DataFrame,
    control: pd.DataFrame,
    attacks: int,
    seed: int = 0,
) -> dict[str, Any]:
    """Its risks, from a process of its own."""
    job = {"attacks": attacks, "seed": seed, "halves": halves(train), "secrets": list(train.columns)}
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{name}.csv" for name in ("train", "synthetic", "control")]
        for path, frame in zip(paths, (train, synthetic, control), strict=True):
            frame.to_csv(path, index=False)
        (Path(folder) / "job.json").write_text(json.dumps(job))
        script = str(HERE / "peers" / "anonymeter_risks.py")
        command = [python, script, *map(str, paths), f"{folder}/job.json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"anonymeter failed: {done.stderr.strip().splitlines()[-1]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def show(name: str, ours: dict[str, Any], cpu: dict[str, float], theirs: dict[str, Any]) -> None:
    """A table in Markdown, then CPU seconds of both and their ratio by kind."""
    print(f"\n## {name}\n")
    print("| risk | locum (95 %) | Anonymeter (95 %) | within | alike |")
    print("| --- | --- | --- | --- | --- |")
    agree = alike = 0
    for key, their in theirs.items():
        our = ours.get(key)
        if our is None:
            print(f"| {key} | - | {their['risk']:.3f} | - | - |")
            continue
        low, high = our.get("risk_low", our.get("low")), our.get("risk_high", our.get("high"))
        inside = their["low"] <= max(0.0, our["risk"]) <= their["high"]
        agree += inside
        room = math.hypot((high - low) / 2, (their["high"] - their["low"]) / 2)
        both = abs(max(0.0, our["risk"]) - their["risk"]) <= room
        alike += both
        print(
            f"| {key} | {our['risk']:.3f} ({low:.3f} to {high:.3f}) | {their['risk']:.3f} "
            f"({their['low']:.3f} to {their['high']:.3f}) | {'yes' if inside else 'no'} | "
            f"{'yes' if both else 'no'} |"
        )
    print(f"\n{agree} of {len(theirs)} within Anonymeter's interval, {alike} alike.")
    for kind, seconds in cpu.items():
        other = sum(t["cpu_s"] for k, t in theirs.items() if k.startswith(kind))
        print(f"{kind}: locum {seconds:.2f} CPU-s, Anonymeter {other:.2f} CPU-s, {other / seconds:.0f} times")
    total = sum(t["cpu_s"] for t in theirs.values())
    print(f"all: {sum(cpu.values()):.2f} against {total:.2f} CPU-s, {total / sum(cpu.values()):.0f} times")


def again(name: str, runs: list[tuple[dict[str, Any], dict[str, Any]]]) -> None:
    """Anonymeter against its own first interval, and means over all seeds."""
    first, inside, within, keys = runs[0][1], 0, 0, []
    p = []
    for key in first:
        if any(key not in ours for ours, _ in runs):
            continue
        low, high = first[key]["low"], first[key]["high"]
        inside += sum(low <= theirs[key]["risk"] <= high for _, theirs in runs[1:])
        within += sum(t[key]["low"] <= max(0.0, o[key]["risk"]) <= t[key]["high"] for o, t in runs)
        gap = np.mean([max(0.0, o[key]["risk"]) - t[key]["risk"] for o, t in runs])
        spread = np.mean([_variance(o[key]) + _variance(t[key]) for o, t in runs]) / len(runs)
        p.append(math.erfc(abs(gap) / math.sqrt(2 * spread)) if spread > 0 else 1.0)
        keys.append((key, gap))
    print(
        f"\n{name}, {len(runs)} seeds: {within} of {len(keys) * len(runs)} of locum's risks, and {inside} of "
        f"{len(keys) * (len(runs) - 1)} of Anonymeter's own later ones, lie within its intervals (83 % is "
        "expected of two runs of one attack)."
    )
    different = [
        f"{key} {gap:+.3f} (p {q:.2g})" for (key, gap), q in zip(keys, holm(p), strict=True) if q < 0.05
    ]
    print(f"Means over seeds that differ after Holm: {', '.join(different) or 'none'}.")


def _variance(entry: dict[str, Any]) -> float:
    low, high = entry.get("risk_low", entry.get("low")), entry.get("risk_high", entry.get("high"))
    return ((high - low) / 2 / 1.96) ** 2


if __name__ == "__main__":
    main()
