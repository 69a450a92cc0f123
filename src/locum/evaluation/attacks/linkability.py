"""Linkability: whether two halves of a real row lead to the same synthetic row."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from locum.evaluation.attacks.gower import GowerView
from locum.evaluation.attacks.risk import Successes, risk_result
from locum.evaluation.attacks.verdict import AttackFinding
from locum.evaluation.trial import Part, Trial
from locum.randomness import stream

#: Rows attacked on either side, synthetic rows searched, random splits of the columns.
ATTACKS, SEARCHED, SPLITS = 1_000, 40_000, 4

Sides = tuple[tuple[str, ...], tuple[str, ...]]


def linkability(
    trial: Trial, *, attacks: int = ATTACKS, searched: int = SEARCHED, sides: Sides | None = None
) -> list[AttackFinding]:
    """``attack.linkability``: two halves of a row share a nearest synthetic row more often than for others.

    The columns are split into two random halves, `SPLITS` times with new rows each time, or as `sides` says.
    For each half of a real row the nearest synthetic row is looked up (Gower's distance); success: it is the
    same one. Hold-out rows are the control; guessing draws both rows at random. Of rows equally near one is
    taken by chance, the same for all targets. Nothing without a hold-out or with a single column. Cost: about
    6 ns a row pair and 15 columns.

    Source: Giomi et al. (PETS 2023); they let the user choose the halves. Differs from their Anonymeter 1.1:
    a number's range is that of the synthetic rows alone, not of the attacked ones too, so that both sides
    are measured alike; two missing numbers are alike, not a whole range apart; ties are broken by chance, not
    by the order of the rows.
    """
    d = len(trial.columns)
    if d < 2 or not trial.independent_test:
        return []
    rng = stream(trial.seed, "attacks", "linkability")
    synthetic = trial.sample("synthetic", searched, "linkability")
    # The first of rows equally near is taken: half of the columns ties often, and order must not decide.
    synthetic = synthetic.take(rng.permutation(synthetic.num_rows))
    view = GowerView.learn(trial.columns, synthetic)
    rows = view.rows(synthetic)
    halves = _halves(trial, sides, rng)
    links, n = {"train": 0, "test": 0, "naive": 0}, {"train": 0, "test": 0}
    parts: tuple[Part, ...] = ("train", "test")
    for part in parts:
        targets = view.rows(trial.sample(part, attacks, "linkability"))
        pieces = np.array_split(np.arange(targets.shape[1]), len(halves))
        for (a, b), piece in zip(halves, pieces, strict=True):
            near = [_nearest(view, targets[:, piece], rows, side) for side in (a, b)]
            links[part] += int((near[0] == near[1]).sum())
            n[part] += len(piece)
            if part == "train":
                drawn = rng.integers(rows.shape[1], size=(2, len(piece)))
                links["naive"] += int((drawn[0] == drawn[1]).sum())
    found = Successes(links["train"], links["test"], links["naive"], n["train"], n["test"])
    names = [c.name for c in trial.columns]
    detail = {"neighbours": 1, "splits": [[[names[j] for j in side] for side in pair] for pair in halves]}
    does = "finds two halves of a row to belong together"
    return [risk_result("attack.linkability", does, found, detail)]


def _halves(trial: Trial, sides: Sides | None, rng: np.random.Generator) -> list[tuple[list[int], list[int]]]:
    names = [c.name for c in trial.columns]
    if sides is not None:
        a, b = ([names.index(name) for name in side] for side in sides)
        return [(a, b)]
    out = []
    for _ in range(SPLITS):
        order = rng.permutation(len(names))
        middle = (len(names) + 1) // 2
        out.append((sorted(order[:middle].tolist()), sorted(order[middle:].tolist())))
    return out


def _nearest(
    view: GowerView, queries: npt.NDArray[np.float32], rows: npt.NDArray[np.float32], chosen: list[int]
) -> npt.NDArray[np.intp]:
    """The nearest row to each query by the chosen columns; shape (n_queries,)."""
    out = np.zeros(queries.shape[1], dtype=np.intp)
    for at, total, _ in view.blocks(queries, rows, chosen):
        out[at] = total.argmin(axis=1)
    return out
