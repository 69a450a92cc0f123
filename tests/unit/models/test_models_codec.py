"""The codec of model arrays: what is declared is written, and nothing else is read."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest

from locum.errors import FileFormatError
from locum.models.base import ModelState
from locum.models.codec import ArraySpec, Layout, StateReader, check_counts, check_shares
from locum.schema.domain import Attribute, Domain

DOMAIN = Domain((Attribute("a", "a", 2, True), Attribute("b", "b", 3, False)))
LAYOUT = Layout(
    {
        "n": ArraySpec(np.int64, low=0),
        "p": ArraySpec(np.float64, 0, 1),
        "rows": ArraySpec(np.int32, low=0, ndim=2),
    },
    frozenset({"total"}),
)


def state(**changed: Any) -> ModelState:
    arrays = {"n": [1, 2, 3, 4, 5], "p": [0.5, 0.5], "rows": [[1, 2], [0, 0]]}
    made = LAYOUT.write(arrays, total=3)
    return ModelState(made.settings, {**made.tensors, **changed})


def reader(**changed: Any) -> StateReader:
    return StateReader(state(**changed), DOMAIN, LAYOUT)


def test_what_is_written_is_read() -> None:
    made = state()
    assert [made.tensors[k].dtype for k in ("n", "p", "rows")] == [np.int64, np.float64, np.int32]
    file = reader()
    assert [part.tolist() for part in file.per_attribute("n")] == [[1, 2], [3, 4, 5]]
    assert [part.tolist() for part in file.parts("n", [4, 0, 1])] == [[1, 2, 3, 4], [], [5]]
    assert file.rows("rows").tolist() == [[1, 2], [0, 0]]
    assert file.array("p", None).tolist() == file.array("p", 2).tolist() == [0.5, 0.5]
    assert file.settings.integer("total", low=1) == 3


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"n": np.array([1, -1])}, "outside"),
        ({"n": np.array([1, 2], dtype=np.int32)}, "int32"),
        ({"n": np.array([[1, 2]])}, "2-D"),
        ({"p": np.array([0.5, np.nan])}, "NaN"),
        ({"p": np.array([0.5, np.inf])}, "NaN or infinity"),
        ({"p": np.array([1.5])}, "outside 0 to 1"),
        ({"p": np.array(0.5)}, "0-D"),
        ({"more": np.zeros(1)}, "surplus"),
    ],
)
def test_arrays_that_are_not_as_declared_are_refused(changed: dict[str, Any], words: str) -> None:
    with pytest.raises(FileFormatError, match=words):
        reader(**changed)


def test_what_is_missing_or_empty_is_refused() -> None:
    whole = state()
    with pytest.raises(FileFormatError, match="missing"):
        StateReader(ModelState({}, whole.tensors), DOMAIN, LAYOUT)
    with pytest.raises(FileFormatError, match="missing"):
        StateReader(ModelState(whole.settings, {"n": whole.tensors["n"]}), DOMAIN, LAYOUT)
    with pytest.raises(FileFormatError, match="no column"):
        StateReader(whole, Domain(()), LAYOUT)


@pytest.mark.parametrize("rows", [[[2, 0]], [[0, 3]], np.zeros((0, 2)), [[0]]])
def test_rows_outside_the_domain_are_refused(rows: Any) -> None:
    with pytest.raises(FileFormatError):
        reader(rows=np.array(rows, dtype=np.int32)).rows("rows")


@pytest.mark.parametrize("order", [[0], [0, 0], [1, 2], [0, 1, 2]])
def test_an_order_names_every_column_once(order: list[int]) -> None:
    with pytest.raises(FileFormatError):
        reader(n=np.array(order)).order("n")
    assert reader(n=np.array([1, 0])).order("n") == [1, 0]


@pytest.mark.parametrize("lengths", [[2**62, 2**62], [10**30], [4], [6], [5, 1], [-1, 6], [2, -3, 6]])
def test_claimed_lengths_cost_no_memory(lengths: list[int]) -> None:
    """Sums of claims are Python integers, so they neither wrap around nor are ever allocated."""
    file = reader()
    tracemalloc.start()
    try:
        with pytest.raises(FileFormatError):
            file.parts("n", lengths)
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_counts_and_shares_that_cannot_be() -> None:
    most = np.iinfo(np.int64).max
    for counts in ([0, 0], [most, most], [2**62], [-1, 5], []):
        with pytest.raises(FileFormatError, match="counts"):
            check_counts(np.array(counts, dtype=np.int64))
    assert check_counts(np.array([0, 2**61])).tolist() == [0, 2**61]
    for table in ([0.2, 0.2], [0.0], [[0.5, 0.5], [0.5, 0.6]]):
        with pytest.raises(FileFormatError, match="add up"):
            check_shares([np.array(table)], 0.99, 1.01)
    check_shares([np.array([0.5, 0.5]), np.array([[1.0], [1.0]])], 0.99, 1.01)
