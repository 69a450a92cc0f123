"""The whole evaluation: deserved verdicts, controls, alerts, and what is said without a hold-out."""

from __future__ import annotations

import csv
import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from locum.errors import DataError, SchemaError, UsageError
from locum.evaluation.claim import Claim
from locum.evaluation.controls import DESERVED, make, stage
from locum.evaluation.decision import judged
from locum.evaluation.evaluate import evaluate
from locum.evaluation.evidence import Control, Evidence
from locum.evaluation.hold_out_shift import allow_for_shift
from locum.evaluation.metrics.twosample import Anchors
from locum.evaluation.result import Result, Verdict
from locum.evaluation.trial import Trial
from locum.evaluation.verdicts import powerless
from locum.evaluation.vocabulary import verdict_words
from locum.progress import Event
from locum.schema.column import Column
from locum.schema.table import Schema
from locum.synthesizer.refit import Refit

SCHEMA = Schema(
    (
        Column("x", "number"),
        Column("y", "integer"),
        Column("c", "category"),
        Column("label", "boolean"),
        Column("id", "id"),
    ),
    target="label",
    protected=("c",),
)


def rows(n: int, seed: int, link: float = 1.0) -> pa.Table:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    y = np.round(10 * (link * x + 0.5 * rng.normal(size=n))).astype(int)
    c = np.array(["low", "mid", "high"])[
        np.clip(np.round(link * x + 1 + rng.normal(0, 0.4, n)), 0, 2).astype(int)
    ]
    return pa.table(
        {
            "x": pa.array(x, mask=rng.random(n) < 0.05),
            "y": y,
            "c": c.tolist(),
            "label": rng.random(n) < 1 / (1 + np.exp(-3 * link * x)),
            "id": [f"{seed}-{i}" for i in range(n)],
        }
    )


REAL, HELD = rows(1600, 0), rows(800, 1)


def judged_tables(fake: pa.Table, **options: object) -> Evidence:
    given = {"schema": SCHEMA, "holdout": HELD, "controls": False, "generator": Refit(), **options}
    return evaluate(REAL, fake, **given)  # type: ignore[arg-type]


def verdicts(evidence: Evidence) -> dict[str, str]:
    return {a.question: a.verdict for a in evidence.answers}


def test_a_fresh_table_is_faithful_and_useful() -> None:
    events: list[Event] = []
    evidence = judged_tables(rows(1600, 2), controls=True, listener=events.append)
    assert verdicts(evidence) == {
        "faithful": "good",
        "useful": "good",
        "private": "none found",
        "fair": "good",
        "risk": "good",
    }
    assert [c.name for c in evidence.controls] == list(DESERVED)
    assert all(c.passed for c in evidence.controls), [c.got for c in evidence.controls]
    assert not [a for a in evidence.alerts if a.level == "warning"]
    assert evidence.result("fair.parity.c") is not None
    assert (evidence.n_train, evidence.n_synthetic, evidence.n_holdout) == (1600, 1600, 800)
    assert events[0].done == 0 and events[-1].done == events[-1].total == len(evidence.cpu_s)
    assert [v.name for v in evidence.columns][-1] == "id"
    json.dumps(evidence.to_json(), allow_nan=False)


def test_a_copy_is_faithful_and_copied() -> None:
    evidence = judged_tables(REAL)
    assert verdicts(evidence)["faithful"] == "good"
    assert verdicts(evidence)["private"] == "poor"
    where = [a.where for a in evidence.alerts if a.level == "warning"]
    assert where[0] == "copying"


def test_shuffled_columns_are_neither_faithful_nor_useful() -> None:
    evidence = judged_tables(rows(1600, 3, link=0.0))
    assert verdicts(evidence)["faithful"] == verdicts(evidence)["useful"] == "poor"


def test_a_repeated_hold_out_is_noticed() -> None:
    fake = HELD.take(np.random.default_rng(0).integers(800, size=1600))
    assert any("repeat hold-out rows" in a.sentence for a in judged_tables(fake).alerts)


