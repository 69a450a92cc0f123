"""Integers, numbers, durations: spikes, precision, steps, round numbers, tails, copies."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import ks_2samp

from locum.codes.encoder import Encoder
from locum.codes.settings import EncoderSettings
from locum.schema.column import Column
from locum.schema.table import Schema


def through(values: np.ndarray, kind: str, seed: int = 1, **column: object) -> tuple[np.ndarray, Encoder]:
    """Decoded values of decode(encode(values)), and the encoder."""
    schema = Schema((Column("c", kind, **column),))
    table = pa.table({"c": pa.array(values)})
    encoder = Encoder.fit(table, schema)
    return np.asarray(encoder.decode(encoder.encode(table).codes, seed=seed)["c"]), encoder


def test_spikes_of_a_zero_inflated_column_are_kept() -> None:
    rng = np.random.default_rng(0)
    values = np.where(rng.random(20_000) < 0.9, 0, rng.integers(100, 50_000, 20_000))
    values[rng.random(20_000) < 0.01] = 99_999
    values[rng.random(20_000) < 0.008] = 7_688
    decoded, encoder = through(values, "integer")
    for spike in (0, 7_688, 99_999):
        assert np.array_equal(decoded == spike, values == spike)
    assert encoder.domain.sizes[0] < 200


def test_a_value_of_a_handful_of_rows_is_not_repeated_but_one_of_more_rows_is() -> None:
    """Nine rows of 20,000 in a wide column come back only by chance; thirty come back as often."""
    values = np.random.default_rng(4).integers(0, 2_000_000, 20_000)
    values[:9], values[9:39] = 1_000_003, 1_200_007
    decoded, _ = through(values, "integer")
    assert (decoded == 1_000_003).sum() <= 2
    assert 15 <= (decoded == 1_200_007).sum() <= 45


def test_few_distinct_values_are_all_exact() -> None:
    values = np.repeat(np.arange(60) * 7, np.arange(60) + 5)
    decoded, encoder = through(values, "integer")
    assert np.array_equal(decoded, values)
    assert encoder.domain.sizes == (60,)


def test_codes_ascend_with_the_value() -> None:
    values = np.concatenate([np.zeros(500), np.random.default_rng(1).normal(size=3000).round(3)])
    schema = Schema((Column("c", "number"),))
    encoder = Encoder.fit(pa.table({"c": values}), schema)
    codes = encoder.encode(pa.table({"c": np.sort(values)})).column(0)
    assert (np.diff(codes) >= 0).all()


@pytest.mark.parametrize(
    ("scale", "decimals"), [(0.01, 2), (0.25, 2), (5.0, 0), (100.0, 0), (0.001, 3), (1e-9, 9)]
)
def test_precision_and_steps_are_kept(scale: float, decimals: int) -> None:
    units = np.random.default_rng(2).lognormal(6, 1, 8000).astype(np.int64)
    decoded, _ = through(np.round(units * scale, decimals), "number")
    back = np.round(decoded / scale)
    assert np.array_equal(decoded, np.round(back * scale, decimals))


def test_integers_on_a_shifted_step() -> None:
    values = np.random.default_rng(3).integers(0, 10_000, 5000) * 12 + 7
    decoded, _ = through(values, "integer")
    assert (decoded % 12 == 7).all()


def test_single_precision_stays_single() -> None:
    values = np.random.default_rng(4).normal(size=4000).astype(np.float32).astype(np.float64)
    decoded, _ = through(values, "number")
    assert np.array_equal(decoded, decoded.astype(np.float32).astype(np.float64))


@pytest.mark.statistical
@pytest.mark.parametrize("shape", ["normal", "lognormal", "bimodal", "pareto", "integer"])
def test_distribution_is_kept(shape: str) -> None:
    """KS distance of decoded to real stays under 0.008 at 20,000 rows; the seed is fixed: no false alarm."""
    rng = np.random.default_rng(5)
    values = {
        "normal": rng.normal(size=20_000),
        "lognormal": rng.lognormal(0, 2, 20_000).round(2),
        "bimodal": np.concatenate([rng.normal(-50, 1, 10_000), rng.normal(1e6, 1, 10_000)]),
        "pareto": rng.pareto(1.0, 20_000),
        "integer": rng.poisson(300, 20_000).astype(np.int64),
    }[shape]
    decoded, _ = through(values, "integer" if shape == "integer" else "number")
    assert ks_2samp(values, decoded).statistic < 0.008
    if shape == "bimodal":
        assert not ((decoded > 0) & (decoded < 999_000)).any()


def test_round_numbers_stay_as_frequent() -> None:
    """Prices of which a third are rounded to 100 and a third to 10; also near the ends of the column."""
    rng = np.random.default_rng(6)
    values = rng.lognormal(9, 0.6, 30_000).astype(np.int64)
    pick = rng.random(30_000)
    values = np.where(pick < 0.33, values // 100 * 100, np.where(pick < 0.66, values // 10 * 10, values))
    decoded, encoder = through(values, "integer")
    assert encoder.books[0].grid.heaping is not None
    for low, high in [(0, 5000), (5000, 12_000), (12_000, 10**9)]:
        real = values[(values >= low) & (values < high)]
        fake = decoded[(decoded >= low) & (decoded < high)]
        for step in (10, 100):
            assert abs((real % step == 0).mean() - (fake % step == 0).mean()) < 0.03


def test_even_values_are_not_taken_for_round_ones() -> None:
    values = np.random.default_rng(7).integers(0, 1_000_000, 20_000)
    _, encoder = through(values, "integer")
    assert encoder.books[0].grid.heaping is None


def test_values_of_a_continuous_column_are_not_copied() -> None:
    values = np.random.default_rng(8).normal(size=20_000)
    decoded, _ = through(values, "number")
    assert not np.isin(decoded, values).any()


def test_copies_on_a_raster_are_as_frequent_as_by_chance() -> None:
    """A fresh sample of the same distribution meets the training values as often as the decoded one does."""
    rng = np.random.default_rng(9)
    values = rng.normal(200_000, 80_000, 20_000).astype(np.int64)
    fresh = rng.normal(200_000, 80_000, 20_000).astype(np.int64)
    decoded, _ = through(values, "integer")
    assert abs(np.isin(decoded, values).mean() - np.isin(fresh, values).mean()) < 0.02


def test_no_edge_is_a_single_persons_extreme() -> None:
    """The real maximum, far out, is not reached; no stored number is one of the five outermost values."""
    rng = np.random.default_rng(10)
    values = np.concatenate([rng.normal(50_000, 9_000, 10_000).round(2), [9_876_543.21, -1_234_567.89]])
    schema = Schema((Column("c", "number"),))
    encoder = Encoder.fit(pa.table({"c": values}), schema)
    codes = np.full((5000, 1), encoder.domain.sizes[0] - 1, dtype=np.int32)
    drawn = np.asarray(encoder.decode(codes, seed=0)["c"])
    assert drawn.max() <= np.sort(values)[-4]
    grid = encoder.books[0].grid
    outer = np.round(np.sort(values)[[0, 1, 2, 3, 4, -5, -4, -3, -2, -1]] * 100).astype(np.int64)
    assert not np.isin(np.concatenate([grid.low, grid.high, grid.upper]), outer).any()


def test_unseen_values_go_to_the_nearest_code() -> None:
    values = np.repeat([0, 10, 20], 50)
    schema = Schema((Column("c", "integer"),))
    encoder = Encoder.fit(pa.table({"c": values}), schema)
    codes = encoder.encode(pa.table({"c": [-99, 4, 6, 14, 16, 10**9]})).column(0)
    assert codes.tolist() == [0, 0, 1, 1, 2, 2]


def test_infinities_are_codes_of_their_own() -> None:
    values = np.array([np.inf, -np.inf, np.inf, *np.arange(100.0)])
    decoded, encoder = through(values, "number")
    assert np.array_equal(np.isinf(decoded), np.isinf(values))
    assert decoded[0] == np.inf
    assert decoded[1] == -np.inf
    plain = Encoder.fit(pa.table({"c": np.arange(100.0)}), encoder.schema)
    ends = plain.encode(pa.table({"c": [-np.inf, np.inf]})).column(0)
    assert ends.tolist() == [0, plain.domain.sizes[0] - 1]


def test_a_missing_value_where_none_was_seen_goes_to_the_most_frequent_code() -> None:
    schema = Schema((Column("c", "integer"),))
    encoder = Encoder.fit(pa.table({"c": [1] * 20 + [2] * 50 + [3] * 20}), schema)
    codes = encoder.encode(pa.table({"c": pa.array([None, 2], type=pa.int64())})).column(0)
    assert codes[0] == codes[1]
    assert encoder.domain.attributes[0].null is None


def test_extremes_of_int64_and_huge_floats_work() -> None:
    rng = np.random.default_rng(11)
    integers = rng.integers(-(2**63), 2**63 - 1, 3000, dtype=np.int64)
    decoded, _ = through(integers, "integer")
    assert ks_2samp(integers.astype(float), decoded.astype(float)).statistic < 0.02
    floats = rng.normal(size=3000) * 1e300
    decoded, _ = through(floats, "number")
    assert np.isfinite(decoded).all()
    assert ks_2samp(floats, decoded).statistic < 0.02


def test_durations_keep_whole_minutes() -> None:
    minutes = np.random.default_rng(12).gamma(2, 400, 5000).astype(np.int64)
    values = pa.array(minutes * 60_000_000).view(pa.duration("us"))
    schema = Schema((Column("c", "duration"),))
    encoder = Encoder.fit(pa.table({"c": values}), schema)
    decoded = encoder.decode(encoder.encode(pa.table({"c": values})).codes, seed=0)["c"].combine_chunks()
    assert decoded.type == pa.duration("us")
    assert (np.asarray(decoded.view(pa.int64())) % 60_000_000 == 0).all()


@pytest.mark.parametrize("n", [64, 32, 8])
def test_coarse_settings_hold_their_promise(n: int) -> None:
    rng = np.random.default_rng(13)
    spiky = np.where(rng.random(5000) < 0.6, rng.integers(0, 40, 5000) ** 3, rng.integers(0, 60_000, 5000))
    schema = Schema((Column("c", "integer"), Column("d", "category")))
    table = pa.table({"c": spiky, "d": pa.array((spiky % 150).astype(str))})
    encoder = Encoder.fit(table, schema, settings=EncoderSettings.coarse(n))
    assert max(encoder.domain.sizes) <= n
