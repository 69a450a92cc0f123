"""Runs on the fake endpoint: samplers, sources, bad input, quotas, duplicates, taint, exports, estimates."""

from __future__ import annotations

import asyncio
import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fake_endpoint import FakeEndpoint

from locum.errors import FolderError, LeakError
from locum.text import (
    Caps,
    Category,
    Check,
    Code,
    Date,
    Dedup,
    Embedding,
    Export,
    Expression,
    Judge,
    ModelSpec,
    Number,
    Person,
    Plan,
    PlanError,
    Quota,
    Rubric,
    Seed,
    Structured,
    Subcategory,
    Table,
    Text,
    Validator,
    When,
    estimate,
    run,
)
from locum.text.runs.dedup import Duplicates, NearDuplicates, normal
from locum.text.runs.inspection import inspect
from locum.text.verify.base import Verdict
from locum.text.verify.registry import register


def rows_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "data.jsonl").open(encoding="utf-8")]


def rejects_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "rejects.jsonl").open(encoding="utf-8")]


def reasons(folder: Path) -> Counter[str]:
    return Counter(reject["reason"] for reject in rejects_of(folder))


def model(endpoint: FakeEndpoint, **changes: Any) -> dict[str, ModelSpec]:
    return {"m": ModelSpec("fake", endpoint.url, max_in_flight=8, max_tries=3, max_wait_s=3.0, **changes)}


def test_sampled_columns_have_their_distributions_and_conditions(tmp_path: Path) -> None:
    """Means within five standard errors of 600 draws: false alarm below one in a million; fixed seed."""
    plan = Plan(
        (
            Category("rating", ("good", "bad"), (3.0, 1.0)),
            Subcategory("word", "rating", {"good": ("fine", "great"), "bad": ("poor",)}),
            Number(
                "stars", low=1, high=2, decimals=0, when=(When("rating == 'good'", {"low": 4, "high": 5}),)
            ),
            Number("size", "normal", mean=10, sd=2, low=8, decimals=1),
            Number("n", "poisson", mean=3.0),
            Number("yes", "bernoulli", p=0.2),
            Date("day", "2024-02-01", "2024-02-29"),
            Date("later", after="day", days=(2, 4)),
            Person("who", age=(30, 40)),
            Expression("both", "rating ~ '/' ~ stars"),
            Expression("price", "stars * 2", "number"),
        ),
        rows=600,
    )
    assert run(plan, tmp_path / "run").sent == 0
    rows = rows_of(tmp_path / "run")
    good = [row for row in rows if row["rating"] == "good"]
    assert abs(len(good) - 450) < 5 * np.sqrt(600 * 0.75 * 0.25)
    assert {row["stars"] for row in good} == {4, 5}
    assert {row["word"] for row in good} == {"fine", "great"}
    assert {row["stars"] for row in rows if row["rating"] == "bad"} == {1, 2}
    assert abs(np.mean([row["n"] for row in rows]) - 3) < 5 * np.sqrt(3 / 600)
    assert abs(sum(row["yes"] for row in rows) - 120) < 5 * np.sqrt(600 * 0.16)
    assert min(row["size"] for row in rows) >= 8
    assert all("2024-02-01" <= row["day"] < row["later"] <= "2024-03-04" for row in rows)
    assert all(30 <= row["who"]["age"] <= 40 and row["who"]["first_name"] for row in rows)
    assert all(row["both"] == f"{row['rating']}/{row['stars']}" for row in rows)
    assert all(row["price"] == 2.0 * row["stars"] for row in rows)


def test_adding_a_column_changes_no_other(tmp_path: Path) -> None:
    columns = (Category("a", (1, 2, 3)), Number("b", low=0, high=1))
    run(Plan(columns, rows=20), tmp_path / "two")
    run(Plan((Person("p"), *columns), rows=20), tmp_path / "three")
    trimmed = [{k: v for k, v in row.items() if k != "p"} for row in rows_of(tmp_path / "three")]
    assert trimmed == rows_of(tmp_path / "two")


