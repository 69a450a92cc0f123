"""The laboratory of self-consumption on a table whose behaviour is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from locum.errors import DataError, UsageError
from locum.evaluation.curation import select_by_judge
from locum.schema.column import Column
from locum.schema.lineage import REAL, warning_of
from locum.schema.table import Schema
from locum.studies.collapse.collapse import collapse
from locum.studies.collapse.lab import Make, lay_out, study
from locum.studies.collapse.page import render


def table(n: int = 2000, seed: int = 0) -> tuple[pa.Table, Schema]:
    rng = np.random.default_rng(seed)
    weight = 1 / np.arange(1, 41) ** 1.2
    level = rng.choice(40, n, p=weight / weight.sum())
    group = np.where(rng.random(n) < 0.2, "small", "large")
    schema = Schema(
        (Column("level", "category"), Column("group", "category"), Column("x", "number")), name="t"
    )
    x = rng.normal(size=n) + (group == "small")
    names = [f"l{v:02d}" for v in level]
    return pa.table({"level": names, "group": group.tolist(), "x": x}), schema


def redraw(rows: pa.Table, n: int, seed: int) -> pa.Table:
    return rows.take(np.random.default_rng(seed).integers(rows.num_rows, size=n))


def narrow(rows: pa.Table, n: int, seed: int) -> pa.Table:
    """A generator that loses its tails: it redraws only the more frequent levels."""
    counts = rows.column("level").value_counts().to_pylist()
    kept = {c["values"] for c in counts if c["counts"] > 0.02 * rows.num_rows}
    mask = pa.array([v in kept for v in rows.column("level").to_pylist()])
    return redraw(rows.filter(mask), n, seed)


def run(make: Make, **settings: object):
    rows, schema = table()
    ground = lay_out(rows, schema, 500, 1)
    return study(ground, make, name="t", synthesizer="own", seed=1, protected=("group",), **settings)


def test_the_parts_are_disjoint_and_lineage_is_counted() -> None:
    rows, schema = table()
    marked = rows.append_column("row", pa.array(range(rows.num_rows)))
    ground = lay_out(marked, schema, 500, 1)
    ids = [set(part.column("row").to_pylist()) for part in (ground.start, ground.pool, ground.test)]
    assert sum(map(len, ids)) == len(set.union(*ids)) == 2000
    found = run(redraw, generations=3)
    by = {x.mode: x.generations[-1].lineage for x in found.loops}
    assert all(lineage.depth == 3 for lineage in by.values())
    assert by["replace"].real == 0.0
    assert by["accumulate"].real == pytest.approx(1 / 3)
    assert by["fresh"].real == pytest.approx(0.2)
    assert by["verified"].verified


def test_redrawing_follows_the_law_of_drift_and_keeping_rows_slows_it() -> None:
    """Diversity of one column lies within 0.05 of (1 - 1/n)**t; fixed seed."""
    found = run(redraw, generations=12, modes=("replace", "accumulate"))
    replaced, kept = (x.generations for x in found.loops)
    assert replaced[-1].law == pytest.approx((1 - 1 / 500) ** 12)
    assert abs(replaced[-1].diversity - replaced[-1].law) < 0.05
    assert kept[-1].error < replaced[-1].error
    assert kept[-1].tail > replaced[-1].tail


def test_a_generator_that_narrows_is_seen_and_fresh_rows_hold_it() -> None:
    found = run(narrow, generations=6, modes=("replace", "fresh"))
    replaced, fresh = found.loops
    assert "drifts" in replaced.sentence
    assert replaced.generations[-1].tail < 0.2
    assert fresh.generations[-1].error < replaced.generations[-1].error
    assert "replace is farthest" in found.sentence


def test_a_judge_undoes_a_shift() -> None:
    rows, schema = table(4000)
    ground = lay_out(rows, schema, 1000, 1)
    small = pa.array([g == "small" for g in rows.column("group").to_pylist()])
    # Twice as many of the small group as there should be.
    shifted = pa.concat_tables([rows, rows.filter(small)])
    kept = select_by_judge(ground.pool, ground.schema, redraw(shifted, 2000, 3), 1000, 5)

    def share(t: pa.Table) -> float:
        return float(np.mean([g == "small" for g in t.column("group").to_pylist()]))

    assert abs(share(kept) - share(rows)) < 0.6 * abs(share(shifted) - share(rows))


def test_time_cuts_generations_and_says_so() -> None:
    found = run(redraw, generations=100_000, modes=("replace",), limit_s=1.0)
    assert len(found.loops[0].generations) < 100_000
    assert "were run" in found.notes[0]
    with pytest.raises(UsageError, match="do not fit"):
        run(redraw, generations=5, limit_s=1e-6)


def test_bad_input_is_told_in_a_sentence(tmp_path) -> None:
    rows, schema = table(20)
    with pytest.raises(DataError, match="too few"):
        lay_out(rows, schema, None, 0)
    path = tmp_path / "t.csv"
    path.write_text("a,b\n" + "\n".join(f"{i % 3},{i % 5}" for i in range(200)))
    with pytest.raises(UsageError, match="no loop 'again'"):
        collapse(path, loops=["again"])
    with pytest.raises(UsageError, match="0 generations"):
        collapse(path, generations=0)


def test_a_warning_on_the_page_is_whole() -> None:
    """The advice stands at the end of the sentence, so it may not be cut."""
    risk = warning_of(REAL.child(), "a table with a rather long name")
    assert len(risk) > 300
    assert "locum sample --verify REAL" in render(replace(run(redraw, generations=2), notes=(risk,)))


def test_the_page_shows_every_loop(tmp_path) -> None:
    page = render(run(redraw, generations=2))
    for word in ("replace", "accumulate", "law: replace", "group = small", "Internal."):
        assert word in page
    assert "<script" not in page
