"""Chained draws: intervals hold the truth, interactions stay, values keep the form of their column."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from locum.control.impute.column_values import values_of
from locum.control.impute.number_form import number_form
from locum.control.impute.predictors import Predictors
from locum.control.impute.terms import Factor, draw_steps, find_terms
from locum.control.impute.without_model import complete, completions
from locum.evaluation.metrics.inference.combine import combine
from locum.schema.column import Column
from locum.schema.table import Schema


def schema(table: pa.Table) -> Schema:
    kinds = {"string": "category", "double": "number", "int64": "integer"}
    return Schema(tuple(Column(f.name, kinds[str(f.type)]) for f in table.schema))  # type: ignore[arg-type]


def slopes(y: np.ndarray, *x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    a = np.column_stack([np.ones(len(y)), *x])
    inverse = np.linalg.inv(a.T @ a)
    b = inverse @ (a.T @ y)
    noise = ((y - a @ b) ** 2).sum() / (len(y) - a.shape[1])
    return np.r_[y.mean(), b[1:]], np.r_[y.var(ddof=1) / len(y), np.diag(inverse)[1:] * noise]


def held(truth: str, seed: int, n: int = 300) -> np.ndarray:
    """Whether each interval from five completed tables holds the truth."""
    rng = np.random.default_rng([seed, n])
    x, z = rng.normal(size=(2, n))
    y = 1 + x + z / 2 + (x * z if truth == "product" else 0) + rng.normal(size=n)
    hole = rng.random(n) < 1 / (1 + np.exp(0.2 - x))
    table = pa.table({"x": x, "z": z, "y": pa.array(y, mask=hole)})
    found = []
    for done in completions(table, schema(table), seed=seed, repeat=5):
        full = np.asarray(done.table["y"])
        found.append(slopes(full, x, z, x * z) if truth == "product" else slopes(full, x, z))
    estimates, variances = zip(*found, strict=True)
    true = np.array([1, 1, 0.5, 1] if truth == "product" else [1, 1, 0.5])
    got = combine(estimates, variances, n_real=n, rule="imputed", parameters=len(true))
    return np.asarray((got.low <= true) & (true <= got.high))


@pytest.mark.statistical
@pytest.mark.parametrize("truth", ["linear", "product"])
def test_intervals_hold_the_truth(truth: str) -> None:
    """60 seeds, 95 % intervals: fewer than 50 of 60 hold with probability .0005 for each; all seeds fixed."""
    share = np.mean([held(truth, seed) for seed in range(60)], axis=0)
    assert (share >= 50 / 60).all(), share


@pytest.mark.statistical
def test_one_table_alone_covers_too_little() -> None:
    """Negative control: without the spread between tables intervals hold clearly less often. Seeds fixed."""
    hits = []
    for seed in range(60):
        rng = np.random.default_rng([seed, 300])
        x = rng.normal(size=300)
        y = 1 + x + rng.normal(size=300)
        table = pa.table({"x": x, "y": pa.array(y, mask=rng.random(300) < 0.6)})
        b, v = slopes(np.asarray(complete(table, schema(table), seed=seed).table["y"]), x)
        hits.append(abs(b[1] - 1) < 1.96 * v[1] ** 0.5)
    assert np.mean(hits) < 0.85


@pytest.mark.statistical
@pytest.mark.parametrize("kind", ["labels", "numbers", "signs"])
def test_xor_is_found(kind: str) -> None:
    """In whole rows .95 agree; the mean of ten tables has a standard error below .01 at 1,000 rows."""
    agree = []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        a, b = rng.normal(size=(2, 1000)) if kind == "signs" else rng.integers(0, 2, (2, 1000)) * 1.0
        cut = 0.0 if kind == "signs" else 0.5
        right = ((a > cut) ^ (b > cut)).astype(int)
        c = np.where(rng.random(1000) < 0.05, 1 - right, right)
        hole = rng.random(1000) < 0.4
        lab = np.array(["u", "v"], dtype=object)
        numbers = {"a": a, "b": b} if kind != "labels" else {"a": lab[a.astype(int)], "b": lab[b.astype(int)]}
        table = pa.table({**numbers, "c": pa.array(c if kind == "numbers" else lab[c], mask=hole)})
        done = complete(table, schema(table), seed=seed).table["c"].to_pylist()
        got = np.array([{"u": 0, "v": 1}.get(v, v) for v in done])
        agree.append((got == right)[hole].mean())
    assert np.mean(agree) > 0.92


def test_noise_gets_no_terms() -> None:
    """Of 40 tables of independent numbers 5 % get a term: more than 8 with probability .0002. Seeds fixed."""
    wrong = 0
    for seed in range(40):
        x = np.random.default_rng(seed).normal(size=(200, 4))
        table = pa.table({f"c{i}": x[:, i] for i in range(4)})
        predictors = Predictors([values_of(table, c) for c in schema(table)])
        wrong += bool(find_terms(predictors, 3, np.arange(200), x[:, 3:]))
    assert wrong <= 8


@pytest.mark.parametrize(
    ("values", "low", "high", "step"),
    [
        (np.random.default_rng(0).permutation(3000)[:200] * 5, 0, 14995, 5),
        (np.round(np.random.default_rng(1).exponential(size=200) * 100, 2), 0, np.inf, 0.01),
    ],
)
def test_drawn_numbers_keep_grid_and_sign(values: np.ndarray, low: float, high: float, step: float) -> None:
    rng = np.random.default_rng(3)
    other = values + rng.normal(size=200) * values.std()
    table = pa.table({"x": other, "y": pa.array(values, mask=rng.random(200) < 0.4)})
    whole = pa.types.is_integer(table["y"].type)
    kinds = (
        Column("x", "number"),
        Column("y", "integer" if whole else "number", decimals=None if whole else 2),
    )
    done = np.asarray(complete(table, Schema(kinds), seed=1).table["y"]).astype(float)
    assert done.min() >= low
    assert done.max() <= high
    assert np.allclose(done / step, np.rint(done / step), atol=1e-6)
    form = number_form(values_of(table, kinds[1]), kinds[1], fixed=False)
    assert form.manner == "grid"


def test_tables_of_a_set_differ_and_the_first_is_that_of_one() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=100)
    table = pa.table({"x": x, "y": pa.array(x + rng.normal(size=100), mask=rng.random(100) < 0.3)})
    made = [done.table for done in completions(table, schema(table), seed=4, repeat=3)]
    assert made[0].equals(complete(table, schema(table), seed=4).table)
    assert not made[0].equals(made[1])
    assert not made[1].equals(made[2])


@pytest.mark.parametrize("rows", [1, 2, 9])
def test_hardly_any_rows(rows: int) -> None:
    table = pa.table(
        {"a": [1.5, *[None] * rows], "b": [*["u"] * rows, None], "c": pa.nulls(rows + 1, pa.float64())}
    )
    done = complete(table, schema(table), seed=0)
    assert done.table["a"].to_pylist() == [1.5] * (rows + 1)
    assert done.table["b"].to_pylist() == ["u"] * (rows + 1)
    assert dict(done.left) == {"c": "it holds no value at all"}


def test_infinite_and_huge_values() -> None:
    rng = np.random.default_rng(0)
    x = rng.exponential(size=200)
    hole = rng.random(200) < 0.3
    table = pa.table(
        {
            "x": x,
            "huge": pa.array(x * 1e200, mask=hole),
            "endless": pa.array(np.where(x > 2, np.inf, x), mask=hole[::-1]),
        }
    )
    done = complete(table, schema(table), seed=0).table
    assert done["huge"].null_count == done["endless"].null_count == 0
    assert np.isfinite(np.asarray(done["huge"])).all()
    assert np.corrcoef(np.asarray(done["huge"]) / 1e200, x)[0, 1] > 0.9


def stepped(n: int, seed: int, noise: float = 1.0) -> tuple[Predictors, np.ndarray]:
    """Rows of y = 2 (x > 0.5) + z / 2 + noise, y as it is foretold; x and z are standardised."""
    rng = np.random.default_rng(seed)
    x, z = rng.normal(size=(2, n))
    y = 2.0 * (x > 0.5) + z / 2 + noise * rng.normal(size=n)
    table = pa.table({"x": x, "z": z, "y": y})
    held = [values_of(table, column) for column in schema(table)]
    return Predictors(held), ((y - y.mean()) / y.std())[:, None]


def places(n: int, noise: float = 1.0) -> np.ndarray:
    """Where the step of x is drawn 60 times, as a share of rows above it."""
    predictors, y = stepped(n, 1, noise)
    rows, rng = np.arange(n), np.random.default_rng(0)
    terms = find_terms(predictors, 2, rows, y)
    assert terms[0][0].cut is not None and terms[0][0].feature == 0
    drawn = [draw_steps(predictors, 2, rows, y, terms, rng)[0][0] for _ in range(60)]
    return np.array([factor.share for factor in drawn])


def test_the_place_of_a_step_is_drawn_as_uncertain_as_it_is() -> None:
    """Share of rows above 0.5 is .31: wide with few rows, a handful of rows with many; seeds fixed."""
    few, many, clear = places(150), places(2_000), places(150, noise=0.1)
    assert abs(few.mean() - 0.31) < 0.08 and abs(many.mean() - 0.31) < 0.03
    assert few.std() > 2 * many.std() > 0
    assert clear.std() < 0.01


def test_terms_without_a_step_stay_as_they_are() -> None:
    predictors, y = stepped(200, 2)
    terms = ((Factor(0), Factor(2)),)
    assert draw_steps(predictors, 2, np.arange(200), y, terms, np.random.default_rng(0)) == terms
    assert draw_steps(predictors, 2, np.arange(200), y, (), np.random.default_rng(0)) == ()


@pytest.mark.statistical
def test_intervals_about_a_step_hold_the_truth() -> None:
    """60 seeds, 2,000 rows: an interval of 95 % holds fewer than 51 times in 1 of 1,000; seeds fixed."""
    hits = []
    for seed in range(60):
        rng = np.random.default_rng([seed, 7])
        x, z = rng.normal(size=(2, 2_000))
        y = 1 + 2 * (x > 0.5) + z / 2 + rng.normal(size=2_000)
        hole = rng.random(2_000) < 1 / (1 + np.exp(0.2 - x))
        table = pa.table({"x": x, "z": z, "y": pa.array(y, mask=hole)})
        tables = completions(table, schema(table), seed=seed, repeat=5)
        estimates, variances = zip(
            *(slopes(np.asarray(t.table["y"]), x > 0.5, z) for t in tables), strict=True
        )
        got = combine(estimates, variances, n_real=2_000, rule="imputed", parameters=3)
        hits.append((got.low[1] <= 2) & (got.high[1] >= 2))
    assert sum(hits) >= 51, sum(hits)
