"""The number of rows, bought: a small part of the budget, against which delta is held."""

from __future__ import annotations

import numpy as np

from locum.errors import BudgetError
from locum.privacy.calibration import sigma_for
from locum.privacy.ledger import Ledger
from locum.schema.domain import Coded, Domain
from locum.sources.memory import MemorySource
from locum.sources.private import Measurement, PrivateSource
from locum.sources.purposes import ROWS

#: Share of the budget that the number of rows is bought for.
TOTAL_SHARE = 0.005
#: With less than this share of its budget left a run would only make noise.
LEAST_SHARE = 0.01


def buy_size(n_rows: int, ledger: Ledger) -> Measurement:
    """Buy the number of rows and hold the ledger's delta against it.

    Parameters
    ----------
    n_rows
        The exact number, which goes nowhere else; each unit has no more rows than the ledger's unit allows.
    ledger
        Who pays.

    Raises
    ------
    BudgetError
        When next to nothing is left; the number is not looked at then.
    UsageError
        When delta is not below one over the number of rows.
    """
    bought = buy_count(n_rows, ledger, ROWS)
    ledger.settle(int(bought.counts[0]), bought.sigma)
    return bought


def buy_count(number: int, ledger: Ledger, purpose: str) -> Measurement:
    """Buy a number that one unit changes by at most its rows, for `TOTAL_SHARE` of what is left.

    Raises
    ------
    BudgetError
        When next to nothing is left; the number is not looked at then.
    """
    source = MemorySource(Coded(Domain(()), np.zeros((number, 0), dtype=np.int32)))
    left = ledger.remaining_rho
    whole = (ledger.limit or ledger.budget).rho(ledger.accounting, ledger.reserve)
    if left < LEAST_SHARE * whole:
        raise BudgetError(
            "next to nothing is left of the privacy budget",
            where="privacy budget",
            do="use another data set, or a ledger with a larger total; a spent budget does not come back",
        )
    sigma = sigma_for(left * TOTAL_SHARE, ledger.unit.l2)
    return PrivateSource(source, ledger).measure([()], sigma, purpose=purpose)[0]