def test_a_hold_out_of_another_population_accuses_nobody() -> None:
    """Train and hold-out are cut by y, and the rows are fresh ones of train's population."""
    whole, fresh = rows(3_000, 5), rows(3_000, 6)
    low = [t.filter(np.nan_to_num(t.column("y").to_numpy()) < 0.3) for t in (whole, fresh)]
    high = whole.filter(np.nan_to_num(whole.column("y").to_numpy()) >= 0.3)
    honest = evaluate(low[0], low[1], schema=SCHEMA, holdout=high, controls=False)
    assert verdicts(honest)["private"] == "unclear"
    assert any("not like the rows learned from" in a.sentence for a in honest.alerts)
    worst = honest.result("attack.worst")
    assert worst is not None and worst.verdict in ("good", "unclear")
    copied = evaluate(low[0], low[0], schema=SCHEMA, holdout=high, controls=False)
    assert verdicts(copied)["private"] == "poor"
    assert not any("not like the rows" in a.sentence for a in judged_tables(rows(1600, 2)).alerts)


def test_a_weak_shift_does_not_hide_a_strong_attack() -> None:
    known = Anchors(0.56, 0.9, 3_000, 0.54, 0.58, ("y",))
    names = ("copying.membership", "attack.density.trees", "copying.exact")
    claim = {"copying.exact": Claim("copies", 0.5, 0.4, 0.6, 1e-9)}
    found = [
        replace(
            result(name, "unclear"),
            question="private",
            target=0.5,
            value=value,
            claims=(claim.get(name, Claim("area", value, value - 0.01, value + 0.01, 1e-9)),),
        )
        for name, value in zip(names, (0.75, 0.57, 0.5), strict=True)
    ]
    said = {r.name: r.verdict for r in judged(allow_for_shift(found, known))}
    assert said == {"copying.membership": "poor", "attack.density.trees": "unclear", "copying.exact": "poor"}
    even = judged(allow_for_shift(found, Anchors(0.51, 0.9, 3_000, 0.49, 0.53)))
    assert {r.verdict for r in even} == {"poor"}


def test_a_hold_out_that_was_learned_from_says_nothing() -> None:
    evidence = evaluate(REAL, rows(1600, 3), schema=SCHEMA, holdout=REAL, controls=False, effort="quick")
    assert verdicts(evidence)["private"] == "unclear"
    assert any("were learned from" in a.sentence for a in evidence.answers)
    assert evidence.n_holdout < 100
    repeated = HELD.take(np.random.default_rng(0).integers(800, size=1600))
    assert verdicts(judged_tables(repeated, effort="quick"))["faithful"] != "good"


