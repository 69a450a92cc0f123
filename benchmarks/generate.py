"""One generator on one table: run it as a process, measure it, keep what it made, judge it."""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.environments import NotInstalled, ensure, python_of
from benchmarks.evaluator import judge
from benchmarks.roster import CONTROLS, PEERS
from benchmarks.values import Table, read

HERE = Path(__file__).resolve().parent
_TAIL = 300
Record = dict[str, Any]


def digest(table: Table) -> str:
    """Changes when a table's training or hold-out rows change."""
    found = hashlib.sha256()
    for frame in (table.train, table.holdout):
        found.update(pd.util.hash_pandas_object(frame, index=False).to_numpy().tobytes())
    return found.hexdigest()[:16]


def one(
    table: Table, who: str, seed: int, *, minutes: float, quick: bool, keep: Path, install: bool
) -> Record:
    """Generate and judge; whatever goes wrong becomes part of the record, not an error.

    Parameters
    ----------
    table, who, seed
        What is measured.
    minutes
        Longest time on the clock for a generator.
    quick
        Smoke test: peers train as little as they can.
    keep
        Folder for the synthetic tables, so that they can be judged again without being made again.
    install
        Make the peer's environment when it is not there.

    Returns
    -------
    dict
        ``status`` (ok, failed, late, skipped), ``reason`` when not ok, costs, versions and scores.
    """
    record = begin(table, who, seed)
    if who in CONTROLS:
        judged, frame = control(table, who, seed)
        return record | {"status": "ok"} | judge(judged, frame)
    record |= run_peer(table, who, seed, minutes=minutes, quick=quick, keep=keep, install=install)
    return record | judged_file(table, kept(keep, table, who, seed)) if record["status"] == "ok" else record


def begin(table: Table, who: str, seed: int) -> Record:
    """What identifies a measurement."""
    record: Record = {
        "table": table.name, "who": who, "seed": seed, "data": digest(table), "rows_train": len(table.train),
        "columns": len(table.columns), "date": datetime.date.today().isoformat(),
    }  # fmt: skip
    return record | ({"revision": revision()} if who in PEERS and not PEERS[who].environment else {})


def revision() -> str:
    """The commit that locum was measured at, with a + when files differ from it; "" outside a checkout."""
    command = ["git", "-C", str(HERE), "describe", "--always", "--dirty=+", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def kept(folder: Path, table: Table, who: str, seed: int) -> Path:
    """Where a synthetic table is kept."""
    return folder / f"{table.name}-{who}-{seed}.csv"


def run_peer(
    table: Table, who: str, seed: int, *, minutes: float, quick: bool, keep: Path, install: bool
) -> Record:
    """Make the synthetic table of one peer, installing the peer if wanted; status and costs."""
    peer = PEERS[who]
    try:
        if install:
            ensure(peer.environment)
        python = python_of(peer.environment)
    except NotInstalled as error:
        return {"status": "skipped", "reason": str(error)}
    return produce(table, python, who, seed, kept(keep, table, who, seed), minutes=minutes, quick=quick)


def judged_file(table: Table, out: Path) -> Record:
    """Scores of a kept synthetic table; a table that cannot be judged is a failure of its maker."""
    try:
        return judge(table, read(out))
    except ValueError as error:
        return {"status": "failed", "reason": str(error)}


def control(table: Table, who: str, seed: int) -> tuple[Table, pd.DataFrame]:
    """A control's rows, and the table to judge them by (`fresh` needs a hold-out of its own)."""
    rng = np.random.default_rng([seed, 4])
    if who == "copy":
        return table, table.train
    if who == "fresh":
        order, half = rng.permutation(len(table.holdout)), len(table.holdout) // 2
        first, second = (
            table.holdout.iloc[part].reset_index(drop=True) for part in (order[:half], order[half:])
        )
        return replace(table, holdout=second), first
    shuffled = {
        name: table.train[name].iloc[rng.permutation(len(table.train))].array for name in table.columns
    }
    return table, pd.DataFrame(shuffled)


def produce(
    table: Table, python: str, who: str, seed: int, out: Path, *, minutes: float, quick: bool
) -> Record:
    """Run a peer's script in a folder of its own and read what the clock said."""
    peer = PEERS[who]
    out.parent.mkdir(parents=True, exist_ok=True)
    out.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix="locum-bench-") as place:
        folder = Path(place)
        train, clock = folder / "train.csv", folder / "clock.json"
        table.train.to_csv(train, index=False)
        hints = {"categorical": list(table.categorical), "target": table.target}
        (folder / "train.json").write_text(json.dumps(hints))
        script = [
            python,
            str(HERE / "peers" / peer.script),
            str(train),
            str(out),
            str(len(table.train)),
            str(seed),
        ]
        # Threads that spin while they wait inflate the CPU seconds on a busy machine: off for all alike.
        environment = os.environ | {
            "OMP_WAIT_POLICY": "PASSIVE", "LOCUM_BENCH_VARIANT": peer.variant,
            "LOCUM_BENCH_QUICK": "1" if quick else "0",
        }  # fmt: skip
        done = subprocess.run(
            [sys.executable, str(HERE / "measure.py"), str(clock), str(minutes * 60), *script],
            capture_output=True, text=True, cwd=folder, env=environment, check=False,
        )  # fmt: skip
        if not clock.exists():
            return {"status": "failed", "reason": last_words(done.stderr)}
        cost: Record = json.loads(clock.read_text())
    code = cost.pop("code")
    if code is None:
        return cost | {"status": "late", "reason": f"not done after {minutes:g} minutes"}
    told = dict(measurements(done.stdout))
    if code or not out.exists():
        return cost | {"status": "failed", "reason": last_words(done.stderr) or f"exit code {code}"}
    return cost | told | {"status": "ok"}


def measurements(said: str) -> Iterator[tuple[str, object]]:
    """What `stopwatch.Job.done` reported: stages and versions."""
    for line in said.splitlines():
        if line.startswith("MEASURED "):
            yield from json.loads(line.removeprefix("MEASURED ")).items()


def last_words(text: str) -> str:
    """The last line of a traceback, without paths of this machine."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1].replace(str(HERE.parent), ".")[:_TAIL] if lines else ""
