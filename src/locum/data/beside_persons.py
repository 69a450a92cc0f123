"""Columns that go with a personal one: a key beside a name, a login. Who knows one knows both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from locum.arrays import IntArray
from locum.data.id_names import is_id_name
from locum.data.person_column import says_login
from locum.data.proposal import Proposal

#: Fewer different values than this go together by chance, or because there is one of each in a house.
LEAST = 10
#: So many rows must repeat a value of the column, and agree in the person each time.
AGAIN = 10
#: Share of the values that may go with a second person: slips of the pen.
SLIPS = 0.01


def mark_beside_persons(
    proposals: Sequence[Proposal], codes: Callable[[str], IntArray], keep: set[str]
) -> list[Proposal]:
    """The proposals with labels that go one to one with a personal column turned into ids.

    So do codes and logins of which a person may have several (many to one). Columns in `keep` stay.

    Parameters
    ----------
    proposals
        What the columns seem to be.
    codes
        Gives the values of a column as 0, 1, 2 ..., -1 for missing; shape (n_rows,).
    keep
        Columns of which the user has said what they are, or that must be learned.
    """
    persons = [p.column.name for p in proposals if p.column.kind.startswith("pii.")]
    out = []
    for proposal in proposals:
        column = proposal.column
        beside = None
        if column.kind == "category" and column.name not in keep:
            beside = next(
                (p for p in persons if _go_together(codes(column.name), codes(p), column.name)), None
            )
        if beside is not None:
            reason = f"goes one to one with {beside}, which is personal"
            column = replace(column, kind="id", confidence=0.8, reason=reason)
            proposal = replace(proposal, column=column)
        out.append(proposal)
    return out


def _go_together(one: IntArray, person: IntArray, name: str) -> bool:
    """Whether each value of one column goes with one person, and each person with one value of it."""
    both = (one >= 0) & (person >= 0)
    a, b = one[both], person[both]
    if len(a) == 0:
        return False
    values, persons = len(np.unique(a)), len(np.unique(b))
    if min(values, persons) < LEAST or len(a) - values < AGAIN:
        return False
    pairs = np.unique(a * (int(b.max()) + 1) + b)
    if len(pairs) > values * (1 + SLIPS):
        return False
    # a code of which one person has several says as much as one of which each has one
    return len(pairs) <= persons * (1 + SLIPS) or is_id_name(name) or says_login(name)
