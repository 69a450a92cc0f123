"""The cost model grows as the work grows, and refusals name a way out that then works."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locum.errors import FeasibilityError, FolderError
from locum.runs.cost import MEMORY_MARGIN, RATES, CostEstimate, JobSize, predict
from locum.runs.feasible import check_disk, decide
from locum.runs.machine import Machine

MACHINE = Machine(cores=2, memory_bytes=16 * 10**9, speed=1.0)
ADULT = JobSize(
    45_000, 5_000_000, (74, 9, 512, 16, 1, 7, 15, 6, 5, 2, 120, 99, 96, 42, 2), 45_000, 0.2, "tree"
)

workloads = st.builds(
    JobSize,
    n_rows=st.integers(1, 10**6),
    n_bytes=st.integers(1, 10**9),
    code_sizes=st.lists(st.integers(1, 600), min_size=1, max_size=60).map(tuple),
    sample_rows=st.integers(1, 10**6),
    holdout=st.floats(0, 0.5),
    synthesizer=st.sampled_from(sorted(RATES)),
)


@given(workloads)
def test_more_work_never_costs_less(work):
    before = predict(work, MACHINE)
    for more in (
        replace(work, n_rows=work.n_rows * 2),
        replace(work, sample_rows=work.sample_rows * 2),
        replace(work, code_sizes=(*work.code_sizes, 50)),
    ):
        after = predict(more, MACHINE)
        assert after.total_cpu_s >= before.total_cpu_s
        assert after.memory_bytes >= before.memory_bytes


@given(workloads)
def test_cost_is_at_most_linear_in_rows(work):
    ten = replace(work, n_rows=work.n_rows * 10, n_bytes=work.n_bytes * 10, sample_rows=work.sample_rows * 10)
    assert predict(ten, MACHINE).total_cpu_s <= 10.01 * predict(work, MACHINE).total_cpu_s


@given(workloads, st.floats(0.2, 5), st.integers(1, 64))
def test_a_faster_machine_is_faster(work, speed, cores):
    here, there = predict(work, MACHINE), predict(work, Machine(cores, 10**10, speed))
    assert there.total_cpu_s == pytest.approx(here.total_cpu_s / speed)
    assert there.total_wall_s <= there.total_cpu_s * 1.0001


def test_without_a_budget_nothing_is_changed():
    decision = decide(ADULT, MACHINE)
    assert decision.work == ADULT
    assert decision.notes == ()


def test_a_budget_first_thins_the_evidence_and_says_so():
    full = decide(ADULT, MACHINE).estimate.total_wall_s
    decision = decide(ADULT, MACHINE, budget_s=0.9 * full)
    assert decision.work.synthesizer == "tree"
    assert decision.work.evaluate_rows is not None
    assert decision.estimate.total_wall_s <= 0.9 * full
    assert f"{decision.work.evaluate_rows:,}" in decision.notes[0]


def test_a_tight_budget_takes_the_fast_generator_and_says_so():
    thin = replace(ADULT, evaluate_rows=5_000)
    tight = 0.99 * predict(thin, MACHINE).total_wall_s
    decision = decide(ADULT, MACHINE, budget_s=tight)
    assert decision.work.synthesizer == "tree-fast"
    assert "tree-fast" in decision.notes[0]
    with pytest.raises(FeasibilityError, match="cheapest"):
        decide(ADULT, MACHINE, budget_s=tight, may_swap=False)


def test_an_impossible_budget_is_refused_with_the_time_that_would_do():
    with pytest.raises(FeasibilityError) as caught:
        decide(ADULT, MACHINE, budget_s=0.01, where="adult.csv")
    assert caught.value.where == "adult.csv"
    assert "time budget" in caught.value.do


@pytest.mark.parametrize("memory", [10**9, 3 * 10**9])
def test_too_many_rows_asked_for_are_refused_with_a_number_that_fits(memory):
    small = Machine(2, memory, 1.0)
    with pytest.raises(FeasibilityError, match="memory") as caught:
        decide(replace(ADULT, sample_rows=10**8), small)
    offered = int(caught.value.do.split("about ")[1].split(" rows")[0].replace(",", ""))
    assert decide(replace(ADULT, sample_rows=offered), small).work.sample_rows == offered
    with pytest.raises(FeasibilityError):
        decide(replace(ADULT, sample_rows=int(offered * 1.12)), small)


def test_a_table_too_large_for_memory_is_refused_with_a_sample_that_fits():
    small = Machine(2, 2 * 10**9, 1.0)
    big = replace(ADULT, n_rows=10**8, sample_rows=10**8)
    with pytest.raises(FeasibilityError, match="memory") as caught:
        decide(big, small)
    offered = int(caught.value.do.split("about ")[1].split(" rows")[0].replace(",", ""))
    fitting = predict(replace(big, n_rows=offered, sample_rows=offered), small)
    assert fitting.memory_bytes * MEMORY_MARGIN <= small.memory_bytes


def test_a_full_disk_is_noticed_before_the_run(tmp_path):
    with pytest.raises(FolderError, match="disk") as caught:
        check_disk(CostEstimate({}, {}, 0, 10**18), tmp_path / "new" / "run")
    assert "--out" in caught.value.do
    check_disk(CostEstimate({}, {}, 0, 1), tmp_path / "new" / "run")
