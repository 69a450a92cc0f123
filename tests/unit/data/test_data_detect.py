"""What detection says about columns of every sort, and that it never proposes what canonical refuses."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locum.data import demo_path
from locum.data.canonical import canonical
from locum.data.demo import demo_info
from locum.data.detect import detect, propose
from locum.data.read import read
from locum.data.restore import restore
from locum.runs.config import parse_config
from locum.runs.config_text import dump_config
from locum.schema.column import Column
from locum.schema.validate import check

SHARED = Path(os.environ.get("LOCUM_TEST_DATA", Path(__file__).parents[4] / "shared" / "data"))


def columns(**values):
    return read(pa.table({name: pa.array(texts, pa.string()) for name, texts in values.items()}))


def one(texts, name="x"):
    return detect(columns(**{name: texts}))[name]


def kept(texts, column, name="x"):
    """Canonical values, after checking that the texts come back."""
    raw = columns(**{name: texts})
    schema = detect(raw)
    table = canonical(raw, schema)
    assert restore(table, schema, raw.origin)[name].to_pylist() == texts
    return table[name].to_pylist()


@pytest.mark.parametrize(
    ("texts", "kind", "form", "values"),
    [
        (["1", "-20", "3"] * 5, "integer", "", [1, -20, 3]),
        (["1.0", "2.0", "30.0"] * 5, "integer", "digits=1", [1, 2, 30]),
        (["1.25", "2.50", "3.00"] * 5, "number", "digits=2", [1.25, 2.5, 3.0]),
        (["1", "2.5", "0.125"] * 5, "number", "", [1.0, 2.5, 0.125]),
        (["1,234", "12", "1,234,567"] * 5, "integer", "thousands=,", [1234, 12, 1234567]),
        (["1,234.50", "12.00"] * 5, "number", "thousands=, digits=2", [1234.5, 12.0]),
        (["1.234,50", "12,00"] * 5, "number", "thousands=. decimal=, digits=2", [1234.5, 12.0]),
        (["0,5", "12,25"] * 5, "number", "decimal=, digits=1", [0.5, 12.25]),
        (["1 234,5", "12,5"] * 5, "number", "thousands=space decimal=, digits=1", [1234.5, 12.5]),
        (["1'234", "12"] * 5, "integer", "thousands='", [1234, 12]),
        (["$1.50", "-$20.25"] * 5, "number", "digits=2 prefix=$", [1.5, -20.25]),
        (["12%", "5%"] * 5, "integer", "suffix=%", [12, 5]),
        (["inf", "1.5", "-inf"] * 5, "number", "digits=1", [float("inf"), 1.5, float("-inf")]),
        (["9223372036854775807", "-9223372036854775808"] * 5, "integer", "", [2**63 - 1, -(2**63)]),
        (["yes", "no", "yes"] * 5, "boolean", "no|yes", [True, False, True]),
        (["TRUE", "FALSE"] * 5, "boolean", "FALSE|TRUE", [True, False]),
        (["Y", "N"] * 5, "boolean", "N|Y", [True, False]),
        (["02139", "10001", "00501"] * 5, "category", "", ["02139", "10001", "00501"]),
        (["a", "b", "a"] * 5, "category", "", ["a", "b", "a"]),
    ],
)
def test_kinds_of_plain_columns(texts, kind, form, values):
    column = one(texts)
    assert (column.kind, column.format) == (kind, form)
    assert kept(texts, column)[: len(values)] == values


@pytest.mark.parametrize(
    ("texts", "form", "iso"),
    [
        (["2020-01-31", "1999-12-01"], "%Y-%m-%d", "2020-01-31"),
        (["31/01/2020", "01/12/1999"], "%d/%m/%Y", "2020-01-31"),
        (["01/31/2020", "12/01/1999"], "%m/%d/%Y", "2020-01-31"),
        (["31.1.2020", "1.12.1999"], "%-d.%-m.%Y", "2020-01-31"),
        (["1/31/20", "12/1/99"], "%-m/%-d/%y", "2020-01-31"),
        (["31 Jan 2020", "01 Dec 1999"], "%d %b %Y", "2020-01-31"),
        (["January 31, 2020", "December 1, 1999"], "%B %-d, %Y", "2020-01-31"),
        (["2020-01", "1999-12"], "%Y-%m", "2020-01-01"),
        (["2020-01-31 10:20", "1999-12-01 00:00"], "%Y-%m-%d %H:%M", "2020-01-31T10:20:00"),
        (["2020-01-31T10:20:30Z", "1999-12-01T00:00:00Z"], "%Y-%m-%dT%H:%M:%SZ", "2020-01-31T10:20:30+00:00"),
        (
            ["2020-01-31 10:20:30.250", "1999-12-01 00:00:00.000"],
            "%Y-%m-%d %H:%M:%S.%3f",
            "2020-01-31T10:20:30.250000",
        ),
        (
            ["2020-01-31 10:20:30+02:00", "1999-12-01 00:00:00+02:00"],
            "%Y-%m-%d %H:%M:%S%:z",
            "2020-01-31T08:20:30+00:00",
        ),
        (["1/31/2020 1:05 PM", "12/1/1999 12:00 AM"], "%-m/%-d/%Y %-I:%M %p", "2020-01-31T13:05:00"),
        (["1677-09-21", "2262-04-12"], "%Y-%m-%d", "1677-09-21"),
        (["0001-01-01", "9999-12-31"], "%Y-%m-%d", "0001-01-01"),
    ],
)
def test_dates_in_many_formats(texts, form, iso):
    column = one(texts * 6)
    assert column.format == form
    assert column.kind == ("datetime" if "H" in form or "I" in form else "date")
    assert kept(texts * 6, column)[0].isoformat() == iso


def test_ambiguous_days_are_settled_by_a_sibling_by_order_or_doubted():
    alike = [f"{d:02d}/{m:02d}/2020" for d in range(1, 13) for m in (3, 7, 11)]
    alone = one(alike[::5] + alike[1::5])
    assert alone.confidence == 0.5
    assert "check" in alone.reason
    sure = ["31/01/2020"] * len(alike)
    schema = detect(columns(a=alike[::-1], b=sure))
    assert schema["a"].format == "%d/%m/%Y"
    assert schema["a"].confidence > 0.7
    sure = ["01/31/2020"] * len(alike)
    assert detect(columns(a=alike[::-1], b=sure))["a"].format == "%m/%d/%Y"
    in_order = [f"{m:02d}-{d:02d}-2020" for m in range(1, 13) for d in (2, 5, 9)]
    assert one(in_order).format == "%m-%d-%Y"
    assert one([f"{d:02d}-{m:02d}-2020" for m in range(1, 13) for d in (2, 5, 9)]).format == "%d-%m-%Y"


@pytest.mark.parametrize(
    ("texts", "seconds"),
    [
        (["1:02:03", "26:00:00"], 3723),
        (["10:30", "23:59"], 37800),
        (["1 days 00:00:01", "0 days 10:00:00"], 86401),
        (["PT1H", "P1DT2M"], 3600),
    ],
)
def test_durations(texts, seconds):
    column = one(texts * 6)
    assert column.kind == "duration"
    assert kept(texts * 6, column)[0].total_seconds() == seconds


@pytest.mark.parametrize(
    ("texts", "kind", "missing"),
    [
        (["?", "Private", "State", "Private"], "category", ("?",)),
        (["NA", "1.5", "2.5"], "number", ("NA",)),
        (["-", "5", "7"], "integer", ("-",)),
        (["", "5", "7"], "integer", ("",)),
        (["", "a", "b"], "category", ("",)),
        (["none", "5", "7"], "integer", ("none",)),
        (["none", "yes", "own"], "category", ()),
        (["-", "+", "+"], "category", ()),
        (["unknown", "2020-01-05", "2021-06-07"], "date", ("unknown",)),
        (["-999", "5", "17", "30", "-999", "11"], "integer", ("-999",)),
        (["-999.0", "5.5", "17.25", "30.0"], "number", ("-999.0",)),
        (["9999", "1950", "1971", "2004", "2010"], "integer", ("9999",)),
        (["99999", "41310", "0", "1000", "27828", "20000"], "integer", ()),
        (["-99", "-98", "-97", "-50", "10"], "integer", ()),
        (["999", "1000", "1001", "998"], "integer", ()),
    ],
)
def test_codes_for_missing(texts, kind, missing):
    column = one(texts * 10)
    assert (column.kind, column.missing) == (kind, missing)
    values = kept(texts * 10, column)
    assert [value is None for value in values] == [text in missing for text in texts * 10]


def test_namibia_stays_a_country():
    codes = ["NA", "DE", "FR", "US", "GB", "IT", "ES", "PL", "NO", "SE", "FI", "DK", "NL"]
    assert one(codes * 5).missing == ()


def test_declared_missing_texts_count():
    table = pa.table({"a": ["1", "hidden", "3"] * 5, "b": ["x", "hidden", "y"] * 5})
    schema = detect(read(table, missing=["hidden"]))
    assert schema["a"].kind == "integer"
    assert schema["a"].missing == schema["b"].missing == ("hidden",)


def test_decimal_argument_settles_the_comma(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a;b\n" + "1,234;x\n5,678;y\n" * 5)
    assert detect(read(path))["a"].kind == "integer"
    column = detect(read(path, decimal=","))["a"]
    assert (column.kind, column.format) == ("number", "decimal=, digits=3")


def test_mixed_types_are_counted_and_become_labels():
    raw = columns(x=[str(i) for i in range(97)] + ["many", "some", "more than I can say"])
    detection = propose(raw)
    column, proposal = detection.schema["x"], detection.proposals[0]
    assert column.kind in ("category", "text", "id")
    assert "mixed" in column.reason
    assert proposal.evidence["not_parsed"] == 3
    assert column.confidence <= 0.5


def test_identifiers():
    n = 60
    cases = {
        "serial": [str(i) for i in range(1, n + 1)],
        "patient_id": [str(i * 7919 % 100_003) for i in range(n)],
        "uuid": [f"{i * 2654435761 % 2**32:08x}-0000-4000-8000-{i:012x}" for i in range(n)],
        "code": [f"PT-{i:05d}" for i in range(n)],
    }
    schema = detect(columns(**cases))
    assert [schema[name].kind for name in cases] == ["id"] * 4
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "weight": rng.choice(10**6, n, replace=False),
            "year": range(1960, 1960 + n),
            "price": rng.random(n),
            "note": [f"the patient said {i} long things about many matters" for i in range(n)],
        }
    )
    kinds = [column.kind for column in detect(read(frame))]
    assert kinds == ["integer", "integer", "number", "text"]


def test_targets_and_protected_columns_stay_learnable():
    n = 40
    raw = columns(
        row=[str(i) for i in range(n)],
        key=[f"K{i:04d}" for i in range(n)],
        mail=[f"u{i}@x.org" for i in range(n)],
    )
    assert {c.kind for c in detect(raw)} == {"id", "pii.email"}
    schema = detect(raw, target="row", protected=("key", "mail"))
    assert [c.kind for c in schema] == ["integer", "category", "category"]
    check(schema, canonical(raw, schema))


def test_constants_spikes_and_many_levels_are_said():
    n = 1000
    raw = columns(
        same=["a"] * n,
        zeros=[str(i if i % 3 == 0 else 0) for i in range(n)],
        empty=[None] * n,
        many=[f"level{i % 300}" for i in range(n)],
    )
    alerts = {p.column.name: p.alerts for p in propose(raw).proposals}
    assert "the same value in every row" in alerts["same"]
    assert alerts["zeros"] == ("many zeros",)
    assert alerts["empty"] == ("no value in any row",)
    assert "many levels" in alerts["many"]


def test_overrides():
    raw = columns(
        zip=["1234", "5678"] * 10,
        when=["03/04/2020", "05/06/2021"] * 10,
        flag=["on", "off"] * 10,
        n=["1", "0"] * 10,
    )
    schema = detect(
        raw,
        overrides={
            "zip": "category",
            "when": {"kind": "date", "format": "%m/%d/%Y"},
            "flag": Column("flag", "category"),
            "n": "boolean",
        },
    )
    assert [c.kind for c in schema] == ["category", "date", "category", "boolean"]
    table = canonical(raw, schema)
    assert table["when"].to_pylist()[0].isoformat() == "2020-03-04"
    assert table["n"].to_pylist()[:2] == [True, False]
    assert restore(table, schema, raw.origin).equals(raw.table)
    assert detect(raw, overrides={"when": "text"})["when"].reason == "declared"


def test_eight_digits_are_dates_when_the_name_says_so():
    texts = [f"2020{m:02d}{d:02d}" for m in (1, 5, 12) for d in range(1, 8)]
    assert one(texts, "visit_date").kind == "date"
    raw = read(pd.DataFrame({"visit_date": [int(t) for t in texts], "amount": [int(t) for t in texts]}))
    schema = detect(raw)
    assert [c.kind for c in schema] == ["date", "integer"]
    table = canonical(raw, schema)
    assert table["visit_date"].to_pylist()[0].isoformat() == "2020-01-01"
    pd.testing.assert_frame_equal(
        restore(table, schema, raw.origin),
        pd.DataFrame({"visit_date": [int(t) for t in texts], "amount": [int(t) for t in texts]}),
    )


cells = st.one_of(
    st.none(),
    st.text(max_size=12),
    st.integers(-(10**20), 10**20).map(str),
    st.floats().map(repr),
    st.dates().map(str),
    st.datetimes().map(str),
    st.timedeltas().map(str),
    st.sampled_from(["yes", "no", "?", "NA", "-999", "", " "]),
    st.from_regex(r"[0-3]?\d[./-][01]?\d[./-](19|20)?\d\d", fullmatch=True),
    st.from_regex(r"-?\d{1,3}([., ']\d{3})*([.,]\d+)?%?", fullmatch=True),
)


@settings(max_examples=150)
@given(st.data())
def test_whatever_is_proposed_is_accepted(data):
    """For any texts: detect does not crash, canonical and check accept, what was written reads the same."""
    n = data.draw(st.integers(1, 30))
    pool = st.sampled_from(data.draw(st.lists(cells, min_size=1, max_size=6)))
    texts = data.draw(
        st.lists(st.one_of(pool, cells) if data.draw(st.booleans()) else pool, min_size=n, max_size=n)
    )
    name = data.draw(st.sampled_from(["x", "date", "id", "phone", "name", "address", "ssn"]))
    raw = columns(**{name: texts})
    schema = detect(raw, target=data.draw(st.sampled_from([None, name])))
    table = canonical(raw, schema)
    check(schema, table)
    assert parse_config(dump_config(schema)).schema == schema
    again = canonical(columns(**{name: restore(table, schema, raw.origin)[name].to_pylist()}), schema)
    assert again.equals(table)
    assert "\n" not in schema[name].reason


@pytest.mark.parametrize("name", ["adult_train", "adult_holdout", "compas", "german_credit", "shoppers"])
def test_real_tables(name):
    path = SHARED / "tabular" / f"{name}.csv"
    if not path.exists():
        pytest.skip(f"{path} is not here; it is real data that the project does not carry")
    raw = read(path)
    schema = detect(raw)
    assert {c.kind for c in schema} <= {"category", "boolean", "integer", "number"}
    table = canonical(raw, schema)
    check(schema, table)
    assert canonical(read(restore(table, schema, raw.origin)), schema).equals(table)
    if name.startswith("adult"):
        assert schema["fnlwgt"].kind == "integer"
        assert schema["workclass"].missing == ("?",)
        assert [(d.determinant, d.dependent) for d in schema.dependencies] == [("education", "education-num")]


def test_demo_table():
    info = demo_info()
    raw = read(demo_path())
    schema = detect(raw, target=info.target, protected=info.protected)
    assert 2_000 <= raw.table.num_rows <= 10_000
    assert demo_path().stat().st_size < 500_000
    assert {c.kind for c in schema} >= {"category", "boolean", "integer", "number", "datetime"}
    assert [(d.determinant, d.dependent) for d in schema.dependencies] == [("carrier", "airline")]
    assert canonical(raw, schema)["late"].to_pylist().count(True) > 1000
    assert (demo_path().parent / "LICENSE-flights.txt").read_text().count("CC0") > 2
