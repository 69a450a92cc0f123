"""SmartNoise's MST with epsilon 3: differentially private, so it is listed apart from those that are not."""

import warnings

warnings.filterwarnings("ignore")

from snsynth import Synthesizer  # noqa: E402
from stopwatch import Job  # noqa: E402

job = Job.from_argv()
frame = job.frame(gaps="filled")
job.seed_all()
numbers = [name for name in frame if name not in job.categorical]
synth = Synthesizer.create("mst", epsilon=3.0, verbose=False)
with job.stage("fit"):
    # A third of the budget goes into finding the ranges of the numbers.
    synth.fit(
        frame, preprocessor_eps=1.0 if numbers else 0.0, categorical_columns=list(job.categorical),
        continuous_columns=numbers,
    )  # fmt: skip
with job.stage("sample"):
    made = synth.sample(job.rows)
job.done(made, "smartnoise-synth", "mbi")
