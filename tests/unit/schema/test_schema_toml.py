"""locum.toml: what is written is read back, and what is wrong is named."""

import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locum.errors import SchemaError
from locum.runs.config import (
    Config,
    EvaluateConfig,
    ModelConfig,
    load_config,
    parse_config,
)
from locum.runs.config_text import dump_config
from locum.schema.column import KINDS, Bounds, Column
from locum.schema.table import Dependency, Schema

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
limits = st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), texts)
bounds = st.builds(Bounds, limits, limits, st.sampled_from(["data", "declared", "public", "dp"]))


@st.composite
def schemas(draw):
    column_names = draw(st.lists(names, min_size=1, max_size=6, unique=True))
    columns = tuple(
        Column(
            name,
            draw(st.sampled_from(KINDS)),
            draw(st.booleans()),
            tuple(draw(st.lists(texts, max_size=3))),
            draw(st.sampled_from(["string", "int64", "timestamp[us, tz=Europe/Berlin]"])),
            draw(st.none() | bounds),
            draw(st.none() | st.lists(texts, max_size=3).map(tuple)),
            draw(st.none() | st.integers(0, 15)),
            draw(texts),
            draw(texts),
            draw(st.floats(0, 1)),
            draw(texts),
        )
        for name in column_names
    )
    chosen = st.sampled_from(column_names)
    pairs = ()
    if len(column_names) > 2 and draw(st.booleans()):
        pairs = (Dependency(column_names[0], column_names[1]), Dependency(column_names[0], column_names[2]))
    return Schema(
        columns,
        pairs,
        draw(st.none() | chosen),
        tuple(draw(st.lists(chosen, max_size=2, unique=True))),
        draw(names),
    )


@settings(max_examples=300)
@given(schemas())
def test_a_schema_comes_back_equal(schema):
    assert parse_config(dump_config(schema)).schema == schema


@given(
    schemas(),
    st.none() | texts,
    st.none() | st.sampled_from([",", ";", "\t"]),
    st.lists(texts, max_size=2),
    st.none() | st.integers(0, 2**63 - 1),
    st.none() | st.floats(0, 0.9),
)
@settings(max_examples=100)
def test_a_config_comes_back_equal(schema, path, delimiter, missing, seed, holdout):
    config = Config(
        schema,
        path,
        delimiter,
        "cp1252",
        ",",
        tuple(missing),
        ModelConfig("tree", seed, {"depth": 3, "rate": 0.1, "on": True, "list": [1, 2]}),
        EvaluateConfig(holdout),
    )
    assert parse_config(dump_config(config)) == config


def test_the_file_reads_well(tmp_path):
    schema = Schema(
        (
            Column("age", "integer", missing=("-999",), confidence=0.95, reason="whole numbers"),
            Column("e-mail address", "pii.email", reason="values look like\ne-mail addresses"),
        ),
        target="age",
        name="visits",
    )
    path = tmp_path / "locum.toml"
    path.write_text(dump_config(Config(schema, path="visits.csv")), encoding="utf-8")
    lines = path.read_text(encoding="utf-8").splitlines()
    assert 'visits = { path = "visits.csv" }' in lines
    assert "[schema.visits.age]" in lines
    assert 'kind = "integer"  # whole numbers (95% sure)' in lines
    assert 'kind = "pii.email"  # values look like e-mail addresses' in lines
    assert 'target = "visits.age"' in lines
    config = load_config(path)
    assert config.path == "visits.csv"
    assert config.schema == schema
    assert config.schema["age"].reason == "declared in locum.toml"
    assert config.reading == {}


def test_column_names_with_dots_are_not_confused():
    columns = (Column("x", "integer"), Column("t.x", "integer"), Column("t.t.x", "integer"))
    for target in ("x", "t.x", "t.t.x"):
        assert parse_config(dump_config(Schema(columns, name="t", target=target))).schema.target == target


GOOD = dump_config(Schema((Column("a", "integer"), Column("b", "category")), name="t", target="b"))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('kind = "integer"', 'kind = "intger"', r"schema\.t\.a\.kind: this value is not possible.*'integer'"),
        ('kind = "integer"', 'kind = "integer"\ncolour = 3', r"schema\.t\.a\.colour: this key is not known"),
        (
            'kind = "integer"',
            'kind = "integer"\ndecimals = 99',
            r"schema\.t\.a\.decimals: .*less than or equal to 15",
        ),
        (
            'kind = "integer"',
            "nullable = true",
            r"schema\.t\.a: the kind is missing.*\(nullable\)",
        ),
        ('kind = "integer"', 'kind = "integer"\nnullable = "no"', r"schema\.t\.a\.nullable: .*valid boolean"),
        ("version = 1", "version = 2", r"version: this value is not possible"),
        ("version = 1", "", r"version: this key is missing"),
        ("[model]", "[modell]", r"modell: this key is not known"),
        ("[model]", "[model]\nseed = -1", r"model\.seed"),
        ('target = "t.b"', 'target = "t.c"', r"there is no column 't\.c'"),
        ('target = "t.b"', "holdout = 1.5", r"evaluate\.holdout"),
        ("[schema.t.b]", "[schema.u.b]", r"describes 2 tables"),
        ("[model]", '[data]\nu = { path = "x" }\n[model]', r"names table 'u', the schema is about 't'"),
        ("[model]", '[[dependency]]\ndeterminant = "a"\ndependent = "a"\n[model]', "cycle"),
        ("[model]", "[model", "no TOML"),
    ],
)
def test_mistakes_are_named_by_their_key(old, new, words):
    assert old in GOOD
    with pytest.raises(SchemaError, match=words):
        parse_config(GOOD.replace(old, new, 1))


def test_a_file_may_leave_the_columns_to_detection():
    config = parse_config('[require]\nc2st.max = 0.6\n[evaluate]\ntarget = "a"\nprotected = ["b"]\n')
    assert config.schema is None
    assert config.require.to_json() == {"strict": False, "c2st.max": 0.6}
    assert (config.evaluate.target, config.evaluate.protected) == ("a", ("b",))
    assert parse_config(dump_config(config)) == config
    with pytest.raises(SchemaError, match="need the columns"):
        parse_config('[[rule]]\nholds = "a <= b"\n')
    with pytest.raises(SchemaError, match=r"require\.c2st\.mean"):
        parse_config("[require]\nc2st.mean = 1\n")


def test_absent_and_unreadable_files(tmp_path):
    with pytest.raises(SchemaError, match="no such file"):
        load_config(tmp_path / "locum.toml")
    (tmp_path / "locum.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SchemaError, match="UTF-8"):
        load_config(tmp_path / "locum.toml")


def test_half_characters_are_refused():
    with pytest.raises(SchemaError, match="half a character"):
        dump_config(Schema((Column("\ud800", "text"),)))


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text):
    try:
        parse_config(text)
    except SchemaError:
        return
    # Without columns a file may hold the other sections alone, or nothing.
    assert set(tomllib.loads(text)) <= {"version", "data", "model", "evaluate", "require", "release"}
