"""The noise against exact laws, against OpenDP, and against the guarantees it is said to have."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from locum.errors import UsageError
from locum.privacy.conversions import gdp_delta
from locum.privacy.inverse_cdf import InverseTable
from locum.privacy.noise import (
    BlockSampler,
    Noise,
    _geometric,
    _sampler,
    choice_slack,
    gaussian_slack,
    laplace_slack,
)
from locum.privacy.random_bits import SeededBits, SystemBits

SIGMAS = [0.05, 0.3, 1.0, 3.9, 4.0, 17.25, 512.0]


def seeded(seed: int = 1) -> Noise:
    return Noise(SeededBits(seed))


def thresholds(table: InverseTable) -> list[int]:
    pairs = zip(table.high.tolist(), table.low.tolist(), strict=True)
    return [high << 64 | low for high, low in pairs]


def masses(table: InverseTable) -> dict[int, int]:
    """Probability of each value, times 2**128."""
    ends = [0, *thresholds(table), 1 << 128]
    return {table.first + i: b - a for i, (a, b) in enumerate(pairwise(ends))}


@pytest.mark.parametrize("sigma", SIGMAS)
def test_rounded_gaussian_table_is_the_normal_law_rounded(sigma: float) -> None:
    mp = pytest.importorskip("mpmath")
    table = _sampler("rounded", sigma)
    assert isinstance(table, InverseTable)
    with mp.workprec(220):
        for i, threshold in list(enumerate(thresholds(table)))[:: max(1, len(table.high) // 60)]:
            exact = mp.ncdf((mp.mpf(table.first + i) + mp.mpf("0.5")) / mp.mpf(sigma))
            assert abs(mp.mpf(threshold) / 2**128 - exact) < mp.mpf(2) ** -126


@pytest.mark.parametrize("sigma", SIGMAS)
def test_discrete_gaussian_table_is_the_discrete_gaussian(sigma: float) -> None:
    mp = pytest.importorskip("mpmath")
    table = _sampler("discrete", sigma)
    assert isinstance(table, InverseTable)
    with mp.workprec(220):
        values = range(table.first, table.first + len(table.high) + 1)
        weights = [mp.exp(-(mp.mpf(k) ** 2) / (2 * mp.mpf(sigma) ** 2)) for k in values]
        total, running = mp.fsum(weights), mp.mpf(0)
        distance = mp.mpf(0)
        got = masses(table)
        for k, weight in zip(values, weights, strict=True):
            running += weight
            distance += abs(weight / total - mp.mpf(got[k]) / 2**128)
        assert distance / 2 < table.slack
        assert table.slack <= gaussian_slack(sigma) < 2.0**-105


@pytest.mark.parametrize("scale", [0.2, 1.0, 5.5, 64.0])
def test_geometric_tables_are_geometric(scale: float) -> None:
    mp = pytest.importorskip("mpmath")
    coarse, fine, width = _geometric(scale)
    assert width == 1
    assert len(fine.high) == 0
    with mp.workprec(220):
        ratio = mp.exp(-1 / mp.mpf(scale))
        for k, mass in list(masses(coarse).items())[:200]:
            assert abs(mp.mpf(mass) / 2**128 - (1 - ratio) * ratio**k) < mp.mpf(2) ** -125


def test_wide_laplace_is_blocks_plus_rest() -> None:
    coarse, fine, width = _geometric(1000.0)
    assert width == 16
    got = np.array([masses(fine)[r] for r in range(width)], dtype=np.float64) / 2.0**128
    wanted = np.exp(-np.arange(width) / 1000.0)
    np.testing.assert_allclose(got, wanted / wanted.sum(), rtol=1e-12)
    assert masses(coarse)[1] / masses(coarse)[0] == pytest.approx(math.exp(-width / 1000.0), rel=1e-12)
    assert laplace_slack(1000.0) < 2.0**-100


def test_a_table_draws_by_thresholds_even_where_words_tie() -> None:
    """A value whose probability is below 2**-64 is reached exactly when the further bits say so."""
    table = InverseTable.of(5, [1 << 80, 1, 1 << 81])
    high = int(table.high[0])
    assert int(table.high[1]) == high

    class Scripted:
        private = False

        def __init__(self, *words: int) -> None:
            self.left = list(words)

        def words(self, n: int) -> np.ndarray:
            taken, self.left = self.left[:n], self.left[n:]
            return np.array(taken, dtype=np.uint64)

    exact = thresholds(table)
    for word in (high - 1, high, high + 1):
        for more in (0, int(table.low[0]), int(table.low[1]) - 1, int(table.low[1]), (1 << 64) - 1):
            drawn = int(table.draw(1, Scripted(word, more))[0])
            whole = word << 64 | more
            assert drawn == 5 + sum(t <= whole for t in exact)


@pytest.mark.parametrize("kind", ["rounded", "discrete"])
@pytest.mark.parametrize("sigma", [0.7, 9.0, 300.0, 513.0, 4097.3, 1e6])
@pytest.mark.statistical
def test_draws_follow_the_law(kind: str, sigma: float) -> None:
    """Chi-square in 200 cells of equal probability; fixed seed, false alarm 1e-6 each of 12."""
    n = 400_000
    noise = seeded(int(sigma))
    draw = (noise.gaussian if kind == "rounded" else noise.discrete_gaussian)(sigma, n)
    cuts = np.unique(np.round(stats.norm.ppf(np.arange(1, 200) / 200) * sigma)).astype(np.int64)
    observed = np.bincount(np.searchsorted(cuts, draw, side="left"), minlength=len(cuts) + 1)
    if kind == "rounded" or sigma > 8:
        # beyond sigma 8 the discrete law's function is the normal one's at half steps to 1e-15
        function = stats.norm.cdf((cuts + 0.5) / sigma)
    else:
        k = np.arange(-40, 41)
        weights = np.exp(-(k**2) / (2 * sigma**2))
        function = np.array([weights[k <= c].sum() for c in cuts]) / weights.sum()
    expected = n * np.diff(np.concatenate(([0.0], function, [1.0])))
    assert stats.chisquare(observed, expected).pvalue > 1e-6


@pytest.mark.parametrize("kind", ["rounded", "discrete"])
@pytest.mark.statistical
def test_places_inside_a_block_are_evenly_taken(kind: str) -> None:
    """Chi-square of the lowest 5 bits at sigma 4100 (blocks of 64); fixed seed, false alarm 1e-6 of each."""
    sampler = _sampler(kind, 4100.0)
    assert isinstance(sampler, BlockSampler)
    assert sampler.b >= 5
    draw = sampler.draw(400_000, SeededBits(5))
    assert stats.chisquare(np.bincount(draw & 31, minlength=32)).pvalue > 1e-6


def test_undecided_comparisons_are_settled_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    """With every comparison sent to exact arithmetic the same words give the same draws."""
    for kind in ("rounded", "discrete"):
        sampler = _sampler(kind, 700.0)
        assert isinstance(sampler, BlockSampler)
        plain = sampler._propose(2000, SeededBits(8))
        assert len(plain) < 2000
        with monkeypatch.context() as patch:
            patch.setattr("locum.privacy.noise._UNDECIDED", 2.0)
            np.testing.assert_array_equal(sampler._propose(2000, SeededBits(8)), plain)


@pytest.mark.statistical
def test_discrete_gaussian_against_opendp() -> None:
    """Two-sample chi-square with OpenDP's sampler, 30,000 draws each; false alarm 1e-6 (unseeded)."""
    dp = pytest.importorskip("opendp.prelude")
    dp.enable_features("contrib")
    sigma, n = 4.3, 30_000
    space = dp.vector_domain(dp.atom_domain(T=int), size=n), dp.l2_distance(T=float)
    theirs = np.array(dp.m.make_gaussian(*space, scale=sigma)([0] * n))
    ours = Noise().discrete_gaussian(sigma, n)
    clipped = [np.clip(x, -14, 14) + 14 for x in (ours, theirs)]
    table = np.array([np.bincount(x, minlength=29) for x in clipped])
    assert stats.chi2_contingency(table).pvalue > 1e-6


