"""Figures on few rows: verdicts over cuts, groups and what they cost others, records that survive a kill."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks import amplify, cuts, scarcity, tables

from locum.studies.scarce.conclude import COPIES, HALVED_COPIES, REAL
from locum.studies.scarce.ways import ALIKE, AS_IT_IS, FROM_BOTH


def records(gain: float, copied: float = 0.0) -> list[dict[str, float]]:
    rng = np.random.default_rng(0)
    noise = rng.normal(scale=0.01, size=(10, 3))
    return [{REAL: 0.7 + a, COPIES: 0.7 + copied + b, "way": 0.7 + gain + c} for a, b, c in noise]


def test_a_cell_says_helps_only_over_rows_and_copies() -> None:
    ways = [REAL, COPIES, "way"]
    assert scarcity.cell("way", ways, records(0.1)).endswith("**helps**")
    assert scarcity.cell("way", ways, records(0.1, copied=0.1)).endswith("does not help")
    assert scarcity.cell("way", ways, records(-0.1)).endswith("does not help")
    assert "(" not in scarcity.cell(REAL, ways, records(0.1))


def test_a_group_has_its_difference_and_that_of_the_others() -> None:
    case = amplify.CASES["adult-black"]
    rng = np.random.default_rng(1)
    kept = [
        {"members": 96, "scores": {way: [0.8 + g + rng.normal(scale=0.005), 0.9 - loss] for way, g, loss in (
            (REAL, 0, 0), (COPIES, 0, 0), (HALVED_COPIES, 0, 0), ("good", 0.1, 0), ("dear", 0.1, 0.02))}}
        for _ in range(10)
    ]  # fmt: skip
    lines = amplify.section(case, "few-shot", kept)
    assert "96 of 1000 rows" in lines[0]
    good, dear = (next(line for line in lines if line.startswith(f"| {way}")) for way in ("good", "dear"))
    assert "helps" in good and good.endswith("no loss |")
    assert dear.endswith("a loss |")


def test_records_survive_a_kill(tmp_path) -> None:
    cuts.keep(tmp_path, "x", {"n": 50, "cut": 0})
    with (tmp_path / "x.jsonl").open("a") as file:
        file.write('{"n": 50, "cu')
    assert cuts.load(tmp_path, "x") == [{"n": 50, "cut": 0}] and cuts.load(tmp_path, "y") == []


def test_one_cut_has_every_way() -> None:
    train = tables.drawn("rare", 60, 400, cut=3)
    yes = {"fraud": (train.train["x0"] > 0).astype(int)}
    test = train.holdout.assign(fraud=(train.holdout["x0"] > 0).astype(int))
    pool, other = train.train.assign(**yes), test.head(300)
    found = scarcity.one(scarcity.Case(pool, test.tail(100), "fraud", other, ""), 50, 0, "independent")
    assert {REAL, COPIES, AS_IT_IS, ALIKE, FROM_BOTH} <= set(found["scores"])
    assert all(0 <= score <= 1 for score in found["scores"].values())
    assert found["scores"][AS_IT_IS] == pytest.approx(1.0, abs=0.1)
