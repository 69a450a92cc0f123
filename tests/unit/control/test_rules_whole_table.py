"""Rows that break a statement about a table, against plain Python."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from locum.control.rules.chance import log_tail, log_tail_of_sum
from locum.control.rules.clause import rule_clauses
from locum.control.rules.shapes.digits import shortest, written
from locum.control.rules.whole_table import join_codes, rows_against, rows_in_support
from locum.control.where.names import Names
from locum.schema.column import Column
from locum.schema.table import Schema

NAMES = Names(Schema(tuple(Column(c, "category") for c in "xyz")))
CELLS = st.lists(st.tuples(*[st.sampled_from(["a", "b", "c", None])] * 3), min_size=1, max_size=25)


def as_table(rows: list[tuple[str | None, ...]]) -> pa.Table:
    return pa.table({c: pa.array([row[i] for row in rows], pa.string()) for i, c in enumerate("xyz")})


@given(CELLS, CELLS)
@settings(max_examples=150)
def test_look_ups_and_keys_agree_with_plain_python(known: list[tuple], rows: list[tuple]) -> None:
    [follows] = rule_clauses("z follows from (x, y)", NAMES)
    [unique] = rule_clauses("unique(x, y)", NAMES)
    counts: dict[tuple, Counter] = defaultdict(Counter)
    for x, y, z in rows:
        counts[x, y][z] += 1
    broken = rows_against(follows, as_table(rows))
    assert broken.sum() == len(rows) - sum(max(c.values()) for c in counts.values())
    assert rows_in_support(follows, as_table(rows)) == sum(
        sum(c.values()) for c in counts.values() if sum(c.values()) > 1
    )
    first: dict[tuple, Counter] = defaultdict(Counter)
    for x, y, z in known:
        first[x, y][z] += 1
    later = rows_against(follows, as_table(rows), as_table(known))
    for (x, y, z), bad in zip(rows, later, strict=True):
        if (x, y) in first:
            most = max(first[x, y].values())
            assert bad or z in {v for v, c in first[x, y].items() if c == most}
            assert not bad or first[x, y][z] < most or list(first[x, y].values()).count(most) > 1
    seen: set[tuple] = {row[:2] for row in known if None not in row[:2]}
    for row, bad in zip(rows, rows_against(unique, as_table(rows), as_table(known)), strict=True):
        assert bad == (row[:2] in seen)
        seen |= {row[:2]} if None not in row[:2] else set()


@given(st.lists(st.lists(st.integers(-1, 2**40), min_size=4, max_size=4), min_size=1, max_size=4))
def test_joined_codes_are_equal_where_all_codes_are(columns: list[list[int]]) -> None:
    key = join_codes([np.array(c) for c in columns])
    rows = list(zip(*columns, strict=True))
    for i in range(4):
        for j in range(4):
            assert (key[i] == key[j]) == (rows[i] == rows[j])


@given(st.integers(1, 60), st.floats(0.01, 0.9), st.integers(0, 10))
def test_the_chance_of_few_broken_rows_is_never_too_small(n: int, share: float, broken: int) -> None:
    broken = min(broken, n)
    exact = sum(
        float(np.exp(_log_choose(n, k) + k * np.log(share) + (n - k) * np.log1p(-share)))
        for k in range(broken + 1)
    )
    for found in (log_tail(n, share, broken), log_tail_of_sum(n * share, broken)):
        assert np.exp(found) >= exact * (1 - 1e-9)


def _log_choose(n: int, k: int) -> float:
    return float(sum(np.log(n - i) - np.log(i + 1) for i in range(k)))


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e4))
def test_the_shortest_number_lies_in_its_range_and_can_be_read_again(low: float, width: float) -> None:
    found = shortest(low, low + width)
    assert low <= found <= low + width
    assert abs(float(written(found)) - found) <= 1e-9 * max(1.0, abs(found))


def test_thresholds_are_as_people_write_them() -> None:
    assert [written(shortest(*r)) for r in ((47.2, 48.9), (18.401, 18.5), (31.9996, 32.0003), (-3, 5))] == [
        "48",
        "18.5",
        "32",
        "0",
    ]
