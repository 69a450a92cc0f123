# ruff: noqa: T201
"""Autonomous systems: few examples of a rare class from a small camera, and whether synthetic rows help.

Data: handwritten digits (8 x 8 grey values), `sklearn.datasets.load_digits`, from UCI, whose page
states the terms. Read from the installed package, not copied here. It stands in for a sensor: neither
scikit-learn nor statsmodels has tracks of vehicles or cycles of engines.
"""

import pandas as pd
from sklearn.datasets import load_digits
from telling import close, folder

import locum

digits = load_digits()
blocks = digits.images.reshape(-1, 4, 2, 4, 2).sum(axis=(2, 4))[:, :, 1:3]  # the middle, 4 x 2 blocks
frame = pd.DataFrame(blocks.reshape(len(blocks), -1), columns=[f"block{i}" for i in range(8)]).astype(int)
frame["stop"] = pd.Series(digits.target == 8).map({True: "yes", False: "no"})  # the rare sign
few = frame.iloc[:400]

out = folder() / "autonomous"
found = locum.mix(few, target="stop", synthesizer="tree-fast", splits=3, out=out)
print(found.sentence)
print(f"gain in {found.measure}: {found.gain.value:+.3f} ({found.gain.low:+.3f} to {found.gain.high:+.3f})")
failed = "nothing" if found.verdict == "helps" else f"no gain shown ({found.verdict})"
close(["useful"], failed, out / "mix.html")
