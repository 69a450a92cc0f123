"""Hold-out rows that repeat rows learned from: by chance, or because the hold-out was not kept out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from locum.evaluation.attacks.copies import SURE_EXCESS, repeat_share, row_keys
from locum.evaluation.intervals import wilson
from locum.evaluation.result import Result
from locum.evaluation.trial import Trial

#: An overlap counts when its share is this much above what chance gives, beyond the 95 % interval.
LEAST_EXCESS = 0.005
#: Where train repeats itself more than this, rows met by chance cannot be told from a leaked hold-out.
REPETITIVE = 0.01
LEAKED = " Hold-out rows were learned from and rows of this table repeat each other, which may explain this."


def leaked_rows(trial: Trial) -> npt.NDArray[np.bool_]:
    """Which hold-out rows repeat a train row although chance does not explain it; shape (n_holdout,).

    Chance is the share of train rows that occur more than once in train: fresh rows of the same population
    meet train about as often. All False when the overlap is within chance (interval of Wilson, and
    `LEAST_EXCESS`). Only rows that train holds once are marked: the others are common. Cost: one hash a row.
    """
    rows = trial.test.num_rows if trial.independent_test else 0
    if not rows or not trial.columns:
        return np.zeros(rows, dtype=bool)
    keys = row_keys({"train": trial.train, "test": trial.test}, [c.name for c in trial.columns])
    chance, alone = repeat_share(keys["train"])
    single = np.isin(keys["test"], alone)
    hit = np.isin(keys["test"], keys["train"])
    low, _ = wilson(int(hit.sum()), rows)
    if low <= chance + LEAST_EXCESS or not single.any():
        return np.zeros(rows, dtype=bool)
    return single


def repeats(trial: Trial) -> float:
    """Share of train rows that train holds more than once: about how often fresh rows meet it by chance."""
    if not trial.columns:
        return 0.0
    return repeat_share(row_keys({"train": trial.train}, [c.name for c in trial.columns])["train"])[0]


def without_leaked_rows(trial: Trial) -> Trial:
    """The trial without hold-out rows that were learned from (`leaked_rows`); without a hold-out if all were.

    Kept in, they would make every reference too good and every stand-in look worse than fresh rows.
    """
    leaked = leaked_rows(trial)
    if not leaked.any():
        return trial
    kept = trial.test.filter(~leaked)
    return replace(trial, holdout=kept if kept.num_rows else None, leaked=int(leaked.sum()))


def doubt_leaked(trial: Trial, results: Sequence[Result]) -> list[Result]:
    """Results on copying, doubted where hold-out rows were learned from and the table repeats itself.

    What is left of the hold-out then meets train less often than fresh rows would. Exact copies are not
    doubted when there are many more than train repeats itself.
    """
    often = repeats(trial) if trial.leaked else 0.0
    if often <= REPETITIVE:
        return list(results)
    return [
        replace(r, doubted=LEAKED)
        if r.question == "private" and not (r.name == "copying.exact" and (r.low or 0) > often + SURE_EXCESS)
        else r
        for r in results
    ]


def overlap_sentence(trial: Trial) -> str:
    """What to tell the reader about a hold-out that was not kept out; empty when all is well."""
    leaked = trial.leaked or int(leaked_rows(trial).sum())
    if not leaked:
        return ""
    kept = trial.test.num_rows if trial.independent_test else 0
    given = kept + trial.leaked
    end = "of all tests" if given > leaked else "and none is left, so this is an evaluation without hold-out"
    return (
        f"{leaked:,} of {given:,} hold-out rows repeat a row that the generator learned from, more than "
        f"chance explains: the hold-out was not kept out. These rows were left out {end}."
    )
