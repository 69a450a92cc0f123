# ruff: noqa: T201
"""Autonomous systems: a rare state of a spacecraft from its sensors; whether synthetic rows help.

Data: Statlog (Shuttle) of NASA (49,097 readings of nine sensors, 7 % anomalous), from UCI under CC BY 4.0,
`river.datasets.Shuttle`; the package is under the BSD 3-clause licence. Read from the installed package, not
copied here. Rows are single readings: locum does not yet learn their order.
"""

import pandas as pd
from river.datasets import Shuttle
from telling import close, folder

import locum

rows = [{**x, "anomaly": "yes" if y else "no"} for x, y in Shuttle()]
frame = pd.DataFrame(rows).drop(columns=["f1", "f7", "f9"])  # with these three sensors it is too easy
few = frame.sample(300, random_state=4).reset_index(drop=True)
print(f"{len(few)} readings, {(few.anomaly == 'yes').sum()} anomalous")

out = folder() / "autonomous"
found = locum.mix(
    few, target="anomaly", synthesizer="tree-fast", splits=4, out=out, title="A radiator in space"
)
print(found.sentence)
print(f"gain in {found.measure}: {found.gain.value:+.3f} ({found.gain.low:+.3f} to {found.gain.high:+.3f})")

# Rare states on request: as many anomalous readings as calm ones, and what that bends.
model = locum.fit(few, synthesizer="tree-fast")
even = locum.sample(model, 200, targets={"anomaly": "balanced"})
print("asked for balance:", even.anomaly.value_counts().to_dict())
failed = "nothing" if found.verdict == "helps" else f"no gain shown ({found.verdict})"
close(["useful"], failed, out / "mix.html")
