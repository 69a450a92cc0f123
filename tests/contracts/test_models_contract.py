"""What every generator of codes must do, whatever the codes look like."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from scipy import stats

from locum.errors import DataError, FileFormatError, LocumError, NotFittedError, UsageError
from locum.files.tensors import DTYPES
from locum.models import registry
from locum.models.base import Model, ModelState
from locum.progress import Event
from locum.schema.domain import Attribute, Coded, Domain

SEED = 11
#: How far the probabilities of all rows may be from adding up to one, where that is estimated.
NEARLY = {"tree": 0.01}
#: A domain small enough to go through row by row.
TINY_SIZES = [4, 3, 1, 2]
TINY = Domain(tuple(Attribute(f"c{i}", f"c{i}", size, False) for i, size in enumerate(TINY_SIZES)))


def coded(columns: list[Any], sizes: list[int], *, ordered: bool = False, null: bool = False) -> Coded:
    codes = np.asfortranarray(np.array(columns, dtype=np.int32).T.reshape(-1, len(sizes)))
    attributes = tuple(
        Attribute(f"c{i}", f"c{i}", size, ordered, size - 1 if null and size > 1 else None)
        for i, size in enumerate(sizes)
    )
    return Coded(Domain(attributes), codes)


def drawn(sizes: list[int], rows: int, **kwargs: bool) -> Coded:
    """Columns that hang together: each is a noisy copy of one hidden number."""
    rng = np.random.default_rng(5)
    hidden = rng.random(rows)
    columns = [
        np.minimum((np.clip(hidden + rng.normal(0, 0.1, rows), 0, 0.999) * size).astype(int), size - 1)
        for size in sizes
    ]
    return coded(columns, sizes, **kwargs)


def fresh(name: str) -> Model:
    """A new model; private ones with next to no noise, and with what they learn from as the public table.

    What a model must be able to do is asked here; how well it does under noise is asked elsewhere.
    """
    made_by: Any = registry.get(name)
    if "epsilon" not in made_by.settings_type.constraints():
        return registry.create(name)
    model: Any = registry.create(name, epsilon=300.0)
    if made_by.needs_public:
        model.fit = lambda data, **kwargs: made_by.fit(model, data, public=data, **kwargs)
    return model


TABLES = {
    "one row": lambda: coded([[1], [0], [2]], [3, 1, 4]),
    "two rows": lambda: coded([[0, 1], [1, 1]], [2, 2], ordered=True),
    "one column": lambda: drawn([5], 300),
    "one constant column": lambda: coded([[0] * 20], [1]),
    "nothing but constants": lambda: coded([[0] * 20] * 4, [1] * 4),
    "codes that never appear": lambda: coded([[3] * 50, [0, 9] * 25], [8, 20], null=True),
    "all missing": lambda: coded([[2] * 40, [0, 1] * 20], [3, 2], null=True),
    "ordered": lambda: drawn([40, 12, 7], 400, ordered=True, null=True),
    "labels": lambda: drawn([40, 12, 7], 400, null=True),
    "many codes": lambda: coded([np.arange(3000) % 1500, np.arange(3000) % 2], [1500, 2]),
    "a hundred thousand codes": lambda: coded([np.arange(20_000), np.arange(20_000) % 3], [100_000, 3]),
    "wide": lambda: drawn([3, 2, 9, 1] * 12, 50),
    "enough rows for everything": lambda: drawn([4, 9, 30, 2], 700, null=True),
    "one code per row": lambda: coded([np.arange(200), np.arange(200)[::-1]], [200, 200], ordered=True),
}


@pytest.fixture(scope="module", params=TABLES)
def table(request) -> Coded:
    return TABLES[request.param]()


@pytest.fixture(scope="module")
def fitted(name: str, table: Coded) -> Model:
    return fresh(name).fit(table, seed=SEED)


@pytest.fixture(scope="module")
def tiny(name: str) -> Model:
    return fresh(name).fit(drawn(TINY_SIZES, 500, null=True), seed=SEED)


def enumerated(domain: Domain) -> np.ndarray:
    return np.array(list(itertools.product(*(range(size) for size in domain.sizes))), dtype=np.int32)


def test_the_class_says_what_it_is(name: str) -> None:
    model = fresh(name)
    assert isinstance(model, Model) and isinstance(model.has_density, bool)
    assert type(model).__doc__ and registry.entry_of(name).sentence.endswith(".")


def test_rows_fit_the_domain(fitted: Model, table: Coded) -> None:
    for n in (1, 2, 257):
        rows = fitted.sample(n, seed=3)
        assert rows.shape == (n, len(table.domain)) and rows.dtype == np.int32 and rows.flags.f_contiguous
        assert (rows >= 0).all() and (rows < np.array(table.domain.sizes)).all()


def test_codes_never_seen_are_never_drawn_when_alone(name: str) -> None:
    """Null and level codes that no row has stay out, or nearly so (smoothing may give them a little)."""
    data = TABLES["codes that never appear"]()
    rows = fresh(name).fit(data, seed=SEED).sample(2000, seed=1)
    assert np.mean(rows[:, 0] == 3) > 0.98 and np.isin(rows[:, 1], [0, 9]).mean() > 0.98


def test_the_seed_decides(name: str, table: Coded, fitted: Model) -> None:
    again = fresh(name).fit(table, seed=SEED)
    np.testing.assert_array_equal(fitted.sample(64, seed=3), again.sample(64, seed=3))
    np.testing.assert_array_equal(fitted.sample(64, seed=3), fitted.sample(64, seed=3))
    if len(np.unique(table.codes, axis=0)) > 1:
        assert not np.array_equal(fitted.sample(64, seed=3), fitted.sample(64, seed=4))


def test_training_rows_are_possible(fitted: Model, table: Coded) -> None:
    if fitted.has_density:
        log_prob = fitted.log_prob(table.codes)
        assert log_prob.shape == (table.n_rows,) and log_prob.dtype == np.float64
        assert np.isfinite(log_prob).all() and (log_prob <= 1e-9).all()


def test_sampled_rows_are_possible(fitted: Model) -> None:
    if fitted.has_density:
        assert np.isfinite(fitted.log_prob(fitted.sample(300, seed=8))).all()


def test_codes_outside_the_domain_are_impossible(tiny: Model) -> None:
    if tiny.has_density:
        rows = np.array([[0, 0, 0, 0], [-1, 0, 0, 0], [4, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 2**31 - 1]])
        log_prob = tiny.log_prob(rows.astype(np.int32))
        assert np.isneginf(log_prob[1:]).all()
        assert tiny.log_prob(rows[:0].astype(np.int32)).shape == (0,)


def test_probabilities_sum_to_one(tiny: Model) -> None:
    """Exactly so, or within what the model's docstring says of an estimated constant (`NEARLY`)."""
    if tiny.has_density:
        total = np.exp(tiny.log_prob(enumerated(TINY))).sum()
        assert math.isclose(total, 1.0, abs_tol=NEARLY.get(tiny.name, 1e-6))


