"""Classification and regression trees, column by column, as synthpop does by default (Nowok and others 2016).

Each column is drawn from the real values in the leaf (5 rows or more) of a tree on the columns before it.
"""

import numpy as np
import pandas as pd
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from stopwatch import Job

LEAF, MOST_LEVELS, FEW_VALUES = 5, 25, 10
#: Stands for a missing number where a tree splits.
GAP = -1e9


def features(frame, like, names):
    """Numbers as they are, the frequent labels of `like` as flags; shape (rows, features)."""
    parts = []
    for name in names:
        if pd.api.types.is_numeric_dtype(like[name]):
            parts.append(frame[name].fillna(GAP).to_numpy(float)[:, None])
        else:
            levels = like[name].value_counts().index[:MOST_LEVELS]
            parts.append((frame[name].to_numpy(object)[:, None] == levels.to_numpy(object)).astype(float))
    return np.hstack(parts)


class Leaves:
    """A tree of one column, and the real values in its leaves."""

    def __init__(self, x, values, seed):
        number = pd.api.types.is_numeric_dtype(values) and values.nunique() > FEW_VALUES
        kind = DecisionTreeRegressor if number else DecisionTreeClassifier
        goal = values.fillna(values.median()) if number else values.astype(str)
        self.tree = kind(min_samples_leaf=LEAF, random_state=seed).fit(x, goal)
        leaf = self.tree.apply(x)
        order = np.argsort(leaf, kind="stable")
        self.values = values.to_numpy()[order]
        self.start = np.searchsorted(leaf[order], np.arange(leaf.max() + 2))

    def draw(self, x, rng):
        """One real value a row, from the row's leaf."""
        leaf = self.tree.apply(x)
        size = self.start[leaf + 1] - self.start[leaf]
        return self.values[self.start[leaf] + (rng.random(len(x)) * size).astype(int)]


job = Job.from_argv()
frame, rng = job.frame(), np.random.default_rng(job.seed)
columns = list(frame)
with job.stage("fit"):
    models = [
        Leaves(features(frame, frame, columns[:j]), frame[columns[j]], job.seed)
        for j in range(1, len(columns))
    ]
with job.stage("sample"):
    made = frame[columns[:1]].sample(job.rows, replace=True, random_state=job.seed).reset_index(drop=True)
    for j, model in enumerate(models, 1):
        made[columns[j]] = model.draw(features(made, frame, columns[:j]), rng)
job.done(made, "scikit-learn")
