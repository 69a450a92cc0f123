"""Where the table lies in a file: row numbers, titles, two lines of names, units, footers, no names."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locum.data.canonical import canonical
from locum.data.csv_lines import line_form, read_lines
from locum.data.detect import detect
from locum.data.read import read
from locum.data.table_area import AreaAsked
from locum.data.write import write
from locum.errors import DataError

NAMES = "region,weight,height,when"
WHERE = ("north", "south", "east")
ROWS = [
    f"{WHERE[i % 3]},{60 + i * 7 % 31 + 0.5},{150 + i * 3 % 40},2024-0{1 + i % 9}-1{i % 10}"
    for i in range(60)
]
BODY = "\n".join(ROWS) + "\n"


def csv(tmp_path, text, name="t.csv"):
    path = tmp_path / name
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "names", "words"),
    [
        (f"Weights of 2024\n\n{NAMES}\n{BODY}", NAMES, "Lines 1 to 2 stand above"),
        (f"Weights,,,\n{NAMES}\n{BODY}", NAMES, "Line 1 stands above"),
        (f"# made by hand\n{NAMES}\n{BODY}", NAMES, "--skip-rows 1"),
        (f"{NAMES}\n,kg,cm,\n{BODY}", NAMES, "Line 2 holds units"),
        (f"{NAMES}\n,(kg),(cm),(ISO)\n{BODY}", NAMES, "--no-units"),
        (
            f"place,body,,time\n{NAMES}\n{BODY}",
            "place_region,body_weight,body_height,time_when",
            "--header-rows 2",
        ),
        (f"{NAMES}\n{BODY}\nSource: the registry\n", NAMES, "The last 2 lines are no rows"),
        (f"{NAMES}\n{BODY}Total,4000,9000,\n", NAMES, "--footer-rows 1"),
        (f"{NAMES}\n{BODY},,,\nTotal,4000,9000,\n\n* provisional, to be mended\n", NAMES, "The last 4 lines"),
        (f"{NAMES}\n{BODY}{NAMES}\n", NAMES, "1 line repeats the names"),
        ("\n".join(line + "," for line in [NAMES, *ROWS]) + "\n", NAMES, "last column without name"),
    ],
)
def test_what_is_no_row_is_found_and_said(tmp_path, text, names, words):
    raw = read(csv(tmp_path, text))
    assert ",".join(raw.table.column_names) == names
    assert [",".join(row.values()) for row in raw.table.to_pylist()] == ROWS
    assert words in " ".join(raw.notes)


def test_what_the_user_says_wins(tmp_path):
    path = csv(tmp_path, f"Weights\n{NAMES}\n,kg,cm,\n{BODY}Total,1,2,\n")
    raw = read(path, skip_rows=1, units_row=True, footer_rows=1)
    assert (raw.table.num_rows, raw.notes) == (60, ())
    assert read(path, units_row=False).table.num_rows == 61
    assert read(path, footer_rows=0).table.num_rows == 61
    with pytest.raises(DataError, match="no rows below line 90"):
        read(path, skip_rows=89)


@pytest.mark.parametrize(
    "last", ["east,74", "Totally,74,150,2024-01-01", "all,74.5,,", "north,,,", "Sourcing,70.5,150,2024-01-01"]
)
def test_a_last_row_is_no_footer(tmp_path, last):
    """Rows that were cut off are errors; gaps, and labels like words of a footer, are rows."""
    path = csv(tmp_path, f"{NAMES}\n{BODY}{last}\n")
    if last.count(",") < 3:
        with pytest.raises(DataError, match="line 62 has 2 fields"):
            read(path)
    else:
        assert read(path).table.num_rows == 61


@pytest.mark.parametrize(
    "text", [BODY, "7,2\n" + "3,4\n5,7\n" * 9, "a,x\nb,y\n" * 9, "2024-01-01,a\n2024-01-02,b\n" * 5]
)
def test_a_first_line_that_is_a_row_is_asked_about(tmp_path, text):
    path = csv(tmp_path, text)
    with pytest.raises(DataError, match=r"looks like a row.*--no-header.*--header"):
        read(path, ask=True)
    raw = read(path)
    assert raw.table.column_names[0] == "c1" and raw.table.num_rows == text.count("\n")
    assert "looks like a row" in raw.notes[0]
    assert read(path, header=True).table.num_rows == text.count("\n") - 1
    assert read(path, header=False, ask=True).notes[0].startswith("Without a header line")


@pytest.mark.parametrize(
    "text",
    [f"{NAMES}\n{BODY}", "land,2010,2011,2012\n" + "c,1,2,3\nd,4,5,6\n" * 9, "x,y\n" + "a,b\nb,a\n" * 9],
)
def test_names_are_not_asked_about(tmp_path, text):
    raw = read(csv(tmp_path, text), ask=True)
    assert raw.table.num_rows == text.count("\n") - 1
    assert raw.notes == ()


@pytest.mark.parametrize(
    ("head", "form"), [(f",{NAMES}", "empty"), ('"",' + NAMES, "empty"), (NAMES, "absent")]
)
def test_row_numbers_without_a_name_are_read_and_written_so(tmp_path, head, form):
    text = head.replace('""', "") + "\n" + "".join(f"{i + 1},{row}\n" for i, row in enumerate(ROWS))
    raw = read(csv(tmp_path, text))
    assert raw.table.column_names == ["row", *NAMES.split(",")]
    assert raw.origin.dialect.row_form == form
    assert "is called row" in " ".join(raw.notes)
    schema = detect(raw)
    assert schema["row"].kind == "id"
    write(canonical(raw, schema), tmp_path / "again.csv", schema=schema, origin=raw.origin)
    assert (tmp_path / "again.csv").read_text() == text


def test_a_first_column_without_a_name_that_repeats_is_refused(tmp_path):
    with pytest.raises(DataError, match="column 1 has no name"):
        read(csv(tmp_path, f",{NAMES}\n" + "".join(f"1,{row}\n" for row in ROWS)))


def test_a_private_file_is_read_as_declared(tmp_path):
    path = csv(tmp_path, f"Title\n{NAMES}\n,kg,cm,\n{BODY}Total,1,2,\n")
    with path.open("rb") as file:
        form = line_form(file, "t", names=None, area=AreaAsked(1, 1, True, 1))
        (table,) = read_lines(file, form, form.fields)
    assert form.fields == tuple(NAMES.split(","))
    assert [",".join(row.values()) for row in table.to_pylist()] == ROWS
    path.write_text(f"A title of its own\n{NAMES}\n{BODY}")
    with path.open("rb") as file, pytest.raises(DataError, match="names one column only"):
        line_form(file, "t", names=None)


cells = st.one_of(
    st.integers(-99, 99).map(str), st.sampled_from(["red", "blue", "green", "a b"]), st.just("")
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["u", "v", "w"]), cells, cells), min_size=6, max_size=30))
def test_plain_files_lose_no_row(tmp_path_factory, rows):
    """Nothing is taken for a title, units or footer where nothing is one."""
    path = tmp_path_factory.mktemp("plain") / "t.csv"
    path.write_text("who,one,two\n" + "".join(",".join(row) + "\n" for row in rows))
    assert read(path).table.num_rows == len(rows)


@pytest.mark.parametrize("first", ["anna,unknown,7", "anna,-,-", "anna,NA,n/a", "anna,old,7", "anna,,"])
def test_a_first_row_with_gaps_is_a_row(tmp_path, first):
    """Words for missing, or one odd word, do not make a line of names or units: negative control."""
    rows = [first, *(f"p{i},{20 + i},{i % 5}" for i in range(30))]
    assert read(csv(tmp_path, "who,age,n\n" + "\n".join(rows) + "\n")).table.num_rows == 31
