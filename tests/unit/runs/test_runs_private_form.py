"""What may be known of private rows before any is read: names, declared facts, and whose rows they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import locum
from locum.data.private_table import open_private
from locum.data.read import read
from locum.errors import DataError, LeakError, LocumError, UsageError
from locum.runs.config import Config
from locum.runs.prepare import prepare
from locum.runs.private_form import (
    PrivateForm,
    private_form,
    refuse_row_as_header,
    unit_said,
    with_declared_unit,
)
from locum.runs.request import PrivacyRequest, RunRequest, privacy_request
from locum.schema.column import Bounds, Column
from locum.schema.table import Dependency, Schema

ROWS = {"age": [30, 41, 30], "ward": ["A", "B", "A"]}
DECLARED = Schema(
    (
        Column("age", "integer", bounds=Bounds(0, 60, "declared")),
        Column("ward", "category", levels=("A", "B")),
    ),
    name="visits",
)
Write = Callable[[dict[str, Any], Path], Any]


def csv(rows: dict[str, Any], folder: Path) -> Path:
    path = folder / "visits.csv"
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


def jsonl(rows: dict[str, Any], folder: Path) -> Path:
    path = folder / "visits.jsonl"
    pd.DataFrame(rows).to_json(path, orient="records", lines=True)
    return path


def parquet(rows: dict[str, Any], folder: Path) -> Path:
    pq.write_table(pa.table(rows), folder / "visits.parquet")
    return folder / "visits.parquet"


def feather(rows: dict[str, Any], folder: Path) -> Path:
    path = folder / "visits.arrow"
    table = pa.table(rows)
    with pa.ipc.new_file(path, table.schema) as writer:
        writer.write_table(table)
    return path


WAYS: dict[str, Write] = {
    "csv": csv,
    "jsonl": jsonl,
    "parquet": parquet,
    "arrow file": feather,
    "arrow": lambda rows, folder: pa.table(rows),
    "record batch": lambda rows, folder: pa.RecordBatch.from_pydict(rows),
    "pandas": lambda rows, folder: pd.DataFrame(rows),
    "polars": lambda rows, folder: pl.DataFrame(rows),
}


def form_of(
    data: Any, *, config: Config | None = None, public: Any = None, reading: Any = None, **asked: Any
) -> PrivateForm:
    given = {k: asked.pop(k) for k in ("schema", "target", "protected") if k in asked}
    privacy = privacy_request(1, **asked)
    request = RunRequest(data=data, privacy=privacy, **given)
    return private_form(request, config, data, reading or {}, public)


def cells(form: PrivateForm) -> list[dict[str, str | None]]:
    table = pa.concat_tables(form.table.read())
    return [{k: None if v is None else str(v) for k, v in row.items()} for row in table.to_pylist()]


@pytest.mark.parametrize("way", WAYS)
def test_columns_must_be_declared_but_for_those_that_a_header_names(way: str, tmp_path: Path) -> None:
    data = WAYS[way](ROWS, tmp_path)
    if way == "csv":
        form = form_of(data)
        assert form.table.names == ("age", "ward")
        assert "names the columns: age, ward. They are published." in form.notes[0]
        return
    with pytest.raises(UsageError, match="must be declared, for a single row can add a column") as caught:
        form_of(data)
    assert "--columns" in caught.value.message


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("by", ["columns", "schema", "public", "config"])
def test_whoever_declares_the_names_no_other_column_is_read(way: str, by: str, tmp_path: Path) -> None:
    """A column more, which one record is enough to add, is neither read nor told."""
    data = WAYS[way]({**ROWS, "zoster": ["x", None, None]}, tmp_path)
    config = Config(schema=DECLARED)
    declared: dict[str, Any] = {
        "columns": {"columns": ["age", "ward"]},
        "schema": {"schema": DECLARED},
        "public": {"public": read(pa.table(ROWS))},
        "config": {"config": config},
    }[by]
    form = form_of(data, **declared)
    assert form.table.names == ("age", "ward")
    assert cells(form) == [{"age": "30", "ward": "A"}, {"age": "41", "ward": "B"}, {"age": "30", "ward": "A"}]
    told = f"{form.notes} {form.schema} {form.gaps} {form.unit_said}"
    assert "zoster" not in told
    assert bool(form.gaps) == (by == "columns")


@pytest.mark.parametrize("way", WAYS)
def test_declared_columns_that_are_not_there_are_named_and_no_other_is(way: str, tmp_path: Path) -> None:
    data = WAYS[way]({**ROWS, "zoster": ["x", None, None]}, tmp_path)
    if way == "jsonl":  # which fields a record has is private: a column may be there in no record at all
        assert [row["town"] for row in cells(form_of(data, columns=["age", "town"]))] == [None] * 3
        return
    with pytest.raises(DataError, match="town") as caught:
        form_of(data, columns=["age", "town"])
    assert "zoster" not in caught.value.message and "ward" not in caught.value.message


@pytest.mark.parametrize("names", [["age", "age"], ["age", ""], [" "]])
def test_names_that_cannot_be_are_refused(names: list[str], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not usable"):
        form_of(csv(ROWS, tmp_path), columns=names)


def test_the_option_takes_names_in_one_text_or_several(tmp_path: Path) -> None:
    path = csv(ROWS, tmp_path)
    for names in ("ward,age", ["ward, age"], ["ward", "age"], ("ward", "age")):
        assert form_of(path, columns=names).table.names == ("ward", "age")


def test_columns_win_over_a_schema_which_may_be_about_some_of_them_only(tmp_path: Path) -> None:
    path = csv(ROWS, tmp_path)
    part = replace(DECLARED, columns=DECLARED.columns[:1])
    assert form_of(path, schema=part).table.names == ("age",)
    wide = form_of(path, schema=part, columns=["ward", "age"])
    assert wide.table.names == ("ward", "age") and [g.column for g in wide.gaps] == ["ward"]
    with pytest.raises(UsageError, match="the schema is about ward, which the named columns lack"):
        form_of(path, schema=DECLARED, columns=["age"])


def test_options_about_columns_that_are_not_there_are_refused(tmp_path: Path) -> None:
    path = csv(ROWS, tmp_path)
    for option in ({"target": "zz"}, {"protected": ("zz",)}, {"unit": "zz"}):
        with pytest.raises(UsageError, match="zz"):
            form_of(path, **option)
    assert form_of(path, schema=DECLARED, target="ward").schema.target == "ward"


def test_a_public_table_must_have_the_columns_that_are_known(tmp_path: Path) -> None:
    public = read(pa.table({"age": [1, 2], "town": ["U", "V"]}))
    with pytest.raises(DataError, match="public table") as caught:
        form_of(csv(ROWS, tmp_path), columns=["age", "ward"], public=public)
    assert "lacks ward" in caught.value.message and "has town besides" in caught.value.message


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        (replace(DECLARED, columns=(replace(DECLARED["age"], read_off=("kind",)), DECLARED["ward"])), "kind"),
        (
            replace(DECLARED, columns=(replace(DECLARED["age"], bounds=Bounds(30, 41)), DECLARED["ward"])),
            "bounds 30 to 41",
        ),
        (
            replace(DECLARED, columns=(DECLARED["age"], replace(DECLARED["ward"], read_off=("levels",)))),
            "levels",
        ),
        (replace(DECLARED, dependencies=(Dependency("age", "ward", source="data"),)), "dependency"),
    ],
    ids=["kind", "bounds", "levels", "dependency"],
)
def test_facts_that_were_read_off_rows_are_listed_and_refused_unless_bought(
    schema: Schema, told: str, tmp_path: Path
) -> None:
    path = csv(ROWS, tmp_path)
    with pytest.raises(LeakError, match="1 fact of the schema was read off the rows") as caught:
        form_of(path, schema=schema)
    assert told in caught.value.message and "--discover" in caught.value.message
    form = form_of(path, schema=schema, discover=True)
    assert any(note.startswith("Not used, for they were read off the rows") for note in form.notes)
    assert form.table.names == ("age", "ward")
    assert bool(form.gaps) == (told != "dependency") and not form.schema.dependencies


def test_what_detect_says_of_the_rows_is_refused_and_not_a_name_of_it_is_kept(tmp_path: Path) -> None:
    """Names of columns that were read off rows are no declared names: a frame's must be said again."""
    frame = pd.DataFrame(ROWS)
    schema = locum.detect(frame)
    with pytest.raises(LeakError, match="facts of the schema were read off the rows"):
        form_of(frame, schema=schema, columns=["age", "ward"])
    form = form_of(frame, schema=schema, columns=["age", "ward"], discover=True)
    assert not len(form.schema) and {g.column for g in form.gaps} == {"age", "ward"}


