"""Rows of a related table, weighted by how much they look like one's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from locum.arrays import FloatArray, effective_size
from locum.errors import DataError, UsageError
from locum.evaluation.learn.boosting import grow
from locum.evaluation.learn.features import FeatureView
from locum.randomness import child_seed, stream
from locum.schema.column import Column

if TYPE_CHECKING:
    import pyarrow as pa

    from locum.schema.table import Schema


#: Parts in which the judge is fitted, its rounds, and the largest weight as a multiple of the mean.
FOLDS, ROUNDS, CAP = 5, 30, 20.0


@dataclass(frozen=True, slots=True)
class Borrowed:
    """Own rows and borrowed ones.

    Attributes
    ----------
    table
        Own rows first, then rows of the other table drawn by weight, with a column that says which.
    schema
        Of `table`.
    weights
        Density ratio of each row of the other table, mean 1; shape (n_other,).
    effective
        How many of the other rows that is worth (Kish).
    """

    table: pa.Table
    schema: Schema
    weights: FloatArray
    effective: float


def ratio_weights(own: pa.Table, other: pa.Table, schema: Schema, *, seed: int = 0) -> FloatArray:
    """Estimated p_own(x) / p_other(x) of each row of `other`, mean 1; shape (n_other,).

    Odds of boosted trees that tell the tables apart, each row scored by trees that have not seen it, shrunk
    to at most `CAP` times the mean. With few own rows trees see little, and weights stay near 1.

    Raises
    ------
    DataError
        When a table has no rows, or a column of the schema is absent.
    """
    import pyarrow as pa

    columns = [c for c in schema if not c.regenerated]
    for where, table in (("own", own), ("other", other)):
        if table.num_rows == 0:
            raise DataError("the table has no rows", where=where, do="give at least one row")
        absent = [c.name for c in columns if c.name not in table.column_names]
        if absent:
            raise DataError(f"column {absent[0]!r} is absent", where=where, expected="the columns of both")
    names = [c.name for c in columns]
    view = FeatureView.learn(columns, pa.concat_tables([own.select(names), other.select(names)]))
    x = np.vstack([view.matrix(own), view.matrix(other)])
    y = np.r_[np.ones(own.num_rows), np.zeros(other.num_rows)]
    fold = stream(seed, "borrow", "folds").permutation(len(y)) % FOLDS
    p = np.full(len(y), y.mean())
    for f in range(FOLDS):
        learn, score = fold != f, (fold == f) & (y == 0)
        if score.any():
            forest = grow(
                x[learn],
                y[learn],
                "binary",
                categorical=view.categorical,
                rounds=ROUNDS,
                seed=child_seed(seed, "borrow", f),
                leaf=5,
            )
            p[score] = forest.predict(x[score])
    p = np.clip(p[y == 0], 1e-6, 1 - 1e-6)
    odds = p / (1 - p)
    odds = np.minimum(odds / odds.mean(), CAP)
    return np.asarray(odds / odds.mean())


def borrow(
    own: pa.Table,
    other: pa.Table,
    schema: Schema,
    n: int,
    *,
    domain: str = "domain",
    weights: FloatArray | None = None,
    seed: int = 0,
) -> Borrowed:
    """Own rows with `n` rows of a related table, drawn by density ratio, and a column that tells them apart.

    Fit any synthesizer on the result and sample with ``where="domain = 'own'"``: the shared structure comes
    from both, the level of the own table from the own rows. A stand-in on CPU for RadialGAN's translation.
    `weights` are those of `ratio_weights` where they are known already.

    Raises
    ------
    UsageError
        When a column is called like `domain` already.
    DataError
        As `ratio_weights`.
    """
    from dataclasses import replace

    import pyarrow as pa

    if domain in schema.names:
        raise UsageError(f"there is a column {domain!r} already", where="domain", do="give another name")
    weights = ratio_weights(own, other, schema, seed=seed) if weights is None else weights
    rng = stream(seed, "borrow", "draw")
    rows = np.sort(rng.choice(len(weights), size=n, p=weights / weights.sum()))
    names = list(schema.names)
    table = pa.concat_tables([own.select(names), other.select(names).take(pa.array(rows))]).combine_chunks()
    mark = pa.array(["own"] * own.num_rows + ["other"] * n, pa.string())
    column = Column(name=domain, kind="category")
    wider = replace(schema, columns=(*schema.columns, column))
    effective = effective_size(weights)
    return Borrowed(table.append_column(domain, mark), wider, weights, effective)
