"""Keeping those of a generator's rows that a judge of real rows against made ones takes for real."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from locum.errors import DataError
from locum.evaluation.learn.boosting import grow
from locum.evaluation.learn.features import FeatureView
from locum.randomness import child_seed, stream

if TYPE_CHECKING:
    import pyarrow as pa

    from locum.schema.table import Schema

#: Rows made for each row that is kept.
CANDIDATES = 2


def filter_by_judge(pool: pa.Table, schema: Schema, made: pa.Table, n: int, seed: int) -> pa.Table:
    """The `n` rows of `made` that are kept by a judge of real `pool` rows against made ones.

    Rows are drawn without replacement with chances in proportion to the judge's odds, which pulls them
    towards the real law; taking the best ones would only narrow it. Cost: one LightGBM fit.
    """
    columns = [c for c in schema if not c.regenerated]
    if not columns or pool.num_rows == 0:
        raise DataError("there is nothing to verify rows by", where=schema.name, do="give real rows")
    view = FeatureView.learn(columns, pool)
    real, fake = view.matrix(pool), view.matrix(made)
    x, y = np.vstack([real, fake]), np.r_[np.ones(len(real)), np.zeros(len(fake))]
    # Equal total weight, and few leaves: the judge must not know single rows.
    weight = np.r_[np.full(len(real), len(fake) / len(real)), np.ones(len(fake))]
    forest = grow(
        x, y, "binary", categorical=view.categorical, seed=child_seed(seed, "judge"), rounds=40, leaf=50,
        weight=weight,
    )  # fmt: skip
    p = np.clip(forest.predict(fake), 0.02, 0.98)
    keys = stream(seed, "verified").exponential(size=len(p)) / (p / (1 - p))
    return made.take(np.sort(np.argsort(keys, kind="stable")[:n]))