def test_a_first_line_that_is_a_row_is_found_out_by_the_rows_below(tmp_path: Path) -> None:
    path = tmp_path / "v.csv"
    path.write_text("Zoster,Ulm\nMeier,Bonn\nZoster,Kiel\n")
    with pytest.raises(
        DataError, match="1 of the 2 fields of the first line are values of rows below"
    ) as caught:
        form_of(path)
    assert "Zoster" not in caught.value.message and "--no-header" in caught.value.message
    form = form_of(path, columns=["name", "town"], reading={"header": False})
    assert [row["name"] for row in cells(form)] == ["Zoster", "Meier", "Zoster"]
    # a name that no row of its own column holds is one, and so is one that a row far below holds
    path.write_text("name,Ulm\nUlm,Bonn\n" + "x,y\n" * 1_000 + "name,y\n")
    assert form_of(path).table.names == ("name", "Ulm")
    refuse_row_as_header(open_private(path, ["name", "Ulm"]))


def test_where_names_are_declared_no_row_is_held_against_them(tmp_path: Path) -> None:
    path = tmp_path / "v.csv"
    path.write_text("name,town\nname,Bonn\n")
    assert form_of(path, columns=["name", "town"]).notes == ()


def asked(**options: Any) -> PrivacyRequest:
    found = privacy_request(1, **options)
    assert found is not None
    return found