@pytest.mark.statistical
def test_discrete_laplace_against_opendp() -> None:
    """Two-sample chi-square with OpenDP's sampler, 60,000 draws each; false alarm 1e-6 (unseeded)."""
    dp = pytest.importorskip("opendp.prelude")
    dp.enable_features("contrib")
    scale, n = 2.7, 60_000
    space = dp.vector_domain(dp.atom_domain(T=int), size=n), dp.l1_distance(T=int)
    theirs = np.array(dp.m.make_laplace(*space, scale=scale)([0] * n))
    ours = Noise().discrete_laplace(scale, n)
    clipped = [np.clip(x, -15, 15) + 15 for x in (ours, theirs)]
    table = np.array([np.bincount(x, minlength=31) for x in clipped])
    assert stats.chi2_contingency(table).pvalue > 1e-6


def hockey_stick(law: dict[int, float], shift: int, epsilon: float) -> float:
    """Exact delta at epsilon between a law and itself shifted."""
    return math.fsum(max(0.0, p - math.exp(epsilon) * law.get(k - shift, 0.0)) for k, p in law.items())


@pytest.mark.parametrize("sigma", [0.5, 1.0, 3.0, 20.0])
def test_rounded_gaussian_keeps_to_the_gaussian_curve(sigma: float) -> None:
    law = {k: m / 2.0**128 for k, m in masses(_sampler("rounded", sigma)).items()}
    for epsilon in np.linspace(0, 4 / sigma, 33):
        assert hockey_stick(law, 1, float(epsilon)) <= gdp_delta(1 / sigma, float(epsilon)) + 1e-15


