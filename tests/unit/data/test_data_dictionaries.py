"""Data dictionaries of every kind: what they say comes back from the template, and broken ones are told."""

from __future__ import annotations

import csv
import io
import json
import random
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locum.data.dictionaries.entry import DictionaryEntry
from locum.data.dictionaries.read import read_dictionary
from locum.data.dictionaries.words import kind_of, levels_of, range_of, time_form
from locum.errors import DataError, LocumError, UsageError
from locum.runs.config import parse_config
from locum.runs.init import draft_template
from locum.schema.column import Bounds

plain = st.text("abcdefgXYZ0123456789_äß", min_size=1, max_size=8)
names = plain.map(lambda text: f"c{text}")
about = st.text("abc, \"';|", max_size=20).map(lambda text: " ".join(text.split()))


@st.composite
def entries(draw):
    """Entries as a dictionary of any kind can say them."""
    found = []
    for name in draw(st.lists(names, min_size=1, max_size=6, unique_by=str.lower)):
        kind = draw(st.sampled_from(("integer", "number", "category", "boolean", "date", "datetime")))
        said = {"nullable": draw(st.booleans()), "about": draw(about)}
        if kind == "category":
            said["levels"] = tuple(draw(st.lists(plain, min_size=2, max_size=4, unique=True)))
        if kind in ("integer", "number") and draw(st.booleans()):
            low = draw(st.integers(-1000, 1000))
            said |= {"low": low, "high": low + draw(st.integers(0, 1000))}
            if kind == "number":
                said |= {"low": float(said["low"]), "high": float(said["high"])}
        if kind == "number":
            said["decimals"] = draw(st.integers(0, 6))
        found.append(DictionaryEntry(name, kind, **said))
    return found


def as_table(found, delimiter):
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter)
    writer.writerow(["Variable", "Type", "Values", "Min", "Max", "Decimals", "Required", "Description"])
    for e in found:
        levels = ";".join(e.levels or ())
        required = "no" if e.nullable else "yes"
        ends = ["" if end is None else end for end in (e.low, e.high)]
        digits = "" if e.decimals is None else e.decimals
        writer.writerow([e.name, e.kind, levels, *ends, digits, required, e.about])
    return out.getvalue().encode()


def as_workbook(found):
    from openpyxl import Workbook

    book = Workbook()
    book.active.append(["A page about the data", None])
    sheet = book.create_sheet("variables")
    sheet.append(["Code book of the ward"])
    for row in csv.reader(io.StringIO(as_table(found, ",").decode())):
        sheet.append([int(cell) if cell.lstrip("-").isdigit() else cell for cell in row])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def as_json_schema(found):
    types = {"integer": "integer", "number": "number", "boolean": "boolean"}
    properties = {}
    for e in found:
        said = {"description": e.about, "type": types.get(e.kind, "string")}
        if e.kind in ("date", "datetime"):
            said["format"] = "date" if e.kind == "date" else "date-time"
        if e.levels is not None:
            said["enum"] = list(e.levels)
        if e.low is not None:
            said |= {"minimum": e.low, "maximum": e.high}
        if e.decimals is not None:
            said["multipleOf"] = 10**-e.decimals
        properties[e.name] = said
    required = [e.name for e in found if not e.nullable]
    return json.dumps({"type": "object", "properties": properties, "required": required}).encode()


def as_sql(found):
    types = {"integer": "INTEGER", "boolean": "BOOLEAN", "date": "DATE", "datetime": "TIMESTAMP"}
    lines = []
    for e in found:
        kind = types.get(e.kind, "VARCHAR(20)")
        if e.kind == "number":
            kind = f"DECIMAL(20, {e.decimals})" if e.decimals else "DOUBLE PRECISION"
        checks = []
        if e.levels is not None:
            checks.append(f'"{e.name}" IN ({", ".join(repr(level) for level in e.levels)})')
        if e.low is not None:
            checks.append(f'"{e.name}" BETWEEN {e.low} AND {e.high}')
        null = "" if e.nullable else " NOT NULL"
        lines.append(f'"{e.name}" {kind}{null}' + "".join(f" CHECK ({check})" for check in checks))
    return f"CREATE TABLE visits ({', '.join(lines)});".encode()


