"""A table as the evaluator sees it: float64 for numbers, text for everything else.

Every generator writes a CSV in its own taste (``1`` or ``1.0``, ``True`` or ``TRUE``). None of that may tell
synthetic rows from real ones, so all sides pass through the same narrow gate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

#: What stands for a missing category after `tidy`.
MISSING = ""
_MISSING_WORDS = frozenset({"", "nan", "NaN", "<NA>", "NaT"})

Columns = Mapping[str, np.ndarray]


@dataclass(frozen=True, slots=True)
class Table:
    """A real table, split, with what a judge has to know about it.

    Attributes
    ----------
    name
        As in file names and results.
    train, holdout
        Real rows; the generator sees only `train`.
    categorical
        Columns that are judged as labels; the others are judged as numbers.
    target
        Column to be predicted: a label for AUC, a number for R2.
    """

    name: str
    train: pd.DataFrame
    holdout: pd.DataFrame
    categorical: tuple[str, ...]
    target: str

    @property
    def columns(self) -> list[str]:
        """Names in order."""
        return list(self.train.columns)


def read(path: Path) -> pd.DataFrame:
    """A CSV as text, cell for cell; `tidy` does the rest."""
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def tidy(frame: pd.DataFrame, table: Table) -> dict[str, np.ndarray]:
    """Bring any frame with the table's columns into the evaluator's form.

    Returns
    -------
    dict
        Column name -> float64 with NaN for missing, or an object array of ``str`` with "" for missing.

    Raises
    ------
    ValueError
        When columns are missing, or a numeric column holds no readable number at all.
    """
    absent = [name for name in table.columns if name not in frame.columns]
    if absent:
        raise ValueError(f"the synthetic table lacks the columns {absent}")
    if len(frame) == 0:
        raise ValueError("the synthetic table has no rows")
    done: dict[str, np.ndarray] = {}
    for name in table.columns:
        column = frame[name]
        if name in table.categorical:
            done[name] = labels(column)
        else:
            numbers = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
            if np.isnan(numbers).all() and not pd.to_numeric(table.train[name]).isna().all():
                raise ValueError(f"the synthetic column {name!r} holds no number")
            done[name] = numbers
    return done


def labels(column: pd.Series) -> np.ndarray:
    """Labels as text: 1.0 and 1 are the same, and so are TRUE, True and true."""
    codes, levels = pd.factorize(column.astype(object), use_na_sentinel=True)
    texts = np.array([*(label(level) for level in levels), MISSING], dtype=object)
    return texts[codes]


def label(value: object) -> str:
    """One label; see `labels`."""
    text = str(value).strip()
    if text in _MISSING_WORDS:
        return MISSING
    if text.lower() in {"true", "false"}:
        return text.lower()
    if text.endswith(".0") and text[:-2].lstrip("-").isdigit():
        return text[:-2]
    return text
