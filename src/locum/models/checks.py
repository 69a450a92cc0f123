"""Checks of a caller's arguments that every model needs, and the error for files that cannot be."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from locum.errors import DataError, FileFormatError, UsageError
from locum.models.guide import FREE, Guide
from locum.schema.domain import CodedRows, Codes, Domain

#: Most rows that one call may ask for; far beyond any memory, and low enough that sizes never overflow.
MAX_ROWS = 10**12


def check_rows(n: int) -> int:
    """Return a usable number of rows; raises UsageError below 1 or for anything but a whole number."""
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or not 1 <= n <= MAX_ROWS:
        raise UsageError(f"{n!r} rows cannot be drawn", where="rows", expected="a whole number, 1 or more")
    return int(n)


def check_training(data: CodedRows) -> None:
    """Refuse a table that nothing can be learned from; raises DataError."""
    if data.n_rows == 0:
        raise DataError("the table has no rows", where="training data", do="give at least one row")
    if len(data.domain) == 0:
        raise DataError("the table has no columns", where="training data", do="give at least one column")


def check_width(codes: Codes, domain: Domain) -> None:
    """Raise UsageError unless `codes` has one column per attribute."""
    if codes.ndim != 2 or codes.shape[1] != len(domain):
        raise UsageError(
            f"rows of shape {codes.shape} given", where="codes", expected=f"{len(domain)} columns of codes"
        )


def check_guide(guide: Guide, n: int, domain: Domain) -> None:
    """Raise UsageError unless weights, pairs and fixed cells fit the domain and `n` its groups."""
    sizes = domain.sizes
    fits = all(0 <= at < len(sizes) and len(w) == sizes[at] for at, w in guide.weights.items())
    for pair in guide.pairs:
        fits = fits and pair.first != pair.second and max(pair.first, pair.second) < len(sizes)
        fits = fits and pair.factor.shape == (sizes[pair.first], sizes[pair.second])
    fixed = guide.fixed
    if fixed is not None:
        fits = fits and fixed.ndim == 2 and fixed.shape[1] == len(sizes) and len(fixed) > 0
        fits = fits and n % len(fixed) == 0 and bool((fixed >= FREE).all() and (fixed < sizes).all())
    if not fits or not 0.01 <= guide.temperature <= 100:
        raise UsageError("the guide does not fit the attributes", where="guide", expected="their sizes")


def within(codes: Codes, domain: Domain) -> npt.NDArray[np.bool_]:
    """Whether each row has only codes of the domain; shape (n_rows,)."""
    inside = np.ones(codes.shape[0], dtype=bool)
    for i, size in enumerate(domain.sizes):
        inside &= (codes[:, i] >= 0) & (codes[:, i] < size)
    return inside


def broken(what: str) -> FileFormatError:
    """The error for model parts that cannot be."""
    return FileFormatError(what, where="model file", do="ask for the file again, from a source you trust")