WRITERS = {
    "d.csv": lambda found: as_table(found, ","),
    "d.tsv": lambda found: as_table(found, "\t"),
    "e.csv": lambda found: as_table(found, ";"),
    "d.xlsx": as_workbook,
    "d.json": as_json_schema,
    "d.sql": as_sql,
}


@pytest.mark.parametrize("name", WRITERS)
@settings(max_examples=40)
@given(found=entries())
def test_what_a_dictionary_says_comes_back_from_the_template(tmp_path_factory, name, found):
    path = tmp_path_factory.mktemp("dictionary") / name
    path.write_bytes(WRITERS[name](found))
    draft, notes = draft_template(path.parent / "visits.csv", dictionary=path, one_row_per_person=True)
    assert notes == ()
    config = parse_config(draft.text())
    assert config.columns == tuple(e.name for e in found)
    assert config.unfilled == ()
    for e in found:
        column = config.schema[e.name]
        assert (column.kind, column.nullable, column.levels) == (e.kind, e.nullable, e.levels)
        assert column.bounds == (None if e.low is None else Bounds(e.low, e.high, "public"))
        decimals = None if name == "d.sql" and not e.decimals else e.decimals
        assert column.decimals == decimals
        assert (column.by, column.read_off) == (name, ())
    open_ends = {g.column for g in draft.gaps()}
    assert open_ends == {
        e.name for e in found if e.kind in ("integer", "number", "date", "datetime") and e.low is None
    }


@settings(max_examples=50)
@given(found=entries(), seed=st.integers(0, 2**32))
@pytest.mark.parametrize("name", WRITERS)
def test_damaged_dictionaries_are_read_or_refused(tmp_path_factory, name, found, seed):
    chance = random.Random(seed)
    content = bytearray(WRITERS[name](found))
    for _ in range(chance.randint(1, 20)):
        content[chance.randrange(len(content))] = chance.randrange(256)
    path = tmp_path_factory.mktemp("damaged") / name
    path.write_bytes(bytes(content[: chance.randint(1, len(content))]))
    try:
        draft, _ = draft_template(path.parent / "visits.csv", dictionary=path)
        parse_config(draft.text())
    except LocumError as error:
        assert error.where and error.what


def write(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("d.csv", "age,sex\n1,m\n2,f\n", r"d\.csv: no heading says where the names.*such as name, variable"),
        ("d.csv", "name,type\nage,integer\nage,date\n", "'age' is described twice"),
        ("d.csv", "name,min,type\nage,x,integer\n", r"d\.csv: age: 'x' is no number"),
        ("d.csv", "name,min,type\nage,1.5,integer\n", "no whole number"),
        ("d.csv", "name,min,max,type\nage,9,1,integer\n", "lowest value is above the highest"),
        ("d.csv", "name,min,type\nseen,01/02/2020,date\n", "is no date.*ISO"),
        ("d.csv", "name,levels,type\nsex,a;b;a,category\n", "name one twice"),
        ("d.csv", "name,decimals\nw,99\n", r"row 2, w: '99' decimals"),
        ("d.csv", "name,required\nw,perhaps\n", "neither yes nor no"),
        ("d.csv", "name,unit\na,yes\nb,x\n", "both said to be the unit"),
        ("d.csv", "name,type\n,\n,\n", "describes no column"),
        ("d.json", "[1, 2]", "neither a JSON Schema nor a Croissant"),
        ("d.json", "{", "no JSON"),
        ("d.json", "{" * 3 + '"a":' * 1, "no JSON"),
        ("d.json", "[" * 100_000, "no JSON"),
        ("d.json", '{"properties": 3}', "no properties"),
        ("d.json", '{"properties": {"a": {"type": "object"}}}', "column of objects"),
        ("d.json", '{"properties": {"a": {"$ref": "#/x"}}}', "'#/x' is not in the file"),
        ("d.json", '{"properties": {"a": {"$ref": "http://x"}}}', "outside of the file"),
        (
            "d.json",
            '{"$defs": {"a": {"$ref": "#/$defs/a"}}, "properties": {"a": {"$ref": "#/$defs/a"}}}',
            "circle",
        ),
        ("d.json", '{"properties": {"a": {"enum": [{}]}}}', "no plain value"),
        ("d.json", '{"recordSet": []}', "no tables"),
        ("d.json", '{"recordSet": [{"name": "a", "field": [3]}]}', "no object"),
        ("d.sql", "SELECT 1;", "makes no tables"),
        ("d.sql", "CREATE TABLE a (x INT); CREATE TABLE b (y INT);", "makes 2 tables: a, b"),
        ("d.sql", "CREATE TABLE a (x INT", "SQL cannot be read"),
        (
            "d.sql",
            "CREATE TABLE a (x INT CHECK (" + "(" * 5000 + "x > 1" + ")" * 5000 + "));",
            "SQL cannot be read",
        ),
        ("d.xlsx", "name,type\n", r"no \.xlsx workbook"),
    ],
)
def test_broken_dictionaries_are_told(tmp_path, name, text, words):
    with pytest.raises(DataError, match=words):
        read_dictionary(write(tmp_path, name, text))


