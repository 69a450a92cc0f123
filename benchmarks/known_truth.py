"""Made-up tables whose law is known and can be drawn from without end: for numbers, rare targets, few rows.

The laws stay the same whatever the number of rows and the seed; only the rows differ.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd

#: Makes so many rows with a generator of random numbers.
Law = Callable[[int, np.random.Generator], pd.DataFrame]


def sums(rows: int, rng: np.random.Generator) -> pd.DataFrame:
    """A sum that holds in every row, two columns that correlate to .999, a bounded and a two-humped one."""
    net, tax = np.round(rng.gamma(2, 50, rows), 2), np.round(rng.lognormal(3, 1, rows), 2)
    z = rng.normal(size=rows)
    share = np.round(rng.beta(0.3, 0.3, rows), 3)
    low, high = rng.normal(-3, 0.3, rows), rng.normal(2, 0.5, rows)
    mode = np.round(np.where(rng.random(rows) < 0.4, low, high) + 0.5 * share, 3)
    yes = happens(0.8 * z + (mode > 0) - (net > 100), rng)
    near = np.round(z + 0.045 * rng.normal(size=rows), 4)
    return pd.DataFrame(
        {
            "net": net, "tax": tax, "gross": np.round(net + tax, 2), "x": np.round(z, 4), "y": near,
            "share": share, "mode": mode, "yes": yes,
        }
    )  # fmt: skip


def rare(rows: int, rng: np.random.Generator) -> pd.DataFrame:
    """Fewer than 1 % of the rows have the label 1; it hangs on three numbers and a group."""
    x, group = rng.normal(size=(rows, 8)), rng.integers(0, 5, rows)
    score = 1.5 * x[:, 0] + 1.2 * x[:, 1] * (group > 2) + 0.8 * np.abs(x[:, 2]) + (group == 4) - 7.5
    frame = pd.DataFrame(np.round(x, 3), columns=[f"x{j}" for j in range(8)])
    return frame.assign(g=[f"g{k}" for k in group], fraud=happens(score, rng))


def lin(rows: int, rng: np.random.Generator) -> pd.DataFrame:
    """Twelve columns bound by straight lines, four of them skewed, and a number to predict."""
    x = rng.normal(size=(rows, 12)) @ np.random.default_rng(8).normal(size=(12, 12))
    x[:, :4] = np.exp(x[:, :4] / 4)
    frame = pd.DataFrame(np.round(x, 3), columns=[f"v{j}" for j in range(12)])
    return frame.assign(y=np.round(x[:, 5] + 0.5 * x[:, 6] + rng.normal(size=rows), 3))


def wide300(rows: int, rng: np.random.Generator) -> pd.DataFrame:
    """250 numbers, 49 flags and a label on ten hidden causes."""
    z = rng.normal(size=(rows, 10))
    loads = np.random.default_rng(7).normal(size=(10, 250))
    numbers = np.round(z @ loads * 0.6 + rng.normal(size=(rows, 250)), 3)
    flags = happens(1.5 * z[:, :7].repeat(7, axis=1), rng)
    return pd.concat(
        [
            pd.DataFrame(numbers, columns=[f"x{j}" for j in range(250)]),
            pd.DataFrame(flags, columns=[f"c{j}" for j in range(49)]),
        ],
        axis=1,
    ).assign(y=happens(2 * z[:, 0] + z[:, 1], rng))


def happens(score: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """1 with the chance whose log odds are `score`, else 0."""
    return (rng.random(score.shape) < 1 / (1 + np.exp(-score))).astype(np.int64)


#: Each law with the column to predict.
LAWS: Mapping[str, tuple[Law, str]] = MappingProxyType(
    {"sums": (sums, "yes"), "rare": (rare, "fraud"), "lin": (lin, "y"), "wide300": (wide300, "y")}
)
