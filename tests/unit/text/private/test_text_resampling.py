"""Resampling by a private histogram: its cost, its shares, and what it may touch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest

from locum.errors import BudgetError, DataError, UsageError
from locum.privacy.accountant import Total
from locum.privacy.budget import Budget
from locum.privacy.ledger import Ledger
from locum.privacy.unit import Unit
from locum.text.private.evolution import Settings, evolve
from locum.text.private.resampling import quotas, resample

TOPICS = {"soup": "soup broth spoon bowl", "room": "room bed towel lobby", "car": "car tyre brake garage"}
WORDS = sorted({w for t in TOPICS.values() for w in t.split()})


def bag(texts: Sequence[str]) -> np.ndarray:
    """Counts of twelve words, unit length: three topics are three orthogonal blocks."""
    found = np.array([[t.split().count(w) for w in WORDS] for t in texts], dtype=np.float32)
    norms = np.linalg.norm(found, axis=1, keepdims=True)
    return found / np.where(norms > 0, norms, 1)


def texts(shares: dict[str, int], seed: int) -> list[str]:
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(TOPICS[t].split(), size=6)) for t, n in shares.items() for _ in range(n)]


def topic(text: str) -> str:
    return next(t for t, words in TOPICS.items() if text.split()[0] in words.split())


POOL = texts({"soup": 100, "room": 100, "car": 100}, 1)
PRIVATE = texts({"soup": 600, "room": 300, "car": 100}, 2)


def test_the_pool_takes_the_shares_of_the_private_texts_and_random_votes_leave_it() -> None:
    """Fixed seeds; at epsilon 4 the noise on a cluster is about 1 of 66 votes."""
    found = resample(
        PRIVATE, POOL, Ledger.test(Budget.approx(4, 1e-5), seed=1), size=100, clusters=15, embed=bag
    )
    drawn = Counter(topic(t) for t in found.texts)
    assert abs(drawn["soup"] - 60) <= 4
    assert abs(drawn["room"] - 30) <= 4
    assert len(set(found.rows)) == 100
    blind = resample(
        PRIVATE, POOL, Ledger.test(Budget.gaussian(1e-4, 1e-5), seed=1), size=100, clusters=15, embed=bag
    )
    assert abs(Counter(topic(t) for t in blind.texts)["soup"] - 60) > 8


@pytest.mark.parametrize(("adjacency", "sensitivity"), [("add-remove", 1.0), ("replace", 2**0.5)])
def test_the_ledger_is_the_closed_form(adjacency: str, sensitivity: float) -> None:
    ledger = Ledger.test(Budget.approx(2, 1e-5), Unit(adjacency=adjacency), seed=1)  # type: ignore[arg-type]
    found = resample(PRIVATE, POOL, ledger, size=50, clusters=6, embed=bag)
    [entry] = ledger.entries
    assert (entry.mechanism, entry.sensitivity, entry.scale) == ("gaussian", sensitivity, found.sigma)
    assert Total.of([entry]).mu == pytest.approx(sensitivity / found.sigma)
    assert 1.99 < Total.of([entry]).epsilon(1e-5) <= 2
    assert "NOT PRIVATE" in found.sentence


def test_on_a_zcdp_ledger_the_noise_is_discrete_gaussian() -> None:
    ledger = Ledger.test(Budget.zcdp(0.5, 1e-5), seed=1, accounting="zcdp")
    found = resample(PRIVATE, POOL, ledger, size=50, clusters=6, embed=bag)
    [entry] = ledger.entries
    assert entry.mechanism == "discrete-gaussian"
    assert entry.rho == pytest.approx(0.5)
    assert "rho 0.5" in found.sentence
    assert all(isinstance(n, int) for x in found.counts.values() for n in x)


def test_evolution_and_resampling_share_one_ledger() -> None:
    class Writer:
        def write(self, label: str, n: int, rng: np.random.Generator) -> list[str]:
            return [" ".join(rng.choice(WORDS, size=6)) for _ in range(n)]

        def vary(self, text: str, label: str, n: int, rng: np.random.Generator) -> list[str]:
            return self.write(label, n, rng)

    ledger = Ledger.test(Budget.approx(3, 1e-5), seed=2)
    made = evolve(PRIVATE, Writer(), ledger, settings=Settings(2, 60, 2), share=0.5, embed=bag)
    half = ledger.remaining_rho
    assert half == pytest.approx(ledger.budget.rho("gdp", ledger.reserve) / 2)
    resample(PRIVATE, made.texts, ledger, size=30, clusters=5, embed=bag)
    assert len(ledger.entries) == 3
    assert ledger.total.epsilon(1e-5) <= 3
    with pytest.raises(BudgetError):
        resample(PRIVATE, made.texts, ledger, size=30, clusters=5, embed=bag)


def test_centres_and_candidates_owe_nothing_to_the_private_texts() -> None:
    """Two private sets, noise that drowns both: counts differ, but the same clusters of the same pool."""
    one, other = (
        resample(private, POOL, Ledger.test(seed=3), size=10, clusters=7, embed=bag).pool_counts
        for private in (PRIVATE, [])
    )
    assert one == other


def test_one_text_more_changes_one_cell_by_one() -> None:
    def votes(private: list[str]) -> np.ndarray:
        # the same seed gives the same noise: it cancels in the difference
        found = resample(private, POOL, Ledger.test(seed=4), size=10, clusters=9, embed=bag)
        return np.array(found.counts[""])

    whole = votes(PRIVATE[:50])
    for i in range(0, 50, 7):
        assert sorted(whole - votes(PRIVATE[:i] + PRIVATE[i + 1 : 50])) == [0] * 8 + [1]


def test_classes_are_shared_out_by_noisy_counts_or_public_shares() -> None:
    marks = ["a"] * 600 + ["b"] * 400
    pool_marks = ["a", "b", "c"] * 100
    ledger = Ledger.test(Budget.approx(4, 1e-5), seed=5)
    found = resample(
        PRIVATE, POOL, ledger, size=60, labels=marks, pool_labels=pool_marks, clusters=9, embed=bag
    )
    assert len(ledger.entries) == 1
    assert Counter(found.labels)["a"] == pytest.approx(36, abs=4)
    assert {topic(t) for t, c in zip(found.texts, found.labels, strict=True) if c == "a"} >= {"soup"}
    named = resample(
        PRIVATE,
        POOL,
        Ledger.test(seed=5),
        size=60,
        labels=marks,
        pool_labels=pool_marks,
        classes={"a": 1, "b": 3},
        clusters=9,
        embed=bag,
    )
    assert Counter(named.labels) == {"a": 15, "b": 45}
    # a class that only the private texts have can neither be drawn nor seen
    odd = ["secret"] * 1000
    found = resample(
        PRIVATE, POOL, Ledger.test(seed=5), size=9, labels=odd, pool_labels=pool_marks, clusters=9, embed=bag
    )
    assert "secret" not in found.labels


def test_quotas_fill_up_from_other_clusters_and_say_so() -> None:
    held = np.array([10, 2, 10, 0])
    assert [x.tolist() if hasattr(x, "tolist") else x for x in quotas(np.array([1.0, 1, 1, 1]), held, 8)] == [
        [3, 2, 3, 0],
        2,
    ]
    assert quotas(np.array([1.0, 1, 2, 0]), held, 8)[0].tolist() == [2, 2, 4, 0]
    assert quotas(np.array([0.0, 9, 0, 0]), held, 8)[0].tolist() == [3, 2, 3, 0]
    assert quotas(np.array([0.0, 9, 0, 0]), held, 8, repeat=True)[0].tolist() == [0, 8, 0, 0]
    assert quotas(np.zeros(4), held, 22)[0].tolist() == [10, 2, 10, 0]
    assert quotas(np.array([1.0, 1, 1, 1]), held, 99)[0].sum() == 22


def test_what_cannot_be_is_refused_before_anything_is_spent() -> None:
    ledger = Ledger.test(seed=6)
    with pytest.raises(DataError, match="no texts"):
        resample(PRIVATE, [], ledger, size=1, embed=bag)
    with pytest.raises(UsageError, match="pool of 300"):
        resample(PRIVATE, POOL, ledger, size=301, embed=bag)
    with pytest.raises(UsageError, match="only one side"):
        resample(PRIVATE, POOL, ledger, size=1, labels=["a"] * 1000, embed=bag)
    with pytest.raises(DataError, match="no text of class"):
        resample(
            PRIVATE,
            POOL,
            ledger,
            size=1,
            labels=["a"] * 1000,
            pool_labels=["b"] * 300,
            classes=["a"],
            embed=bag,
        )
    with pytest.raises(UsageError, match="share"):
        resample(PRIVATE, POOL, ledger, size=1, share=0.0, embed=bag)
    assert ledger.entries == ()
