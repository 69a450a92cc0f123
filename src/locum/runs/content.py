"""What a private run must know of its columns before it spends anything, and what it costs to find it out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist

from locum.codes.public_codebooks import is_declared
from locum.errors import ContentError
from locum.privacy.budget import Accounting, Budget
from locum.privacy.calibration import sigma_for
from locum.privacy.group_keys import key_threshold
from locum.privacy.unit import Unit
from locum.runs.budget import RESERVE
from locum.runs.private_rows import file_family
from locum.schema.table import Schema
from locum.sources.discover import KINDS_SHARE, LEVELS_WEIGHT, ROUNDS, SURE, weight
from locum.sources.domain import DISCOVERY
from locum.sources.levels import DELTA_SHARE
from locum.sources.lookups import LOOKUP_WEIGHT, can_look_up
from locum.sources.size import TOTAL_SHARE
from locum.wording import count

#: Bytes of a value in a file, for a guess at the number of rows.
CELL_BYTES: Mapping[str, float] = {"csv": 7.0, "parquet": 1.4, "arrow": 8.0}
#: Share of the rows that the fullest octave of a range holds, in a usual column.
_FULLEST = 0.3
#: A range is called likely to be found when it is not in one of twenty runs at most.
_LIKELY = 1.645


@dataclass(frozen=True, slots=True)
class ContentGap:
    """A column of which too little is known, and what is: ``kind``, ``levels`` or ``bounds`` are missing."""

    column: str
    kind: str | None
    lacks: str

    def __str__(self) -> str:
        return f"{self.column} ({self.lacks})"


@dataclass(frozen=True, slots=True)
class DiscoveryPrice:
    """What discovery would take, and what it would find.

    Attributes
    ----------
    share
        Of the budget.
    range_rows
        From about so many rows on the range of a usual column is found in 19 of 20 runs.
    level_rows
        A label is published when about so many rows share it.
    rows, chance
        A guess at the number of rows from the size of the file, and the chance that a range is not found
        then; None where there is no file.
    """

    share: float
    range_rows: int
    level_rows: int
    rows: int | None = None
    chance: float | None = None

    def __str__(self) -> str:
        text = (
            f"Finding out would take {100 * self.share:.0f} % of the budget. A range is likely to be found "
            f"from about {self.range_rows:,} rows on, and a label is published where about "
            f"{self.level_rows:,} rows share it; a column of which nothing is found is left empty."
        )
        if self.rows is None or self.chance is None:
            return text
        return text + (
            f" By its size the file holds some {self.rows:,} rows: the chance that a range is not found is "
            f"then about {100 * self.chance:.0f} %."
        )


def content_gaps(
    names: Sequence[str], known: Schema, public: Mapping[str, object] | None = None
) -> tuple[ContentGap, ...]:
    """The columns of which neither the schema nor a public table says what they hold.

    Parameters
    ----------
    names
        All columns.
    known
        What is known of some.
    public
        Columns whose codes a public table gives.
    """
    gaps = []
    columns = {column.name: column for column in known}
    for name in names:
        column = columns.get(name)
        if column is None:
            gaps.append(ContentGap(name, None, "kind, and levels or bounds"))
        elif name not in (public or {}) and not is_declared(column):
            lacks = "levels" if column.kind == "category" else "bounds"
            gaps.append(ContentGap(name, column.kind, lacks))
    return tuple(gaps)


def counts_besides(known: Schema, public: Mapping[str, object] | None = None) -> float:
    """What discovery takes besides the gaps, in counts of a whole column: fine cells, and look-ups.

    Of a wide declared range it is bought where in it values are dense, and of declared dependencies between
    labels which go together.
    """
    columns = (column for column in known if column.name not in (public or {}) and is_declared(column))
    lookups = (d for d in known.dependencies if d.dependent not in (public or {}) and can_look_up(known, d))
    return sum(map(weight, columns)) + LOOKUP_WEIGHT * sum(1 for _ in lookups)


def discovery_price(
    gaps: Sequence[ContentGap],
    budget: Budget,
    unit: Unit,
    accounting: Accounting = "gdp",
    rows: int | None = None,
    *,
    besides: float = 0.0,
) -> DiscoveryPrice:
    """What finding out the content of some columns would take; no row is looked at.

    `besides` is what `counts_besides` says, and `rows` a guess at their number.

    Raises
    ------
    BudgetError
        When the budget is next to nothing.
    """
    rho = budget.rho(accounting, RESERVE) * (1 - TOTAL_SHARE) * DISCOVERY
    unknown = sum(gap.kind is None for gap in gaps)
    labels = sum(gap.lacks != "bounds" for gap in gaps)
    if unknown:
        rho *= 1 - KINDS_SHARE
    each = rho / max(1.0, labels * LEVELS_WEIGHT + (len(gaps) - labels) * (1.0 + ROUNDS) + besides)
    sigma, narrow = sigma_for(each, unit.l2), sigma_for(each * LEVELS_WEIGHT, unit.l2)
    threshold = key_threshold(unit, narrow, budget.delta * RESERVE * DELTA_SHARE / max(1, labels))
    enough = math.ceil((SURE + _LIKELY) * sigma / _FULLEST)
    chance = None if rows is None else 1 - NormalDist().cdf(_FULLEST * rows / sigma - SURE)
    return DiscoveryPrice(DISCOVERY, enough, threshold, rows, chance)


def refuse_unknown_content(gaps: Sequence[ContentGap], price: DiscoveryPrice, where: str) -> None:
    """Stop a run before it spends anything on columns of which nothing is known.

    Raises
    ------
    ContentError
        Naming the columns, and what discovery would cost.
    """
    if not gaps:
        return
    listed = ", ".join(map(str, gaps[:8])) + (f" and {len(gaps) - 8} more" if len(gaps) > 8 else "")
    raise ContentError(
        f"too little is known of what {count(len(gaps), 'column')} may hold: {listed}. {price}",
        where=where,
        expected="levels of each category and bounds of each number and date, from public knowledge",
        do="declare them in locum.toml (`locum init --private` writes a template), give a public table with "
        "--public, or add --discover to have them bought; nothing was spent",
        gaps=tuple(gap.column for gap in gaps),
    )


def guess_rows(path: Path, n_columns: int) -> int:
    """A guess at the number of rows, to one digit, from the size of a file alone."""
    guess = path.stat().st_size / (CELL_BYTES[file_family(path)] * max(1, n_columns))
    digit = 10 ** math.floor(math.log10(max(1.0, guess)))
    return int(max(1, round(guess / digit)) * digit)
