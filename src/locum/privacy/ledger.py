"""The ledger: every touch of private data is paid for here, before it happens.

`spend` writes an entry and hands out the noise for it; there is no other way to noise. The order is intent,
disk, data: a crash after the entry was written counts as spent.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import Any

from locum.errors import BudgetError, FileFormatError, UsageError
from locum.files.lines import SealedLines
from locum.privacy.accountant import Total
from locum.privacy.budget import Accounting, Budget
from locum.privacy.entry import Entry
from locum.privacy.noise import Noise
from locum.privacy.random_bits import SeededBits
from locum.privacy.unit import Unit

#: Part of delta that is kept for the slack of the samplers when nothing else is asked for.
SLACK_RESERVE = 1e-6
#: Rounding of the arithmetic in "spend all that is left"; covered by the margin of the conversions.
_SLOP = 1e-12
_FORMAT = 1


def ledger_lines(path: str | os.PathLike[str]) -> SealedLines:
    """The lines of a ledger's file, which is made when it is missing."""
    return SealedLines(path, "privacy ledger")


class Ledger:
    """What was and may be spent on one data set, for one unit of privacy.

    Make it with `open` (a file that lives across runs), `memory` (real noise, gone with the process) or
    `test` (seeded noise, NOT PRIVATE).

    Attributes
    ----------
    unit
        Whom the guarantee is about.
    budget
        The total over all runs.
    accounting
        ``gdp``: Gaussian steps only, added up exactly; ``zcdp``: any step.
    private
        False when the noise follows from a seed.
    """

    def __init__(
        self,
        unit: Unit,
        budget: Budget,
        *,
        accounting: Accounting = "gdp",
        reserve: float = SLACK_RESERVE,
        limit: Budget | None = None,
        run: str = "",
        data: str = "",
        journal: SealedLines | None = None,
        seed: int | None = None,
    ) -> None:
        if accounting not in ("gdp", "zcdp"):
            raise UsageError("there is no such accounting", where="accounting", expected="gdp or zcdp")
        if not 0 < reserve < 1:
            raise UsageError("reserve is not usable", where="reserve", expected="a part of delta, 0 to 1")
        self.unit, self.budget, self.accounting, self.reserve = unit, budget, accounting, reserve
        self.run, self.data = run, data
        self.private = seed is None
        self._seed, self._journal = seed, journal
        self._entries: list[Entry] = []
        self._total = budget.rho(accounting, reserve)
        self._limit = limit.rho(accounting, reserve) if limit else math.inf
        self.limit = limit
        # what a sampler at distance tau costs in delta, per tau
        self._slack_factor = 1 + math.exp(min(budget.epsilon(accounting), 700.0))
        if journal is not None:
            journal.append(lambda: None if journal.bodies else self._header())
            self._take_over()

    @classmethod
    def memory(cls, budget: Budget, unit: Unit | None = None, **options: Any) -> Ledger:
        """A ledger without a file: real noise, and nothing that remembers it after the process."""
        return cls(unit or Unit(), budget, **options)

    @classmethod
    def test(
        cls, budget: Budget | None = None, unit: Unit | None = None, *, seed: int, **options: Any
    ) -> Ledger:
        """A ledger whose noise follows from `seed`. NOT PRIVATE: for tests, comparisons and teaching."""
        return cls(unit or Unit(), budget or Budget.approx(1.0, 1e-6), seed=seed, **options)

    @classmethod
    def open(
        cls, path: str | os.PathLike[str], *, data: str, unit: Unit, budget: Budget, **options: Any
    ) -> Ledger:
        """The ledger of a data set, made when the file is missing.

        Parameters
        ----------
        path
            The file; it only grows. Whoever keeps the data keeps it.
        data
            A public name of the data set.
        unit, budget
            Must be those the ledger was opened with first.
        options
            `accounting`, `reserve`, `limit` (what this run may take of the total), `run` (its name).

        Raises
        ------
        UsageError
            When the file belongs to another data set, unit, total or accounting.
        FileFormatError
            When it was changed by anything but appending.
        """
        return cls(unit, budget, data=data, journal=ledger_lines(path), **options)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All steps that were paid for, of every run."""
        self._refresh()
        return tuple(self._entries)

    @property
    def head(self) -> str:
        """Hash that seals the file as it is now; empty without a file. Kept elsewhere, it shows a cut end."""
        self._refresh()
        return self._journal.head if self._journal else ""

    @property
    def own(self) -> tuple[Entry, ...]:
        """The steps of this run."""
        return tuple(e for e in self.entries if e.run == self.run)

    @property
    def total(self) -> Total:
        """Sum of all steps of every run."""
        return Total.of(self.entries)

    @property
    def remaining_rho(self) -> float:
        """What is left for this run, in rho (``mu**2 / 2``); never below 0."""
        self._refresh()
        return max(0.0, self._left())

    @property
    def remaining_delta(self) -> float:
        """What is left for thresholds and samplers, as a probability; never below 0."""
        self._refresh()
        return max(0.0, self._left_delta())

    @property
    def stamp(self) -> str:
        """Words for certificates and reports: empty, or ``NOT PRIVATE`` and why."""
        return "" if self.private else "NOT PRIVATE: the noise follows from a seed"

    def spend(
        self,
        mechanism: str,
        columns: Sequence[Sequence[str]],
        *,
        sensitivity: float,
        scale: float,
        steps: int = 1,
        delta: float = 0.0,
        slack: float = 0.0,
        purpose: str,
    ) -> Noise:
        """Pay for a step, and get the noise for it.

        Parameters are those of `Entry`. The entry is on the disk when this returns.

        Raises
        ------
        BudgetError
            When the step costs more than is left; nothing is written then.
        UsageError
            When the ledger adds up Gaussian steps only and this is none.
        """
        entry = Entry(
            mechanism,
            tuple(tuple(c) for c in columns),
            float(sensitivity),
            float(scale),
            steps,
            float(delta),
            float(slack),
            purpose,
            self.run,
        )
        if self.accounting == "gdp" and not entry.gaussian:
            raise UsageError(
                f"this ledger adds up Gaussian steps only, and {mechanism} is none",
                where="ledger",
                do="open it with accounting zcdp, or use a Gaussian step",
            )
        if self._journal is None:
            self._check(entry)
            self._entries.append(entry)
        else:
            self._journal.append(lambda: self._checked_body(entry))
            self._take_over()
        if self._seed is None:
            return Noise()
        return Noise(SeededBits(self._seed, "entry", len(self._entries)))

    def _checked_body(self, entry: Entry) -> dict[str, Any]:
        self._take_over()
        self._check(entry)
        return {"entry": entry.to_json()}

    def _check(self, entry: Entry) -> None:
        left, left_delta = self._left(), self._left_delta()
        wanted_delta = entry.delta + self._slack_factor * entry.slack
        if entry.rho > left + _SLOP * self._total:
            raise BudgetError(
                f"this step ({entry.purpose}) costs rho {entry.rho:.4g}, and {max(0.0, left):.4g} is left",
                where="privacy budget",
                do="ask for less, use more noise, or raise the total",
            )
        if self.private and wanted_delta > left_delta * (1 + 1e-9):
            raise BudgetError(
                f"this step ({entry.purpose}) costs delta {wanted_delta:.2g}, "
                f"and {max(0.0, left_delta):.2g} is left",
                where="privacy budget",
                do="keep a larger part of delta for such steps",
            )

    def _left(self) -> float:
        spent = math.fsum(e.rho for e in self._entries)
        own = math.fsum(e.rho for e in self._entries if e.run == self.run)
        return min(self._total - spent, self._limit - own)

    def _left_delta(self) -> float:
        budgets = [(self.budget, self._entries)]
        if self.limit is not None:
            budgets.append((self.limit, [e for e in self._entries if e.run == self.run]))
        factor = self._slack_factor
        return min(
            b.delta * self.reserve - math.fsum(e.delta + factor * e.slack for e in entries)
            for b, entries in budgets
        )

    def _refresh(self) -> None:
        if self._journal is not None:
            self._journal.refresh()
            self._take_over()

    def _header(self) -> dict[str, Any]:
        return {
            "format": _FORMAT,
            "data": self.data,
            "unit": self.unit.to_json(),
            "budget": self.budget.to_json(),
            "accounting": self.accounting,
            "reserve": self.reserve,
            "private": self.private,
        }

    def _take_over(self) -> None:
        """Bring the entries up to what the journal holds; its head must be ours."""
        bodies = self._journal.bodies if self._journal else []
        if bodies and bodies[0] != self._header():
            differ = [k for k, v in self._header().items() if bodies[0].get(k) != v]
            raise UsageError(
                f"the ledger was opened with another {', '.join(differ)}",
                where=str(self._journal.path) if self._journal else "ledger",
                do="use what it was opened with, or another ledger for another data set",
            )
        for body in bodies[1 + len(self._entries) :]:
            if set(body) != {"entry"}:
                raise FileFormatError("a line is not an entry", where="ledger")
            self._entries.append(Entry.from_json(body["entry"]))
