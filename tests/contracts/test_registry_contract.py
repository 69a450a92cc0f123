"""What the table of measures tells is what the functions give: nothing more, nothing less."""

from __future__ import annotations

import inspect
import re
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import locum
from locum.evaluation.attacks.canaries import plant
from locum.evaluation.attacks.copies import copied_persons
from locum.evaluation.decision import LINES, RULES, has_say
from locum.evaluation.evaluate import evaluate
from locum.evaluation.evaluator import EFFORTS, Evaluator
from locum.evaluation.evidence import Evidence
from locum.evaluation.measures import EVALUATORS
from locum.evaluation.registry import (
    SEEKERS,
    evaluators,
    find,
    place,
    result_of,
    score_of,
    section_of,
)
from locum.evaluation.result import Result
from locum.evaluation.text.attributes import attributes, plan_agreement
from locum.evaluation.text.canaries import find as find_texts
from locum.evaluation.text.canaries import make
from locum.evaluation.text.evaluate import judge
from locum.evaluation.text.trial import TextTrial
from locum.evaluation.trial import Trial
from locum.report.html import render
from locum.schema.column import Column
from locum.schema.table import Schema

SCHEMA = Schema(
    (Column("age", "integer"), Column("sex", "category"), Column("x", "number"), Column("y", "category")),
    target="y",
    protected=("sex",),
)


def people(n: int, seed: int) -> pa.Table:
    rng = np.random.default_rng(seed)
    x, man = rng.normal(size=n), rng.random(n) < 0.5
    y = np.where(x + man + rng.normal(size=n) > 0.5, "yes", "no")
    gone = rng.random(n) < 0.1
    return pa.table(
        {
            "age": pa.array(rng.integers(18, 90, n), mask=gone),
            "sex": np.where(man, "m", "f"),
            "x": pa.array(x, mask=gone | (rng.random(n) < 0.05)),
            "y": y,
        }
    ).append_column("town", pa.array([f"t{i % 40 if i % 3 else 0}" for i in range(n)]))


class Again:
    """Draws rows of its table anew."""

    name = "again"

    def __call__(self, table: pa.Table, schema: Schema, rows: int, seed: int) -> pa.Table:
        return table.take(np.random.default_rng(seed).integers(table.num_rows, size=rows))


@pytest.fixture(scope="module")
def everything() -> Evidence:
    columns = (*SCHEMA, Column("town", "category"))
    schema = Schema(columns, target="y", protected=("sex",), rules=("x > -1000000000",))
    train, canaries = plant(people(500, 1), schema, seed=2, planted=20)
    return evaluate(
        train, people(450, 3), schema=schema, holdout=people(400, 4), effort="thorough", refit=Again(),
        generator=Again(), canaries=canaries,
        log_prob=lambda t: np.asarray(t.column("x").fill_null(0.0).to_numpy(), dtype=np.float64),
    )  # fmt: skip


@pytest.fixture(scope="module")
def persons() -> list[Result]:
    """What is measured only where persons have several rows."""
    train, made, held = people(300, 5), people(300, 6), people(300, 7)
    return copied_persons(Trial(SCHEMA, train, made, held, constants=("age", "sex")))


@pytest.fixture(scope="module")
def texts() -> tuple[Result, ...]:
    rng = np.random.default_rng(0)
    words = np.array([a + b for a in "bdfgklmnprst" for b in ("a", "e", "i", "o", "u")])

    def some(n: int) -> list[str]:
        return [" ".join(rng.choice(words, size=14)) for _ in range(n)]

    train, made, held = some(60), some(60), some(60)
    labels = {part: ["a", "b"] * 30 for part in ("train", "synthetic", "holdout")}
    values = {part: ["short", "long", "long"] * 20 for part in ("train", "synthetic", "holdout")}
    plan = plan_agreement("mood", ["glad", "sad"] * 30, {"glad": 1.0, "sad": 1.0})
    assert plan is not None
    return (
        *judge(TextTrial(train, made, held, labels)),
        *attributes({"length": values}),
        plan,
        *find_texts(make(train, seed=1, planted=5, spared=20), made),
    )


