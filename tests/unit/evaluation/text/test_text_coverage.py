"""Topics, attributes, plans, personal data and canaries: closed forms, controls, rates of false alarm."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from tests.unit.evaluation.text.test_text_measures import reviews

from locum.cli.main import main
from locum.errors import DataError, FileFormatError, UsageError
from locum.evaluation.learn import embedding
from locum.evaluation.text import attributes, canaries, identifiers, topics
from locum.evaluation.text.trial import TextTrial
from locum.text.judge.evaluate import PAGE, evaluate_text, plant_canaries

needs_encoder = pytest.mark.skipif(not embedding.available(), reason="extra text is not installed")
WORDS = [f"{a}{b}{c}" for a in "bdfgk" for b in "aeiou" for c in "lmnrst"]
PLACE = {w: i for i, w in enumerate(WORDS)}


def bags(texts: Sequence[str]) -> np.ndarray:
    """Counts of words, unit length, other words hashed: an encoder that needs nothing."""
    found = np.zeros((len(texts), 64 + len(WORDS)), dtype=np.float32)
    for i, t in enumerate(texts):
        for w, n in Counter(t.split()).items():
            found[i, 64 + PLACE[w] if w in PLACE else sum(map(ord, w)) % 64] += n
    return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9)


def chatter(n: int, seed: int, topic: int | None = None) -> list[str]:
    """Texts of twelve words about one of five topics of their own words."""
    rng = np.random.default_rng(seed)
    out = []
    for _ in range(n):
        t = int(rng.integers(5)) if topic is None else topic
        out.append(" ".join(rng.choice(WORDS[30 * t : 30 * t + 30], size=12)))
    return out


def test_chi_square_is_pearsons_and_small_cells_are_put_together() -> None:
    from scipy.stats import chi2_contingency

    a, b = np.repeat([0, 1, 2], [30, 50, 20]), np.repeat([0, 1, 2], [45, 35, 20])
    want = chi2_contingency(np.array([[30, 50, 20], [45, 35, 20]]))
    assert topics.chi_square(a, b) == pytest.approx((want.statistic, want.dof, want.pvalue))
    c = np.concatenate([a, [3, 4, 5]])
    assert topics.chi_square(c, b)[1] == 3
    assert topics.chi_square(a[:3], b[:3]) == (0.0, 0, 1.0)


@pytest.mark.statistical
def test_topics_of_real_texts_pass_and_a_missing_topic_is_found() -> None:
    """Fixed seeds. The verdict on real texts in place of synthetic ones would be a false alarm."""
    train, held = chatter(300, 1), chatter(300, 2)
    kinds = {
        "real": chatter(300, 3),
        "one": chatter(300, 4, topic=2),
        "most": [t for t in chatter(700, 5) if t.split()[0] not in WORDS[:30]][:300],
    }
    found = {
        k: {r.name: r for r in topics.topics(TextTrial(train, t, held, embed=bags))} for k, t in kinds.items()
    }
    assert {r.verdict for r in found["real"].values()} == {"good"}
    assert {r.verdict for r in found["one"].values()} == {"poor"}
    assert found["most"]["text.topics_missing"].value > 0.08
    assert found["most"]["text.topics"].detail["p"] < 1e-6 < found["real"]["text.topics"].detail["p"]
    for r in found["real"].values():
        assert r.low is not None
        assert r.low <= r.value
        assert r.reference is not None
        assert r.reads_private


def test_attribute_distance_entropy_and_verdicts() -> None:
    assert attributes.distance(["a", "a", "b"], ["a", "b", "b"]) == pytest.approx(1 / 3)
    assert attributes.entropy(["a", "b", "c", "d"]) == pytest.approx(2)
    assert attributes.entropy(["a"] * 4) == 0
    rng = np.random.default_rng(1)

    def draw(p: list[float]) -> list[str]:
        return list(rng.choice(["a", "b", "c"], size=400, p=p))

    real, held = draw([0.7, 0.2, 0.1]), draw([0.7, 0.2, 0.1])
    verdicts = {
        name: attributes.attributes({"x": {"train": real, "holdout": held, "synthetic": made}})[0].verdict
        for name, made in (("same", draw([0.7, 0.2, 0.1])), ("even", draw([1 / 3] * 3)), ("one", ["c"] * 400))
    }
    assert verdicts == {"same": "good", "even": "poor", "one": "poor"}
    assert attributes.attributes({"x": {"train": real, "synthetic": held}})[0].verdict == "unclear"


@pytest.mark.statistical
def test_rows_by_the_plan_pass_and_others_do_not() -> None:
    """200 tables drawn by the plan: each fails with chance 0.001, three or more with less than 0.002."""
    plan = {"a": 2.0, "b": 1.0, "c": 1.0}
    rng = np.random.default_rng(2)
    alarms = 0
    for _ in range(200):
        found = attributes.plan_agreement(
            "x", list(rng.choice(["a", "b", "c"], size=80, p=[0.5, 0.25, 0.25])), plan
        )
        assert found is not None
        assert not found.reads_private
        alarms += found.verdict != "good"
    assert alarms <= 2
    skewed = attributes.plan_agreement("x", ["a"] * 70 + ["b"] * 10, plan)
    stray = attributes.plan_agreement("x", ["a"] * 40 + ["b"] * 20 + ["z"] * 20, plan)
    assert skewed is not None
    assert stray is not None
    assert (skewed.verdict, skewed.detail["missing_values"]) == ("poor", 1)
    assert (stray.verdict, stray.detail["outside"]) == ("poor", 0.25)
    assert attributes.plan_agreement("x", ["a"], {"a": 1.0}) is None


def test_names_of_train_that_return_are_found_and_town_names_are_not() -> None:
    people = [f"Ann {c}ole" for c in "BCDGHJKLMNPRSTVW"]
    others = [f"Tom {c}ole" for c in "BCDGHJKLMNPRSTVW"]
    base = [f"we went to New Haven with {p} on day one" for p in people]
    held = [f"we went to New Haven with {p} on day two" for p in others]
    pad = [f"a plain text number {i}" for i in range(20)]
    replay = TextTrial([*base, *pad], [f"it was {p} again" for p in people] + pad, [*held, *pad], embed=bags)
    clean = TextTrial(
        [*base, *pad], [*pad, "in New Haven with Ann Bole and Tom Bole"], [*held, *pad], embed=bags
    )
    got = {
        n: {r.name: r for r in identifiers.identifiers(t)} for n, t in (("replay", replay), ("clean", clean))
    }
    assert got["replay"]["text.names"].verdict == "poor"
    assert got["clean"]["text.names"].verdict == "good"
    assert "Bole" not in json.dumps([r.to_json() for r in got["replay"].values()])
    assert got["clean"]["text.identifiers"].value == 0


def test_exposure_is_the_rank_in_bits() -> None:
    outside = np.arange(1023.0)
    assert canaries.exposure(np.array([2000.0]), outside) == pytest.approx([10])
    assert canaries.exposure(np.array([-1.0]), outside) == pytest.approx([0])
    uniform = canaries.exposure(outside + 0.5, outside)
    assert uniform.mean() == pytest.approx(canaries.CHANCE_BITS, abs=0.02)
    # all scores equal: the middle rank
    assert canaries.exposure(np.zeros(1), np.zeros(1023)) == pytest.approx([math.log2(1024 / 512.5)])


def test_canaries_have_real_prefixes_and_unlikely_suffixes() -> None:
    texts = [t for t, _ in zip(chatter(200, 6), range(200), strict=False)]
    made = canaries.make(texts, seed=1, planted=10, spared=40)
    assert (len(made.planted), len(made.spared)) == (10, 40)
    assert all(any(t.startswith(" ".join(c.split()[:12])) for t in texts) for c in made.planted)
    assert canaries.make(texts, seed=1, planted=10, spared=40) == made
    assert canaries.TextCanaries.from_json(json.loads(json.dumps(made.to_json()))) == made
    places = canaries.places(200, canaries.TextCanaries(made.planted, made.spared, 3), seed=1)
    assert sorted(p for p in places if p >= 0) == list(range(200))
    assert Counter(p for p in places if p < 0) == {-1 - i: 3 for i in range(10)}
    with pytest.raises(DataError):
        canaries.make(["a b c"], seed=1)
    with pytest.raises(UsageError):
        canaries.make(texts, seed=1, planted=0)
    for broken in ({}, {"what": "text canaries", "format": 1, "planted": [], "spared": ["a"], "copies": 1}):
        with pytest.raises(FileFormatError):
            canaries.TextCanaries.from_json(broken)


@pytest.mark.statistical
def test_a_copying_generator_is_caught_and_an_unrelated_one_rarely_is() -> None:
    """The interval's lower end lies above 0.5 by chance once in 40; of 60 six or more with chance 0.004."""
    texts = chatter(300, 7)
    made = canaries.make(texts, seed=2, planted=40, spared=200)
    copy = canaries.find(made, [*texts, *made.planted], reference=chatter(300, 8), embed=bags)
    assert {r.verdict for r in copy} == {"poor"}
    assert copy[0].detail["exposure_bits"] > 6
    assert copy[0].detail["found_at_1_percent"] > 0.9
    half = canaries.find(made, [*texts, *[" ".join(c.split()[6:20]) for c in made.planted]], embed=bags)
    assert half[0].value > 0.8
    alarms = 0
    for seed in range(30):
        found = canaries.find(made, chatter(150, 100 + seed), reference=texts, embed=bags)
        alarms += sum(r.verdict != "good" for r in found)
        assert found[0].detail["exposure_bits"] < 2.6
    assert alarms <= 5


