"""What a user meets who names columns to fill, or whose column has a value far out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import locum


def test_columns_that_were_not_named_stay_as_they_are() -> None:
    """Also where a rule that is found would give their cells: b is twice a."""
    whole = np.arange(100.0)
    frame = pd.DataFrame({"a": whole, "b": 2 * whole})
    frame.loc[3, "a"] = frame.loc[7, "b"] = None
    assert locum.impute(frame, columns=["a"]).isna().sum().to_dict() == {"a": 0, "b": 1}
    assert locum.impute(frame).isna().sum().sum() == 0


@pytest.mark.parametrize("far", [1e3, 1e6, 1e12])
def test_one_value_far_out_does_not_decide_all_others(far: float) -> None:
    """200 rows of v = 2x + noise, 50 missing, one spoiled: without it the correlation is .97 to .99."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=200)
    truth = 2 * x + 0.4 * rng.normal(size=200)
    frame = pd.DataFrame({"x": x.round(4), "v": truth.round(4)})
    gaps = rng.permutation(np.arange(1, 200))[:50]
    frame.loc[gaps, "v"], frame.loc[0, "v"] = None, far
    filled = locum.impute(frame, seed=1)["v"].to_numpy()[gaps]
    assert np.corrcoef(filled, x[gaps])[0, 1] > 0.9
    assert filled.max() < 10


def spoiled(places: list[int], far: float, column: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """300 rows of v = 2x + noise, w = v - z + noise, a fifth of x, v, w missing, some of a column spoiled."""
    rng = np.random.default_rng(4)
    x, z = rng.normal(size=(2, 300))
    v = 2 * x + 0.4 * rng.normal(size=300)
    true = pd.DataFrame({"x": x, "z": z, "v": v, "w": v - z + 0.3 * rng.normal(size=300)}).round(4)
    shown = true.copy()
    for name in ("x", "v", "w"):
        shown[name] = shown[name].mask((rng.random(300) < 0.2) & ~np.isin(np.arange(300), places))
    shown.loc[places, column] = [far * (1 + k / 10) for k in range(len(places))]
    return true, shown


@pytest.mark.parametrize("method", ["best", "draw"])
@pytest.mark.parametrize("column", ["x", "v"])
@pytest.mark.parametrize(("many", "far"), [(1, 1e6), (2, 1e6), (3, -1e6), (3, 60.0), (2, 1e12)])
def test_values_far_out_spoil_neither_their_own_column_nor_others(
    method: str, column: str, many: int, far: float
) -> None:
    true, shown = spoiled(list(range(0, 10 * many, 10)), far, column)
    done = locum.impute(shown, method=method, seed=1)
    for name in ("x", "v", "w"):
        gaps = shown[name].isna()
        assert done[name][gaps].corr(true[name][gaps]) > (0.92 if method == "best" else 0.75), name
        assert done[name][gaps].abs().max() < 10
        assert (done[name][~gaps] == shown[name][~gaps]).all()


def test_a_value_far_out_that_many_rows_have_is_drawn_as_often() -> None:
    """Negative control: 8 of 100 rows with a value far out are no slip. Seeds fixed."""
    rng = np.random.default_rng(0)
    v = np.where(rng.random(1000) < 0.08, 1e6, rng.normal(size=1000).round(3))
    shown = pd.DataFrame({"x": rng.normal(size=1000), "v": v})
    gaps = rng.random(1000) < 0.3
    drawn = locum.impute(shown.assign(v=shown["v"].mask(gaps)), seed=2)["v"][gaps]
    assert 0.03 < (drawn > 1e5).mean() < 0.14


def tails(n: int) -> dict[str, pd.DataFrame]:
    """Tables with heavy tails, sums, and columns of other kinds."""
    rng = np.random.default_rng(3)
    x, z = rng.normal(size=(2, n))
    a, b = np.exp(2 * x).round(2), np.exp(1.5 * z).round(2)
    start = pd.Timestamp("2020-01-01")
    return {
        "lognormal": pd.DataFrame({"x": x, "v": np.exp(2 * (0.8 * x + 0.6 * rng.normal(size=n)))}),
        "cauchy": pd.DataFrame({"x": x, "v": x + rng.standard_cauchy(n)}),
        "sums": pd.DataFrame({"a": a, "b": b, "t": (a + b + rng.normal(size=n) / 2).round(2)}),
        "integers": pd.DataFrame(
            {"x": x, "k": np.round(9 * x).astype(int), "e": 2 * np.round(5 * x).astype(int)}
        ),
        "dates": pd.DataFrame({"x": x, "d": start + pd.to_timedelta(np.round(99 * x), unit="D"), "z": z}),
        "booleans": pd.DataFrame(
            {"x": x, "f": np.where(x > 0, "yes", "no"), "id": [f"K-{i:05d}-{7 * i % 997}" for i in range(n)]}
        ),
    }


@pytest.mark.parametrize("method", ["best", "draw"])
@pytest.mark.parametrize("kind", list(tails(1)))
def test_filled_values_are_what_the_column_could_hold_and_others_stay(kind: str, method: str) -> None:
    whole = tails(200)[kind]
    rng = np.random.default_rng(5)
    shown = whole.mask(rng.random(whole.shape) < 0.2)
    done = locum.impute(shown, method=method, seed=1)
    for name in whole:
        gaps = shown[name].isna()
        assert (done[name][~gaps] == shown[name][~gaps]).all()
        assert done[name].dtype == shown[name].dtype
        if name == "id":
            assert done[name][gaps].isna().all()
            continue
        assert not done[name].isna().any()
        if whole[name].dtype.kind in "if":
            width = np.ptp(shown[name].dropna())
            assert done[name].min() >= shown[name].min() - width / 2
            assert done[name].max() <= shown[name].max() + width / 2
        if whole[name].dtype.kind == "i":
            assert (done[name] == done[name].round()).all()
            assert name != "e" or (done[name] % 2 == 0).all()
        if (shown[name].dropna() > 0).all() if whole[name].dtype.kind in "if" else False:
            assert (done[name] >= 0).all()


@pytest.mark.parametrize(("kind", "near"), [("cauchy", 1.0), ("lognormal", 0.5), ("sums", 0.5)])
def test_heavy_tails_do_not_spoil_the_nearest_values(kind: str, near: float) -> None:
    """Median error of the filled cells in quartile ranges; a mean of such columns would be far off."""
    whole = tails(400)[kind]
    name = whole.columns[-1]
    gaps = np.random.default_rng(5).random(400) < 0.2
    done = locum.impute(whole.assign(**{name: whole[name].mask(gaps)}), method="best", seed=1)
    spread = whole[name].quantile(0.75) - whole[name].quantile(0.25)
    assert (done[name][gaps] - whole[name][gaps]).abs().median() < near * spread
