# ruff: noqa: T201
"""Healthcare: tumours, with differential privacy at epsilon 3 and rows on request that cost no more of it.

Data: Breast Cancer Wisconsin (Diagnostic), 569 tumours, from UCI under CC BY 4.0,
`sklearn.datasets.load_breast_cancer`; the package is under the BSD 3-clause licence. Not copied here.
"""

from sklearn.datasets import load_breast_cancer
from telling import folder, tell

import locum
from locum.schema.column import Bounds, Column
from locum.schema.table import Schema

frame = load_breast_cancer(as_frame=True).frame[["mean radius", "mean texture", "mean concavity", "target"]]
frame.columns = ["radius", "texture", "concavity", "growth"]
frame["growth"] = frame.growth.map({0: "malignant", 1: "benign"})
frame = frame.sample(frac=1.0, random_state=0).reset_index(drop=True)
learn, held = frame.iloc[:400], frame.iloc[400:]

# All of this is stated from what is known of tumours and of how they are measured, and nothing is read from
# the rows: reading it leaks, and a schema that `locum.detect` made of the rows is refused with epsilon.
KNOWN = {"radius": (5, 30, 2), "texture": (5, 45, 2), "concavity": (0, 0.5, 3)}
numbers = [
    Column(name, "number", nullable=False, bounds=Bounds(low, high, "declared"), decimals=decimals)
    for name, (low, high, decimals) in KNOWN.items()
]
growth = Column("growth", "category", nullable=False, levels=("benign", "malignant"))
schema = Schema((*numbers, growth), name="tumours", target="growth")

model = locum.fit(learn, schema=schema, epsilon=3.0)
small = locum.sample(model, 100, where="growth = 'malignant' and radius < 15")
print(f"small malignant tumours: {len(small)} rows, largest radius {small['radius'].max():.2f}")

# The sentence about copying knows the rows only, not that a fit with epsilon made them. The page reads the
# real rows and is not covered by epsilon: it must not leave the house with the synthetic ones.
found = locum.evaluate(
    learn, locum.sample(model, 400), holdout=held, target="growth", effort="quick", title="Tumours"
)
page = found.save(folder() / "healthcare.html")
tell(found.evidence, page)
