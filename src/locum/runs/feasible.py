"""Whether a job fits into the memory, the disk and the time there is, and what to change when it does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from locum.errors import FeasibilityError, FolderError
from locum.runs.cost import MEMORY_MARGIN, CostEstimate, JobSize, cheaper, predict
from locum.runs.machine import Machine, disk_free
from locum.wording import count, duration, size


@dataclass(frozen=True, slots=True)
class Decision:
    """The job as it will be done.

    Attributes
    ----------
    work, estimate
        Sizes and predicted cost.
    notes
        What was changed to stay within the time budget, in sentences.
    """

    work: JobSize
    estimate: CostEstimate
    notes: tuple[str, ...] = ()


def decide(
    work: JobSize, machine: Machine, *, budget_s: float | None = None, may_swap: bool = True, where: str = ""
) -> Decision:
    """Fit a job into time and memory.

    Raises
    ------
    FeasibilityError
        When it needs more memory than the machine has, or more time than `budget_s` even at its cheapest.
    """
    estimate = predict(work, machine)
    _check_memory(work, estimate, machine, where)
    if budget_s is None or estimate.total_wall_s <= budget_s:
        return Decision(work, estimate)
    cheapest = estimate
    for way in cheaper(work, may_swap=may_swap):
        predicted = predict(way, machine)
        if predicted.total_wall_s <= budget_s:
            return Decision(way, predicted, (_explain(work, way, estimate, predicted, budget_s),))
        if predicted.total_wall_s < cheapest.total_wall_s:
            cheapest = predicted
    swap = "" if may_swap else ", leave --synthesizer out,"
    raise FeasibilityError(
        f"{_job(work)} need about {duration(cheapest.total_wall_s)} even in the cheapest form, "
        f"and the time budget is {duration(budget_s)}",
        where=where,
        do=f"raise the time budget{swap} or take a sample of the rows",
    )


def _explain(work: JobSize, way: JobSize, before: CostEstimate, after: CostEstimate, budget_s: float) -> str:
    changes = []
    if way.synthesizer != work.synthesizer:
        changes.append(f"the generator is {way.synthesizer} instead of {work.synthesizer}")
    if way.evaluate_rows is not None:
        changes.append(f"the evidence rests on at most {way.evaluate_rows:,} rows of each table")
    return (
        f"To stay within {duration(budget_s)}, {' and '.join(changes)} "
        f"(about {duration(after.total_wall_s)} instead of {duration(before.total_wall_s)})."
    )


def _job(work: JobSize) -> str:
    return f"{count(work.n_rows, 'row')} x {count(work.n_columns, 'column')}"


def _check_memory(work: JobSize, estimate: CostEstimate, machine: Machine, where: str) -> None:
    if _fits(work, machine):
        return
    rows = _most(work.sample_rows, lambda n: _fits(replace(work, sample_rows=n), machine))
    if rows:
        do = f"ask for at most about {rows:,} rows with --rows"
    else:
        rows = _most(work.n_rows, lambda n: _fits(replace(work, n_rows=n, sample_rows=n), machine))
        do = f"take a sample of about {max(1, rows):,} rows, or use a machine with more memory"
    raise FeasibilityError(
        f"{_job(work)} and {count(work.sample_rows, 'synthetic row')} may need "
        f"{size(estimate.memory_bytes * MEMORY_MARGIN)} of memory, and {size(machine.memory_bytes)} are free",
        where=where,
        do=do,
    )


def _fits(work: JobSize, machine: Machine) -> bool:
    return predict(work, machine).memory_bytes * MEMORY_MARGIN <= machine.memory_bytes


def _most(limit: int, fits: Callable[[int], bool]) -> int:
    """The largest number below `limit` that fits, rounded down to two digits; 0 when none does."""
    low, high = 0, limit
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    unit = int(10 ** max(0, len(str(low)) - 2))
    return low // unit * unit


def check_disk(estimate: CostEstimate, folder: Path) -> None:
    """Refuse a run whose files would not fit on the disk.

    Raises
    ------
    FolderError
        When less is free than the predicted size of the run folder.
    """
    free = disk_free(folder)
    if free < estimate.disk_bytes:
        raise FolderError(
            f"the run needs about {size(estimate.disk_bytes)} of disk, and {size(free)} are free",
            where=str(folder),
            do="free some space or choose another place with --out",
        )
