"""Audits: 5,000 runs a world, of every mechanism and of every private generator up to its measurements.

A generator's fit is left out: one real fit says which questions it asks, with how much noise; these questions
are then asked 5,000 times of a data set and of the same with one row more. What the answers tell apart may
not exceed what the ledger was charged for them. Noise is seeded, so a verdict never changes by chance.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from locum.evaluation.attacks.dp_audit import audit_scores, gaussian_epsilon
from locum.evaluation.attacks.one_run import audit_one_run
from locum.models import registry
from locum.privacy.budget import Budget
from locum.privacy.group_keys import release_keys
from locum.privacy.ledger import Ledger
from locum.privacy.mechanisms import exponential, gaussian_counts, laplace_counts
from locum.privacy.noise import Noise
from locum.privacy.unit import Unit
from locum.schema.domain import Attribute, Coded, Codes, Domain
from locum.sources import private
from locum.sources.memory import MemorySource
from locum.sources.private import Candidate, PrivateSource

RUNS = 5_000
DELTA = 1e-5
#: Claims are held to this level: a true one falls with chance 1 in 100,000 a test, and seeds are fixed.
SURE = 0.99999
PRIVATE = [n for n in registry.names() if hasattr(registry.get(n), "fit_source")]
DOMAIN = Domain(tuple(Attribute(f"c{i}", f"c{i}", size, False) for i, size in enumerate((2, 3, 2))))


def noise(seed: int) -> Noise:
    return Ledger.test(seed=seed).spend("gaussian", [("x",)], sensitivity=1.0, scale=1e6, purpose="test")


def gaussian_ratio(answers: Any, without: Any, within: Any, sigma: float) -> np.ndarray:
    """Log likelihood ratio of each run, shape (runs,), of answers of shape (runs, cells)."""
    answers = np.asarray(answers, dtype=float)
    far, near = (answers - without) ** 2, (answers - within) ** 2
    return np.asarray((far - near).sum(axis=1) / (2 * sigma**2))


@pytest.mark.statistical
@pytest.mark.parametrize("epsilon", [1.0, 3.0, 8.0])
def test_noisy_counts(epsilon: float) -> None:
    """Rounded Gaussian counts; false alarm 1 in 100,000, seeds fixed."""
    mu = math.sqrt(2 * Budget.approx(epsilon, DELTA).rho("gdp"))
    exact = np.array([[7, 0, 3], [7, 1, 3]], dtype=np.int64)
    scores = counted(exact, 1 / mu, rounded=True)
    assert not audit_scores(*scores, delta=DELTA, confidence=SURE, threshold=0.0).refutes_mu(mu)
    # With noise of about one row, rounding itself hides a part of what the claim allows.
    reached = {1.0: 0.5, 3.0: 2.2, 8.0: 5.5}
    assert audit_scores(*scores, delta=DELTA, threshold=0.0).epsilon > reached[epsilon]


@pytest.mark.statistical
@pytest.mark.parametrize("epsilon", [1.0, 3.0, 8.0])
def test_noisy_counts_of_the_discrete_kind(epsilon: float) -> None:
    """Discrete Gaussian counts, which are zCDP and not quite GDP; false alarm 1 in 100,000, seeds fixed."""
    sigma = 1 / math.sqrt(2 * Budget.approx(epsilon, DELTA).rho("zcdp"))
    scores = counted(np.array([[7, 0, 3], [7, 1, 3]], dtype=np.int64), sigma, rounded=False)
    for threshold in (0.0, 1.0 / sigma**2):
        found = audit_scores(*scores, delta=DELTA, confidence=SURE, threshold=threshold)
        assert found.epsilon_any <= epsilon
    if sigma > 1:
        # With noise of several rows the discrete law is as good as the Gaussian one.
        assert audit_scores(*scores, delta=DELTA, threshold=0.0).epsilon > 0.4 * epsilon


def counted(exact: np.ndarray, sigma: float, *, rounded: bool) -> list[np.ndarray]:
    """Log likelihood ratios of noisy counts in both worlds."""
    scores = []
    for world in (0, 1):
        counts = np.tile(exact[world], (RUNS, 1))
        answers = gaussian_counts(counts, sigma, noise(world), rounded=rounded)
        scores.append(gaussian_ratio(answers, exact[0], exact[1], sigma))
    return scores


@pytest.mark.statistical
def test_laplace_counts() -> None:
    """Discrete Laplace, epsilon 1; false alarm 1 in 100,000, seeds fixed."""
    scores = []
    for world in (0, 1):
        answers = laplace_counts(np.full(RUNS, 5 + world, dtype=np.int64), 1.0, noise(10 + world))
        scores.append((np.abs(answers - 5) - np.abs(answers - 6)).astype(float))
    found = audit_scores(*scores, delta=DELTA, confidence=SURE, threshold=0.5)
    assert audit_scores(*scores, delta=DELTA, threshold=0.5).epsilon_any > 0.5 and found.epsilon_any <= 1.0


@pytest.mark.statistical
def test_the_exponential_mechanism() -> None:
    """Two candidates, scores one apart in opposite ways; false alarm 1 in 100,000, seeds fixed."""
    epsilon = 2.0
    worlds = []
    for world, scores in enumerate(([3, 4], [4, 3])):
        source = noise(20 + world)
        worlds.append([float(exponential(scores, epsilon, 1, source) == 0) for _ in range(RUNS)])
    assert not audit_scores(*worlds, confidence=SURE, threshold=0.5).epsilon_any > epsilon
    # With two candidates the odds change by exp(epsilon / 2) only.
    assert 0.8 < audit_scores(*worlds, threshold=0.5).epsilon_any < 1.1


@pytest.mark.statistical
def test_released_keys() -> None:
    """A key of one person: released with a chance below delta, whatever the others say; seeds fixed."""
    ledger = Ledger.test(Budget.zcdp(1e6, 1e-2), seed=6, reserve=0.5)
    people = {f"person {i}": 1 for i in range(RUNS)}
    keys = release_keys(people, ledger, column="c", sigma=3.0, delta=1e-3, purpose="test")
    shown = len(keys.names)
    # 5,000 runs at a chance of at most 1e-3: more than 18 have a chance below 1e-5 (Poisson, mean 5).
    assert shown <= 18


class Repeated:
    """A source of which every table holds so many copies, so that one question is asked many times."""

    def __init__(self, source: MemorySource, times: int) -> None:
        self.domain, self._source, self._times = source.domain, source, times

    def marginal(self, attributes: Sequence[str]) -> Any:
        return np.tile(self._source.marginal(attributes), self._times)

    def marginals(self, cliques: Sequence[Sequence[str]]) -> list[Any]:
        return [np.tile(t, self._times) for t in self._source.marginals(cliques)]

    def votes(self, proposed: Codes) -> Any:
        return np.tile(self._source.votes(proposed), self._times)


class Asked(PrivateSource):
    """Scores of one candidate, so many times; what is noised and how is left as it is."""

    plain: PrivateSource

    def _errors(self, candidates: Any) -> Any:
        return np.tile(self.plain._errors(candidates), RUNS)


class Listening(PrivateSource):
    """Notes which questions are asked."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.asked: list[tuple[str, Any, float]] = []

    def measure(self, cliques: Any, sigma: float, *, purpose: str) -> Any:
        self.asked.extend(("table", tuple(c), sigma) for c in cliques)
        return super().measure(cliques, sigma, purpose=purpose)

    def votes(self, proposed: Any, sigma: float, *, purpose: str) -> Any:
        self.asked.append(("votes", proposed.copy(), sigma))
        return super().votes(proposed, sigma, purpose=purpose)

    def _noisy_scores(self, candidates: Any, sigma: float, mechanism: str, purpose: str) -> Any:
        self.asked.extend(("score", c, sigma) for c in candidates)
        return super()._noisy_scores(candidates, sigma, mechanism, purpose)


