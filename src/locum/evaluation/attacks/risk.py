"""Risks in the manner of Anonymeter: how often an attack succeeds on rows learned from, beyond a control.

After Giomi, Boenisch, Wehmeyer and Tasnadi, "A unified framework for quantifying privacy risk in synthetic
data" (PETS 2023): risk = (r_main - r_control) / (1 - r_control), r being success rates on rows learned from
and on rows never seen. It is 0 for an attack that only uses what holds for everybody.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from locum.evaluation.attacks.verdict import AttackFinding
from locum.evaluation.claim import Claim
from locum.evaluation.intervals import Z95, wilson
from locum.evaluation.registry import result_of


@dataclass(frozen=True, slots=True)
class Successes:
    """How often an attack succeeded: on rows learned from, on rows never seen, and by guessing.

    Attributes
    ----------
    main, control, naive
        Successes; those of guessing are counted on rows learned from.
    n, n_control
        Attacks on either side.
    exchanged
        A p-value found by exchanging rows of the two sides, where guesses succeed or fail together.
    """

    main: int
    control: int
    naive: int
    n: int
    n_control: int
    exchanged: float | None = None

    @property
    def risk(self) -> float:
        """Risk as Anonymeter defines it; may be negative."""
        if not self.n or not self.n_control or self.control == self.n_control:
            return 0.0
        control = self.control / self.n_control
        return (self.main / self.n - control) / (1 - control)

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the risk.

        1 - risk is a ratio of failure rates, so the interval is that of a log ratio (Katz), with half of
        z squared added to successes and failures (Agresti and Coull), which keeps it finite at 0 and 1.
        """
        if not self.n or not self.n_control:
            return -1.0, 1.0
        z2 = Z95 * Z95
        rates = [(k + z2 / 2) / (n + z2) for k, n in ((self.main, self.n), (self.control, self.n_control))]
        size = [n + z2 for n in (self.n, self.n_control)]
        error = math.sqrt(sum(r / (m * (1 - r)) for r, m in zip(rates, size, strict=True)))
        middle = math.log((1 - rates[0]) / (1 - rates[1]))
        low, high = 1 - math.exp(middle + Z95 * error), 1 - math.exp(middle - Z95 * error)
        return min(low, self.risk), max(high, self.risk)

    @property
    def p(self) -> float:
        """One-sided p-value that the attack does no better on rows learned from.

        `exchanged` where it is known, else Fisher's exact test.
        """
        from scipy.stats import hypergeom

        if self.exchanged is not None:
            return self.exchanged
        every = self.n + self.n_control
        return float(hypergeom.sf(self.main - 1, every, self.main + self.control, self.n)) if every else 1.0

    def to_json(self) -> dict[str, float | int]:
        """Rates with Wilson intervals, as they go into a result's detail."""
        out: dict[str, float | int] = {"attacks": self.n, "control_attacks": self.n_control}
        sides = (("main", self.main, self.n), ("control", self.control, self.n_control))
        for name, k, n in (*sides, ("naive", self.naive, self.n)):
            low, high = wilson(k, n)
            out |= {f"{name}_rate": k / n if n else 0.0, f"{name}_low": low, f"{name}_high": high}
        return out


def risk_result(
    name: str, does: str, found: Successes, detail: Mapping[str, Any] | None = None
) -> AttackFinding:
    """A result of one risk; `does` says what succeeds, to follow "The attacker"."""
    low, high = found.interval
    value = min(1.0, max(0.0, found.risk))
    main, control = (
        100 * k / max(1, n) for k, n in ((found.main, found.n), (found.control, found.n_control))
    )
    weak = found.main <= found.naive
    sentence = (
        f"The attacker {does} in {main:.1f} of 100 tries on rows that the generator learned from and in "
        f"{control:.1f} of 100 on rows that it never saw"
    )
    if weak:
        sentence += "; plain guessing does as well, so this attack is too weak to say much"
    result = result_of(
        name,
        value,
        sentence + ".",
        low=min(max(0.0, low), value),
        high=max(min(1.0, high), value),
        reference=0.0,
        detail={
            "risk": found.risk,
            "risk_low": low,
            "risk_high": high,
            **found.to_json(),
            "weaker_than_guessing": weak,
            "p": {"risk": found.p},
            **(detail or {}),
        },
    )
    return AttackFinding(result, (Claim("risk", found.risk, low, high, found.p),))
