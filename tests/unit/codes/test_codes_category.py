"""Labels and truth values."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from locum.codes.encoder import Encoder
from locum.codes.settings import EncoderSettings
from locum.schema.column import Column
from locum.schema.table import Schema

PLAIN = Schema((Column("c", "category"),))


def fit(values: list[str | None], schema: Schema = PLAIN, **settings: int) -> Encoder:
    return Encoder.fit(
        pa.table({"c": pa.array(values, pa.string())}), schema, settings=EncoderSettings(**settings)
    )


def codes_of(encoder: Encoder, values: list[str | None]) -> list[int]:
    return encoder.encode(pa.table({"c": pa.array(values, pa.string())})).column(0).tolist()


def test_levels_by_frequency_then_other_then_null() -> None:
    encoder = fit(["b"] * 5 + ["a"] * 9 + ["c"] * 5 + ["rare"] + [None])
    assert encoder.domain.sizes == (5,)
    assert encoder.domain.attributes[0].null == 4
    assert not encoder.domain.attributes[0].ordered
    assert codes_of(encoder, ["a", "b", "c", "rare", "never seen", None]) == [0, 1, 2, 3, 3, 4]


def test_no_rare_level_is_written_or_stored() -> None:
    encoder = fit(["a"] * 50 + ["b"] * 30 + [f"person {i}" for i in range(20)])
    decoded = encoder.decode(np.full((4000, 1), 2, dtype=np.int32), seed=1)["c"].to_pylist()
    assert set(decoded) == {"a", "b"}
    assert abs(decoded.count("a") / 4000 - 50 / 80) < 0.04
    assert "person" not in str(encoder.to_json())
    assert "20 rare levels pooled" in encoder.treatments()[0].sentence


def test_unseen_level_without_other_goes_to_the_most_frequent() -> None:
    encoder = fit(["a"] * 5 + ["b"] * 9)
    assert codes_of(encoder, ["new", None, "b"]) == [0, 0, 0]


def test_declared_levels_are_all_coded() -> None:
    schema = Schema((Column("c", "category", levels=("x", "y", "z")),))
    encoder = fit(["x", "y", "y", "q"], schema)
    assert encoder.domain.sizes == (4,)
    assert codes_of(encoder, ["y", "x", "z", "q"]) == [0, 1, 2, 3]
    decoded = encoder.decode(np.full((500, 1), 3, dtype=np.int32), seed=0)["c"].to_pylist()
    assert set(decoded) <= {"x", "y", "z"}


@pytest.mark.parametrize(
    ("missing", "storage", "written"),
    [(True, "string", None), (False, "string", "other"), (False, "int64", "0")],
)
def test_when_every_level_is_rare(missing: bool, storage: str, written: str | None) -> None:
    schema = Schema((Column("c", "category", storage=storage),))
    encoder = fit(["a", "b", "c", *([None] if missing else [])], schema)
    assert encoder.domain.sizes == (1 + missing,)
    assert encoder.decode(np.zeros((2, 1), dtype=np.int32), seed=0)["c"].to_pylist() == [written] * 2


def test_100k_levels() -> None:
    names = np.array([f"level-{i:06d}" for i in range(100_000)])
    table = pa.table({"c": pa.array(np.repeat(names, 3))})
    encoder = Encoder.fit(table, PLAIN)
    assert encoder.domain.sizes == (100_000,)
    coded = encoder.encode(table)
    assert encoder.decode(coded.codes, seed=0).equals(table)


def test_most_levels() -> None:
    values = [f"v{i}" for i in range(50) for _ in range(60 - i)]
    encoder = fit(values, max_levels=10)
    assert encoder.domain.sizes == (11,)
    assert codes_of(encoder, ["v0", "v9", "v10"]) == [0, 9, 10]


def test_boolean_codes() -> None:
    schema = Schema((Column("c", "boolean"),))
    table = pa.table({"c": [True, False, None, True]})
    encoder = Encoder.fit(table, schema)
    assert encoder.domain.sizes == (3,)
    assert encoder.encode(table).column(0).tolist() == [1, 0, 2, 1]
    assert encoder.decode(encoder.encode(table).codes, seed=0).equals(table)
    plain = Encoder.fit(table.slice(0, 2), schema)
    assert plain.domain.sizes == (2,)
    assert plain.encode(table).column(0).tolist() == [1, 0, 0, 1]
