"""Trials: cells, views, and what is refused."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from locum.errors import DataError, UsageError
from locum.evaluation.learn.cells import cut, level_codes, levels_of, numeric, quantile_edges
from locum.evaluation.learn.features import FeatureView, RankView
from locum.evaluation.trial import Trial, spread, thin
from locum.schema.column import Column
from locum.schema.table import Schema


def chunked(values: list[object], kind: pa.DataType | None = None) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values, kind)])


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=80))
def test_edges_are_numpys_quantiles(values: list[float]) -> None:
    expected = np.unique(np.quantile(values, np.linspace(0, 1, 21)[1:-1]))
    found = quantile_edges(np.array(values))
    if len(found) == len(expected):
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)
    assert len(found) <= 19


def test_edges_of_infinite_and_huge_values() -> None:
    values = np.array([-np.inf] * 30 + [1e308, -1e308, 0.0] + [np.inf] * 30)
    edges = quantile_edges(values)
    assert not np.isnan(edges).any() and (np.diff(edges) > 0).all()
    assert len(quantile_edges(np.empty(0))) == 0


def test_a_spike_owns_a_cell() -> None:
    values = np.concatenate([np.zeros(900), np.arange(1, 101)])
    c = cut(Column("gain", "number"), chunked(values.tolist()))
    cells = c.codes(chunked([0.0, 0.5, 50.0, -1.0, None, 1e9]))
    assert cells[3] == 0  # below everything seen
    assert cells[0] != cells[2] and cells[0] != cells[3]
    assert cells[4] == c.null == c.size - 1
    assert cells[5] == c.size - 2


@pytest.mark.parametrize(("kind", "near"), [("number", 1.0), ("integer", 1.0), ("duration", 1.0)])
def test_what_lies_above_a_spike_is_another_cell(kind: str, near: float) -> None:
    """A column of mostly zeros: values just above zero are no zeros, though no quantile tells them apart."""
    values = np.concatenate([np.zeros(970), np.arange(100, 3100, 100)])
    known = chunked(values.tolist() if kind == "number" else values.astype(int).tolist())
    c = cut(Column("loss", kind), known)  # type: ignore[arg-type]
    cells = c.codes(chunked([0.0, near, 3000.0]))
    assert cells[0] != cells[1]
    assert cells[1] == cells[2]
    few = cut(Column("step", "integer"), chunked([1, 2, 3] * 40))
    assert few.edges.tolist() == [1, 2, 3]


def test_labels_unseen_and_missing_have_their_own_cells() -> None:
    c = cut(Column("label", "category"), chunked(["b", "b", "a", None, "é"]))
    assert c.levels == ("b", "a", "é")
    assert c.codes(chunked(["a", "b", "new", None, ""])).tolist() == [1, 0, 3, 4, 3]
    assert level_codes(chunked([True, None, False]), ("false", "true")).tolist() == [1, 3, 0]
    assert levels_of(chunked([None, None], pa.string())) == ()


def test_times_become_numbers() -> None:
    day = numeric(chunked([dt.date(1970, 1, 2), None]))
    assert day[0] == 1 and math.isnan(day[1])
    when = numeric(chunked([dt.datetime(1970, 1, 1, 0, 0, 1)], pa.timestamp("us")))
    assert when[0] == 1e6
    assert numeric(chunked([2**62, None], pa.int64()))[0] == 2.0**62


def test_feature_view_hides_what_real_rows_do_not_have() -> None:
    columns = (Column("x", "number"), Column("c", "category"))
    real = pa.table({"x": [1.0, math.inf, None], "c": ["a", "b", None]})
    view = FeatureView.learn(columns, real)
    assert view.categorical == (1,)
    out = view.matrix(pa.table({"x": [2.0, None, -math.inf], "c": ["new", None, "b"]}))
    assert math.isnan(out[0, 1]) and out[1, 1] == 3 and out[2, 1] == 1
    assert math.isnan(out[1, 0]) and np.isfinite(out[2, 0])
    assert out.dtype == np.float64


def test_ranks_follow_the_train_values() -> None:
    columns = (Column("x", "integer"), Column("c", "category"))
    view = RankView.learn(columns, pa.table({"x": [10, 20, 20, 40], "c": ["a", "a", "b", "b"]}))
    ranks = view.ranks(pa.table({"x": [20, 5, 99, None], "c": ["a", "zzz", None, "b"]}))
    np.testing.assert_allclose(ranks.ordered[:, 0], [0.5, 0.0, 1.0, -0.5])
    assert ranks.labels[:, 0].tolist() == [0, 2, 3, 1]
    assert ranks.labels.dtype == np.uint8
    wide = RankView.learn(columns[1:], pa.table({"c": [f"{i}" for i in range(400)]}))
    assert len(np.unique(wide.ranks(pa.table({"c": [f"{i}" for i in range(400)]})).labels)) == 400


SCHEMA = Schema((Column("x", "number"), Column("c", "category"), Column("id", "id")))


def table(n: int, seed: int = 0) -> pa.Table:
    rng = np.random.default_rng(seed)
    return pa.table(
        {"id": [f"{seed}{i}" for i in range(n)], "c": rng.choice(["a", "b"], n), "x": rng.normal(size=n)}
    )


def test_trial_orders_columns_and_leaves_ids_out() -> None:
    trial = Trial(SCHEMA, table(50), table(40, 1), table(20, 2))
    assert trial.train.column_names == ["x", "c", "id"]
    assert [c.name for c in trial.columns] == ["x", "c"]
    assert trial.independent_test and trial.learning is trial.train and trial.test.num_rows == 20
    assert {name: len(codes) for name, codes in trial.grid.parts.items()} == {
        "train": 50, "synthetic": 40, "learning": 50, "test": 20, "independent": 40,
    }  # fmt: skip


def test_independent_part_keeps_columns_and_nothing_else() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=4000)
    real = pa.table({"x": x, "c": np.where(x > 0, "a", "b"), "id": [""] * 4000})
    trial = Trial(SCHEMA, real, real, real)
    shares = trial.grid.shares((0, 1))
    single = trial.grid.shares((0,))
    np.testing.assert_allclose(single["train"], single["independent"])
    assert 0.5 * np.abs(shares["train"] - shares["independent"]).sum() > 0.4


def test_without_hold_out_the_halves_share_no_row() -> None:
    trial = Trial(SCHEMA, table(51), table(30, 1))
    assert not trial.independent_test
    ids = [set(part.column("id").to_pylist()) for part in (trial.learning, trial.test)]
    assert not ids[0] & ids[1] and len(ids[0] | ids[1]) == 51
    assert abs(trial.learning.num_rows - trial.test.num_rows) == 1
    assert Trial(SCHEMA, table(51), table(30, 1)).test.equals(trial.test)
    assert not Trial(SCHEMA, table(51), table(30, 1), seed=1).test.equals(trial.test)


def test_wide_tables_are_thinned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("locum.evaluation.trial.MAX_ROWS", 1000)
    trial = Trial(SCHEMA, table(3000), table(2000, 1), table(100, 2))
    assert trial.rows("train").num_rows == trial.rows("synthetic").num_rows == 1000
    assert trial.rows("test").num_rows == 100
    assert trial.train.num_rows == 3000


def test_what_is_refused() -> None:
    with pytest.raises(DataError, match=r"synthetic: 1 of 3 columns are absent: 'x'"):
        Trial(SCHEMA, table(5), table(5).drop_columns("x"))
    with pytest.raises(DataError, match="no rows"):
        Trial(SCHEMA, table(5), table(0))
    with pytest.raises(DataError, match=r"holdout\.x: the column holds string"):
        Trial(SCHEMA, table(5), table(5), table(5).set_column(2, "x", pa.array(["secret"] * 5)))
    with pytest.raises(UsageError, match="no column 'y'"):
        Trial(SCHEMA, table(5), table(5), target="y")


def test_other_types_of_the_same_kind_are_read() -> None:
    other = pa.table(
        {
            "x": pa.array([1, 2, 3], pa.int32()),
            "c": pa.array(["a", None, "b"]).dictionary_encode(),
            "id": pa.array(["1", "2", "3"], pa.large_string()),
        }
    )
    trial = Trial(SCHEMA, table(5), other)
    assert [str(t) for t in trial.synthetic.schema.types] == ["double", "string", "string"]
    zoned = pa.table({"t": pa.array([0], pa.timestamp("us", "UTC"))})
    plain = pa.table({"t": pa.array([0], pa.timestamp("s"))})
    trial = Trial(Schema((Column("t", "datetime"),)), zoned, plain, zoned)
    assert trial.synthetic.schema.field("t").type == zoned.schema.field("t").type


@given(st.integers(0, 30), st.integers(0, 90))
def test_spread_uses_every_row_alike(n: int, wanted: int) -> None:
    rows = spread(n, wanted, np.random.default_rng(0))
    assert len(rows) == (wanted if n else 0)
    if n and wanted:
        counts = np.bincount(rows, minlength=n)
        assert counts.max() - counts.min() <= 1


def test_thin_draws_without_replacement() -> None:
    assert thin(table(5), 9, np.random.default_rng(0)).num_rows == 5
    assert len(set(thin(table(50), 20, np.random.default_rng(0)).column("id").to_pylist())) == 20
