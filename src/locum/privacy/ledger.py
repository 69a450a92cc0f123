"""The ledger: every touch of private data is paid for here, before it happens.

`spend` writes an entry and hands out the noise for it; there is no other way to noise. The order is intent,
disk, data: a crash after the entry was written counts as spent.
"""

from __future__ import annotations

import math
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from locum.errors import BudgetError, FileFormatError, UsageError
from locum.privacy.accountant import Total
from locum.privacy.budget import Accounting, Budget
from locum.privacy.entry import Entry
from locum.privacy.ledger_file import FORMATS, Head, LedgerFile
from locum.privacy.noise import Noise
from locum.privacy.random_bits import SeededBits
from locum.privacy.unit import Unit

#: Part of delta that is kept for the slack of the samplers when nothing else is asked for.
SLACK_RESERVE = 1e-6
#: Purpose of the entry that pays for what a run leaves, and the part of a budget that is too little for one.
UNSPENT, _LEFT = "left unspent, and paid for so that the sum does not depend on answers", 1e-9
#: Rounding of the arithmetic in "spend all that is left"; covered by the margin of the conversions.
_SLOP = 1e-12


@dataclass(frozen=True, slots=True)
class UnitCount:
    """How many rows there are, as far as it may be known.

    Attributes
    ----------
    rows
        The number.
    sigma
        Standard deviation of the noise that it was bought with; 0 for one that is declared and public.
    """

    rows: int
    sigma: float

    def to_json(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {"noisy": self.rows, "sigma": self.sigma} if self.sigma else {"declared": self.rows}


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

    Notes
    -----
    The rules that every door keeps are here: a delta below `MOST_DELTA` in any case and below one over the
    number of rows before anything is stated (`settle`, `size`), a total over all runs, payment first, and a
    sum that was fixed in advance (`close`). Which theorems this rests on: docs/decisions/0020-filters.md.
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
        journal: LedgerFile | None = None,
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
        if self.private:
            for given in (budget, *([limit] if limit else [])):
                given.check_limits(accounting)
        self._size: UnitCount | None = None
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
        return cls(unit, budget, data=data, journal=LedgerFile(path), **options)

    @classmethod
    def join(
        cls, path: str | os.PathLike[str], *, data: str, unit: Unit, budget: Budget, **options: Any
    ) -> Ledger:
        """A ledger that several runs share: with the total and the rules it was opened with first.

        Parameters are those of `open`; `budget`, `accounting` and `reserve` are those of a new one. Its head
        is kept in the user's configuration folder as well. Raises what `open` raises.
        """
        journal = LedgerFile(path, shared=True)
        if journal.bodies:
            _, budget, rules = _terms_of(journal)
            options |= rules
        return cls(unit, budget, data=data, journal=journal, **options)

    @classmethod
    def found(cls, path: str | os.PathLike[str], **options: Any) -> Ledger | None:
        """The ledger of a file as it is, to be read; None when nothing was written to the file yet.

        Raises
        ------
        FileFormatError
            When it was changed by anything but appending.
        """
        if not Path(path).is_file():
            return None
        journal = LedgerFile(path)
        if not journal.bodies:
            return None
        unit, budget, rules = _terms_of(journal)
        data = str(journal.bodies[0].get("data", ""))
        return cls(unit, budget, data=data, journal=journal, **rules, **options)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All steps that were paid for, of every run."""
        self._refresh()
        return tuple(self._entries)

    @property
    def head(self) -> Head | None:
        """How far the file is written now; None without a file. Kept elsewhere, it shows a cut end."""
        self._refresh()
        return self._journal.mark if self._journal else None

    def continues(self, known: Head, where: str) -> None:
        """Refuse when the file does not go on from a head that `where` holds.

        Raises
        ------
        FileFormatError
            When lines are missing or are others.
        """
        self._refresh()
        if self._journal is not None:
            self._journal.check(known, where)

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
    def size(self) -> UnitCount:
        """The number of rows that delta was held against; nothing may be stated before there is one.

        Raises
        ------
        UsageError
            When the number was neither bought nor declared.
        """
        if self._size is None:
            raise UsageError(
                "delta was not held against a number of rows, so that nothing can be guaranteed",
                where="delta",
                do="buy the number of rows, or declare a public one",
            )
        return self._size

    @property
    def rows(self) -> int:
        """The number of rows that delta was held against, noisy or public; 0 as long as there is none."""
        return 0 if self._size is None else self._size.rows

    def settle(self, rows: int, sigma: float = 0.0) -> UnitCount:
        """Hold delta against the number of rows: a noisy one with its `sigma`, or a public one.

        Raises
        ------
        UsageError
            When delta is not below ``1 / rows``.
        """
        for given in (self.budget, *([self.limit] if self.limit else [])):
            given.check_rows(rows)
        self._size = UnitCount(rows, float(sigma))
        return self._size

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

    def close(self) -> None:
        """Pay for what this run has left and will not use, so that what it spent in all was fixed in advance.

        How much of its budget a run uses may follow from answers that it got, and a sum that does is covered
        by no theorem on adaptive steps: these are about a total that is fixed before the first step. What is
        paid for here is not used. Closing twice pays once.
        """
        left = self.remaining_rho
        whole = min(self._total, self._limit)
        if left <= _LEFT * whole:
            return
        scale = self.unit.l2 / math.sqrt(2 * left * (1 - _SLOP))
        mechanism = "gaussian" if self.accounting == "gdp" else "discrete-gaussian"
        self.spend(mechanism, [], sensitivity=self.unit.l2, scale=scale, purpose=UNSPENT)

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
        return {"format": FORMATS[-1], "id": secrets.token_hex(16), **self._agreed()}

    def _agreed(self) -> dict[str, Any]:
        """What all runs of the ledger must agree on."""
        return {
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
        agreed = self._agreed()
        if bodies and {k: v for k, v in bodies[0].items() if k not in ("format", "id")} != agreed:
            differ = [k for k, v in agreed.items() if bodies[0].get(k) != v] or ["header"]
            units = f" ({Unit.from_json(bodies[0]['unit'])}, not {self.unit})" if "unit" in differ else ""
            raise UsageError(
                f"the ledger was opened with another {', '.join(differ)}{units}",
                where=str(self._journal.path) if self._journal else "ledger",
                do="use what it was opened with, or another ledger for another data set",
            )
        for body in bodies[1 + len(self._entries) :]:
            if set(body) != {"entry"}:
                raise FileFormatError("a line is not an entry", where="ledger")
            self._entries.append(Entry.from_json(body["entry"]))


def _terms_of(journal: LedgerFile) -> tuple[Unit, Budget, dict[str, Any]]:
    """Unit, total, and the rules of adding up, that a file was opened with."""
    header = journal.bodies[0]
    accounting, reserve = header.get("accounting"), header.get("reserve")
    if accounting not in ("gdp", "zcdp") or not isinstance(reserve, float):
        raise FileFormatError(
            "the first line of the ledger is not as it was written", where=str(journal.path)
        )
    rules = {"accounting": accounting, "reserve": reserve}
    return Unit.from_json(header.get("unit")), Budget.from_json(header.get("budget")), rules
