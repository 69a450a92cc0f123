"""ROUGE-L, decontamination, curation of rows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locum.evaluation.learn.embedding import available
from locum.text.curate.overlap import Benchmarks, Uncontaminated, read_benchmarks
from locum.text.curate.rouge import Likeness, rouge_l

_WORDS = st.lists(st.sampled_from("abcd"), max_size=9)


def _longest(one: list[str], other: list[str]) -> int:
    row = [0] * (len(other) + 1)
    for a in one:
        before = row[:]
        for j, b in enumerate(other):
            row[j + 1] = before[j] + 1 if a == b else max(before[j + 1], row[j])
    return row[-1]


@given(_WORDS, _WORDS)
def test_rouge_l_is_that_of_the_textbook_table(one: list[str], other: list[str]) -> None:
    wanted = 2 * _longest(one, other) / (len(one) + len(other)) if one and other else 0.0
    assert rouge_l(one, other) == pytest.approx(wanted)


@given(st.lists(_WORDS.filter(bool), max_size=4), _WORDS.filter(bool), st.sampled_from([0.3, 0.7, 1.0]))
def test_the_pool_refuses_exactly_what_is_at_the_threshold(
    kept: list[list[str]], new: list[str], threshold: float
) -> None:
    pool = Likeness(threshold)
    for one in kept:
        pool.add(" ".join(one))
    assert pool.too_like(" ".join(new)) == any(rouge_l(new, one) >= threshold for one in kept)


def test_runs_of_words_and_meaning_are_met(tmp_path: Path) -> None:
    entry = "Janet has sixteen ducks that lay three eggs each on every single morning of the week"
    (tmp_path / "b.jsonl").write_text(json.dumps({"q": entry, "more": {"a": "nothing"}}) + "\n")
    found = read_benchmarks({"ducks": tmp_path / "b.jsonl"}, n=8, cosine=0.0)
    hit = found.find("We know: JANET has sixteen ducks, that lay three eggs each. So what?")
    assert hit is not None and (hit.benchmark, hit.entry, hit.how) == ("ducks", 0, "words")
    assert found.find("Janet has sixteen ducks that lay many eggs each on every second morning") is None
    assert found.find("") is None
    verifier = Uncontaminated({"ducks": str(tmp_path / "b.jsonl")}, cosine=0.0)
    assert not verifier.verify({"q": entry}, {}).ok
    assert verifier.verify("Something else that is long enough to be looked at as a run", {}).ok


@pytest.mark.skipif(not available(), reason="the static encoder is not installed")
def test_the_same_words_in_another_order_are_met_by_meaning() -> None:
    found = Benchmarks(n=13, cosine=0.95)
    found.add("x", ["The old man sold three baskets of green apples at the market."])
    hit = found.find("At the market the old man sold three baskets of green apples.")
    assert hit is not None and hit.how == "meaning"
    assert found.find("Nobody knows when the last train to the coast leaves tonight.") is None
