# ruff: noqa: T201
"""Finance: credit card spending whose label depends less on who owns a home.

Data: Greene's credit card table (72 rows), `statsmodels.datasets.ccard`; "used with express permission of the
original author, who retains all rights". Read from the installed package, not copied here.
"""

from statsmodels.datasets import ccard
from telling import folder, tell

import locum

frame = ccard.load_pandas().data.drop(columns="INCOMESQ")
frame.columns = ["spent", "age", "income", "owner"]
frame["owner"] = frame.owner.map({0: "rents", 1: "owns"})
frame["big_spender"] = (frame.pop("spent") > 200).map({True: "yes", False: "no"})

model = locum.fit(frame, synthesizer="tree-fast")
repaired = locum.fair(model, target="big_spender", protected=["owner"], method="parity", rows=600)
print(repaired.sentence)

# The repair moves labels on purpose, so the page shows what it did to likeness as well as to the rates.
# All 72 rows were learned from: without a hold-out, copying cannot be judged.
found = locum.evaluate(frame, repaired.table, target="big_spender", protected=["owner"], effort="quick")
page = found.save(folder() / "finance.html")
tell(found.evidence, page, also=["fair"])
