"""Loops over texts: what a model of runs of words loses of a Zipf-like column of texts."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest

from locum.errors import DataError, UsageError
from locum.schema.table import Schema
from locum.studies.collapse.collapse import collapse
from locum.studies.collapse.laws import surviving_copies
from locum.studies.collapse.page import render
from locum.studies.collapse.texts import RunModel, Writer, words_of


def frame(n: int = 1500, seed: int = 0) -> pa.Table:
    rng = np.random.default_rng(seed)
    weight = 1 / np.arange(1, 1501) ** 1.1
    weight /= weight.sum()
    texts = [" ".join(f"w{v}" for v in rng.choice(1500, rng.integers(4, 10), p=weight)) for _ in range(n)]
    return pa.table({"id": list(range(n)), "message": texts})


@pytest.fixture(scope="module")
def found():
    return collapse(frame(), text="message", order=2, generations=6, seed=3)


def by(found, mode: str):
    return next(x for x in found.loops if x.mode == mode).generations


def test_replacing_loses_rare_words_for_good_and_keeping_all_texts_loses_fewer(found) -> None:
    replaced, kept = by(found, "replace"), by(found, "accumulate")
    tail = [g.tail for g in replaced]
    assert all(b < a for a, b in pairwise(tail))
    assert kept[-1].tail > replaced[-1].tail + 0.1
    assert kept[-1].error < replaced[-1].error
    assert kept[-1].diversity > replaced[-1].diversity
    assert kept[-1].entropy < replaced[-1].entropy


def test_fresh_texts_hold_the_loop_nearer_than_replacing(found) -> None:
    fresh, replaced = by(found, "fresh"), by(found, "replace")
    assert fresh[-1].error < replaced[-1].error
    assert fresh[-1].diversity > replaced[-1].diversity + 0.1
    assert fresh[-1].entropy < replaced[-1].entropy - 0.3
    assert by(found, "verified")[-1].lineage.verified


def test_rare_words_go_as_the_law_of_chance_says(found) -> None:
    """About 1,000 rare words: a share's standard error is below 0.016; 0.05 is three of them; fixed seed."""
    for mode in ("replace", "accumulate"):
        assert all(abs(g.tail - g.law) < 0.05 for g in by(found, mode))
    assert by(found, "fresh")[0].law is None


def test_the_law_is_that_of_simulated_branching() -> None:
    """40,000 lines of two copies: standard error below 0.0025; held to 0.01; fixed seed."""
    rng = np.random.default_rng(0)
    copies = np.full(40_000, 2)
    pool = copies.copy()
    for t in range(1, 6):
        copies = rng.poisson(copies)
        made = rng.poisson(pool / t)
        pool = pool + made
    assert abs((copies > 0).mean() - surviving_copies(np.array([2.0]), 5)[0]) < 0.01
    assert abs((made > 0).mean() - surviving_copies(np.array([2.0]), 5, kept=True)[0]) < 0.01


def test_the_same_seed_gives_the_same_numbers(found) -> None:
    again = collapse(frame(), text="message", order=2, generations=2, loops=("replace", "verified"), seed=3)
    other = collapse(frame(), text="message", order=2, generations=2, loops=("replace",), seed=4)
    assert by(again, "verified")[:2] == by(found, "verified")[:2]
    assert by(again, "replace")[:2] == by(found, "replace")[:2]
    assert by(other, "replace")[0].error != by(found, "replace")[0].error


def test_chances_of_next_words_add_up_to_one_and_a_long_run_copies() -> None:
    texts = [["a", "b", "c"], ["a", "c"], ["b"]]
    model = RunModel(texts, 2, 4)
    assert model.bits(["a", "c"]) < model.bits(["c", "a"])
    for before in (("",), ("a",), ("z",)):
        assert sum(model._chance(w, before) for w in ("a", "b", "c", "")) == pytest.approx(1.0)
    drawn = RunModel(texts, 5, 4).draw(50, np.random.default_rng(0))
    assert {tuple(t) for t in drawn} == {tuple(t) for t in texts}


def test_a_judge_keeps_more_texts_of_the_real_wording() -> None:
    real = pa.table({"words": ["the red cat sat here"] * 300 + ["a blue dog ran off"] * 300})
    made = pa.table({"words": ["the red cat sat here"] * 400 + ["cat a cat the off"] * 400})
    kept = words_of(Writer(2).judge(real, Schema(name="t", columns=()), made, 400, 1))
    assert len(kept) == 400
    assert sum(t[0] == "the" for t in kept) > 300


def test_the_page_and_the_numbers_are_those_of_texts(found, tmp_path) -> None:
    page = render(found)
    for word in ("word error", "Rare words", "law: replace", "bits a word", "word 2-grams"):
        assert word in page
    assert "pair error" not in page
    numbers = json.loads(json.dumps(found.to_json()))
    assert numbers["text"] == "message"
    assert numbers["loops"][0]["generations"][0]["entropy"] > numbers["floor_entropy"]


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ({"text": "mesage"}, UsageError, "no column 'mesage'"),
        ({"order": 0}, UsageError, "runs of 0 words"),
        ({"protected": ("id",)}, UsageError, "groups are not followed"),
        ({"synthesizer": "tree"}, UsageError, "cannot write texts"),
    ],
)
def test_bad_requests_are_told_in_a_sentence(change, error, said) -> None:
    with pytest.raises(error, match=said):
        collapse(frame(100), **{"text": "message", **change})


def test_bad_texts_are_told_in_a_sentence() -> None:
    with pytest.raises(DataError, match="0 words in 0 texts"):
        collapse(pa.table({"m": ["", None, "  "] * 50}), text="m")
    with pytest.raises(DataError, match="3 rows are too few"):
        collapse(pa.table({"m": ["many words here " * 100] * 3}), text="m")
    some = frame(200)
    gaps = pa.table({"m": [*some.column("message").to_pylist(), "", None]})
    done = collapse(gaps, text="m", generations=1, loops=("replace",))
    assert done.notes[0] == "2 rows without a word were left out."
