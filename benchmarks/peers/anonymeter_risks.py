"""Anonymeter's risks as JSON; runs in its own environment, so it knows nothing of locum.

    python anonymeter_risks.py TRAIN.csv SYNTHETIC.csv CONTROL.csv JOB.json

The job names attacks, seed, the two halves for linkability, and the secrets. Each risk comes with its 95 %
interval, success rates and CPU seconds (user and system, all threads).
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from anonymeter.evaluators import InferenceEvaluator, LinkabilityEvaluator, SinglingOutEvaluator


def told(evaluator, started: float) -> dict:
    """Risk with its interval and the CPU seconds since `started`."""
    risk = evaluator.risk(confidence_level=0.95)
    results = evaluator.results(confidence_level=0.95)
    return {
        "risk": float(risk.value),
        "low": float(risk.ci[0]),
        "high": float(risk.ci[1]),
        "main": float(results.attack_rate.value),
        "control": float(results.control_rate.value),
        "cpu_s": time.process_time() - started,
    }


def main() -> None:
    """Run the job and print its risks."""
    warnings.simplefilter("ignore")
    train, synthetic, control = (pd.read_csv(p, keep_default_na=False) for p in sys.argv[1:4])
    job = json.loads(Path(sys.argv[4]).read_text())
    # Anonymeter draws from pandas, which draws from the legacy generator.
    np.random.seed(job["seed"])  # noqa: NPY002
    n, out = job["attacks"], {}
    for mode in ("univariate", "multivariate"):
        start = time.process_time()
        attack = SinglingOutEvaluator(ori=train, syn=synthetic, control=control, n_attacks=n, n_cols=3)
        attack.evaluate(mode=mode)
        out[f"singling {mode}"] = told(attack, start)
    start = time.process_time()
    attack = LinkabilityEvaluator(
        ori=train, syn=synthetic, control=control, n_attacks=n, aux_cols=tuple(job["halves"]), n_neighbors=1
    )
    attack.evaluate(n_jobs=1)
    out["linkability"] = told(attack, start)
    for secret in job["secrets"]:
        start = time.process_time()
        known = [c for c in train.columns if c != secret]
        attack = InferenceEvaluator(
            ori=train, syn=synthetic, control=control, aux_cols=known, secret=secret, n_attacks=n,
            regression=bool(pd.api.types.is_numeric_dtype(train[secret])),
        )  # fmt: skip
        attack.evaluate(n_jobs=1)
        out[f"inference {secret}"] = told(attack, start)
    print(json.dumps(out))


main()