def test_discrete_gaussian_does_not_keep_to_the_gaussian_curve() -> None:
    """Negative control: this is why the exact accounting uses the rounded one."""
    law = {k: m / 2.0**128 for k, m in masses(_sampler("discrete", 1.0)).items()}
    excess = [hockey_stick(law, 1, e) - gdp_delta(1.0, e) for e in np.linspace(0, 4, 81).tolist()]
    assert max(excess) > 1e-3


def test_exponential_choice_has_exact_weights() -> None:
    noise = seeded(3)
    exponents = [Fraction(0), Fraction(-1), Fraction(-5, 2), Fraction(-10_000)]
    draws = np.bincount([noise.choice(exponents) for _ in range(4000)], minlength=4)
    weights = np.exp([float(e) for e in exponents[:3]])
    assert draws[3] == 0
    assert stats.chisquare(draws[:3], 4000 * weights / weights.sum()).pvalue > 1e-6
    assert choice_slack(4) < 2.0**-180


def test_seeds_repeat_and_the_system_does_not() -> None:
    np.testing.assert_array_equal(seeded(4).gaussian(9.0, 50), seeded(4).gaussian(9.0, 50))
    assert (seeded(4).gaussian(9.0, 50) != seeded(5).gaussian(9.0, 50)).any()
    assert (Noise().gaussian(1e6, 20) != Noise().gaussian(1e6, 20)).any()
    assert SystemBits().private
    assert not SeededBits(1).private


def test_no_draws() -> None:
    for sigma in (1.0, 1e4):
        assert seeded().gaussian(sigma, 0).shape == (0,)
    assert seeded().discrete_laplace(3.0, 0).shape == (0,)


@pytest.mark.parametrize("sigma", [0.0, -1.0, math.inf, math.nan, 1e12, "3"])
def test_useless_scales_are_refused(sigma: float) -> None:
    for draw in (seeded().gaussian, seeded().discrete_gaussian, seeded().discrete_laplace):
        with pytest.raises(UsageError, match="not usable"):
            draw(sigma, 3)
