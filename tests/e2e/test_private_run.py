"""A private run as custodian and receiver make it: run, release, verify, and every way to get it wrong."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from locum.files.signature import signing_key
from locum.runs.certificate import as_bytes, seal
from locum.runs.verify import verify

BUNDLE = {
    "synthetic.csv", "model.locum", "card.md", "croissant.json", "certificate.json", "quality.html",
    "quality.json", "deployment.json", "sp800-226.md",
}  # fmt: skip
RUN = (
    "run", "visits.csv", "--epsilon", "4", "--target", "readmitted", "--synthesizer", "independent",
    "--discover",
)  # fmt: skip
#: Held by one visit only: must not come out anywhere.
SECRET_WARD, SECRET_AGE = "zoster-unit-7", 1234567


def call(folder: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "locum", *argv], cwd=folder, capture_output=True, text=True, timeout=1200,
        check=False,
        env={**os.environ, "NO_COLOR": "1", "LOCUM_CONFIG_HOME": str(folder / "config")},
    )  # fmt: skip


@pytest.fixture(scope="module")
def house(tmp_path_factory, make_visits) -> Path:
    """A folder with a private run and its bundle."""
    folder = tmp_path_factory.mktemp("house")
    text = make_visits(900) + f"V99999,{SECRET_AGE},{SECRET_WARD},1.5,2024-05-05,no\n"
    (folder / "visits.csv").write_text(text, encoding="utf-8")
    done = call(folder, *RUN)
    assert done.returncode == 0, done.stderr
    (folder / "run.out").write_text(done.stdout + done.stderr)
    released = call(folder, "release", "visits-locum", "--out", "bundle", "--json")
    assert released.returncode == 0, released.stderr
    (folder / "release.json").write_text(released.stdout)
    return folder


@pytest.fixture
def bundle(house, tmp_path) -> Path:
    """A copy of the bundle that may be spoiled."""
    return Path(shutil.copytree(house / "bundle", tmp_path / "bundle"))


def test_the_run_says_what_is_guaranteed_first(house):
    told = (house / "run.out").read_text()
    assert told.startswith("Privacy: (")
    assert "differential privacy at unit a row" in told
    assert "of the budget went into finding out" in told
    for never in ("anonymous", "GDPR"):
        assert never not in told


def test_a_column_in_which_nothing_was_found_is_named_and_left_empty(house):
    """Numbers of visits are labels that one row each holds: none of them is found, and none is made up."""
    told = (house / "run.out").read_text()
    assert "Left empty, for noise hid what it holds: visit. Declare levels or bounds to have it." in told
    certificate = json.loads((house / "bundle" / "certificate.json").read_text())
    assert certificate["discovery"]["columns"]["visit"] == "nothing found"
    lines = (house / "bundle" / "synthetic.csv").read_text().splitlines()
    assert lines[0].startswith("visit,")
    assert [line for line in lines[1:] if not line.startswith(",")] == []


def test_a_run_whose_columns_nobody_declared_stops_before_it_spends_anything(folder):
    told = call(folder, "run", "visits.csv", "--epsilon", "4", "--ledger", "visits.ledger")
    assert told.returncode == 2
    assert "too little is known of what 6 columns may hold: visit (kind, and levels or bounds)" in told.stderr
    assert "Nothing was spent" in told.stderr and "--discover" in told.stderr
    assert {p.name for p in folder.iterdir()} == {"visits.csv", "locum.toml"}
    assert SECRET_WARD not in (folder / "locum.toml").read_text()


def test_nothing_that_one_visit_holds_comes_out(house):
    for path in (house / "bundle").iterdir():
        content = path.read_bytes()
        assert SECRET_WARD.encode() not in content, path.name
        assert str(SECRET_AGE).encode() not in content, path.name
    assert SECRET_WARD not in (house / "run.out").read_text()


def test_the_exact_number_of_rows_is_nowhere_outside_the_internal_report(house):
    """Sigma is about 6 rows here, so that the noisy number may meet the exact one by chance once in 15."""
    with (house / "bundle" / "synthetic.csv").open() as handle:
        rows = sum(1 for _ in handle) - 1
    document = json.loads((house / "visits-locum" / "privacy.json").read_text())
    assert rows == document["rows"]["noisy"]
    told = (house / "run.out").read_text()
    report = json.loads((house / "visits-locum" / "report.json").read_text())["evidence"]
    if report["n_train"] != rows:
        assert f"{report['n_train']:,}" not in told
    # a number by itself: an area of .901 is another matter
    exact = report["n_train"] + report["n_holdout"]
    assert not re.search(rf"(?<![\d.]){exact:,}(?!\d)|(?<![\d.]){exact}(?!\d)", told)


def test_the_internal_report_says_that_it_stays_and_is_not_in_the_bundle(house):
    page = (house / "visits-locum" / "report.html").read_text()
    assert "Do not share it. It is not covered by the guarantee" in page
    assert {p.name for p in (house / "bundle").iterdir()} == BUNDLE


def test_a_run_without_a_guarantee_says_so_first_and_is_not_released(house, tmp_path, make_visits):
    (tmp_path / "visits.csv").write_text(make_visits(60), encoding="utf-8")
    done = call(tmp_path, "run", "visits.csv", "--synthesizer", "independent")
    assert done.stdout.startswith("Privacy: no guarantee was made")
    page = (tmp_path / "visits-locum" / "report.html").read_text()
    assert "The stand-in was made without any guarantee of privacy." in page
    released = call(tmp_path, "release", "visits-locum", "--out", "bundle")
    assert released.returncode == 2
    assert "without a guarantee" in released.stderr
    assert not (tmp_path / "bundle").exists()


def test_the_bundle_verifies_and_tells_its_assumptions(house):
    told = call(house, "verify", "bundle")
    assert told.returncode == 0, told.stdout
    assert told.stdout.startswith("In order.")
    assert "Not proven, but assumed:" in told.stdout
    public = json.loads((house / "release.json").read_text())["public_key"]
    assert call(house, "verify", "bundle", "--key", public).returncode == 0
    other = call(house, "verify", "bundle", "--key", "0" * 64)
    assert other.returncode == 1 and "another key" in other.stdout


def spoiled(content: bytes, rng: random.Random) -> list[bytes]:
    """Edits of a file: a bit here and there (at both ends in any case), cut, grown, emptied, swapped."""
    places = {0, len(content) - 1, *(rng.randrange(len(content)) for _ in range(40))}
    flipped = [
        content[:at] + bytes([content[at] ^ (1 << rng.randrange(8))]) + content[at + 1 :]
        for at in sorted(places)
    ]
    middle = len(content) // 2
    moved = content[middle:] + content[:middle]
    return [*flipped, content + b"\n", content[:-1], content[1:], b"", moved, content.replace(b"\n", b"\r\n")]


@pytest.mark.parametrize("name", sorted(BUNDLE))
def test_any_changed_byte_of_any_file_is_found(bundle, name):
    """Some fifty edits of each file; fixed seed."""
    assert verify(bundle).intact
    path = bundle / name
    good = path.read_bytes()
    for edited in spoiled(good, random.Random(name)):
        if edited == good:
            continue
        path.write_bytes(edited)
        found = verify(bundle)
        assert not found.intact, name
        assert any(name in failure for failure in found.failures), name
    path.write_bytes(good)
    assert verify(bundle).intact


def test_every_byte_of_the_signature_and_of_the_totals_counts(bundle):
    """The lines a forger would like to change, byte by byte."""
    path = bundle / "certificate.json"
    good = path.read_bytes()
    wanted = [good.index(word) for word in (b'"statement"', b'"epsilon"', b'"value"', b'"private"')]
    for start in wanted:
        for at in range(start, min(start + 40, len(good))):
            path.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
            assert not verify(bundle).intact, at


def test_the_certificate_lists_what_a_receiver_needs(house):
    certificate = json.loads((house / "bundle" / "certificate.json").read_text())
    assert certificate["unit"] == {"column": None, "rows": 1, "adjacency": "add-remove"}
    ledger = [json.loads(line) for line in (house / "visits-locum" / "ledger.jsonl").read_text().splitlines()]
    assert certificate["entries"] == [line["entry"] for line in ledger[1:]]
    curve = certificate["total"]["curve"]
    assert len(curve) > 3 and all(a[0] > b[0] and a[1] < b[1] for a, b in pairwise(curve))
    assert certificate["total"]["epsilon"] <= 4
    assert len(certificate["trust_model"]) >= 4 and len(certificate["assumptions"]) >= 5
    assert certificate["noise"]["source"] == "operating system"
    assert {"locum", "numpy"} <= {name.lower() for name in certificate["versions"]}
    assert certificate["audits"] == [] and certificate["signature"]["algorithm"].lower() == "ed25519"
    assert set(certificate["files"]) == BUNDLE - {"certificate.json"}
    for name in ("n_train", "n_holdout", "sha256_of_data", "source"):
        assert name not in certificate


def test_rows_that_stay_in_their_file_make_the_same_kind_of_release(folder):
    done = call(
        folder, "run", "visits.csv", "--epsilon", "4", "--unit", "visit", "--engine", "duckdb",
        "--synthesizer", "independent", "--discover",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert call(folder, "release", "visits-locum", "--out", "bundle").returncode == 0
    assert {p.name for p in (folder / "bundle").iterdir()} == BUNDLE
    told = call(folder, "verify", "bundle")
    assert told.returncode == 0 and "a value of visit with at most 1 rows" in told.stdout
    assert b"duckdb" not in (folder / "bundle" / "certificate.json").read_bytes().split(b'"versions"')[0]


def test_a_spent_ledger_refuses_a_run_and_keeps_what_was_paid(folder):
    """What was paid for is released; the run that finds nothing left is not."""
    options = ("--synthesizer", "independent", "--discover", "--ledger", "visits.ledger")
    assert call(folder, "run", "visits.csv", "--epsilon", "3", *options, "--out", "one").returncode == 0
    told = call(folder, "run", "visits.csv", "--epsilon", "1", *options, "--out", "two")
    assert told.returncode == 1 and "is left" in told.stderr
    assert call(folder, "release", "one", "--out", "bundle").returncode == 0
    assert call(folder, "verify", "bundle").returncode == 0
    assert call(folder, "release", "two", "--out", "other").returncode == 2


def test_files_added_or_taken_away_are_found(bundle):
    (bundle / "report.html").write_text("internal")
    assert any("report.html: not in" in f for f in verify(bundle).failures)
    (bundle / "report.html").unlink()
    (bundle / "card.md").unlink()
    assert any("card.md: missing" in f for f in verify(bundle).failures)


@pytest.mark.parametrize(
    "change", ["sensitivity", "scale", "drop", "epsilon", "statement", "private", "delta"]
)
def test_a_forger_with_a_key_of_his_own_cannot_make_the_sums_fit(bundle, tmp_path, change):
    """Signed anew by another key, so that only what the entries add up to can tell."""
    certificate = json.loads((bundle / "certificate.json").read_text())
    entry = certificate["entries"][-1]
    if change == "sensitivity":
        entry["sensitivity"] /= 2
        entry["rho"] /= 4
    elif change == "scale":
        entry["scale"] *= 2
        entry["rho"] /= 4
    elif change == "drop":
        certificate["entries"].pop()
    elif change == "epsilon":
        certificate["total"]["epsilon"] /= 2
    elif change == "statement":
        certificate["statement"] = certificate["statement"].replace("(3.", "(1.")
    elif change == "private":
        certificate["private"] = False
    else:
        certificate["total"]["delta"] = 1e-3
    key = signing_key(_new_key(tmp_path))
    body = {k: v for k, v in certificate.items() if k != "signature"}
    (bundle / "certificate.json").write_bytes(as_bytes(seal(body, key)))
    assert not verify(bundle).intact


def _new_key(folder: Path) -> Path:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    path = folder / "forger.pem"
    path.write_bytes(
        Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return path


def test_a_hostile_certificate_is_refused_without_a_crash(bundle):
    path = bundle / "certificate.json"
    for content in (
        b"",
        b"[]",
        b"{}",
        b'{"entries": 3}',
        b"\xff\xfe",
        b"[" * 500,
        b'{"total": {"delta": "x"}}',
    ):
        path.write_bytes(content)
        assert not verify(bundle).intact


def test_the_card_and_croissant_carry_the_guarantee(house):
    card = (house / "bundle" / "card.md").read_text()
    assert "differential privacy at unit a row" in card
    assert "No guarantee" not in card and "formal guarantee" not in card
    croissant = json.loads((house / "bundle" / "croissant.json").read_text())
    assert croissant["conformsTo"][0] == "http://mlcommons.org/croissant/1.1"
    named = {f["name"] for f in croissant["distribution"]}
    assert named == BUNDLE - {"croissant.json", "certificate.json", "deployment.json", "sp800-226.md"}
    fields = [f["name"] for f in croissant["recordSet"][0]["field"]]
    assert fields == ["visit", "age", "ward", "score", "admitted", "readmitted"]


def test_the_quality_report_rests_on_noisy_counts_and_bounds_the_distance(house):
    quality = json.loads((house / "bundle" / "quality.json").read_text())
    tables = {tuple(t["names"]): t for t in quality["tables"]}
    assert ("readmitted",) in tables
    for t in tables.values():
        assert 0 <= t["low"] <= t["high"] <= 1
    assert "No real row was looked at" in (house / "bundle" / "quality.html").read_text()


def test_the_model_of_the_bundle_draws_more_rows(house, tmp_path):
    out = tmp_path / "more.csv"
    assert call(house, "sample", "bundle/model.locum", "--rows", "20", "--out", str(out)).returncode == 0
    assert len(out.read_text().splitlines()) == 21


def test_the_same_command_again_spends_nothing(house):
    ledger = (house / "visits-locum" / "ledger.jsonl").read_bytes()
    again = call(house, *RUN)
    assert again.returncode == 0
    assert "finished before" in again.stderr
    assert (house / "visits-locum" / "ledger.jsonl").read_bytes() == ledger


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("--epsilon", "0"), 2, "epsilon"),
        (("--epsilon", "-1"), 2, "epsilon"),
        (("--epsilon", "inf"), 2, "epsilon"),
        (("--epsilon", "1e-"), 2, "epsilon"),
        (("--epsilon", "1", "--delta", "0.5"), 2, "too large for any"),
        # The number of rows is bought with noise: 1 / 0.009 is more than four deviations below it.
        (("--epsilon", "1", "--delta", "0.009"), 2, "too large for this many rows"),
        (("--epsilon", "1", "--unit", "visit", "--per-unit", "0"), 2, "whole number"),
        (("--epsilon", "1", "--engine", "spark"), 2, "no engine"),
        (("--epsilon", "1", "--unit", "patient"), 2, "patient"),
        (("--epsilon", "1", "--per-unit", "3"), 2, "unit"),
        (("--epsilon", "1", "--synthesizer", "tree"), 2, "single rows"),
        (("--epsilon", "1", "--preview", "5"), 2, "budget"),
        (("--delta", "1e-6"), 2, "epsilon"),
        (("--epsilon", "1", "--public", "other.csv"), 1, "public table"),
    ],
)
def test_bad_input_gets_one_sentence_and_no_value(folder, options, code, words):
    (folder / "other.csv").write_text("a,b\n1,2\n3,4\n")
    discover = ("--discover",) if "--epsilon" in options else ()
    told = call(folder, "run", "visits.csv", "--synthesizer", "independent", *options, *discover)
    assert told.returncode == code, told.stderr
    assert words in told.stderr
    assert "Traceback" not in told.stderr
    for value in ("surgery", "medicine", "V000"):
        assert value not in told.stderr


def test_a_ledger_adds_up_over_runs_and_refuses(folder):
    options = (
        "--epsilon", "2", "--synthesizer", "independent", "--discover", "--ledger", "visits.ledger",
    )  # fmt: skip
    first = call(folder, "fit", "visits.csv", "--model", "a.locum", *options, "--total-epsilon", "2.5")
    assert first.returncode == 0, first.stderr
    second = call(folder, "fit", "visits.csv", "--model", "b.locum", *options)
    assert second.returncode == 1
    assert "is left" in second.stderr
    assert not (folder / "b.locum").exists()
    third = call(folder, "fit", "visits.csv", "--model", "c.locum", "--epsilon", "1", *options[2:])
    assert third.returncode == 0, third.stderr


def test_a_unit_with_nulls_is_no_error(folder):
    lines = (folder / "visits.csv").read_text().splitlines()
    lines[5] = "," + lines[5].split(",", 1)[1]
    (folder / "visits.csv").write_text("\n".join(lines) + "\n")
    told = call(
        folder, "fit", "visits.csv", "--model", "a.locum", "--epsilon", "2", "--unit", "visit",
        "--synthesizer", "independent", "--discover",
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    document = json.loads((folder / "a.privacy.json").read_text())
    assert document["unit"] == {"column": "visit", "rows": 1, "adjacency": "add-remove"}
    assert any("without visit" in a for a in document["assumptions"])
