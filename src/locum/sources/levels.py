"""Which labels a private column has, as far as enough rows share them: release by a noisy threshold."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from locum.codes.codebook import Codebook
from locum.codes.declared import category_book
from locum.privacy.mechanisms import gaussian_counts
from locum.privacy.noise import gaussian_slack
from locum.schema.column import Column

if TYPE_CHECKING:
    import pyarrow as pa

    from locum.privacy.ledger import Ledger

#: Longer labels are never published; they are more likely a sentence about somebody.
MAX_LABEL = 100
#: Part of the delta that is left for thresholds and samplers which the levels of a run may take.
_DELTA_SHARE = 0.8


def threshold(sigma: float, delta: float, rows: int, *, replace_one: bool = False) -> float:
    """The noisy count from which on a label may be published.

    One unit can bring in labels that nobody else has: at most `rows` of them, none with more than `rows`
    rows (twice as many where a unit is exchanged for another). Rounding moves the noise by half a row.

    >>> threshold(10.0, 1e-9, 1) > 1 + 10 * 5.9
    True
    """
    keys = rows * (2 if replace_one else 1)
    return rows + 0.5 + sigma * NormalDist().inv_cdf(1 - delta / keys)


def find_levels(
    table: pa.Table, columns: Sequence[Column], ledger: Ledger, rho: float
) -> tuple[dict[str, Codebook], dict[str, Column]]:
    """Codebooks of label columns out of the levels that pass a threshold; all others are ``other``.

    Parameters
    ----------
    table
        Canonical table.
    columns
        Label columns without declared levels.
    ledger
        Who pays: for each column its `weight` times `rho`, and a part of delta.
    rho
        Cost for each unit of `weight`.

    Returns
    -------
    Codebooks by column, and the columns with their levels. A column without any level that passes is one
    that is made afresh, as an id.

    Notes
    -----
    Source: stability-based histograms (Korolova et al. 2009; Balle and Wang 2018 for the Gaussian). Levels
    are sorted by text, so that their order says nothing.
    """
    from locum.sources.discover import LEVELS_WEIGHT

    sigma = float(ledger.unit.l2 / np.sqrt(2 * rho * LEVELS_WEIGHT))
    delta = ledger.remaining_delta * _DELTA_SHARE / len(columns)
    books: dict[str, Codebook] = {}
    found: dict[str, Column] = {}
    for column in columns:
        levels, counts = _release(table.column(column.name), column.name, ledger, sigma, delta)
        found[column.name] = replace(column, levels=levels) if levels else replace(column, kind="id")
        if levels:
            books[column.name] = category_book(column, levels, counts)
    return books, found


def _release(
    values: pa.ChunkedArray, name: str, ledger: Ledger, sigma: float, delta: float
) -> tuple[tuple[str, ...], np.ndarray[tuple[int], np.dtype[np.float64]]]:
    """The labels that pass, sorted, and their noisy counts."""
    import pyarrow.compute as pc

    # The slack is that of a million labels, whatever their number is: what is paid must not depend on it.
    noise = ledger.spend(
        "gaussian-threshold", [(name,)], sensitivity=ledger.unit.l2, scale=sigma, delta=delta,
        slack=1_000_000 * gaussian_slack(sigma), purpose="levels of columns",
    )  # fmt: skip
    tally = pc.value_counts(values.drop_null())
    texts = tally.field("values").to_pylist()
    counts = np.asarray(tally.field("counts"), dtype=np.int64)
    noisy = gaussian_counts(counts, sigma, noise)
    least = threshold(sigma, delta, ledger.unit.rows, replace_one=ledger.unit.adjacency == "replace")
    kept = sorted(
        (text, float(n)) for text, n in zip(texts, noisy.tolist(), strict=True) if n >= least and _plain(text)
    )
    return tuple(text for text, _ in kept), np.array([n for _, n in kept])


def _plain(text: str) -> bool:
    """Whether a label is short and of visible characters."""
    return 0 < len(text) <= MAX_LABEL and not any(unicodedata.category(c)[0] == "C" for c in text)
