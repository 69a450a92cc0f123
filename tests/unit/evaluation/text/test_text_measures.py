"""Measures of text against closed forms, brute force and controls whose verdict is known."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest

from locum.errors import DataError, UsageError
from locum.evaluation.learn import embedding
from locum.evaluation.text import copying, geometry, identifiers, words
from locum.evaluation.text import evaluate as judges
from locum.evaluation.text.spread import jackknife, place
from locum.evaluation.text.trial import TextTrial
from locum.evaluation.text.use import classify

needs_encoder = pytest.mark.skipif(not embedding.available(), reason="extra text is not installed")


def test_frechet_is_the_closed_form_of_diagonal_gaussians() -> None:
    rng = np.random.default_rng(1)
    a = rng.normal(size=(400, 6))
    a -= a.mean(axis=0)
    a = a @ np.linalg.inv(np.linalg.cholesky(np.cov(a.T))).T  # covariance exactly 1
    scale, shift = np.arange(1, 7) / 2, np.linspace(-1, 1, 6)
    found = geometry.frechet(a, a * scale + shift)
    assert found == pytest.approx(((scale - 1) ** 2).sum() + (shift**2).sum(), rel=1e-9)
    assert geometry.frechet(a, a) == pytest.approx(0, abs=1e-9)
    assert math.isnan(geometry.frechet(a[:1], a))


def test_frechet_is_the_trace_of_the_root_of_a_matrix() -> None:
    from scipy.linalg import sqrtm

    rng = np.random.default_rng(2)
    a, b = rng.normal(size=(50, 8)) @ rng.normal(size=(8, 8)), rng.normal(size=(30, 8)) + 1
    root = sqrtm(np.cov(a.T) @ np.cov(b.T)).real
    want = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(np.cov(a.T) + np.cov(b.T) - 2 * root)
    assert geometry.frechet(a, b) == pytest.approx(want, rel=1e-6)
    few = a[:5]  # fewer rows than dimensions
    assert geometry.frechet(few, few + 1) == pytest.approx(8, rel=1e-6)


def test_cover_is_what_brute_force_counts() -> None:
    rng = np.random.default_rng(3)
    real, fake, k = rng.normal(size=(30, 3)), rng.normal(size=(25, 3)) * 1.5, 3

    def reach(points: np.ndarray, i: int) -> float:
        return sorted(np.linalg.norm(points - points[i], axis=1))[k]

    inside = [[np.linalg.norm(f - r) <= reach(real, i) for f in fake] for i, r in enumerate(real)]
    other = [[np.linalg.norm(f - r) <= reach(fake, j) for j, f in enumerate(fake)] for r in real]
    found = geometry.cover(real, fake, k)
    assert found.precision == np.any(inside, axis=0).mean()
    assert found.coverage == np.any(inside, axis=1).mean()
    assert found.recall == np.any(other, axis=1).mean()
    assert found.density == pytest.approx(np.sum(inside, axis=0).mean() / k)


def test_vendi_counts_different_texts() -> None:
    assert geometry.vendi(np.eye(7)) == pytest.approx(7)
    assert geometry.vendi(np.repeat(np.eye(7)[:1], 9, axis=0)) == pytest.approx(1)
    assert geometry.vendi(np.repeat(np.eye(4), 20, axis=0)) == pytest.approx(4)


def test_mauve_is_one_for_the_same_and_near_nothing_apart() -> None:
    p = np.array([1000.0, 2000, 3000, 0, 0, 0])
    assert geometry.mauve(p, p) == pytest.approx(1, abs=0.01)
    assert geometry.mauve(p, p[::-1]) < 0.05
    q = np.array([2000.0, 2000, 2000, 0, 0, 0])
    assert geometry.mauve(p, q) == pytest.approx(geometry.mauve(q, p), abs=1e-3)
    assert 0.5 < geometry.mauve(p, q) < geometry.mauve(p, p)


def test_distinct_and_self_bleu() -> None:
    texts = [["a", "b", "c"], ["a", "b", "d"]]
    assert words.distinct(texts, 1, 100) == 4 / 6
    assert words.distinct(texts, 2, 3) == 2 / 3  # ab, bc, ab
    assert words.distinct(texts, 2, 100) == 3 / 4
    same = [words.split("the food was good and the staff was kind") for _ in range(3)]
    assert words.self_bleu(same) == pytest.approx([1, 1, 1])
    assert words.self_bleu([["a", "b"], ["c", "d"]]).tolist() == [0, 0]


def test_self_bleu_is_bleu_with_all_others_as_references() -> None:
    rng = np.random.default_rng(4)
    texts = [[str(w) for w in rng.integers(6, size=rng.integers(3, 12))] for _ in range(8)]
    for i, score in enumerate(words.self_bleu(texts)):
        others = texts[:i] + texts[i + 1 :]
        most: dict[tuple[str, ...], int] = {}
        for n in range(1, 5):
            for t in others:
                grams = list(words.ngrams(t, n))
                for g in set(grams):
                    most[g] = max(most.get(g, 0), grams.count(g))
        assert score == pytest.approx(words.bleu(texts[i], most, [len(t) for t in others]))


def test_longest_shared_run() -> None:
    a, b = words.split("x one two three four y"), words.split("z one two three four w five")
    assert words.longest_shared([a], [b]) == 4
    assert words.longest_shared([["q"]], [b]) == 0
    assert words.longest_shared([b], [b, a]) == len(b)


def test_jackknife_of_a_mean_is_its_standard_error() -> None:
    x = np.random.default_rng(5).normal(size=1000)
    _, error = jackknife(lambda rows: float(x[rows].mean()), 1000)
    means = np.array([x[g::10].mean() for g in range(10)])
    assert error == pytest.approx(means.std(ddof=1) / math.sqrt(10), rel=1e-6)


def test_place_between_floor_and_reference() -> None:
    assert [place(v, 0.0, 1.0, 0.0) for v in (1.3, 0.8, 0.6, 0.2)] == ["good", "good", "middling", "poor"]
    assert place(0.1, 0.0, 0.2, 1.0) == "good"  # lower is better
    assert place(1.7, 0.0, 1.0, 0.0, two_sided=True) == "poor"
    assert place(0.6, 0.5, 1.0, 0.0) == "good"
    assert place(1.0, 0.0, 1.0, 1.0) == "unclear"


def test_bigram_model_sums_to_one_over_known_words() -> None:
    model = copying.Bigrams([["a", "b", "a", "c"], ["b", "b"]])
    for first in ("a", "b"):
        total = sum(math.exp(model.mean([first, second])) for second in ("a", "b", "c", "?"))
        assert total == pytest.approx(1)


def test_classifier_tells_separate_clouds() -> None:
    rng = np.random.default_rng(6)
    x = np.concatenate([rng.normal(size=(40, 5)) + 4 * np.eye(5)[i] for i in range(3)])
    y = [label for label in "abc" for _ in range(40)]
    assert np.mean([a == b for a, b in zip(classify(x, y, x), y, strict=True)]) > 0.95


_SUBJECTS = (
    "the soup",
    "my room",
    "their car",
    "the pool",
    "our waiter",
    "the pasta",
    "a haircut",
    "the bed",
)
_VERBS = ("was", "seemed", "is always", "has never been")
_ENDS = {
    "good": ("very nice", "truly wonderful", "a joy for everyone", "worth every cent", "warm and clean"),
    "bad": ("really awful", "cold and dirty", "a waste of money", "late and broken", "the worst in town"),
}


def reviews(n: int, seed: int) -> tuple[list[str], list[str]]:
    """Reviews of three sentences, none alike, and whether they praise."""
    rng = np.random.default_rng(seed)
    texts, labels = [], []
    for _ in range(n):
        label = ("good", "bad")[rng.integers(2)]
        said = [
            f"{rng.choice(_SUBJECTS)} {rng.choice(_VERBS)} {rng.choice(_ENDS[label])}, "
            f"i paid {rng.integers(3, 900)} on day {rng.integers(1, 365)}."
            for _ in range(3)
        ]
        texts.append(" ".join(said))
        labels.append(label)
    return texts, labels


def tried(kind: str, n: int = 150) -> tuple[TextTrial, dict[str, str], dict[str, str]]:
    """A trial of a control, its verdicts by result and its answers by question."""
    (train, a), (held, b), (fresh, c) = (reviews(n, seed) for seed in (1, 2, 3))
    rng = np.random.default_rng(7)
    if kind == "copy":
        fresh, c = train, a
    elif kind == "shuffled":
        fresh = [" ".join(rng.permutation(t.split())) for t in fresh]
    elif kind == "unrelated":
        made = ("orbit", "quark", "tensor", "proton", "lemma", "axiom", "matrix", "photon", "graph", "field")
        fresh = [" ".join(rng.choice(made, size=20)) for _ in range(n)]
    elif kind == "one":
        fresh, c = [fresh[0]] * n, [c[0]] * n
    trial = TextTrial(train, fresh, held, {"train": a, "holdout": b, "synthetic": c})
    found = judges.judge(trial)
    said = judges.answers(trial, found)
    return trial, {r.name: r.verdict for r in found}, {s.question: s.verdict for s in said}


@needs_encoder
def test_real_texts_in_place_of_synthetic_ones_pass() -> None:
    """Fixed seeds; a poor verdict on real texts would be a false alarm (copying: 1 in 100 by its level)."""
    _, verdicts, said = tried("real")
    assert said["faithful"] in ("good", "middling")
    assert said["useful"] == said["private"] == "good"
    assert [k for k, v in verdicts.items() if v == "poor"] == []


@needs_encoder
def test_a_copy_is_called_a_copy() -> None:
    _, verdicts, said = tried("copy")
    assert said["private"] == "poor"
    assert verdicts["text.copied_runs"] == verdicts["text.membership.nearest"] == "poor"
    assert verdicts["text.membership.likelihood"] in ("poor", "middling")


@needs_encoder
def test_shuffled_words_are_found_by_their_order_though_embeddings_do_not_see_it() -> None:
    _, verdicts, said = tried("shuffled")
    assert verdicts["text.order"] == said["faithful"] == "poor"
    assert verdicts["text.frechet"] == "good"


@needs_encoder
@pytest.mark.parametrize("kind", ["unrelated", "one"])
def test_unrelated_text_and_one_text_repeated_are_poor(kind: str) -> None:
    _, verdicts, said = tried(kind)
    assert said["faithful"] == "poor"
    assert verdicts["text.frechet"] == verdicts["text.coverage"] == verdicts["text.mauve"] == "poor"
    if kind == "one":
        assert verdicts["text.distinct2"] == verdicts["text.vendi"] == verdicts["text.self_bleu"] == "poor"


@needs_encoder
def test_without_hold_out_nothing_is_said_about_copying() -> None:
    train, fresh = reviews(40, 1)[0], reviews(40, 2)[0]
    trial = TextTrial(train, fresh)
    found = judges.judge(trial)
    assert not [r for r in found if r.name.startswith(("text.membership", "text.copied"))]
    assert {r.verdict for r in found if r.question == "faithful"} == {"unclear"}
    assert {a.question: a.verdict for a in judges.answers(trial, found)}["private"] == "not measured"


def test_identifiers_of_the_real_texts_are_counted_not_shown() -> None:
    base = [f"text number {i}" for i in range(25)]
    trial = TextTrial(
        [*base, "write to jane.doe@mail.example or call 030 1234 5678"],
        [*base, "jane.doe@mail.example is me", "see https://held.example/x"],
        [*base, "see https://held.example/x"],
    )
    found = identifiers.identifiers(trial)[0]
    assert (found.value, found.verdict) == (0.5, "poor")
    assert found.detail["returned"] == {"pii.email": 1}
    assert "jane" not in str(found.to_json())


def test_too_few_texts_and_missing_labels_are_refused() -> None:
    with pytest.raises(DataError, match="at least 20"):
        TextTrial(["a"] * 30, ["b"] * 19 + ["  "] * 5)
    with pytest.raises(UsageError, match="one label"):
        TextTrial(["a"] * 30, ["b"] * 30, labels={"train": ["x"] * 29})


def test_floor_holds_no_more_pairs_than_chance() -> None:
    trial = TextTrial([f"{a} {b}" for a, b in combinations("abcdefgh", 2)], ["a b"] * 20)
    assert [len(t) for t in trial.words["floor"]] == [len(t) for t in trial.words["train"]]
