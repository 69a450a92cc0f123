"""What a run will take, said before it: calls, tokens, money and time, from a small preview."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from locum.evaluation.intervals import wilson
from locum.progress import Listener, silent
from locum.text.engine.cache import Cache
from locum.text.engine.caps import Caps
from locum.text.plan.plan import Plan
from locum.text.runs.run import preview


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with a 95 % interval."""

    value: float
    low: float
    high: float

    def times(self, factor: float) -> Interval:
        """The same in other units."""
        return Interval(self.value * factor, self.low * factor, self.high * factor)


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run will take.

    Attributes
    ----------
    rows
        Kept rows wanted.
    calls, tokens_in, tokens_out, cost, seconds
        For the whole run.
    keep_rate
        Share of attempts that are kept.
    preview_rows, preview_calls, preview_cost
        What the estimate rests on, and what it took.
    funnel
        Of the preview.
    """

    rows: int
    calls: Interval
    tokens_in: Interval
    tokens_out: Interval
    cost: Interval
    seconds: Interval
    keep_rate: Interval
    preview_rows: int
    preview_calls: int
    preview_cost: float
    funnel: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


async def estimate(
    plan: Plan,
    rows: int = 8,
    *,
    caps: Caps | None = None,
    allow_endpoints: Sequence[str] = (),
    progress: Listener = silent,
) -> Estimate:
    """Make a few rows and reckon from them.

    Parameters
    ----------
    plan
        The plan.
    rows
        Rows of the preview.
    caps, allow_endpoints, progress
        As for `run`.

    Returns
    -------
    Estimate
        The interval of each figure is that of the mean of single preview rows (Student's t), widened by the
        interval of the share of rows kept (Wilson). Time assumes that the endpoint bears ``max_in_flight``
        requests at once.
    """
    cache = Cache()
    n = min(rows, plan.rows)
    begin = time.monotonic()
    _, funnel, engine = await preview(
        plan, n, cache=cache, caps=caps, allow_endpoints=allow_endpoints, progress=progress
    )
    took = time.monotonic() - begin
    usage = cache.usage()
    costs = {engine.model_name(name): spec for name, spec in plan.used_models().items()}
    attempts = max(1, funnel["attempts"])
    calls = sum(found.requests for found in usage.values())
    keep = Interval(funnel["kept"] / attempts, *wilson(funnel["kept"], attempts))
    most = plan.rows * plan.tries
    needed = Interval(
        min(plan.rows / max(keep.value, 1e-9), most),
        plan.rows / keep.high,
        min(plan.rows / max(keep.low, 1e-3), most),
    )
    spread = _relative([a + b for _, a, b in cache.token_counts()])
    money = sum(costs[m].cost(u.tokens_in, u.tokens_out) for m, u in usage.items() if m in costs)
    slots = max((spec.slots for spec in plan.used_models().values()), default=1)
    faster = max(1.0, min(slots, plan.rows) / max(1, min(slots, n)))
    return Estimate(
        plan.rows,
        _scaled(calls / attempts, needed, 0.0),
        _scaled(sum(u.tokens_in for u in usage.values()) / attempts, needed, spread),
        _scaled(sum(u.tokens_out for u in usage.values()) / attempts, needed, spread),
        _scaled(money / attempts, needed, spread),
        _scaled(took / attempts / faster, needed, spread),
        keep,
        funnel["kept"],
        calls,
        money,
        funnel,
    )


def _scaled(per_attempt: float, attempts: Interval, spread: float) -> Interval:
    low = per_attempt * attempts.low * max(0.0, 1 - spread)
    return Interval(per_attempt * attempts.value, low, per_attempt * attempts.high * (1 + spread))


def _relative(values: Sequence[float]) -> float:
    """Half the 95 % interval of a mean, as a share of the mean."""
    n = len(values)
    if n < 2 or not any(values):
        return 1.0
    from scipy.stats import t

    return float(t.ppf(0.975, n - 1)) * statistics.stdev(values) / math.sqrt(n) / statistics.fmean(values)
