"""What some steps call themselves in the ledger, where `locum verify` looks for them."""

from __future__ import annotations

ROWS = "number of rows"
KINDS = "kinds of columns"
RANGES = "ranges of columns"
LEVELS = "levels of columns"
LOOKUPS = "which values go together"
CROWDED = "units with more rows than are kept"
VOTES = "votes for made-up rows"


def round_of_cells(turn: int, rounds: int) -> str:
    """The purpose of a round in which the cells of columns are counted."""
    return f"cells of columns, round {turn} of {rounds}"
