"""Total variation beyond chance, against simulation and enumeration."""

from __future__ import annotations

import numpy as np
import pytest

from locum.evaluation.attacks.side_test import lean_error, lean_p
from locum.evaluation.excess import _dealt_anew, excess


@pytest.mark.parametrize("cells", [2, 5, 30, 400, 3000])
@pytest.mark.parametrize(("n", "m"), [(500, 500), (900, 200)])
def test_mean_and_variance_of_a_deal(cells: int, n: int, m: int) -> None:
    """Mean within 1 % (6 % of few cells, three errors of 2,000 deals), deviation within 15 %."""
    rng = np.random.default_rng(cells)
    share = rng.dirichlet(np.full(cells, 0.5))
    both = rng.multinomial(n + m, share)
    deals = rng.multivariate_hypergeometric(both, n, size=2000)
    tv = 0.5 * np.abs(deals / n - (both - deals) / m).sum(axis=1)
    mean, variance = _dealt_anew(both[both > 0].astype(float), n, m)
    assert mean == pytest.approx(tv.mean(), rel=0.06 if cells < 10 else 0.01)
    assert np.sqrt(variance) == pytest.approx(tv.std(), rel=0.15)


@pytest.mark.statistical
@pytest.mark.parametrize("cells", [2, 20, 400])
def test_fresh_rows_are_not_accused(cells: int) -> None:
    """Of 2,000 pairs of samples at most 1.4 in 100 have p < .01: more happens by chance once in 25."""
    rng = np.random.default_rng(1)
    share = rng.dirichlet(np.full(cells, 0.5))
    hits = sum(
        excess("pair", rng.multinomial(600, share), rng.multinomial(500, share)).p < 0.01 for _ in range(2000)
    )
    assert hits <= 28


def test_what_is_off_is_found_with_its_size() -> None:
    rng = np.random.default_rng(2)
    a, b = rng.multinomial(2000, [0.5, 0.3, 0.2]), rng.multinomial(2000, [0.3, 0.3, 0.4])
    found = excess("column", a, b, "c")
    assert found.p < 1e-6 and found.low < 0.2 < found.high and found.of == "c"
    none = excess("column", np.zeros(3), b)
    assert none.p == 1.0 and none.low < 0 < none.high
    same = excess("column", a, a)
    assert same.p > 0.9 and same.effect < 0


def test_signs_of_real_rows_by_enumeration() -> None:
    weights = [3, 1, 1, 2]
    signs = np.array(np.meshgrid(*[[-1, 1]] * 4)).reshape(4, -1)
    sums = np.array(weights) @ signs
    assert lean_p([3, 2], [1, 1]) == pytest.approx((sums >= 3).mean())
    assert lean_p([1, 1], [3, 2]) == pytest.approx((sums >= -3).mean())
    assert lean_p([], []) == 1.0
    # A hundred synthetic rows beside one real row are one coin.
    assert lean_p([100], []) == 0.5
    assert lean_p(np.ones(100), []) < 1e-20
    assert lean_error([3, 4], []) == 5.0
