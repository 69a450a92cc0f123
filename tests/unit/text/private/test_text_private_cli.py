"""``locum text private``: each route end to end from files to a folder, with the account."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.unit.text.private.test_text_attributed import PRIVATE, PUBLIC

from locum.cli.main import main
from locum.data.lineage_stamp import stamp_of
from locum.evaluation.learn import embedding
from locum.schema.lineage import REAL, Lineage
from locum.text.private.commands import PrivateTextRequest, predict_texts

pytestmark = pytest.mark.skipif(not embedding.available(), reason="extra text is not installed")
ATTRIBUTES = """
[attributes.topic]
kind = "topic"
words = { food = ["soup", "pasta", "bread", "salad"], room = ["bed", "towel", "lobby", "shower"] }
[attributes.mood]
kind = "sentiment"
[attributes.stars]
kind = "column"
column = "stars"
levels = ["1", "5"]
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    rows = [{"text": t, "stars": "5" if "great" in t else "1"} for t in PRIVATE]
    Path("reviews.jsonl").write_text("\n".join(map(json.dumps, rows)))
    Path("public.jsonl").write_text("\n".join(json.dumps({"text": t}) for t in PUBLIC))
    Path("attributes.toml").write_text(ATTRIBUTES)
    return tmp_path


def account(folder: str) -> dict[str, object]:
    return dict(json.loads(Path(folder, "privacy.json").read_text()))


def test_evolve_then_resample_on_one_ledger_until_it_is_spent(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    common = ["--ledger", "all.ledger", "--total-epsilon", "3", "--epsilon", "2"]
    assert (
        main(
            [
                "text",
                "private",
                "evolve",
                "reviews.jsonl",
                "--out",
                "a",
                "--public",
                "public.jsonl",
                "--rows",
                "30",
                "--rounds",
                "2",
                "--length",
                "6",
                *common,
            ]
        )
        == 0
    )
    assert "(2, 1e-06)-differential privacy" in capsys.readouterr().out
    assert len(Path("a/texts.jsonl").read_text().splitlines()) == 30
    assert stamp_of("a/texts.jsonl") == REAL.child()
    again = [
        "text",
        "private",
        "resample",
        "reviews.jsonl",
        "--out",
        "b",
        "--pool",
        "a/texts.jsonl",
        "--rows",
        "20",
        "--ledger",
        "all.ledger",
        "--json",
    ]
    assert main([*again, "--epsilon", "1"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["texts"] == 20
    assert told["warnings"][0].startswith("texts.jsonl is stamped as made by a generator")
    assert stamp_of("b/texts.jsonl") == Lineage(0.5, 2, False, 0.0)  # private texts real, the pool made
    assert "1 histogram of votes" in told["account"]
    assert [e["purpose"] for e in account("b")["entries"]] == ["votes for clusters of the pool"]  # type: ignore[attr-defined]
    assert main([*again[:5], "c", *again[6:], "--epsilon", "3"]) == 0
    capsys.readouterr()
    assert main([*again[:5], "d", *again[6:], "--epsilon", "1"]) == 1
    assert "nothing is left" in capsys.readouterr().out
    assert not Path("d/texts.jsonl").exists()


def test_the_attribute_route_writes_a_model_a_plan_and_texts(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        main(
            [
                "text",
                "private",
                "attributes",
                "reviews.jsonl",
                "--attributes",
                "attributes.toml",
                "--out",
                "a",
                "--public",
                "public.jsonl",
                "--epsilon",
                "2",
                "--rows",
                "25",
                "--what",
                "review",
                "--synthesizer",
                "mst",
            ]
        )
        == 0
    )
    out = capsys.readouterr().out
    assert "Next: locum text run a/plan.toml" in out
    rows = [json.loads(line) for line in Path("a/texts.jsonl").read_text().splitlines()]
    assert len(rows) == 25
    assert set(rows[0]) == {"topic", "mood", "stars", "text"}
    assert {r["stars"] for r in rows} <= {"1", "5", "other"}
    told = account("a")
    assert told["route"] == "attributes"
    assert told["facts"]["agree"]["topic"] > 0.6  # type: ignore[index]
    # a second run finds the folder's own ledger spent
    assert (
        main(
            [
                "text",
                "private",
                "attributes",
                "reviews.jsonl",
                "--attributes",
                "attributes.toml",
                "--out",
                "a",
                "--epsilon",
                "2",
            ]
        )
        == 1
    )


def test_prediction_is_said_to_be_experimental(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        main(
            [
                "text",
                "private",
                "predict",
                "reviews.jsonl",
                "--out",
                "p",
                "--public",
                "public.jsonl",
                "--epsilon",
                "4",
                "--batch",
                "100",
                "--rows",
                "5",
                "--tokens",
                "6",
                "--used",
                "0.3",
            ]
        )
        == 0
    )
    assert "Experimental" in capsys.readouterr().out
    told = account("p")
    [entry] = told["entries"]  # type: ignore[misc]
    assert (entry["mechanism"], entry["steps"]) == ("exponential", 6)  # type: ignore[index]
    assert told["total"]["epsilon"] <= 4  # type: ignore[index]


def test_seeded_noise_is_stamped_everywhere(here: Path) -> None:
    asked = PrivateTextRequest("reviews.jsonl", 1, Path("s"), rows=2, test_seed=1)
    made = predict_texts(asked, [Path("public.jsonl")], batch=500, tokens=3)
    assert "NOT PRIVATE" in made.sentence
    assert "No guarantee" in made.statement
    assert account("s")["private"] is False


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (["evolve", "reviews.jsonl", "--epsilon", "1"], "no public texts"),
        (["evolve", "none.jsonl", "--epsilon", "1", "--public", "public.jsonl"], "none.jsonl"),
        (["evolve", "reviews.jsonl", "--epsilon", "0", "--public", "public.jsonl"], "epsilon"),
        (
            ["evolve", "reviews.jsonl", "--epsilon", "1", "--public", "public.jsonl", "--column", "txt"],
            "did you mean",
        ),
        (
            ["evolve", "reviews.jsonl", "--epsilon", "1", "--public", "public.jsonl", "--label", "stars"],
            "not named",
        ),
        (["attributes", "reviews.jsonl", "--epsilon", "1", "--attributes", "none.toml"], "cannot be read"),
        (
            ["attributes", "reviews.jsonl", "--epsilon", "1", "--attributes", "attributes.toml", "--by", "x"],
            "no attribute",
        ),
    ],
)
def test_one_message_and_nothing_spent(
    here: Path, capsys: pytest.CaptureFixture[str], words: list[str], match: str
) -> None:
    assert main(["text", "private", *words, "--out", "x"]) in (1, 2)
    shown = capsys.readouterr()
    assert match.lower() in (shown.out + shown.err).lower()
    ledger = Path("x/ledger.jsonl")
    assert not ledger.exists() or len(ledger.read_text().splitlines()) <= 1
    assert not Path("x/texts.jsonl").exists()
