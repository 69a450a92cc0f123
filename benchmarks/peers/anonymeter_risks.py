"""Anonymeter's risks as JSON; runs in its own environment, so it knows nothing of locum.

    python anonymeter_risks.py FOLDER

The folder holds ``train``, ``synthetic``, ``control`` and the attacked rows of train and control as CSV, and
``job.json``: attacks, numbers of conditions, columns of a condition, seed, the two halves for linkability,
and the secrets. Linkability and inference are told to attack as many rows as they are handed, which is all of
them. Printed: each risk with its 95 % interval, successes and CPU seconds (user and system, all threads), and
the conditions on several columns that were drawn.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from anonymeter.evaluators import (
    InferenceEvaluator,
    LinkabilityEvaluator,
    SinglingOutEvaluator,
    singling_out_evaluator,
)


def told(evaluator, started: float, attacks: int) -> dict:
    """Risk with its interval and the CPU seconds since `started`."""
    seconds = time.process_time() - started
    risk, results = evaluator.risk(confidence_level=0.95), evaluator.results(confidence_level=0.95)
    return {
        "risk": float(risk.value),
        "low": float(risk.ci[0]),
        "high": float(risk.ci[1]),
        "main": int(results.n_success),
        "control": int(results.n_control),
        "attacks": attacks,
        "cpu_s": seconds,
    }


def parts(expression: dict) -> list[tuple]:
    """A condition as (column, test, value) for each of its columns."""
    if "Function" in expression:
        return [
            (
                expression["Function"]["input"][0]["Column"],
                expression["Function"]["function"]["Boolean"],
                None,
            )
        ]
    two = expression["BinaryExpr"]
    if two["op"] == "And":
        return parts(two["left"]) + parts(two["right"])
    (kind,) = two["right"]["Literal"].values()
    (value,) = kind.values()
    return [(two["left"]["Column"], two["op"], value)]


def main() -> None:
    """Run the job and print its risks."""
    warnings.simplefilter("ignore")
    folder = Path(sys.argv[1])
    train, synthetic, control, attacked, attacked_control = (
        pd.read_csv(folder / f"{name}.csv", keep_default_na=False)
        for name in ("train", "synthetic", "control", "attacked", "attacked_control")
    )
    job = json.loads((folder / "job.json").read_text())
    n, seed, secrets, out, drawn = job["attacks"], job["seed"], job["secrets"], {}, []
    # Anonymeter draws from pandas, which draws from the legacy generator.
    np.random.seed(seed)  # noqa: NPY002
    draw = singling_out_evaluator._generate_singling_out_queries

    def noted(**options):
        # Anonymeter keeps only the conditions that succeeded; all are wanted, to be counted again.
        drawn[:] = draw(**options)
        return drawn

    singling_out_evaluator._generate_singling_out_queries = noted
    for mode, tries in job["conditions"].items():
        start = time.process_time()
        attack = SinglingOutEvaluator(
            ori=train,
            syn=synthetic,
            control=control,
            n_attacks=tries,
            n_cols=job["columns"],
            seed=job["seed"],
        )
        attack.evaluate(mode=mode)
        out[f"singling {mode}"] = told(attack, start, len(drawn))
    conditions = [parts(json.loads(q.meta.serialize(format="json"))) for q in drawn]
    # What is compiled on first use is not charged.
    InferenceEvaluator(
        ori=attacked[:2],
        syn=synthetic[:9],
        aux_cols=job["secrets"][1:],
        secret=job["secrets"][0],
        n_attacks=2,
    ).evaluate(n_jobs=1)
    sides = {"ori": attacked, "syn": synthetic, "control": attacked_control, "n_attacks": n}
    start = time.process_time()
    attack = LinkabilityEvaluator(**sides, aux_cols=tuple(list(h) for h in job["halves"]), n_neighbors=1)
    attack.evaluate(n_jobs=1)
    out["linkability"] = told(attack, start, n)
    for secret in secrets:
        start = time.process_time()
        known = [c for c in train.columns if c != secret]
        number = bool(pd.api.types.is_numeric_dtype(train[secret]))
        attack = InferenceEvaluator(**sides, aux_cols=known, secret=secret, regression=number)
        attack.evaluate(n_jobs=1)
        out[f"inference {secret}"] = told(attack, start, n)
    print(json.dumps({"risks": out, "conditions": conditions}))


main()
