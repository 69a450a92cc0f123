"""Data dictionaries at their limits: typed cells, numbers too large, and SQL that nobody wrote."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locum.data.dictionaries.read import read_dictionary
from locum.errors import DataError, LocumError
from locum.runs.config import parse_config
from locum.runs.init import draft_template

WORDS = """
CREATE TABLE t ( ) , ; a b INTEGER VARCHAR(9) DECIMAL(5,2) DATE PRIMARY KEY NOT NULL CHECK IN BETWEEN AND OR
> < >= <= = ANY ARRAY[ ] :: text 'x' 1 -2 3.5 ENUM('p','q') REFERENCES CONSTRAINT c UNIQUE DEFAULT COMMENT
' ALTER ADD FOREIGN ON COLUMN IS "q" `r` [s] -- /* */ AS TYPE LIKE SELECT 99999999999999999999999999
"""
KEYS = """
type enum const oneOf anyOf minimum maximum exclusiveMinimum format $ref multipleOf description name @id
dataType references field source data key
"""


def test_cells_of_a_workbook_keep_their_types(tmp_path):
    from openpyxl import Workbook

    book = Workbook()
    book.active.append(["Name", "Type", "Min", "Max", "Required", "Decimals"])
    book.active.append(["seen", "date", dt.date(2020, 1, 1), dt.datetime(2021, 5, 6), True, None])
    book.active.append(["at", "timestamp", dt.datetime(2020, 1, 1, 8, 30), None, False, None])
    book.active.append(["w", "decimal", 0.5, 300, None, 1.0])
    book.save(tmp_path / "d.xlsx")
    found = read_dictionary(tmp_path / "d.xlsx").entries
    assert (found["seen"].low, found["seen"].high, found["seen"].nullable) == (
        "2020-01-01",
        "2021-05-06",
        False,
    )
    assert (found["at"].low, found["at"].nullable) == ("2020-01-01T08:30:00", True)
    assert (found["w"].low, found["w"].high, found["w"].decimals) == (0.5, 300.0, 1)


def test_numbers_beyond_any_column_are_no_bounds(tmp_path):
    path = tmp_path / "d.json"
    ends = {"type": "integer", "minimum": 0, "maximum": 10**400}
    path.write_text(json.dumps({"properties": {"a": ends, "b": {**ends, "maximum": 2**63}}}))
    assert [(e.low, e.high) for e in read_dictionary(path).entries.values()] == [(0, None), (0, None)]
    path.write_text('{"properties": {"a": {"type": "number", "minimum": NaN}}}')
    with pytest.raises(DataError, match="nan is no bound"):
        read_dictionary(path)
    (tmp_path / "d.sql").write_text(f"CREATE TABLE t (a INT CHECK (a < {'9' * 5000}))")
    with pytest.raises(DataError, match="SQL cannot be read"):
        read_dictionary(tmp_path / "d.sql")


@settings(max_examples=300)
@given(st.lists(st.sampled_from(WORDS.split()), max_size=30))
def test_sql_that_nobody_wrote_is_read_or_refused(tmp_path_factory, words):
    path = tmp_path_factory.mktemp("sql") / "d.sql"
    path.write_text("CREATE TABLE t (a INTEGER, " + " ".join(words) + ");")
    try:
        parse_config(draft_template(path.parent / "t.csv", dictionary=path)[0].text())
    except LocumError as error:
        assert error.where and error.what


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.floats(allow_nan=False)
    | st.text("ab$/#", max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS.split()), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=300)
@given(st.dictionaries(st.sampled_from(("a", "b")), json_values, min_size=1), st.booleans())
def test_json_that_nobody_wrote_is_read_or_refused(tmp_path_factory, parts, croissant):
    path = tmp_path_factory.mktemp("json") / "d.json"
    document = {"recordSet": list(parts.values())} if croissant else {"properties": parts}
    path.write_text(json.dumps(document))
    try:
        parse_config(draft_template(path.parent / "t.csv", dictionary=path)[0].text())
    except LocumError as error:
        assert error.where and error.what
