"""SDV: GaussianCopula with its defaults, TVAE with 100 epochs, CTGAN with 25 (default 300: hours)."""

import os

from sdv.metadata import Metadata
from sdv.single_table import CTGANSynthesizer, GaussianCopulaSynthesizer, TVAESynthesizer
from stopwatch import Job

job = Job.from_argv()
frame = job.frame()
job.seed_all()
# Detected kinds would turn column names such as native-country into made-up values; say what they are.
kinds = {name: {"sdtype": "categorical" if name in job.categorical else "numerical"} for name in frame}
metadata = Metadata.load_from_dict({"tables": {"t": {"columns": kinds}}})
variant = os.environ["LOCUM_BENCH_VARIANT"]
if variant == "gc":
    synth = GaussianCopulaSynthesizer(metadata)
elif variant == "tvae":
    synth = TVAESynthesizer(metadata, epochs=1 if job.quick else 100, enable_gpu=False)
else:
    synth = CTGANSynthesizer(metadata, epochs=1 if job.quick else 25, enable_gpu=False)
with job.stage("fit"):
    synth.fit({"t": frame})
with job.stage("sample"):
    made = synth.sample(num_rows=job.rows)
job.done(made["t"] if isinstance(made, dict) else made, "sdv", "ctgan", "copulas", "rdt", "torch")
