"""Private prediction: its cost, how far a text can move a token, and its limit, the public model."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from locum.errors import BudgetError, LeakError, UsageError
from locum.privacy.accountant import Total
from locum.privacy.budget import Budget
from locum.privacy.conversions import zcdp_epsilon
from locum.privacy.ledger import Ledger
from locum.privacy.noise import Noise
from locum.privacy.random_bits import SeededBits
from locum.privacy.unit import Unit
from locum.text.engine.model import ModelSpec
from locum.text.private import prediction
from locum.text.private.prediction import (
    GRID,
    candidates,
    clip_for,
    contribution,
    predict,
    rho_of,
)
from locum.text.private.prompt_model import PromptedModel
from locum.text.private.trigrams import END, NGramModel

PUBLIC = ["the cat sat on the mat and the dog ran to the park .", "a red bird sang in the old tree ."] * 8
PRIVATE = ["the bird sat in the park .", "the bird sat in the park ."] * 40


class Two:
    """A language model of two tokens; a private text is a number, its log-odds of token 1 against 0."""

    end = frozenset((9,))

    def __init__(self, odds: float = 0.0) -> None:
        self.odds = odds
        self.seen: list[str] = []

    def public(self, written: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        return np.array([0, 1]), np.array([0.0, self.odds])

    def private(self, text: str, written: Sequence[int], tokens: np.ndarray) -> np.ndarray:
        self.seen.append(text)
        return np.array([0.0, float(text)])

    def text(self, written: Sequence[int]) -> str:
        return "".join(map(str, written))


def zcdp(rho: float, seed: int = 1, **unit: str | int) -> Ledger:
    return Ledger.test(Budget.zcdp(rho, 1e-5), Unit(**unit), seed=seed, accounting="zcdp")  # type: ignore[arg-type]


@pytest.mark.parametrize(("adjacency", "moves"), [("add-remove", 1), ("replace", 2)])
def test_the_ledger_is_the_closed_form(adjacency: str, moves: int) -> None:
    """rho = T C^2 / (2 B^2 tau^2), whatever the number of texts: batches are disjoint."""
    tokens, batch, tau, clip = 12, 8, 0.9, 0.5
    want = tokens * (moves * clip) ** 2 / (2 * batch**2 * tau**2)
    assert rho_of(tokens, clip, batch, tau, moves) == pytest.approx(want)
    ledger = zcdp(1.0, adjacency=adjacency)
    found = predict(
        ["1"] * 30, Two(), ledger, texts=5, batch=batch, tokens=tokens, temperature=tau, clip=clip
    )
    [entry] = ledger.entries
    assert (entry.mechanism, entry.steps) == ("exponential", tokens)
    assert entry.rho == pytest.approx(want)
    assert found.rho == pytest.approx(want)
    assert ledger.remaining_rho == pytest.approx(1 - want)
    assert f"epsilon {zcdp_epsilon(want, 1e-5):.4g}" in found.sentence
    assert found.sentence.startswith("Experimental")


def test_without_a_clip_all_that_is_left_is_spent() -> None:
    ledger = zcdp(0.4)
    found = predict(PRIVATE, NGramModel(PUBLIC), ledger, texts=3, batch=20, tokens=7)
    assert found.clip == pytest.approx(clip_for(0.4, 7, 20, 1.0), abs=2 / GRID)
    assert Total.of(ledger.entries).rho == pytest.approx(0.4, rel=1e-4)
    assert ledger.remaining_rho >= 0
    with pytest.raises(BudgetError):
        predict(PRIVATE, Two(), ledger, texts=1, batch=20, tokens=7, clip=1.0)
    assert len(ledger.entries) == 1


@pytest.mark.parametrize("seed", range(20))
def test_one_text_moves_a_score_by_at_most_the_clip(seed: int) -> None:
    rng = np.random.default_rng(seed)
    bound = int(rng.integers(1, 3 * GRID))
    public = rng.normal(size=50) * 5
    rows = rng.standard_cauchy(size=(6, 50)) * 10
    rows[0, :4] = np.inf, -np.inf, np.nan, 1e300
    parts = np.stack([contribution(r, public, bound) for r in rows])
    assert np.abs(parts).max() <= bound
    # add or remove one: at most clip; replace one by another: at most twice that
    whole = parts.sum(axis=0)
    assert np.abs(whole - parts[1:].sum(axis=0)).max() <= bound
    assert np.abs(parts[0] - parts[1]).max() <= 2 * bound


def test_the_law_of_a_token_is_bounded_by_epsilon_and_that_of_the_softmax() -> None:
    """4,000 draws each; the share of token 1 is within 5 standard errors (0.04) of the softmax."""
    batch, clip, tau = 4, 2.0, 1.0
    epsilon = 2 * clip / (batch * tau)

    def share(private: list[str]) -> float:
        draw = prediction._Draw(Two(), batch, int(clip * GRID), 1, epsilon, 2, Noise(SeededBits(7, *private)))
        return sum(draw.token(private, []) for _ in range(4000)) / 4000

    for private in ([], ["1"], ["9"], ["-9", "9", "9"], ["nan"]):
        move = sum(0 if p == "nan" else min(clip, max(-clip, float(p))) for p in private) / batch / tau
        assert share(private) == pytest.approx(1 / (1 + math.exp(-move)), abs=0.04)


@pytest.mark.parametrize("extreme", [{"clip": 2 / GRID}, {"clip": 0.5, "batch": 10**9}])
def test_with_nothing_to_move_the_output_is_the_public_models(extreme: dict[str, float]) -> None:
    """The same seed: the same tokens with private texts as without any."""
    given = {"batch": 5, "tokens": 15, "texts": 4, **extreme}
    model = NGramModel(PUBLIC)
    with_texts = predict(PRIVATE, model, zcdp(1.0, seed=3), **given)  # type: ignore[arg-type]
    # coins are drawn from the same supply: as many texts, that say nothing
    silent = predict([""] * len(PRIVATE), model, zcdp(1.0, seed=3), **given)  # type: ignore[arg-type]
    assert with_texts.texts == silent.texts
    moved = predict(PRIVATE, model, zcdp(1e4, seed=3), texts=4, batch=5, tokens=15, clip=6.0)
    assert moved.texts != silent.texts


def test_at_a_large_temperature_all_candidates_are_equal() -> None:
    """400 tokens, p = 0.5: within 4 standard errors."""
    found = predict(["5"] * 8, Two(8.0), zcdp(1.0), texts=1, batch=8, tokens=400, temperature=100.0, clip=1.0)
    assert found.texts[0].count("1") == pytest.approx(200, abs=40 + 8)


@pytest.mark.statistical
def test_private_texts_steer_and_more_budget_steers_more() -> None:
    """Fixed seeds: share of words of the private sentence that the public model rarely has in a row."""

    def likeness(rho: float) -> float:
        found = predict(PRIVATE, NGramModel(PUBLIC), zcdp(rho, seed=5), texts=12, batch=6, tokens=8)
        pairs = [p for t in found.texts for p in zip(t.split(), t.split()[1:], strict=False)]
        return sum(
            p in {("bird", "sat"), ("sat", "in"), ("the", "park"), ("the", "bird")} for p in pairs
        ) / len(pairs)

    assert likeness(50.0) > likeness(1e-6) + 0.15


def test_a_private_word_that_no_public_text_has_is_never_written() -> None:
    found = predict(["xyzzy plugh"] * 40, NGramModel(PUBLIC), zcdp(100.0), texts=8, batch=4, tokens=10)
    assert set(" ".join(found.texts).split()) <= set(" ".join(PUBLIC).replace(".", " .").split())


def test_each_text_is_in_one_batch_and_used_with_the_chance_given() -> None:
    """600 texts, chance 1/3: 200 +- 5 standard errors (58)."""
    model = Two()
    predict([str(i) for i in range(600)], model, zcdp(1.0), texts=6, batch=50, tokens=1, clip=0.1, used=1 / 3)
    assert len(model.seen) == len(set(model.seen))
    assert 142 <= len(model.seen) <= 258


def test_candidates_are_the_top_and_all_that_can_reach_it() -> None:
    public = np.log([0.4, 0.05, 0.3, 0.2, 0.05])
    assert candidates(public, 2, 0.0).tolist() == [0, 2]
    assert candidates(public, 2, 0.5).tolist() == [0, 2, 3]
    assert candidates(public, 99, 0.0).tolist() == [0, 2, 3, 1, 4]


def test_public_chances_of_the_ngram_model_sum_to_one_and_a_shown_text_moves_towards_itself() -> None:
    model = NGramModel(PUBLIC)
    for written in ([], [1], [1, 2], [3, 1]):
        tokens, logs = model.public(written)
        assert np.exp(logs).sum() == pytest.approx(1)
    shown = model.private("the old mat", [], tokens)
    gain = {model.text([t]): g for t, g in zip(tokens, shown - model.public([])[1], strict=True)}
    assert gain["old"] > gain["dog"] == pytest.approx(0)
    assert gain["mat"] > 0
    assert END in model.end


def test_a_unit_of_several_texts_moves_a_token_so_many_times() -> None:
    """Three texts of one person in one batch move a score by three times the clip, and that is paid for."""
    ledger = zcdp(1.0, column="who", rows=3)
    found = predict(["1"], Two(), ledger, texts=2, batch=5, tokens=3)
    [entry] = ledger.entries
    assert entry.rho == pytest.approx(rho_of(3, found.clip, 5, 1.0, 3))
    assert entry.rho <= 1.0
    alone = predict(["1"], Two(), zcdp(1.0), texts=2, batch=5, tokens=3)
    assert alone.clip == pytest.approx(3 * found.clip, rel=1e-3)


def test_a_gaussian_ledger_and_numbers_that_cannot_be_are_refused() -> None:
    with pytest.raises(UsageError, match="no Gaussian step"):
        predict(["1"], Two(), Ledger.test(seed=1), texts=1, batch=1)
    for wrong in ({"texts": 0}, {"batch": 0}, {"tokens": 0}, {"temperature": 0.0}, {"used": 0.0}):
        with pytest.raises(UsageError, match="cannot be"):
            predict(["1"], Two(), zcdp(1.0), **{"texts": 1, "batch": 1, **wrong})  # type: ignore[arg-type]
    with pytest.raises(BudgetError, match="too small"):
        predict(["1"], Two(), zcdp(1e-14), texts=1, batch=1)


def test_private_texts_reach_no_endpoint_that_was_not_named() -> None:
    away = ModelSpec("m", "https://models.example/v1", max_in_flight=1)
    with pytest.raises(LeakError, match=r"models\.example"):
        PromptedModel(away)
    with PromptedModel(away, allowed=["models.example"]):
        pass
    with pytest.raises(UsageError, match="several requests"):
        PromptedModel(ModelSpec("m", "http://127.0.0.1:1/v1", max_in_flight=4))


_WEIGHTS = Path(os.environ.get("LOCUM_MODELS", "")) / "smollm2-135m.gguf"


@pytest.mark.skipif(
    not (os.environ.get("LOCUM_MODELS") and _WEIGHTS.is_file()),
    reason="the weights of the embedded model are not here (LOCUM_MODELS)",
)
def test_the_embedded_model_predicts_and_keeps_no_prompt() -> None:
    """Five tokens from two private texts; with a large clip they lean to what the texts have in common."""
    texts = ["My zebra ate the zebra grass."] * 2
    with PromptedModel(
        ModelSpec("smollm2-135m", context=512), "My dog ate the grass.", logprobs=2000
    ) as model:
        tokens, public = model.public([])
        gain = dict(zip(tokens.tolist(), model.private(texts[0], [], tokens) - public, strict=True))
        zebra = [t for t in gain if "zebra" in model.text([t])]
        ledger = zcdp(1e4)
        found = predict(texts, model, ledger, texts=1, batch=2, tokens=5, clip=20.0, temperature=0.5, top=50)
    assert not zebra or max(gain[t] for t in zebra) > 0
    assert found.texts[0]
    assert ledger.entries[0].rho == pytest.approx(rho_of(5, 20.0, 2, 0.5))
