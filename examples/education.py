# ruff: noqa: T201
"""Education: school districts, tested by group, with groups so small that real rows alone say little.

Data: California's STAR test 1998 (303 districts), `statsmodels.datasets.star98`; "used with express
permission from the original author, who retains all rights". Read from the package, not copied here.
"""

import numpy as np
from statsmodels.datasets import star98
from telling import folder, tell

import locum
from locum.data.canonical import canonical
from locum.data.read import read
from locum.studies.subgroups import pools, subgroups

frame = star98.load_pandas().data
share = frame.NABOVE / (frame.NABOVE + frame.NBELOW)
table = frame[["LOWINC", "PTRATIO", "AVSALK"]].round(1).copy()
table.columns = ["low_income", "pupils_per_teacher", "salary"]
table["minority"] = np.where(frame.PERMINTE.median() < frame.PERMINTE, "many", "few")
table["passed"] = np.where(share > share.median(), "yes", "no")
table = table.sample(frac=1.0, random_state=0).reset_index(drop=True)
learn, held = table.iloc[:200], table.iloc[200:].reset_index(drop=True)

# The rule under test, made from the rows learned from: a district passes where few families are poor.
cut = float(learn.low_income.median())


def right(rows):
    """1 where the rule is right, 0 where it is wrong."""
    income = np.asarray(rows.column("low_income").to_pylist(), dtype=float)
    said = [{True: "yes", False: "no"}.get(v, v) for v in rows.column("passed").to_pylist()]
    return ((income < cut) == (np.asarray(said) == "yes")).astype(float)


schema = locum.detect(table, target="passed", protected=["minority"])
test = canonical(read(held), schema)
drawn = pools(test, schema, generators=3, rows=1_500)
for group in subgroups(right, test, drawn, schema=schema, by=["minority", "low_income"]):
    print(" and ".join(f"{a} {b}" for a, b in group.group), "->", f"{group.trust}:", group.sentence)

model = locum.fit(learn, synthesizer="tree-fast")
found = locum.evaluate(
    learn,
    locum.sample(model, 200),
    holdout=held,
    target="passed",
    protected=["minority"],
    effort="quick",
)
page = found.save(folder() / "education.html")
tell(found.evidence, page)
