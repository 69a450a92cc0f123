"""Rows under conditions, rules and proportions together: how many break what was asked, of a million.

    python -m benchmarks.rules adult_train.csv --set adult --synthesizer tree-fast [--rows 1000000]
    python -m benchmarks.rules shoppers.csv --set shoppers --synthesizer "aim?epsilon=1"

The rules are those that are proposed from the table (``locum init``) and those written below. Violations are
counted twice: by the evaluator that also steers the drawing, and by NumPy on the written file, read with
pandas; a rule lets missing values pass, a condition does not. The rules that are proposed are counted by the
first alone.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np


def _adult(t: object) -> dict[str, np.ndarray]:
    """For each rule or condition, which rows break it."""
    gain, loss = t["capital-gain"].to_numpy(float), t["capital-loss"].to_numpy(float)
    age, hours = t["age"].to_numpy(float), t["hours-per-week"].to_numpy(float)
    married = (t["marital-status"].isna() | (t["marital-status"] == "Married-civ-spouse")).to_numpy()
    return {
        RULES["adult"][0]: ((t["relationship"] == "Husband") & (t["sex"] == "Female")).to_numpy(),
        RULES["adult"][1]: ((t["relationship"] == "Wife") & (t["sex"] == "Male")).to_numpy(),
        RULES["adult"][2]: (gain > 0) & (loss > 0),
        RULES["adult"][3]: hours > 2.5 * age,
        RULES["adult"][4]: t["relationship"].isin(["Husband", "Wife"]).to_numpy() & ~married,
        WHERE["adult"]: ~((age >= 25) & (age < 65) & (hours >= 20) & (hours <= 60)),
    }


def _shoppers(t: object) -> dict[str, np.ndarray]:
    """For each rule or condition, which rows break it."""
    get = {name: t[name].to_numpy(float) for name in t.columns if t[name].dtype.kind in "if"}
    return {
        RULES["shoppers"][0]: get["BounceRates"] > get["ExitRates"],
        RULES["shoppers"][1]: (get["ProductRelated"] == 0) & (np.abs(get["ProductRelated_Duration"]) > 0),
        RULES["shoppers"][2]: (get["Informational"] == 0) & (np.abs(get["Informational_Duration"]) > 0),
        RULES["shoppers"][3]: get["Administrative_Duration"] + get["Informational_Duration"]
        > 2 * get["ProductRelated_Duration"] + 500,
        WHERE["shoppers"]: ~(
            t["Month"].isin(["Nov", "May"]).to_numpy()
            & (get["ProductRelated"] >= 5)
            & (get["ProductRelated"] <= 200)
        ),
    }


CHECKS: dict[str, Callable[[object], dict[str, np.ndarray]]] = {"adult": _adult, "shoppers": _shoppers}
RULES = {
    "adult": (
        "if relationship = 'Husband' then sex = 'Male'",
        "if relationship = 'Wife' then sex = 'Female'",
        '"capital-gain" = 0 or "capital-loss" = 0',
        '"hours-per-week" <= 2.5 * age',
        "if relationship in ('Husband', 'Wife') then \"marital-status\" = 'Married-civ-spouse'",
    ),
    "shoppers": (
        "BounceRates <= ExitRates",
        "if ProductRelated = 0 then ProductRelated_Duration = 0",
        "if Informational = 0 then Informational_Duration = 0",
        "Administrative_Duration + Informational_Duration <= 2 * ProductRelated_Duration + 500",
    ),
}
WHERE = {
    "adult": 'age >= 25 and age < 65 and "hours-per-week" between 20 and 60',
    "shoppers": "Month in ('Nov', 'May') and ProductRelated between 5 and 200",
}
TARGETS = {
    "adult": {"income": "balanced", "sex": {"Female": 0.5}},
    "shoppers": {"Revenue = 1": 0.5},
}


def main() -> None:
    """Fit, draw, write, read back, count."""
    import pandas

    import locum
    from locum.control.rules.clause import rule_clauses
    from locum.control.where.names import Names
    from locum.data.write import write

    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    parser.add_argument("--set", choices=sorted(RULES), required=True)
    parser.add_argument("--synthesizer", default="tree-fast")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--without", default="", help="leave out: where, targets, rules")
    options = parser.parse_args()
    name, _, epsilon = options.synthesizer.partition("?epsilon=")
    start = time.process_time()
    bought = {"delta": 1e-6, "discover": True, "one_row_per_person": True}
    private = {"epsilon": float(epsilon), **bought} if epsilon else {}
    synth = locum.fit(options.data, synthesizer=name, seed=0, **private)
    print(f"fit {time.process_time() - start:.1f} CPU-s")
    found = [] if "rules" in options.without else [p.rule for p in locum.propose_rules(options.data)]
    rules = [] if "rules" in options.without else [*found, *RULES[options.set]]
    where = None if "where" in options.without else WHERE[options.set]
    targets = None if "targets" in options.without else TARGETS[options.set]
    start = time.process_time()
    outcome = synth.draw(options.rows, where=where, rules=rules, targets=targets, seed=1)
    cpu = time.process_time() - start
    print(
        f"{options.set} {options.synthesizer}: {len(rules)} rules, {len(found)} of them proposed; {outcome}"
    )
    clauses = rule_clauses(rules, Names.of(synth.encoder))
    own = sum(int((~clause.holds(outcome.table)).sum()) for clause in clauses)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.csv"
        write(outcome.table, path, schema=synth.schema, origin=synth.origin)
        frame = pandas.read_csv(path, skipinitialspace=True, low_memory=False)
    broken = {k: int(v.sum()) for k, v in CHECKS[options.set](frame).items() if k in [*rules, where]}
    for key in [k.split(" ")[0] for k in TARGETS[options.set]] if targets else ():
        print(f"  {key}: {frame[key].value_counts(normalize=True).round(5).to_dict()}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"  {len(frame):,} rows, {cpu:.1f} CPU-s, peak {peak:.0f} MB with reading back")
    print(f"  violations by the evaluator: {own}; read back: {sum(broken.values())} {broken}")


if __name__ == "__main__":
    main()
