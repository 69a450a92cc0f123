"""Every source gives the same counts for the same rows, and the same errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from locum.errors import FeasibilityError, UsageError
from locum.schema.domain import Attribute, Coded, Domain
from locum.sources.base import Source
from locum.sources.duckdb import DuckDBSource
from locum.sources.federation import SplitSource
from locum.sources.memory import MemorySource
from locum.sources.sql import Ready

Make = Callable[[Coded], Source]


@pytest.fixture(params=["memory", "split", "parquet", "csv", "two files", "split of two kinds"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    opened: list[DuckDBSource] = []

    def duck(coded: Coded, name: str, suffix: str) -> DuckDBSource:
        half = coded.n_rows // 2
        columns = {a.name: coded.codes[:, i].astype(np.int64) for i, a in enumerate(coded.domain)}
        table = pa.table(columns)
        parts = [table] if name != "two" else [table.slice(0, half), table.slice(half)]
        paths = []
        for i, part in enumerate(parts):
            path = tmp_path / f"{name}{len(opened)}-{i}{suffix}"
            pq.write_table(part, path) if suffix == ".parquet" else pa_csv.write_csv(part, path)
            paths.append(path)
        source = DuckDBSource(paths, [Ready(a) for a in coded.domain])
        opened.append(source)
        return source

    def build(coded: Coded) -> Source:
        third = coded.n_rows // 3
        front = Coded(coded.domain, coded.codes[:third])
        back = Coded(coded.domain, coded.codes[third:])
        match request.param:
            case "memory":
                return MemorySource(coded)
            case "split":
                return SplitSource([MemorySource(front), MemorySource(back)])
            case "parquet":
                return duck(coded, "one", ".parquet")
            case "csv":
                return duck(coded, "one", ".csv")
            case "two files":
                return duck(coded, "two", ".parquet")
            case _:
                return SplitSource([MemorySource(front), duck(back, "one", ".csv")])

    yield build
    for source in opened:
        source.close()


def rows(n: int, sizes: tuple[int, ...], *, wrong: bool = False, seed: int = 3) -> Coded:
    names = ["plain", 'quo"te', "semi;colon--", "Ümlaut und Raum", "e", "f"][: len(sizes)]
    domain = Domain(tuple(Attribute(a, a, s, False, s - 1) for a, s in zip(names, sizes, strict=True)))
    random = np.random.default_rng(seed)
    low, high = (-3, 4) if wrong else (0, 0)
    codes = np.empty((n, len(sizes)), dtype=np.int32, order="F")
    for i, size in enumerate(sizes):
        codes[:, i] = random.integers(low, size + high, n)
    return Coded(domain, codes)


def oracle(coded: Coded, attributes: tuple[str, ...]) -> np.ndarray:
    """Counts one row at a time."""
    at = [coded.domain.index(a) for a in attributes]
    sizes = [coded.domain.sizes[i] for i in at]
    out = np.zeros(sizes, dtype=np.int64)
    for row in coded.codes:
        out[tuple(min(max(int(row[i]), 0), s - 1) for i, s in zip(at, sizes, strict=True))] += 1
    return out.reshape(-1)


@pytest.mark.parametrize("wrong", [False, True], ids=["good codes", "bad codes"])
def test_counts_are_those_of_counting_by_hand(make: Make, wrong: bool) -> None:
    coded = rows(200, (3, 300, 2, 1, 5), wrong=wrong)
    source = make(coded)
    names = coded.domain.names
    cliques = [c for k in range(4) for c in combinations(names, k)]
    cliques += [tuple(reversed(c)) for c in cliques if len(c) > 1]
    answers = source.marginals(cliques)
    for clique, counts in zip(cliques, answers, strict=True):
        assert counts.dtype == np.int64
        assert counts.flags.c_contiguous
        np.testing.assert_array_equal(counts, oracle(coded, clique))
        np.testing.assert_array_equal(source.marginal(clique), counts)


def test_no_attributes_give_the_number_of_rows(make: Make) -> None:
    source = make(rows(17, (3, 2)))
    np.testing.assert_array_equal(source.marginal(()), [17])
    assert source.marginals([]) == []


def test_an_empty_table_counts_zero(make: Make) -> None:
    source = make(rows(0, (3, 2)))
    np.testing.assert_array_equal(source.marginal(("plain", 'quo"te')), np.zeros(6))
    np.testing.assert_array_equal(source.marginal(()), [0])


def test_one_column_of_one_value(make: Make) -> None:
    source = make(rows(5, (1,)))
    np.testing.assert_array_equal(source.marginal(("plain",)), [5])


def test_unknown_and_double_names_are_refused(make: Make) -> None:
    source = make(rows(5, (3, 2)))
    with pytest.raises(UsageError, match="no attribute 'x'"):
        source.marginal(("x",))
    with pytest.raises(UsageError, match="twice"):
        source.marginals([("plain", "plain")])


def test_a_table_of_too_many_cells_is_refused_by_its_sizes(make: Make) -> None:
    source = make(rows(3, (60_000, 50_000)))
    with pytest.raises(FeasibilityError, match=r"3,000,000,000 cells.*Coarsen plain"):
        source.marginal(("plain", 'quo"te'))


def test_one_row_more_changes_one_cell_by_one(make: Make) -> None:
    coded = rows(40, (3, 4, 2), seed=9)
    fewer = Coded(coded.domain, coded.codes[:-1])
    cliques = [("plain",), ("plain", 'quo"te'), coded.domain.names]
    for more, less in zip(make(coded).marginals(cliques), make(fewer).marginals(cliques), strict=True):
        assert np.abs(more - less).sum() == 1
        assert (more - less).max() == 1


def test_sources_follow_the_protocol(make: Make) -> None:
    assert isinstance(make(rows(2, (2,))), Source)
