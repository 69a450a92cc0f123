"""What is calculated from codes is what the decoded column says."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from locum.codes.encoder import Encoder
from locum.control.layout.plan import lay_out
from locum.schema.column import Column
from locum.schema.table import Dependency, Schema

COLUMNS = (
    Column("kind", "category", False),
    Column("price", "integer", False),
    Column("count", "integer", False),
    Column("total", "integer", False),
    Column("start", "integer", False),
    Column("end", "integer", False),
    Column("team", "category", False),
)
RULES = ("total = price * count", "start <= end")


def shop(rows: int = 4_000) -> tuple[pa.Table, Schema]:
    rng = np.random.default_rng(1)
    kind = rng.integers(0, 12, rows)
    price, count = rng.integers(1, 30, rows), rng.integers(1, 9, rows)
    start = rng.integers(0, 1000, rows)
    table = pa.table(
        {
            "kind": [f"k{k:02}" for k in kind],
            "price": price,
            "count": count,
            "total": price * count,
            "start": start,
            "end": start + rng.integers(0, 20, rows),
            "team": [f"t{k % 3}" for k in kind],
        }
    )
    schema = Schema(COLUMNS, rules=RULES, dependencies=(Dependency("kind", "team"),))
    return table, schema


def test_calculated_codes_go_up_with_the_decoded_values() -> None:
    table, schema = shop()
    encoder = Encoder.fit(table, schema, recodings=lay_out(table, schema))
    coded = encoder.encode(table)
    found = {c.attribute.column: c for c in encoder.domain.calculated}
    assert set(found) == {"total", "end", "team"}
    decoded = encoder.decode(coded.codes, seed=0)
    for name in ("total", "end"):
        code, value = found[name](coded.codes), decoded[name].to_numpy()
        assert found[name].attribute.ordered
        order = np.argsort(code, kind="stable")
        # codes are put together in cells, so the ranks agree up to a few cells
        rank = np.argsort(np.argsort(value[order], kind="stable"))
        assert np.abs(rank - np.arange(len(rank))).mean() < 0.03 * len(rank)
    team = found["team"](coded.codes)
    pairs = set(zip(team.tolist(), decoded["team"].to_pylist(), strict=True))
    assert len(pairs) == 3


def test_what_one_code_says_already_is_not_calculated() -> None:
    table, _ = shop()
    same = table.append_column("cents", pa.array(table["price"].to_numpy() * 100))
    columns = (*COLUMNS, Column("cents", "integer", False))
    wide = Schema(columns, rules=(*RULES, "cents = 100 * price"))
    encoder = Encoder.fit(same, wide, recodings=lay_out(same, wide))
    assert "cents" not in {c.attribute.column for c in encoder.domain.calculated}


def test_a_table_without_rules_has_nothing_calculated() -> None:
    table, _ = shop()
    assert Encoder.fit(table, Schema(COLUMNS)).domain.calculated == ()
