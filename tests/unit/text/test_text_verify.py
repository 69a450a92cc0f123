"""Verifiers: arithmetic, language, wording, classifier, sandbox, mutants, asking."""

from __future__ import annotations

import asyncio
import operator
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted_model import scripted

from locum.errors import DataError, NotFittedError, UsageError
from locum.text import Category, Check, Lost, Plan, PlanError, Text, Verdict, Verifier
from locum.text.verify import registry
from locum.text.verify.arithmetic import (
    EquationCheck,
    NotArithmetic,
    NumericAnswer,
    equations,
    evaluate,
    last_number,
)
from locum.text.verify.base import majority
from locum.text.verify.by_model import Agrees, JudgeVerifier, RoundTrip, best_of
from locum.text.verify.classifier import Label, TextClassifier
from locum.text.verify.code import PassesTests, agreement, test_run
from locum.text.verify.language import Language, detect
from locum.text.verify.mutants import mutants
from locum.text.verify.phrases import Civil, NoPersonalData, Refusal, Sentiment, personal_data, polarity
from locum.text.verify.repetition import NoLoop
from locum.text.verify.sandbox import MontySandbox, ProcessSandbox

_SIGNS = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}


@given(
    st.recursive(
        st.integers(0, 99).map(lambda n: (str(n), Fraction(n))),
        lambda inner: (
            st.tuples(inner, st.sampled_from("+-*/"), inner)
            .filter(lambda t: t[1] != "/" or t[2][1] != 0)
            .map(lambda t: (f"({t[0][0]} {t[1]} {t[2][0]})", _SIGNS[t[1]](t[0][1], t[2][1])))
        ),
        max_leaves=6,
    )
)
def test_expressions_have_the_value_that_fractions_give(pair: tuple[str, Fraction]) -> None:
    text, value = pair
    assert evaluate(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,200 * 2", 2400),
        ("50% * 10", 5),
        ("$5 + $2.50", Fraction(15, 2)),
        ("3 x 4", 12),
        ("0.1 + 0.2", Fraction(3, 10)),
    ],
)
def test_numbers_are_read_as_people_write_them(text: str, value: Fraction | int) -> None:
    assert evaluate(text) == value


@pytest.mark.parametrize(
    "text", ["__import__('os')", "9**9**9", "2**100000", "1/0", "a+1", "", "1;2", "(" * 300]
)
def test_nothing_but_small_arithmetic_is_computed(text: str) -> None:
    with pytest.raises(NotArithmetic):
        evaluate(text)


def test_equations_are_found_and_judged() -> None:
    assert equations("She has 3 + 4 = 7. Then 7 * 2 = $14, so x = 5.") == [("3 + 4", "7"), ("7 * 2", "$14")]
    assert equations("He eats 9 = <<16-3-4=9>>9") == [("16-3-4", "9")]
    assert EquationCheck().verify("10 / 3 = 3.33", {}).ok
    assert not EquationCheck(digits=None).verify("10 / 3 = 3.33", {}).ok
    assert not EquationCheck().verify("10 / 3 = 3.34", {}).ok
    assert not EquationCheck().verify("3 + 4 = 8 and 2 + 2 = 4", {}).ok
    assert not EquationCheck(least=2).verify("3 + 4 = 7", {}).ok
    assert not EquationCheck().verify("no sums", {}).ok
    assert last_number("3 + 4 = 7\n#### 1,007") == 1007
    assert last_number("the answer is 5.5, not 6") == Fraction(11, 2)
    assert last_number("none") is None
    assert NumericAnswer("#### 18").verify("so 18 dollars", {}).ok
    assert not NumericAnswer(18).verify("so 19", {}).ok


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The waiter was friendly and we will come back with our friends.", "en"),
        ("Der Kellner war sehr freundlich und wir kommen bald mit Freunden wieder.", "de"),
        ("Le serveur était très gentil et nous allons revenir avec des amis.", "fr"),
        ("El camarero fue muy amable y volveremos pronto con los amigos.", "es"),
        ("Il cameriere era molto gentile e torneremo presto con gli amici.", "it"),
        ("O garçom foi muito simpático e vamos voltar com os amigos, não há dúvida.", "pt"),
        ("De ober was heel vriendelijk en we komen snel terug met onze vrienden.", "nl"),
        ("Kelner był bardzo miły i wrócimy tu z przyjaciółmi, to jest dobre.", "pl"),
        ("Официант был очень любезен.", "ru"),
        ("ウェイターはとても親切でした。", "ja"),
    ],
)
def test_languages_are_told_apart(text: str, language: str) -> None:
    assert detect(text)[0] == language
    assert Language(f"xx, {language}").verify(text, {}).ok
    assert not Language("sv").verify(text, {}).ok


