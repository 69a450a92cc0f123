"""Whether chance explains that hardly a row breaks a rule."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa

from locum.control.rules.clause import Clause
from locum.control.where.evaluate import evaluate
from locum.data.distinct import put

#: Probability with which a search may take a rule of independent columns for one that holds.
ALARM = 1e-6
#: Fewest rows that speak for a rule, and the largest share against it.
LEAST, AGAINST = 50, 0.01
#: A rule that fewer rows of independent columns would break hardly says anything.
LEAST_BROKEN = 0.005
#: With rows against it, an order must be one that so many rows of independent columns would break.
LEAST_BROKEN_NEARLY = 0.05
#: A column is shuffled until so many rows were seen broken, or so often.
ENOUGH, SHUFFLES = 400, 12


def limit(tried: int) -> float:
    """How small the logarithm of a chance must be when so many candidates are tried (Bonferroni)."""
    return math.log(ALARM / max(1, tried))


def log_tail(n: float, share: float, broken: int) -> float:
    """Logarithm of the chance that at most `broken` of `n` rows break a rule which each breaks with `share`.

    Without broken rows this is ``n log(1 - share)``; else the bound of Chernoff, which is never too small.
    """
    if share >= 1.0:
        return -math.inf
    if share <= 0.0 or n <= 0:
        return 0.0
    seen = broken / n
    if seen >= share:
        return 0.0
    if broken == 0:
        return n * math.log1p(-share)
    return -n * (seen * math.log(seen / share) + (1 - seen) * math.log((1 - seen) / (1 - share)))


def log_tail_of_sum(expected: float, broken: int) -> float:
    """Logarithm of the chance of so few broken rows when `expected` are, each by itself (Chernoff)."""
    if broken >= expected:
        return 0.0
    return -(expected - broken + (broken * math.log(broken / expected) if broken else 0.0))


def share_broken_by_chance(
    clause: Clause, trial: pa.Table, rng: np.random.Generator, *, each: bool = True
) -> float:
    """Share of rows that break a rule when one of its columns is shuffled.

    The smallest over its columns, so that each must matter; without `each` the largest.

    Only rows about which the rule says something are shuffled. The lower end of the share's interval is
    given (three standard errors), so that a share that is hardly known cannot speak for a rule.
    """
    columns = clause.columns
    truth = evaluate(clause.term, trial)
    known = truth.yes | truth.no
    rows = trial.select(list(columns)).filter(pa.array(known))
    n = rows.num_rows
    if n < 2 or len(columns) < 2:
        return 0.0
    shares = []
    for name in columns:
        broken, drawn = 0, 0
        while broken < ENOUGH and drawn < SHUFFLES * n:
            shuffled = put(rows, name, rows.column(name).take(pa.array(rng.permutation(n))))
            broken += int(evaluate(clause.term, shuffled).no.sum())
            drawn += n
        share = broken / drawn
        shares.append(max(0.0, share - 3 * math.sqrt(share * (1 - share) / drawn)))
    return min(shares) if each else max(shares)
