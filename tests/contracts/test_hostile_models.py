"""Whole model files changed by someone who knows the format: refused on loading, or harmless in use."""

from __future__ import annotations

import copy
import datetime as dt
import json
import tracemalloc
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from locum.data.origin import Origin
from locum.data.read import read
from locum.errors import FileFormatError, LocumError
from locum.files.container import Container, read_container, write_container
from locum.schema.column import Column
from locum.schema.table import Dependency, Schema
from locum.synthesizer.table import Synthesizer

ROWS = 120
PEAK = 100 * 2**20


def table() -> tuple[pa.Table, Schema]:
    rng = np.random.default_rng(1)
    start = dt.datetime(2024, 1, 1)
    times = [start + dt.timedelta(hours=5 * i) for i in range(ROWS)]
    columns: dict[str, tuple[str, pa.Array]] = {
        "town": ("category", pa.array(["a", "b", None] * (ROWS // 3))),
        "region": ("category", pa.array(["n", "s", None] * (ROWS // 3))),
        "income": ("number", pa.array(np.round(rng.lognormal(9, 1, ROWS), 2), mask=rng.random(ROWS) < 0.2)),
        "gain": ("integer", pa.array(np.where(rng.random(ROWS) < 0.8, 0, rng.integers(1, 9999, ROWS)))),
        "member": ("boolean", pa.array(rng.random(ROWS) < 0.3, mask=rng.random(ROWS) < 0.2)),
        "since": ("date", pa.array([t.date() for t in times])),
        "seen": ("datetime", pa.array(times, pa.timestamp("us"))),
        "took": ("duration", pa.array([dt.timedelta(minutes=int(m)) for m in rng.integers(1, 90, ROWS)])),
        "key": ("id", pa.array([f"K-{i:05d}" for i in range(ROWS)])),
        "note": ("text", pa.array([f"free words number {i}" for i in range(ROWS)])),
        "mail": ("pii.email", pa.array([f"p{i}@example.org" for i in range(ROWS)])),
        "phone": ("pii.phone", pa.array([f"+1 212-555-{i:04d}" for i in range(ROWS)])),
    }
    described = tuple(
        Column(name, kind, decimals=2 if kind == "number" else None)  # type: ignore[arg-type]
        for name, (kind, _) in columns.items()
    )
    schema = Schema(described, (Dependency("town", "region"),), "member", ("town",))
    return pa.table({name: values for name, (_, values) in columns.items()}), schema


def origin() -> Origin:
    """The table as if it had come from pandas."""
    return read(table()[0].to_pandas()).origin


class Parts:
    """A container that does not print all of itself when a case fails."""

    def __init__(self, whole: Container) -> None:
        self.whole = whole


@pytest.fixture(scope="module")
def parts(make: Any, tmp_path_factory: pytest.TempPathFactory) -> Parts:
    path = tmp_path_factory.mktemp("hostile") / "m.locum"
    make(1).fit_table(*table()).remember(origin()).save(path)
    return Parts(read_container(path))


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths to every value of a JSON document; of long lists only the ends."""
    found = [at] if at else []
    if isinstance(value, dict):
        for key, inner in value.items():
            found += places(inner, (*at, key))
    elif isinstance(value, list):
        for i in sorted({*range(min(len(value), 3)), *range(max(0, len(value) - 2), len(value))}):
            found += places(value[i], (*at, i))
    return found


def change(document: Any, at: tuple[Any, ...], action: str, value: Any) -> Any:
    out = copy.deepcopy(document)
    inner = out
    for step in at[:-1]:
        inner = inner[step]
    old = inner[at[-1]]
    if action == "delete":
        del inner[at[-1]]
    elif action == "repeat" and isinstance(old, list):
        inner[at[-1]] = old + old
    elif action == "shorten" and isinstance(old, list):
        inner[at[-1]] = old[:-1]
    elif action == "reverse" and isinstance(old, list):
        inner[at[-1]] = old[::-1]
    elif action == "negate" and isinstance(old, int | float):
        inner[at[-1]] = not old if isinstance(old, bool) else -old
    elif action == "grow" and isinstance(old, int | float) and not isinstance(old, bool):
        inner[at[-1]] = old * 1000 + 1 if abs(old) < 1e300 else 0
    else:
        inner[at[-1]] = value
    return out


VALUES = st.sampled_from(
    [None, True, 0, 1, -1, 7, 2**31, 2**63 - 1, -(2**63), 2**63, 10**40, 0.5, -0.5, 1e308, -1e308, 5e-324, "",
     "x", "inf", "nan", "\x00", "%", "[", "é🙂", "x" * 5000, [], [0], [None], [[]], {}, {"x": 1}]
)  # fmt: skip
ACTIONS = st.sampled_from(["set", "set", "delete", "repeat", "shorten", "reverse", "negate", "grow"])


def loads_or_refuses(path: Any, container: Container) -> None:
    write_container(path, container)
    tracemalloc.start()
    try:
        try:
            synthesizer = Synthesizer.load(path)
        except FileFormatError:
            return
        try:
            assert synthesizer.draw(20, seed=1).table.num_rows == 20
            synthesizer.sample(5, seed=1)
            synthesizer.treatments()
        except LocumError:
            return
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < PEAK


@settings(
    max_examples=80,
    database=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)
@given(data=st.data())
def test_fuzzed_documents(parts: Parts, tmp_path: Any, data: st.DataObject) -> None:
    whole = parts.whole
    documents = dict(whole.documents)
    for _ in range(data.draw(st.integers(1, 2), label="changes")):
        which = data.draw(st.sampled_from(["encoder", "encoder", "schema", "model"]))
        at = data.draw(st.sampled_from(places(documents[which])))
        action, value = data.draw(ACTIONS), data.draw(VALUES)
        note(f"{which} {at} {action} {json.dumps(value)[:80]}")
        documents[which] = change(documents[which], at, action, value)
    loads_or_refuses(tmp_path / "hostile.locum", Container(whole.kind, documents, whole.tensors, whole.about))


def test_another_kind_or_name(parts: Parts, tmp_path: Any) -> None:
    whole, path = parts.whole, tmp_path / "m.locum"
    write_container(path, Container("spaceship", whole.documents, whole.tensors))
    with pytest.raises(FileFormatError, match="holds a spaceship"):
        Synthesizer.load(path)
    for name in ("os", "locum.models.tree.model:TreeModel", "../x", ""):
        model = {**whole.documents["model"], "name": name}
        write_container(path, Container("table", {**whole.documents, "model": model}, whole.tensors))
        with pytest.raises(FileFormatError, match="which is not here"):
            Synthesizer.load(path)
