"""Which labels a private column has, as far as enough rows share them: release by a noisy threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from locum.codes.codebook import Codebook
from locum.codes.public_codebooks import category_book
from locum.privacy.calibration import sigma_for
from locum.privacy.group_keys import release_keys
from locum.schema.column import Column
from locum.sources.discover import LEVELS_WEIGHT
from locum.sources.purposes import LEVELS
from locum.sources.rows import Rows

if TYPE_CHECKING:
    from locum.privacy.ledger import Ledger

#: Part of the delta that is left for thresholds and samplers which the levels of a run may take.
DELTA_SHARE = 0.8


#: Where more of the rows than this have none of the levels that were found, they get a label of their own.
POOLED = 0.05
#: That label.
OTHER = "other"


def _free(levels: Sequence[str]) -> str:
    """The label of all other levels, which is none of these."""
    return next(name for name in (OTHER, f"{OTHER} labels", f"any {OTHER} label") if name not in levels)


def find_levels(
    rows: Rows, columns: Sequence[Column], ledger: Ledger, rho: float
) -> tuple[dict[str, Codebook], dict[str, Column]]:
    """Codebooks of label columns out of the levels that pass a threshold; all others are ``other``.

    Parameters
    ----------
    rows
        Canonical rows.
    columns
        Label columns without declared levels.
    ledger
        Who pays: for each column its `weight` times `rho`, and a part of delta.
    rho
        Cost for each unit of `weight`.

    Returns
    -------
    Codebooks by column, and the columns with their levels. Where many rows have other levels, ``other`` is
    one of them and stands for those; where few have, they are drawn among the levels found. A column without
    any level that passes is left empty: nothing is known that could stand in it.
    """
    sigma = sigma_for(rho * LEVELS_WEIGHT, ledger.unit.l2)
    delta = ledger.remaining_delta * DELTA_SHARE / len(columns)
    books: dict[str, Codebook] = {}
    found: dict[str, Column] = {}
    for column, labels in zip(columns, rows.tallies([c.name for c in columns]), strict=True):
        keys = release_keys(
            labels,
            ledger,
            column=column.name,
            sigma=sigma,
            delta=delta,
            purpose=LEVELS,
        )
        levels = keys.names
        weights = keys.counts.astype(np.float64)
        if levels and column.storage == "string" and weights.sum() < (1 - POOLED) * ledger.rows:
            # drawn among the levels that were found, the others would turn them into what they are not
            levels, weights = (*levels, _free(levels)), np.append(np.zeros(len(levels)), 1.0)
        found[column.name] = replace(column, levels=levels or None, nullable=column.nullable or not levels)
        books[column.name] = category_book(found[column.name], levels, weights)
    return books, found
