"""Which values are missing, and which are missing together."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import numpy.typing as npt

from locum.evaluation.registry import result_of
from locum.evaluation.result import Result
from locum.evaluation.thresholds import root_factor
from locum.evaluation.trial import PARTS, Part, Trial
from locum.wording import percent

#: Columns with missing values that are taken in pairs, those with most of them first.
MAX_COLUMNS = 30

Mask = npt.NDArray[np.bool_]


def missingness(trial: Trial) -> list[Result]:
    """How well missing values are kept: ``missing.rate`` and ``missing.pairs``.

    Mean difference in the share of missing values, and in the share of rows that miss two values at once.
    Taken over all columns, ids, text and PII included, that miss a value in train or synthetic (pairs: over
    the `MAX_COLUMNS` of them with most missing values). 0 when nothing is missing anywhere. The reference
    compares the hold-out with train, scaled to a table as long as the synthetic one.
    """
    masks = {p: _mask(trial, p) for p in PARTS}
    rate = {p: m.mean(0) if len(m) else np.zeros(m.shape[1]) for p, m in masks.items()}
    touched = np.flatnonzero((rate["train"] > 0) | (rate["synthetic"] > 0))
    names = trial.schema.names
    if not len(touched):
        sentence = "No value is missing, neither in the real table nor in the synthetic one."
        return [_result("missing.rate", 0.0, None, sentence, [])]
    scale = root_factor(*(len(masks[p]) for p in PARTS))
    gap = np.abs(rate["train"] - rate["synthetic"])[touched]
    reference = (
        None if scale is None else scale * float(np.abs(rate["learning"] - rate["test"])[touched].mean())
    )
    top = int(np.argmax(gap))
    value = float(gap.mean())
    sentence = (
        f"The share of missing values is off by {percent(value)} on average over {len(touched)} columns"
        f"{trial.versus(reference)}; furthest off is {names[touched[top]]!r}."
    )
    detail: list[dict[str, object]] = [
        {"column": names[i], "real": float(rate["train"][i]), "synthetic": float(rate["synthetic"][i])}
        for i in touched
    ]
    results = [_result("missing.rate", value, reference, sentence, detail)]
    chosen = touched[np.argsort(-rate["train"][touched], kind="stable")[:MAX_COLUMNS]]
    return results + (_pairs(trial, masks, chosen, scale) if len(chosen) > 1 else [])


def _pairs(
    trial: Trial, masks: dict[Part, Mask], chosen: npt.NDArray[np.intp], scale: float | None
) -> list[Result]:
    both = {}
    for part, mask in masks.items():
        m = mask[:, chosen].astype(np.float64)
        both[part] = m.T @ m / max(len(m), 1)
    pairs = list(combinations(range(len(chosen)), 2))
    a, b = (np.array(side) for side in zip(*pairs, strict=True))
    gap = np.abs(both["train"] - both["synthetic"])[a, b]
    reference = None if scale is None else scale * float(np.abs(both["learning"] - both["test"])[a, b].mean())
    value = float(gap.mean())
    order = np.argsort(-gap, kind="stable")[:10]
    names = [trial.schema.names[i] for i in chosen]
    detail: list[dict[str, object]] = [
        {
            "a": names[a[i]],
            "b": names[b[i]],
            "real": float(both["train"][a[i], b[i]]),
            "synthetic": float(both["synthetic"][a[i], b[i]]),
        }
        for i in order
    ]
    sentence = (
        f"The share of rows that miss two values at once is off by {percent(value)} on average"
        f"{trial.versus(reference)}; furthest off are {names[a[order[0]]]!r} and {names[b[order[0]]]!r}."
    )
    return [_result("missing.pairs", value, reference, sentence, detail)]


def _mask(trial: Trial, part: Part) -> Mask:
    import pyarrow.compute as pc

    table = trial.rows(part)
    out = np.empty((table.num_rows, len(trial.schema)), dtype=bool)
    for j, name in enumerate(trial.schema.names):
        out[:, j] = pc.is_null(table.column(name)).to_numpy()
    return out


def _result(
    name: str,
    value: float,
    reference: float | None,
    sentence: str,
    detail: list[dict[str, object]],
) -> Result:
    return result_of(
        name,
        value,
        sentence,
        reference=reference,
        detail={"worst" if name == "missing.pairs" else "columns": detail},
    )
