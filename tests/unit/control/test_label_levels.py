"""Labels that a rule or a dependency gives can be balanced: all that they can be is known."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

import locum
from locum.codes.recoding import RestoredCodebook
from locum.control.targets import read_targets
from locum.control.where.names import Names
from locum.errors import UsageError
from locum.schema.column import Column
from locum.schema.table import Schema
from locum.synthesizer.table import Synthesizer

PAIRS = (("open", "new"), ("open", "old"), ("shut", "old"), ("wait", "new"), ("wait", "mid"))
DAYS = ("Th", "Fr", "Sa", "Su", "Mo", "Tu", "We")
N = 700


@pytest.fixture(scope="module")
def office() -> tuple[pa.Table, Synthesizer]:
    """A county from a town, a day's name from a date, states and kinds that go together, and heights."""
    rng = np.random.default_rng(3)
    town = rng.choice(20, N * 2, p=np.arange(1, 21) / 210)
    day = np.datetime64("2023-01-01") + rng.integers(0, 700, N * 2)
    pair = rng.choice(len(PAIRS), N * 2, p=[0.4, 0.2, 0.1, 0.1, 0.2])
    height = rng.normal(170, 9, N * 2).round(1)
    columns = {
        "town": [f"T{t:02}" for t in town],
        "county": [f"C{t // 4}" for t in town],
        "date": day,
        "weekday": np.array(DAYS)[day.astype(int) % 7],
        "status": [PAIRS[p][0] for p in pair],
        "kind": [PAIRS[p][1] for p in pair],
        "height": height,
        "size": np.where(height > 175, "tall", "small"),
    }
    table = pa.table({name: pa.array(values) for name, values in columns.items()})
    return table, locum.fit(table, synthesizer="tree-fast", seed=1)


def test_labels_that_follow_have_all_their_levels_and_can_be_balanced(
    office: tuple[pa.Table, Synthesizer],
) -> None:
    table, synth = office
    levels = Names.of(synth.encoder).levels
    books = synth.encoder.by_name
    assert any(isinstance(books[name], RestoredCodebook) for name in ("weekday", "status", "size"))
    for name in ("county", "weekday", "status", "kind", "size"):
        assert sorted(levels[name]) == sorted(set(table[name].to_pylist()))
        rows = synth.draw(N, targets={name: "balanced"}, seed=2).table
        count = Counter(rows[name].to_pylist())
        assert set(count) == set(levels[name])
        assert max(count.values()) - min(count.values()) <= 1
        assert set(zip(rows["status"].to_pylist(), rows["kind"].to_pylist(), strict=True)) <= set(PAIRS)


def test_an_unknown_level_of_a_label_that_follows_is_refused(office: tuple[pa.Table, Synthesizer]) -> None:
    with pytest.raises(UsageError, match="weekday has no level 'Fry'"):
        office[1].draw(5, targets={"weekday": {"Fry": 0.5}}, seed=2)


def test_labels_that_are_not_known_are_told_how_to_be_asked_for() -> None:
    names = Names(Schema((Column("my kind", "category"), Column("age", "integer"))))
    with pytest.raises(UsageError, match="not known beforehand") as label:
        read_targets({"my kind": "balanced"}, names)
    assert "\"my kind\" = 'A': 0.5" in str(label.value)
    with pytest.raises(UsageError, match="age is no column of labels") as number:
        read_targets({"age": "balanced"}, names)
    assert "age >= 1: 0.5" in str(number.value)