@pytest.mark.statistical
def test_rows_come_as_often_as_their_probability_says(tiny: Model) -> None:
    """Pearson's chi-square over 24 cells; false alarm 1 in 10,000 per generator, and the seed is fixed."""
    if not tiny.has_density:
        pytest.skip(f"{tiny.name} has no density")
    n = 40_000
    everything = enumerated(TINY)
    expected = n * np.exp(tiny.log_prob(everything))
    rows = tiny.sample(n, seed=21)
    index = {tuple(row): i for i, row in enumerate(everything.tolist())}
    found, counts = np.unique(rows, axis=0, return_counts=True)
    observed = np.zeros(len(everything))
    for row, count in zip(found.tolist(), counts, strict=True):
        observed[index[tuple(row)]] = count
    assert (observed[expected == 0] == 0).all()
    # Cells with few expected rows are put together, as the test's approximation needs.
    small = expected < 8
    pool = [(observed[~small], expected[~small])]
    if expected[small].sum() >= 1:
        pool.append((observed[small].sum(keepdims=True), expected[small].sum(keepdims=True)))
    o, e = (np.concatenate(part) for part in zip(*pool, strict=True))
    statistic = ((o - e) ** 2 / e).sum()
    assert stats.chi2.sf(statistic, df=len(e) - 1) > 1e-4


def test_the_state_is_all_there_is(name: str, table: Coded, fitted: Model) -> None:
    state = fitted.state()
    again = registry.get(name).from_state(state, table.domain)
    np.testing.assert_array_equal(fitted.sample(100, seed=9), again.sample(100, seed=9))
    if fitted.has_density:
        np.testing.assert_array_equal(fitted.log_prob(table.codes), again.log_prob(table.codes))
    for tensor in state.tensors.values():
        assert tensor.dtype in DTYPES.values()
        assert tensor.dtype.kind != "f" or np.isfinite(tensor).all()


def test_fit_leaves_the_data_alone_and_keeps_no_hold_of_it(name: str) -> None:
    data = TABLES["ordered"]()
    before = data.codes.copy()
    model = fresh(name).fit(data, seed=SEED)
    np.testing.assert_array_equal(data.codes, before)
    rows = model.sample(50, seed=1)
    data.codes[:] = 0
    np.testing.assert_array_equal(model.sample(50, seed=1), rows)


def test_refitting_forgets(name: str) -> None:
    first, second = TABLES["labels"](), TABLES["one column"]()
    model = fresh(name).fit(first, seed=SEED).fit(second, seed=SEED)
    np.testing.assert_array_equal(
        model.sample(80, seed=2), fresh(name).fit(second, seed=SEED).sample(80, seed=2)
    )


def test_progress_runs_to_its_end(name: str) -> None:
    events: list[Event] = []
    fresh(name).fit(TABLES["labels"](), seed=SEED, progress=events.append)
    assert events and all(0 <= e.done <= e.total for e in events)
    assert events[-1].done == events[-1].total
    for stage in {e.stage for e in events}:
        done = [e.done for e in events if e.stage == stage]
        assert done == sorted(done)


