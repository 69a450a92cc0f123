"""Inference: guessing a value of a real row from the synthetic row nearest to it in all other columns."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from locum.evaluation.attacks.gower import GowerView
from locum.evaluation.attacks.risk import Successes, risk_result
from locum.evaluation.attacks.verdict import AttackFinding
from locum.evaluation.claim import holm
from locum.evaluation.learn.cells import level_codes, levels_of, numeric
from locum.evaluation.trial import Part, Trial
from locum.randomness import stream
from locum.schema.column import Column

if TYPE_CHECKING:
    import pyarrow as pa

#: Rows attacked on either side, and synthetic rows searched.
ATTACKS, SEARCHED = 1_000, 40_000
#: A number counts as guessed within this share of its size; a point in time within this share of its range.
TOLERANCE, TIME_TOLERANCE = 0.05, 0.01


def inference(trial: Trial, *, attacks: int = ATTACKS, searched: int = SEARCHED) -> list[AttackFinding]:
    """``attack.inference``: the risk of the column that is guessed best beyond what holds for everybody.

    Each column in turn is the secret: of the nearest synthetic row by all other columns (Gower's distance)
    its value is the guess. Success: the same label, or a number within `TOLERANCE` of the true one. The same
    on hold-out rows is the control; guessing draws a synthetic row at random. The detail holds all columns;
    the headline is the one with the smallest p-value, which is corrected for the number of columns (Holm).
    Nothing without a hold-out or with a single column.

    Source: Giomi et al. (PETS 2023). Differs from their Anonymeter 1.1 in distance and ties as
    `locum.evaluation.attacks.linkability` does, and in that the tolerance is a share of the true value, not
    of the guess (where every negative guess counts as right). Distances over all columns are computed once,
    and each secret's own is taken off again, so that all secrets together cost four searches. Cost: about 20
    ns a row pair and 15 columns.
    """
    if len(trial.columns) < 2 or not trial.independent_test:
        return []
    rng = stream(trial.seed, "attacks", "inference")
    synthetic = trial.sample("synthetic", searched, "inference")
    # The first of rows equally near is taken, and the order of rows must not decide.
    synthetic = synthetic.take(rng.permutation(synthetic.num_rows))
    view = GowerView.learn(trial.columns, synthetic)
    chosen = range(len(trial.columns))
    rows = view.rows(synthetic)
    hits: dict[tuple[str, int], npt.NDArray[np.bool_]] = {}
    parts: tuple[Part, ...] = ("train", "test")
    for part in parts:
        targets = trial.sample(part, attacks, "inference")
        nearest = _nearest(view, view.rows(targets), rows)
        for j in chosen:
            secret = trial.columns[j]
            hits[part, j] = _right(secret, targets, synthetic, nearest[j])
            if part == "train":
                guess = rng.integers(synthetic.num_rows, size=targets.num_rows)
                hits["naive", j] = _right(secret, targets, synthetic, guess)
    found = {
        trial.columns[j].name: Successes(
            int(hits["train", j].sum()),
            int(hits["test", j].sum()),
            int(hits["naive", j].sum()),
            len(hits["train", j]),
            len(hits["test", j]),
        )
        for j in chosen
    }
    return [_worst(found)]


def _worst(found: dict[str, Successes]) -> AttackFinding:
    adjusted = dict(zip(found, holm([s.p for s in found.values()]), strict=True))
    worst = min(found, key=lambda name: (found[name].p, -found[name].risk))
    table = [
        {
            "column": name,
            "risk": s.risk,
            "low": s.interval[0],
            "high": s.interval[1],
            "p": s.p,
            "p_corrected": float(adjusted[name]),
            **s.to_json(),
        }
        for name, s in sorted(found.items(), key=lambda item: item[1].p)
    ]
    out = risk_result(
        "attack.inference",
        f"guesses the value of {worst!r}",
        found[worst],
        {"secret": worst, "secrets": table},
    )
    return AttackFinding(out.result, tuple(replace(c, of=worst, among=len(found)) for c in out.claims))


def _nearest(
    view: GowerView, queries: npt.NDArray[np.float32], rows: npt.NDArray[np.float32]
) -> npt.NDArray[np.intp]:
    """For each column as the secret the nearest row by all others; shape (n_columns, n_queries)."""
    out = np.zeros((len(view.columns), queries.shape[1]), dtype=np.intp)
    for at, total, step in view.blocks(queries, rows, range(len(view.columns))):
        for j in range(len(view.columns)):
            own = view.one(j, queries[:, at], rows, step)
            out[j, at] = np.subtract(total, own, out=step).argmin(axis=1)
    return out


def _right(
    secret: Column, targets: pa.Table, synthetic: pa.Table, guess: npt.NDArray[np.intp]
) -> npt.NDArray[np.bool_]:
    """Whether the value of each guessed row is that of the target; shape (n_targets,)."""
    truth, guessed = targets.column(secret.name), synthetic.column(secret.name)
    if not secret.ordered:
        levels = levels_of(guessed)
        return np.asarray(level_codes(truth, levels) == level_codes(guessed, levels)[guess])
    x, y = numeric(truth), numeric(guessed)
    if secret.kind in ("integer", "number", "duration"):
        room = TOLERANCE * np.abs(x)
    else:
        known = y[np.isfinite(y)]
        room = np.full(len(x), TIME_TOLERANCE * float(np.ptp(known)) if len(known) else 0.0)
    with np.errstate(invalid="ignore", over="ignore"):
        near = np.abs(x - y[guess]) <= room
    return np.asarray(near | (x == y[guess]) | (np.isnan(x) & np.isnan(y[guess])))