def test_rows_learned_from_are_taken_out_of_a_hold_out() -> None:
    """What is said of a stand-in is then what the honest rows of the hold-out say."""

    def known(n: int, seed: int) -> pa.Table:
        """Without gaps no two rows are the same."""
        return rows(n, seed).filter(pc.is_valid(pc.field("x"))).slice(0, n - n // 5)

    schema = replace(SCHEMA, columns=SCHEMA.columns[:4], protected=())
    real, held, fake = known(1000, 0), known(500, 1), known(1000, 3)
    mixed, honest = (
        evaluate(real, fake, schema=schema, holdout=h, controls=False, effort="quick")
        for h in (pa.concat_tables([held, real.slice(0, 400)]), held)
    )
    assert mixed.n_holdout == 400
    assert [r.value for r in mixed.results] == [r.value for r in honest.results]
    assert any("400 of 800 hold-out rows repeat" in a.sentence for a in mixed.alerts)
    private = next(a for a in mixed.answers if a.question == "private")
    assert "400 of 800 hold-out rows had been learned from" in private.sentence


def test_a_copy_is_caught_without_a_hold_out_and_honest_rows_are_not_accused() -> None:
    for fake, verdict in ((REAL, "poor"), (rows(1600, 3), "unclear")):
        evidence = judged_tables(fake, holdout=None, controls=False, effort="quick")
        assert verdicts(evidence)["private"] == verdict


def test_no_hold_out_is_said() -> None:
    evidence = judged_tables(rows(1600, 3), holdout=None)
    private = next(a for a in evidence.answers if a.question == "private")
    assert private.verdict == "unclear" and "cannot be judged" in private.sentence
    assert evidence.result("copying.distance") is None
    assert evidence.result("copying.exact").verdict == "unclear"  # type: ignore[union-attr]
    for name in ("c2st", "utility.kept"):
        assert "may have seen" in evidence.result(name).sentence  # type: ignore[union-attr]
    assert any(a.where == "hold-out" and a.level == "warning" for a in evidence.alerts)
    assert all(c.holdout is None for c in evidence.columns)


def test_same_inputs_same_evidence() -> None:
    def run(seed: int) -> dict[str, object]:
        small = {"schema": SCHEMA, "holdout": HELD.slice(0, 120), "seed": seed}
        return replace(evaluate(REAL.slice(0, 200), rows(150, 2), **small), cpu_s={}).to_json()

    first = run(5)
    assert first == run(5)
    assert first != run(6)


def test_data_without_dependence_gives_no_verdict() -> None:
    """Nothing links the columns, so shuffling them harms nothing: the controls must say so."""
    real, held, fake = (rows(300, seed, link=0.0) for seed in (10, 11, 12))
    evidence = evaluate(real, fake, schema=SCHEMA, holdout=held)
    control = next(c for c in evidence.controls if c.name == "independent")
    assert not control.passed and "no power" in control.sentence
    assert verdicts(evidence)["faithful"] == verdicts(evidence)["useful"] == "unclear"
    assert any(a.where == "control: independent" for a in evidence.alerts)


def test_alerts_name_what_is_wrong_with_columns() -> None:
    fake = rows(600, 2)
    fake = fake.set_column(2, "c", pa.array(["low"] * 500 + ["made up"] * 100))
    fake = fake.set_column(1, "y", pa.array([3] * 600))
    alerts = evaluate(
        REAL.slice(0, 600), fake, schema=SCHEMA, holdout=HELD.slice(0, 200), controls=False
    ).alerts
    said = {(a.where, a.sentence.split(":")[0].split(",")[0]) for a in alerts}
    assert ("y", "Constant in the synthetic rows") in said
    empty = fake.set_column(1, "y", pa.nulls(600, REAL.schema.field("y").type))
    noted = evaluate(REAL, empty, schema=SCHEMA, holdout=HELD, controls=False, effort="quick").alerts
    assert any(a.where == "y" and "Missing in every synthetic row" in a.sentence for a in noted)
    text = " ".join(a.sentence for a in alerts if a.where == "c")
    assert "levels that the real rows do not have" in text and "never appear" in text
    constant = REAL.slice(0, 600).set_column(3, "label", pa.array([True] * 600))
    held = HELD.slice(0, 300).set_column(3, "label", pa.array([True] * 300))
    evidence = evaluate(constant, constant, schema=SCHEMA, holdout=held, controls=False)
    assert verdicts(evidence)["useful"] == "not measured"
    assert any(a.where == "label" and "Constant in the real rows" in a.sentence for a in evidence.alerts)
    assert any(a.where == "label" and "Usefulness is not measured" in a.sentence for a in evidence.alerts)


def test_what_is_refused() -> None:
    with pytest.raises(UsageError, match="seed"):
        judged_tables(REAL, seed=-1)
    with pytest.raises(UsageError, match="no column 'nope'"):
        judged_tables(REAL, target="nope")
    with pytest.raises(SchemaError, match="no column 'nope'"):
        judged_tables(REAL, protected=["nope"])
    with pytest.raises(DataError, match="synthetic: 2 of 5 columns are absent"):
        judged_tables(REAL.drop_columns(["x", "c"]))
    with pytest.raises(DataError, match="holdout: the table has no rows"):
        judged_tables(REAL, holdout=HELD.slice(0, 0))


def test_controls_are_what_they_say() -> None:
    trial = Trial(SCHEMA, REAL, rows(50, 2), HELD)
    on = stage(trial, rows=600)
    assert on is not None
    ids = {name: set(getattr(on, name).column("id").to_pylist()) for name in ("train", "test", "fresh")}
    assert (
        not ids["train"] & ids["test"] and not ids["test"] & ids["fresh"] and not ids["train"] & ids["fresh"]
    )
    made = {name: make(name, on, tuple(SCHEMA), 0) for name in DESERVED if name != "fresh"}
    assert {t.num_rows for t in made.values()} == {600}
    assert made["copy"].equals(on.train)
    for name in ("x", "y", "c", "label"):
        assert sorted(map(str, made["independent"].column(name).to_pylist())) == sorted(
            map(str, on.train.column(name).to_pylist())
        )
    leaked = made["half-leaked"].column("id").to_pylist()
    assert sum(i in ids["train"] for i in leaked) == 300
    assert sum(i in ids["fresh"] for i in leaked) == 300
    uniform = made["uniform"]
    shares = np.unique(uniform.column("c").to_pylist(), return_counts=True)[1] / 600
    assert np.abs(shares - 1 / 3).max() < 0.08
    y, real = uniform.column("y").to_numpy(), on.train.column("y").to_numpy()
    assert (
        real.min() <= y.min()
        and y.max() <= real.max()
        and abs(np.mean(y) - (real.min() + real.max()) / 2) < 2
    )
    assert uniform.column("x").null_count == on.train.column("x").null_count
    assert stage(Trial(SCHEMA, REAL.slice(0, 1), REAL, HELD), 600) is None


def result(name: str, verdict: Verdict) -> Result:
    return Result(name, name, "faithful", 0.5, "lower", f"{name} is so.", verdict=verdict)


def test_a_failed_control_silences_the_verdict_it_would_share() -> None:
    """Good means nothing where what should fail passed, and a finding nothing where real rows got it too."""

    def silenced(deserved: str, got: str) -> set[tuple[str, Verdict]]:
        return powerless([Control("c", {"faithful": deserved}, {"faithful": got}, deserved == got, "")])

    assert silenced("poor", "poor") == silenced("poor", "middling") == set()
    assert silenced("poor", "unclear") == silenced("poor", "good") == {("faithful", "good")}
    assert silenced("good", "poor") == {("faithful", "poor"), ("faithful", "middling")}
    assert silenced("good", "unclear") == silenced("good", "good") == set()
    shaky = Claim("judge", 0.9, 0.88, 0.92, 1e-9)
    found = replace(result("c2st", "unclear"), claims=(shaky,))
    assert judged([found])[0].verdict == "poor"
    assert judged([found], silenced("good", "middling"))[0].verdict == "unclear"
    assert judged([found], silenced("poor", "good"))[0].verdict == "poor"


def test_a_passed_smoke_test_is_no_proof() -> None:
    evidence = judged_tables(rows(1600, 2))
    answer = evidence.answers[2]
    assert answer.question == "private" and answer.verdict in ("none found", "unclear")
    assert "no proof" in answer.sentence and "No guarantee" in answer.sentence
    assert verdict_words("good", "private") == "No copying found"


def data_folder() -> Path:
    named = os.environ.get("LOCUM_TEST_DATA")
    return Path(named) if named else Path(__file__).parents[4] / "shared" / "data"


def adult(name: str, limit: int) -> pa.Table:
    path = data_folder() / "tabular" / name
    if not path.exists():
        pytest.skip(f"test_studies_evaluate: {name} is not beside the project (set LOCUM_TEST_DATA)")
    with path.open(newline="") as file:
        reader = csv.reader(file)
        head = next(reader)
        found = [row for _, row in zip(range(limit), reader, strict=False)]
    columns = []
    for values in zip(*found, strict=True):
        numeric = all(v.lstrip("-").isdigit() for v in values)
        columns.append(pa.array([int(v) for v in values] if numeric else list(values)))
    return pa.table(columns, names=head)


def test_adult_controls_get_what_they_deserve() -> None:
    real, held = adult("adult_train.csv", 3000), adult("adult_holdout.csv", 1200)
    schema = Schema(
        tuple(Column(f.name, "integer" if f.type == pa.int64() else "category") for f in real.schema),
        target="income",
    )
    evidence = evaluate(real.slice(0, 1500), real.slice(1500), schema=schema, holdout=held)
    assert all(c.passed for c in evidence.controls), [(c.name, c.got) for c in evidence.controls]
    assert verdicts(evidence)["faithful"] == "good" and verdicts(evidence)["private"] == "none found"
    assert evidence.result("utility.tstr").value == pytest.approx(0.90, abs=0.03)  # type: ignore[union-attr]


def test_a_few_synthetic_rows_are_not_said_to_be_no_copies() -> None:
    for n, words in ((1, "only 1 synthetic row"), (5, "synthetic rows")):
        evidence = judged_tables(REAL.slice(0, n))
        assert verdicts(evidence)["private"] in ("unclear", "poor")
        sentence = next(a.sentence for a in evidence.answers if a.question == "private")
        assert "found no copying" not in sentence and words in sentence
        exact = evidence.result("copying.exact")
        assert exact is not None and exact.verdict != "good"