@pytest.mark.parametrize("n", [0, -1, 1.5, True, None, "3"])
def test_numbers_of_rows_that_make_no_sense(tiny: Model, n: Any) -> None:
    with pytest.raises(UsageError):
        tiny.sample(n, seed=1)


@pytest.mark.parametrize("seed", [-1, 1.5, 2**63])
def test_seeds_that_make_no_sense(name: str, tiny: Model, seed: Any) -> None:
    with pytest.raises(UsageError):
        tiny.sample(1, seed=seed)
    with pytest.raises(UsageError):
        fresh(name).fit(TABLES["two rows"](), seed=seed)


def test_before_fit(name: str) -> None:
    model = fresh(name)
    for call in (lambda: model.sample(1, seed=1), model.state):
        with pytest.raises(NotFittedError):
            call()
    with pytest.raises(UsageError):  # NotFittedError is one; so is "has no density"
        model.log_prob(np.zeros((1, 1), np.int32))


def test_nothing_to_learn_from(name: str) -> None:
    for data in (coded([[], []], [2, 2]), Coded(Domain(()), np.zeros((4, 0), dtype=np.int32, order="F"))):
        with pytest.raises(DataError):
            fresh(name).fit(data, seed=1)


def test_rows_of_another_width(tiny: Model) -> None:
    if tiny.has_density:
        with pytest.raises(UsageError):
            tiny.log_prob(np.zeros((3, 2), dtype=np.int32))


def harmed(state: ModelState) -> Iterator[tuple[str, ModelState]]:
    """States with one thing wrong."""
    for key, array in state.tensors.items():
        others = {k: v for k, v in state.tensors.items() if k != key}
        yield f"{key} gone", ModelState(state.settings, others)
        versions: dict[str, Any] = {
            "longer": np.concatenate([array.ravel(), array.ravel(), np.ones(1, array.dtype)]),
            "shorter": array.ravel()[:-1],
            "empty": array.ravel()[:0],
            "with another dimension": array[None],
            "another type": array.astype(np.float32 if array.dtype != np.float32 else np.int32),
        }
        if array.size and array.dtype.kind in "iuf":
            limits = np.finfo(array.dtype) if array.dtype.kind == "f" else np.iinfo(array.dtype)
            for value in (limits.max, limits.min, array.dtype.type(7), array.dtype.type(0)):
                versions[f"all {value}"] = np.full_like(array, value)
                for place in (0, array.size // 2, array.size - 1):
                    one = array.copy().ravel()
                    one[place] = value
                    versions[f"{value} at {place}"] = one.reshape(array.shape)
        if array.dtype.kind == "f":
            versions["NaN"] = np.full_like(array, np.nan)
        for what, version in versions.items():
            yield f"{key} {what}", ModelState(state.settings, {**others, key: version})
    yield "a surplus array", ModelState(state.settings, {**state.tensors, "surplus": np.zeros(3)})
    for key in state.settings:
        others = {k: v for k, v in state.settings.items() if k != key}
        yield f"setting {key} gone", ModelState(others, state.tensors)
        for value in (None, -1, 0, 10**30, 1e300, "x", [], [[]], {}, True, ["x"] * 3, [0], [-1], [10**30]):
            yield f"setting {key} = {value!r}", ModelState({**others, key: value}, state.tensors)
    yield "a surplus setting", ModelState({**state.settings, "surplus": 1}, state.tensors)


@pytest.mark.parametrize("of", ["ordered", "labels", "one row", "enough rows for everything"])
def test_a_harmed_state_is_refused_or_harmless(name: str, of: str) -> None:
    """What a hostile file may hold ends as FileFormatError on loading, or works within the domain."""
    data = TABLES[of]()
    state = fresh(name).fit(data, seed=SEED).state()
    kind = registry.get(name)
    problems = []
    for what, bad in harmed(state):
        try:
            model = kind.from_state(bad, data.domain)
        except FileFormatError:
            continue
        except Exception as error:  # noqa: BLE001 - the list of what goes wrong is the point
            problems.append(f"{what}: loading raised {type(error).__name__}")
            continue
        try:
            rows = model.sample(20, seed=1)
            if not ((rows >= 0).all() and (rows < np.array(data.domain.sizes)).all()):
                problems.append(f"{what}: rows outside the domain")
            if model.has_density and np.isnan(model.log_prob(data.codes)).any():
                problems.append(f"{what}: log_prob is NaN")
        except LocumError:
            continue
        except Exception as error:  # noqa: BLE001
            problems.append(f"{what}: sampling raised {type(error).__name__}")
    assert not problems, "; ".join(problems)


def test_a_state_for_another_domain_is_refused(name: str) -> None:
    state = fresh(name).fit(TABLES["labels"](), seed=SEED).state()
    for other in ("one column", "wide", "one row"):
        with pytest.raises(FileFormatError):
            registry.get(name).from_state(state, TABLES[other]().domain)
