"""Cross-fitted evidence: every real row is tested once, small groups are named; the page holds it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

import locum
from locum.errors import UsageError
from locum.schema.column import Column
from locum.schema.table import Schema
from locum.studies.fair.crossfit import cross_fit
from locum.studies.fair.methods import Order
from locum.studies.fair.page import render

SCHEMA = Schema(
    tuple(Column(name=n, kind=k) for n, k in [("sex", "category"), ("skill", "number"), ("pay", "category")]),
    target="pay",
)


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    sex = rng.choice(3, size=1200, p=[0.5, 0.46, 0.04])
    skill = rng.normal(size=1200) + 0.3 * sex
    high = rng.random(1200) < 1 / (1 + np.exp(-(1.5 * skill - 1 + 1.2 * (sex == 1))))
    return pa.table(
        {
            "sex": pa.array(np.array(["f", "m", "x"])[sex]),
            "skill": skill,
            "pay": pa.array(np.array(["low", "high"])[high.astype(int)]),
        }
    )


@pytest.fixture(scope="module")
def found(table):
    orders = [(("sex",), Order("parity", strength=1.0)), (("sex",), Order("odds"))]
    return cross_fit(table, SCHEMA, orders, target="pay", folds=2, least=30, seed=1)


def test_every_row_is_tested_once_and_small_groups_are_not_judged(table, found):
    for one in found:
        rows = {r["group"]: r["positives"] + r["negatives"] for r in one.evidence.rates}
        counts = dict(zip(*np.unique(table.column("sex").to_pylist(), return_counts=True), strict=True))
        assert rows == {str(k): int(v) for k, v in counts.items()}
        assert one.evidence.left_out == ("x",)
        assert "x" in one.unjudged[0]


def test_the_same_generator_stands_before_every_repair(found):
    parity, odds = found
    assert parity.evidence.before["auc"] == odds.evidence.before["auc"]
    assert parity.evidence.after["label_gap"].value < 0.05 < parity.evidence.before["label_gap"].value
    assert odds.evidence.after["equalized_odds"].value < parity.evidence.after["equalized_odds"].value


def test_one_fold_cannot_be(table):
    with pytest.raises(UsageError, match="folds"):
        cross_fit(table, SCHEMA, [(("sex",), Order("odds"))], target="pay", folds=1)


def test_folds_of_a_table_are_told_and_the_page_shows_them(table):
    done = locum.fair(table, schema=SCHEMA, target="pay", protected=["sex"], method="odds", folds=2, seed=2)
    assert done.tested_on.startswith("all 1,200 real rows")
    page = render(done, table="<b>", target="pay", protected=("sex",), created="2026-11-28T06:00:00+00:00")
    assert "Internal." in page
    assert "error rates of real rows" in page
    assert "<b>" not in page.replace("<b>0", "").split("<h1>")[1].split("</h1>")[0]
    assert f"{done.evidence.beyond_chance['equalized_odds'][1].by_chance:.3f}" in page
