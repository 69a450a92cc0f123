"""A run in a process of its own, to be killed: ``python killed_run.py PLAN OUT``."""

from __future__ import annotations

import sys

from locum.text.plan.toml import load_plan
from locum.text.runs.run import run

if __name__ == "__main__":
    outcome = run(load_plan(sys.argv[1]), sys.argv[2])
    print(outcome.state, outcome.sent, outcome.cached)
