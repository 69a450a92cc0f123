"""Units, key release, ranges and quantiles."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from locum.errors import BudgetError, FileFormatError, UsageError
from locum.privacy.budget import Budget
from locum.privacy.group_keys import key_threshold, release_keys
from locum.privacy.ledger import Ledger
from locum.privacy.mechanisms import exponential, gaussian_counts, laplace_counts
from locum.privacy.noise import Noise
from locum.privacy.random_bits import SeededBits
from locum.privacy.unit import Unit, bound_units

BUDGET = Budget.approx(1.0, 1e-6)


# --- units ---


@given(st.lists(st.integers(-2, 6), max_size=60), st.integers(1, 4), st.integers(0, 10**6))
def test_bounding_keeps_k_rows_of_each_unit_and_none_of_nobody(ids: list[int], k: int, seed: int) -> None:
    array = np.array(ids, dtype=np.int64)
    keep = bound_units(array, k, SeededBits(seed))
    for unit in set(ids):
        kept = int(keep[array == unit].sum())
        assert kept == (min(k, ids.count(unit)) if unit >= 0 else 0)


@given(st.lists(st.integers(0, 5), max_size=40), st.integers(1, 3))
def test_one_unit_more_changes_counts_as_declared(ids: list[int], k: int) -> None:
    """With the choice of rows coupled (the first k), a unit changes a table by its L1 and L2 bounds."""
    array = np.array([*ids, 9, 9, 9, 9], dtype=np.int64)
    codes = np.arange(len(array)) % 3

    class InOrder:
        private = False

        def words(self, n: int) -> np.ndarray:
            return np.arange(n, dtype=np.uint64)

    def counts(rows: np.ndarray) -> np.ndarray:
        return np.bincount(codes[rows][bound_units(array[rows], k, InOrder())], minlength=3)

    everyone = np.arange(len(array))
    change = counts(everyone) - counts(everyone[array != 9])
    unit = Unit("id", k)
    assert np.abs(change).sum() <= unit.l1
    assert math.sqrt((change**2).sum()) <= unit.l2
    other = counts(everyone[array != 9]) - counts(everyone)
    replaced = Unit("id", k, "replace")
    swap = change + np.roll(other, 1)
    assert np.abs(swap).sum() <= replaced.l1
    assert math.sqrt((swap**2).sum()) <= replaced.l2 + 1e-12


@pytest.mark.statistical
def test_kept_rows_are_a_fair_choice() -> None:
    """Chi-square of which of 5 rows is kept, 5,000 units; fixed seed, false alarm 1e-6."""
    ids = np.repeat(np.arange(5000), 5)
    keep = bound_units(ids, 1, SeededBits(2)).reshape(-1, 5)
    assert stats.chisquare(keep.sum(axis=0)).pvalue > 1e-6


@pytest.mark.parametrize("bad", [(None, 2, "add-remove"), ("id", 0, "add-remove"), ("id", 1, "both")])
def test_units_that_cannot_be(bad: tuple[str | None, int, str]) -> None:
    with pytest.raises(UsageError):
        Unit(*bad)  # type: ignore[arg-type]
    with pytest.raises(FileFormatError):
        Unit.from_json({"column": bad[0], "rows": bad[1], "adjacency": bad[2]})


def test_units_return_from_json() -> None:
    unit = Unit("patient", 3, "replace")
    assert Unit.from_json(unit.to_json()) == unit
    assert str(unit) == "patient, at most 3 rows each"
    assert str(Unit()) == "row"


# --- keys ---


@pytest.mark.parametrize("adjacency", ["add-remove", "replace"])
@pytest.mark.parametrize("k", [1, 4])
@pytest.mark.parametrize("sigma", [1.5, 40.0])
def test_the_threshold_keeps_its_delta_to_the_last_count(adjacency: str, k: int, sigma: float) -> None:
    """Exact tail of the rounded noise: within delta at the threshold, above it one count lower."""
    unit = Unit("id" if k > 1 else None, k, adjacency)  # type: ignore[arg-type]
    delta = 1e-7
    threshold = key_threshold(unit, sigma, delta)
    sides = 2 if adjacency == "replace" else 1

    def chance(limit: int) -> float:
        return sides * k * float(stats.norm.sf((limit - k - 0.5) / sigma))

    assert chance(threshold) <= delta
    assert chance(threshold - 1) > delta


@pytest.mark.statistical
def test_a_key_of_one_unit_is_released_as_rarely_as_promised() -> None:
    """20,000 keys of one row each, delta 1e-2: at most 275 released with false alarm below 1e-6."""
    ledger = Ledger.test(Budget.approx(1.0, 0.5), seed=1, reserve=0.5)
    keys = release_keys(
        {f"k{i}": 1 for i in range(20_000)}, ledger, column="c", sigma=8.0, delta=1e-2, purpose="keys"
    )
    assert stats.binom.sf(275, 20_000, 1e-2) < 1e-6
    assert len(keys.names) <= 275


def test_common_keys_come_out_sorted_and_paid_for() -> None:
    ledger = Ledger.memory(BUDGET, reserve=0.2)
    counts = {"zebra": 5000, "ant": 4000, "once": 1, "": 3000, "x" * 300: 9000, "line\nbreak": 9000}
    keys = release_keys(counts, ledger, column="animal", sigma=10.0, delta=1e-7, purpose="levels")
    assert keys.names == ("", "ant", "zebra")
    assert (np.abs(keys.counts - [3000, 4000, 5000]) < 80).all()
    (entry,) = ledger.entries
    assert (entry.mechanism, entry.columns, entry.delta) == ("gaussian-threshold", (("animal",),), 1e-7)
    assert entry.rho == pytest.approx(1 / 200)


def test_the_entry_does_not_tell_how_many_keys_there_are() -> None:
    entries = []
    for n in (1, 500):
        ledger = Ledger.memory(BUDGET, reserve=0.2)
        release_keys({str(i): 9 for i in range(n)}, ledger, column="c", sigma=9.0, delta=1e-8, purpose="x")
        entries.append(ledger.entries)
    assert entries[0] == entries[1]


def test_keys_beyond_the_budget_are_not_looked_at() -> None:
    class Untouchable(dict[str, int]):
        def __iter__(self) -> None:  # type: ignore[override]
            raise AssertionError("touched")

    with pytest.raises(BudgetError):
        release_keys(Untouchable(), Ledger.memory(BUDGET), column="c", sigma=9.0, delta=1e-7, purpose="x")


def test_no_keys() -> None:
    ledger = Ledger.memory(BUDGET, reserve=0.5)
    assert release_keys({}, ledger, column="c", sigma=9.0, delta=1e-7, purpose="x").names == ()


# --- choice and Laplace ---


@pytest.mark.statistical
def test_exponential_mechanism_has_its_probabilities() -> None:
    """Chi-square over 6,000 choices, epsilon 0.5, sensitivity 2; fixed seed, false alarm 1e-6."""
    noise, scores = Noise(SeededBits(7)), [0, 3, -8, 10]
    draws = [exponential(scores, 0.5, 2, noise) for _ in range(6000)]
    weights = np.exp(0.5 * np.array(scores) / 4)
    assert stats.chisquare(np.bincount(draws, minlength=4), 6000 * weights / weights.sum()).pvalue > 1e-6


def test_exponential_mechanism_with_scores_beyond_floats() -> None:
    assert exponential([0, 10**30, 10**30 - 10**20], 1e-3, 1, Noise(SeededBits(8))) == 1


def test_counts_keep_their_shape() -> None:
    counts = np.arange(6, dtype=np.int64).reshape(2, 3)
    for noisy in (gaussian_counts(counts, 2.0, Noise()), laplace_counts(counts, 2.0, Noise())):
        assert noisy.shape == (2, 3)
        assert noisy.dtype == np.int64
