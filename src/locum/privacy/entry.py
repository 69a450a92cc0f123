"""One touch of the private data, as it stands in the ledger."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any

from locum.errors import FileFormatError, UsageError

#: What each mechanism adds, in one sentence for certificates.
MECHANISMS = MappingProxyType(
    {
        "gaussian": "Counts plus rounded Gaussian noise; scale is its standard deviation.",
        "discrete-gaussian": "Counts plus discrete Gaussian noise; scale is its sigma.",
        "discrete-laplace": "Counts plus discrete Laplace noise; scale is its scale.",
        "gaussian-argmax": "The candidate with the largest score after rounded Gaussian noise on each.",
        "gaussian-scores": "Scores of candidates plus rounded Gaussian noise.",
        "gaussian-threshold": "Keys whose count plus rounded Gaussian noise passes a threshold.",
        "exponential": "The exponential mechanism; scale is its epsilon.",
    }
)
_GAUSSIAN = frozenset({"gaussian", "gaussian-argmax", "gaussian-scores", "gaussian-threshold"})


@dataclass(frozen=True, slots=True)
class Entry:
    """A step that was paid for.

    Attributes
    ----------
    mechanism
        A key of `MECHANISMS`.
    columns
        The attribute sets that were touched, one tuple each.
    sensitivity
        How much one unit can change the answer to one of them (Euclidean; for ``discrete-laplace`` the sum of
        absolute changes; for ``exponential`` the change of a score, already divided out of `scale`).
    scale
        Of the noise (see `MECHANISMS`).
    steps
        How many answers, each of that sensitivity, were given together.
    delta
        Probability spent on top (thresholds).
    slack
        Total-variation distance of the sampler from the exact law, over all draws of the step.
    purpose
        A few public words on what it was for.
    run
        Name of the run that paid.
    """

    mechanism: str
    columns: tuple[tuple[str, ...], ...]
    sensitivity: float
    scale: float
    steps: int
    delta: float
    slack: float
    purpose: str
    run: str = ""

    def __post_init__(self) -> None:
        if self.mechanism not in MECHANISMS:
            raise UsageError(f"there is no mechanism {self.mechanism!r}", where="ledger")
        numbers = (self.sensitivity, self.scale, self.delta, self.slack)
        if not all(isinstance(x, float) and math.isfinite(x) and x >= 0 for x in numbers):
            raise UsageError("a step holds a number that cannot be", where="ledger")
        if self.scale <= 0 or self.sensitivity <= 0 or isinstance(self.steps, bool) or self.steps < 1:
            raise UsageError("a step without noise or without steps", where="ledger")

    @property
    def rho(self) -> float:
        """Cost in zero-concentrated privacy; for Gaussian steps also ``mu**2 / 2``."""
        if self.mechanism == "exponential":
            # bounded range: epsilon**2 / 8 (Cesar and Rogers 2021)
            return self.steps * self.scale**2 / 8
        return self.steps * self.sensitivity**2 / (2 * self.scale**2)

    @property
    def gaussian(self) -> bool:
        """Whether the step is exactly Gaussian-private, so that mu adds up."""
        return self.mechanism in _GAUSSIAN

    @property
    def epsilon(self) -> float | None:
        """Pure epsilon of one of the steps, where there is one."""
        if self.mechanism == "exponential":
            return self.scale
        return self.sensitivity / self.scale if self.mechanism == "discrete-laplace" else None

    def to_json(self) -> dict[str, Any]:
        """JSON-ready form, with the cost in rho for the reader; the cost is recomputed on reading."""
        return {**asdict(self), "columns": [list(c) for c in self.columns], "rho": self.rho}

    @classmethod
    def from_json(cls, obj: object) -> Entry:
        """Rebuild an entry.

        Raises
        ------
        FileFormatError
            On anything that `to_json` cannot have written, a cost that is not the step's included.
        """
        names = {"mechanism", "columns", "sensitivity", "scale", "steps", "delta", "slack", "purpose", "run"}
        if not isinstance(obj, dict) or set(obj) != names | {"rho"}:
            raise FileFormatError("an entry has other fields than it should", where="ledger")
        texts = [obj["mechanism"], obj["purpose"], obj["run"]]
        if not all(isinstance(t, str) for t in texts) or not isinstance(obj["steps"], int):
            raise FileFormatError("an entry has a field of the wrong type", where="ledger")
        try:
            columns = tuple(_names(c) for c in obj["columns"])
            numbers = {n: _float(obj[n]) for n in ("sensitivity", "scale", "delta", "slack")}
            entry = cls(
                mechanism=obj["mechanism"],
                columns=columns,
                steps=obj["steps"],
                purpose=obj["purpose"],
                run=obj["run"],
                **numbers,
            )
            if not math.isclose(entry.rho, _float(obj["rho"]), rel_tol=1e-9):
                raise ValueError
        except (UsageError, TypeError, ValueError, OverflowError) as error:
            raise FileFormatError("an entry holds what cannot be", where="ledger") from error
        return entry


def _names(value: object) -> tuple[str, ...]:
    if (
        not isinstance(value, Sequence)
        or isinstance(value, str)
        or not all(isinstance(n, str) for n in value)
    ):
        raise ValueError
    return tuple(value)


def _float(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError
    return float(value)
