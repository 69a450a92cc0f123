"""Whether a job fits into the memory, the disk and the time there is, and what to change when it does not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from locum.errors import FeasibilityError, FolderError
from locum.pipeline.estimate import MEMORY_MARGIN, Estimate, Workload, cheaper, predict
from locum.pipeline.machine import Machine, disk_free
from locum.pipeline.words import count, duration, size


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

    work: Workload
    estimate: Estimate
    notes: tuple[str, ...] = ()


def decide(
    work: Workload, machine: Machine, *, budget_s: float | None = None, may_swap: bool = True, where: str = ""
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


def _explain(work: Workload, way: Workload, before: Estimate, after: Estimate, budget_s: float) -> str:
    changes = []
    if way.synthesizer != work.synthesizer:
        changes.append(f"the generator is {way.synthesizer} instead of {work.synthesizer}")
    if way.evaluate_rows is not None:
        changes.append(f"the evidence rests on at most {way.evaluate_rows:,} rows of each table")
    return (
        f"To stay within {duration(budget_s)}, {' and '.join(changes)} "
        f"(about {duration(after.total_wall_s)} instead of {duration(before.total_wall_s)})."
    )


def _job(work: Workload) -> str:
    return f"{count(work.n_rows, 'row')} x {count(work.n_columns, 'column')}"


def _check_memory(work: Workload, estimate: Estimate, machine: Machine, where: str) -> None:
    if estimate.memory_bytes * MEMORY_MARGIN <= machine.memory_bytes:
        return
    read_only = predict(
        Workload(work.n_rows, work.n_bytes, work.code_sizes, 1, work.holdout, work.synthesizer), machine
    )
    if read_only.memory_bytes * MEMORY_MARGIN <= machine.memory_bytes:
        spare = machine.memory_bytes / MEMORY_MARGIN - read_only.memory_bytes
        per_row = (estimate.memory_bytes - read_only.memory_bytes) / max(1, work.sample_rows - 1)
        do = f"ask for at most about {int(spare / max(per_row, 1)):,} rows with --rows"
    else:
        share = machine.memory_bytes / MEMORY_MARGIN / estimate.memory_bytes
        rows = max(1, int(work.n_rows * share * 0.8))
        do = f"take a sample of about {rows:,} rows, or use a machine with more memory"
    raise FeasibilityError(
        f"{_job(work)} and {count(work.sample_rows, 'synthetic row')} "
        f"need about {size(estimate.memory_bytes)} of memory, and {size(machine.memory_bytes)} are free",
        where=where,
        do=do,
    )


def check_disk(estimate: Estimate, folder: Path) -> None:
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
