"""``locum text private``: each route end to end from files to a folder, with the account."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from tests.unit.text.private.test_text_attributed import PRIVATE, PUBLIC

from locum.cli.main import main
from locum.data.lineage_stamp import stamp_of
from locum.evaluation.learn import embedding
from locum.privacy.ledger import UNSPENT
from locum.runs.ledger_state import current_document
from locum.schema.lineage import REAL, Lineage
from locum.text.private.commands import _ONE, PrivateTextRequest, predict_texts

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
    # the header of a CSV file is public, so that a column that is not there is missed; keys of lines are not
    Path("reviews.csv").write_text("text,stars\n" + "".join(f'"{r["text"]}",{r["stars"]}\n' for r in rows))
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
    assert "(1.99, 1e-06)-differential privacy" in capsys.readouterr().out
    assert len(Path("a/texts.jsonl").read_text().splitlines()) == 30
    made = stamp_of("a/texts.jsonl")
    assert made is not None and made.guaranteed and made.under(None) == REAL.child()
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
    drawn = stamp_of("b/texts.jsonl")
    assert drawn is not None and drawn.guaranteed
    assert drawn.under(None) == Lineage(0.5, 2, False, 0.0)  # private texts real, the pool made
    assert "1 histogram of votes" in told["account"]
    # the account is that of the whole ledger, also of what others spent
    first, second = account("a"), account("b")
    assert second["entries"][: len(first["entries"])] == first["entries"]  # type: ignore[index,arg-type]
    assert [e["purpose"] for e in second["entries"]] == [  # type: ignore[attr-defined]
        "number of rows", "votes of round 1", "votes of round 2", "number of rows",
        "votes for clusters of the pool",
    ]  # fmt: skip
    assert told["statement"] == second["statement"]
    assert 1.99 < second["total"]["epsilon"] <= 3  # type: ignore[index]
    assert Path("b/ledger.path").read_text().strip() == str(Path("all.ledger").resolve())
    now = current_document(Path("a"), first)
    assert now["statement"] == second["statement"] != first["statement"]
    before = Path("all.ledger").read_bytes()
    assert main([*again[:5], "c", *again[6:], "--epsilon", "3"]) == 1
    assert "asks for epsilon 3, and about" in capsys.readouterr().out
    assert Path("all.ledger").read_bytes() == before
    assert not Path("c/texts.jsonl").exists()


def resample_command(out: str, *more: str, data: str = "reviews.jsonl") -> list[str]:
    return [
        "text",
        "private",
        "resample",
        data,
        "--out",
        out,
        "--pool",
        "public.jsonl",
        "--rows",
        "20",
        *more,
    ]


@pytest.mark.parametrize(
    ("more", "match", "paid"),
    [
        (["--delta", "0.5"], "delta 0.5 is too large for any table or set of texts", 0),
        # 1/n is checked against the number that is bought
        (["--delta", "0.009"], "delta 0.009 is too large for this many rows", 1),
        (["--delta", "0.009", "--public-size", "400"], "delta 0.009 is too large for this many rows", 0),
        (["--unit", "stars", "--per-unit", "0"], "rows per unit", 0),
        (["--per-unit", "2"], "name the id column", 0),
        (["--unit", "who"], "does not name who", 0),
        (["--public-size", "0"], "--public-size", 0),
    ],
)
def test_the_rules_of_tables_hold_for_texts(
    here: Path, capsys: pytest.CaptureFixture[str], more: list[str], match: str, paid: int
) -> None:
    assert main(resample_command("x", "--epsilon", "2", *more, data="reviews.csv")) in (1, 2)
    shown = capsys.readouterr()
    assert match in shown.out + shown.err
    ledger = Path("x/ledger.jsonl")
    entries = ledger.read_text().splitlines()[1:] if ledger.exists() else []
    assert [json.loads(e)["entry"]["purpose"] for e in entries] == ["number of rows"] * paid
    assert not Path("x/texts.jsonl").exists() and not Path("x/privacy.json").exists()


def test_a_public_number_of_texts_costs_nothing_and_is_said_to_be_assumed(here: Path) -> None:
    assert main(resample_command("bought", "--epsilon", "2")) == 0
    assert main(resample_command("public", "--epsilon", "2", "--public-size", "500")) == 0
    bought, public = account("bought"), account("public")
    assert [len(d["entries"]) for d in (bought, public)] == [2, 1]  # type: ignore[arg-type]
    assert public["rows"] == {"declared": 500}
    assert set(bought["rows"]) == {"noisy", "sigma"}  # type: ignore[call-overload]
    said = "The number of private texts, about 500, is public knowledge."
    assert said in public["assumptions"] and said not in bought["assumptions"]  # type: ignore[operator]
    assert _ONE in public["assumptions"]  # type: ignore[operator]


def test_texts_of_one_author_are_bounded_and_paid_for(here: Path) -> None:
    """One author with most of the texts has three votes at most, and the noise covers three."""
    rows = [{"text": "soup was great", "who": "loud"}] * 300 + [
        {"text": t, "who": str(i)} for i, t in enumerate(PRIVATE[:100])
    ]
    rows += [{"text": "nobody's", "who": None}] * 50
    Path("by.jsonl").write_text("\n".join(map(json.dumps, rows)))
    more = ["--unit", "who", "--per-unit", "3", "--epsilon", "8"]
    assert main(resample_command("u", *more, data="by.jsonl")) == 0
    told = account("u")
    assert told["unit"] == {"column": "who", "rows": 3, "adjacency": "add-remove"}
    assert {e["sensitivity"] for e in told["entries"]} == {3.0}  # type: ignore[attr-defined]
    assert abs(told["rows"]["noisy"] - 103) < 6 * told["rows"]["sigma"]  # type: ignore[index]
    assert "a value of who with at most 3 rows" in told["statement"]  # type: ignore[operator]
    assert _ONE not in told["assumptions"]  # type: ignore[operator]
    assert any("Rows without who were left out" in a for a in told["assumptions"])  # type: ignore[attr-defined]
    attributes = [
        "text",
        "private",
        "attributes",
        "by.jsonl",
        "--out",
        "v",
        "--attributes",
        "two.toml",
        *more,
    ]
    Path("two.toml").write_text(ATTRIBUTES.split("[attributes.stars]")[0])
    assert main([*attributes, "--column", "text", "--synthesizer", "independent"]) == 0
    told = account("v")
    assert {e["sensitivity"] for e in told["entries"]} == {3.0}  # type: ignore[attr-defined]
    assert abs(told["rows"]["noisy"] - 103) < 6 * told["rows"]["sigma"]  # type: ignore[index]


@pytest.mark.parametrize("epsilon", ["0.5", "10"])
def test_small_and_large_budgets_work_for_texts(here: Path, epsilon: str) -> None:
    assert main(resample_command("e", "--epsilon", epsilon)) == 0
    assert account("e")["total"]["epsilon"] == pytest.approx(float(epsilon), rel=0.02)  # type: ignore[index]


def test_a_folder_of_private_texts_is_for_its_owner_only(here: Path) -> None:
    old = os.umask(0o022)
    try:
        Path("o").mkdir()
        assert main(resample_command("o", "--epsilon", "2")) == 0
    finally:
        os.umask(old)
    assert stat.S_IMODE(Path("o").stat().st_mode) == 0o700
    names = {p.name: stat.S_IMODE(p.stat().st_mode) for p in Path("o").iterdir()}
    assert {"texts.jsonl", "privacy.json", "ledger.jsonl", "ledger.jsonl.head"} <= set(names)
    assert set(names.values()) == {0o600}, names


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
    [size, entry, rest] = told["entries"]  # type: ignore[misc]
    assert size["purpose"] == "number of rows"  # type: ignore[index]
    # scores lie on a grid, so that a little cannot be used
    assert rest["purpose"] == UNSPENT and rest["rho"] < 1e-4 * entry["rho"]  # type: ignore[index]
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
            ["evolve", "reviews.csv", "--epsilon", "1", "--public", "public.jsonl", "--column", "txt"],
            "does not name txt",
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


def test_a_text_in_the_first_line_is_never_taken_for_the_name_of_the_column(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It would be published as the key of every line, and be told by the error where it has commas."""
    for first in ("My neighbour Anna is ill\n", "My neighbour, Anna, is ill\n"):
        Path("bare.csv").write_text(first + "It was great\n" * 60)
        options = ["--public", "public.jsonl", "--epsilon", "4", "--out", "bare"]
        assert main(["text", "private", "evolve", "bare.csv", *options]) != 0
        said = capsys.readouterr()
        assert "--column" in said.err
        assert "Anna" not in said.err + said.out
        assert not Path("bare").exists()


def test_whose_text_it_is_must_be_said_where_a_column_is_named_like_an_id(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = "".join(f'P{i % 40},"{text}"\n' for i, text in enumerate(PRIVATE))
    Path("people.csv").write_text("patient_id,text\n" + lines)
    asked = ["text", "private", "resample", "people.csv", "--pool", "public.jsonl", "--epsilon", "2"]
    assert main([*asked, "--rows", "5", "--out", "no"]) == 2
    assert "patient_id may say whose row it is" in capsys.readouterr().err and not Path("no").exists()
    assert main([*asked, "--rows", "5", "--out", "said", "--one-row-per-person"]) == 0
    assert main([*asked, "--rows", "5", "--out", "unit", "--unit", "patient_id"]) == 0
    assert account("unit")["unit"] == {"column": "patient_id", "rows": 1, "adjacency": "add-remove"}
