"""Columns that determine others: found exactly where brute force finds them, one way and without cycles."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locum.data.dependencies import find_dependencies
from locum.data.detect import detect
from locum.data.read import read
from locum.schema.table import Dependency


def codes(n=2000, seed=0):
    rng = np.random.default_rng(seed)
    city = rng.integers(0, 30, n)
    return {
        "noise": rng.integers(0, 5, n),
        "state": city // 5,
        "city": city,
        "country": city // 15,
        "city_name": (city * 7) % 30,
        "target": city % 2,
        "key": np.arange(n),
        "almost": np.zeros(n, np.int64),
    }


def test_hierarchy_one_to_one_and_keys():
    found = find_dependencies(codes(), never={"target"}, labels={"city_name"})
    assert set(found) == {Dependency("city_name", name) for name in ("state", "city", "country")}
    found = find_dependencies(codes())
    assert set(found) == {Dependency("city", name) for name in ("state", "city_name", "country", "target")}


def test_a_single_exception_is_enough_to_refuse():
    table = codes()
    table = {name: table[name] for name in ("city", "state")}
    assert find_dependencies(table) == (Dependency("city", "state"),)
    table["state"] = table["state"].copy()
    table["state"][-1] = (table["state"][-1] + 1) % 6
    assert find_dependencies(table) == ()


@settings(max_examples=80)
@given(st.integers(0, 10**6), st.integers(2, 6))
def test_found_pairs_hold_and_form_no_chain(seed, k):
    rng = np.random.default_rng(seed)
    base = rng.integers(0, 12, 600)
    table = {f"c{i}": rng.permutation(12)[base] // rng.integers(1, 5) for i in range(k)}
    table = {name: np.unique(values, return_inverse=True)[1] for name, values in table.items()}
    never = {"c0"}
    pairs = find_dependencies(table, never=never)
    dependents = {pair.dependent for pair in pairs}
    assert len(dependents) == len(pairs)
    assert not dependents & never
    assert not dependents & {pair.determinant for pair in pairs}
    for pair in pairs:
        seen = {}
        for a, b in zip(table[pair.determinant], table[pair.dependent], strict=True):
            assert seen.setdefault(a, b) == b


@pytest.mark.parametrize("text", ["text", "number"])
def test_missing_counts_as_a_value(text):
    import pandas as pd

    rng = np.random.default_rng(1)
    code = rng.integers(0, 6, 600)
    names = pd.Series(["a", "b", None, "d", "e", "f"])[code].reset_index(drop=True)
    score = pd.Series([1.5, 2.5, 3.5, 4.5, np.nan, 6.5])[code].reset_index(drop=True)
    schema = detect(read(pd.DataFrame({"names": names, "score": score, "free": rng.normal(size=600)})))
    assert schema.dependencies == (Dependency("names", "score"),)


def towns(n: int, size: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Rows of many towns, a few rows each, and their counties."""
    rng = np.random.default_rng(seed)
    town = np.unique(rng.integers(0, size, n), return_inverse=True)[1]
    county = rng.integers(0, 60, town.max() + 1)[town]
    return {"town": town, "county": np.unique(county, return_inverse=True)[1], "other": rng.integers(0, 9, n)}


@pytest.mark.parametrize(("n", "size"), [(3000, 300), (3000, 1200), (20_000, 6000)])
def test_labels_of_thousands_of_levels_determine_when_repetition_says_so(n: int, size: int) -> None:
    table = towns(n, size)
    assert find_dependencies(table, labels={"town", "county"}) == (Dependency("town", "county"),)
    # Numbers of as many values may be drawn that no row had, so they are never looked up by.
    assert find_dependencies(table, labels={"county"}) == ()
    table["county"] = np.random.default_rng(1).permutation(table["county"])
    assert find_dependencies(table, labels={"town", "county"}) == ()


def test_labels_that_hardly_repeat_determine_nothing() -> None:
    """Of 3,000 rows in 20,000 levels some 200 repeat one: too few, whatever they say."""
    assert find_dependencies(towns(3000, 20_000), labels={"town", "county"}) == ()
