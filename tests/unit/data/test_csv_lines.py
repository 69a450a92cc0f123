"""Lines of a private file: nothing that one of them holds changes how another is read."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locum.data import csv_lines
from locum.data.csv_lines import LineForm, is_value, line_form, read_lines
from locum.data.private_table import open_private
from locum.errors import DataError, LocumError, UsageError

Row = tuple[str | None, ...]
NAMES = ("a", "b", "c")
#: Pieces of lines that have meant something to some reader of text files.
PIECES = (
    b'"', b'""', b'"x,y"', b",", b",,", b";", b"\t", b"\r", b"\n", b"\r\n", b"\0", b" ", b"\\", b"\\n", b"'",
    b"\xff", b"\xc3", b"\xc3\xa9", b"\xe9", b"\x81", b"\xef\xbb\xbf", b"\xfe\xff", b"\xe2\x80\xa8",
    b"\xc2\x85", b"\x0b", b"\x1a", b"\x7f", b"#", b"=1+1", b"sep=;", b"NULL", b"a", b"1", b"1.5", b"x" * 70,
)  # fmt: skip
pieces = st.sampled_from(PIECES) | st.binary(max_size=3)
starts = st.sampled_from((b"", b"", b" ", codecs.BOM_UTF8))
plain = st.sampled_from((b"", b"a", b"1", b"caf\xc3\xa9")) | pieces
rows = st.tuples(starts, plain, plain, plain).map(lambda row: row[0] + b",".join(row[1:]))
lines = st.lists(pieces, max_size=8).map(b"".join) | rows
fields = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\r\n\0"), max_size=8)


def rows_of(body: bytes, *, encoding: str = "utf-8", mark: str = ",", size: int = 1 << 22) -> list[Row]:
    """The rows of lines, read in blocks of `size` bytes."""
    form = LineForm(NAMES, mark, encoding, 0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_lines, "_BYTES", size)
        found = [row for block in read_lines(io.BytesIO(body), form, NAMES) for row in block.to_pylist()]
    return [tuple(row[name] for name in NAMES) for row in found]


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "shift_jis", "gb18030"])
@pytest.mark.parametrize("mark", [",", "\t"])
@given(body=st.lists(lines, min_size=1, max_size=8), size=st.sampled_from((1, 9, 40, 1 << 22)))
def test_a_file_is_the_sum_of_its_lines(encoding: str, mark: str, body: list[bytes], size: int) -> None:
    """So that an edit of one line, whatever it holds, changes the rows of that line alone."""
    each = [rows_of(line, encoding=encoding, mark=mark) for line in body]
    whole = rows_of(b"\n".join(body), encoding=encoding, mark=mark, size=size)
    assert whole == [row for found in each for row in found]
    for line, found in zip(body, each, strict=True):
        assert len(found) <= line.count(b"\n") + 1


@given(
    before=st.lists(fields, max_size=4),
    line=lines,
    after=st.lists(fields, max_size=4),
    ending=st.sampled_from([b"\n", b"\r\n"]),
)
def test_an_edit_of_one_line_leaves_all_others_as_they_were(
    before: list[str], line: bytes, after: list[str], ending: bytes
) -> None:
    quote = '"'

    def written(values: list[str]) -> list[bytes]:
        return [f"{i},{v.replace(',', '').replace(quote, '')},z".encode() for i, v in enumerate(values)]

    first, last = rows_of(b"\n".join(written(before))), rows_of(b"\n".join(written(after)))
    assert [r[0] for r in first] == [str(i) for i in range(len(before))]
    found = rows_of(ending.join([*written(before), line, *written(after)]))
    assert found[: len(first)] == first
    assert found[len(found) - len(last) :] == last


def test_a_reader_of_whole_files_would_fail_these_tests() -> None:
    """A negative control: one quote that is never closed swallows the lines below it."""
    text = 'x,"1,y\n2,2,z\n3,3,z\n'
    assert len(list(csv.reader(io.StringIO(text)))) == 1
    assert rows_of(text.encode()) == [(None, None, None), ("2", "2", "z"), ("3", "3", "z")]


@given(st.lists(st.tuples(fields, fields, fields), min_size=1, max_size=5), st.sampled_from(",;\t|"))
def test_what_a_table_holds_comes_back(rows: list[Row], mark: str) -> None:
    """Written by Python, quoted where it must be; without the blanks around, and nothing for empty texts."""
    out = io.StringIO()
    csv.writer(out, delimiter=mark, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(rows)
    expected = [tuple((v or "").strip(" ") or None for v in row) for row in rows]
    assert rows_of(out.getvalue().encode(), mark=mark) == expected


@pytest.mark.parametrize(
    ("line", "row"),
    [
        (b"1,2,3", ("1", "2", "3")),
        (b" 1 , 2,3 ", ("1", "2", "3")),
        (b'"1", "2,2" ,"say ""3"""', None),
        (b'"1", "2,2","say ""3"""', ("1", "2,2", 'say "3"')),
        (b"1,,", ("1", None, None)),
        (b',"",', (None, None, None)),
        (b"1,2,3\r", ("1", "2", "3")),
        (b"1,\r2,3", None),
        (b'1,"\r2",3', ("1", "2", "3")),
        (b"1,2", None),
        (b"1,2,3,4", None),
        (b'1,"2,3', None),
        (b"1,2\xff,3", None),
        (b"1,\x002,3", ("1", "2", "3")),
        (b"1,caf\xc3\xa9,3", ("1", "café", "3")),
        (b"\xef\xbb\xbf1,2,3", ("\ufeff1", "2", "3")),
        (b"1,NA,null", ("1", "NA", "null")),
    ],
)
def test_single_lines(line: bytes, row: Row | None) -> None:
    assert rows_of(line) == [row or (None, None, None)]


