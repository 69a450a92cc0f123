"""Which generated rows to keep: learning curves of trees on the few real rows, for any generator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from locum.errors import DataError, UsageError
from locum.evaluation.learn.boosting import grow
from locum.evaluation.target import target_of
from locum.evaluation.trial import Trial
from locum.randomness import child_seed

if TYPE_CHECKING:
    import pyarrow as pa

    from locum.schema.table import Schema

FloatArray = npt.NDArray[np.float64]

#: Rounds of each small ensemble, at which of them a row is looked at, and how many ensembles there are.
ROUNDS, EVERY, ENSEMBLES = 50, 5, 4
#: A row is dropped when its label is held this unlikely throughout, and that without doubt.
CONFIDENCE, DOUBT = 0.2, 0.2


@dataclass(frozen=True, slots=True)
class Curated:
    """Rows kept, and why.

    Attributes
    ----------
    table
        The rows that are easy or ambiguous.
    kept
        Whether each row was; shape (n,).
    confidence, doubt
        Mean over training of the chance p of the row's own label, and of p (1 - p), its aleatoric
        uncertainty; shape (n,). NaN where the label is missing (such rows are kept).
    """

    table: pa.Table
    kept: npt.NDArray[np.bool_]
    confidence: FloatArray
    doubt: FloatArray

    def __str__(self) -> str:
        return (
            f"{int(self.kept.sum()):,} of {len(self.kept):,} rows kept; the labels of the others contradict."
        )


def curate(real: pa.Table, generated: pa.Table, schema: Schema, target: str, *, seed: int = 0) -> Curated:
    """Drop generated rows whose label the few real rows contradict all through training.

    As in CLLM (Seedat et al., ICML 2024), without its language model: boosted trees learn the real rows, and
    after every `EVERY` rounds say how likely each generated row's label is. Dropped: confidence at most
    `CONFIDENCE` and doubt at most `DOUBT` (the paper's fixed thresholds). `ENSEMBLES`
    ensembles are averaged, since 50 rows make any single one a matter of luck; that differs from the paper.

    Raises
    ------
    UsageError
        When the target is not a column of classes.
    DataError
        When a table has no rows.
    """
    if target not in schema.names:
        raise UsageError(f"there is no column {target!r}", where="target", expected=", ".join(schema.names))
    if min(real.num_rows, generated.num_rows) == 0:
        raise DataError("a table has no rows", where="curate", do="give at least one row of each")
    trial = Trial(schema, real, generated, target=target)
    label = target_of(schema[target], trial.train.column(target))
    if label is None or label.task == "regression":
        raise UsageError(f"{target!r} has no classes", where="target", do="cut it into classes first")
    keep = [j for j, c in enumerate(trial.columns) if c.name != target]
    categorical = [keep.index(j) for j in trial.features.categorical if j in keep]
    x, asked = (trial.features.matrix(t)[:, keep] for t in (trial.train, trial.synthetic))
    y, own = label.values(trial.train), label.values(trial.synthetic)
    known, ok = ~np.isnan(own), ~np.isnan(y)
    curves = []
    for k in range(ENSEMBLES):
        forest = grow(
            x[ok], y[ok], "multiclass", categorical=categorical, seed=child_seed(seed, "curate", k),
            n_classes=label.n_classes, rounds=ROUNDS, leaf=(3, 5, 8, 12)[k % 4],
        )  # fmt: skip
        if forest.booster is None:
            curves.append(forest.predict(asked[known]))
            continue
        for stage in range(EVERY, ROUNDS + 1, EVERY):
            curves.append(np.asarray(forest.booster.predict(asked[known], num_iteration=stage)))
    at = own[known].astype(np.int64)
    p = np.stack([c[np.arange(len(at)), at] for c in curves])
    return _decide(generated, known, p)


def _decide(generated: pa.Table, known: npt.NDArray[np.bool_], p: FloatArray) -> Curated:
    import pyarrow as pa

    confidence, doubt = (np.full(len(known), np.nan) for _ in range(2))
    confidence[known], doubt[known] = p.mean(axis=0), (p * (1 - p)).mean(axis=0)
    kept = ~((confidence <= CONFIDENCE) & (doubt <= DOUBT))
    return Curated(generated.filter(pa.array(kept)), kept, confidence, doubt)