def rows(n: int) -> np.ndarray:
    rng = np.random.default_rng(1)
    first = rng.integers(0, 2, n)
    columns = [first, (first + rng.integers(0, 2, n)) % 3, rng.integers(0, 2, n)]
    return np.array(columns, dtype=np.int32).T


def coded(codes: np.ndarray) -> Coded:
    return Coded(DOMAIN, np.asfortranarray(codes))


WORLDS = (coded(rows(400)), coded(np.vstack([rows(400), [[1, 2, 1]]]).astype(np.int32)))


def questions(name: str, epsilon: float) -> tuple[list[tuple[str, Any, float]], float]:
    """What one fit asks of the smaller data set, and the mu that its ledger was charged."""
    made_by: Any = registry.get(name)
    ledger = Ledger.test(Budget.approx(epsilon, DELTA), seed=2)
    source = Listening(MemorySource(WORLDS[0]), ledger)
    extra = {"public": coded(rows(100))} if made_by.needs_public else {}
    settings: dict[str, Any] = {"rounds": 3} if name == "tab-pe" else {}
    made_by(**settings).fit_source(source, seed=1, **extra)
    mu = ledger.total.mu
    assert mu is not None and ledger.total.epsilon(DELTA) <= epsilon * (1 + 1e-6)
    return source.asked, mu