def test_every_measure_is_produced_and_nothing_else(
    everything: Evidence, persons: list[Result], texts: tuple[Result, ...]
) -> None:
    results = (*everything.results, *persons, *texts)
    registered = {m.name for e in EVALUATORS if e.effort is not None for m in e.measures}
    assert {find(r.name)[0].name for r in results} == registered
    for result in results:
        measure, evaluator = find(result.name)
        assert re.fullmatch(re.sub(r"\\{\w+\\}", ".+", re.escape(measure.title)), result.title)
        assert result.question == evaluator.question and result.sentence.strip().endswith(".")
        assert result.direction == measure.direction or result.name.endswith("_ratio")
        assert (
            bool(measure.of) == (result.name != measure.name)
            or result.name == "utility.tstr"
            or (result.name == "utility.loss")
        )
        if measure.goes_by or evaluator.kind == "attack":
            attacker = result.detail.get("attacker", "")
            assert "{" not in attacker and bool(attacker) == bool(evaluator.attacker)


def test_docstrings_name_the_measures() -> None:
    """The reference prints the docstring of an evaluator's function as what its measures say."""
    for e in EVALUATORS:
        doc = inspect.getdoc(e.load()) or ""
        assert doc.splitlines()[0].endswith("."), e.function
        if e.kind != "score":
            for m in e.measures:
                assert m.name in doc, (e.function, m.name)


def test_names_are_told_once() -> None:
    names = [m.name for e in EVALUATORS for m in e.measures]
    assert len(set(names)) == len(names)
    functions = [e.function for e in EVALUATORS]
    assert len(set(functions)) == len(functions)
    assert all(e.effort is None or e.effort in EFFORTS for e in EVALUATORS)


def test_results_are_made_of_the_table_only() -> None:
    """No metric and no attack writes a title, a question or a direction of its own."""
    source = Path(locum.__file__).parent
    for e in EVALUATORS:
        module = Path(inspect.getfile(inspect.unwrap(e.load()))).relative_to(source)
        text = (source / module).read_text(encoding="utf-8")
        assert not re.search(r"\bResult\(", text), module


def test_the_reference_names_every_measure() -> None:
    page = (Path(locum.__file__).parents[2] / "docs/reference/measures.md").read_text(encoding="utf-8")
    for e in EVALUATORS:
        for m in e.measures:
            assert f"`{m.name}`" in page or e.effort is None, m.name
    for key in SEEKERS:
        assert f"`{key}`" in page


def test_the_report_shows_every_result(everything: Evidence) -> None:
    from locum.evaluation.evidence import RunContext

    page = render(everything, RunContext("t", "2026-11-22T09:30:00+00:00"))
    for title in {r.title for r in everything.results if r.name != "attack.worst"}:
        assert title.replace("'", "&#39;") in page, title


def test_unknown_names_are_refused() -> None:
    for name in ("nothing", "c2st.nothing", "text.nothing", ""):
        with pytest.raises(KeyError):
            find(name)
    assert section_of("made.up") is None and section_of("attack.groups.a.b") == "attacks"
    with pytest.raises(KeyError):
        score_of("nobody")
    with pytest.raises(KeyError):
        result_of("made.up", 0.0, "Made up.")


def test_the_rule_names_what_there_is(everything: Evidence, persons: list[Result]) -> None:
    """Every name in the rule is measured, every claim has its line, and who has no say has no verdict."""
    results = (*everything.results, *persons)
    for question, rule in RULES.items():
        for name in (*rule.decides, *rule.vetoes):
            assert any(r.question == question and fnmatchcase(r.name, name) for r in results), name
    assert {c.scale for r in results for c in r.claims} | {"copies, no hold-out", "generation"} == set(LINES)
    for r in everything.results:
        assert has_say(r) or r.name == "attack.worst" or r.verdict == "not judged", r.name


def test_order() -> None:
    assert place("c2st") < place("copying.exact") < place("attack.density.trees") < place("ks")
    quick = [e for e in evaluators("score") if e.within("quick")]
    assert [e.key for e in quick] == ["neighbours", "counts"]
    assert not Evaluator("m:f", "attacks", (), effort=None).within("thorough")
