# ruff: noqa: T201
"""Finance: who holds private insurance, with labels that depend less on sex and origin.

Data: Medical Expenditure Panel Survey 2003, persons of 65 and over (4,500 of 10,391 rows),
`linearmodels.datasets.meps`. A public-use file of the Agency for Healthcare Research and Quality, a work of
the United States government; the package is under the NCSA licence. Read from it, not copied here.
"""

from linearmodels.datasets import meps
from telling import folder, tell

import locum

names = ["age", "educyr", "income", "totchr", "drugexp", "female", "blhisp", "private"]
frame = meps.load()[names].sample(4_500, random_state=0).reset_index(drop=True)
frame["female"] = frame.female.map({0: "male", 1: "female"})
frame["blhisp"] = frame.blhisp.map({0: "other", 1: "black or hispanic"})
frame["private"] = frame.private.map({0: "no", 1: "yes"})
frame = frame.rename(columns={"female": "sex", "blhisp": "origin", "private": "insured"})
frame["income"] = frame.income.round(1)
learn, held = frame.iloc[:3_000], frame.iloc[3_000:].reset_index(drop=True)

model = locum.fit(learn, synthesizer="tree-fast")
for strength in (1.0, 0.25):
    repaired = locum.fair(
        model, target="insured", protected=["origin"], method="parity", strength=strength, test=held
    )
    print(f"strength {strength:g}: {repaired.sentence}")

# The repair moves labels on purpose, so the page shows what it did to likeness as well as to the rates.
found = locum.evaluate(
    learn, repaired.table, holdout=held, target="insured", protected=["sex", "origin"], effort="quick"
)
page = found.save(folder() / "finance.html")
tell(found.evidence, page, also=["fair"])