def ratios(asked: list[tuple[str, Any, float]], world: int) -> np.ndarray:
    """Log likelihood ratios of `RUNS` runs of these questions in one world."""
    ledger = Ledger.test(Budget.gaussian(1e6), seed=30 + world)
    plain = [PrivateSource(MemorySource(w), ledger) for w in WORLDS]
    many = Asked(Repeated(MemorySource(WORLDS[world]), RUNS), ledger)
    many.plain = plain[world]
    total = np.zeros(RUNS)
    for kind, what, sigma in asked:
        if kind == "table":
            without, within = (p._source.marginal(what) for p in plain)
            answers = many.measure([what], sigma, purpose="audit")[0].counts.reshape(RUNS, -1)
        elif kind == "votes":
            without, within = (p._source.votes(what) for p in plain)  # type: ignore[attr-defined]
            answers = many.votes(what, sigma, purpose="audit").reshape(RUNS, -1)
        else:
            bare = Candidate(what.clique, what.estimate)
            without, within = (p._errors([bare]) for p in plain)
            answers = many.scores([bare], sigma=sigma, purpose="audit").reshape(RUNS, 1)
        total += gaussian_ratio(answers, without, within, sigma)
    return total


@pytest.mark.statistical
@pytest.mark.parametrize("name", PRIVATE)
def test_a_generator_tells_no_more_than_its_ledger_says(name: str) -> None:
    """Claim epsilon 3; false alarm 1 in 100,000 a generator, seeds fixed."""
    asked, mu = questions(name, 3.0)
    scores = [ratios(asked, world) for world in (0, 1)]
    found = audit_scores(*scores, delta=DELTA, confidence=SURE, threshold=0.0)
    assert not found.refutes_mu(mu), f"{name}: mu {found.mu:.3f} is proven, {mu:.3f} was claimed"
    # The audit has the power to find the claim nearly tight; so a broken one would be found out.
    assert audit_scores(*scores, delta=DELTA, threshold=0.0).mu > 0.6 * mu


def halved(monkeypatch: pytest.MonkeyPatch) -> None:
    true = private.gaussian_counts
    monkeypatch.setattr(private, "gaussian_counts", lambda c, s, n, **o: true(c, s / 2, n, **o))


@pytest.mark.statistical
@pytest.mark.parametrize("name", ["aim", "mwem"])
def test_half_the_noise_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Negative control, as sure as the audits themselves."""
    asked, mu = questions(name, 3.0)
    halved(monkeypatch)
    scores = [ratios(asked, world) for world in (0, 1)]
    # Whoever does not know of the fault still uses the right threshold: the ratio is symmetric.
    assert audit_scores(*scores, delta=DELTA, confidence=SURE, threshold=0.0).refutes_mu(mu)


@pytest.mark.statistical
@pytest.mark.parametrize("broken", [False, True])
def test_a_choice_without_noise_is_caught(broken: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two candidates that one row puts in another order; the true choice stands, the un-noised falls."""
    # The row that is more in the second world lowers one error by one and raises the other by one.
    tables = [Candidate(("c2",), np.array([0, 10**6])), Candidate(("c0",), np.array([0, 0]))]
    exact = PrivateSource(MemorySource(WORLDS[0]), Ledger.test(seed=1))._errors(tables).tolist()
    candidates = [
        Candidate(t.clique, t.estimate, 1, e + half)
        for t, e, half in zip(tables, exact, (-0.5, 0.5), strict=True)
    ]
    if broken:
        monkeypatch.setattr(private, "gaussian_counts", lambda counts, *_, **__: counts)
    epsilon = 1.0
    claimed = math.sqrt(2 * Budget.approx(epsilon, DELTA).rho("gdp"))
    sigma = math.sqrt(len(candidates)) / claimed
    worlds = []
    for world in (0, 1):
        data, picked = MemorySource(WORLDS[world]), []
        for i in range(1_000):
            source = PrivateSource(data, Ledger.test(Budget.gaussian(10.0), seed=4_000 + 2 * i + world))
            picked.append(float(source.select(candidates, sigma=sigma, purpose="audit")))
        worlds.append(np.array(picked))
    found = audit_scores(*worlds, delta=DELTA, confidence=SURE, threshold=0.5)
    other = audit_scores(*[-w for w in worlds], delta=DELTA, confidence=SURE, threshold=-0.5)
    assert max(found.mu, other.mu) > claimed if broken else max(found.mu, other.mu) <= claimed


