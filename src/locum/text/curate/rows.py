"""CLLM curation: rows of any synthesizer kept or dropped by a learner of the real rows.

Source: Seedat et al. 2023, "Curated LLM" (arXiv 2312.12112): boosted trees fitted on the few real rows score
each synthetic row after every tree; confidence is the mean probability of its label over the trees, aleatoric
uncertainty the mean of p (1 - p). A row is dropped when its confidence is at most 0.2 while its uncertainty
is at most 0.75 of the range: the learner is sure that the label is wrong. Here LightGBM in place of XGBoost,
and the range begins at its smallest value, not at 0: all first trees are unsure of every row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from locum.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Curated:
    """What curation found, one entry a synthetic row.

    Attributes
    ----------
    keep
        Whether it is kept.
    confidence
        Mean probability of its label over the trees.
    aleatoric
        Mean of p (1 - p) over the trees, at most 0.25.
    """

    keep: npt.NDArray[np.bool_]
    confidence: Floats
    aleatoric: Floats


def curate(
    real: pa.Table, synthetic: pa.Table, target: str, *, trees: int = 100, confidence: float = 0.2,
    share: float = 0.75, seed: int = 0,
) -> Curated:  # fmt: skip
    """Judge synthetic rows by a learner of the real ones.

    Parameters
    ----------
    real, synthetic
        Canonical tables with the same columns.
    target
        Column of labels, with at most 100 of them.
    trees
        Boosting rounds, all of whose prefixes are scored.
    confidence, share
        Drop what has at most this confidence, and an uncertainty of at most
        ``smallest + share * (largest - smallest)``.
    seed
        Of the learner.

    Raises
    ------
    DataError
        When a column is missing, or the real rows have fewer than two labels.

    Notes
    -----
    A label that the real rows do not have gets confidence 0 and is dropped. Cost: `trees` predictions of all
    synthetic rows.
    """
    import lightgbm

    names = [name for name in real.column_names if name != target]
    for name in (target, *names):
        if name not in synthetic.column_names or name not in real.column_names:
            raise DataError(
                f"there is no column {name!r}", where="curate", expected="the real table's columns"
            )
    labels = sorted({str(v) for v in real[target].to_pylist() if v is not None})
    if not 2 <= len(labels) <= 100:
        raise DataError(f"{len(labels)} labels", where=f"column {target!r}", expected="2 to 100")
    place = {label: k for k, label in enumerate(labels)}
    truth = [place.get(str(v), -1) if v is not None else -1 for v in real[target].to_pylist()]
    known = np.array(truth) >= 0
    features, wanted, categorical = _features(real, synthetic, names)
    params = {
        "objective": "multiclass", "num_class": len(labels), "learning_rate": 0.3, "num_leaves": 15,
        "min_data_in_leaf": max(1, min(20, int(known.sum()) // 10)), "num_threads": 1, "seed": seed,
        "verbosity": -1, "deterministic": True, "min_data_per_group": 1, "cat_smooth": 1.0,
    }  # fmt: skip
    data = lightgbm.Dataset(
        features[known], label=np.array(truth)[known], categorical_feature=categorical, free_raw_data=False
    )
    learner = lightgbm.train(params, data, num_boost_round=trees)
    said = [place.get(str(v), -1) if v is not None else -1 for v in synthetic[target].to_pylist()]
    return _verdict(_paths(learner, wanted, np.array(said), trees), np.array(said) >= 0, confidence, share)


def _paths(learner: object, rows: Floats, said: npt.NDArray[np.int_], trees: int) -> Floats:
    """Probability of each row's own label after each number of trees, shape (trees, rows)."""
    from typing import Any

    model: Any = learner
    total = np.zeros((len(rows), 1))
    chances = np.zeros((trees, len(rows)))
    for tree in range(trees):
        step = model.predict(rows, start_iteration=tree, num_iteration=1, raw_score=True)
        total = total + step
        shifted = np.exp(total - total.max(axis=1, keepdims=True))
        shares = shifted / shifted.sum(axis=1, keepdims=True)
        chances[tree] = np.where(said >= 0, shares[np.arange(len(rows)), np.maximum(said, 0)], 0.0)
    return chances


def _verdict(chances: Floats, known: npt.NDArray[np.bool_], confidence: float, share: float) -> Curated:
    sure = chances.mean(axis=0)
    unclear = (chances * (1 - chances)).mean(axis=0)
    if not len(sure):
        return Curated(np.zeros(0, dtype=bool), sure, unclear)
    low, high = float(unclear.min()), float(unclear.max())
    limit = low + share * (high - low)
    drop = (sure <= confidence) & (unclear <= limit)
    return Curated(~drop & known, sure, unclear)


def _features(real: pa.Table, synthetic: pa.Table, names: Sequence[str]) -> tuple[Floats, Floats, list[int]]:
    """Both tables as numbers; texts as codes of the real table's values, -1 (missing) for any other."""
    import pyarrow as pa
    import pyarrow.compute as pc

    left: list[Floats] = []
    right: list[Floats] = []
    categorical: list[int] = []
    for k, name in enumerate(names):
        kind = real.schema.field(name).type
        if pa.types.is_string(kind) or pa.types.is_boolean(kind) or pa.types.is_large_string(kind):
            values = {
                v: i for i, v in enumerate(sorted({str(v) for v in real[name].to_pylist() if v is not None}))
            }
            for table, out in ((real, left), (synthetic, right)):
                codes = [values.get(str(v), np.nan) for v in table[name].to_pylist()]
                out.append(np.array(codes, dtype=np.float64))
            categorical.append(k)
        else:
            for table, out in ((real, left), (synthetic, right)):
                column = table[name]
                if pa.types.is_temporal(column.type):
                    column = (
                        pc.cast(column, pa.int64())
                        if column.type.bit_width == 64
                        else pc.cast(column, pa.int32())
                    )
                numbers = [np.nan if v is None else float(v) for v in column.to_pylist()]
                out.append(np.array(numbers, dtype=np.float64))
    return np.column_stack(left), np.column_stack(right), categorical
