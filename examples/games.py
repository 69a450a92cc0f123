# ruff: noqa: T201
"""Games and simulation: a crowd of travellers with asked proportions and rules that no traveller breaks.

Data: Greene's travel mode choice (210 travellers), `statsmodels.datasets.modechoice`; public domain.
Read from the installed package, not copied here.
"""

from statsmodels.datasets import modechoice
from telling import folder, tell

import locum

frame = modechoice.load_pandas().data
frame = frame[frame.choice == 1]  # one row a traveller: the mode that was chosen
frame = frame[["mode", "ttme", "invt", "gc", "hinc", "psize"]].astype(int).reset_index(drop=True)
frame.columns = ["mode", "wait", "ride", "cost", "income", "party"]
frame["mode"] = frame["mode"].map({1: "air", 2: "train", 3: "bus", 4: "car"})
frame = frame.sample(frac=1.0, random_state=0).reset_index(drop=True)
learn, held = frame.iloc[:150], frame.iloc[150:]

RULES = ["if mode = 'car' then wait = 0", "if mode != 'car' then wait > 0"]
model = locum.fit(learn, synthesizer="tree-fast")

# A level of the game: as many travellers by each mode, and never a driver who waits for his own car.
crowd = locum.sample(model, 400, targets={"mode": "balanced"}, rules=RULES)
broken = int(((crowd["mode"] == "car") != (crowd["wait"] == 0)).sum())
print("crowd:", crowd["mode"].value_counts().to_dict(), "rules broken:", broken)
families = locum.sample(model, 50, where="party >= 3 and mode = 'car'", rules=RULES)
print("families by car: smallest party", int(families["party"].min()), "of", len(families), "rows")

# The crowd is bent by the asked shares; what is judged is the model as it is, with its rules.
found = locum.evaluate(
    learn,
    locum.sample(model, 150, rules=RULES),
    holdout=held,
    target="mode",
    effort="quick",
    title="Travellers",
)
page = found.save(folder() / "games.html")
tell(found.evidence, page)
