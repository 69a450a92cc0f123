"""Repaired tables: label gaps closed, both parities told, bad requests refused with a sentence."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from locum.errors import DataError, UsageError
from locum.schema.column import Column
from locum.schema.table import Schema
from locum.studies.fair.repair import repair
from locum.synthesizer.table import Synthesizer

COLUMNS = (
    Column(name="sex", kind="category"),
    Column(name="race", kind="category"),
    Column(name="skill", kind="number"),
    Column(name="many", kind="category"),
    Column(name="pay", kind="category"),
)
SCHEMA = Schema(COLUMNS, target="pay")


def people(n: int = 1500, seed: int = 0) -> pa.Table:
    rng = np.random.default_rng(seed)
    sex, race = rng.integers(0, 2, n), rng.choice(3, size=n, p=[0.7, 0.28, 0.02])
    skill = rng.normal(size=n) + 0.3 * sex
    high = rng.random(n) < 1 / (1 + np.exp(-(1.5 * skill - 1.5 + 1.2 * sex - 0.5 * (race == 1))))
    return pa.table(
        {
            "sex": pa.array(np.array(["f", "m"])[sex]),
            "race": pa.array(np.array(["p", "q", "r"])[race]),
            "skill": skill,
            "many": pa.array([f"v{k}" for k in rng.integers(0, 60, n)]),
            "pay": pa.array(np.array(["low", "high"])[high.astype(int)]),
        }
    )


@pytest.fixture(scope="module")
def table():
    return people()


def test_parity_of_crossed_groups_is_reached_and_other_columns_are_untouched(table):
    done = repair(table, SCHEMA, target="pay", protected=("sex", "race"), strength=1.0, seed=1)
    assert done.before["label_gap"].value > 0.2
    gaps = [g["after"] for g in done.evidence.groups]
    rows = [g["n_after"] for g in done.evidence.groups]
    # Counts are right up to rounding: a share is off by less than one row of its group.
    mean = np.average(gaps, weights=rows)
    assert all(abs(a - mean) * n < 1.5 for a, n in zip(gaps, rows, strict=True))
    assert done.table.drop(["pay"]).equals(table.drop(["pay"]))
    assert done.table.schema == table.schema
    assert "equalised odds" in done.sentence
    assert "demographic parity" in done.sentence


def test_the_default_strength_is_the_largest_within_the_cost_that_was_asked_for(table):
    found = [
        repair(table, SCHEMA, target="pay", protected=("sex",), cost=c, seed=1) for c in (0.0, 0.02, 1.0)
    ]
    strengths = [done.strength for done in found]
    assert strengths == sorted(strengths)
    assert strengths[-1] == 1
    for done, cost in zip(found, (0.0, 0.02, 1.0), strict=True):
        losses = dict(done.losses)
        assert done.strength == 0 or losses[done.strength] <= cost
        assert done.after["label_gap"].value < 0.01
        assert any(n.startswith(f"Strength {done.strength:g}, foretold") for n in done.notes)


def test_rows_without_enough_of_an_outcome_are_listed_and_not_judged(table):
    done = repair(table, SCHEMA, target="pay", protected=("sex", "race"), least=60)
    names = {r["group"] for r in done.evidence.rates}
    assert set(done.evidence.left_out) < names
    few = {r["group"] for r in done.evidence.rates if min(r["positives"], r["negatives"]) < 60}
    assert few == set(done.evidence.left_out)
    assert any("Not judged" in n for n in done.notes)


def test_reweighing_changes_no_row(table):
    done = repair(table, SCHEMA, target="pay", protected=("sex",), method="reweigh")
    assert done.after["label_gap"].value < 0.005
    assert set(map(str, done.table.to_pylist())) <= set(map(str, table.to_pylist()))


def test_causal_cuts_what_it_is_told(table):
    done = repair(
        table, SCHEMA, target="pay", protected=("sex",), method="causal", notion="dp",
        graph=["sex -> skill", "sex -> pay", "skill -> pay", "race -> pay"],
    )  # fmt: skip
    assert done.after["label_gap"].value < 0.1 < 0.2 < done.before["label_gap"].value
    assert any("sex, skill" in n or "skill, sex" in n for n in done.notes)


def test_a_fitted_model_s_own_chances_are_used_and_repeat(table):
    synth = Synthesizer("few-shot", seed=3).fit_table(table, SCHEMA)
    two = [repair(synth, target="pay", protected=("sex",), rows=600, chances="own", seed=5) for _ in range(2)]
    assert two[0].table.equals(two[1].table)
    assert two[0].after["label_gap"].value < 0.01
    assert two[0].tested_on == "fresh synthetic rows"


def test_columns_after_the_target_are_drawn_again_only_by_a_model(table):
    ask = {"target": "pay", "protected": ("sex",), "method": "causal", "graph": ["sex -> pay", "pay -> many"]}
    with pytest.raises(UsageError, match="many"):
        repair(table, SCHEMA, **ask)


def test_one_model_a_group_keeps_the_groups_shares(table):
    synth = Synthesizer("independent", seed=1).fit_table(table, SCHEMA)
    done = repair(
        synth, target="pay", protected=("sex",), method="groups", data=table, rows=500,
        synthesizer="independent",
    )  # fmt: skip
    share = np.mean([v == "m" for v in done.table.column("sex").to_pylist()])
    assert abs(share - np.mean([v == "m" for v in table.column("sex").to_pylist()])) < 0.01
    # Independent columns lose the gap; one such model a group keeps it.
    assert done.before["label_gap"].value < 0.1 < done.after["label_gap"].value


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"target": "skill"}, "different values"),
        ({"target": "pays"}, "there is no column"),
        ({"protected": ()}, "no protected column"),
        ({"protected": ("pay",)}, "twice"),
        ({"method": "magic"}, "not known"),
        ({"method": "groups"}, "needs the real rows"),
        ({"method": "causal", "graph": ["sex -> pay", "pay -> sex"]}, "cycle"),
        ({"rows": 99_999}, "only 1,500 rows"),
        ({"strength": 1.5}, "not a strength"),
        ({"cost": -1}, "not a cost"),
        ({"least": 0}, "cannot be"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(table, change, words):
    with pytest.raises(UsageError, match=words):
        repair(table, SCHEMA, **{"target": "pay", "protected": ("sex",), **change})


def test_many_levels_and_a_group_of_one_row_are_put_together(table):
    done = repair(table, SCHEMA, target="pay", protected=("many",))
    assert any("one group together" in n or "keep their labels" in n for n in done.notes)
    one = pa.concat_tables([table.slice(0, 800), table.slice(0, 1).set_column(0, "sex", [["x"]])])
    done = repair(one, SCHEMA, target="pay", protected=("sex",))
    assert any("1 rows of groups" in n for n in done.notes)


def test_a_group_without_positives_gets_some_by_parity_and_is_named_by_reweighing(table):
    pairs = zip(table.column("sex").to_pylist(), table.column("pay").to_pylist(), strict=True)
    poor = table.set_column(4, "pay", [["low" if s == "f" else p for s, p in pairs]])
    assert repair(poor, SCHEMA, target="pay", protected=("sex",)).after["label_gap"].value < 0.01
    with pytest.raises(DataError, match="'f' has no row of pay = 'high'"):
        repair(poor, SCHEMA, target="pay", protected=("sex",), method="reweigh")


def test_three_classes_are_repaired_for_parity_and_refused_for_odds(table):
    pay = [p if k % 3 else "mid" for k, p in enumerate(table.column("pay").to_pylist())]
    three = table.set_column(4, "pay", [pay])
    assert repair(three, SCHEMA, target="pay", protected=("sex",)).after["label_gap"].value < 0.01
    with pytest.raises(UsageError, match="two classes"):
        repair(three, SCHEMA, target="pay", protected=("sex",), method="odds")
