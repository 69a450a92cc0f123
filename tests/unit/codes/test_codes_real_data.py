"""On real tables a boosted-tree test must not tell decode(encode(rows)) from other real rows."""

from __future__ import annotations

import os
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv
import pytest
from scipy.stats import rankdata

from locum.codes.encoder import Encoder
from locum.schema.column import Column
from locum.schema.table import Dependency, Schema

PLACE = Path(os.environ.get("LOCUM_TEST_DATA", Path(__file__).parents[4] / "shared" / "data")) / "tabular"
needs_data = pytest.mark.skipif(
    not PLACE.is_dir(), reason=f"test data not found: {PLACE.name} ($LOCUM_TEST_DATA)"
)


def read(name: str) -> tuple[pa.Table, list[Column]]:
    raw = csv.read_csv(PLACE / name)
    columns, arrays = [], []
    for field in raw.schema:
        values = raw[field.name].combine_chunks()
        kind = "integer" if pa.types.is_integer(field.type) else "category"
        kind = "number" if pa.types.is_floating(field.type) else kind
        kind = "boolean" if pa.types.is_boolean(field.type) else kind
        columns.append(Column(field.name, kind))
        arrays.append(values.cast(pa.string()) if kind == "category" else values)
    return pa.table(arrays, names=raw.column_names), columns


def two_sample_auc(real: pa.Table, fake: pa.Table) -> float:
    """Out-of-fold ROC AUC of a LightGBM that tells the tables apart; 0.5 when it cannot."""
    n = min(real.num_rows, fake.num_rows, 6000)
    both = pa.concat_tables([real.slice(0, n), fake.slice(0, n)]).combine_chunks()
    features, labels = [], np.repeat([0, 1], n)
    categorical = []
    for i, name in enumerate(both.column_names):
        values = both[name].combine_chunks()
        if pa.types.is_string(values.type):
            categorical.append(i)
            values = pc.dictionary_encode(values).indices
        features.append(values.cast(pa.float64()).to_numpy(zero_copy_only=False))
    x = np.stack(features, axis=1)
    fold = np.random.default_rng(0).permutation(2 * n) % 3
    score = np.zeros(2 * n)
    quiet = {"objective": "binary", "verbose": -1, "num_threads": 1, "seed": 0}
    for k in range(3):
        train = lgb.Dataset(x[fold != k], labels[fold != k], categorical_feature=categorical, params=quiet)
        score[fold == k] = lgb.train(quiet, train, 60).predict(x[fold == k])
    ranks = rankdata(score)[labels == 1]
    return float((ranks.sum() - n * (n + 1) / 2) / n**2)


@needs_data
@pytest.mark.statistical
def test_adult_is_not_told_apart_after_coding() -> None:
    """AUC within 0.02 of 0.5; standard error about 0.005, data and seeds fixed."""
    train, columns = read("adult_train.csv")
    holdout, _ = read("adult_holdout.csv")
    schema = Schema(tuple(columns), (Dependency("education", "education-num"),))
    encoder = Encoder.fit(train, schema)
    decoded = encoder.decode(encoder.encode(train).codes, seed=1)
    shuffled = decoded.take(pa.array(np.random.default_rng(0).permutation(train.num_rows)))
    assert abs(two_sample_auc(holdout, shuffled) - 0.5) < 0.02
    gain = np.asarray(train["capital-gain"]), np.asarray(decoded["capital-gain"])
    for spike in (0, 15_024, 7_688, 99_999):
        assert np.array_equal(gain[0] == spike, gain[1] == spike)
    pairs = set(zip(train["education"].to_pylist(), train["education-num"].to_pylist(), strict=True))
    assert (
        set(zip(decoded["education"].to_pylist(), decoded["education-num"].to_pylist(), strict=True)) == pairs
    )


@needs_data
@pytest.mark.statistical
def test_shoppers_are_not_told_apart_after_coding() -> None:
    """AUC within 0.025 of 0.5; standard error about 0.006, data and seeds fixed."""
    table, columns = read("shoppers.csv")
    order = np.random.default_rng(0).permutation(table.num_rows)
    one, other = table.take(pa.array(order[::2])), table.take(pa.array(order[1::2]))
    encoder = Encoder.fit(one, Schema(tuple(columns)))
    decoded = encoder.decode(encoder.encode(one).codes, seed=1)
    assert abs(two_sample_auc(other, decoded) - 0.5) < 0.025


@needs_data
def test_weights_of_adult_are_copied_as_often_as_by_chance() -> None:
    """Share of `fnlwgt` values that occur in training: decoded rows against real rows not trained on."""
    train, columns = read("adult_train.csv")
    holdout, _ = read("adult_holdout.csv")
    real, fresh = np.asarray(train["fnlwgt"]), np.asarray(holdout["fnlwgt"])
    encoder = Encoder.fit(train, Schema(tuple(columns)))
    decoded = np.asarray(encoder.decode(encoder.encode(train).codes, seed=1)["fnlwgt"])
    assert np.isin(decoded, real).mean() < np.isin(fresh, real).mean()
