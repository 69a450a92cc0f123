"""Which generated rows to keep: by the learning curves of trees on few real rows (CLLM), or by a judge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from locum.arrays import BoolArray, FloatArray
from locum.errors import DataError, UsageError
from locum.evaluation.learn.boosting import grow
from locum.evaluation.learn.cells import level_codes, levels_of
from locum.evaluation.learn.features import FeatureView
from locum.evaluation.trial import align
from locum.randomness import child_seed, stream
from locum.schema.table import Schema

if TYPE_CHECKING:
    import pyarrow as pa


#: Boosting rounds, each of which is a checkpoint of training.
ROUNDS = 100
#: A row is hard whose confidence and whose uncertainty are at most these.
CONFIDENCE, UNCERTAINTY = 0.2, 0.2
#: The paper's limit of the uncertainty, as a share of the range that it has among the generated rows.
RANGE_SHARE = 0.75
#: Rows to make for each row that `select_by_judge` shall keep.
CANDIDATES = 2
#: Labels at most.
MOST_LABELS = 100
#: Steeper and finer than a judge's trees: few rows, and curves that must end in the opinion of a learner.
_LEARNER = {"learning_rate": 0.3, "num_leaves": 15, "min_data_per_group": 1, "cat_smooth": 1.0}


@dataclass(frozen=True, slots=True)
class Dynamics:
    """What a learner of the real rows held of generated ones while it learned.

    Attributes
    ----------
    confidence
        Mean over training of the probability p of a row's own label; shape (n,). NaN where that is missing.
    aleatoric
        Mean over training of p (1 - p), at most 0.25; shape (n,). NaN likewise.
    """

    confidence: FloatArray
    aleatoric: FloatArray

    @classmethod
    def of(cls, curves: FloatArray) -> Dynamics:
        """Both means of the probabilities of the rows' own labels, shape (checkpoints, n)."""
        return cls(curves.mean(axis=0), (curves * (1 - curves)).mean(axis=0))

    @property
    def range_limit(self) -> float:
        """The paper's limit of the uncertainty: `RANGE_SHARE` of its range among rows; NaN without any."""
        known = self.aleatoric[~np.isnan(self.aleatoric)]
        return RANGE_SHARE * float(known.max() - known.min()) if len(known) else float("nan")

    def hard(self, confidence: float = CONFIDENCE, uncertainty: float = UNCERTAINTY) -> BoolArray:
        """Rows whose label is held to be wrong throughout, and that without doubt; rows of NaN are not.

        As ``mean p (1 - p) <= c (1 - c)`` for a confidence c, a limit of uncertainty counts from 0.16 down
        where that of confidence is 0.2.
        """
        return (self.confidence <= confidence) & (self.aleatoric <= uncertainty)


@dataclass(frozen=True, slots=True)
class Curated:
    """Rows kept, and why.

    Attributes
    ----------
    table
        The rows that are not hard.
    kept
        Whether each row was; shape (n,).
    dynamics
        What that rests on.
    """

    table: pa.Table
    kept: BoolArray
    dynamics: Dynamics

    def __str__(self) -> str:
        return (
            f"{int(self.kept.sum()):,} of {len(self.kept):,} rows kept; the labels of the others contradict."
        )


def curate(
    real: pa.Table,
    generated: pa.Table,
    schema: Schema,
    target: str,
    *,
    seed: int = 0,
    uncertainty: float | None = UNCERTAINTY,
) -> Curated:
    """Drop generated rows whose label the few real rows contradict all through training.

    Parameters
    ----------
    real, generated
        Canonical tables of the schema's columns; the rows of any generator.
    schema
        What the columns are.
    target
        The column of labels, 2 to `MOST_LABELS` of them.
    seed
        Of the learner.
    uncertainty
        Highest aleatoric uncertainty of a row that is dropped; None takes the paper's limit, which goes by
        the rows (`Dynamics.range_limit`).

    Raises
    ------
    UsageError
        When the target is not a column of labels.
    DataError
        When a table has no rows or lacks a column, or the real rows have too few or too many labels.

    Notes
    -----
    Source: Seedat, Huynh, van Breugel and van der Schaar, "Curated LLM" (ICML 2024, arXiv 2312.12112), with
    the thresholds that its authors' code has by default: a row is dropped when its confidence is at most 0.2
    and its aleatoric uncertainty at most 0.2. The paper's choice, ``0.75 (max - min)`` of the uncertainties,
    drops nothing where the learner is about equally sure of all rows, the wrong ones included. Trees of
    LightGBM in place of XGBoost, every round a checkpoint. A label that the real rows do not have has
    probability 0 throughout, so that its row is hard; a row without a label is kept. Cost: one fit, and one
    tree for each row and round.
    """
    if target not in schema.names:
        raise UsageError(f"there is no column {target!r}", where="target", expected=", ".join(schema.names))
    real, generated = align(real, schema, "real rows"), align(generated, schema, "generated rows")
    labels = levels_of(real.column(target))
    if schema[target].regenerated or (schema[target].ordered and len(labels) > 2):
        raise UsageError(f"{target!r} has no classes", where="target", do="cut it into classes first")
    if not 2 <= len(labels) <= MOST_LABELS:
        raise DataError(f"{len(labels)} labels", where=f"column {target!r}", expected=f"2 to {MOST_LABELS}")
    view = FeatureView.learn([c for c in schema if not c.regenerated and c.name != target], real)
    truth, claimed = (level_codes(t.column(target), labels) for t in (real, generated))
    learnt = truth < len(labels)
    leaf = max(1, min(20, int(learnt.sum()) // 10))
    forest = grow(
        view.matrix(real)[learnt],
        truth[learnt],
        "multiclass",
        categorical=view.categorical,
        seed=seed,
        n_classes=len(labels),
        rounds=ROUNDS,
        leaf=leaf,
        settings=_LEARNER,
    )
    rows, own = np.arange(len(claimed)), np.minimum(claimed, len(labels) - 1)
    curves = np.stack([p[rows, own] for p in forest.stages(view.matrix(generated))])
    curves[:, claimed == len(labels)] = 0.0
    curves[:, claimed > len(labels)] = np.nan
    found = Dynamics.of(curves)
    kept = ~found.hard(uncertainty=found.range_limit if uncertainty is None else uncertainty)
    return Curated(generated.filter(kept), kept, found)


def select_by_judge(pool: pa.Table, schema: Schema, made: pa.Table, n: int, seed: int) -> pa.Table:
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
        x,
        y,
        "binary",
        categorical=view.categorical,
        seed=child_seed(seed, "judge"),
        rounds=40,
        leaf=50,
        weight=weight,
    )
    p = np.clip(forest.predict(fake), 0.02, 0.98)
    keys = stream(seed, "verified").exponential(size=len(p)) / (p / (1 - p))
    return made.take(np.sort(np.argsort(keys, kind="stable")[:n]))
