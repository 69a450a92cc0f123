"""locum, as a user calls it: two commands, a file in, a file out.

It is told nothing about the columns, except that the variant ``+target`` names the column to predict.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from stopwatch import Job

job = Job.from_argv()
model = job.out + ".locum"
common = ["--seed", str(job.seed), "--force", "--json"]
with job.stage("fit"):
    name, _, told = os.environ["LOCUM_BENCH_VARIANT"].partition("+")
    learn = ["--synthesizer", name, *common]
    if told:
        learn += ["--target", json.loads(Path(job.train).with_suffix(".json").read_text())["target"]]
    subprocess.run(
        [sys.executable, "-m", "locum", "fit", job.train, "--model", model, *learn],
        check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
with job.stage("sample"):
    subprocess.run(
        [sys.executable, "-m", "locum", "sample", model, "--rows", str(job.rows), "--out", job.out, *common],
        check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
Path(model).unlink()
job.done(None, "locum")
