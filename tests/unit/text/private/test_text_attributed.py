"""The attribute route: reading one text at a time, the ledger, the plan, and marginals that follow."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from locum.errors import BudgetError, DataError, LeakError
from locum.evaluation.learn import embedding
from locum.evaluation.text.attributes import distance
from locum.privacy.budget import Budget
from locum.privacy.ledger import Ledger
from locum.text.engine.model import ModelSpec
from locum.text.failures import PlanError
from locum.text.plan.columns import Check, Number, Table, Validator
from locum.text.plan.plan import Plan
from locum.text.plan.toml import dump_plan, parse_plan
from locum.text.private.attributed import fit_attributes, labelled_filler, plan_for, write
from locum.text.private.attributes import (
    Asked,
    Given,
    Learned,
    LengthAttribute,
    Pattern,
    SentimentAttribute,
    Style,
    TextAttribute,
    Topic,
)
from locum.text.private.read_attributes import load_attributes, read_attributes, schema_of
from locum.text.runs.run import run
from locum.text.verify.registry import make

FOOD = ("soup", "pasta", "bread", "salad")
ROOM = ("bed", "towel", "lobby", "shower")
ATTRIBUTES: tuple[TextAttribute, ...] = (
    Topic("topic", {"food": FOOD, "room": ROOM}),
    SentimentAttribute("mood"),
    LengthAttribute("length", (8, 14)),
)


def reviews(n: int, seed: int, food: float = 0.5, good: float = 0.5) -> list[str]:
    rng = np.random.default_rng(seed)
    out = []
    for _ in range(n):
        things = FOOD if rng.random() < food else ROOM
        words = ("great", "lovely", "delicious") if rng.random() < good else ("awful", "dirty", "rude")
        parts = [f"the {rng.choice(things)} was {rng.choice(words)}" for _ in range(rng.integers(1, 5))]
        out.append(" and ".join(parts))
    return out


PUBLIC = reviews(400, 1)
PRIVATE = reviews(1500, 2, food=0.85, good=0.2)


def test_each_kind_reads_what_it_says(tmp_path: Path) -> None:
    examples = tmp_path / "public.jsonl"
    lines = [{"text": t, "label": "warm" if "great" in t or "lovely" in t else "cold"} for t in PUBLIC]
    examples.write_text("\n".join(map(json.dumps, lines)))
    texts = ["I love the soup, great bread!", "the BED and a towel: awful", "12 Main St"]
    kinds: list[TextAttribute] = [
        *ATTRIBUTES,
        Style("loud", "exclaims"),
        Style("caps", "shouts"),
        Pattern("place", {"street": r"\bSt\b", "number": r"\d"}),
        Given("stars", "s", ("1", "5")),
        Learned("warmth", str(examples)),
    ]
    found = read_attributes(texts, kinds, records=[{"s": "5"}, {"s": 1}, {"s": "secret"}]).to_pydict()
    assert found == {
        "topic": ["food", "room", "other"],
        "mood": ["positive", "negative", "mixed"],
        "length": ["0-7 words", "0-7 words", "0-7 words"],
        "loud": ["yes", "no", "no"],
        "caps": ["no", "yes", "no"],
        "place": ["other", "other", "street"],
        "stars": ["5", "1", "other"],
        "warmth": ["warm", "cold", found["warmth"][2]],
    }


@pytest.mark.skipif(not embedding.available(), reason="extra text is not installed")
def test_the_nearest_group_of_public_texts(tmp_path: Path) -> None:
    examples = tmp_path / "public.csv"
    rows = [f"{t},food" for t in reviews(20, 3, food=1.0)] + [f"{t},room" for t in reviews(20, 4, food=0.0)]
    examples.write_text("\n".join(["text,label", *rows]))
    found = read_attributes(
        ["a bowl of soup with bread", "the shower and the bed"],
        [Learned("about", str(examples), by="nearest")],
    )
    assert found.column("about").to_pylist() == ["food", "room"]


def test_one_text_more_is_one_row_more_and_changes_no_other(tmp_path: Path) -> None:
    whole = read_attributes(PRIVATE[:60], ATTRIBUTES).to_pylist()
    for i in range(0, 60, 11):
        rest = read_attributes(PRIVATE[:i] + PRIVATE[i + 1 : 60], ATTRIBUTES).to_pylist()
        assert rest == whole[:i] + whole[i + 1 :]
    assert schema_of(ATTRIBUTES)["topic"].levels == ("food", "room", "other")


def test_the_generator_follows_the_private_attributes_and_noise_alone_does_not() -> None:
    """Fixed seeds; 1,500 texts at epsilon 2, against mu 0.001."""
    real = read_attributes(PRIVATE, ATTRIBUTES).to_pydict()
    apart = {}
    for name, budget in (("paid", Budget.approx(2, 1e-5)), ("noise", Budget.gaussian(1e-3, 1e-5))):
        ledger = Ledger.test(budget, seed=3)
        model = fit_attributes(PRIVATE, ATTRIBUTES, ledger, synthesizer="mst", seed=4)
        rows = model.rows(800, seed=5)
        apart[name] = np.mean([distance(real[a], [r[a] for r in rows]) for a in real])
        assert ledger.total.epsilon(1e-5) <= 2
        assert ledger.remaining_rho == pytest.approx(0, abs=1e-3 * ledger.budget.rho("gdp"))
        assert "NOT PRIVATE" in model.sentence
        assert not model.private
    assert apart["paid"] < 0.06
    assert apart["noise"] > apart["paid"] + 0.1


def test_written_texts_follow_the_private_attributes_better_than_without_budget() -> None:
    """The whole route with n-grams as the writer; fixed seeds."""
    real = read_attributes(PRIVATE, ATTRIBUTES).to_pydict()
    topics = read_attributes(PUBLIC, ATTRIBUTES).column("topic").to_pylist()
    apart = {}
    for name, budget in (("paid", Budget.approx(2, 1e-5)), ("noise", Budget.gaussian(1e-3, 1e-5))):
        model = fit_attributes(PRIVATE, ATTRIBUTES, Ledger.test(budget, seed=6), synthesizer="mst")
        made = write(
            model.rows(150), ATTRIBUTES, labelled_filler(PUBLIC, topics), by="topic", tries=6, seed=7
        )
        got = read_attributes(made.texts, ATTRIBUTES).to_pydict()
        apart[name] = np.mean([distance(real[a], got[a]) for a in real])
        assert min(made.agree.values()) > 0.6
    assert apart["paid"] < apart["noise"] - 0.1


class Two:
    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = list(texts)

    def write(self, label: str, n: int, rng: np.random.Generator) -> list[str]:
        return self.texts[:n]

    def vary(self, text: str, label: str, n: int, rng: np.random.Generator) -> list[str]:
        return self.texts[:n]


def test_the_candidate_with_most_attributes_is_kept_and_none_is_given_up() -> None:
    rows = [
        {"topic": "food", "mood": "negative", "length": "0-7 words"},
        {"topic": "room", "mood": "mixed", "length": "14 words or more"},
    ]
    made = write(
        rows, ATTRIBUTES, Two(["the bed was great", "the soup was great", "the soup was awful"]), tries=3
    )
    assert made.texts[0] == "the soup was awful"
    assert len(made.texts) == 2
    assert made.agree["topic"] == 1.0
    assert made.agree["length"] == 0.5


def test_the_plan_is_a_plan_and_its_check_is_the_same_reader(tmp_path: Path) -> None:
    model = fit_attributes(PRIVATE, ATTRIBUTES, Ledger.memory(Budget.approx(2, 1e-5)), synthesizer="mst")
    topics = read_attributes(PUBLIC[:20], ATTRIBUTES).column("topic").to_pylist()
    plan = plan_for(
        model, "model.locum", rows=5, what="review", examples=PUBLIC[:20], example_values=topics, by="topic"
    )
    assert parse_plan(dump_plan(plan)) == plan
    assert plan.tainted() == ()
    check = next(c for c in plan.columns if c.name == "review").checks[0]  # type: ignore[union-attr]
    verifier = make(check.verifier, check.params)
    row = {"topic": "food", "mood": "negative", "length": "0-7 words"}
    assert verifier.verify("the soup was awful", row).ok  # type: ignore[union-attr]
    verdict = verifier.verify("the bed and the lobby: great, lovely and kind to all of us", row)  # type: ignore[union-attr]
    assert (verdict.ok, verdict.reason) == (False, "differs in topic, mood, length")


def test_what_is_refused_does_not_bend_the_drawn_rows(tmp_path: Path) -> None:
    """A check refuses each row once for one topic: with fixed rows the kept shares are those drawn."""
    model = fit_attributes(PRIVATE, ATTRIBUTES, Ledger.memory(Budget.approx(8, 1e-5)), synthesizer="mst")
    model.fit.synthesizer.save(tmp_path / "model.locum")
    kept = {}
    for fixed in (True, False):
        plan = Plan(
            (
                Table("topic", "model.locum", field="topic", private=False, fixed=fixed),
                Number("coin", low=0, high=1, decimals=0),
                Validator("v", "coin", Check("expression", {"expression": "topic != 'food' or value == 1"})),
            ),
            rows=200,
            tries=20,
            folder=str(tmp_path),
        )
        run(plan, tmp_path / f"out-{fixed}")
        rows = (tmp_path / f"out-{fixed}" / "data.jsonl").read_text().splitlines()
        kept[fixed] = sum(json.loads(r)["topic"] == "food" for r in rows) / len(rows)
    # 0.85 of the private texts, and 0.74 of what passes a coin; 4 standard errors are 0.10 and 0.12
    assert kept[True] > 0.75
    assert kept[False] < kept[True] - 0.02


@pytest.mark.skipif(
    not (os.environ.get("LOCUM_MODELS") and Path(os.environ["LOCUM_MODELS"], "smollm2-135m.gguf").is_file()),
    reason="the weights of the embedded model are not here (LOCUM_MODELS)",
)
def test_the_embedded_model_answers_within_the_declared_values() -> None:
    asked: list[TextAttribute] = [Asked("tone", "Is this review good or bad?\n{{ text }}", ("good", "bad"))]
    found = read_attributes(PUBLIC[:2], asked, model=ModelSpec("smollm2-135m", context=512))
    assert set(found.column("tone").to_pylist()) <= {"good", "bad"}


def test_with_seeded_noise_the_rows_stay_tainted() -> None:
    model = fit_attributes(PRIVATE[:200], ATTRIBUTES, Ledger.test(seed=1), synthesizer="independent")
    away = ModelSpec("m", "https://models.example/v1")
    plan = plan_for(model, "model.locum", rows=5, what="review", spec=away)
    assert all(c.private for c in plan.columns if isinstance(c, Table))
    assert "review" in plan.tainted()
    assert plan.private_models() == {"writer": away}


def test_a_model_that_reads_private_texts_must_be_here() -> None:
    asked: list[TextAttribute] = [
        Asked("tone", "Is this calm? {{ text }}", ("yes", "no")),
        Style("loud", "exclaims"),
    ]
    with pytest.raises(LeakError, match=r"models\.example"):
        read_attributes(PRIVATE[:2], asked, model=ModelSpec("m", "https://models.example/v1"))
    with pytest.raises(PlanError, match="asks a model"):
        read_attributes(PRIVATE[:2], asked)


def test_what_goes_wrong_is_told_without_a_word_of_a_text() -> None:
    class Broken:
        name, kind, values = "x", "style", ("a", "b")

        def read(self, texts: Sequence[str], records: Sequence[object]) -> list[str]:
            raise ValueError(f"cannot read {texts[0]}")

    with pytest.raises(DataError) as caught:
        read_attributes(["my secret"], [Broken()])
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_nothing_left_on_the_ledger_is_told() -> None:
    ledger = Ledger.test(seed=1)
    fit_attributes(PRIVATE[:100], ATTRIBUTES, ledger, synthesizer="independent")
    with pytest.raises(BudgetError):
        fit_attributes(PRIVATE[:100], ATTRIBUTES, ledger, synthesizer="independent")


@pytest.mark.parametrize(
    ("body", "match"),
    [
        ("x = 1", "something else"),
        ("[attributes.a]\nkind = 'nope'", "no kind"),
        ("[attributes.a]\nkind = 'length'\nedges = [5, 5]", "edges"),
        ("[attributes.a]\nkind = 'style'\nmark = 'nope'", "no mark"),
        ("[attributes.a]\nkind = 'pattern'\npatterns = { a = '(' }", "no regular"),
        ("[attributes.a]\nkind = 'topic'\nwords = { a = [] }", "without words"),
        ("[attributes.a]\nkind = 'column'\ncolumn = 'c'\nlevels = []", "values cannot"),
        ("[attributes.'a b']\nkind = 'sentiment'", "templates cannot"),
        ("[attributes.a]\nkind = 'sentiment'\nmore = 1", "more"),
        ("[attributes.a]\nkind = 'learned'\nexamples = 'none.csv'", "no such seed file"),
        ("[", "no TOML"),
    ],
)
def test_attributes_that_cannot_be_are_refused(tmp_path: Path, body: str, match: str) -> None:
    (tmp_path / "a.toml").write_text(body)
    with pytest.raises(PlanError, match=match):
        load_attributes(tmp_path / "a.toml")


def test_a_file_of_attributes_is_read(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text(
        "text,label\n" + "".join(f"{t},{'a' if 'soup' in t else 'b'}\n" for t in PUBLIC)
    )
    (tmp_path / "a.toml").write_text(
        "[attributes.long]\nkind = 'length'\nedges = [3]\n"
        "[attributes.l]\nkind = 'learned'\nexamples = 'p.csv'\n"
    )
    found = load_attributes(tmp_path / "a.toml")
    assert [a.name for a in found] == ["long", "l"]
    assert found[1].values == ("a", "b")
