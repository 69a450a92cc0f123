"""The faults that the benchmark of words plants are what they are called, and its tables count right."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from benchmarks.words import FAULTS, Source, draws, page

SOURCE = Source(("t.csv",), "y", "g")


def table(n: int, seed: int) -> pa.Table:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n).round(9)
    return pa.table(
        {
            "x": x,
            "g": rng.choice(["a", "b"], n, p=[0.7, 0.3]).tolist(),
            "y": np.where(x + rng.normal(size=n) > 0.7, "yes", "no").tolist(),
        }
    )


def planted(name: str) -> tuple[pa.Table, pa.Table, pa.Table]:
    fresh, train = table(1000, 1), table(1000, 2)
    fake = FAULTS[name].plant(fresh, train, SOURCE, np.random.default_rng(0))
    assert fake is not None and fake.num_rows == 1000 and fake.schema == fresh.schema
    return fresh, train, fake


def rows_of(t: pa.Table) -> set[tuple[object, ...]]:
    return {tuple(r.values()) for r in t.to_pylist()}


def test_faults_are_what_they_are_called() -> None:
    fresh, _, fake = planted("all shuffled")
    assert sorted(fake["x"].to_pylist()) == sorted(fresh["x"].to_pylist()) and not fake.equals(fresh)
    fresh, _, fake = planted("label shuffled")
    assert fake["x"].equals(fresh["x"]) and not fake["y"].equals(fresh["y"])
    fresh, _, fake = planted("column moved")
    assert np.allclose(fake["x"].to_numpy() - fresh["x"].to_numpy(), 0.25 * np.std(fresh["x"].to_numpy()))
    fresh, train, fake = planted("10 % copies")
    assert len(rows_of(fake) & rows_of(train)) >= 98 and len(rows_of(fresh) & rows_of(train)) < 5
    _, train, fake = planted("30 % near copies")
    away = np.abs(fake["x"].to_numpy()[:300, None] - train["x"].to_numpy()[None]).min(axis=1)
    assert away.max() < 0.05 and len(rows_of(fake) & rows_of(train)) < 10
    fresh, _, fake = planted("mode dropped")
    names = ("g", "y")
    assert any(len(set(fake[n].to_pylist())) < len(set(fresh[n].to_pylist())) for n in names)


def test_faults_of_groups_touch_one_group() -> None:
    def rate(t: pa.Table, group: str) -> float:
        y, g = np.array(t["y"].to_pylist()), np.array(t["g"].to_pylist())
        return float((y[g == group] == "yes").mean())

    fresh, _, fake = planted("noisy group")
    assert rate(fake, "b") == rate(fresh, "b") and rate(fake, "a") > rate(fresh, "a") + 0.05
    fresh, _, fake = planted("positives gone")
    assert rate(fake, "a") < rate(fresh, "a") - 0.05 and abs(rate(fake, "b") - rate(fresh, "b")) < 0.1


def test_draws_do_not_overlap_and_the_page_counts() -> None:
    parts = draws(pa.table({"i": range(1000)}), 300, 0)
    ids = [set(p["i"].to_pylist()) for p in parts]
    assert [len(i) for i in ids] == [300, 150, 300] and not (
        ids[0] & ids[1] | ids[0] & ids[2] | ids[1] & ids[2]
    )
    answers = dict.fromkeys(("faithful", "useful", "private", "risk"), "good") | {"fair": "not measured"}
    found = [
        {"fault": "", "rows": 500, "answers": answers},
        {"fault": "", "rows": 500, "answers": answers | {"risk": "poor", "useful": "unclear"}},
        {"fault": "10 % copies", "rows": 500, "answers": answers | {"private": "middling"}},
    ]
    text = page(found)
    assert "| 500 | risk | 1/2" in text and "| fair |" not in text
    assert "| 500 | useful | 0/2 (0-66 %) | 1/2" in text
    assert "| 10 % copies | 500 | private | 1/1" in text
