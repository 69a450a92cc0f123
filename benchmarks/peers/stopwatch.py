"""What every peer script shares: arguments, the hints beside the training file, and the clock.

Runs under each peer's own Python, so: standard library only. A script reads::

    job = Job.from_argv()          # script TRAIN.csv OUT.csv ROWS SEED
    with job.stage("fit"): ...
    with job.stage("sample"): ...
    job.done(frame_or_none, "package-name")

Peers are told which columns are labels and what the target is (``TRAIN.json``); locum finds out by itself.
"""

import contextlib
import importlib.metadata
import json
import os
import resource
import sys
from pathlib import Path


def cpu_seconds():
    """User and system seconds of this process and the children it has waited for."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


class Job:
    """One generator, one table, one seed.

    Attributes
    ----------
    train, out
        Paths of the CSV to learn from and of the one to write.
    rows, seed
        How many rows to draw, and the seed for everything random.
    categorical, target
        Names of label columns; name of the target.
    quick
        True in a smoke test: as little training as the peer allows.
    """

    def __init__(self, train, out, rows, seed):
        self.train, self.out, self.rows, self.seed = train, out, int(rows), int(seed)
        hints = json.loads(Path(train).with_suffix(".json").read_text())
        self.categorical, self.target = hints["categorical"], hints["target"]
        self.quick = os.environ.get("LOCUM_BENCH_QUICK") == "1"
        self.stages = {}

    @classmethod
    def from_argv(cls):
        """From ``script TRAIN.csv OUT.csv ROWS SEED``."""
        return cls(*sys.argv[1:5])

    def frame(self, *, gaps="nan"):
        """The training table as pandas: labels as text, numbers as numbers.

        ``gaps="filled"`` is for peers that refuse missing values: labels get their own level, numbers the
        median.
        """
        import pandas as pd

        frame = pd.read_csv(self.train, dtype=dict.fromkeys(self.categorical, str))
        if gaps == "filled":
            for name in frame.columns:
                frame[name] = frame[name].fillna("" if name in self.categorical else frame[name].median())
        return frame

    def seed_all(self):
        """Seed the global generators of Python, NumPy and torch, where a peer takes no seed."""
        import random

        import numpy as np

        random.seed(self.seed)
        np.random.seed(self.seed)  # noqa: NPY002
        if "torch" in sys.modules:
            sys.modules["torch"].manual_seed(self.seed)

    @contextlib.contextmanager
    def stage(self, name):
        """Measure the CPU seconds of a part."""
        before = cpu_seconds()
        yield
        self.stages[name] = round(cpu_seconds() - before, 3)

    def whole(self, made):
        """Whole numbers where training had whole numbers, as any user of the peer would see to."""
        for name, column in self.frame().items():
            if column.dtype.kind == "i" and made[name].dtype.kind == "f":
                made[name] = made[name].round()
        return made

    def done(self, frame, *packages):
        """Write the rows (None: already written) and tell the caller what was measured."""
        if frame is not None:
            self.whole(frame).to_csv(self.out, index=False)
        versions = {name: importlib.metadata.version(name) for name in packages}
        print("MEASURED " + json.dumps({"stages": self.stages, "versions": versions}), flush=True)
