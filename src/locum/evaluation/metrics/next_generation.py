"""The next generation: what is lost when a generator learns from synthetic rows instead of real ones."""

from __future__ import annotations

from dataclasses import replace

from locum.evaluation.generator import Fit
from locum.evaluation.metrics.marginals import pairs, triples
from locum.evaluation.metrics.tails import tails
from locum.evaluation.registry import result_of
from locum.evaluation.result import Result, Verdict
from locum.evaluation.trial import Trial, thin
from locum.randomness import child_seed, stream
from locum.schema.table import Schema
from locum.wording import percent

#: Rows that the next generation learns from at most, and no fewer than the second on wide tables.
ROWS, LEAST_ROWS = 10_000, 2_000
#: Share of the way to shuffled columns that one more generation may go: good, fair.
GOOD_SHARE, FAIR_SHARE = 0.10, 0.30
#: With fewer rows than this in any table the distances say nothing.
FEW = 20
#: A stand-in that is this near to shuffled columns has nothing to lose.
LEAST_WAY = 0.04


def next_generation(trial: Trial, generator: Fit, rows: int = ROWS) -> list[Result]:
    """How much further one more generation is from the real rows, ``risk.generation``.

    `generator` (any quick one, whoever made the rows) learns the synthetic rows and draws as many; both
    tables are held against the real rows by triples of columns (pairs where there are two columns). The value
    is the growth of that distance, the floor what shuffled columns would make of it. The detail also counts
    rare levels (5 real rows and more) that either lacks. It is one step of the loops of `locum collapse`,
    which shows many, with other ways of mixing.

    Verdict on the growth over the way left to shuffled columns: good to `GOOD_SHARE`, fair to `FAIR_SHARE`,
    else poor. Both are counted from the distance of the rows or that of fresh real rows, whichever is larger:
    a copy is nearer to the real rows than any generator should be, and with few rows fresh ones are nearly as
    far as shuffled columns. Unclear where that leaves no way to go (`LEAST_WAY`), poor where the rows
    themselves are that far beyond shuffled columns. Unclear with fewer than `FEW` rows.
    Empty with fewer than two columns or rows. Cost: one fit on at most `rows` rows.
    """
    if len(trial.columns) < 2 or trial.synthetic.num_rows < 2:
        return []
    first = thin(
        trial.synthetic, trial.budget(rows, LEAST_ROWS), stream(trial.seed, "studies", "generations")
    )
    first = first.select([c.name for c in trial.columns])
    seed = child_seed(trial.seed, "studies", "generations", "fit")
    schema = Schema(trial.columns)
    second = generator(first, schema, first.num_rows, seed)
    held = [replace(trial, schema=schema, synthetic=t, target=None) for t in (first, second)]
    joint = triples if len(trial.columns) > 2 else pairs
    (now,), (after,) = joint(held[0]), joint(held[1])
    lost = [_count_lost(t) for t in held]
    found = _result(generator.name, now, after, first.num_rows, lost[0], lost[1])
    sizes = (trial.train.num_rows, trial.test.num_rows, first.num_rows)
    return [found if min(sizes) >= FEW else replace(found, verdict="unclear")]


def _count_lost(trial: Trial) -> tuple[int, int]:
    """Rare levels that real rows have, and how many of them are lacking."""
    columns = [c for r in tails(trial) if r.name == "tails.rare" for c in r.detail["columns"]]
    return sum(c["rare"] for c in columns), sum(c["lost"] for c in columns)


def _result(
    generator: str, now: Result, after: Result, rows: int, lost: tuple[int, int], later: tuple[int, int]
) -> Result:
    growth = after.value - now.value
    # The synthetic rows may be thinned, and fresh rows are of another number: near enough for a yardstick.
    start = max(now.value, now.reference or 0.0)
    way = (now.floor or 0.0) - start
    noun = "triple" if now.name == "tv.3way" else "pair"
    sentence = (
        f"A generator that learns from {rows:,} of these rows instead of real ones is {percent(after.value)} "
        f"off in an average {noun} of columns; these rows are {percent(now.value)} off"
    )
    if now.reference is not None and now.floor is not None:
        sentence += f", fresh real rows {percent(now.reference)} and shuffled columns {percent(now.floor)}"
    if later[1] > lost[1]:
        sentence += f"; of {lost[0]:,} rare levels it lacks {later[1]:,}, they {lost[1]:,}"
    return result_of(
        "risk.generation",
        growth,
        sentence + ".",
        reference=0.0,
        floor=max((now.floor or 0.0) - now.value, 0.0),
        verdict=verdict_of(after.value - start, way, now.value - (now.floor or 0.0)),
        detail={
            "generator": generator,
            "rows": rows,
            "first": now.value,
            "second": after.value,
            "rare": lost[0],
            "lost_first": lost[1],
            "lost_second": later[1],
        },
    )


def verdict_of(growth: float, way: float, beyond: float = 0.0) -> Verdict:
    """Verdict on the growth of the distance; see `next_generation`."""
    if way < LEAST_WAY:
        return "poor" if beyond > LEAST_WAY else "unclear"
    share = growth / way
    return "good" if share <= GOOD_SHARE else "fair" if share <= FAIR_SHARE else "poor"