@pytest.mark.parametrize("line", [b"", b"   ", b"\r", b"  \r"])
def test_blank_lines_are_no_rows(line: bytes) -> None:
    assert rows_of(b"1,2,3\n" + line + b"\n4,5,6") == [("1", "2", "3"), ("4", "5", "6")]


def test_a_row_without_values_is_one_whatever_stands_between_them() -> None:
    assert rows_of(b"\t\t\n1\t2\t3", mark="\t") == rows_of(b";;\n1;2;3", mark=";")


def test_a_line_that_never_ends_is_one_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_lines, "_MOST_LINE", 100)
    body = b"1,2,3\n" + b"x" * 5_000 + b",,\n4,5,6\n"
    assert rows_of(body, size=50)[::2] == [("1", "2", "3"), ("4", "5", "6")]
    assert len(rows_of(body, size=50)) == 3


def form_of(content: bytes, **options: Any) -> LineForm:
    return line_form(io.BytesIO(content), "t.csv", **{"names": None, **options})


@pytest.mark.parametrize(
    ("content", "form"),
    [
        (b"a,b\n1,2\n", LineForm(("a", "b"), ",", "utf-8", 4)),
        (b"a;b, c;d\r\n1;2;3\r\n", LineForm(("a", "b, c", "d"), ";", "utf-8", 10)),
        (b"a\tb\n", LineForm(("a", "b"), "\t", "utf-8", 4)),
        (b"a\n", LineForm(("a",), ",", "utf-8", 2)),
        (b"\xef\xbb\xbfa,b\n", LineForm(("a", "b"), ",", "utf-8", 7)),
        (b"sep=;\na;b\n", LineForm(("a", "b"), ";", "utf-8", 10)),
        (b"\n  \r\n a , b\n1,2\n", LineForm(("a", "b"), ",", "utf-8", 12)),
        (b'"a, b",c\n', LineForm(("a, b", "c"), ",", "utf-8", 9)),
        (b"a,b", LineForm(("a", "b"), ",", "utf-8", 3)),
    ],
)
def test_the_form_follows_from_the_header(content: bytes, form: LineForm) -> None:
    assert form_of(content) == form
    assert form_of(content + b"9;9;9\n\xff\r\n" * content.endswith(b"\n")) == form


def test_declared_names_choose_the_delimiter_and_may_be_some_in_any_order() -> None:
    content = b"a|x;b|y;c\n1|2;3|4;5\n"
    assert form_of(content, names=["c", "a|x"]).delimiter == ";"
    assert form_of(content, names=["a", "x;b"]).delimiter == "|"
    (block,) = read_lines(io.BytesIO(content), form_of(content, names=["c", "a|x"]), ["c", "a|x"])
    assert block.to_pylist() == [{"c": "5", "a|x": "1|2"}]
    with pytest.raises(DataError, match=r"does not name zz \(once\)"):
        form_of(content, names=["c", "zz"])


