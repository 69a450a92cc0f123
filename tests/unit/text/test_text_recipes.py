"""Each recipe with a scripted model: what its filters keep and drop; running them into folders."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted_model import scripted

from locum.errors import LeakError, UsageError
from locum.text import Engine, ModelSpec, PlanError, load_plan
from locum.text.engine import weights
from locum.text.recipes import arithmetic as stories
from locum.text.recipes import code as programs
from locum.text.recipes import instructions, labels, pairs, rows
from locum.text.recipes import reasoning as problems
from locum.text.recipes import run as running
from locum.text.recipes.kit import Kit, Row
from locum.text.verify.code import test_run
from locum.text.verify.sandbox import MontySandbox

Answer = Callable[[str, int], str]


def play(answer: Answer, recipe: Callable[[Kit], Awaitable[Any]], *, slots: int = 1) -> tuple[Any, Kit]:
    async def main() -> tuple[Any, Kit]:
        engine, _ = scripted(answer, slots=slots)
        kit = Kit(engine, seed=3)
        return await recipe(kit), kit

    return asyncio.run(main())


def reasons(kit: Kit) -> set[str]:
    return {reason for _, reason in kit.lost}


SEEDS = [
    "Name three rivers of Europe.",
    "Tell a joke about cats.",
    "Explain rain to a child.",
    "Fix this bug.",
]


def test_self_instruct_drops_what_the_paper_drops() -> None:
    said = iter(
        [
            "Name three big rivers of Europe.",
            "Draw a picture of a house.",
            "Go.",
            "Write a program that sorts.",
            "Write a haiku about winter.",
            "Is a whale a fish? Answer yes or no.",
        ]
    )

    def answer(text: str, seed: int) -> str:
        return next(said) if text.startswith("Come up") else "Snow falls on the hill, quiet as wool."

    made, kit = play(answer, lambda kit: instructions.self_instruct(kit, SEEDS, 2))
    assert [row["instruction"] for row in made] == [
        "Write a haiku about winter.",
        "Is a whale a fish? Answer yes or no.",
    ]
    assert [row["classification"] for row in made] == [False, True]
    assert reasons(kit) == {
        "like one of the pool",
        "asks for what a text model cannot do",
        "too short",
        "write a program",
    }
    assert kit.attempts == 6 and kit.funnel()["kept"] == 2
    with pytest.raises(UsageError):
        play(answer, lambda kit: instructions.self_instruct(kit, SEEDS[:2], 2))


def test_magpie_asks_with_the_template_alone_and_filters() -> None:
    questions = iter(
        ["How do birds sleep at night?", "How do birds sleep at night??", "Hm", "Why is glass clear?"]
    )

    def answer(text: str, seed: int) -> str:
        if text == "<|im_start|>user\n":
            return next(questions)
        return "I'm sorry, but I can't." if "glass" in text else "They tuck their heads in."

    made, kit = play(answer, lambda kit: instructions.magpie(kit, 4, tries=1))
    assert [row["instruction"] for row in made] == ["How do birds sleep at night?"]
    assert kit.lost["dedup", "near_duplicate"] == 1 and kit.lost["filter", "invalid"] == 2


def test_evol_instruct_eliminates_by_four_rules() -> None:
    rule = instructions.elimination
    assert rule("Explain rain to a child.", "Explain rain to a child now.", "ok then") == "nothing gained"
    assert rule("a b c", "Describe how clouds form", "Sorry, no.") == "the answer says sorry"
    assert rule("a b c", "Describe how clouds form", "It is the.") == "the answer is empty words"
    assert rule("a b c", "The rewritten prompt: describe clouds", "Water rises.").endswith("leaked")
    assert rule("a b c", "Describe how clouds form", "Water rises.") == ""

    def answer(text: str, seed: int) -> str:
        return (
            "Explain in two steps how rain forms over mountains."
            if "Task:" in text
            else "Air rises and cools."
        )

    made, kit = play(answer, lambda kit: instructions.evol_instruct(kit, SEEDS[2:3], rounds=2))
    assert len(made) == 1 and made[0]["round"] == 1 and made[0]["parent"] == SEEDS[2]
    assert kit.lost["elimination", "nothing gained"] == 1  # round two evolves it into itself


def test_backtranslation_keeps_by_score_and_refuses_copies() -> None:
    texts = ["Boil water and add the eggs.", "Birds fly south in autumn."]

    def answer(text: str, seed: int) -> str:
        if "How well" in text:
            return '{"score": 5}' if "eggs" in text else '{"score": 2}'
        return "Explain how to cook them." if "eggs" in text else "Say where birds go."

    made, kit = play(answer, lambda kit: instructions.backtranslation(kit, texts))
    assert [(row["output"], row["score"]) for row in made] == [(texts[0], 5)]
    assert kit.lost["judge", "invalid"] == 1
    made, kit = play(
        lambda t, s: "Boil water and add", lambda k: instructions.backtranslation(k, texts, least=0)
    )
    assert len(made) == 1  # the first is a copy of its own text


def test_personas_and_their_texts() -> None:
    who, _ = play(
        lambda text, seed: "a baker who rises early" if "dough" in text else "a cyclist in the rain",
        lambda kit: instructions.personas(kit, ["dough", "bikes", "dough again"]),
    )
    assert who == ["a baker who rises early", "a cyclist in the rain"]
    made, kit = play(
        lambda text, seed: "Which flour is best?" if "baker" in text else "Which tyre is best for wet roads?",
        lambda kit: instructions.persona_driven(kit, who, "a question", 4, tries=1),
    )
    assert len(made) == 2 and kit.lost["dedup", "near_duplicate"] == 2


def test_attrprompt_fills_labels_evenly_with_new_texts() -> None:
    def answer(text: str, seed: int) -> str:
        word = "win" if "spam" in text else "home"
        return f"Message {seed} about {word} number {seed * 7919 % 10_007} today"

    made, _ = play(
        answer, lambda kit: labels.attrprompt(kit, "message", ["ham", "spam"], {"tone": ["dry", "warm"]}, 6)
    )
    assert sorted(row["label"] for row in made) == ["ham"] * 3 + ["spam"] * 3
    assert {row["tone"] for row in made} <= {"dry", "warm"}
    _, kit = play(
        lambda text, seed: "the same few words",
        lambda kit: labels.attrprompt(kit, "m", ["a", "b"], {}, 4, tries=2),
    )
    assert kit.kept == 1


def test_prompt2model_beats_its_controls_on_real_rows() -> None:
    def answer(text: str, seed: int) -> str:
        return (
            f"claim prize {seed} now win {seed % 97}"
            if "spam" in text
            else f"see you at home {seed} mum {seed % 89}"
        )

    test = [
        ("claim your prize", "spam"),
        ("see mum at home", "ham"),
        ("win now", "spam"),
        ("at home", "ham"),
    ] * 5
    trained, _ = play(answer, lambda kit: labels.prompt2model(kit, "message", ["ham", "spam"], test, 40))
    assert trained.accuracy == 1 and trained.majority == 0.5 and trained.tested == 20
    assert trained.low < 1 <= trained.high + 1e-9 and trained.shuffled < 1


GOOD = "She has 3 + 4 = 7 pens. #### 7"
PROBLEM = {"question": "Ann has 3 pens and buys 4. How many has she?", "answer": "#### 7"}


def test_rejection_sampling_keeps_right_solutions_once_a_way() -> None:
    said = iter(
        [GOOD, "It is 3+4=7. #### 7", "It is 4 + 3 = 7. #### 7", "3 + 4 = 8 so 7. #### 7", "#### 9", "seven"]
    )
    made, kit = play(lambda t, s: next(said), lambda kit: problems.rejection_sampling(kit, [PROBLEM], k=6))
    assert [row["solution"] for row in made] == [GOOD, "It is 4 + 3 = 7. #### 7"]
    assert reasons(kit) == {"the same equations", "equation 1 is false", "another answer", "invalid"}


def test_star_gives_the_hint_only_after_failure_and_does_not_keep_it() -> None:
    made, kit = play(
        lambda text, seed: GOOD if "(The answer is 7.)" in text else "3 + 5 = 8. #### 8",
        lambda kit: problems.star(kit, [PROBLEM], tries=2),
    )
    assert made == [{"question": PROBLEM["question"], "solution": GOOD, "answer": "7", "rationalised": True}]
    assert kit.lost["verify", "another answer"] == 2


def test_metamath_rewrites_are_checked_by_solving_them() -> None:
    def answer(text: str, seed: int) -> str:
        if "other words" in text:
            return "Ann buys 4 pens on top of her 3. How many now?"
        if "X?" in text:
            return "7 - 4 = 3. #### 3" if "has X" in text else "7 - 3 = 4. #### 4"
        return GOOD

    made, _ = play(answer, lambda kit: problems.metamath(kit, [PROBLEM]))
    assert [row["kind"] for row in made] == ["rephrase", "fobar", "verify"]
    assert made[0]["answer"] == "7" and {made[1]["answer"], made[2]["answer"]} <= {"3", "4"}
    wrong, kit = play(lambda text, seed: "Ann buys 5 pens.", lambda kit: problems.metamath(kit, [PROBLEM]))
    assert wrong == [] and kit.lost["filter", "invalid"] == 1
    assert problems.mask("Ann has 3 pens and 1,200 pins", 1) == ("Ann has 3 pens and X pins", "1,200")
    assert problems.mask("no number", 0) is None


@given(st.integers(2, 99), st.lists(st.integers(-50, 50).filter(bool), min_size=1, max_size=3))
def test_plain_stories_read_back_as_what_they_say(start: int, changes: list[int]) -> None:
    told = [f"Mia has {start} coins."]
    told += [f"Then she {'finds' if c > 0 else 'loses'} {abs(c)} coins in the park." for c in changes]
    found = stories.read_story(" ".join(told), "Mia", "coins")
    assert found == stories.Steps("Mia", "coins", start, tuple(changes))
    assert found.answer == start + sum(changes)


@pytest.mark.parametrize(
    "story",
    [
        "Mia has 9 coins. Her brother finds 4 coins.",
        "Mia has 9 coins. She finds 4 stamps.",
        "Mia has 9 coins. She loses two coins.",
        "Mia has 9 coins. She loses half of them.",
        "Mia has 9 coins. She loses some coins.",
        "Mia has 9 coins each day.",
        "Mia is 9 coins.",
        "Mia finds 4 coins in 3 seconds.",
        "Mia has 9 coins. She sells 4 coins at 2 dollars.",
        "Mia has 9 coins. She does not lose 4 coins.",
        "Mia has 9 coins. Now she has 5 coins.",
    ],
)
def test_stories_that_are_not_plain_are_not_read(story: str) -> None:
    assert stories.read_story(story, "Mia", "coins") is None


def test_arithmetic_keeps_only_stories_that_read_back() -> None:
    def answer(text: str, seed: int) -> str:
        facts = text.rsplit("Facts: ", 1)[1].removesuffix("\nStory:").split(", ")
        who, (count, thing) = facts[0], facts[1].split()
        end = "" if seed % 2 else " She gets 5 more."
        return " ".join([f"{who} has {count} {thing}.", *(f"Then {who} {step}." for step in facts[2:])]) + end

    made, kit = play(answer, lambda kit: stories.arithmetic(kit, 5, tries=20), slots=4)
    assert len(made) == 5 and kit.lost
    for row in made:
        assert row["solution"].endswith(f"#### {row['answer']}")


def test_code_must_pass_its_tests_which_must_bite() -> None:
    good = {
        "problem": "Write twice(x) that doubles x, a number.",
        "solution": "def twice(x):\n    return x * 2",
        "tests": "assert twice(3) == 6",
    }
    vacuous = {**good, "tests": "twice(3) is not 0"}
    wrong = {**good, "tests": "assert twice(3) == 7"}
    said = iter([wrong, vacuous, good])

    def answer(text: str, seed: int) -> str:
        return json.dumps(next(said)) if "Invent" in text else "```python\ndef twice(x): return x + x\n```"

    made, kit = play(answer, lambda kit: programs.code_with_tests(kit, ["numbers"], 1))
    assert len(made) == 1 and made[0]["killed"] >= 1 and made[0]["agree"] == 1.0
    assert kit.lost["run", "invalid"] == 1 and kit.lost["mutate", "invalid"] == 1


def test_exercises_keep_what_passes() -> None:
    def answer(text: str, seed: int) -> str:
        head = text.rsplit("def ", 1)[1]
        n = head.split("(")[0].rsplit("_", 1)[1]
        return f"    return x + {n}" if head.startswith("add_") else "    return x"

    made, _ = play(answer, lambda kit: programs.exercises(kit, 3, tries=20))
    assert made and all("add_" in row["problem"] for row in made)
    with MontySandbox() as box:
        for row in made:
            ran = test_run(row["solution"], row["tests"], box)
            assert ran.passed and ran.killed >= 1


def test_oss_instruct_drops_copies_and_benchmarks() -> None:
    from locum.text.curate.overlap import Benchmarks

    code = "def add(a, b):\n    return a + b"
    met = Benchmarks(n=8, cosine=0.0)
    met.add("bench", ["Write a function that counts the vowels of a given word please"])

    def answer(text: str, seed: int) -> str:
        if "Inspired" in text:
            return (
                "Write a function that counts the vowels of a given word please."
                if seed % 2
                else "Sum squares of a list."
            )
        return "```python\ndef total(v):\n    return sum(x * x for x in v)\n```"

    made, kit = play(answer, lambda kit: programs.oss_instruct(kit, [code], 5, benchmarks=met, tries=4))
    assert [row["problem"] for row in made] == ["Sum squares of a list."]
    assert kit.lost["decontaminate", "invalid"] >= 1


def test_preference_needs_a_margin_and_refusals_refuse() -> None:
    said = iter(["Leaves turn brown because they lose water.", "Leaves leaves leaves", "Same.", "Same."])
    made, kit = play(
        lambda t, s: next(said), lambda kit: pairs.preference(kit, ["Why do leaves turn?", "Hm"], k=2)
    )
    assert len(made) == 1 and made[0]["chosen"].startswith("Leaves turn") and made[0]["margin"] >= 0.5
    assert kit.lost["score", "invalid"] == 1

    def answer(text: str, seed: int) -> str:
        return "I'm sorry, but I can't help with that." if "Decline" in text else "Wear them at home first."

    made, _ = play(answer, lambda kit: pairs.refusals(kit, ["Rob a bank"], ["Break in shoes"]))
    assert [row["safe"] for row in made] == [False, True]
    made, kit = play(lambda t, s: "Sure, you idiot.", lambda kit: pairs.refusals(kit, ["Rob a bank"]))
    assert made == [] and kit.lost["filter", "invalid"] == 1


def test_rows_keep_to_the_table_and_are_curated() -> None:
    draw = np.random.default_rng(0)
    x = draw.integers(0, 100, 60)
    real = pa.table({"x": x, "side": np.where(x > 50, "high", "low").tolist()})

    def answer(text: str, seed: int) -> str:
        side = "high" if '"side": "high"' in text else "low"
        value = (seed % 49) + (51 if side == "high" else 1)
        return json.dumps({"x": 100 - value if seed % 4 == 0 else value, "side": side})

    (made, judged), kit = play(answer, lambda kit: rows.few_shot_rows(kit, real, "side", 30, shown=4))
    assert judged is not None and len(judged.kept) > len(made) > 5
    right = [(row["x"] > 50) == (row["side"] == "high") for row in made]
    assert np.mean(right) > 0.8 and kit.lost["curate", "the label is surely wrong"] >= 1
    (made, _), kit = play(
        lambda t, s: '{"x": 999, "side": "low"}', lambda kit: rows.few_shot_rows(kit, real, "side", 3)
    )
    assert made == [] and reasons(kit) == {"off_schema"}


def test_rows_of_a_model_are_curated_by_either_limit_and_judged_as_stand_ins(tmp_path: Path) -> None:
    """From a CSV file by way of the recipe to the verdict of ``locum scarce``."""
    from locum.studies.scarce.scarce import scarce

    draw = np.random.default_rng(1)
    x = draw.integers(0, 1000, 140)
    lines = [f"{v},{'high' if v > 500 else 'low'},2024-01-0{1 + v % 9}" for v in x]
    for name, some in (("few", lines[:60]), ("test", lines[60:])):
        (tmp_path / f"{name}.csv").write_text("\n".join(["x,side,day", *some]) + "\n")

    def answer(text: str, seed: int) -> str:
        side = "high" if '"side": "high"' in text else "low"
        value = (seed % 490) + (501 if side == "high" else 1)
        wrong = 1000 - value if seed % 4 == 0 else value
        return json.dumps({"x": wrong, "side": side, "day": "2024-01-02"})

    kept = []
    for limit in (0.2, "range"):
        settings = {"table_file": "few.csv", "target": "side", "uncertainty": limit, "shown": 4}
        recipe = running.RecipeFile("tabular", rows=30, settings=settings, folder=str(tmp_path))
        _, kit = play(answer, lambda kit, recipe=recipe: running.RECIPES["tabular"](kit, recipe))
        kept.append(kit.facts["curated"])
        made = kit.made
    assert 0 < kept[0] < 30 and kept[1] >= kept[0]
    (tmp_path / "made.jsonl").write_text("".join(json.dumps(row) + "\n" for row in made))
    found = scarce(
        tmp_path / "few.csv", target="side", generated=tmp_path / "made.jsonl", test=tmp_path / "test.csv",
        repeats=1, rows=30,
    )  # fmt: skip
    assert {"rows of made", "rows of made, curated"} <= {way.name for way in found.judged}


def test_every_bundled_file_loads() -> None:
    bundled = {path.stem for path in Path(running.__file__).parent.glob("bundled/*.toml")}
    assert bundled == {"reviews", *running.RECIPES}
    for name in sorted(bundled):
        path = running.locate(Path(name))
        recipe = running.load_recipe(path)
        if recipe is None:
            assert load_plan(path).rows == 200
        else:
            assert recipe.recipe == name and recipe.model.model == weights.DEFAULT


def test_recipe_files_say_what_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / "r.toml"
    for text, words in (
        ('recipe = "x"', "no recipe"),
        ('recipe = "magpie"\ncolour = 1', "unknown key"),
        ('recipe = "magpie"\nrows = 0', "at least 1"),
        ('recipe = "magpie"\n[model]\nsize = 1', "size"),
    ):
        file.write_text(text)
        with pytest.raises(PlanError, match=words):
            running.load_recipe(file)
    file.write_text('recipe = "magpie"')
    with pytest.raises(PlanError, match="key=value"):
        running.load_recipe(file, ["rows"])
    assert running.load_recipe(file, ["template=gemma", "tries=2"]).settings == {
        "template": "gemma",
        "tries": 2,
    }  # type: ignore[union-attr]
    remote = running.RecipeFile(
        "self-instruct", model=ModelSpec("m", "https://example.org/v1"), settings={"seeds_file": "x.jsonl"}
    )
    with pytest.raises(LeakError):
        running.run_recipe(remote, tmp_path / "out")


def test_a_recipe_runs_into_a_folder_and_repeats_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from scripted_model import Scripted

    model = Scripted(
        lambda text, seed: f"What is thing number {seed}?" if text.startswith("<|") else f"It is {seed}."
    )
    monkeypatch.setattr("locum.text.engine.client.HttpTransport", lambda spec: model)
    file = tmp_path / "r.toml"
    file.write_text('recipe = "magpie"\nrows = 3\n[model]\nmodel = "m"\nbase_url = "http://127.0.0.1:1/v1"\n')
    recipe = running.load_recipe(file)
    assert recipe is not None
    first = running.run_recipe(recipe, tmp_path / "out")
    data = (tmp_path / "out" / "data.jsonl").read_bytes()
    assert (
        first.state == "complete" and first.sent == len(model.asked) and data.count(b"\n") == first.kept >= 1
    )
    again = running.run_recipe(recipe, tmp_path / "out", replay=True)
    assert again.sent == 0 and (tmp_path / "out" / "data.jsonl").read_bytes() == data


def test_the_command_line_names_settings_and_plans(tmp_path: Path) -> None:
    from locum.cli.main import main

    assert main(["text", "run", "reviews", "--set", "a=1", "--out", str(tmp_path / "o")]) == 2
    assert main(["text", "preview", "magpie"]) == 2
    assert main(["text", "run", "no-such-recipe", "--out", str(tmp_path / "o")]) != 0


def _here() -> bool:
    return any(found.name == weights.DEFAULT for found in weights.installed_weights())


@pytest.mark.slow
@pytest.mark.skipif(not _here(), reason="the weights of the embedded model are not here (LOCUM_MODELS)")
def test_the_embedded_model_writes_stories_that_hold() -> None:
    async def main() -> list[Row]:
        async with Engine(ModelSpec(weights.DEFAULT, context=768)) as engine:
            return await stories.arithmetic(Kit(engine, seed=1), 5)

    made = asyncio.run(main())
    assert len(made) == 5
    for row in made:
        assert row["solution"].endswith(f"#### {row['answer']}")