@pytest.mark.statistical
def test_bounds_taken_from_the_data_are_caught() -> None:
    """As many bins as the largest value asks for: the length of the answer gives one row away."""
    ledger = Ledger.test(Budget.gaussian(1e6), seed=50)

    def world(values: np.ndarray) -> Callable[[], float]:
        def run() -> float:
            size = int(values.max()) + 1
            domain = Domain((Attribute("v", "v", size, True),))
            source = PrivateSource(MemorySource(Coded(domain, values[:, None].astype(np.int32))), ledger)
            return float(len(source.measure([("v",)], 5.0, purpose="audit")[0].counts))

        return run

    plain = np.arange(20)
    without, within = world(plain), world(np.append(plain, 99))
    scores = [np.array([w() for _ in range(500)]) for w in (without, within)]
    claimed = gaussian_epsilon(1 / 5.0, DELTA)
    assert audit_scores(*scores, delta=DELTA, confidence=SURE).refutes(claimed)


CANARIES = 400


def canary_scores(name: str, epsilon: float, included: np.ndarray) -> np.ndarray:
    """One whole fit on rows among which each canary has a code of its own; its log-probability."""
    sizes = (CANARIES + 1, 2)
    domain = Domain(tuple(Attribute(f"c{i}", f"c{i}", size, False) for i, size in enumerate(sizes)))
    common = np.zeros((2_000, 2), dtype=np.int32)
    common[::2, 1] = 1
    canaries = np.array([[1 + i, 1] for i in range(CANARIES)], dtype=np.int32)
    data = Coded(domain, np.asfortranarray(np.vstack([common, canaries[included]])))
    ledger = Ledger.memory(Budget.approx(epsilon, DELTA))
    made_by: Any = registry.get(name)
    model = made_by().fit_source(PrivateSource(MemorySource(data), ledger), seed=1)
    return np.asarray(model.log_prob(np.asfortranarray(canaries)))


@pytest.mark.slow
@pytest.mark.statistical
@pytest.mark.parametrize("name", ["aim", "mst", "swift", "mwem", "privbayes"])
def test_a_whole_fit_with_canaries(name: str) -> None:
    """One run, real noise; a true claim falls with chance 1 in 100,000 a generator."""
    found = audit_one_run(
        lambda included: canary_scores(name, 2.0, included), CANARIES, seed=3, delta=DELTA, confidence=SURE
    )
    assert not found.refutes(2.0)


@pytest.mark.slow
@pytest.mark.statistical
def test_a_whole_fit_with_next_to_no_noise_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Negative control: a fortieth of the noise; every guess is right but for a handful."""
    true = private.gaussian_counts
    monkeypatch.setattr(private, "gaussian_counts", lambda c, s, n, **o: true(c, max(0.06, s / 40), n, **o))
    found = audit_one_run(
        lambda included: canary_scores("privbayes", 2.0, included), CANARIES, seed=3, delta=DELTA
    )
    assert found.refutes(2.0)


def test_the_unit_is_a_row_in_these_audits() -> None:
    assert Unit().l2 == 1.0 and Ledger.test(seed=1).unit.adjacency == "add-remove"
