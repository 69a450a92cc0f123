"""Who seeks: built-in attacks by name, and anybody's function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from locum.arrays import FloatArray
from locum.errors import DataError, UsageError
from locum.evaluation.attacks.density import count_ratio, forest_ratio, neighbour_ratio, tree_ratio
from locum.evaluation.attacks.multiplicity import value_ratio
from locum.evaluation.attacks.neighbours import nearest
from locum.evaluation.attacks.scaled import scaled_ratio
from locum.evaluation.attacks.threat import Knowledge
from locum.evaluation.learn.features import Ranks
from locum.evaluation.metrics.simplejudge import ridge_logistic
from locum.randomness import stream
from locum.studies.contestants.contestant import load_function

if TYPE_CHECKING:
    import pyarrow as pa

#: Scores rows, higher meaning "learned from": ``seek(known, rows)``. `known` holds ``synthetic`` and
#: ``reference`` (canonical tables), ``columns`` and ``seed``; `rows` is the table asked about.
Seeker = Callable[[Knowledge, "pa.Table"], npt.ArrayLike]
#: Rows a side that the linear judge learns from, and the levels of a label that it looks at.
LINEAR_ROWS, LINEAR_LEVELS = 10_000, 20


def _nearest(known: Knowledge, rows: pa.Table) -> FloatArray:
    distance = nearest(known.ranks.ranks(rows), known.sides[0])[0]
    return np.asarray(-distance, dtype=np.float64)


def _linear(known: Knowledge, rows: pa.Table) -> FloatArray:
    sides = [side[: min(len(side), LINEAR_ROWS)] for side in map(_design, known.sides)]
    x, y = np.concatenate(sides), np.repeat([1.0, 0.0], [len(s) for s in sides])
    return np.asarray(_design(known.ranks.ranks(rows)) @ ridge_logistic(x, y, steps=8), dtype=np.float64)


def _design(ranks: Ranks) -> FloatArray:
    labels = [(ranks.labels[:, j, None] == np.arange(LINEAR_LEVELS)) for j in range(ranks.labels.shape[1])]
    missing = ranks.ordered < 0
    blocks = [np.ones((len(ranks), 1)), np.where(missing, 0.0, ranks.ordered - 0.5), missing, *labels]
    return np.concatenate([np.asarray(b, dtype=np.float64) for b in blocks], axis=1)


def _guess(known: Knowledge, rows: pa.Table) -> FloatArray:
    return np.asarray(stream(known.seed, "tournament", "guess").random(rows.num_rows))


#: Built-in seekers with what each goes by.
BUILT_IN: Mapping[str, tuple[Seeker, str]] = MappingProxyType(
    {
        "nearest": (_nearest, "distance to the nearest synthetic row"),
        "neighbours": (
            lambda known, rows: neighbour_ratio(known, rows)[0],
            "whether a synthetic row or a fresh real row is nearer (a density ratio)",
        ),
        "scaled": (
            lambda known, rows: scaled_ratio(known, rows)[0],
            "how much nearer a synthetic row is than fresh real ones, in standard deviations",
        ),
        "queries": (
            lambda known, rows: count_ratio(known, rows)[0],
            "answers to 150 counting queries about a row, on synthetic and on fresh real rows",
        ),
        "values": (
            lambda known, rows: value_ratio(known, rows)[0],
            "exact values, pairs and triples of values that synthetic rows share with a row",
        ),
        "trees": (
            lambda known, rows: tree_ratio(known, rows)[0],
            "boosted trees trained to tell synthetic from fresh real rows",
        ),
        "forest": (
            lambda known, rows: forest_ratio(known, rows)[0],
            "fully grown trees of a random forest that tell synthetic from fresh real rows",
        ),
        "linear": (_linear, "a logistic regression trained to tell synthetic from fresh real rows (weak)"),
        "guess": (_guess, "nothing: a control that must score one half"),
    }
)
STRONG = ("nearest", "neighbours", "scaled", "queries", "values", "trees")


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
        if text not in BUILT_IN:
            raise UsageError(
                f"there is no seeker {text!r}", where="tournament",
                expected=f"one of {', '.join(BUILT_IN)}, or NAME=module:function",
            )  # fmt: skip
        return text, *BUILT_IN[text]
    found: Any = load_function(path.removeprefix("py:"))
    return name, found, path


def scores(seek: Seeker, known: Knowledge, rows: pa.Table) -> FloatArray:
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
            where="seeker", expected="one number a row",
        )  # fmt: skip
    return found
