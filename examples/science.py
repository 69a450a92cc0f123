# ruff: noqa: T201
"""Science: sea temperatures of El Nino, and what is lost when generators learn from generators.

Data: sea surface temperatures 1950-2010 (61 years by month), `statsmodels.datasets.elnino`; public domain.
Read from the installed package, not copied here.
"""

from statsmodels.datasets import elnino
from telling import close, folder

import locum

wide = elnino.load_pandas().data
frame = wide.melt(id_vars="YEAR", var_name="month", value_name="celsius")
frame["number"] = frame.groupby("YEAR").cumcount()
frame = frame.sort_values(["YEAR", "number"]).reset_index(drop=True)
frame["before"] = frame.celsius.shift(1)  # the month before carries most of what a table can know of time
frame = frame.iloc[1:][["month", "before", "celsius"]].reset_index(drop=True)

out = folder() / "science"
found = locum.collapse(
    frame,
    loops=["replace", "fresh"],
    generations=3,
    rows=290,
    synthesizer="tree-fast",
    out=out,
    title="Sea temperatures",
)
print(found.sentence)
print(f"error between two sets of real rows: {found.floor:.3f}")
for loop in found.loops:
    first, last = loop.generations[0], loop.generations[-1]
    print(f"{loop.mode}: error {first.error:.3f} to {last.error:.3f}, rare cases left {last.tail:.2f}")
worse = [x.mode for x in found.loops if x.generations[-1].error > x.generations[0].error]
close(["risk"], f"error grew under {', '.join(worse)}" if worse else "nothing", out / "collapse.html")
