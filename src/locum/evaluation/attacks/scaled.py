"""Membership by distances in standard deviations: nearer to a synthetic row than to a few fresh real ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from locum.arrays import FloatArray
from locum.evaluation.attacks.nearest import mean_nearest, nearest
from locum.evaluation.attacks.threat import ThreatModel
from locum.evaluation.learn.cells import numeric
from locum.evaluation.learn.features import FAR, Ranks, RankView
from locum.schema.column import Column

if TYPE_CHECKING:
    import pyarrow as pa


#: Labels that differ count as much as numbers one half of a standard deviation apart.
LABELS_PER_DEVIATION = 2.0
#: Reference rows whose mean distance is taken, and what is added to distances before their logarithm.
REFERENCES, OFFSET = 5, 0.2
#: Standard deviations that a number may lie from the mean; single precision holds it.
FARTHEST = 1e6


@dataclass(frozen=True, slots=True)
class Scales:
    """Mean, standard deviation and lowest value of each ordered column, among the attacker's rows.

    Attributes
    ----------
    names
        Ordered columns.
    means, deviations, lowest
        Shape (n_ordered,); a deviation of 0 or of no value is taken as 1.
    labels
        How labels become codes.
    """

    names: tuple[str, ...]
    means: FloatArray
    deviations: FloatArray
    lowest: FloatArray
    labels: RankView

    @classmethod
    def learn(cls, columns: tuple[Column, ...], table: pa.Table, labels: RankView) -> Scales:
        """Learn from the rows that the attacker holds."""
        names = tuple(c.name for c in columns if c.ordered)
        found = []
        for name in names:
            x = np.clip(numeric(table.column(name)), -FAR, FAR)
            x = x[~np.isnan(x)]
            deviation = float(x.std()) if len(x) else 0.0
            low, mean = (float(x.min()), float(x.mean())) if len(x) else (0.0, 0.0)
            found.append((mean, deviation if deviation > 0 else 1.0, low))
        means, deviations, lowest = np.array(found, dtype=np.float64).reshape(-1, 3).T
        return cls(names, means, deviations, lowest, labels)

    def rows(self, table: pa.Table) -> Ranks:
        """Rows for `nearest`, in units of a label that differs.

        A missing number lies one standard deviation below the lowest value.
        """
        out = np.empty((table.num_rows, len(self.names)), dtype=np.float32)
        for j, name in enumerate(self.names):
            x = np.clip(numeric(table.column(name)), -FAR, FAR)
            x = np.where(np.isnan(x), self.lowest[j] - self.deviations[j], x)
            z = np.clip((x - self.means[j]) / self.deviations[j], -FARTHEST, FARTHEST)
            out[:, j] = LABELS_PER_DEVIATION * z
        return Ranks(out, self.labels.ranks(table).labels)


def scaled_ratio(known: ThreatModel, rows: pa.Table) -> tuple[FloatArray, FloatArray]:
    """Log of the mean distance to the nearest reference rows over distance to the nearest synthetic one.

    With it the naive score, which looks at the reference alone; shape (n,) each. Unlike in
    `locum.evaluation.attacks.density.neighbour_ratio` numbers count by their difference in standard
    deviations and more than labels do, and the reference's density comes from `REFERENCES` rows instead of
    one, whose distance is mostly chance. After the distance differences of GAN-leaks (Chen et al., CCS 2020),
    as a ratio and in L1. Stronger than ranks where synthetic rows lie between real ones; weaker where a
    column has a few huge values. Cost: see `nearest`.
    """
    scales = Scales.learn(known.columns, known.both, known.ranks)
    asked = scales.rows(rows)
    to_synthetic = nearest(asked, scales.rows(known.synthetic))[0].astype(np.float64)
    to_reference = mean_nearest(asked, scales.rows(known.reference), REFERENCES).astype(np.float64)
    far = np.log(to_reference + OFFSET)
    return far - np.log(to_synthetic + OFFSET), far
