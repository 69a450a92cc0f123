# ruff: noqa: T201
"""Education: who goes beyond school, a rule tested by group where single groups have few real rows.

Data: National Longitudinal Survey of Young Men (3,010 men, 1976) as used by Card (1995),
`linearmodels.datasets.card`. The US Bureau of Labor Statistics gives out public-use files of the survey free
of charge; no licence for them was found there or in the package, whose own is NCSA. Not copied here.
"""

import numpy as np
from linearmodels.datasets import card
from telling import folder, tell

import locum
from locum.data.canonical import canonical
from locum.data.read import read
from locum.evaluation.subgroups.groups import ModelScores, pools, score_groups
from locum.synthesizer.refit import Refit

raw = card.load()
table = raw[["age", "motheduc", "KWW"]].copy()
table.columns = ["age", "mother_years", "test_score"]
table["near_college"] = np.where(raw.nearc4 == 1, "yes", "no")
table["race"] = np.where(raw.black == 1, "black", "other")
table["beyond_school"] = np.where(raw.educ > 12, "yes", "no")
table = table[table.test_score.notna()].sample(frac=1.0, random_state=0).reset_index(drop=True)
learn, held = table.iloc[:1_500], table.iloc[1_500:].reset_index(drop=True)

# The rule under test, made from the rows learned from: beyond school goes who scores well.
cut = float(learn.test_score.median())


def right(rows):
    """1 where the rule is right, 0 where it is wrong."""
    score = np.asarray(rows.column("test_score").to_pylist(), dtype=float)
    said = [{True: "yes", False: "no"}.get(v, v) for v in rows.column("beyond_school").to_pylist()]
    return ((score > cut) == (np.asarray(said) == "yes")).astype(float)


schema = locum.detect(table, target="beyond_school", protected=["race"])
test = canonical(read(held.iloc[:400].reset_index(drop=True)), schema)
scored = ModelScores.of(right, test, pools(Refit(), test, schema, generators=3, rows=1_500))
for group in score_groups(scored, schema=schema, by=["race", "near_college"]):
    print(" and ".join(f"{a} {b}" for a, b in group.group), "->", f"{group.trust}:", group.sentence)

model = locum.fit(learn, synthesizer="tree-fast")
found = locum.evaluate(
    learn,
    locum.sample(model, 1_500),
    holdout=held,
    target="beyond_school",
    protected=["race"],
    effort="quick",
    title="Schooling of young men",
)
page = found.save(folder() / "education.html")
tell(found.evidence, page)
