"""locum, as a user calls it: two commands, a file in, a file out; it is told nothing about the columns."""

import os
import subprocess
import sys
from pathlib import Path

from stopwatch import Job

job = Job.from_argv()
model = job.out + ".locum"
common = ["--seed", str(job.seed), "--force", "--json"]
with job.stage("fit"):
    name = os.environ["LOCUM_BENCH_VARIANT"]
    subprocess.run(
        [sys.executable, "-m", "locum", "fit", job.train, "--model", model, "--synthesizer", name, *common],
        check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
with job.stage("sample"):
    subprocess.run(
        [sys.executable, "-m", "locum", "sample", model, "--rows", str(job.rows), "--out", job.out, *common],
        check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
Path(model).unlink()
job.done(None, "locum")
