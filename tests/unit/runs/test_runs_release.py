"""What a release says besides its account, and releases of texts."""

from __future__ import annotations

import json
import random
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

import locum
from locum.cli.main import main
from locum.errors import FileFormatError, LeakError, UsageError
from locum.files.atomic import file_sha256
from locum.files.signature import make_key
from locum.runs.certificate import NAME, as_bytes, seal
from locum.runs.deployment import UNSTATED
from locum.runs.release import release
from locum.runs.verify import verify
from locum.runs.versions import build
from locum.text.private.commands import PrivateTextRequest, attribute_texts, evolve_texts

CONFIG = """\
version = 1
[schema.letters.one]
kind = "category"
levels = ["a", "b", "c"]
[schema.letters.two]
kind = "category"
levels = ["x", "y"]
[release]
controller = "The city hospital"
why_unit = "Every patient has one row."
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCUM_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    rows = "".join(f"{'abc'[i % 3]},{'xy'[i % 2]}\n" for i in range(400))
    (folder / "letters.csv").write_text("one,two\n" + rows)
    (folder / "locum.toml").write_text(CONFIG)
    locum.run(folder / "letters.csv", folder / "run", epsilon=3, synthesizer="independent", holdout=0.1)
    return folder / "run"


def told(bundle: Path, name: str = NAME) -> Any:
    return json.loads((bundle / name).read_text())


def test_the_controllers_words_come_from_the_config_and_options_win(run: Path, tmp_path: Path) -> None:
    release(
        run,
        tmp_path / "one",
        purpose="methods <b>only</b>",
        contact="dpo@example.org",
        controller="A ministry",
    )
    record, page = told(tmp_path / "one", "deployment.json"), (tmp_path / "one" / "sp800-226.md").read_text()
    assert (record["controller"], record["purpose"]) == ("A ministry", "methods <b>only</b>")
    assert record["privacy_unit"]["why"] == "Every patient has one row."
    assert record["parameters"]["why"] == UNSTATED and UNSTATED in page
    assert "A ministry" in page and "&lt;b&gt;" in page and "<b>" not in page
    assert "dpo@example.org" in (tmp_path / "one" / "card.md").read_text()
    assert verify(tmp_path / "one").passed
    release(run, tmp_path / "two")
    assert told(tmp_path / "two")["stated"] == {
        "controller": "The city hospital",
        "why_unit": "Every patient has one row.",
    }


def test_words_that_are_too_long_are_refused_before_anything_is_written(run: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--why-epsilon: .* characters long"):
        release(run, tmp_path / "out", why_epsilon="x" * 3000)
    assert not (tmp_path / "out").exists()


def test_a_bundle_that_would_not_pass_its_own_check_is_taken_back(run: Path, tmp_path: Path) -> None:
    with pytest.raises(LeakError, match=r"would not pass .locum verify., .* claims another guarantee"):
        release(run, tmp_path / "out", purpose="with (0.1, 1e-9)-differential privacy")
    assert not any((tmp_path / "out").iterdir())


def test_earlier_bundles_are_named_by_the_hash_of_their_certificate(run: Path, tmp_path: Path) -> None:
    release(run, tmp_path / "first")
    release(run, tmp_path / "second", before=[tmp_path / "first"])
    (earlier,) = told(tmp_path / "second")["before"]
    assert earlier["certificate"] == file_sha256(tmp_path / "first" / NAME)
    assert told(tmp_path / "second", "deployment.json")["previous_releases"] == [earlier]
    assert verify(tmp_path / "second").passed
    certificate = told(tmp_path / "first")
    (tmp_path / "first" / NAME).write_bytes(as_bytes({**certificate, "statement": "better"}))
    with pytest.raises(UsageError, match="not the certificate of a release"):
        release(run, tmp_path / "third", before=[tmp_path / "first"])
    assert not (tmp_path / "third").exists()


def test_the_build_is_known_by_one_hash_over_its_files(run: Path, tmp_path: Path) -> None:
    release(run, tmp_path / "out")
    assert told(tmp_path / "out")["build"] == build()
    assert build()["files"] > 300 and len(build()["sha256"]) == 64


def test_all_questions_of_the_page_are_answered_or_said_to_be_open(run: Path, tmp_path: Path) -> None:
    release(run, tmp_path / "out")
    page = (tmp_path / "out" / "sp800-226.md").read_text()
    asked = ("privacy unit", "parameters", "compose", "mechanisms", "trusted", "useful", "bias")
    for word in (*asked, "side channels", "before noise is added", "collected"):
        assert any(word in line for line in page.splitlines() if line.startswith("## ")), word
    answers = [part.split("\n\n", 1)[1].strip() for part in page.split("## ")[1:]]
    assert all(len(a) > 20 for a in answers)


def _reviews(path: Path, n: int, seed: int) -> Path:
    draw = random.Random(seed)
    words = ("room", "clean", "quiet", "breakfast", "noise", "kind", "food", "cold", "slow", "bed")
    lines = [json.dumps({"text": " ".join(draw.choice(words) for _ in range(10))}) for _ in range(n)]
    path.write_text("\n".join(lines) + "\n")
    return path


ATTRIBUTES = """\
[attributes.mood]
kind = "sentiment"
[attributes.topic]
kind = "topic"
words = { food = ["food", "breakfast"], stay = ["room", "bed"] }
"""


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("texts")
    asked = PrivateTextRequest(_reviews(folder / "reviews.jsonl", 400, 1), 2, folder / "run", rows=80)
    evolve_texts(asked, [_reviews(folder / "public.jsonl", 80, 2)], rounds=1, length=6)
    return folder / "run"


def test_a_folder_of_private_texts_is_released_and_verified(texts: Path, tmp_path: Path, capsys: Any) -> None:
    assert main(["release", str(texts), "--out", str(tmp_path / "out"), "--contact", "a@b.example"]) == 0
    bundle = tmp_path / "out"
    assert {p.name for p in bundle.iterdir()} == {
        "texts.jsonl", "card.md", "certificate.json", "deployment.json", "sp800-226.md"
    }  # fmt: skip
    found = verify(bundle)
    assert found.passed, found.failures
    card = (bundle / "card.md").read_text()
    assert "synthetic texts" in card and "What this run alone did: " in card and "a@b.example" in card
    assert main(["verify", str(bundle)]) == 0
    assert "In order." in capsys.readouterr().out
    (bundle / "texts.jsonl").write_text('{"text": "other"}\n')
    assert any("texts.jsonl: changed" in f for f in verify(bundle).failures)


@pytest.mark.parametrize(
    ("lie", "words"),
    [
        (lambda t: t["facts"].update(best_text="it was Ann"), "facts.best_text is not on the list"),
        (lambda t: t["lineage"].pop("guarantee"), "the guarantee in the lineage is not the one"),
        (lambda t: t["rows"].update(sigma=1.0), "nobody paid for the number of rows"),
        (lambda t: t["assumptions"].clear(), "an assumption is missing"),
        (lambda t: t.update(what="private table"), "is missing|not on the list"),
        (lambda t: t["files"].pop("card.md"), "card.md is missing among the files"),
        (lambda t: t.update(route="magic"), "route is not what it must be"),
    ],
)
def test_a_forged_bundle_of_texts_is_found(texts: Path, tmp_path: Path, lie: Any, words: str) -> None:
    bundle = tmp_path / "out"
    release(texts, bundle)
    certificate = told(bundle)
    lie(certificate)
    body = {k: v for k, v in certificate.items() if k != "signature"}
    (bundle / NAME).write_bytes(as_bytes(seal(body, make_key(tmp_path / "forger.pem"))))
    failures = verify(bundle, any_key=True).failures
    assert any(re.search(words, f) for f in failures), failures


def test_the_model_of_attributes_is_released_and_held_against_the_account(tmp_path: Path) -> None:
    reviews = _reviews(tmp_path / "reviews.jsonl", 400, 3)
    (tmp_path / "attributes.toml").write_text(ATTRIBUTES)
    asked = PrivateTextRequest(reviews, 2, tmp_path / "run", rows=12)
    attribute_texts(asked, tmp_path / "attributes.toml", public=[_reviews(tmp_path / "public.jsonl", 80, 4)])
    release(tmp_path / "run", tmp_path / "out")
    assert "model.locum" in told(tmp_path / "out")["files"]
    found = verify(tmp_path / "out")
    assert found.passed, found.failures
    with pytest.warns(locum.errors.LineageWarning):
        tree = locum.Synthesizer("tree-fast", seed=1).fit(tmp_path / "out" / "texts.jsonl")
    tree.save(tmp_path / "out" / "model.locum")
    certificate = told(tmp_path / "out")
    model = tmp_path / "out" / "model.locum"
    certificate["files"]["model.locum"] = {"bytes": model.stat().st_size, "sha256": file_sha256(model)}
    body = {k: v for k, v in certificate.items() if k != "signature"}
    (tmp_path / "out" / NAME).write_bytes(as_bytes(seal(body, make_key(tmp_path / "forger.pem"))))
    assert any("looks at single rows" in f for f in verify(tmp_path / "out", any_key=True).failures)


def test_judging_guaranteed_texts_by_real_ones_says_that_nothing_covers_it(texts: Path, capsys: Any) -> None:
    real = texts.parent / "reviews.jsonl"
    assert main(["text", "evaluate", "--real", str(real), "--synthetic", str(texts / "texts.jsonl")]) == 0
    assert "is under a guarantee of privacy, and these figures are not" in " ".join(
        capsys.readouterr().err.split()
    )


def test_what_is_not_on_the_list_stays_and_refuses(texts: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(texts, tmp_path / "run"))
    document = json.loads((run / "privacy.json").read_text())
    (run / "privacy.json").write_text(json.dumps({**document, "longest_private_text": "it was Ann"}))
    with pytest.raises(FileFormatError, match="longest_private_text is not on the list"):
        release(run, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_ranges_that_are_declared_are_vouched_for(tmp_path: Path) -> None:
    """Also where the cells inside them were bought; `verify` misses the sentence, and ids have no gaps."""
    rows = "".join(f"{i % 190},{i % 150}\n" for i in range(400))
    (tmp_path / "stays.csv").write_text("person,days\n" + rows)
    (tmp_path / "locum.toml").write_text(
        'version = 1\n[data.stays]\npath = "stays.csv"\nunit = "person"\n'
        '[schema.stays.person]\nkind = "id"\n'
        '[schema.stays.days]\nkind = "integer"\nbounds = { low = 0, high = 365, source = "declared" }\n'
    )
    done = locum.run(tmp_path / "stays.csv", tmp_path / "run", epsilon=3, synthesizer="independent")
    assert any("Of each value of person one row is kept" in note for note in done.notes)
    release(tmp_path / "run", tmp_path / "bundle")
    certificate = told(tmp_path / "bundle")
    (said,) = [
        a for a in certificate["assumptions"] if a.startswith("The ranges that the schema declares of")
    ]
    assert (
        said
        == "The ranges that the schema declares of days are public knowledge and were not read from the data."
    )
    assert verify(tmp_path / "bundle").intact
    assert "\n," not in (tmp_path / "bundle" / "synthetic.csv").read_text()
    certificate["assumptions"].remove(said)
    certificate.pop("signature")
    forged = as_bytes(seal(certificate, make_key(tmp_path / "forger.pem")))
    (tmp_path / "bundle" / NAME).write_bytes(forged)
    assert f"{NAME}: an assumption is missing: {said}" in verify(tmp_path / "bundle").failures
