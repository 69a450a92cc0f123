"""Rules that turn estimates from one or more synthetic tables into one estimate with an honest interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from locum.arrays import FloatArray
from locum.errors import UsageError

Rule = Literal["synthpop", "rrr", "incomplete", "imputed", "naive"]
RULES: tuple[Rule, ...] = get_args(Rule)

#: What each rule assumes, in one sentence for reports.
ASSUMES = {
    "synthpop": "every row is synthetic and the generator's family fits the data",
    "rrr": "every row is synthetic, m is 5 or more, and parameters were drawn anew for each table",
    "incomplete": "only some columns or rows were replaced, by a model of just those; the rest is real",
    "imputed": "rows are real and their missing cells were drawn, parameters anew for each table",
    "naive": "the synthetic rows are real ones; they are not, so the interval is too narrow",
}


@dataclass(frozen=True, slots=True, eq=False)
class Combined:
    """Estimates with intervals that count what the generator did not know.

    Attributes
    ----------
    value, variance, low, high
        One number an estimated quantity; shape (p,).
    within, between
        Mean variance that the analyses report, and variance between the tables' estimates; shape (p,).
    df
        Degrees of freedom of the t quantile, inf for the normal one; shape (p,).
    rule, tables
        Rule used, and number of synthetic tables.
    level
        Nominal coverage of the intervals.
    """

    value: FloatArray
    variance: FloatArray
    low: FloatArray
    high: FloatArray
    within: FloatArray
    between: FloatArray
    df: FloatArray
    rule: Rule
    tables: int
    level: float

    @property
    def assumes(self) -> str:
        """What must hold for the interval to be right."""
        return ASSUMES[self.rule]


def combine(
    estimates: npt.ArrayLike,
    variances: npt.ArrayLike,
    *,
    n_real: int,
    n_synthetic: int | None = None,
    rule: Rule = "synthpop",
    proper: bool = False,
    level: float = 0.95,
    parameters: int = 1,
) -> Combined:
    """Combine what an analysis gave on each of m synthetic or completed tables.

    Parameters
    ----------
    estimates
        Estimates of p quantities on each table, shape (m,) or (m, p).
    variances
        Their squared standard errors as the analysis reports them, same shape.
    n_real, n_synthetic
        Rows that the generator learned from (n), and rows of each synthetic table (k); None for as many.
    rule
        ``synthpop`` works for one table as for many and needs no draw of parameters; ``rrr`` is Raghunathan,
        Reiter and Rubin's for fully synthetic data, its negative variances replaced; ``incomplete`` is
        Reiter's for tables that are real in part; ``imputed`` is Rubin's for real tables whose missing cells
        were filled several times (`locum.impute` with ``repeat``); ``naive`` takes the rows for real ones, to
        compare.
    proper
        Whether the generator's parameters were drawn from their posterior (or refitted on a bootstrap) for
        each table; locum's own synthesizers do neither unless they are refitted.
    level
        Nominal coverage, between 0 and 1.
    parameters
        Number of quantities that the analysis estimated from the rows, for the degrees of freedom under
        ``imputed``: with complete rows they would be `n_real` less these.

    Returns
    -------
    Combined
        The mean over tables with its interval.

    Raises
    ------
    UsageError
        For shapes that do not match, values that are not finite, negative variances, fewer than two tables
        under ``rrr``, ``incomplete`` or ``imputed``, or numbers of rows below 1.

    Notes
    -----
    With v the mean variance times k/n, b the variance between tables and u the mean variance:
    ``synthpop`` T = v(1 + n/(km)), proper T = v(1 + (n/k + 1)/m) (Raab, Nowok and Dibben, Journal of Privacy
    and Confidentiality 2016); ``rrr`` T = (1 + 1/m)b - u, replaced by (k/n)u where negative, with
    df = (m-1)(1 - mu/((m+1)b))^2 (Raghunathan, Reiter and Rubin, Journal of Official Statistics 2003; df of
    Reiter 2002); ``incomplete`` T = b/m + u with df = (m-1)(1 + mu/b)^2 (Reiter, Survey Methodology 2003);
    ``imputed`` T = (1 + 1/m)b + u (Rubin 1987) with the df of Barnard and Rubin (Biometrika 1999).
    ``rrr`` is erratic with few tables: T is negative in up to half of all cases, and df near 0 make intervals
    that cover too much (``benchmarks/EVIDENCE.md``). No rule mends a generator that is wrong: then the
    estimate is biased, and no interval says by how much. Cost: O(mp).
    """
    n_synthetic = n_real if n_synthetic is None else n_synthetic
    q, u = _check(estimates, variances, n_real, n_synthetic, rule, level)
    if not 0 <= parameters < n_real:
        raise UsageError(
            f"{parameters} quantities cannot be estimated from {n_real} rows",
            where="combine",
            expected="fewer parameters than rows",
        )
    m = len(q)
    mean, within = q.mean(axis=0), u.mean(axis=0)
    between = q.var(axis=0, ddof=1) if m > 1 else np.zeros_like(mean)
    df = np.full(mean.shape, np.inf)
    if rule == "naive":
        total = within / m
    elif rule == "synthpop":
        v, ratio = within * n_synthetic / n_real, n_real / n_synthetic
        total = v * (1 + ((ratio + 1) if proper else ratio) / m)
    elif rule == "incomplete":
        total = between / m + within
        df = (m - 1) * (1 + m * within / np.maximum(between, 1e-300)) ** 2
    elif rule == "imputed":
        total = (1 + 1 / m) * between + within
        df = _imputed_df((1 + 1 / m) * between, total, m, n_real - parameters)
    else:
        total = (1 + 1 / m) * between - within
        share = m * within / np.maximum((m + 1) * between, 1e-300)
        negative = total <= 0
        total = np.where(negative, within * n_synthetic / n_real, total)
        df = np.where(negative, np.inf, np.maximum(1.0, (m - 1) * (1 - np.minimum(share, 1.0)) ** 2))
    half = _quantile(df, level) * np.sqrt(total)
    return Combined(mean, total, mean - half, mean + half, within, between, df, rule, m, level)


def _imputed_df(extra: FloatArray, total: FloatArray, m: int, complete: int) -> FloatArray:
    """Degrees of freedom of Barnard and Rubin: not more than complete rows would have given."""
    missing = extra / np.maximum(total, 1e-300)
    between = (m - 1) / np.maximum(missing, 1e-12) ** 2
    observed = (complete + 1) / (complete + 3) * complete * (1 - missing)
    return np.asarray(1 / (1 / between + 1 / np.maximum(observed, 1e-12)))


def naive_coverage(n_real: int, n_synthetic: int, tables: int = 1, level: float = 0.95) -> float:
    """How often a naive interval holds the truth, when the generator's family is right and efficient.

    The naive error is that of ``k * m`` rows, the true one adds that of the n rows learned from:
    coverage = 2 Phi(z sqrt(n / (n + km))) - 1. With k = n it is 0.83, with k = 10 n 0.45.

    >>> round(naive_coverage(100, 1000), 2)
    0.45
    """
    from scipy.stats import norm

    if min(n_real, n_synthetic, tables) < 1:
        raise UsageError("there are no rows", where="naive_coverage", expected="1 row or more on each side")
    z = norm.ppf((1 + level) / 2)
    return float(2 * norm.cdf(z * np.sqrt(n_real / (n_real + n_synthetic * tables))) - 1)


def widening(n_real: int, n_synthetic: int, tables: int = 1) -> float:
    """Factor by which a naive standard error must be multiplied: sqrt(1 + km/n), for tables pooled as one.

    >>> round(widening(100, 1000), 3)
    3.317
    """
    if min(n_real, n_synthetic, tables) < 1:
        raise UsageError("there are no rows", where="widening", expected="1 row or more on each side")
    return float(np.sqrt(1 + n_synthetic * tables / n_real))


def _check(
    estimates: npt.ArrayLike, variances: npt.ArrayLike, n: int, k: int, rule: str, level: float
) -> tuple[FloatArray, FloatArray]:
    q, u = (np.asarray(a, dtype=np.float64) for a in (estimates, variances))
    if rule not in RULES:
        raise UsageError(f"there is no rule {rule!r}", where="combine", expected=f"one of {', '.join(RULES)}")
    if q.shape != u.shape or q.ndim not in (1, 2) or not q.size:
        raise UsageError(
            f"estimates have shape {q.shape}, variances {u.shape}",
            where="combine",
            expected="both of shape (tables,) or (tables, quantities)",
        )
    if not (np.isfinite(q).all() and np.isfinite(u).all()) or (u < 0).any():
        raise UsageError(
            "an estimate or variance is not a finite number, or a variance is negative",
            where="combine",
            do="leave out tables on which the analysis failed, and say so",
        )
    if min(n, k) < 1 or not 0 < level < 1:
        raise UsageError(
            f"n_real={n}, n_synthetic={k}, level={level} cannot be",
            where="combine",
            expected="1 row or more on each side and a level between 0 and 1",
        )
    if rule in ("rrr", "incomplete", "imputed") and len(q) < 2:
        raise UsageError(
            f"rule {rule!r} needs the spread between tables",
            where="combine",
            expected="two tables or more",
            do="make more tables; for synthetic ones rule 'synthpop' works with one",
        )
    return (q[:, None], u[:, None]) if q.ndim == 1 else (q, u)


def _quantile(df: FloatArray, level: float) -> FloatArray:
    from scipy.stats import norm, t

    finite = np.isfinite(df)
    out = np.full(df.shape, norm.ppf((1 + level) / 2))
    out[finite] = t.ppf((1 + level) / 2, df[finite])
    return out
