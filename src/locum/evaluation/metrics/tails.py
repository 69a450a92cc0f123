"""What is rare: the outer 5 % of ordered columns, and the rare levels of the others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from locum.evaluation.learn.cells import numeric
from locum.evaluation.registry import result_of
from locum.evaluation.result import Result
from locum.evaluation.thresholds import root_factor
from locum.evaluation.trial import PARTS, Trial
from locum.wording import percent

#: A tail is cut at this share of the train rows; with ties it may hold more, and is skipped beyond TOO_FAT.
TAIL, TOO_FAT = 0.05, 0.25
#: A level is rare when it has less than this share of the train rows.
RARE = 0.05
#: A rare level that this many train rows hold should turn up in the synthetic table.
ENOUGH = 5


@dataclass(frozen=True, slots=True)
class _Error:
    column: str
    value: float
    reference: float | None
    extra: dict[str, object]


def tails(trial: Trial) -> list[Result]:
    """Whether rare values are as frequent as they should be: ``tails.extremes`` and ``tails.rare``.

    ``tails.extremes``: for each end of each ordered column the relative error of the share of rows at or
    beyond train's 5 % (95 %) point, cut at 1, averaged. Ends where ties make the tail fatter than `TOO_FAT`
    are left out. ``tails.rare``: for each column of labels the sum of absolute errors over its rare levels
    (under `RARE`), unseen ones included, over their summed share, cut at 1, averaged. References: the
    hold-out, scaled by the root of 1/n + 1/m to a table as long as the synthetic one. No floor: independent
    columns keep their tails.
    """
    scale = root_factor(*(trial.rows(p).num_rows for p in PARTS))
    return [*_extremes(trial, scale), *_rare(trial, scale)]


def _extremes(trial: Trial, scale: float | None) -> list[Result]:
    errors: list[_Error] = []
    for column in (c for c in trial.columns if c.ordered):
        train = numeric(trial.rows("train").column(column.name))
        known = np.sort(train[~np.isnan(train)])
        if len(known) < 2 or known[0] == known[-1]:
            continue
        synthetic, learning, test = (
            numeric(trial.rows(p).column(column.name)) for p in ("synthetic", "learning", "test")
        )
        at = max(1, round(TAIL * len(known)))
        for end, cut, sign in (("low", known[at - 1], 1.0), ("high", known[-at], -1.0)):

            def share(x: np.ndarray, cut: float = cut, sign: float = sign) -> float:
                return float((sign * x <= sign * cut).mean()) if len(x) else 0.0

            real = share(train)
            if real > TOO_FAT:
                continue
            reference = None
            if scale is not None and share(learning) > 0:
                reference = scale * min(1.0, abs(share(test) - share(learning)) / share(learning))
            wrong = min(1.0, abs(share(synthetic) - real) / real)
            errors.append(
                _Error(
                    column.name, wrong, reference, {"end": end, "real": real, "synthetic": share(synthetic)}
                )
            )
    return _result(
        trial,
        errors,
        "tails.extremes",
        "The share of rows in the lowest or highest 5 % of a column is off by",
        "of its size",
    )


def _rare(trial: Trial, scale: float | None) -> list[Result]:
    errors: list[_Error] = []
    n_train = len(trial.grid.parts["train"])
    for i, cut in enumerate(trial.cuts):
        if cut.ordered:
            continue
        shares = trial.grid.shares((i,))
        levels = slice(0, cut.null)  # unseen levels included, missing values not
        rare = shares["train"][levels] < RARE
        mass = float(shares["train"][levels][rare].sum())
        if mass <= 0:
            continue

        def error(a: str, b: str, shares: dict[str, np.ndarray] = shares, rare: np.ndarray = rare) -> float:
            there = shares[a][: len(rare)][rare]
            total = float(there.sum())
            return (
                min(1.0, float(np.abs(shares[b][: len(rare)][rare] - there).sum()) / total) if total else 0.0
            )

        expected = rare & (shares["train"][levels] * n_train >= ENOUGH)
        lost = int((expected & (shares["synthetic"][levels] == 0)).sum())
        reference = None if scale is None else scale * error("learning", "test")
        errors.append(
            _Error(
                cut.name,
                error("train", "synthetic"),
                reference,
                {"mass": mass, "rare": int(expected.sum()), "lost": lost},
            )
        )
    return _result(
        trial,
        errors,
        "tails.rare",
        "The shares of the rare levels of a column are off by",
        "of their sum",
    )


def _result(trial: Trial, errors: list[_Error], name: str, start: str, end: str) -> list[Result]:
    if not errors:
        return []
    value = float(np.mean([e.value for e in errors]))
    known = [e.reference for e in errors if e.reference is not None]
    reference = float(np.mean(known)) if known else None
    top = max(errors, key=lambda e: e.value)
    return [
        result_of(
            name,
            value,
            f"{start} {percent(value)} {end} on average{trial.versus(reference)}; "
            f"furthest off is {top.column!r}.",
            reference=reference,
            detail={
                "columns": [
                    {"column": e.column, "error": e.value, "reference": e.reference, **e.extra}
                    for e in errors
                ]
            },
        )
    ]
