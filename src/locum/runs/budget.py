"""What a private run may spend: its budget, and the ledger that pays."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from locum.errors import BudgetError
from locum.privacy.budget import Accounting, Budget
from locum.privacy.ledger import Ledger
from locum.privacy.unit import Unit
from locum.runs.options import DEFAULT_DELTA, PRIVATE_SYNTHESIZER
from locum.runs.request import PrivacyRequest

#: Part of delta that is kept for publishing levels; the rest is for the noise.
RESERVE = 0.1


def budget_of_request(asked: PrivacyRequest) -> Budget:
    """The budget as asked for, before anything is read or written.

    Raises
    ------
    UsageError
        For an epsilon or delta that cannot be.
    FileFormatError
        For a named ledger that lost its end or was changed.
    """
    budget = Budget.approx(asked.epsilon, DEFAULT_DELTA if asked.delta is None else asked.delta)
    budget.check_limits()
    if asked.total is not None:
        Budget.approx(asked.total, budget.delta).check_limits(where="--total-epsilon")
    if asked.ledger is not None:
        Ledger.found(asked.ledger)
    return budget


def open_ledger(
    asked: PrivacyRequest,
    budget: Budget,
    unit: Unit,
    *,
    data: str,
    accounting: Accounting,
    run: str,
    own: Path | None = None,
) -> Ledger:
    """The ledger of a run: its own in `own`, or the one that was named, which may hold other runs' steps.

    Without either it lives in memory and forgets.

    Parameters
    ----------
    asked, budget, unit
        What was asked for, and the budget and unit that follow.
    data, run
        Name of the data set, and of the run.
    accounting
        How steps add up; a named ledger that holds steps keeps its own way.
    own
        File of the run's own ledger, where none was named.

    Raises
    ------
    UsageError
        When the named ledger is about another data set or unit.
    FileFormatError
        When it was changed by anything but appending.
    BudgetError
        When the named ledger has too little left.
    """
    options: dict[str, Any] = {"data": data, "accounting": accounting, "reserve": RESERVE, "run": run}
    if asked.test_seed is not None:
        return Ledger.test(budget, unit, seed=asked.test_seed, **options)
    if asked.ledger is None:
        return (
            Ledger.memory(budget, unit, **options)
            if own is None
            else Ledger.open(own, unit=unit, budget=budget, **options)
        )
    total = budget if asked.total is None else Budget.approx(asked.total, budget.delta)
    ledger = Ledger.join(asked.ledger, unit=unit, budget=total, limit=budget, **options)
    _refuse_too_little(ledger, budget)
    return ledger


def _refuse_too_little(ledger: Ledger, budget: Budget) -> None:
    """Refuse a new run for which less is left than it asks for; one that is taken up again has spent some."""
    wanted, left = budget.rho(ledger.accounting, ledger.reserve), ledger.remaining_rho
    if ledger.own or left >= 0.999 * wanted:
        return
    from locum.privacy.conversions import gdp_epsilon, zcdp_epsilon

    delta = budget.delta * (1 - ledger.reserve)
    exact = ledger.accounting == "gdp"
    epsilon = gdp_epsilon(float(np.sqrt(2 * left)), delta) if exact else zcdp_epsilon(left, delta)
    raise BudgetError(
        f"the run asks for epsilon {budget.amount:g}, and about {max(0.0, epsilon):.3g} is left",
        where="privacy budget",
        expected="no more than what is left",
        do="ask for less; what other runs have spent on these data does not come back",
    )


def accounting_of(name: str, settings: Mapping[str, Any]) -> Accounting:
    """``zcdp`` where the generator as it is set takes steps that are not Gaussian, else ``gdp``."""
    if name == PRIVATE_SYNTHESIZER:
        return "gdp"
    from locum.models import registry
    from locum.models.base import CountModel

    model = registry.create(name, **settings)
    return model.accounting if isinstance(model, CountModel) else "gdp"


def refuse_spent_ledger(asked: PrivacyRequest, budget: Budget) -> None:
    """Refuse when a ledger that is named and there has too little left; it is read, not written.

    Raises
    ------
    BudgetError
        With what is left, about.
    FileFormatError
        When it was changed by anything but appending.
    """
    ledger = None if asked.ledger is None else Ledger.found(asked.ledger, run="check", limit=budget)
    if ledger is not None:
        _refuse_too_little(ledger, budget)