def test_a_column_named_like_an_id_asks_who_is_protected() -> None:
    for name in ("id", "patient_id", "PatientId", "case id", "uuid", "customerID"):
        with pytest.raises(UsageError, match="may say whose row it is") as caught:
            unit_said(asked(), ["age", name])
        assert f"--unit {name}" in caught.value.message and "--one-row-per-person" in caught.value.message
    assert unit_said(asked(), ["age", "paid", "idea", "Madrid", "valid"]).startswith("Nobody said")


def test_what_was_answered_is_said() -> None:
    names = ["age", "patient_id"]
    one, unit = unit_said(asked(one_row_per_person=True), names), unit_said(asked(unit="patient_id"), names)
    assert one == "Whoever ran this said that no person has more than one row."
    assert unit.startswith("Whose row it is stands in patient_id")
    with pytest.raises(UsageError, match="3 rows are kept of each"):
        unit_said(asked(unit="patient_id", per_unit=3, one_row_per_person=True), names)


def test_the_answer_is_asked_for_before_any_row_and_stands_in_the_account(tmp_path: Path) -> None:
    rows = {"visit_id": ["a", "b", "c"], **ROWS}
    schema = replace(DECLARED, columns=(Column("visit_id", "id"), *DECLARED.columns))
    options: dict[str, Any] = {"schema": schema, "synthesizer": "independent"}
    with pytest.raises(UsageError, match="visit_id may say whose row it is"):
        locum.run(csv(rows, tmp_path), tmp_path / "run", epsilon=1, **options)
    assert not (tmp_path / "run").exists()
    for said, words in (
        ({"one_row_per_person": True}, "no person has more than one row"),
        ({"unit": "visit_id"}, "Whose row it is stands in visit_id"),
    ):
        request = RunRequest(data=csv(rows, tmp_path), out=tmp_path / "run", privacy=asked(**said), **options)
        ready = prepare(request)
        assert any(words in note for note in ready.notes)
        assert ready.plan.privacy is not None and words in ready.plan.privacy["unit_said"]


def test_a_config_may_answer_and_the_request_wins() -> None:
    request = RunRequest(privacy=asked())
    config = Config(schema=DECLARED, unit="who", per_unit=3)
    given = with_declared_unit(request, config).privacy
    assert given is not None and (given.unit, given.per_unit) == ("who", 3)
    alone = with_declared_unit(request, Config(schema=DECLARED, one_row_per_person=True)).privacy
    assert alone is not None and alone.one_row_per_person and alone.unit is None
    other = RunRequest(privacy=asked(unit="other"))
    assert with_declared_unit(other, config) == other
    for same, rows in ((asked(per_unit=5), 5), (asked(unit="who"), 3), (asked(unit="who", per_unit=5), 5)):
        both = with_declared_unit(RunRequest(privacy=same), config).privacy
        assert both is not None and (both.unit, both.per_unit) == ("who", rows)
    assert with_declared_unit(request, None) == request
    assert with_declared_unit(RunRequest(), config) == RunRequest()


@pytest.mark.parametrize(
    ("content", "reading"),
    [
        (b"", {}), (b"age,ward\n", {"delimiter": "::"}), (b"age,ward\n", {"encoding": "utf-16"}),
        (b"30,A\n", {"header": False}), (b"31,30\n30,31\n", {}), (b"age,age\n1,2\n", {}),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_is_refused_by_its_first_line(
    content: bytes, reading: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "v.csv"
    path.write_bytes(content)
    with pytest.raises(LocumError):
        form_of(path, reading=reading)
    with pytest.raises(DataError):
        form_of(tmp_path / "absent.csv")