def test_files_that_are_none(tmp_path):
    with pytest.raises(UsageError, match=r"dictionaries that end in \.docx"):
        read_dictionary(tmp_path / "d.docx")
    with pytest.raises(DataError, match="no such file"):
        read_dictionary(tmp_path / "d.csv")
    (tmp_path / "d.sql").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="not UTF-8"):
        read_dictionary(tmp_path / "d.sql")
    with zipfile.ZipFile(tmp_path / "d.xlsx", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/worksheets/sheet1.xml", b"0" * 250_000_000)
    with pytest.raises(DataError, match="too large"):
        read_dictionary(tmp_path / "d.xlsx")


def test_entities_of_a_workbook_are_not_blown_up(tmp_path):
    from openpyxl import Workbook

    book = Workbook()
    book.active.append(["name", "type"])
    book.save(tmp_path / "plain.xlsx")
    bomb = b'<!DOCTYPE x [<!ENTITY a "' + b"a" * 50 + b'">'
    for i in range(1, 12):
        bomb += f'<!ENTITY {"a" * (i + 1)} "{("&" + "a" * i + ";") * 20}">'.encode()
    bomb += b"]>"
    with zipfile.ZipFile(tmp_path / "plain.xlsx") as old, zipfile.ZipFile(tmp_path / "d.xlsx", "w") as new:
        for item in old.infolist():
            content = old.read(item)
            if item.filename.endswith("sheet1.xml"):
                end = content.index(b"?>") + 2 if content.startswith(b"<?xml") else 0
                content = (
                    content[:end] + bomb + content[end:].replace(b"<sheetData>", b"<sheetData>&aaaaaaaaaaaa;")
                )
            new.writestr(item, content)
    with pytest.raises(DataError):
        read_dictionary(tmp_path / "d.xlsx")


def test_a_code_book_as_people_write_it(tmp_path):
    text = (
        'Variable / Field Name,Field Type,Field Label,"Choices, Calculations, OR Slider Labels",'
        "Text Validation Type OR Show Slider Number,Text Validation Min,Text Validation Max,Required Field?\n"
        "record_id,text,Number,,,,,y\n"
        'sex,radio,Sex,"1, Male | 2, Female | 9, Not known",,,,\n'
        "seen,text,Seen on,,date_ymd,2020-01-01,2024-12-31,\n"
        "age,text,Age,,integer,0,110,y\n"
        'bmi,calc,Index,"[weight] / ([height] * [height])",,,,\n'
        "smokes,yesno,Smoker,,,,,\n"
        "story,notes,History,,,,,\n"
    )
    found = read_dictionary(write(tmp_path, "redcap.csv", text)).entries
    assert {name: e.kind for name, e in found.items()} == {
        "record_id": "text",
        "sex": "category",
        "seen": "date",
        "age": "integer",
        "bmi": "number",
        "smokes": "boolean",
        "story": "text",
    }
    assert found["sex"].levels == ("1", "2", "9")
    assert (found["seen"].low, found["seen"].high) == ("2020-01-01", "2024-12-31")
    assert (found["age"].low, found["age"].nullable) == (0, False)
    assert any("weight" in said for said in found["bmi"].said)


def test_levels_under_each_other_and_ranges_among_values(tmp_path):
    text = "name,type,values,unit,date format\nsex,coded,1=male,,\n,,2=female,,\nage,integer,0-110,years,\n"
    found = read_dictionary(
        write(tmp_path, "d.csv", f"{text}w,decimal,0.5 to 300,kg,\nseen,date,,,DD.MM.YYYY\n")
    ).entries
    assert found["sex"].levels == ("1", "2")
    assert (found["age"].low, found["age"].high, found["age"].unit) == (0, 110, False)
    assert (found["w"].low, found["w"].high) == (0.5, 300.0)
    assert found["seen"].format == "%d.%m.%Y"


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("integer", "Any positive number, in mm; may be blank"),
        ("coded", "CL.SEX"),
        ("string", "free text, up to 200 characters"),
        ("", "see appendix B"),
        ("string", "as the nurse wrote it down on the day of admission; empty where nothing was written"),
    ],
)
def test_words_about_values_are_no_levels(tmp_path, kind, values):
    text = f'name,type,values\na,{kind},"{values}"\n'
    entry = read_dictionary(write(tmp_path, "d.csv", text)).entries["a"]
    assert entry.levels is None
    assert f"values {values}" in entry.said


