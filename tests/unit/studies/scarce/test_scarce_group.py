"""The group to be amplified: what a reader of the table writes finds its rows, or the values are told."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from locum.data.canonical import canonical
from locum.errors import UsageError
from locum.runs.tables import StudyTable, read_and_refine
from locum.studies.scarce.group import group_of

CHOICES = {
    "flag": ["yes", "no"],
    "tf": ["True", "False"],
    "sex": ["F", "M"],
    "bit": ["0", "1"],
    "grade": ["1", "2", "3"],
    "dose": ["0.5", "1.25", "2.00"],
    "amount": ["1,200.50", "900.00", "1,500.00"],
    "day": ["01.01.2024", "02.01.2024", "31.12.2023"],
    "when": ["2024-01-01 09:30", "2024-01-02 10:00", "2024-01-02 17:45"],
    "my city": ["New York", "Trinidad and Tobago", 'O\'Hara "x"', "between (a) = b"],
    "größe=cm": ["klein", "a=b", "<5"],
    "band": ["<=50K", ">50K"],
    "gap": ["a", "b", ""],
}


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> StudyTable:
    """A file with columns of every kind, and names and labels that need quotes."""
    import csv

    rng = np.random.default_rng(3)
    path = tmp_path_factory.mktemp("odd") / "odd.csv"
    columns = {name: rng.choice(np.array(values, object), 120) for name, values in CHOICES.items()}
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([*columns, "x", "y"])
        for row in zip(*columns.values(), strict=True):
            writer.writerow([*row, round(rng.normal(), 3), rng.choice(["in", "out"])])
    return read_and_refine(path, "y", ())


def asked(table: StudyTable, text: str) -> np.ndarray:
    """The rows that a text asks for."""
    _, clauses = group_of(text, table.schema, canonical(table.raw, table.schema), table.raw.table)
    return np.logical_and.reduce([clause.holds(table.table) for clause in clauses])


@pytest.mark.parametrize("name", CHOICES)
def test_every_value_finds_its_rows_as_the_file_spells_it(odd: StudyTable, name: str) -> None:
    cells = np.array([cell or "" for cell in odd.raw.table.column(name).to_pylist()], object)
    for value in CHOICES[name]:
        for text in (f"{name}={value}", f"{name} = {value}", f'"{name}"=={value}', f"{name}= '{value}' "):
            assert (asked(odd, text) == (cells == value)).all(), text


@pytest.mark.parametrize(
    ("text", "name", "cell"),
    [
        ("flag=Yes", "flag", "yes"),
        ("flag=true", "flag", "yes"),
        ("flag=0", "flag", "no"),
        ("tf=no", "tf", "False"),
        ("sex=f", "sex", "F"),
        ("grade=2.0", "grade", "2"),
        ("dose=.5", "dose", "0.5"),
        ("dose=2", "dose", "2.00"),
        ("amount=1200.5", "amount", "1,200.50"),
        ("day=2024-01-02", "day", "02.01.2024"),
        ("my city=trinidad  AND tobago", "my city", "Trinidad and Tobago"),
        ("gap=missing", "gap", ""),
        ("gap=NULL", "gap", ""),
    ],
)
def test_other_spellings_of_a_value_find_its_rows(odd: StudyTable, text: str, name: str, cell: str) -> None:
    cells = [value or "" for value in odd.raw.table.column(name).to_pylist()]
    assert asked(odd, text).tolist() == [value == cell for value in cells]


def test_a_day_means_all_its_moments_and_conditions_can_be_joined(odd: StudyTable) -> None:
    cells = odd.raw.table.column("when").to_pylist()
    second = np.array([cell.startswith("2024-01-02") for cell in cells])
    assert (asked(odd, "when=2024-01-02") == second).all() and second.any()
    women = np.array(odd.raw.table.column("sex").to_pylist()) == "F"
    assert (asked(odd, "sex = F and when = 2024-01-02") == (second & women)).all()
    assert (asked(odd, "sex = 'F' and x > 0") == asked(odd, "sex=F and x > 0")).all()


@pytest.mark.parametrize(
    ("text", "what", "expected"),
    [
        ("flag=maybe", "no row has 'maybe' in 'flag'", "yes, no"),
        ("grade=7", "no row has '7' in 'grade'", "one of 1, 2, 3"),
        ("day=soon", "no row has 'soon' in 'day'", "31.12.2023, 01.01.2024"),
        ("gap=c", "no row has 'c' in 'gap'", "or nothing after = for rows without a value"),
        ("x=99", "no row has '99' in 'x'", "a condition such as x >= "),
        ("x > 99", "no row has x > 99", ""),
        ("SEX=F", "there is no column 'SEX'", "flag, tf, sex"),
        ("my city=New York or so", "no row has 'New York or so'", "New York"),
    ],
)
def test_what_no_row_has_is_told_with_the_values_that_there_are(
    odd: StudyTable, text: str, what: str, expected: str
) -> None:
    with pytest.raises(UsageError) as told:
        asked(odd, text)
    assert what in told.value.what and expected in told.value.expected


def test_values_of_typed_tables_are_found_too() -> None:
    start = dt.datetime(2024, 3, 1, 23, 30, tzinfo=dt.UTC)
    rng = np.random.default_rng(0)
    place = rng.integers(0, 2, 60)
    table = pa.table(
        {
            "on": pa.array([bool(k) for k in place]),
            "at": pa.array([start + dt.timedelta(days=int(k)) for k in place]),
            "span": pa.array([dt.timedelta(hours=1 + int(k)) for k in place]),
            "part": pa.array(["ab"[k] for k in place]).dictionary_encode(),
            "size": pa.array(place * 0.1 + 0.2),
            "y": pa.array(["no", "yes"] * 30),
        }
    )
    known = read_and_refine(table, "y", ())
    for text in (
        "on=true",
        "on=True",
        "on=yes",
        "at=2024-03-02",
        "part=B",
        "part=b",
        f"size={0.1 + 0.2}",
        "span=2 hours",
    ):
        assert (asked(known, text) == (place == 1)).all(), text
    with pytest.raises(UsageError, match="no row has"):
        asked(known, "span=3 hours")


def test_texts_and_ids_are_no_groups_and_are_not_listed() -> None:
    rng = np.random.default_rng(0)
    words = [" ".join(rng.choice(list("abcdefghijk"), 7)) for _ in range(80)]
    table = pa.table({"id": [f"ID{i:06d}" for i in range(80)], "note": words, "y": ["no", "yes"] * 40})
    known = read_and_refine(table, "y", ())
    for text in ("id=ID000003", f"note={words[0]}", "note=a b"):
        with pytest.raises(UsageError, match="are made afresh") as told:
            asked(known, text)
        assert not told.value.expected


def test_rows_of_the_file_are_asked_for_by_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import pyarrow.csv as pc

    from locum.cli.main import main

    rng = np.random.default_rng(1)
    x = rng.normal(size=200)
    flag = np.where(rng.random(200) < 0.3, "yes", "no")
    label = np.where(x + rng.normal(size=200) > 0, "yes", "no")
    pc.write_csv(pa.table({"x": x.round(3), "flag": flag, "y": label}), tmp_path / "few.csv")
    words = ["scarce", str(tmp_path / "few.csv"), "--target", "y", "--synthesizer", "independent"]
    words += ["--repeats", "1", "--rows", "50"]
    assert main([*words, "--amplify", "flag=yes"]) == 0
    assert "for rows where flag = true" in " ".join(capsys.readouterr().out.split())
    assert main([*words, "--amplify", "y=yes"]) == 2
    assert "made by the target itself" in capsys.readouterr().err
