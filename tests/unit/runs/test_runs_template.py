"""A template is written without a look at the data, says what is missing, and is read back as it is."""

from __future__ import annotations

import tomllib

import pytest

from locum.errors import DataError, FolderError, SchemaError, UsageError
from locum.runs.config import load_config, parse_config
from locum.runs.template import Draft, write_template
from locum.schema.column import Bounds, Column
from locum.schema.table import Dependency, Schema

KNOWN = Schema(
    (
        Column("age", "integer", by="book.csv"),
        Column("sex", "category", levels=("m", "f")),
        Column("ward", "category", by="book.csv"),
        Column("seen", "date", bounds=Bounds("2020-01-01", None, "declared")),
    ),
    dependencies=(Dependency("ward", "sex", "public", "us"),),
    rules=("age >= 0",),
    name="visits",
)
NAMES = ("patient", "age", "sex", "ward", "seen")


def test_a_template_says_what_is_missing_and_holds_the_rest(tmp_path):
    path = tmp_path / "locum.toml"
    missing = write_template(path, "visits", NAMES, KNOWN, "visits.csv", {"delimiter": ";"})
    assert missing == (
        "the kind of patient",
        "the lowest and the highest value of age",
        "the levels of ward",
        "the highest value of seen",
        "whose row each row is: a unit, or one row per person",
    )
    config = load_config(path)
    assert config.schema == KNOWN
    assert [c.by for c in config.schema] == ["book.csv", "", "book.csv", ""]
    assert (config.columns, config.unfilled) == (NAMES, ("patient",))
    assert (config.path, config.reading, config.unit) == ("visits.csv", {"delimiter": ";"}, None)
    text = path.read_text(encoding="utf-8")
    assert text.count("missing: ") == len(missing)
    with pytest.raises(FolderError):
        write_template(path, "visits", NAMES, KNOWN, None, {})


def test_a_line_that_is_taken_up_without_its_fact_is_refused():
    """A placeholder is never taken for knowledge."""
    lines = Draft("visits", NAMES, KNOWN).text().splitlines()
    opened = [i for i, line in enumerate(lines) if line.startswith("# ") and " = ..." in line]
    assert len(opened) >= 8
    for i in opened:
        text = "\n".join([*lines[:i], lines[i].removeprefix("# "), *lines[i + 1 :]])
        with pytest.raises(SchemaError, match="no TOML"):
            parse_config(text)


def test_filled_in_it_is_complete():
    text = Draft("visits", NAMES, KNOWN, unit="patient").text()
    text = text.replace("# kind = ...", 'kind = "id"')
    text = text.replace("# levels = [...]", 'levels = ["a", "b"]')
    text = text.replace("# bounds = { low = ..., high = ...,", "bounds = { low = 0, high = 110,")
    config = parse_config(text)
    assert config.unfilled == ()
    assert config.schema["patient"].kind == "id"
    assert config.schema["age"].bounds == Bounds(0, 110, "declared")
    again = Draft("visits", config.columns, config.schema, unit="patient")
    assert [str(gap) for gap in again.gaps()] == ["the highest value of seen"]


def test_nothing_known_at_all():
    draft = Draft("visits", ())
    assert [gap.fact for gap in draft.gaps()] == ["names", "unit"]
    assert parse_config(draft.text()).columns == ()


def test_odd_names_stay_in_their_place():
    names = ('a"b', "c.d", "e\nf = 3", "# g", "")
    draft = Draft("ta.ble", names[:-1], hints={"c.d": ("two\nkind = 'id'",)})
    config = parse_config(draft.text())
    assert config.unfilled == names[:-1]


def test_what_cannot_be_is_refused():
    with pytest.raises(UsageError, match="Give one of the two"):
        Draft("t", ("a",), unit="a", one_row_per_person=True)
    with pytest.raises(UsageError, match="no column 'b'"):
        Draft("t", ("a",), unit="b")
    with pytest.raises(SchemaError, match="no column 'age'"):
        Draft("t", ("a",), KNOWN)


