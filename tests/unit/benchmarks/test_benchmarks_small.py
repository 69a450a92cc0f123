"""The page of small tables: other rows for every seed, paired differences, what is reached."""

from __future__ import annotations

import pytest
from benchmarks import small, tables


def record(who, seed=0, **more):
    scores = {"c2st": 0.55, "tstr": 0.8, "trtr": 0.82, "membership": 0.51, "copies": 0.0}
    errors = {"c2st_se": 0.01, "membership_se": 0.01}
    base = {"table": "lin1000", "who": who, "seed": seed, "data": f"rows{seed}", "status": "ok"}
    base |= {"rows_train": 1000, "columns": 13, "date": "2026-01-02", "cpu_s": 2.0}
    return base | scores | errors | more


def made(**ours):
    baselines = [record(who, seed) for who in small.BASELINES for seed in (0, 1)]
    return small.page([*baselines, *(record("locum-target", seed, **ours) for seed in (0, 1))])


def reached(page):
    return next(line for line in page.splitlines() if line.startswith("| lin1000")).split("|")[-2].strip()


def test_goals_are_told_one_by_one():
    assert reached(made(c2st=0.52)) == "ulrp"
    assert reached(made(c2st=0.56)) == "u·rp"
    assert reached(made(c2st=0.52, tstr=0.75)) == "·l·p"
    assert reached(made(c2st=0.52, membership=0.6)) == "ulr·"


def test_only_the_same_rows_are_paired():
    ours = [record("locum-target", 0, tstr=0.9), record("locum-target", 1, tstr=0.5, data="other rows")]
    assert small.paired(ours, [record("cart", 0), record("cart", 1)], "tstr") == [pytest.approx(0.1)]


def test_the_worst_seed_stands_beside_the_mean_and_absent_peers_are_named():
    page = small.page([record("locum-target", 0, tstr=0.7, c2st=0.6), record("locum-target", 1)])
    row = next(line for line in page.splitlines() if line.startswith("| locum-target"))
    assert "0.575 (0.600)" in row and "0.750 (0.700)" in row
    assert "sdv_gc: left out" in page


def test_a_name_is_a_table_and_a_number_of_rows():
    assert tables.cut_of("adult250") == ("adult", 250)
    assert tables.cut_of("mixed50") is None and tables.cut_of("mixed50500") == ("mixed50", 500)
    assert tables.cut_of("wide300") is None and tables.cut_of("adult") is None
    with pytest.raises(SystemExit):
        small.options(["--tables", "adult"])
    assert len(tables.load("lin200").train) == 200