@pytest.mark.parametrize(
    "content",
    [
        b"Anna,31,2020-01-02\nBea,7,2021-01-02\n", b"31,7\n", b"-1.5,x\n", b"1e5,x\n", b"12:30,x\n",
        b"2020-01-02T10:00:00Z,x\n", b"40 %,x\n", b"a,\n", b"a,a\n", b"a,b,b\n", b'"a,b\n', b"a,b\rc,d\n",
        b"a,\xffb\n",
    ],
)  # fmt: skip
def test_a_first_line_that_names_no_columns_is_refused_without_a_word_of_it(content: bytes) -> None:
    with pytest.raises(DataError) as caught:
        form_of(content)
    told = caught.value.message
    assert "header" in told or "first line" in told
    for word in ("Anna", "31", "2020", "1.5", "1e5", "12:30", "40 %", "\xff"):
        assert word not in told


def test_a_headerless_file_is_read_by_declared_names_only() -> None:
    content = b"Anna,31\nBea,7\n"
    with pytest.raises(UsageError, match="what the columns are called"):
        form_of(content, header=False)
    form = form_of(content, header=False, names=["name", "age"])
    assert form == LineForm(("name", "age"), ",", "utf-8", 0)
    (block,) = read_lines(io.BytesIO(content), form, ["age"])
    assert block.to_pylist() == [{"age": "31"}, {"age": "7"}]
    with pytest.raises(DataError, match="does not name name, age") as caught:
        form_of(content, names=["name", "age"])
    assert "Anna" not in caught.value.message


def test_an_empty_file_has_no_header() -> None:
    for content in (b"", b"\n\n", b"\xef\xbb\xbf"):
        with pytest.raises(DataError, match="the file is empty"):
            form_of(content)


@pytest.mark.parametrize("name", ["utf-8", "UTF8", "utf-8-sig", "latin-1", "cp1252", "gb18030", "cp850"])
def test_encodings_that_are_read_line_by_line(name: str) -> None:
    text = "stadt,n\nKöln,1\n" if name != "gb18030" else "stadt,n\n北京,1\n"
    content = text.encode(name)
    form = form_of(content, encoding=name)
    (block,) = read_lines(io.BytesIO(content), form, ["stadt"])
    assert block.to_pylist() == [{"stadt": text.split("\n")[1].split(",")[0]}]


@pytest.mark.parametrize(
    "name", ["utf-16", "utf-32-le", "utf-7", "iso2022_jp", "hz", "cp037", "rot13", "no-such", "hex"]
)
def test_other_encodings_are_refused(name: str) -> None:
    with pytest.raises(UsageError, match=r"encoding|cannot be read line by line"):
        form_of(b"a,b\n1,2\n", encoding=name)


def test_no_encoding_is_guessed_from_a_row() -> None:
    """700 high bytes in one row: once they turned the file into latin-1 and moved other people."""
    content = "stadt,n\nKöln,1\n".encode() + b"\xe4" * 700 + b",2\nUlm,3\n"
    form = form_of(content)
    (block,) = read_lines(io.BytesIO(content), form, ["stadt"])
    assert form.encoding == "utf-8"
    assert block["stadt"].to_pylist() == ["Köln", None, "Ulm"]


@pytest.mark.parametrize(
    ("field", "value"),
    [("3", True), ("3,5", True), (" -1.5e3 ", True), ("", True), ("01/02/2020", True), ("12:30:00", True),
     ("40 %", True), ("age", False), ("q1", False), ("2020 sales", False), ("T", False), ("-", False)],
)  # fmt: skip
def test_values_are_told_from_names(field: str, value: bool) -> None:
    assert is_value(field) is value


def test_packed_files_are_read_alike(tmp_path: Path) -> None:
    content = b"a,b,c\n1,2,3\n,,\n4,5,6\n"
    (tmp_path / "t.csv").write_bytes(content)
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(content))
    found = [
        [block.to_pylist() for block in open_private(tmp_path / name).read()]
        for name in ("t.csv", "t.csv.gz")
    ]
    assert found[0] == found[1] and len(found[0][0]) == 3


@given(st.binary(max_size=200))
def test_no_file_makes_it_fail_in_another_way_than_by_an_error_of_ours(content: bytes) -> None:
    """And what can be read has rows of the named columns, whatever follows the header."""
    try:
        form = form_of(content)
    except LocumError:
        form = LineForm(NAMES, ",", "utf-8", 0)
    assert form.fields
    for block in read_lines(io.BytesIO(content), form, form.fields):
        assert block.column_names == list(form.fields)