CONFIG = """version = 1
[data.t]
path = "t.csv"
columns = ["a", "b"]
[schema.t.a]
kind = "integer"
"""


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('["a", "b"]', '["b"]', r"data\.t\.columns: there is a section about 'a'"),
        ('["a", "b"]', '["a", "a"]', "one twice"),
        ('["a", "b"]', '["a", ""]', "empty name"),
        ('["a", "b"]', '["a"]\nunit = "c"', "no column 'c'"),
        ('["a", "b"]', '["a"]\nunit = "a"\none_row_per_person = true', "Keep one of the two"),
        ('["a", "b"]', '["a"]\nper_unit = 3', "per_unit means nothing"),
        ('["a", "b"]', '["a"]\nunit = "a"\nper_unit = 0', r"per_unit: .*greater than or equal to 1"),
        ("[schema", '[release]\ncontroler = "x"\n[schema', r"release\.controler: this key is not known"),
        ("[schema", f'[release]\npurpose = "{"x" * 2001}"\n[schema', r"release\.purpose: .*2000"),
        (
            "[schema",
            '[[dependency]]\ndeterminant = "a"\ndependent = "b"\n[schema',
            "kind is not filled in yet",
        ),
        ("[schema", '[evaluate]\ntarget = "c"\n[schema', "no column 'c'"),
    ],
)
def test_mistakes_in_a_template_are_named(old, new, words):
    with pytest.raises(SchemaError, match=words):
        parse_config(CONFIG.replace(old, new, 1))


def test_a_column_without_a_kind_is_known_by_name():
    config = parse_config(CONFIG + '[schema.t.b]\n[evaluate]\ntarget = "t.b"\nprotected = ["a", "b"]\n')
    assert (config.schema.names, config.columns, config.unfilled) == (("a",), ("a", "b"), ("b",))
    assert (config.schema.target, config.evaluate.target) == (None, "b")
    assert (config.schema.protected, config.evaluate.protected) == (("a",), ("b",))
    none = parse_config("version = 1\n[schema.t.a]\n[schema.t.b]\n")
    assert (none.schema, none.columns, none.unfilled) == (None, ("a", "b"), ("a", "b"))


def test_configs_of_templates_come_back_equal():
    from locum.runs.config_text import dump_config

    for text in (
        CONFIG,
        CONFIG + "[schema.t.b]\n",
        CONFIG.replace('"b"]', '"b"]\nheader = false\nunit = "b"\nper_unit = 3'),
        CONFIG.replace('"b"]', '"b"]\none_row_per_person = true')
        + '[release]\ncontact = "a@b"\nwhy_unit = "x"\n',
        'version = 1\n[data.t]\nheader = false\ncolumns = ["a", "b"]\n',
    ):
        config = parse_config(text)
        assert parse_config(dump_config(config)) == config, text


def test_a_run_on_a_template_says_what_is_open(tmp_path):
    from locum.runs.prepare import prepare
    from locum.runs.request import RunRequest

    (tmp_path / "t.csv").write_text("a,b\n1,2\n3,4\n")
    (tmp_path / "locum.toml").write_text(CONFIG)
    with pytest.raises(DataError, match=r"t: locum\.toml does not say yet of which kind b is.*locum init"):
        prepare(RunRequest(data=tmp_path / "t.csv"))
    tomllib.loads(CONFIG)


def test_names_that_the_data_lack_are_told(tmp_path):
    from locum.runs.prepare import prepare
    from locum.runs.request import RunRequest

    (tmp_path / "t.csv").write_text("a,b\n1,2\n3,4\n")
    (tmp_path / "locum.toml").write_text('version = 1\n[data.t]\npath = "t.csv"\ncolumns = ["a", "c"]\n')
    with pytest.raises(
        DataError, match=r"missing in the data \(c\) and 1 column missing in the schema \(b\)"
    ):
        prepare(RunRequest(data=tmp_path / "t.csv"))


def test_marks_stay_in_the_config_of_a_run(tmp_path):
    from locum.runs.execute import run
    from locum.runs.init import propose, write_proposal

    data = tmp_path / "t.csv"
    data.write_text("city,state,n\n" + "".join(f"c{i % 6},s{i % 3},{i}\n" for i in range(150)))
    path = write_proposal(propose(data), tmp_path / "locum.toml", force=False)
    text = path.read_text().replace('\nsource = "data"', '\nsource = "public"\nby = "the map"', 1)
    assert text.count('\nsource = "data"') == 3
    path.write_text(text)
    kept = load_config(run(data, tmp_path / "run").folder / "locum.toml").schema
    assert [(c.by, c.read_off) for c in kept] == [("the map", ()), ("", ("kind",)), ("", ("kind",))]
    assert [d.source for d in kept.dependencies] == ["data"]
