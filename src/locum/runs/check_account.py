"""Whether the entries of a certificate can be what was paid: each by itself, and what they add up to."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from locum.errors import LocumError
from locum.privacy.budget import Budget
from locum.privacy.entry import Entry
from locum.privacy.group_keys import MOST_KEYS
from locum.privacy.ledger import UNSPENT
from locum.privacy.noise import choice_slack, gaussian_slack, laplace_slack
from locum.privacy.unit import Unit
from locum.runs.certificate import NAME
from locum.runs.guarantee import entries_of, statement, totals

#: Rounding that is no fault.
_SLOP = 1e-9
#: Epsilon is written with six digits, rounded up.
_ROUNDING = 2e-5


def check_account(certificate: Mapping[str, Any]) -> list[str]:
    """What is wrong with entries, totals, statement and budget."""
    entries = entries_of(certificate)
    unit, budget = Unit.from_json(certificate["unit"]), Budget.from_json(certificate["budget"])
    found = [
        f"{NAME}: entry {i} ({e.purpose}) {fault}."
        for i, e in enumerate(entries)
        for fault in _faults(e, unit)
    ]
    return [
        *found,
        *_check_total(certificate, entries, unit, budget),
        *_check_budget(certificate, entries, budget),
        *_check_ledger(certificate, entries),
    ]


def check_sum(certificate: Mapping[str, Any], found: list[tuple[float, float]]) -> list[str]:
    """The sum once more, by another accountant; both go into `found`."""
    from locum.privacy.recount import recount

    again = recount(entries_of(certificate), float(certificate["total"]["delta"]))
    found.append((again.first, again.second))
    if not again.agree:
        return [f"{NAME}: two accountants disagree on epsilon ({again.first:.6g} and {again.second:.6g})."]
    return []


def least_slack(entry: Entry, cells: int) -> float:
    """Least distance from the exact law that our samplers have for a step on so many cells.

    Raises
    ------
    UsageError
        When the sampler takes no such scale.
    """
    if entry.mechanism == "exponential":
        return entry.steps * choice_slack(len(entry.columns))
    if entry.mechanism == "gaussian-threshold":
        return MOST_KEYS * gaussian_slack(entry.scale)
    draw = laplace_slack if entry.mechanism == "discrete-laplace" else gaussian_slack
    return cells * draw(entry.scale)


def _faults(entry: Entry, unit: Unit) -> list[str]:
    """What one entry cannot be."""
    least = {
        "exponential": 1.0,
        "gaussian-argmax": float(unit.l1),
        "gaussian-scores": float(unit.l1),
        "discrete-laplace": float(unit.l1),
    }.get(entry.mechanism, unit.l2)
    found = []
    if entry.sensitivity < least * (1 - _SLOP):
        found.append("claims less sensitivity than the unit has")
    if entry.purpose == UNSPENT:
        # a price without an answer: nothing was drawn for it
        touched = entry.columns or entry.steps != 1 or entry.delta > 0 or entry.slack > 0
        return [*found, *(["pays for nothing and gives something"] if touched else [])]
    if not entry.columns:
        found.append("does not say what it touched")
    if entry.mechanism != "exponential" and entry.steps != len(entry.columns):
        found.append(f"pays for {entry.steps} answers but gives {len(entry.columns)}")
    threshold = entry.mechanism == "gaussian-threshold"
    if threshold and not 0 < entry.delta < 1:
        found.append("publishes keys above a threshold and pays no delta for it")
    if not threshold and entry.delta > 0:
        found.append("pays a delta that its mechanism does not have")
    try:
        if entry.slack < least_slack(entry, max(1, len(entry.columns))) * (1 - _SLOP):
            found.append("claims a sampler nearer to its law than ours")
    except LocumError:
        found.append(f"has noise of a scale ({entry.scale:.3g}) that our sampler refuses")
    return found


def _check_total(
    certificate: Mapping[str, Any], entries: list[Entry], unit: Unit, budget: Budget
) -> list[str]:
    """What the certificate says in words and totals must follow from its entries."""
    claimed = certificate["total"]
    added = totals(entries, float(claimed["delta"]))
    found = []
    if float(claimed["delta"]) != budget.delta:
        found.append(f"{NAME}: the total is taken at another delta than the budget's.")
    for name, value in added.items():
        if claimed.get(name) != value:
            found.append(f"{NAME}: total.{name} is not what the {len(entries)} entries add up to.")
    if added["epsilon"] is None:
        found.append(f"{NAME}: the entries take more than delta, so that there is no epsilon.")
    said = statement(unit, added["epsilon"] or math.inf, added["delta"])
    if certificate.get("statement") != said:
        found.append(f"{NAME}: the statement is not what the entries add up to.")
    return found


def _check_budget(certificate: Mapping[str, Any], entries: list[Entry], budget: Budget) -> list[str]:
    """No more may be spent than there was, in either language; and delta must be small for the rows."""
    accounting, found = certificate["accounting"], []
    if accounting == "gdp" and not all(e.gaussian for e in entries):
        found.append(f"{NAME}: the ledger adds up Gaussian steps only, and there is another.")
    spent, epsilon = math.fsum(e.rho for e in entries), certificate["total"]["epsilon"]
    whole = budget.rho(accounting)
    if spent > whole * (1 + _SLOP):
        found.append(f"{NAME}: {spent:.4g} was spent (in rho), and the budget of {budget} holds {whole:.4g}.")
    if budget.kind == "approx" and (epsilon is None or epsilon > budget.amount * (1 + _ROUNDING)):
        found.append(f"{NAME}: epsilon {epsilon} was spent, and the budget is {budget}.")
    if math.fsum(e.delta for e in entries) >= budget.delta:
        found.append(f"{NAME}: thresholds took all of delta.")
    rows = certificate["rows"]
    try:
        budget.check_rows(int(rows["noisy"] if "noisy" in rows else rows["declared"]))
    except LocumError as error:
        found.append(f"{NAME}: {error.what} ({error.expected}).")
    return found


def _check_ledger(certificate: Mapping[str, Any], entries: list[Entry]) -> list[str]:
    """The ledger's own number of lines: a head line, and one for each entry."""
    ledger = certificate.get("ledger")
    if ledger is not None and ledger["lines"] != len(entries) + 1:
        return [
            f"{NAME}: the ledger has {ledger['lines']} lines, and {len(entries)} entries make "
            f"{len(entries) + 1}."
        ]
    return []
