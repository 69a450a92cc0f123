"""ROUGE-L, decontamination, curation of rows."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from locum.errors import DataError
from locum.evaluation.learn.embedding import available
from locum.text.curate.overlap import Benchmarks, Uncontaminated, read_benchmarks
from locum.text.curate.rouge import Likeness, rouge_l
from locum.text.curate.rows import curate

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


def _table(seed: int, n: int, flipped: int = 0) -> pa.Table:
    draw = np.random.default_rng(seed)
    x, kind = draw.normal(size=n), draw.choice(["a", "b"], n)
    label = np.where((x > 0) == (kind == "a"), "yes", "no")
    label[:flipped] = np.where(label[:flipped] == "yes", "no", "yes")
    return pa.table({"x": x, "kind": kind.tolist(), "label": label.tolist()})


@pytest.mark.statistical
def test_curation_drops_wrong_labels_and_keeps_right_ones() -> None:
    """Fixed seeds, so it fails never or always; over seeds the drop rates were 0.8 and 0.05 or better."""
    found = curate(_table(0, 300), _table(1, 400, flipped=100), "label")
    assert (~found.keep[:100]).mean() > 0.8
    assert found.keep[100:].mean() > 0.9
    assert found.confidence[100:].mean() > 0.8 > 0.3 > found.confidence[:100].mean()
    assert (found.aleatoric <= 0.25).all()
    again = curate(_table(0, 300), _table(1, 400, flipped=100), "label")
    assert np.array_equal(found.confidence, again.confidence)


def test_curation_with_labels_and_columns_that_are_not_there() -> None:
    odd = pa.table({"x": [0.1, 0.2], "kind": ["a", None], "label": ["maybe", None]})
    found = curate(_table(0, 60), odd, "label", trees=5)
    assert not found.keep.any() and not found.confidence.any()
    with pytest.raises(DataError, match="no column"):
        curate(_table(0, 60), odd.drop_columns("kind"), "label")
    with pytest.raises(DataError, match="1 labels"):
        curate(pa.table({"x": [1.0], "label": ["a"]}), pa.table({"x": [1.0], "label": ["a"]}), "label")
