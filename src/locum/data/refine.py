"""After the first guess: try it on all values, keep targets learnable, let one date column help another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from locum.arrays import IntArray
from locum.data.arrowtypes import family
from locum.data.canonical import to_kind
from locum.data.distinct import Distinct, distinct
from locum.data.guess_label import guess_boolean
from locum.data.guess_number import guess_number, number_column
from locum.data.guess_time import guess_time
from locum.data.missing import missing_texts
from locum.data.proposal import Hints, Proposal
from locum.errors import DataError
from locum.schema.column import Column, is_regenerated
from locum.schema.validate import zone_exists

if TYPE_CHECKING:
    import pyarrow as pa

#: Kinds that may determine or be determined.
_CODED = frozenset({"category", "boolean", "integer", "number", "date"})


def fall_back_to_category(proposal: Proposal, held: Distinct, values: pa.ChunkedArray) -> Proposal:
    """The proposal if every value is of its kind, else a category of the same values."""
    column = proposal.column
    if column.kind in ("category", "text", "id") and family(values.type) == "text":
        return proposal
    try:
        to_kind(held.values, column, column.name)
    except DataError:
        return replace(proposal, column=as_category(column, "values of several kinds", 0.3))
    return proposal


def as_category(column: Column, reason: str, confidence: float) -> Column:
    """The column as a set of labels."""
    return Column(
        column.name,
        "category",
        column.nullable,
        column.missing,
        column.storage,
        confidence=confidence,
        reason=reason,
    )


def learnable(proposal: Proposal, held: Distinct, values: pa.ChunkedArray) -> Proposal:
    """Targets and protected columns are learned: what would be made afresh becomes a category or a number."""
    column = proposal.column
    if not is_regenerated(column.kind):
        return proposal
    whole = replace(
        column, kind="integer", confidence=0.6, reason="whole numbers, learned because of its role"
    )
    if column.kind == "id":
        try:
            to_kind(held.values, whole, column.name)
            return replace(proposal, column=whole)
        except DataError:
            pass
    return replace(proposal, column=as_category(column, "learned as labels because of its role", 0.6))


def as_kind(column: Column, kind: str, held: Distinct, values: pa.ChunkedArray, hints: Hints) -> Column:
    """What `column` looks like as another kind: with the format and missing texts that go with that kind."""
    import pyarrow as pa
    import pyarrow.compute as pc

    typed = kind in ("integer", "number", "boolean", "date", "datetime", "duration")
    bare = Column(column.name, kind, column.nullable, column.missing, column.storage)  # type: ignore[arg-type]
    if family(values.type) != "text":
        zone = str(getattr(values.type, "tz", None) or "")
        zone = zone if not zone or zone_exists(zone) else "UTC"
        keeps = kind in ("date", "datetime") and column.kind in ("date", "datetime")
        return replace(
            bare, format=column.format if keeps else "", timezone=zone if kind == "datetime" else ""
        )
    texts = pc.utf8_trim_whitespace(held.values)
    gone = missing_texts(texts, held.counts, hints.missing, typed=typed, name=column.name)
    keep = pc.invert(pc.is_in(texts, value_set=pa.array([*gone, *[""] * typed], texts.type)))
    some = texts.filter(keep)
    bare = replace(bare, missing=tuple(text for text in gone if text != "" or not held.nulls))
    if len(some) == 0:
        return bare
    counts = held.counts[keep.to_numpy(zero_copy_only=False)]
    if kind in ("integer", "number"):
        guess = guess_number(some, counts, hints.decimal)
        if guess is None or guess.share < 1:
            return bare
        found, decimals, form = number_column(guess, some)
        return replace(
            bare, format=form, decimals=decimals if kind == "number" and found == "number" else None
        )
    if kind == "boolean":
        words = guess_boolean(some)
        return replace(bare, format=words or _two_words(some))
    if kind in ("date", "datetime", "duration"):
        time = guess_time(some)
        if time is not None and (kind == time.kind or {kind, time.kind} == {"date", "datetime"}):
            return replace(bare, format=time.format, timezone=time.timezone if kind == "datetime" else "")
    return bare


def _two_words(texts: pa.Array) -> str:
    """Any two texts as ``no|yes``, in alphabetical order; empty when there are not two."""
    words = sorted(texts.to_pylist())
    return "|".join(words) if len(words) == 2 and not any("|" in word for word in words) else ""


def code_values(column: Column, held: Distinct, values: pa.ChunkedArray) -> IntArray | None:
    """Codes of the canonical values for the search of dependencies; None when the column cannot take part.

    Missing has a code of its own. Columns with more than n/20 values (labels: n/2) are left out before
    anything is parsed.
    """
    most = len(values) / (2 if column.kind == "category" else 20) + 5
    if column.kind not in _CODED or not 2 <= len(held.values) + (held.nulls > 0) <= most:
        return None
    try:
        again = distinct(to_kind(held.values, column, column.name))
    except DataError:
        return None
    codes = np.append(np.where(again.index < 0, len(again.values), again.index), len(again.values))
    return codes[held.index]  # -1, null, takes the last entry


def swap_if_siblings_say_so(proposals: Sequence[Proposal]) -> list[Proposal]:
    """Settle dates whose day and month could be swapped by another column that leaves no doubt."""
    sure = {
        _day_first(p.column.format)
        for p in proposals
        if p.column.kind in ("date", "datetime") and not p.other_format
    }
    sure.discard(None)
    if len(sure) != 1:
        return list(proposals)
    (day_first,) = sure
    settled = []
    for proposal in proposals:
        column, other = proposal.column, proposal.other_format
        if other and column.confidence < 0.9:
            form = column.format if _day_first(column.format) == day_first else other
            first = "day" if day_first else "month"
            column = replace(
                column,
                format=form,
                confidence=0.85,
                reason=f"dates; the {first} first, as in the other date columns",
            )
        settled.append(replace(proposal, column=column))
    return settled


def _day_first(text: str) -> bool | None:
    """Whether the day stands before the month; None where year first or month names make that no question."""
    if "%b" in text or "%B" in text or text.startswith("%Y") or "d" not in text or "m" not in text:
        return None
    return text.index("d") < text.index("m")
