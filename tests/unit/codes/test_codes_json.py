"""Reading an encoder from JSON: hostile input gives FileFormatError, quickly, and nothing else."""

from __future__ import annotations

import copy
import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locum.codes.encoder import Encoder
from locum.errors import DataError, FileFormatError, UsageError
from locum.schema.column import Column
from locum.schema.table import Dependency, Schema

SCHEMA = Schema(
    (
        Column("level", "category"),
        Column("code", "integer"),
        Column("money", "integer"),
        Column("ratio", "number"),
        Column("flag", "boolean"),
        Column("when", "datetime"),
        Column("day", "date"),
        Column("wait", "duration"),
        Column("key", "id"),
        Column("note", "text"),
        Column("mail", "pii.email"),
    ),
    (Dependency("level", "code"),),
)


def table(n: int = 600) -> pa.Table:
    rng = np.random.default_rng(0)
    level = rng.integers(0, 5, n)
    money = rng.lognormal(8, 1, n).astype(np.int64)
    return pa.table(
        {
            "level": pa.array(level.astype(str)),
            "code": pa.array(level * 10),
            "money": pa.array(np.where(rng.random(n) < 0.6, money // 100 * 100, money)),
            "ratio": pa.array([*rng.normal(size=n - 2), np.inf, None]),
            "flag": pa.array(rng.random(n) < 0.5),
            "when": pa.array(rng.integers(0, 10**15, n)).view(pa.timestamp("us")),
            "day": pa.array(rng.integers(0, 9000, n).astype(np.int32)).view(pa.date32()),
            "wait": pa.array(rng.integers(0, 10**9, n)).view(pa.duration("us")),
            "key": pa.array([f"K{i:05d}" for i in range(n)]),
            "note": pa.array(["some words here"] * n),
            "mail": pa.array([f"a{i}@b.co" for i in range(n)]),
        }
    )


@pytest.fixture(scope="module")
def state() -> Any:
    return json.loads(json.dumps(Encoder.fit(table(), SCHEMA).to_json(), allow_nan=False))


def places(obj: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every path inside a JSON value; of long lists the first two and the last item."""
    out = [path] if path else []
    if isinstance(obj, dict):
        items = list(obj.items())
    elif isinstance(obj, list):
        items = [(i, obj[i]) for i in sorted({0, 1, len(obj) - 1} & set(range(len(obj))))]
    else:
        items = []
    for key, value in items:
        out += places(value, (*path, key))
    return out


def broken(state: Any, path: tuple[Any, ...], value: Any, remove: bool = False) -> Any:
    changed = copy.deepcopy(state)
    at = changed
    for key in path[:-1]:
        at = at[key]
    if remove:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return changed


ODD = [
    None,
    True,
    -1,
    0,
    10**30,
    1e308,
    float("nan"),
    float("inf"),
    "x",
    "inf",
    "\ud800",
    [],
    {},
    [[1]],
    [None],
    2**62,
    0.5,
]


def test_it_reads_what_it_wrote(state: Any) -> None:
    encoder = Encoder.fit(table(), SCHEMA)
    back = Encoder.from_json(state, SCHEMA)
    codes = encoder.encode(table()).codes
    assert np.array_equal(back.encode(table()).codes, codes)
    assert back.decode(codes, seed=9).equals(encoder.decode(codes, seed=9))


@settings(max_examples=600)
@given(st.data())
def test_one_broken_field_is_refused_or_harmless(state: Any, data: st.DataObject) -> None:
    """Reading gives FileFormatError, or an encoder that still decodes its own codes."""
    path = data.draw(st.sampled_from(places(state)))
    remove = data.draw(st.booleans()) and isinstance(path[-1], str)
    changed = broken(state, path, data.draw(st.sampled_from(ODD)), remove)
    try:
        encoder = Encoder.from_json(changed, SCHEMA)
    except FileFormatError:
        return
    sizes = np.array(encoder.domain.sizes)
    codes = np.asfortranarray(np.stack([np.zeros_like(sizes), sizes - 1, sizes // 2]).astype(np.int32))
    assert encoder.decode(codes, seed=0).num_rows == 3
    assert encoder.encode(table(50)).codes.shape == (50, len(sizes))


@pytest.mark.parametrize("obj", [None, [], 3, "text", {}, {"format": 1}, {"format": "1"}])
def test_something_else_altogether(obj: Any) -> None:
    with pytest.raises(FileFormatError):
        Encoder.from_json(obj, SCHEMA)


def test_a_newer_version_says_so(state: Any) -> None:
    with pytest.raises(FileFormatError, match="format 2"):
        Encoder.from_json({**state, "format": 2}, SCHEMA)


def test_another_schema_is_refused(state: Any) -> None:
    with pytest.raises(FileFormatError):
        Encoder.from_json(state, Schema(SCHEMA.columns[:3]))
    renamed = (Column("other", "category"), *SCHEMA.columns[1:])
    with pytest.raises(FileFormatError):
        Encoder.from_json(state, Schema(renamed))
    other_kind = (*SCHEMA.columns[:2], Column("money", "category"), *SCHEMA.columns[3:])
    with pytest.raises(FileFormatError):
        Encoder.from_json(state, Schema(other_kind, SCHEMA.dependencies))


def test_codes_that_do_not_fit_are_refused() -> None:
    encoder = Encoder.fit(table(), SCHEMA)
    codes = encoder.encode(table()).codes
    with pytest.raises(UsageError):
        encoder.decode(codes[:, :3], seed=0)
    codes[0, 0] = 99
    with pytest.raises(UsageError):
        encoder.decode(codes, seed=0)
    with pytest.raises(UsageError):
        encoder.decode(codes, seed=-1)


def test_a_table_that_does_not_fit_is_refused() -> None:
    with pytest.raises(DataError, match="money"):
        Encoder.fit(table().drop_columns(["money"]), SCHEMA)
    wrong = table().set_column(2, "money", pa.array(["many"] * 600))
    with pytest.raises(DataError, match="money"):
        Encoder.fit(wrong, SCHEMA)