def test_seed_files_of_all_kinds_and_a_bad_line_in_the_middle(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"t": "one {{ 7*7 }}"}\n{"t": broken\n{"t": "two"}\n[1]\n')
    (tmp_path / "b.csv").write_text('x,y\n1,"a, b"\n2\n3,c\n')
    pq.write_table(pa.table({"z": [1.5, float("nan")]}), tmp_path / "c.parquet")
    plan = Plan(
        (
            Seed("a", "a.jsonl", "t"),
            Seed("b", "b.csv"),
            Seed("c", "c.parquet", "z"),
            Expression("e", "a ~ b.y"),
        ),
        rows=3,
        folder=str(tmp_path),
    )
    run(plan, tmp_path / "run")
    rows = rows_of(tmp_path / "run")
    assert [row["a"] for row in rows] == ["one {{ 7*7 }}", "two", "one {{ 7*7 }}"]
    assert rows[0]["b"] == {"x": "1", "y": "a, b"}
    assert [row["c"] for row in rows] == [1.5, None, 1.5]
    assert rows[0]["e"] == "one {{ 7*7 }}a, b"
    assert [r["detail"] for r in rejects_of(tmp_path / "run")] == ["line 2", "line 4", "line 3"]


@pytest.mark.parametrize("name", ["none.jsonl", "empty.jsonl", "x.pdf"])
def test_seed_files_that_cannot_be_used(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty.jsonl").write_text("\n")
    (tmp_path / "x.pdf").write_text("x")
    with pytest.raises(PlanError, match=name.split(".")[0]):
        run(Plan((Seed("s", name),), folder=str(tmp_path)), tmp_path / "run")


def test_rows_of_a_locum_model_are_columns(tmp_path: Path) -> None:
    import locum

    table = pa.table({"age": [20 + i * 7 % 40 for i in range(200)], "sex": ["f", "m"] * 100})
    locum.fit(table, synthesizer="independent").save(tmp_path / "m.locum")
    plan = Plan(
        (Table("p", "m.locum"), Expression("age", "p.age"), Table("sex", "m.locum", "sex")),
        rows=300,
        folder=str(tmp_path),
    )
    run(plan, tmp_path / "run")
    rows = rows_of(tmp_path / "run")
    assert all(20 <= row["age"] <= 59 and row["p"]["sex"] == row["sex"] for row in rows)
    assert len({row["age"] for row in rows}) > 20
    with pytest.raises(PlanError, match="no column 'height'"):
        run(Plan((Table("h", "m.locum", "height"),), folder=str(tmp_path)), tmp_path / "other")


@pytest.mark.parametrize(
    ("column", "answer", "reason", "requests"),
    [
        (Structured("c", "x", {"type": "object"}, repairs=2), "Never any JSON.", "bad_json", 3),
        (Structured("c", "x", {"type": "object", "required": ["q"]}, repairs=1), '{"a": 1}', "off_schema", 2),
        (Judge("c", "x", (Rubric("r", "d", {"1": "a", "2": "b"}),)), "Four stars, lovely!", "judge_prose", 2),
        (Code("c", "x"), "```python\ndef f(:\n```", "bad_code", 1),
        (Code("c", "x"), "I cannot write code for that.", "bad_code", 1),
        (Text("c", "x", checks=(Check("regex", {"pattern": "^no$"}),), tries=3), "yes", "invalid", 3),
        (Text("c", "x"), "  \n ", "empty", 1),
        (Text("c", "{{ {}.missing.part }}"), "fine", "template", 0),
    ],
)
def test_each_fault_of_a_model_is_bounded_and_typed(
    tmp_path: Path, column: Any, answer: str, reason: str, requests: int
) -> None:
    with FakeEndpoint(answer=answer) as endpoint:
        outcome = run(Plan((column,), rows=3, models=model(endpoint), tries=1), tmp_path / "run")
        assert endpoint.seen.outcomes["ok"] == requests * 3
    assert (outcome.state, outcome.kept) == ("short", 0)
    assert reasons(tmp_path / "run") == {reason: 3}
    assert (answer.strip() or "\0") not in (tmp_path / "run" / "rejects.jsonl").read_text()
    reject = rejects_of(tmp_path / "run")[0]
    assert reject["column"] == "c"
    assert reject["row"] == 0


def test_one_bad_row_does_not_touch_the_others(tmp_path: Path) -> None:
    columns = (Category("d", (0, 1, 2)), Expression("q", "6 / d"), Text("t", "{{ q }}"))
    with FakeEndpoint() as endpoint:
        plan = Plan(columns, rows=30, models=model(endpoint), tries=1)
        outcome = run(plan, tmp_path / "run")
    rows = rows_of(tmp_path / "run")
    assert 0 < len(rows) == outcome.kept < 30
    assert outcome.kept + outcome.funnel["unmet"] == 30
    assert all(row["d"] != 0 for row in rows)
    assert reasons(tmp_path / "run") == {"template": 30 - len(rows)}


def test_a_hopeless_plan_stops_before_it_has_spent_everything(tmp_path: Path) -> None:
    with FakeEndpoint(answer="always this") as endpoint:
        column = Text("t", "x", checks=(Check("length", {"min_words": 50}),))
        outcome = run(Plan((column,), rows=10_000, models=model(endpoint)), tmp_path / "run")
        assert endpoint.seen.outcomes["ok"] < 300
    assert (outcome.state, outcome.cause) == ("stopped", "yield")
    assert outcome.error is not None
    assert "invalid" in outcome.error.message


def test_quotas_are_filled_until_met(tmp_path: Path) -> None:
    with FakeEndpoint() as endpoint:
        checked = Text("t", "{{ a }}{{ b }}", checks=(Check("regex", {"pattern": "amber|ember|copper"}),))
        columns = (Category("a", ("x", "y"), (0.99, 0.01)), Category("b", (1, 2, 3)), checked)
        plan = Plan(columns, models=model(endpoint), quota=Quota(("a", "b"), 5), tries=20)
        outcome = run(plan, tmp_path / "run")
    counts = Counter((row["a"], row["b"]) for row in rows_of(tmp_path / "run"))
    assert set(counts.values()) == {5}
    assert len(counts) == 6
    assert outcome.attempts > 30


def test_duplicates_are_rejected_while_the_run_goes_on(tmp_path: Path) -> None:
    with FakeEndpoint(answer="Always the very same sentence, word for word.") as endpoint:
        plan = Plan((Text("t", "x"),), rows=5, models=model(endpoint), dedup=Dedup(minhash=0.0), tries=2)
        outcome = run(plan, tmp_path / "run")
    assert outcome.kept == 1
    assert reasons(tmp_path / "run") == {"duplicate": 8}


def jaccard(a: str, b: str) -> float:
    left, right = ({text[i : i + 5] for i in range(len(text) - 4)} for text in (a, b))
    return len(left & right) / len(left | right)


def test_minhash_agrees_with_the_true_similarity() -> None:
    """Standard error of 128 hashes at most 0.045: 0.2 is over four of them for 40 pairs; fixed texts."""
    rng = np.random.default_rng(3)
    letters = list("abcdefghijklmnop ")
    near = NearDuplicates(0.5)
    for _ in range(40):
        base = "".join(rng.choice(letters, 200))
        cut = int(rng.integers(0, 200))
        other = base[:cut] + "".join(rng.choice(letters, 200 - cut))
        estimated = float((near.signature(base) == near.signature(other)).mean())
        assert abs(estimated - jaccard(base, other)) < 0.2


def test_near_duplicates_are_found_and_others_are_not() -> None:
    kept = Duplicates(Dedup(minhash=0.7), ("t",))
    text = "The kettle was warm and the bread was fresh, so we stayed until the rain had stopped outside."
    kept.add({"t": text})
    for like, reason in ((text.upper() + "!!", "duplicate"), (text.replace("warm", "hot"), "near_duplicate")):
        with pytest.raises(Exception, match=f"^{reason}"):
            kept.add({"t": like})
    kept.add({"t": "A wholly different account of a bicycle repair, written by somebody in a great hurry."})
    assert normal("  Don’t — STOP!") == "don t stop"


def test_the_same_meaning_is_found_by_embedding() -> None:
    kept = Duplicates(Dedup(exact=False, minhash=0.0, embedding=0.8), ("t",))
    kept.add({"t": "The hotel room was dirty and the staff were rude."})
    with pytest.raises(Exception, match="same_meaning"):
        kept.add({"t": "The staff were rude and the room in the hotel was dirty."})
    kept.add({"t": "Integrate the polynomial between zero and one."})


def test_private_sources_reach_no_endpoint_unless_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "s.jsonl").write_text('{"t": "secret"}\n')
    models = {"far": ModelSpec("m", "https://api.example.org/v1")}
    columns = (Seed("s", "s.jsonl", "t"), Text("t", "{{ s }}"))
    with pytest.raises(LeakError, match=r"api\.example\.org"):
        run(Plan(columns, models=models, folder=str(tmp_path)), tmp_path / "run")
    assert not (tmp_path / "run").exists()
    with FakeEndpoint() as endpoint:  # a model on this machine may see it
        outcome = run(Plan(columns, rows=1, models=model(endpoint), folder=str(tmp_path)), tmp_path / "ok")
    assert outcome.kept == 1
    assert "treat it as private" not in (tmp_path / "ok" / "data.jsonl").read_text()


def test_a_stopped_run_keeps_what_it_has_and_goes_on(tmp_path: Path) -> None:
    with FakeEndpoint() as endpoint:
        plan = Plan((Text("t", "x", max_tokens=20),), rows=40, models=model(endpoint))
        first = run(plan, tmp_path / "run", caps=Caps(max_tokens=500))
        assert (first.state, first.cause) == ("stopped", "max_tokens")
        assert 0 < first.kept == len(rows_of(tmp_path / "run")) < 40
        assert first.tokens <= 500
        assert inspect(tmp_path / "run")["state"] == "stopped"
        second = run(plan, tmp_path / "run")
        assert second.state == "complete"
        assert endpoint.seen.outcomes["ok"] == 40  # nothing was asked twice
        with pytest.raises(FolderError, match="another plan"):
            run(Plan((Text("t", "y", max_tokens=20),), rows=40, models=model(endpoint)), tmp_path / "run")
    seen = inspect(tmp_path / "run")
    assert (seen["state"], seen["kept"]) == ("complete", 40)
    assert seen["usage"]["fake"]["requests"] == 40


def test_the_time_cap_cuts_requests_under_way_off(tmp_path: Path) -> None:
    with FakeEndpoint(latency_s=3.0) as endpoint:
        plan = Plan((Text("t", "x"),), rows=5, models=model(endpoint))
        outcome = run(plan, tmp_path / "run", caps=Caps(max_time_s=0.5))
    assert (outcome.state, outcome.cause, outcome.kept) == ("stopped", "max_time", 0)


def test_an_endpoint_that_dies_in_the_middle_leaves_a_partial_result(tmp_path: Path) -> None:
    endpoint = FakeEndpoint(latency_s=0.01)
    with endpoint:
        spec = {"m": ModelSpec("fake", endpoint.url, max_in_flight=4, max_tries=2, max_wait_s=1.0)}

        def die(event: Any) -> None:
            endpoint.behaviour.down = event.done >= 10

        outcome = run(Plan((Text("t", "x"),), rows=200, models=spec), tmp_path / "run", progress=die)
    assert (outcome.state, outcome.cause) == ("stopped", "endpoint")
    assert 10 <= outcome.kept == len(rows_of(tmp_path / "run")) < 60


def test_exports_hold_the_same_rows(tmp_path: Path) -> None:
    columns = (
        Number("n", low=0, high=9, decimals=0),
        Text("q", "ask {{ n }}"),
        Text("a", "answer {{ q }}"),
        Text("b", "worse {{ q }}"),
        Embedding("v", "q"),
        Person("who"),
    )
    export = Export(
        ("parquet", "csv", "chat", "preference", "huggingface"),
        user="q",
        assistant="a",
        prompt="q",
        chosen="a",
        rejected="b",
    )
    with FakeEndpoint() as endpoint:
        outcome = run(
            Plan(columns, rows=6, models=model(endpoint), export=export, name="pairs"), tmp_path / "run"
        )
    rows = rows_of(tmp_path / "run")
    table = pq.read_table(tmp_path / "run" / "data.parquet")
    assert table["q"].to_pylist() == [row["q"] for row in rows]
    assert table["n"].type == pa.int64()
    assert table["v"].type == pa.list_(pa.float32())
    assert json.loads(table["who"][0].as_py()) == rows[0]["who"]
    with (tmp_path / "run" / "data.csv").open(newline="") as file:
        assert [row["a"] for row in csv.DictReader(file)] == [row["a"] for row in rows]
    chat = json.loads((tmp_path / "run" / "chat.jsonl").read_text().splitlines()[2])
    assert [m["role"] for m in chat["messages"]] == ["user", "assistant"]
    assert chat["messages"][1]["content"] == rows[2]["a"]
    pair = json.loads((tmp_path / "run" / "preference.jsonl").read_text().splitlines()[0])
    assert pair["rejected"][0]["content"] == rows[0]["b"]
    card = (tmp_path / "run" / "huggingface" / "README.md").read_text()
    assert card.startswith('---\npretty_name: "pairs"')
    assert pq.read_table(tmp_path / "run" / "huggingface" / "data" / "train.parquet").equals(table)
    assert set(outcome.files) >= {"data.parquet", "huggingface/README.md"}


def test_a_verifier_may_mend_and_a_validator_may_mark(tmp_path: Path) -> None:
    class Shout:
        def verify(self, item: Any, row: Any) -> Verdict:
            return Verdict(True, fixed=str(item).upper())

    register("test_shout", Shout)
    columns = (
        Text("t", "x", checks=(Check("test_shout"),)),
        Validator("ok", "t", Check("regex", {"pattern": "[a-z]"}), "mark", keep=True),
    )
    with FakeEndpoint() as endpoint:
        run(Plan(columns, rows=2, models=model(endpoint)), tmp_path / "run")
    assert all(row["t"].isupper() and row["ok"] is False for row in rows_of(tmp_path / "run"))


def test_a_judge_keeps_what_it_likes(tmp_path: Path) -> None:
    rubric = Rubric("tone", "how friendly", {"1": "cold", "2": "warm"})
    columns = (Text("t", "x"), Judge("j", "{{ t }}", (rubric,), "tone == 2"))
    with FakeEndpoint() as endpoint:
        run(Plan(columns, rows=10, models=model(endpoint), tries=12), tmp_path / "run")
    assert {row["j"]["tone"]["score"] for row in rows_of(tmp_path / "run")} == {2}
    assert set(reasons(tmp_path / "run")) == {"invalid"}


def test_the_estimate_brackets_the_run(tmp_path: Path) -> None:
    with FakeEndpoint() as endpoint:
        models = model(endpoint, price_in=10.0, price_out=30.0)
        plan = Plan((Text("t", "x"), Text("u", "{{ t }}")), rows=50, models=models)
        told = asyncio.run(estimate(plan, 5))
        outcome = run(plan, tmp_path / "run")
    assert told.calls.value == 100 == outcome.sent
    assert told.cost.low <= outcome.cost + 1e-9 <= told.cost.high
    assert told.preview_calls == 10
    total = told.tokens_in.value + told.tokens_out.value
    assert abs(total - outcome.tokens) < 1e-6
