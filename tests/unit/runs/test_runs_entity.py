"""Whose rows they are: as asked, as written, or found; and said first."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from locum.data.canonical import canonical
from locum.data.read import read
from locum.errors import SchemaError, UsageError
from locum.runs.config import parse_config
from locum.runs.config_text import dump_config
from locum.runs.entity import entity_notes
from locum.runs.init import propose, write_proposal
from locum.runs.name_notes import name_notes
from locum.runs.prepare import prepare
from locum.runs.request import RunRequest, privacy_request


@pytest.fixture
def visits(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    who = np.repeat(np.arange(60), 4)
    frame = pd.DataFrame(
        {
            "patient_id": [f"P{i:04d}" for i in who],
            "sex": rng.choice(["f", "m"], 60)[who],
            "team": [f"T{i % 30}" for i in range(240)],
            "x": rng.normal(size=240),
        }
    )
    path = tmp_path / "visits.csv"
    frame.to_csv(path, index=False)
    return path


def entity_of(path: Path, **asked: object) -> str | None:
    return prepare(RunRequest(data=path, out=path.parent / "o", **asked)).plan.schema.entity  # type: ignore[arg-type]


def test_it_is_found_and_said_first(visits: Path) -> None:
    prepared = prepare(RunRequest(data=visits, out=visits.parent / "o"))
    assert prepared.plan.schema.entity == "patient_id"
    first = prepared.notes[0]
    assert "Several rows belong to one patient_id (240 rows, 60 of them)" in first
    assert "(sex)" in first
    assert "--entity none" in first


def test_options_win_over_the_file_and_the_file_over_the_look(visits: Path) -> None:
    assert entity_of(visits, entity="none") is None
    assert entity_of(visits, entity="team") == "team"
    path = write_proposal(propose(visits), visits.parent / "locum.toml", force=False)
    text = path.read_text()
    assert 'entity = "patient_id"' in text
    path.write_text(text.replace('entity = "patient_id"', 'entity = "none"'))
    assert entity_of(visits) is None
    assert entity_of(visits, entity="patient_id") == "patient_id"
    path.write_text(text.replace(', entity = "patient_id"', ""))
    assert entity_of(visits) == "patient_id", "a file that does not say it leaves it to the look"


def test_what_was_said_is_written_down(visits: Path) -> None:
    found = propose(visits, entity="none")
    path = write_proposal(found, visits.parent / "locum.toml", force=False)
    config = parse_config(path.read_text())
    assert config.entity == "none"
    assert parse_config(dump_config(config)).entity == "none"


def test_a_label_that_is_named_becomes_an_id(visits: Path) -> None:
    schema = prepare(RunRequest(data=visits, out=visits.parent / "o", entity="team")).plan.schema
    assert schema["team"].kind == "id"


def test_columns_that_are_not_there_are_refused(visits: Path) -> None:
    with pytest.raises(UsageError, match="'patent_id'") as caught:
        entity_of(visits, entity="patent_id")
    assert "did you mean 'patient_id'" in caught.value.do
    text = 'version = 1\n[data]\nv = { entity = "b" }\n[schema.v.a]\nkind = "id"\n'
    with pytest.raises(SchemaError, match="'b'"):
        parse_config(text)


def test_with_a_guarantee_the_unit_says_it(visits: Path) -> None:
    with pytest.raises(UsageError, match="epsilon") as caught:
        RunRequest(data=visits, entity="patient_id", privacy=privacy_request(1))
    assert "--unit patient_id" in caught.value.do


def test_no_person_is_on_both_sides(visits: Path) -> None:
    prepared = prepare(RunRequest(data=visits, out=visits.parent / "o"))
    learned = prepared.access.hold_out(None, prepared.plan)  # type: ignore[arg-type]
    ids = np.array(prepared.access.table.column("patient_id").to_pylist())  # type: ignore[union-attr]
    assert not set(ids[learned]) & set(ids[~learned])
    assert (~learned).sum() == 48


def test_names_are_asked_about_until_somebody_has_declared_them(tmp_path: Path) -> None:
    odd = [f"Q{a}x{a}r Z{b}lk" for a in "aeiou" for b in "aeiouy"]
    path = tmp_path / "t.csv"
    pd.DataFrame({"customer": [odd[i % 30] for i in range(200)], "n": range(200)}).to_csv(path, index=False)
    prepared = prepare(RunRequest(data=path, out=tmp_path / "o"))
    asked = [text for text in prepared.notes[:3] if text.startswith("Does customer hold names of persons?")]
    assert asked
    assert 'kind = "pii.name" or kind = "category"' in asked[0]
    toml = write_proposal(propose(path), tmp_path / "locum.toml", force=False)
    sections = toml.read_text().split("\n\n")
    declared = [s.replace('source = "data"\n', "").replace('\nsource = "data"', "") for s in sections]
    toml.write_text("\n\n".join(declared))
    settled = prepare(RunRequest(data=path, out=tmp_path / "o"))
    assert not any("names of persons" in text for text in settled.notes)


def test_tables_without_either_are_told_nothing() -> None:
    raw = read(pd.DataFrame({"age": np.arange(100) % 40, "town": ["Rom", "Bari"] * 50}))
    from locum.data.detect import detect

    schema = detect(raw)
    table = canonical(raw, schema)
    assert (entity_notes(table, schema), name_notes(table, schema)) == ((), ())
