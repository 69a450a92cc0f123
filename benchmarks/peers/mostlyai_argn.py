"""MOSTLY AI's TabularARGN with its defaults (it stops by itself)."""

import torch
from mostlyai.engine import TabularARGN
from stopwatch import Job

job = Job.from_argv()
frame = job.frame()
torch.set_num_threads(max(torch.get_num_threads(), 1))
# max_training_time is in minutes; the default is two weeks.
settings = {"max_training_time": 0.05} if job.quick else {}
synth = TabularARGN(random_state=job.seed, **settings)
with job.stage("fit"):
    synth.fit(frame)
with job.stage("sample"):
    made = synth.sample(n_samples=job.rows)
job.done(made, "mostlyai-engine", "torch")
