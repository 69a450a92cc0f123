"""Who seeks: the registered scores of membership by name, and anybody's function."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from locum.arrays import FloatArray
from locum.errors import DataError, UsageError
from locum.evaluation.attacks.threat import ThreatModel
from locum.evaluation.registry import SEEKERS, score_of
from locum.studies.contestants.contestant import load_function

if TYPE_CHECKING:
    import pyarrow as pa

#: Scores rows, higher meaning "learned from": ``seek(known, rows)``. `known` holds ``synthetic`` and
#: ``reference`` (canonical tables), ``columns`` and ``seed``; `rows` is the table asked about.
Seeker = Callable[[ThreatModel, "pa.Table"], npt.ArrayLike]


def seeker(text: str) -> tuple[str, Seeker, str]:
    """Name, function and description of a seeker: a built-in name, or ``NAME=module:function``.

    Raises
    ------
    UsageError
        For an unknown name or a function that cannot be loaded.
    """
    name, equals, path = text.partition("=")
    if not equals and ":" in text:
        name, equals, path = text.rpartition(":")[2], "=", text
    if not equals:
        if text not in SEEKERS:
            raise UsageError(
                f"there is no seeker {text!r}",
                where="tournament",
                expected=f"one of {', '.join(SEEKERS)}, or NAME=module:function",
            )
        found = score_of(text)
        score = found.load()
        return text, lambda known, rows: score(known, rows)[0], found.measures[0].goes_by
    own: Any = load_function(path.removeprefix("py:"))
    return name, own, path


def scores(seek: Seeker, known: ThreatModel, rows: pa.Table) -> FloatArray:
    """The seeker's scores, checked; shape (n,).

    Raises
    ------
    DataError
        When it does not give one number a row. NaN is refused, infinities are not.
    """
    found = np.asarray(seek(known, rows), dtype=np.float64)
    if found.shape != (rows.num_rows,) or np.isnan(found).any():
        raise DataError(
            f"the seeker gave scores of shape {found.shape} for {rows.num_rows} rows, or NaN",
            where="seeker",
            expected="one number a row",
        )
    return found
