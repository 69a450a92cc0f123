"""How often 95 % intervals from synthetic rows hold the truth: the naive one, and the combining rules.

    python -m benchmarks.coverage [--repeats N]

A Gaussian is fitted to 100 real rows and draws m tables of k rows; proper: its parameters are drawn from
their posterior first. The mean's interval should hold the true mean in 95 of 100 repeats. Published: section
2.4 of this project's research note on fairness, risk and data (4,000 repeats, standard error .003 to .008).
"""

from __future__ import annotations

import argparse

import numpy as np

from locum.arrays import FloatArray
from locum.evaluation.metrics.inference.combine import Combined, combine

REAL, AT_ONCE = 100, 200
#: k, m, proper, and the published shares: naive on one table, naive pooled, RRR, synthpop's rule.
PUBLISHED = (
    (100, 1, False, 0.836, None, None, 0.946),
    (1000, 1, False, 0.452, None, None, 0.949),
    (100, 5, False, 0.840, 0.580, 0.779, 0.953),
    (100, 5, True, 0.741, 0.551, 0.872, 0.947),
    (100, 20, True, 0.744, 0.333, 0.896, 0.948),
    (1000, 20, True, 0.340, 0.108, 0.931, 0.949),
)


def main() -> None:
    """Print one row a setting: each share with its standard error, and the published one."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.coverage")
    parser.add_argument("--repeats", type=int, default=4_000)
    repeats = parser.parse_args().repeats
    print("| k | m | proper | naive, one table | naive, pooled | RRR | synthpop's rule |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for k, m, proper, *published in PUBLISHED:
        q, u = estimates(k, m, proper, repeats)
        sizes = {"n_real": REAL, "n_synthetic": k}
        shares = [
            share(combine(q[:1], u[:1], rule="naive", **sizes)),
            share(combine(q, u, rule="naive", **sizes)) if m > 1 else None,
            share(combine(q, u, rule="rrr", **sizes)) if m > 1 else None,
            share(combine(q, u, rule="synthpop", proper=proper, **sizes)),
        ]
        cells = [
            "-" if p is None else f"{p:.3f} +- {(p * (1 - p) / repeats) ** 0.5:.3f} ({told or '-'})"
            for p, told in zip(shares, published, strict=True)
        ]
        print(f"| {k} | {m} | {'yes' if proper else 'no'} | {' | '.join(cells)} |")


def estimates(k: int, m: int, proper: bool, repeats: int) -> tuple[FloatArray, FloatArray]:
    """Means and squared standard errors of m tables of k rows; shape (m, repeats) each."""
    rng = np.random.default_rng([k, m, proper])
    q, u = np.empty((m, repeats)), np.empty((m, repeats))
    for start in range(0, repeats, AT_ONCE):
        at = slice(start, min(start + AT_ONCE, repeats))
        real = rng.normal(size=(at.stop - start, REAL))
        mean, sd = real.mean(axis=1), real.std(axis=1, ddof=1)
        for i in range(m):
            mu, sigma = mean, sd
            if proper:
                sigma = sd * np.sqrt((REAL - 1) / rng.chisquare(REAL - 1, len(sd)))
                mu = mean + sigma / REAL**0.5 * rng.normal(size=len(sd))
            rows = mu[:, None] + sigma[:, None] * rng.normal(size=(len(sd), k))
            q[i, at], u[i, at] = rows.mean(axis=1), rows.var(axis=1, ddof=1) / k
    return q, u


def share(combined: Combined) -> float:
    """How often the interval holds the true mean, which is 0."""
    return float(np.mean((combined.low <= 0) & (combined.high >= 0)))


if __name__ == "__main__":
    main()
