"""How much may be learnt about one unit: a total in (epsilon, delta), rho or mu."""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from locum.errors import FileFormatError, UsageError
from locum.privacy.conversions import gdp_epsilon, gdp_mu, zcdp_epsilon, zcdp_rho

Accounting = Literal["gdp", "zcdp"]
Kind = Literal["approx", "rho", "mu"]

#: Larger epsilons are refused where noise is real: exp(epsilon) multiplies how far samplers are from their
#: laws. Measured, every generator works up to 20 with room on 1,000,000 cells, and most fail at 40.
MAX_EPSILON = 20.0

#: An amount in any language that is far above that epsilon.
_ABSURD = 100.0
_NAMES = MappingProxyType({"approx": "epsilon", "rho": "rho", "mu": "mu"})
#: With a hundred units or fewer nothing is left of them under noise, so delta is always below this.
MOST_DELTA = 0.01


@dataclass(frozen=True, slots=True)
class Budget:
    """A total privacy budget; make it with `approx`, `zcdp` or `gaussian`.

    Attributes
    ----------
    kind
        The language it was given in.
    amount
        epsilon, rho or mu.
    delta
        Probability allowed for what the bound does not cover; always there, because every report is in
        (epsilon, delta).
    """

    kind: Kind
    amount: float
    delta: float

    def __post_init__(self) -> None:
        positive(self.amount, _NAMES[self.kind])
        if not 0 < number(self.delta, "delta") < 1:
            raise UsageError(
                f"delta {self.delta:g} is not usable", where="delta", expected="a number above 0 and below 1"
            )

    @classmethod
    def approx(cls, epsilon: float | str, delta: float | str) -> Budget:
        """A budget in (epsilon, delta); text such as ``"1e-6"`` is read as a number.

        Raises
        ------
        UsageError
            When epsilon is not a number, or not above 0 and finite; when delta is not between 0 and 1.
        """
        return cls("approx", number(epsilon, "epsilon"), number(delta, "delta"))

    @classmethod
    def zcdp(cls, rho: float, delta: float = 1e-6) -> Budget:
        """A budget in rho; `delta` is where epsilon is reported."""
        return cls("rho", number(rho, "rho"), number(delta, "delta"))

    @classmethod
    def gaussian(cls, mu: float, delta: float = 1e-6) -> Budget:
        """A budget in mu; `delta` is where epsilon is reported."""
        return cls("mu", number(mu, "mu"), number(delta, "delta"))

    def check_limits(self, accounting: Accounting = "gdp", where: str = "") -> None:
        """Refuse a budget that no real run may have, whatever it holds; every ledger with real noise asks.

        Parameters
        ----------
        accounting
            How its steps add up.
        where
            The option that it was given with, for the error.

        Raises
        ------
        UsageError
            When it amounts to more than `MAX_EPSILON`, or delta is `MOST_DELTA` or more.
        """
        if self.delta >= MOST_DELTA:
            raise UsageError(
                f"delta {self.delta:g} is too large for any table or set of texts that is worth a run",
                where="delta",
                expected=f"less than 1 / rows, and less than {MOST_DELTA:g} in any case",
                do="leave it out for 1e-6, or give one below 1 / (10 rows)",
            )
        if self.amount > _ABSURD or self.epsilon(accounting) > MAX_EPSILON:
            name = _NAMES[self.kind]
            raise UsageError(
                f"{name} {self.amount:g} is so much that it protects nobody",
                where=where or name,
                expected=f"an epsilon of at most {MAX_EPSILON:g}",
                do="take 10 or less; 1 is a good first choice",
            )

    def check_rows(self, rows: int) -> None:
        """Refuse a delta that would allow the plain release of a row.

        Parameters
        ----------
        rows
            A public or noisy number of rows or units.

        Raises
        ------
        UsageError
            When delta is not below ``1 / rows``.
        """
        if rows >= 1 and self.delta >= 1 / rows:
            raise UsageError(
                f"delta {self.delta:g} is too large for this many rows",
                where="delta",
                expected=f"less than 1 / rows, here {1 / rows:.1e}",
                do=f"use delta {10 ** math.floor(math.log10(1 / rows) - 1):g} or less",
            )

    def rho(self, accounting: Accounting, reserve: float = 0.0) -> float:
        """What may be spent on steps, in rho (for ``gdp``: ``mu**2 / 2``).

        Parameters
        ----------
        accounting
            ``gdp``: every step is Gaussian and adds up exactly; ``zcdp``: any step that has a rho.
        reserve
            Part of delta, from 0 to 1, that is kept for steps which need a delta of their own.
        """
        if self.kind == "rho":
            return self.amount
        if self.kind == "mu":
            return self.amount**2 / 2
        delta = self.delta * (1 - reserve)
        if accounting == "gdp":
            return float(gdp_mu(self.amount, delta) ** 2 / 2)
        return zcdp_rho(self.amount, delta)

    def epsilon(self, accounting: Accounting) -> float:
        """The epsilon at `delta` that the budget amounts to."""
        if self.kind == "approx":
            return self.amount
        rho = self.rho(accounting)
        if accounting == "gdp" or self.kind == "mu":
            return gdp_epsilon(math.sqrt(2 * rho), self.delta)
        return zcdp_epsilon(rho, self.delta)

    def __str__(self) -> str:
        return f"{_NAMES[self.kind]} {self.amount:g}, delta {self.delta:g}"

    def to_json(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {"kind": self.kind, "amount": self.amount, "delta": self.delta}

    @classmethod
    def from_json(cls, obj: object) -> Budget:
        """Rebuild a budget; raises FileFormatError on anything `to_json` cannot have written."""
        if not isinstance(obj, dict) or set(obj) != {"kind", "amount", "delta"}:
            raise FileFormatError("is not a budget", where="budget")
        if obj["kind"] not in ("approx", "rho", "mu"):
            raise FileFormatError("has no known kind", where="budget")
        try:
            return cls(obj["kind"], number(obj["amount"], "amount"), number(obj["delta"], "delta"))
        except UsageError as error:
            raise FileFormatError(error.what, where="budget") from error


def number(value: object, name: str) -> float:
    """`value` as a float; text is read, anything else that is no number refused with UsageError."""
    try:
        if isinstance(value, bool):
            raise TypeError
        read = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        raise UsageError(
            f"{str(value)[:20]!r} is not a number", where=name, expected="such as 1 or 1e-6"
        ) from None
    if math.isnan(read):
        raise UsageError("is not a number", where=name, expected="such as 1 or 1e-6")
    return read


def positive(value: object, name: str) -> float:
    """`value` as a finite float above 0; raises UsageError."""
    read = number(value, name)
    if not 0 < read < math.inf:
        raise UsageError(
            f"{name} {read:g} is not usable",
            where=name,
            expected="a finite number above 0",
            do="leave it out for a run without privacy" if name == "epsilon" and read == math.inf else "",
        )
    return read
