"""Coded rows in memory and in the smallest integers say the same."""

from __future__ import annotations

import numpy as np
import pytest

from locum.schema.domain import Attribute, Coded, CompactRows, Domain

SIZES = (1, 2, 256, 257, 65_537)
DOMAIN = Domain(tuple(Attribute(f"c{i}", f"c{i}", size, True) for i, size in enumerate(SIZES)))


def coded(n: int = 1_000) -> Coded:
    rng = np.random.default_rng(4)
    columns = [rng.integers(0, size, n) for size in SIZES]
    columns = [np.where(np.arange(n) == 7, size - 1, c) for c, size in zip(columns, SIZES, strict=True)]
    return Coded(DOMAIN, np.asfortranarray(np.stack(columns, axis=1).astype(np.int32)))


@pytest.mark.parametrize("block", [1, 333, 1_000, 5_000])
def test_compact_rows_are_the_rows(block: int) -> None:
    whole = coded()
    small = CompactRows(DOMAIN, whole.blocks(block))
    assert small.n_rows == 1_000 and small.domain == DOMAIN
    for i in range(len(DOMAIN)):
        np.testing.assert_array_equal(small.column(i), whole.column(i))
        assert small.column(i).dtype == np.int32
    rows = np.array([7, 3, 3, 999])
    for held in (small, whole):
        taken = held.take(rows)
        assert taken.dtype == np.int32 and taken.flags.f_contiguous
        np.testing.assert_array_equal(taken, whole.codes[rows])
        parts = list(held.blocks(block))
        assert max(len(p) for p in parts) <= block
        np.testing.assert_array_equal(np.concatenate(parts), whole.codes)


def test_compact_rows_take_the_fewest_bytes() -> None:
    small = CompactRows(DOMAIN, coded().blocks(100))
    assert [c.itemsize for c in small._columns] == [1, 1, 1, 2, 4]


def test_no_rows_and_wrong_widths() -> None:
    assert CompactRows(DOMAIN, ()).n_rows == 0 and len(CompactRows(DOMAIN, ()).column(2)) == 0
    with pytest.raises(ValueError, match="do not fit"):
        CompactRows(DOMAIN, [np.zeros((3, 2), dtype=np.int32)])