def test_wording() -> None:
    assert polarity("Good food, friendly staff") == 1
    assert polarity("The food was not good and the staff were rude") == -1
    assert polarity("A table by the window") == 0
    assert Sentiment("bad").verify("Rude and dirty.", {}).ok
    assert not Sentiment("good").verify("Rude and dirty.", {}).ok
    assert not Civil().verify("You idiot.", {}).ok
    assert not Civil().verify("I will kill you.", {}).ok
    assert Civil().verify("Kill the lights, please; assess the class in Scunthorpe.", {}).ok
    found = personal_data("Write to a.b@c.org, call 555-123-4567, 12 Oak Street, card 4111 1111 1111 1111")
    assert found == ["email", "phone", "address", "card"]
    assert NoPersonalData().verify("In 2019 I paid 1500 for 3 nights.", {}).ok
    assert Refusal().verify("I'm sorry, but I can’t help with that.", {}).ok
    assert not Refusal(wanted=False).verify("As an AI I cannot do this.", {}).ok
    assert not NoLoop().verify("I am here. " * 10, {}).ok
    assert not NoLoop().verify("It costs " + "0" * 80, {}).ok
    assert NoLoop().verify("We came by train, left by bus and walked the last mile home.", {}).ok


def test_a_classifier_learns_what_is_there_and_nothing_from_mixed_labels() -> None:
    """Two words carry the label in 200 texts; the control has its labels mixed."""
    texts = [f"the {'sunny' if k % 2 else 'rainy'} day number {k} was long" for k in range(200)]
    labels = ["s" if k % 2 else "r" for k in range(200)]
    learned = TextClassifier(vectors=False).fit(texts[:100], labels[:100])
    assert learned.labels == ("r", "s")
    assert learned.accuracy(texts[100:], labels[100:]) == 1
    assert learned.chances(texts).sum(axis=1) == pytest.approx(1)
    mixed = [labels[(k * 7 // 2) % 100] for k in range(100)]
    assert TextClassifier(vectors=False).fit(texts[:100], mixed).accuracy(texts[100:], labels[100:]) < 0.9
    assert learned.predict([]) == []
    with pytest.raises(DataError, match="two labels"):
        TextClassifier(vectors=False).fit(["a"], ["x"])
    with pytest.raises(NotFittedError):
        TextClassifier().chances(["a"])


def test_the_label_verifier_learns_from_a_file(tmp_path: Path) -> None:
    lines = [f"{w} {k},{w}" for k in range(20) for w in ("tea", "car")]
    (tmp_path / "x.csv").write_text("text,label\n" + "\n".join(lines) + "\n")
    label = Label("tea", str(tmp_path / "x.csv"))
    assert label.verify("a cup of tea", {}).ok
    assert not label.verify("my car", {}).ok
    assert not Label("boat", str(tmp_path / "x.csv")).verify("tea", {}).ok
    with pytest.raises(PlanError, match="no record has"):
        Label("tea", str(tmp_path / "x.csv"), text="words").verify("tea", {})


def test_the_sandbox_runs_code_and_keeps_it_in() -> None:
    with MontySandbox() as box:
        assert box.run("1 + 1").value == "2"
        for source in (
            "import os\nos.system('true')",
            "open('/etc/passwd').read()",
            "import socket",
            "while True: pass",
            "x = [1] * 10**9",
            "def f(): return f()\nf()",
            "def f(:",
            "__import__('os').fork()",
            "x" * 60_000,
        ):
            ran = box.run(source, seconds=0.3)
            assert not ran.ok and ran.fault, source
        assert box.run("2 + 2").ok


def test_the_subprocess_runs_only_when_asked_for() -> None:
    with pytest.raises(UsageError, match="no wall"):
        ProcessSandbox()
    box = ProcessSandbox(i_accept_the_risk=True)
    assert box.run("assert 1 == 1").ok
    assert box.run("assert 1 == 2").fault == "AssertionError"
    assert box.run("while True: pass", seconds=0.5).fault == "TimeoutError"
    assert not box.run("x = bytearray(10**10)").ok
    assert not box.run("open('x', 'wb', buffering=0).write(b'1')").ok


def test_tests_must_pass_and_bite() -> None:
    source = "def f(x):\n    if x > 3:\n        return x + 1\n    return 0"
    made = mutants(source)
    assert len(made) == len(set(made)) >= 5
    assert all(compile(one, "m", "exec") for one in made)
    assert mutants("def f(:") == []
    with MontySandbox() as box:
        good = test_run(source, "assert f(4) == 5\nassert f(3) == 0\nassert f(0) == 0", box)
        assert good.passed and good.killed >= 4
        vacuous = test_run(source, "f(4)", box)
        assert vacuous.passed and vacuous.killed == 0
        assert test_run(source, "assert f(4) == 4", box).fault == "AssertionError"
        assert "SyntaxError" in test_run("def f(:", "f(1)", box).fault
        places, share = agreement(
            ["def g(x): return 2 * x", "def g(x): return x + x", "def g(x): return x ** 2"], ["g(3)"], box
        )
        assert (places, share) == ([0, 1], pytest.approx(2 / 3))
        assert agreement(["x = 1"], ["g(3)"], box) == ([], 0.0)
    assert PassesTests("assert f(4) == 5").verify(f"```python\n{source}\n```", {}).ok
    assert "notice 0" in PassesTests("f(4)").verify(source, {}).reason


def test_asking_verifiers() -> None:
    async def main() -> None:
        engine, _ = scripted(lambda text, seed: '{"score": 5}' if "fine" in text else "Well, I think so.")
        assert (await JudgeVerifier("How clear?").verify_asking("fine", {}, engine, 1)).ok
        prose = await JudgeVerifier("How clear?").verify_asking("other", {}, engine, 1)
        assert prose == Verdict(False, "the judge wrote no score")
        engine, _ = scripted(lambda text, seed: "Tea." if "kettle" in text else "coffee")
        trip = RoundTrip("tea", "Which drink?")
        assert (await trip.verify_asking("the kettle", {}, engine, 1)).ok
        assert not (await trip.verify_asking("the mill", {}, engine, 1)).ok
        said = iter("44544")
        engine, model = scripted(lambda text, seed: f"It is {next(said)}.")
        assert (await Agrees("2 + 2?", k=5).verify_asking("4", {}, engine, 3)).ok
        assert len(model.asked) == 5
        assert not (await Agrees("2 + 2?", k=5).verify_asking("5", {}, engine, 3)).ok

    asyncio.run(main())
    assert majority([None, 2, 3, 3]) == (3, 0.5)
    assert majority([2, 3]) == (2, 0.5)
    assert majority([None]) == (None, 0.0)


class _Short:
    def verify(self, item: object, row: object) -> Verdict:
        return Verdict(len(str(item)) < 5, "too long")


def test_best_of_k_repairs_within_bounds() -> None:
    async def main() -> None:
        engine, model = scripted(lambda text, seed: "ok" if "too long" in text else "much too long")
        assert await best_of(engine, "Say", [_Short()], k=2, repairs=1) == "ok"
        assert len(model.asked) == 2
        engine, model = scripted(lambda text, seed: "much too long")
        with pytest.raises(Lost, match="too long"):
            await best_of(engine, "Say", [_Short()], k=3, repairs=1)
        assert len(model.asked) == 6
        said = iter(("xx", "much too long", "xxxx", "xxx"))
        engine, model = scripted(lambda text, seed: next(said))
        assert await best_of(engine, "Say", [_Short()], k=4, score=len) == "xxxx"

    asyncio.run(main())


def test_plans_know_every_verifier_by_name() -> None:
    needs = {
        "regex": {"pattern": "a"},
        "json_schema": {"schema": {}},
        "expression": {"expression": "value"},
        "answer": {"expected": 1},
        "tests": {"tests": "f(1)"},
        "label": {"label": "a", "examples": "x.csv"},
        "sentiment": {"wanted": "good"},
        "judge": {"question": "?"},
        "agrees": {"question": "?"},
        "round_trip": {"value": "a", "question": "?"},
        "uncontaminated": {"files": {}},
        "attributes": {"attributes": {"size": {"kind": "length"}}},
    }
    for name in registry.names():
        made = registry.make(name, needs.get(name, {}))
        assert isinstance(made, Verifier) or hasattr(made, "verify_asking"), name
    with pytest.raises(PlanError, match="exists already"):
        registry.register("label", _Short)
    columns = (
        Category("side", ("good", "bad")),
        Text("t", "Say", checks=(Check("sentiment", {"wanted": "{{ side }}"}),)),
    )
    assert Plan(columns, rows=1)["t"].name == "t"
