"""What `Synthesizer` must do with every registered generator, on a table of nasty columns."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from locum.errors import DataError, NotFittedError, UsageError
from locum.models import registry
from locum.schema.column import Column, is_regenerated
from locum.schema.table import Dependency, Schema
from locum.synthesizer.table import Synthesizer

#: Generators that learn from rows instead of noisy counts.
ROW_LEVEL = [n for n in registry.names() if "epsilon" not in registry.get(n).settings_type.constraints()]
SEED = 7
ROWS = 240
EPOCH = dt.datetime(1970, 1, 1)
TYPES = {
    "boolean": pa.bool_(), "integer": pa.int64(), "number": pa.float64(), "date": pa.date32(),
    "datetime": pa.timestamp("us"), "duration": pa.duration("us"),
}  # fmt: skip


def cycle(values: list[Any], rows: int = ROWS) -> list[Any]:
    return (values * (rows // len(values) + 1))[:rows]


def nasty_columns() -> dict[str, tuple[str, list[Any]]]:
    rng = np.random.default_rng(3)
    long = "long text " * 2000
    return {
        "all null": ("category", [None] * ROWS),
        "all null number": ("number", [None] * ROWS),
        "one value": ("category", ["x"] * ROWS),
        "one number": ("number", [0.1] * ROWS),
        "levels": ("category", [f"level {i // 3}" for i in range(ROWS)]),
        "all different": ("category", [f"v{i}" for i in range(ROWS)]),
        "infinite": ("number", cycle([math.inf, -math.inf, 1.5, None, 2.5, -0.0, 1e300, 5e-324])),
        "skewed": ("number", np.round(rng.lognormal(3, 2, ROWS), 2).tolist()),
        "spiked": ("integer", [0 if i % 4 else int(i) for i in range(ROWS)]),
        "int64": ("integer", cycle([2**63 - 1, -(2**63), 0, None, 2**53 + 1])),
        "early and late": ("date", cycle([dt.date(1677, 9, 21), dt.date(2262, 4, 11), dt.date(2020, 2, 29)])),
        "moment": (
            "datetime",
            cycle([dt.datetime(1677, 9, 21, 0, 12, 43), dt.datetime(2262, 4, 11, 23, 47, 16, 854775), None]),
        ),
        "visits": ("datetime", [dt.datetime(2024, 1, 1) + dt.timedelta(hours=7 * i) for i in range(ROWS)]),
        "took": (
            "duration",
            cycle([dt.timedelta(seconds=1.5), dt.timedelta(days=-3), None, dt.timedelta(0)]),
        ),
        "maybe": ("boolean", cycle([True, None, False, True])),
        "always": ("boolean", [True] * ROWS),
        "emoji 🙂": ("category", cycle(["🙂", "👩‍👩‍👧", "é", "é", "\u202eback", "line\nbreak", ""])),
        "long": ("category", cycle([long, "short"])),
        "case": ("category", cycle(["Yes", "yes", "YES", " yes", "yes "])),
        "note": ("text", [None if i % 5 == 0 else f"a note on case {i}, free text" for i in range(ROWS)]),
        "key": ("id", [f"K-{i:05d}" for i in range(ROWS)]),
        "mail": ("pii.email", [f"person{i}@example.org" for i in range(ROWS)]),
        "town": ("category", cycle(["a", "b", "c", "d"])),
        "region": ("category", cycle(["n", "n", "s", "s"])),
    }


def table_of(columns: dict[str, tuple[str, list[Any]]], **schema: Any) -> tuple[pa.Table, Schema]:
    arrays = {n: pa.array(v, type=TYPES.get(kind, pa.string())) for n, (kind, v) in columns.items()}
    described = []
    for name, (kind, values) in columns.items():
        decimals = 2 if name == "skewed" else 15 if kind == "number" else None
        described.append(Column(name, kind, nullable=None in values, decimals=decimals))
    return pa.table(arrays), Schema(tuple(described), **schema)


def nasty() -> tuple[pa.Table, Schema]:
    return table_of(nasty_columns(), dependencies=(Dependency("town", "region"),), target="case")


def wide(width: int = 60) -> tuple[pa.Table, Schema]:
    rng = np.random.default_rng(4)
    columns = {}
    for i in range(width):
        values = [rng.normal(0, 1, 50).tolist(), rng.integers(0, 5, 50).tolist(), cycle(["a", "b"], 50)][
            i % 3
        ]
        columns[f"c{i}"] = (["number", "integer", "category"][i % 3], values)
    return table_of(columns)


def head(rows: int) -> tuple[pa.Table, Schema]:
    table, schema = nasty()
    return table.slice(0, rows), schema


def only(*names: str) -> tuple[pa.Table, Schema]:
    return table_of({n: nasty_columns()[n] for n in names})


TABLES = {
    "nasty": nasty,
    "one row": lambda: head(1),
    "two rows": lambda: head(2),
    "one column": lambda: only("levels"),
    "one null column": lambda: only("all null"),
    "only ids": lambda: only("key", "mail"),
    "wide": wide,
}


@pytest.fixture(scope="module", params=TABLES)
def given(request) -> tuple[pa.Table, Schema]:
    return TABLES[request.param]()


@pytest.fixture(scope="module")
def learnt(make: Any) -> Synthesizer:
    """Fitted on the nasty table; tests only draw from it."""
    fitted: Synthesizer = make(SEED).fit_table(*nasty())
    return fitted


@pytest.fixture(scope="module")
def fitted(make: Any, given: tuple[pa.Table, Schema]) -> Synthesizer:
    return make(SEED).fit_table(*given)


def ends(values: pa.ChunkedArray) -> tuple[Any, Any]:
    """Least and greatest value; Arrow compares durations only as integers."""
    if pa.types.is_temporal(values.type):
        values = values.cast(pa.int32() if pa.types.is_date32(values.type) else pa.int64())
    both = pc.min_max(values).as_py()
    return both["min"], both["max"]


def same(a: pa.Table, b: pa.Table) -> bool:
    """Equal values; -0.0 and 0.0 are told apart, infinities are equal to themselves."""
    return a.schema == b.schema and a.equals(b)


def test_rows_are_of_the_same_kinds_and_range(fitted: Synthesizer, given: tuple[pa.Table, Schema]) -> None:
    table, schema = given
    made = fitted.draw(500, seed=1).table
    assert made.num_rows == 500 and made.schema.names == table.schema.names
    assert made.schema.types == table.schema.types
    # A private model may draw any code of the domain: that a code has no rows is not for it to know.
    exact = "epsilon" not in type(fitted.fitted.model).settings_type.constraints()
    for column in schema:
        real, drawn = table[column.name], made[column.name]
        if real.null_count == 0 and exact:
            assert drawn.null_count == 0, f"{column.name}: missing values appeared"
        if real.null_count == len(real) and exact:
            assert drawn.null_count == len(drawn), f"{column.name}: values appeared from nowhere"
        elif max(real.null_count / len(real), drawn.null_count / len(drawn)) < 1 and column.ordered:
            (low, high), (lowest, highest) = ends(real), ends(drawn)
            assert lowest >= low and highest <= high, column.name
        elif not is_regenerated(column.kind):
            # Where every level belongs to too few rows to be given away, one word stands for them all.
            common = max(pc.value_counts(real.drop_null()).field("counts").to_pylist(), default=3) >= 3
            allowed = set(real.to_pylist()) | (set() if common else {"other"})
            if not exact:
                allowed |= {None, "other", *([True, False] if column.kind == "boolean" else [])}
            assert set(drawn.to_pylist()) <= allowed, f"{column.name}: a level of our own making"
        else:
            assert not set(drawn.drop_null().to_pylist()) & set(real.drop_null().to_pylist()), column.name


def test_numbers_are_never_nan_and_keep_their_decimals(learnt: Synthesizer) -> None:
    made = learnt.draw(400, seed=2).table
    for column in ("infinite", "skewed"):
        values = np.array(made[column].drop_null())
        assert not np.isnan(values).any()
    skewed = np.array(made["skewed"])
    np.testing.assert_array_equal(skewed, np.round(skewed, 2))


def test_dependencies_hold(learnt: Synthesizer) -> None:
    made = learnt.draw(300, seed=2).table
    pairs = set(zip(made["town"].to_pylist(), made["region"].to_pylist(), strict=True))
    assert pairs <= {("a", "n"), ("b", "n"), ("c", "s"), ("d", "s")}


def test_rare_levels_are_not_written(learnt: Synthesizer) -> None:
    """Every value of the column belongs to one row, so none may be given away."""
    made = learnt.draw(300, seed=2).table
    real = set(nasty_columns()["all different"][1])
    assert not set(made["all different"].drop_null().to_pylist()) & real


def test_ids_stay_unique(learnt: Synthesizer) -> None:
    made = learnt.draw(5000, seed=2).table
    for column in ("key", "mail"):
        assert pc.count_distinct(made[column]).as_py() == 5000


def test_the_seed_decides(make: Any, given: tuple[pa.Table, Schema], fitted: Synthesizer) -> None:
    table, schema = given
    if len(schema) > 50:
        return  # the smaller tables say the same in a fraction of the time
    again = make(SEED).fit_table(table, schema)
    assert same(fitted.draw(50, seed=3).table, again.draw(50, seed=3).table)
    if table.num_rows > 2 and len(table.drop_null()) > 0:
        assert not same(fitted.draw(50, seed=3).table, fitted.draw(50, seed=4).table)


def test_calls_without_a_seed_differ_and_can_be_repeated(make: Any) -> None:
    one, two = (make(SEED).fit_table(*only("levels", "skewed", "maybe")) for _ in range(2))
    first, second = one.draw(30).table, one.draw(30).table
    assert not same(first, second)
    assert same(first, two.draw(30).table) and same(second, two.draw(30).table)


def test_saved_and_loaded(fitted: Synthesizer, given: tuple[pa.Table, Schema], tmp_path: Any) -> None:
    path = tmp_path / "m.locum"
    fitted.save(path)
    loaded = Synthesizer.load(path)
    assert same(loaded.draw(80, seed=5).table, fitted.draw(80, seed=5).table)
    assert loaded.schema == fitted.schema and loaded.encoder.domain == fitted.encoder.domain
    assert loaded.treatments() == fitted.treatments() and loaded.n_rows == given[0].num_rows
    assert (loaded.name, loaded.seed) == (fitted.name, fitted.seed)
    if fitted.has_density:
        np.testing.assert_array_equal(loaded.log_prob_table(given[0]), fitted.log_prob_table(given[0]))
    loaded.save(tmp_path / "again.locum")
    assert (tmp_path / "again.locum").read_bytes() == path.read_bytes()


def test_two_fits_give_the_same_file(make: Any, learnt: Synthesizer, tmp_path: Any) -> None:
    learnt.save(tmp_path / "0.locum")
    make(SEED).fit_table(*nasty()).save(tmp_path / "1.locum")
    assert (tmp_path / "0.locum").read_bytes() == (tmp_path / "1.locum").read_bytes()


def test_training_rows_are_possible(fitted: Synthesizer, given: tuple[pa.Table, Schema]) -> None:
    if not fitted.has_density:
        with pytest.raises(UsageError, match="no probability"):
            fitted.log_prob_table(given[0])
        return
    log_prob = fitted.log_prob_table(given[0])
    assert log_prob.shape == (given[0].num_rows,)
    assert np.isfinite(log_prob).all() and (log_prob <= 1e-9).all()


def test_every_column_has_its_treatment(fitted: Synthesizer, given: tuple[pa.Table, Schema]) -> None:
    treatments = fitted.treatments()
    assert [t.column for t in treatments] == list(given[1].names)
    assert all(t.sentence.endswith(".") and t.codes >= 1 for t in treatments)


def test_blocks_end_to_end_are_the_table(learnt: Synthesizer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("locum.models.draw_blocks.BLOCK_ROWS", (10, 40))
    blocks = list(learnt.blocks(101, seed=3))
    assert [block.num_rows for block in blocks] == [40, 40, 21]
    whole = learnt.draw(101, seed=3).table
    assert same(pa.concat_tables(blocks).combine_chunks(), whole)
    for column in ("key", "mail"):
        assert pc.count_distinct(whole[column]).as_py() == 101, "ids repeat from block to block"


@pytest.mark.parametrize("n", [0, -5, 2.5, None, True])
def test_numbers_of_rows_that_make_no_sense(make: Any, n: Any) -> None:
    synthesizer = make(SEED).fit_table(*head(2))
    for call in (synthesizer.sample, synthesizer.draw, synthesizer.blocks):
        with pytest.raises(UsageError, match="rows cannot be drawn" if n is not None else "missing"):
            call(n, seed=1)


def test_seeds_that_make_no_sense(make: Any) -> None:
    with pytest.raises(UsageError, match="seed"):
        make(-1)
    synthesizer = make(SEED).fit_table(*head(2))
    with pytest.raises(UsageError, match="seed"):
        synthesizer.sample(1, seed=-1)


def test_before_fit(make: Any, tmp_path: Any) -> None:
    synthesizer = make(SEED)
    for call in (
        lambda: synthesizer.sample(1),
        lambda: synthesizer.blocks(1),
        lambda: synthesizer.save(tmp_path / "m.locum"),
        lambda: synthesizer.log_prob_table(nasty()[0]),
        lambda: synthesizer.schema,
        lambda: synthesizer.encoder,
        lambda: synthesizer.fitted,
        lambda: synthesizer.has_density,
        synthesizer.treatments,
    ):
        with pytest.raises(NotFittedError):
            call()
    assert list(tmp_path.iterdir()) == [] and synthesizer.n_rows == 0


def test_tables_that_cannot_be_learned(make: Any) -> None:
    table, schema = nasty()
    synthesizer = make(SEED)
    with pytest.raises(DataError, match="no rows"):
        synthesizer.fit_table(table.slice(0, 0), schema)
    with pytest.raises(DataError, match="no column 'case'"):
        synthesizer.fit_table(table.drop_columns(["case"]), schema)
    with pytest.raises(DataError, match="twice"):
        synthesizer.fit_table(table.append_column("case", table["case"]), schema)
    with pytest.raises(DataError, match="no columns"):
        synthesizer.fit_table(table, Schema(()))
    with pytest.raises(NotFittedError):
        synthesizer.sample(1)


# Frames and files, through the same door that users take.


def plain_table() -> pa.Table:
    rng = np.random.default_rng(8)
    n = 150
    return pa.table(
        {
            "age": pa.array(rng.integers(18, 90, n)),
            "income": pa.array(np.round(rng.lognormal(10, 1, n), 2), mask=rng.random(n) < 0.1),
            "town": pa.array(rng.choice(["Aa", "Bb", "Cc"], n)),
            "member": pa.array(rng.random(n) < 0.4, mask=rng.random(n) < 0.2),
            "since": pa.array(
                [dt.date(2020, 1, 1) + dt.timedelta(days=int(d)) for d in rng.integers(0, 900, n)]
            ),
            "seen": pa.array([dt.datetime(2024, 5, 1, 8) + dt.timedelta(minutes=int(d)) for d in range(n)]),
        }
    )


def pandas_numpy() -> pd.DataFrame:
    frame = plain_table().to_pandas()
    frame["town"] = frame["town"].astype("category")
    frame["age"] = frame["age"].astype("int16")
    return frame[["town", "age", "income", "seen"]]


def pandas_nullable() -> pd.DataFrame:
    return plain_table().to_pandas().convert_dtypes()


def polars_frame() -> pl.DataFrame:
    return pl.DataFrame(plain_table()).with_columns(
        pl.col("age").cast(pl.UInt8), pl.col("town").cast(pl.Categorical)
    )


FRAMES = {
    "pandas": pandas_numpy,
    "pandas nullable": pandas_nullable,
    "polars": polars_frame,
    "pyarrow": plain_table,
}


@pytest.mark.parametrize("kind", FRAMES)
def test_the_user_gets_back_the_type_given(make: Any, kind: str, tmp_path: Any) -> None:
    frame = FRAMES[kind]()
    before = (
        frame.slice(0) if isinstance(frame, pa.Table) else frame.clone() if kind == "polars" else frame.copy()
    )
    synthesizer = make(SEED).fit(frame)
    assert before.equals(frame), "fit changed its input"
    rows = synthesizer.sample(60, seed=2)
    assert type(rows) is type(frame) and len(rows) == 60
    if isinstance(frame, pa.Table):
        assert rows.schema.names == frame.schema.names and rows.schema.types == frame.schema.types
    elif isinstance(frame, pl.DataFrame):
        assert rows.schema == frame.schema
    else:
        assert list(rows.dtypes.items()) == list(frame.dtypes.items())
    if synthesizer.has_density:
        assert np.isfinite(synthesizer.log_prob(frame)).all()
    synthesizer.save(tmp_path / "m.locum")
    again = Synthesizer.load(tmp_path / "m.locum").sample(60, seed=2)
    assert type(again) is type(frame) and again.equals(rows)


def test_a_csv_file(make: Any, tmp_path: Any) -> None:
    path = tmp_path / "people.csv"
    plain_table().to_pandas().to_csv(path, index=False, na_rep="?")
    before = path.read_bytes()
    synthesizer = make(SEED).fit(path)
    assert path.read_bytes() == before
    rows = synthesizer.sample(60, seed=2)
    assert isinstance(rows, pa.Table) and rows.schema.names == plain_table().schema.names
    from locum.data.canonical import canonical
    from locum.data.detect import detect
    from locum.data.read import read

    raw = read(path)
    table = canonical(raw, detect(raw))
    assert synthesizer.schema == detect(raw)
    made = synthesizer.draw(60, seed=2).table
    assert made.schema == table.schema
    assert made["age"].type == pa.int64() and made["income"].type == pa.float64()


def test_a_canonical_table_may_go_through_fit_too(make: Any) -> None:
    table, schema = only("levels", "skewed", "int64", "maybe", "early and late", "visits", "took")
    through_fit = make(SEED).fit(table, schema=schema)
    direct = make(SEED).fit_table(table, schema)
    assert same(through_fit.draw(40, seed=1).table, direct.draw(40, seed=1).table)
    assert isinstance(through_fit.sample(40, seed=1), pa.Table)


def test_duplicated_column_names_are_refused(make: Any, tmp_path: Any) -> None:
    frame = pd.DataFrame([[1, 2], [3, 4]], columns=["age", "age"])
    (tmp_path / "d.csv").write_text("age,age\n1,2\n3,4\n")
    for source in (
        frame,
        tmp_path / "d.csv",
        pa.Table.from_arrays([pa.array([1]), pa.array([2])], ["age", "age"]),
    ):
        with pytest.raises(DataError, match="age"):
            make(SEED).fit(source)


def test_a_hundred_thousand_levels(make: Any) -> None:
    rows = 120_000
    levels = [f"level {i % 100_000}" for i in range(rows)]
    group = ["even" if i % 2 else "odd" for i in range(rows)]
    table, schema = table_of({"levels": ("category", levels), "group": ("category", group)})
    made = make(SEED).fit_table(table, schema).draw(1000, seed=1).table
    assert made.num_rows == 1000 and set(made["group"].to_pylist()) == {"even", "odd"}


@pytest.mark.parametrize("of", ROW_LEVEL)
def test_two_hundred_columns(of: str) -> None:
    """Graphical models under privacy are for narrower tables; what they do here is in benchmarks."""
    table, schema = wide(200)
    made = Synthesizer(of, seed=SEED).fit_table(table, schema).draw(100, seed=1).table
    assert made.schema == table.schema and made.num_rows == 100


@pytest.mark.parametrize("of", ["jam", "pmw-pub"])
def test_a_public_table_that_is_not_there(of: str) -> None:
    with pytest.raises(UsageError, match="there is no public table"):
        Synthesizer(of, seed=SEED).fit_table(*nasty())
