"""Chances of each class of the target given the rest of a row: the generator's own, or of boosted trees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from locum.arrays import FloatArray, IntArray
from locum.evaluation.learn.boosting import Task, grow
from locum.evaluation.learn.features import FeatureView
from locum.randomness import child_seed, stream
from locum.studies.fair.setting import Setting

if TYPE_CHECKING:
    import pyarrow as pa

    from locum.synthesizer.table import Synthesizer

#: Parts in which trees are fitted, each scored by trees that did not see it; rounds of each fit.
FOLDS, ROUNDS = 5, 60


def own_chances(synth: Synthesizer, table: pa.Table, setting: Setting) -> FloatArray | None:
    """P(class | rest of the row) under the generator's own density; shape (n_rows, n_classes).

    Bayes' rule over the classes: one `log_prob` a class. None where the generator has no density, the target
    is not exactly one code, or other columns are derived from it (then no row can be tried with another
    label). Rows that the generator holds impossible under every class get the classes' shares.
    """
    attributes = [i for i, a in enumerate(synth.encoder.domain) if a.column == setting.target]
    bound = {d.determinant for d in setting.schema.dependencies}
    if not synth.has_density or len(attributes) != 1 or setting.target in bound:
        return None
    at = attributes[0]
    codes = synth.encoder.encode(table).codes.copy(order="F")
    label = setting.label(table)
    logs = np.full((len(codes), len(setting.classes)), -np.inf)
    for k in range(len(setting.classes)):
        seen = np.unique(codes[label == k, at])
        if len(seen) != 1:
            return None
        tried = codes.copy(order="F")
        tried[:, at] = seen[0]
        logs[:, k] = synth.fitted.model.log_prob(tried)
    top = logs.max(axis=1, keepdims=True)
    shares = np.bincount(label[label >= 0], minlength=len(setting.classes)) / max(1, (label >= 0).sum())
    chance = np.exp(logs - np.where(np.isfinite(top), top, 0.0))
    chance[~np.isfinite(top[:, 0])] = shares
    return np.asarray(chance / chance.sum(axis=1, keepdims=True))


def tree_chances(
    table: pa.Table,
    setting: Setting,
    seed: int,
    *,
    columns: Sequence[str] | None = None,
    ask: pa.Table | None = None,
) -> FloatArray:
    """P(class | columns) by boosted trees; shape (n_rows, n_classes).

    Each of `FOLDS` parts is scored by trees fitted to the others, so that no row sees its own label.

    Parameters
    ----------
    table, setting
        Rows to learn from; what their classes are.
    seed
        Fixes folds and trees.
    columns
        What the chances are given; None for all but the target.
    ask
        Other rows to score in place of `table`, row by row (the same rows after an intervention).
    """
    names = [c.name for c in setting.schema if not c.regenerated and c.name != setting.target]
    names = names if columns is None else [n for n in names if n in set(columns)]
    label, k = setting.label(table), len(setting.classes)
    shares = np.bincount(label[label >= 0], minlength=k) / max(1, (label >= 0).sum())
    if not names:
        return np.tile(shares, (table.num_rows, 1))
    view = FeatureView.learn([setting.schema[n] for n in names], table)
    x = view.matrix(table)
    asked = x if ask is None else view.matrix(ask)
    fold = stream(seed, "fair", "folds").permutation(len(label)) % FOLDS
    out = np.empty((len(label), k))
    for f in range(FOLDS):
        learn, score = (fold != f) & (label >= 0), fold == f
        out[score] = _fit(x[learn], label[learn], view, k, child_seed(seed, "fair", f), asked[score])
    return out


def _fit(x: FloatArray, y: IntArray, view: FeatureView, k: int, seed: int, asked: FloatArray) -> FloatArray:
    if not len(y) or not len(asked):
        return np.full((len(asked), k), 1.0 / k)
    task: Task = "binary" if k == 2 else "multiclass"
    rounds = ROUNDS if k == 2 else max(20, 2 * ROUNDS // k)
    forest = grow(x, y, task, categorical=view.categorical, seed=seed, n_classes=k, rounds=rounds)
    p = forest.predict(asked)
    return np.column_stack([1 - p, p]) if k == 2 else p
