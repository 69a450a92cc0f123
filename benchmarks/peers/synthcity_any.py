"""synthcity: its adversarial random forest and its Bayesian network, with their defaults."""

import os
import tempfile
import warnings

warnings.filterwarnings("ignore")

from stopwatch import Job  # noqa: E402
from synthcity.plugins import Plugins  # noqa: E402
from synthcity.plugins.core.dataloader import GenericDataLoader  # noqa: E402

job = Job.from_argv()
frame = job.frame(gaps="filled")
job.seed_all()
with tempfile.TemporaryDirectory() as workspace:
    settings = {"random_state": job.seed, "workspace": __import__("pathlib").Path(workspace)}
    if job.quick and os.environ["LOCUM_BENCH_VARIANT"] == "arf":
        settings |= {"num_trees": 5, "max_iters": 1}
    synth = Plugins(categories=["generic"]).get(os.environ["LOCUM_BENCH_VARIANT"], **settings)
    with job.stage("fit"):
        synth.fit(GenericDataLoader(frame, target_column=job.target, random_state=job.seed))
    with job.stage("sample"):
        made = synth.generate(count=job.rows, random_state=job.seed).dataframe()
job.done(made, "synthcity", "arfpy", "pgmpy")
