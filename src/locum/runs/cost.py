"""Time and memory of a run, predicted before anything is fitted.

The model follows what the program does; its coefficients are CPU seconds (and bytes) measured on the machine
for which `machine.REFERENCE_PROBE_S` holds. The goal is a factor of 2, either way.

With ``n`` rows, ``c`` columns, ``t`` training rows, ``m`` synthetic rows, ``e`` rows judged (each of
training, hold-out, synthetic at most ``e``), ``v`` columns that vary, ``p`` pairs of a column and an input::

    read      READ_S + READ_MB_S * megabytes + READ_CELL_S * n * c
    detect    DETECT_S + DETECT_CELL_S * n * c + DETECT_COLUMN_S * c
    fit       base + chains * p * (PAIR_S + pair_row * rows of a chain) + ratio_cell * rows of the ratio * v
              + look * v^2 / 2, and, when a target is named and t <= TURNS_ROWS, target_cell * t * v
    sample    base + pool * m * (draw_cell * v + score) + WRITE_CELL_S * m * c
    evaluate  EVALUATE_S + EVALUATE_COLUMN_S * c + EVALUATE_CELL_S * e * c + READ_CELL_S * m * c
              and, when no target is named, UNTARGETED_CELL_S * e * c  (several columns are tried as target)

``python -m benchmarks.cost_model`` compares it with measured runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from locum.runs.machine import Machine
from locum.runs.options import FAST_SYNTHESIZER

if TYPE_CHECKING:
    import pyarrow as pa

    from locum.schema.table import Schema

READ_S, READ_MB_S, READ_CELL_S = 0.4, 0.005, 1.0e-7
DETECT_S, DETECT_CELL_S, DETECT_COLUMN_S = 0.25, 2.0e-7, 2.0e-3
WRITE_CELL_S = 3.0e-7
EVALUATE_S, EVALUATE_COLUMN_S, EVALUATE_CELL_S, UNTARGETED_CELL_S = 1.5, 0.22, 2.0e-6, 2.0e-5
REPORT_S = 0.2

#: Memory of the program itself, per column (the model), and per cell at the peak of each stage.
BASE_BYTES, COLUMN_BYTES = 2.1e8, 7.0e5
TABLE_CELL_BYTES, FIT_CELL_BYTES, EVALUATE_CELL_BYTES = 60.0, 24.0, 120.0
#: Share of the predicted memory that must be free beyond the prediction.
MEMORY_MARGIN = 1.25
#: Share of fitting and judging that runs on all cores; the rest runs on one.
PARALLEL_SHARE = 0.4
#: Rows at which the judges stop by themselves, whatever the tables hold.
EVALUATE_CAP = 50_000
#: Columns up to which judging grows; beyond, pairs and triples are drawn at random.
EVALUATE_COLUMNS = 300
#: Largest number of codes that one column takes.
MAX_CODES = 512


#: Fixed cost of growing a tree over one input, whatever the rows.
PAIR_S = 4.0e-4
#: Inputs per column, beyond which only the best count; pairs beyond which there are fewer chains; the fewest.
MOST_INPUTS, MANY_PAIRS, FEWEST_CHAINS = 30, 600, 6
#: Below this many training rows a chain sees a larger share of them; most rows of a chain, and of the ratio.
ENOUGH_ROWS, CHAIN_ROWS, RATIO_ROWS = 2_000, 100_000, 200_000
#: Training rows up to which what predicts a target is learned in turns.
TURNS_ROWS = 16_000


@dataclass(frozen=True, slots=True)
class Rates:
    """Cost of one synthesizer, in CPU seconds, and the settings that decide it.

    Attributes
    ----------
    fit_base, sample_base
        Whatever the size.
    chains, share, pair_row
        Chains, the least share of the training rows that each sees, cost per row and pair of columns.
    ratio_cell
        Cost of the density ratio per row and column; 0 where there is none.
    pool, draw_cell, score
        Rows drawn per row kept, cost per drawn value, cost per scored row.
    look, target_cell
        Cost per pair of columns, of looking at it and of regressions over all columns; cost per row and
        column of learning a target that is named, where rows are few.
    """

    fit_base: float
    sample_base: float
    chains: int = 0
    share: float = 1.0
    pair_row: float = 0.0
    ratio_cell: float = 0.0
    pool: float = 1.0
    draw_cell: float = 5.0e-8
    score: float = 0.0
    look: float = 0.0
    target_cell: float = 0.0

    def fit_s(self, train: float, varying: int, has_target: bool = False) -> float:
        """CPU seconds of fitting."""
        turns = train * varying if has_target and train <= TURNS_ROWS else 0.0
        pairs = varying * min(varying - 1, 2 * MOST_INPUTS) / 2
        chains = min(self.chains, max(FEWEST_CHAINS, self.chains * MANY_PAIRS / max(pairs, 1)))
        rows = min(train * max(self.share, min(0.9, ENOUGH_ROWS / max(train, 1))), CHAIN_ROWS)
        ratio = 2 * min(train, RATIO_ROWS) + min(4 * train, RATIO_ROWS)
        return (
            self.fit_base
            + chains * pairs * (PAIR_S + self.pair_row * rows)
            + self.ratio_cell * ratio * varying
            + self.look * varying**2 / 2
            + self.target_cell * turns
        )

    def sample_s(self, rows: float, varying: int) -> float:
        """CPU seconds of drawing codes."""
        return self.sample_base + self.pool * rows * (self.draw_cell * varying + self.score)


RATES: Mapping[str, Rates] = {
    "tree": Rates(0.7, 0.1, 8, 0.5, 1.7e-7, 1.6e-6, 4.0, 1.6e-7, 8.0e-6, 1.5e-3, 2.5e-5),
    "tree-fast": Rates(0.5, 0.05, 2, 0.75, 1.4e-7, pool=2.0, draw_cell=1.6e-7, score=2.0e-6),
    "bayes-net": Rates(0.1, 0.02, 1, 1.0, 1.8e-7, draw_cell=6.0e-8),
    "independent": Rates(0.05, 0.02),
    "bootstrap": Rates(0.05, 0.02),
}


@dataclass(frozen=True, slots=True)
class JobSize:
    """The sizes that decide the cost.

    Attributes
    ----------
    n_rows, holdout
        Rows in the data, and the share held out.
    n_bytes
        Size of the file or table read.
    code_sizes
        About how many codes each column will have.
    sample_rows
        Synthetic rows.
    evaluate_rows
        Most rows of each table that are judged; None means the judges' own limit.
    has_target
        Whether a target is named; without one, several columns are tried.
    """

    n_rows: int
    n_bytes: int
    code_sizes: tuple[int, ...]
    sample_rows: int
    holdout: float
    synthesizer: str
    evaluate_rows: int | None = None
    has_target: bool = False

    @property
    def n_columns(self) -> int:
        """Number of columns."""
        return len(self.code_sizes)

    @property
    def varying(self) -> int:
        """Columns with more than one code."""
        return sum(k > 1 for k in self.code_sizes)


@dataclass(frozen=True, slots=True)
class CostEstimate:
    """The prediction.

    Attributes
    ----------
    cpu_s
        CPU seconds per stage on this machine, in the order of the stages.
    wall_s
        Seconds on the clock per stage on this machine.
    memory_bytes
        Peak memory of the process.
    disk_bytes
        Size of the run folder.
    """

    cpu_s: Mapping[str, float]
    wall_s: Mapping[str, float]
    memory_bytes: int
    disk_bytes: int

    @property
    def total_cpu_s(self) -> float:
        """CPU seconds of the whole run."""
        return sum(self.cpu_s.values())

    @property
    def total_wall_s(self) -> float:
        """Seconds on the clock of the whole run."""
        return sum(self.wall_s.values())

    def to_json(self) -> dict[str, object]:
        """JSON-ready dictionary, rounded to what the model can know."""
        return {
            "cpu_s": round(self.total_cpu_s, 1),
            "wall_s": round(self.total_wall_s, 1),
            "memory_bytes": self.memory_bytes,
            "disk_bytes": self.disk_bytes,
            "stages": {stage: round(seconds, 2) for stage, seconds in self.cpu_s.items()},
        }


def code_sizes(table: pa.Table, schema: Schema) -> tuple[int, ...]:
    """About how many codes each column of a canonical table will take; counts distinct values once."""
    import pyarrow.compute as pc

    dependents = {d.dependent for d in schema.dependencies}
    sizes = []
    for column in schema:
        if column.name in dependents:
            sizes.append(1)
        elif column.regenerated:
            sizes.append(2)
        else:
            distinct = int(pc.count_distinct(table.column(column.name)).as_py())
            sizes.append(max(1, min(distinct, MAX_CODES) if column.ordered else distinct))
    return tuple(sizes)


def predict(work: JobSize, machine: Machine) -> CostEstimate:
    """Predict a run from its sizes; see the module's formulas."""
    rates = RATES.get(work.synthesizer, RATES["tree"])
    cells, made = work.n_rows * work.n_columns, work.sample_rows * work.n_columns
    train = work.n_rows * (1 - work.holdout)
    judged = min(max(work.n_rows, work.sample_rows), work.evaluate_rows or EVALUATE_CAP, EVALUATE_CAP)
    columns = min(work.n_columns, EVALUATE_COLUMNS)
    untargeted = 0.0 if work.has_target else UNTARGETED_CELL_S
    reference = {
        "read": READ_S + READ_MB_S * work.n_bytes / 1e6 + READ_CELL_S * cells,
        "detect": DETECT_S + DETECT_CELL_S * cells + DETECT_COLUMN_S * work.n_columns,
        "fit": rates.fit_s(train, work.varying, work.has_target),
        "sample": rates.sample_s(work.sample_rows, work.varying) + WRITE_CELL_S * made,
        "evaluate": EVALUATE_S
        + EVALUATE_COLUMN_S * columns
        + (EVALUATE_CELL_S + untargeted) * judged * columns
        + READ_CELL_S * made,
        "report": REPORT_S,
    }
    cpu = {stage: seconds / machine.speed for stage, seconds in reference.items()}
    spread = (1 - PARALLEL_SHARE) + PARALLEL_SHARE / machine.cores
    wall = {
        stage: seconds * (spread if stage in ("fit", "evaluate") else 1.0) for stage, seconds in cpu.items()
    }
    memory = BASE_BYTES + COLUMN_BYTES * work.n_columns + TABLE_CELL_BYTES * (cells + made)
    memory += max(FIT_CELL_BYTES * cells, EVALUATE_CELL_BYTES * judged * work.n_columns)
    per_row = work.n_bytes / max(work.n_rows, 1)
    return CostEstimate(cpu, wall, int(memory), int(per_row * work.sample_rows + 5e6))


def cheaper(work: JobSize, *, may_swap: bool) -> list[JobSize]:
    """Ways to do the same job for less, the least loss first.

    Fewer judged rows cost only width of intervals, so they come before the faster generator.

    Parameters
    ----------
    work
        The job as asked for.
    may_swap
        Whether the generator may be replaced (not when the user named one).
    """
    ways = [replace(work, evaluate_rows=n) for n in (20_000, 10_000, 5_000) if n < work.n_rows]
    if may_swap:
        fast = replace(work, synthesizer=FAST_SYNTHESIZER)
        ways += [replace(fast, evaluate_rows=n) for n in (None, 10_000, 5_000, 2_000)]
    return ways
