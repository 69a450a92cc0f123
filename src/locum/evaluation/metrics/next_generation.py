"""The next generation: what is lost when a generator learns from synthetic rows instead of real ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from locum.arrays import FloatArray
from locum.evaluation.claim import Claim
from locum.evaluation.generator import Fit
from locum.evaluation.intervals import Z95
from locum.evaluation.joints import CellGrid, Subset, coarsen, subsets, total_variation
from locum.evaluation.learn.cells import codes_of
from locum.evaluation.registry import result_of
from locum.evaluation.result import Result
from locum.evaluation.trial import MAX_PAIRS, Trial, align, spread, thin
from locum.randomness import child_seed, stream
from locum.schema.domain import Codes
from locum.schema.table import Schema
from locum.wording import percent

if TYPE_CHECKING:
    import pyarrow as pa

#: Rows that the next generation learns from at most, and no fewer than the second on wide tables.
ROWS, LEAST_ROWS = 6_000, 2_000
#: Parts of either table that a generator learns from one by one, and the 97.5 % point of Student's law with
#: twice one less degrees of freedom.
PARTS, STUDENT = 3, 2.776
#: Cells of a column, so that small parts have rows in most of them.
CELLS = 6
#: Pairs of columns looked at: this share of all, at least so many, those that go together most.
LINKED, LEAST_PAIRS = 0.25, 10
#: A part with fewer rows than this teaches a generator nothing.
FEW = 20
#: Where shuffled columns are nearer than this to a generator of real rows there is nothing to lose.
LEAST_WAY = 0.04


def next_generation(trial: Trial, generator: Fit, rows: int = ROWS) -> list[Result]:
    """How much further off a generator is that learns from these rows, ``risk.generation``.

    `generator` (any quick one, whoever made the rows) learns in turn from `PARTS` disjoint parts of the
    synthetic rows and of as many real rows, and draws as many rows as it saw. What it draws is held against
    the test rows by those pairs of columns that go together most there, each column cut into `CELLS` cells
    (averages over all pairs would hardly see that bonds are lost). The value is the mean distance
    after learning from synthetic rows less that after learning from real ones, so what any generator loses
    does not count; fresh real rows score 0. The interval is Student's over the parts. The floor is what
    shuffled columns would make of it. It is one step of the loops of `locum collapse`, which shows many.

    Claim: the value over the way from the generator of real rows to shuffled columns. None where that leaves
    no way to go (`LEAST_WAY`), or with fewer than `FEW` rows a part.
    Empty with fewer than two columns or rows. Cost: two fits on at most `rows` rows in all, twice.
    """
    names = [c.name for c in trial.columns]
    n = min(trial.budget(rows, LEAST_ROWS), trial.synthetic.num_rows, trial.learning.num_rows) // PARTS
    if len(names) < 2 or n < 1 or trial.synthetic.num_rows < 2 or trial.test.num_rows < 2:
        return []
    schema = Schema(trial.columns)
    test = _coarse(trial, trial.rows("test"))
    chosen = _linked(trial, test)
    distances: dict[str, FloatArray] = {}
    for side in ("synthetic", "learning"):
        some = thin(getattr(trial, side), n * PARTS, stream(trial.seed, "studies", "generations", side))
        some = some.select(names)
        order = stream(trial.seed, "studies", "generations", side, "parts").permutation(some.num_rows)
        found = []
        for i in range(PARTS):
            seed = child_seed(trial.seed, "studies", "generations", side, i)
            part = some.take(np.sort(order[i * n : (i + 1) * n]))
            made = align(generator(part, schema, n, seed), schema, "next generation", part.schema)
            found.append(_distance(test, _coarse(trial, made), chosen))
        distances[side] = np.array(found)
    shuffled = _shuffled(trial, n)
    floor = _distance(test, shuffled, chosen)
    return [_result(trial, generator.name, distances, floor, n)]


def _coarse(trial: Trial, table: pa.Table) -> Codes:
    """Rows as cells, at most `CELLS` and the missing one a column; shape (n_rows, n_columns)."""
    codes = codes_of(trial.cuts, table)
    columns = [coarsen(codes[:, j], c.size, CELLS, c.ordered)[0] for j, c in enumerate(trial.cuts)]
    return np.column_stack(columns)


def _linked(trial: Trial, test: Codes) -> list[Subset]:
    """Pairs of columns that go together most among the test rows, which neither side has learned from."""
    pairs = subsets(len(trial.columns), 2, MAX_PAIRS, stream(trial.seed, "trial", "pairs"))
    rng = stream(trial.seed, "studies", "generations", "linked")
    loose = np.column_stack([rng.permutation(test[:, j]) for j in range(test.shape[1])])
    apart = np.array([_distance(test, loose, [pair]) for pair in pairs])
    kept = max(LEAST_PAIRS, round(LINKED * len(pairs)))
    return [pairs[i] for i in np.sort(np.argsort(-apart, kind="stable")[:kept])]


def _distance(a: Codes, b: Codes, chosen: list[Subset]) -> float:
    """Mean total variation over sets of columns."""
    grid = CellGrid((CELLS + 1,) * a.shape[1], {"a": a, "b": b})
    return float(np.mean([total_variation(s["a"], s["b"]) for s in map(grid.shares, chosen)]))


def _shuffled(trial: Trial, n: int) -> npt.NDArray[np.int32]:
    rows = _coarse(trial, trial.sample("learning", n, "generations"))
    rng = stream(trial.seed, "studies", "generations", "shuffled")
    return np.column_stack([rows[spread(len(rows), n, rng), j] for j in range(rows.shape[1])])


def _result(
    trial: Trial, generator: str, distances: dict[str, FloatArray], floor: float, rows: int
) -> Result:
    after, real = (float(distances[side].mean()) for side in ("synthetic", "learning"))
    growth, way = after - real, floor - real
    spread_of = [distances[side].var(ddof=1) for side in ("synthetic", "learning")]
    # Parts that happen to agree are no proof of no chance.
    error = float(np.sqrt(sum(spread_of) / PARTS)) * STUDENT / Z95 + 1e-9
    low, high = growth - Z95 * error, growth + Z95 * error
    claims: tuple[Claim, ...] = ()
    if way >= LEAST_WAY and rows >= FEW:
        p = _student_tail(growth / error * STUDENT / Z95)
        claims = (Claim("generation", growth / way, low / way, high / way, p),)
    return result_of(
        "risk.generation",
        growth,
        f"A generator that learns from a third of these rows is {percent(after)} off in an average pair "
        f"of columns that go together, one that learns from as many real rows {percent(real)}, and "
        f"shuffled columns are {percent(floor)} off." + trial.seen_note,
        low=low,
        high=high,
        reference=0.0,
        floor=max(way, 0.0),
        claims=claims,
        detail={"generator": generator, "rows": rows, "parts": PARTS, "after": after, "real": real},
    )


def _student_tail(t: float) -> float:
    from scipy.special import stdtr

    return float(stdtr(2 * (PARTS - 1), -t))
