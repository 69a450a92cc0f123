"""Rows beyond all real values: an exact test against how many fresh rows would be."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pyarrow as pa
import pytest

from locum.evaluation.metrics.worst_parts import _beyond, worst_parts
from locum.evaluation.trial import Trial
from locum.schema.column import Column
from locum.schema.table import Schema


def trial(real: list[float], made: list[float]) -> Trial:
    tables = [pa.table({"x": pa.array(v, pa.float64())}) for v in (real, made, real)]
    return Trial(Schema((Column("x", "number"),)), *tables)


def test_the_chance_is_that_of_every_order_of_the_rows() -> None:
    n, m = 5, 4
    for k in (1, 2, 3):
        real = [float(i) for i in range(n)]
        made = [1.5] * (m - k) + [10.0 + i for i in range(k)]
        (claim,) = _beyond(trial(real, made))
        # Of all places that the fresh rows can have in the order of n + m, those that hold the k last ones.
        places = list(combinations(range(n + m), m))
        held = sum(set(range(n + m - k, n + m)) <= set(p) for p in places) / len(places)
        assert claim.p == pytest.approx(min(1.0, 2 * held))


def test_fresh_rows_are_accused_no_more_often_than_stated() -> None:
    """At 5 % among 400 pairs of tables of one law (fixed seed): at most 20 + 3 standard errors."""
    rng = np.random.default_rng(4)
    found = [_beyond(trial(rng.normal(size=60).tolist(), rng.normal(size=60).tolist())) for _ in range(400)]
    assert sum(bool(c) and c[0].p <= 0.05 for c in found) <= 20 + 3 * np.sqrt(400 * 0.05 * 0.95)


def test_outliers_are_the_columns_fault_although_cells_hide_them() -> None:
    rng = np.random.default_rng(5)
    real, made = rng.normal(size=1000), rng.normal(size=1000)
    made[:60] = 50.0 + rng.random(60)
    result = worst_parts(trial(real.tolist(), made.tolist()))[0]
    assert result.name == "columns.worst" and result.value == pytest.approx(0.06, abs=0.01)
    assert result.low is not None and result.low > 0.02


def test_nulls_and_a_column_without_values_are_passed_over() -> None:
    assert not _beyond(trial([1.0, 2.0], [1.0, 2.0]))
    table = pa.table({"x": pa.array([None, None], pa.float64())})
    assert not _beyond(Trial(Schema((Column("x", "number"),)), table, table, table))