@needs_encoder
def test_the_report_holds_it_all(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = {"real": 1, "kept": 2, "made": 3}
    for name, seed in parts.items():
        texts, labels = reviews(90, seed)
        lines = [
            json.dumps({"text": t, "mood": m, "id": i})
            for i, (t, m) in enumerate(zip(texts, labels, strict=True))
        ]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(lines))
    (tmp_path / "plan.toml").write_text(
        'version = 1\nrows = 90\n[columns.mood]\nkind = "category"\nvalues = ["good", "bad"]\n'
    )
    monkeypatch.chdir(tmp_path)
    plant = ["text", "plant", "real.jsonl", "--out", "planted.csv", "--keys", "k.json"]
    assert main([*plant, "--planted", "20", "--copies", "2", "--seed", "1"]) == 0
    assert "Planted 20 canaries" in capsys.readouterr().out
    assert len(Path("planted.csv").read_text().splitlines()) == 90 + 40 + 1
    judge = [
        "text",
        "evaluate",
        "--real",
        "real.jsonl",
        "--synthetic",
        "made.jsonl",
        "--holdout",
        "kept.jsonl",
        "--label",
        "mood",
    ]
    more = ["--plan", "plan.toml", "--canaries", "k.json", "--out", "judged", "--json"]
    assert main([*judge, *more]) == 0
    told = {r["name"]: r for r in json.loads(capsys.readouterr().out)["results"]}
    wanted = (
        "mauve frechet precision recall density coverage topics topics_missing attribute.length plan.mood "
        "attribute.sentiment tstr labels copied_runs membership.nearest membership.likelihood identifiers "
        "names canaries.likelihood canaries.nearest self_bleu vendi"
    )
    assert {f"text.{name}" for name in wanted.split()} <= set(told)
    # each has its reference and, but for the plan, its interval; all but the plan read real texts
    for name, r in told.items():
        assert r["reference"] is not None, name
        assert (r["low"] is not None) or name.startswith("text.plan."), name
        assert r["reads_private"] is not name.startswith("text.plan."), name
    assert told["text.plan.mood"]["verdict"] == "good"
    page = (tmp_path / "judged" / PAGE).read_text()
    assert "Topics in other shares" in page
    assert "Canaries by likelihood" in page
    with pytest.raises(UsageError, match="another form"):
        plant_canaries(tmp_path / "real.jsonl", tmp_path / "x.parquet", tmp_path / "k2.json")
    with pytest.raises(UsageError, match="cannot be read"):
        evaluate_text(tmp_path / "real.jsonl", tmp_path / "made.jsonl", canaries=tmp_path / "none.json")
