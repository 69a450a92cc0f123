"""The Bayesian network: scores, search, tables, and what it says about conditions that few rows fulfil."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from locum.errors import UsageError
from locum.models.bayesnet.families import PRIOR_ROWS, Families
from locum.models.bayesnet.model import SEARCH_ROWS, BayesNetModel
from locum.models.bayesnet.search import GraphLimits, Search, reachable
from locum.models.guide import Guide
from locum.models.marginal.triangulate import Triangulator
from locum.schema.domain import Attribute, Coded, Domain

SIZES = [2, 3, 2, 4, 2, 3]
#: Parents of each column in the network that rows are drawn from; 2 has two parents that are independent.
TRUE = [(), (0,), (), (1, 2), (3,), (3,)]
WIDE_OPEN = GraphLimits(parents=5, candidates=32, cells=2**20, rounds=20)


def coded(codes: np.ndarray, sizes: list[int]) -> Coded:
    domain = Domain(tuple(Attribute(f"c{i}", f"c{i}", s, False) for i, s in enumerate(sizes)))
    return Coded(domain, np.asfortranarray(codes.astype(np.int32)))


def truth() -> list[np.ndarray]:
    rng = np.random.default_rng(4)
    return [
        rng.dirichlet(np.full(SIZES[v], 0.5), size=[SIZES[p] for p in above]) for v, above in enumerate(TRUE)
    ]


def joint() -> np.ndarray:
    """Probability of every row of the true network; shape SIZES."""
    total = np.ones(SIZES)
    for v, (above, table) in enumerate(zip(TRUE, truth(), strict=True)):
        axes = [*above, v]
        total = total * np.expand_dims(table, [a for a in range(len(SIZES)) if a not in axes])
    return total


def rows(n: int, seed: int) -> Coded:
    flat = np.random.default_rng(seed).choice(math.prod(SIZES), size=n, p=joint().ravel())
    return coded(np.stack(np.unravel_index(flat, SIZES), axis=1), SIZES)


def noise(n: int, sizes: list[int], seed: int) -> Coded:
    rng = np.random.default_rng(seed)
    return coded(np.stack([rng.integers(s, size=n) for s in sizes], axis=1), sizes)


def edges(parents: tuple[frozenset[int], ...]) -> set[tuple[int, int]]:
    return {(u, v) for v, above in enumerate(parents) for u in above}


def total(families: Families, parents: tuple[frozenset[int], ...]) -> float:
    return sum(families.score(v, above) for v, above in enumerate(parents))


# ---------------------------------------------------------------- scores and tables


def test_the_score_is_the_probability_of_the_rows_one_after_the_other() -> None:
    """The closed form against the chain of predictive probabilities that it stands for."""
    data = noise(40, [2, 3, 2], 1)
    a = PRIOR_ROWS / (2 * 2)
    seen = np.zeros((2, 2, 3))
    expected = 0.0
    for row in data.codes:
        at = (row[0], row[2])
        expected += math.log((seen[*at, row[1]] + a / 3) / (seen[at].sum() + a))
        seen[*at, row[1]] += 1
    assert Families(data).score(1, frozenset((0, 2))) == pytest.approx(expected, abs=1e-9)


def test_graphs_that_say_the_same_have_the_same_score() -> None:
    families = Families(rows(300, 2))
    chain = families.score(0, frozenset()) + families.score(1, frozenset((0,)))
    back = families.score(1, frozenset()) + families.score(0, frozenset((1,)))
    assert chain == pytest.approx(back, abs=1e-6)


def test_families_that_are_too_large_are_not_considered() -> None:
    families = Families(noise(20, [30, 30], 3))
    assert families.score(0, frozenset((1,))) == -np.inf and np.isfinite(families.score(0, frozenset()))


def test_tables_add_up_and_keep_unseen_codes_out() -> None:
    codes = np.array([[0, 0, 1], [0, 2, 1], [1, 2, 0], [1, 2, 0]])
    table = Families(coded(codes, [3, 4, 2])).table(1, [0, 2])
    assert table.shape == (6, 4)
    np.testing.assert_allclose(table.sum(axis=1), 1.0)
    assert (table[:, [1, 3]] == 0).all()
    # A combination of parents that no row has follows the column as a whole.
    np.testing.assert_allclose(table[4], [0.25, 0.0, 0.75, 0.0])


def test_strict_columns_are_hardly_smoothed_and_vague_ones_are() -> None:
    rng = np.random.default_rng(5)
    cause = rng.integers(40, size=200)
    strict = Families(coded(np.stack([cause, cause % 2], axis=1), [40, 2])).table(1, [0])
    vague = Families(coded(np.stack([cause, rng.integers(2, size=200)], axis=1), [40, 2])).table(1, [0])
    assert strict.min(axis=1).max() < 0.01
    assert np.abs(vague - 0.5).max() < 0.4


# ---------------------------------------------------------------- search


@pytest.mark.parametrize("seed", range(4))
def test_the_search_finds_the_best_of_all_graphs(seed: int) -> None:
    """All 543 directed graphs without cycles over four columns, on rows with little to go by."""
    data = rows(60, 10 + seed)
    data = coded(data.codes[:, :4], SIZES[:4])
    families = Families(data)
    pairs = list(itertools.permutations(range(4), 2))
    best = -np.inf
    for chosen in itertools.product([False, True], repeat=len(pairs)):
        matrix = np.zeros((4, 4), dtype=bool)
        for (u, v), there in zip(pairs, chosen, strict=True):
            matrix[u, v] = there
        if (matrix & matrix.T).any() or np.diag(reachable(matrix)).any():
            continue
        best = max(best, total(families, tuple(frozenset(np.flatnonzero(m).tolist()) for m in matrix.T)))
    found = Search(families, WIDE_OPEN, np.random.default_rng(0)).run(lambda share: None)
    assert total(families, found) == pytest.approx(best, abs=1e-6)


def test_many_rows_give_the_true_dependences() -> None:
    """The graph up to turns of edges that say the same: its edges, and the two causes of one column."""
    parents = Search(Families(rows(30_000, 3)), WIDE_OPEN, np.random.default_rng(0)).run(lambda share: None)
    found = edges(parents)
    assert {frozenset(e) for e in found} == {frozenset((u, v)) for v, above in enumerate(TRUE) for u in above}
    assert {(1, 3), (2, 3)} <= found


def test_independent_columns_get_no_parents() -> None:
    """A false edge needs a Bayes factor above 1: well under 1 in 20 a pair at 2,000 rows; fixed seed."""
    families = Families(noise(2000, [2, 3, 4, 5, 2], 7))
    assert not edges(Search(families, WIDE_OPEN, np.random.default_rng(0)).run(lambda share: None))


def test_limits_are_kept() -> None:
    rng = np.random.default_rng(8)
    hidden = rng.random(800)
    codes = np.stack([(hidden + rng.normal(0, 0.2, 800) > 0.5) for _ in range(9)], axis=1)
    families = Families(coded(codes, [2] * 9))
    for limits in (GraphLimits(1, 32, 2**20, 3), GraphLimits(5, 32, 40, 3), GraphLimits(5, 2, 2**20, 3)):
        parents = Search(families, limits, np.random.default_rng(1)).run(lambda share: None)
        assert edges(parents) and max(map(len, parents)) <= limits.parents
        cells = Triangulator([2] * 9).tree([(v, *above) for v, above in enumerate(parents)]).cells
        assert cells <= limits.cells


def test_reachable_knows_paths_of_any_length() -> None:
    chain = np.eye(6, k=1, dtype=bool)
    np.testing.assert_array_equal(reachable(chain), np.triu(np.ones((6, 6), dtype=bool), 1))


# ---------------------------------------------------------------- the model


def test_rare_conditions_are_answered_from_the_parts() -> None:
    """A condition that about 20 of 50,000 rows fulfil: total variation below .02, and its probability."""
    exact = joint()
    data = rows(50_000, 6)
    model = BayesNetModel().fit(data, seed=1)
    shares = exact.sum(axis=(1, 2))
    flat = np.argsort(np.abs(np.log(shares.ravel() / 4e-4)))[0]
    at = tuple(int(i) for i in np.unravel_index(flat, shares.shape))
    columns = (0, 3, 4, 5)
    assert 2e-4 < shares[at] < 8e-4
    expected = exact[at[0], :, :, at[1], at[2], at[3]].sum(axis=1) / shares[at]
    weights = {column: np.eye(SIZES[column])[code] for column, code in zip(columns, at, strict=True)}
    drawn, log_weight = model.sample_guided(20_000, Guide(weights=weights), seed=2)
    assert (drawn[:, columns] == at).all() and np.ptp(log_weight) == 0
    assert math.exp(log_weight[0]) == pytest.approx(shares[at], rel=0.15)
    got = np.bincount(drawn[:, 1], minlength=SIZES[1]) / len(drawn)
    assert 0.5 * np.abs(got - expected).sum() < 0.02


def test_beyond_the_searched_rows_tables_are_filled_from_all() -> None:
    """The last code appears only once in more rows than are searched; it stays possible."""
    n = SEARCH_ROWS + 1000
    codes = np.zeros((n, 2), dtype=np.int32)
    codes[::2, 0] = 1
    codes[n // 3 :: 7, 1] = 1
    codes[n - 1, 1] = 2
    model = BayesNetModel().fit(coded(codes, [2, 3]), seed=1)
    assert model.network.marginal([1])[2] == pytest.approx(1 / n, rel=1e-6)


def test_columns_that_copy_one_another_stay_together() -> None:
    codes = np.random.default_rng(9).integers(5, size=(3000, 1))
    drawn = BayesNetModel().fit(coded(np.repeat(codes, 3, axis=1), [5] * 3), seed=1).sample(2000, seed=2)
    assert (drawn == drawn[:, :1]).mean() > 0.999


@pytest.mark.parametrize(
    "settings",
    [{"max_parents": 0}, {"max_parents": 9}, {"max_parents": True}, {"rounds": -1}, {"rounds": 1.0}],
)
def test_settings_that_make_no_sense(settings: dict) -> None:
    with pytest.raises(UsageError, match="not usable"):
        BayesNetModel(**settings)
