"""The judge itself is judged: closed forms on tiny tables, and controls whose scores are known beforehand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from benchmarks import evaluator, nearest, tables
from benchmarks.generate import control
from benchmarks.values import Table, label, labels, tidy
from hypothesis import given
from hypothesis import strategies as st


def tiny(train, holdout=None, categorical=("c",), target="c"):
    train = pd.DataFrame(train)
    return Table("tiny", train, pd.DataFrame(holdout) if holdout else train, tuple(categorical), target)


@pytest.fixture(scope="module")
def mixed():
    return tables.mixed("small", rows=3_000, numbers=6, labels=5, causes=3, seed=1)


# ---------------------------------------------------------------- values


def test_spelling_of_a_label_does_not_matter():
    assert [label(v) for v in ("1.0", "1", 1, 1.0)] == ["1"] * 4
    assert [label(v) for v in ("TRUE", "True", True)] == ["true"] * 3
    assert [label(v) for v in ("", "nan", " ")] == [""] * 3
    assert label("1.05") == "1.05" and label("none") == "none" and label("-2.0") == "-2"
    assert labels(pd.Series(["a", None, "b"])).tolist() == ["a", "", "b"]


def test_a_table_that_cannot_be_judged_says_why():
    table = tiny({"c": ["a", "b"], "n": [1.0, 2.0]})
    with pytest.raises(ValueError, match=r"lacks the columns \['n'\]"):
        tidy(pd.DataFrame({"c": ["a"]}), table)
    with pytest.raises(ValueError, match="'n' holds no number"):
        tidy(pd.DataFrame({"c": ["a"], "n": ["x"]}), table)
    with pytest.raises(ValueError, match="no rows"):
        tidy(table.train.head(0), table)


# ---------------------------------------------------------------- total variation


def test_variation_by_hand():
    table = tiny({"c": list("aaab"), "d": list("xyxy")}, categorical=("c", "d"))
    real = tidy(table.train, table)
    fake = tidy(pd.DataFrame({"c": list("aabz"), "d": list("xxyy")}), table)
    (a, sizes), (b, _) = evaluator.cells(table, real, real), evaluator.cells(table, real, fake)
    assert sizes == [3, 3]  # two levels and the unseen
    # c: (3/4, 1/4, 0) against (2/4, 1/4, 1/4); d: the same on both sides
    assert evaluator.variation(a, b, sizes, 1) == pytest.approx((0.25 + 0.0) / 2)
    # pairs: {ax: 2/4, ay: 1/4, by: 1/4} against {ax: 2/4, by: 1/4, zy: 1/4}
    assert evaluator.variation(a, b, sizes, 2) == pytest.approx(0.25)


def test_missing_numbers_are_a_cell_of_their_own():
    table = tiny({"c": ["a"] * 4, "n": [1.0, 2.0, 3.0, np.nan]})
    real = tidy(table.train, table)
    codes, sizes = evaluator.cells(table, real, real)
    assert codes[3, 1] == sizes[1] - 1 and (codes[:3, 1] < sizes[1] - 1).all()


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=30),
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=30),
)
def test_variation_equals_brute_force(a, b):
    brute = 0.5 * sum(abs(a.count(cell) / len(a) - b.count(cell) / len(b)) for cell in {*a, *b})
    # The second shape is so large that only cells which occur are counted.
    for sizes in ([4, 3], [400, 300]):
        assert evaluator.one_variation(np.array(a), np.array(b), sizes) == pytest.approx(brute)


def test_floor_is_what_a_fresh_sample_scores():
    """Five sigma: the mean over 45 pairs of columns has a relative error of about 2 % here."""
    rng = np.random.default_rng(0)
    sizes = [12] * 10

    def sample(n):
        shift = rng.integers(0, 12, size=(n, 1))
        return (shift + rng.integers(0, 6, size=(n, 10))) % 12

    # 144 cells a pair, once with many rows a cell and once with a few: the trend differs, the floor must not.
    for rows in (6_000, 150):
        real = sample(rows * 4 // 3)
        truth = evaluator.variation(sample(rows), sample(rows), sizes, 2)
        assert evaluator.floor(real, sizes, 2, rows) == pytest.approx(truth, rel=0.1)


# ---------------------------------------------------------------- distances and copies


def test_distance_by_hand_and_in_blocks(mixed):
    train, fake = tidy(mixed.train.head(300), mixed), tidy(mixed.holdout.head(200), mixed)
    a, b = nearest.embed(mixed, train, fake), nearest.embed(mixed, train, train)
    gaps = np.abs(a.ranks[:, None] - b.ranks[None]).sum(2) + (a.labels[:, None] != b.labels[None]).sum(2)
    assert np.allclose(nearest.distances(a, b, block=(7, 64)), gaps.min(axis=1), atol=1e-5)


@given(
    st.lists(st.integers(0, 5), min_size=1, max_size=20), st.lists(st.integers(0, 5), min_size=1, max_size=20)
)
def test_auc_counts_ties_half(positive, negative):
    wins = sum((p > n) + 0.5 * (p == n) for p in positive for n in negative)
    found = nearest.auc(np.array(positive, float), np.array(negative, float))
    assert found == pytest.approx(wins / (len(positive) * len(negative)))


def test_exact_copies_by_hand():
    table = tiny({"c": ["a", "b"], "n": [1.0, np.nan]})
    train = tidy(table.train, table)
    fake = pd.DataFrame({"c": ["a", "a", "b", "b"], "n": ["1.0000001", "1.1", "", "2"]})
    assert nearest.exact_copies(table, train, tidy(fake, table)) == 0.5


# ---------------------------------------------------------------- the whole judge on the controls


@pytest.fixture(scope="module")
def scores(mixed):
    return {who: evaluator.judge(*control(mixed, who, 0)) for who in ("copy", "fresh", "independent")}


def test_a_copy_looks_perfect_and_is_found_out(scores):
    found = scores["copy"]
    assert found["tv1"] == found["tv2"] == found["tv3"] == 0
    assert found["copies"] == 1 and found["membership"] > 0.9 and found["nearer_train"] > 0.6
    assert found["tstr"] == found["trtr"]
    assert abs(found["c2st"] - 0.5) < 0.1


def test_a_fresh_sample_is_the_ideal(scores):
    """Four standard errors a measure; the seed is fixed."""
    found = scores["fresh"]
    assert abs(found["c2st"] - 0.5) < 4 * found["c2st_se"] + 0.02
    assert abs(found["membership"] - 0.5) < 4 * found["membership_se"]
    assert found["tv2"] == pytest.approx(found["floor2"], rel=0.15)


def test_shuffled_columns_lose_the_relations_and_nothing_else(scores):
    found = scores["independent"]
    assert found["tv1"] == pytest.approx(0, abs=1e-12)
    assert found["tv3"] > 1.5 * found["floor3"] and found["c2st"] > 0.9
    assert abs(found["tstr"] - 0.5) < 0.1 < found["trtr"] - 0.5
    assert abs(found["membership"] - 0.5) < 5 * found["membership_se"]


def test_utility_of_a_number_is_r2():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(800, 2))
    frame = pd.DataFrame({"x": x[:, 0], "y": 3 * x[:, 0] + 0.1 * x[:, 1]})
    table = tiny(frame[:500], frame[500:].reset_index(drop=True).to_dict("list"), categorical=(), target="y")
    train, holdout = tidy(table.train, table), tidy(table.holdout, table)
    assert evaluator.utility(table, train, holdout) > 0.95
    shuffled = train | {"y": rng.permutation(train["y"])}
    assert evaluator.utility(table, shuffled, holdout) < 0.2
