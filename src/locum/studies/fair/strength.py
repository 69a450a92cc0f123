"""How far chances may be moved for a given loss: the loss of each strength, foretold without a fit."""

from __future__ import annotations

import numpy as np

from locum.arrays import FloatArray, IntArray
from locum.evaluation.scores import weighted_auc
from locum.studies.fair.relabel import EDGE, map_quantiles

#: Strengths that are tried.
STRENGTHS = tuple(round(0.05 * k, 2) for k in range(21))
#: Area under the ROC curve that the default strength may cost.
COST = 0.015

Losses = tuple[tuple[float, float], ...]


def losses(chance: FloatArray, label: IntArray, group: IntArray, positive: int) -> Losses:
    """Each strength with the area under the ROC curve that it costs a model of the repaired rows.

    A model that learns the repaired rows perfectly predicts, at strength t, chances moved a share t of the
    way to the quantiles of all rows (`mapped`) and then weighed as rows are chosen so that groups have equal
    shares. How well that orders the labels as they were, against how well `chance` does, is the loss; no
    model has to be fitted. At strength 1 nothing is chosen: a group's mean prediction is then its share of
    the label, so that any relabelling that closes the gap must give up what groups truly differ in.

    Parameters
    ----------
    chance
        P(class | rest of the row) by a model that has not seen the row's label; shape (n, n_classes).
    label, group
        Class of each row (-1 missing), and its group (-1 none); shape (n,).
    positive
        The class whose order is looked at.

    Notes
    -----
    With the generator's own density, sharper than any model fitted to as many rows, losses come out too
    small; chances of fitted trees foretell what is measured. Cost: one sort a strength.
    """
    known = label >= 0
    chance, group = chance[known], group[known]
    area = weighted_auc(label[known] == positive, chance[:, positive])
    even, far = np.ones(int(known.sum())), map_quantiles(chance, group)
    best = area(even)
    found = []
    for t in STRENGTHS:
        asked = (1 - t) * chance + t * far
        final = weighted_auc(label[known] == positive, _weigh(asked, group)[:, positive])
        found.append((t, float(best - final(even))))
    return tuple(found)


def strongest(found: Losses, cost: float) -> float:
    """The largest strength up to which no strength costs more than `cost`; 0 if even that costs more."""
    least = 0.0
    for t, loss in found:
        if loss > cost:
            break
        least = t
    return least


def _weigh(chance: FloatArray, group: IntArray) -> FloatArray:
    """Chances after rows are chosen so that every group has the classes' shares of all rows."""
    out, inside = np.clip(chance, EDGE, 1.0), group >= 0
    every = out[inside].mean(axis=0)
    for g in np.unique(group[inside]):
        rows = group == g
        out[rows] *= every / out[rows].mean(axis=0)
    return np.asarray(out / out.sum(axis=1, keepdims=True))
