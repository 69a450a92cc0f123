"""A Gaussian copula on ranks: normal scores, one matrix of correlations, back through the real quantiles.

A label, or a number of few values, is the interval that its share takes of 0..1, the frequent ones first.
"""

import numpy as np
import pandas as pd
from scipy.stats import norm
from stopwatch import Job

FEW_VALUES, EDGE, RIDGE = 10, 1e-6, 1e-6


class Ranks:
    """A number of many values; missing ones stand in the middle and are not made."""

    def __init__(self, values, rng):
        known = values.dropna()
        self.sorted = np.sort(known.to_numpy(float))
        self.places = ((values.rank() - 0.5) / len(values)).fillna(0.5).to_numpy()
        whole = values.dtype.kind == "i"
        digits = known.astype(str).str.partition(".")[2].str.len()
        self.digits = 0 if whole or digits.empty else int(digits.max())

    def back(self, p):
        """Values at places in 0..1."""
        return np.round(np.quantile(self.sorted, p), self.digits)


class Shares:
    """Labels, missing ones among them, as intervals of 0..1."""

    def __init__(self, values, rng):
        share = values.value_counts(normalize=True, dropna=False)
        self.levels, self.edges = share.index, np.r_[0.0, np.cumsum(share.to_numpy())]
        k = self.levels.get_indexer(values)
        self.places = self.edges[k] + rng.random(len(k)) * np.diff(self.edges)[k]

    def back(self, p):
        """Values at places in 0..1."""
        k = np.searchsorted(self.edges, p, side="right") - 1
        return self.levels.take(np.clip(k, 0, len(self.levels) - 1)).to_numpy()


job = Job.from_argv()
frame, rng = job.frame(), np.random.default_rng(job.seed)
with job.stage("fit"):
    columns = {
        name: (Ranks if pd.api.types.is_numeric_dtype(values) and values.nunique() > FEW_VALUES else Shares)(
            values, rng
        )
        for name, values in frame.items()
    }
    scores = norm.ppf(np.clip([column.places for column in columns.values()], EDGE, 1 - EDGE))
    bound = np.corrcoef(scores) + RIDGE * np.eye(len(columns))
with job.stage("sample"):
    drawn = rng.multivariate_normal(np.zeros(len(columns)), bound, job.rows, method="cholesky")
    places = norm.cdf(drawn)
    made = pd.DataFrame({name: column.back(places[:, j]) for j, (name, column) in enumerate(columns.items())})
job.done(made, "scipy")
