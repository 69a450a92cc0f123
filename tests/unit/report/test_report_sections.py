"""Attacks and fairness as the page arranges them, and charts that a narrow page does not cut."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

from locum.evaluation.result import Result
from locum.evaluation.subgroups.result import GroupEstimate, Subgroup, Subgrouping, SubgroupTable
from locum.report.charts.roc import RocCurve, legend, roc
from locum.report.charts.scatter import Axis, Point, scatter
from locum.report.page import MAX_FAIR_OPEN, build
from locum.report.sections import attacks


def made(name: str, question: Any, verdict: Any = "good", **detail: Any) -> Result:
    """A result with the least it can have."""
    return Result(
        name=name,
        title=name,
        question=question,
        value=0.5,
        reference=0.5,
        direction="lower",
        verdict=verdict,
        sentence="A sentence.",
        detail=detail,
    )


CURVE = ((0.0, 0.0), (0.01, 0.02), (1.0, 1.0))


def test_attacks_on_membership_stand_apart_and_the_accused_one_is_marked():
    found = attacks(
        [
            made("attack.worst", "private", "poor", attack="attack.b"),
            dataclasses.replace(
                made("attack.a", "private", roc=CURVE, found=[{"false_rate": 0.01, "found": 0.02}]), value=0.9
            ),
            made("attack.b", "private", roc=CURVE, found=[{"false_rate": 0.01, "found": 0.02}]),
            made("attack.groups.sex", "private"),
            made("attack.linkability", "private"),
        ]
    )
    assert [a.result.name for a in found.members] == ["attack.a", "attack.b", "attack.groups.sex"]
    assert [a.result.name for a in found.values] == ["attack.linkability"]
    assert [c.name for c, _ in found.names if c.first] == ["attack.b"]


def test_of_many_fairness_measures_the_good_ones_are_folded(evidence, context):
    many = [made(f"fair.{i}", "fair", "poor" if i == 3 else "good") for i in range(MAX_FAIR_OPEN + 2)]
    page = build(dataclasses.replace(evidence, results=tuple(many)), context)
    assert [r.result.name for r in page["fairness"]] == ["fair.3"]
    assert len(page["fair_too"]) == MAX_FAIR_OPEN + 1
    few = build(dataclasses.replace(evidence, results=tuple(many[:4])), context)
    assert len(few["fairness"]) == 4 and not few["fair_too"]


def test_curves_are_named_beside_the_picture_with_what_they_find():
    curves = [RocCurve("low", CURVE), RocCurve("high", ((0.0, 0.0), (0.01, 0.4), (1.0, 1.0)), first=True)]
    assert [(c.name, round(at, 3)) for c, at in legend(curves)] == [("high", 0.4), ("low", 0.02)]
    assert not re.search(r"<text[^>]*>high", str(roc(curves)))


def test_names_at_the_right_edge_stand_to_the_left_of_their_dots():
    points = [Point("left", 0.0, 0.0, False, False), Point("a-long-name", 1.0, 1.0, False, False)]
    picture = str(scatter(points, Axis("x"), Axis("y")))
    assert re.search(r'text-anchor="end"[^>]*>a-long-name<', picture)
    assert not re.search(r'text-anchor="end"[^>]*>left<', picture)
    assert ">0.2<" in picture and ">0.200<" not in picture


def test_a_group_of_one_row_is_not_named_as_the_worst():
    def group(name: str, value: float, low: float, high: float, rows: int) -> Subgroup:
        return Subgroup((("g", name),), GroupEstimate(value, low, high, rows), None, "real", "")

    everybody = Subgroup((), GroupEstimate(0.9, 0.88, 0.92, 900), None, "real", "")
    groups = (group("one", 0.0, 0.0, 0.79, 1), group("many", 0.7, 0.6, 0.8, 90))
    found = Subgrouping(
        "t",
        900,
        "m",
        "y",
        "share right",
        everybody,
        (SubgroupTable(("g",), groups),),
        (),
        "tree-fast",
        2,
        10,
        0,
    )
    assert found.worst is not None and found.worst.name == "many"