def test_a_croissant_description(tmp_path):
    document = {
        "@type": "sc:Dataset",
        "recordSet": [
            {
                "@id": "sexes",
                "@type": "cr:RecordSet",
                "key": {"@id": "sexes/code"},
                "field": [{"@id": "sexes/code", "dataType": "sc:Text"}],
                "data": [{"sexes/code": "m"}, {"sexes/code": "f"}],
            },
            {
                "@id": "visits",
                "name": "visits",
                "field": [
                    {"@id": "visits/age", "name": "age", "dataType": ["sc:Integer"], "description": "Age"},
                    {
                        "@id": "visits/sex",
                        "dataType": "sc:Text",
                        "references": {"field": {"@id": "sexes/code"}},
                        "source": {"extract": {"column": "Sex"}},
                    },
                    {"name": "note", "dataType": "http://schema.org/Text"},
                ],
            },
        ],
    }
    found = read_dictionary(write(tmp_path, "croissant.json", json.dumps(document)), "visits").entries
    assert [(e.name, e.kind, e.levels) for e in found.values()] == [
        ("age", "integer", None),
        ("Sex", "category", ("m", "f")),
        ("note", None, None),
    ]


def test_our_own_croissant_is_read_back(tmp_path):
    from locum.report.croissant import croissant
    from locum.schema.column import Column
    from locum.schema.table import Schema

    schema = Schema((Column("age", "integer"), Column("b", "boolean"), Column("d", "date")), name="t")
    made = croissant(
        schema,
        title="t",
        description="",
        created="2025-01-01",
        data="t.csv",
        files={"t.csv": "0" * 64},
        privacy="",
    )
    found = read_dictionary(write(tmp_path, "croissant.json", json.dumps(made))).entries
    assert [(e.name, e.kind) for e in found.values()] == [(c.name, c.kind) for c in schema]


def test_words():
    assert kind_of("DECIMAL(10, 2)") == ("number", 2)
    assert kind_of("decimal(10)") == ("integer", None)
    assert kind_of("Double Precision") == ("number", None)
    assert kind_of("varchar(20)") == (None, None)
    assert levels_of("1=a; 2=b=c") == ("1", "2")
    assert levels_of("a b|c") == ("a b", "c")
    assert levels_of('["x;y", 2, true]') == ("x;y", "2", "true")
    assert levels_of("yes: often, no: never") == ("yes", "no")
    assert levels_of("12:30; 13:45") == ("12:30", "13:45")
    assert levels_of("1,5|2,5") == ("1,5", "2,5")
    assert levels_of(" ") is None
    assert range_of("-3 to 4.5") == ("-3", "4.5")
    assert range_of("2000-01-01 to 2001-01-01") == ("2000-01-01", "2001-01-01")
    assert range_of("a-b") is None
    assert time_form("DD/MM/YYYY HH:MM:SS") == "%d/%m/%Y %H:%M:%S"
    assert time_form("%d.%m.%y") == "%d.%m.%y"
