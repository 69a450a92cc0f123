"""synthcity: its adversarial random forest and its Bayesian network, with their defaults."""

import importlib.abc
import importlib.machinery
import os
import sys
import tempfile
import warnings
from pathlib import Path

warnings.filterwarnings("ignore")

# synthcity imports these for its image, time-series and language plugins; they weigh gigabytes, some fit only
# CUDA builds of torch, and neither generator measured here uses them. Empty modules stand in.
UNUSED = {"torchvision", "tsai", "fastai", "be_great", "decaf"}


class Unused(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Empty modules for the names above, whose attributes are empty classes."""

    def find_spec(self, name, path=None, target=None):
        """Claim the names above."""
        if name.partition(".")[0] in UNUSED:
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec):
        """As usual."""

    def exec_module(self, module):
        """Give any attribute that does not look internal."""

        def attribute(name):
            if name.startswith("__"):
                raise AttributeError(name)
            return type(name, (), {})

        module.__getattr__ = attribute


sys.meta_path.append(Unused())

from stopwatch import Job  # noqa: E402
from synthcity.plugins import Plugins  # noqa: E402
from synthcity.plugins.core.dataloader import GenericDataLoader  # noqa: E402

job = Job.from_argv()
frame = job.frame(gaps="filled")
job.seed_all()
variant = os.environ["LOCUM_BENCH_VARIANT"]
with tempfile.TemporaryDirectory() as workspace:
    settings = {"random_state": job.seed, "workspace": Path(workspace)}
    if job.quick and variant == "arf":
        settings |= {"num_trees": 5, "max_iters": 1}
    synth = Plugins(categories=["generic"]).get(variant, **settings)
    with job.stage("fit"):
        synth.fit(GenericDataLoader(frame, target_column=job.target, random_state=job.seed))
    with job.stage("sample"):
        made = synth.generate(count=job.rows, random_state=job.seed).dataframe()
job.done(made, "synthcity", "arfpy", "pgmpy")
