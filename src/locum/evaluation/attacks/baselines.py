"""Scores of membership that only a tournament plays: the plainest one, a weak one, and a guess."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from locum.arrays import FloatArray
from locum.evaluation.attacks.nearest import nearest
from locum.evaluation.attacks.threat import ThreatModel
from locum.evaluation.learn.linear import RIDGE, design
from locum.logistic import ridge_logistic
from locum.randomness import stream

if TYPE_CHECKING:
    import pyarrow as pa

#: Rows a side that the linear judge learns from, and the levels of a label that it looks at.
LINEAR_ROWS, LINEAR_LEVELS = 10_000, 20


def nearest_row(known: ThreatModel, rows: pa.Table) -> tuple[FloatArray, FloatArray]:
    """Minus the distance to the nearest synthetic row; the naive score is a constant."""
    distance = nearest(known.ranks.ranks(rows), known.sides[0])[0]
    return np.asarray(-distance, dtype=np.float64), np.zeros(rows.num_rows)


def linear_judge(known: ThreatModel, rows: pa.Table) -> tuple[FloatArray, FloatArray]:
    """Log odds of being synthetic by a logistic regression; weak, for comparison."""
    sides = [design(side, LINEAR_LEVELS)[:LINEAR_ROWS] for side in known.sides]
    x, y = np.concatenate(sides), np.repeat([1.0, 0.0], [len(s) for s in sides])
    asked = design(known.ranks.ranks(rows), LINEAR_LEVELS)
    return np.asarray(asked @ ridge_logistic(x, y, RIDGE, 8), dtype=np.float64), np.zeros(rows.num_rows)


def guess(known: ThreatModel, rows: pa.Table) -> tuple[FloatArray, FloatArray]:
    """Random numbers: a control that must score one half."""
    return stream(known.seed, "tournament", "guess").random(rows.num_rows), np.zeros(rows.num_rows)
