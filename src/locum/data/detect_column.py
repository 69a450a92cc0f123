"""Look at one column and say what it is."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from locum.arrays import BoolArray, IntArray
from locum.data.arrowtypes import Family, family
from locum.data.distinct import Distinct, distinct
from locum.data.guess_label import guess_boolean, guess_integer, guess_label
from locum.data.guess_number import NumberGuess, guess_number, number_column, number_details
from locum.data.guess_time import guess_time
from locum.data.id_names import is_id_name
from locum.data.missing import missing_texts, numbers_among, sentinels
from locum.data.numberforms import decimals_of
from locum.data.pii import find_pii, integer_pii
from locum.data.proposal import Count, Hints, Proposal
from locum.schema.column import Column, Kind
from locum.schema.validate import zone_exists

if TYPE_CHECKING:
    import pyarrow as pa

_SAMPLE = 500
#: Kind of a typed column in which every row is empty.
_EMPTY_KINDS: dict[Family, Kind] = {
    "boolean": "boolean",
    "integer": "integer",
    "float": "number",
    "decimal": "number",
    "date": "date",
    "timestamp": "datetime",
    "time": "duration",
    "duration": "duration",
}
#: A value that holds this share of the rows, among many others, is worth a word.
SPIKE = 0.3


def examine(name: str, values: pa.ChunkedArray, hints: Hints) -> tuple[Proposal, Distinct]:
    """Propose what a column is, and give its different values for further use.

    A guess; `locum.data.refine.tried` then tries it on all values.
    """
    held = distinct(values)
    source = family(values.type)
    evidence: dict[str, Count] = {"rows": len(values), "missing": held.nulls, "distinct": len(held.values)}
    column = Column(name, "category", nullable=True, storage=str(values.type))
    look = _Look(column, held, held.counts, evidence, hints)
    if source == "null" or len(held.values) == 0:
        return look.empty(kind=_EMPTY_KINDS.get(source, "category"), timezone=_zone(values.type)), held
    if source == "text":
        return _examine_text(look), held
    return _examine_typed(look, source), held


@dataclass(slots=True)
class _Look:
    """A column that is being looked at: what is known of it, its values and their rows."""

    column: Column
    held: Distinct
    counts: IntArray
    evidence: dict[str, Count]
    hints: Hints

    def empty(self, **found: Any) -> Proposal:
        """There is no value."""
        column = replace(self.column, **found, confidence=0.5, reason="there is no value in any row")
        return Proposal(column, self.evidence, ("no value in any row",))

    def finish(self, keep: BoolArray, alerts: tuple[str, ...] = (), **found: Any) -> Proposal:
        """What was found; values that are not kept are missing."""
        column, evidence = replace(self.column, **found), self.evidence
        rows = self.rows(keep)
        evidence["missing"] = self.held.nulls + self.rows(~keep)
        evidence["distinct"] = int(keep.sum())
        evidence["top_share"] = round(float(self.counts[keep].max() / max(rows, 1)), 4) if keep.any() else 0.0
        if evidence["distinct"] == 1 and rows > 1:
            alerts = (*alerts, "the same value in every row")
            if "same" not in column.reason:
                column = replace(column, reason=f"{column.reason}; the same value in every row")
        if column.kind == "category" and int(evidence["distinct"]) > 200:
            alerts = (*alerts, "many levels")
        return Proposal(column, dict(evidence), alerts)

    def finish_numbers(self, keep: BoolArray, values: np.ndarray, **found: Any) -> Proposal:
        """As `finish`; says how many zeros there are, and whether one value stands out."""
        zeros, rows = self.rows(keep & (values == 0)), self.rows(keep)
        self.evidence["zeros"] = zeros
        alerts: tuple[str, ...] = ()
        if (
            found["kind"] not in ("id", "category")
            and int(keep.sum()) > 20
            and self.counts[keep].max() >= SPIKE * rows
        ):
            alerts = ("many zeros",) if zeros >= SPIKE * rows else ("one value in many rows",)
            found["reason"] = f"{found['reason']}; {alerts[0]}"
        return self.finish(keep, alerts, **found)

    def finish_days(self, keep: BoolArray) -> Proposal:
        """Whole numbers that are dates."""
        reason = "eight digits that are dates"
        return self.finish(keep, kind="date", format="%Y%m%d", confidence=0.85, reason=reason)

    def rows(self, keep: BoolArray) -> int:
        """Rows of some values."""
        return int(self.counts[keep].sum())

    def integer_pii(self, values: pa.Array, keep: BoolArray) -> Proposal | None:
        """Whole numbers that are personal data."""
        texts = [str(v) for v in values.slice(0, _SAMPLE).to_pylist()]
        found = integer_pii(self.column.name, texts, len(values), self.rows(keep))
        return None if found is None else self.finish(keep, **asdict(found))


def _mask(texts: pa.Array, gone: tuple[str, ...]) -> BoolArray:
    import pyarrow as pa
    import pyarrow.compute as pc

    found: BoolArray = pc.is_in(texts, value_set=pa.array(list(gone), texts.type)).to_numpy(
        zero_copy_only=False
    )
    return ~found


def _examine_text(look: _Look) -> Proposal:
    import pyarrow as pa
    import pyarrow.compute as pc

    column, held, counts, hints = look.column, look.held, look.counts, look.hints
    texts = pc.utf8_trim_whitespace(held.values)
    as_label = missing_texts(texts, counts, hints.missing, typed=False, name=column.name)
    if held.nulls == 0 and pc.any(pc.equal(texts, "")).as_py():
        as_label = (*as_label, "")  # nothing else is missing, so blank is how this column says so
    keep = _mask(texts, as_label)
    some, rows = texts.filter(pa.array(keep)), look.rows(keep)
    if len(some) == 0:
        return look.empty(missing=as_label)
    found = find_pii(column.name, some.slice(0, _SAMPLE).to_pylist(), len(some), rows)
    if found is not None:
        return look.finish(keep, missing=as_label, **asdict(found))
    typed = _typed_text(look, texts)
    if typed is not None:
        return typed
    look.column = replace(column, missing=as_label)
    words = guess_boolean(some)
    if words:
        reason = "two words for yes and no"
        return look.finish(keep, kind="boolean", format=words, confidence=0.95, reason=reason)
    kind, sure, reason = guess_label(column.name, some, counts[keep])
    guess = guess_number(some, counts[keep], hints.decimal)
    alerts: tuple[str, ...] = ()
    if _leading_zeros(some):
        reason = f"codes with leading zeros{', ' + reason if kind == 'id' else ''}"
    elif guess is not None and guess.share < 1:
        look.evidence["not_parsed"] = round((1 - guess.share) * rows)
        reason, sure = f"mixed: most values are numbers, some are not; {reason}", min(sure, 0.5)
        alerts = ("mixed: most values are numbers, some are not",)
    return look.finish(keep, alerts, kind=kind, confidence=sure, reason=reason)


def _leading_zeros(texts: pa.Array) -> bool:
    import pyarrow.compute as pc

    digits = pc.all(pc.match_substring_regex(texts, r"^\d+$")).as_py()
    return bool(digits and pc.any(pc.match_substring_regex(texts, r"^0\d")).as_py())


def _typed_text(look: _Look, texts: pa.Array) -> Proposal | None:
    """A proposal when all texts that are not missing are numbers, dates or durations; else None."""
    import pyarrow as pa

    held, counts = look.held, look.counts
    gone = missing_texts(texts, counts, look.hints.missing, typed=True)
    keep = _mask(texts, (*gone, ""))
    some = texts.filter(pa.array(keep))
    if held.nulls or (len(gone) > 1 and "" in gone):
        gone = tuple(text for text in gone if text != "")
    if len(some) == 0 or _leading_zeros(some):
        return None
    look.column = replace(look.column, missing=gone)
    if _day_number(look.column.name, some.slice(0, len(some) if len(some) < 100_000 else 1000).to_pylist()):
        return look.finish_days(keep)
    guess = guess_number(some, counts[keep], look.hints.decimal)
    if guess is not None and guess.share == 1:
        return _number_text(look, texts, keep, guess)
    time = guess_time(some, _rows_of(held, keep))
    if time is None:
        return None
    found = {name: getattr(time, name) for name in ("kind", "format", "timezone", "confidence", "reason")}
    return replace(look.finish(keep, **found), other_format=time.other)


def _rows_of(held: Distinct, keep: BoolArray) -> Distinct:
    """Rows as places among the kept values only; the values themselves are not needed."""
    place = np.where(keep, np.cumsum(keep) - 1, -1)
    index = np.where(held.index >= 0, place[held.index], -1)
    return Distinct(held.values, index)


def _number_text(look: _Look, texts: pa.Array, keep: BoolArray, guess: NumberGuess) -> Proposal:
    import pyarrow as pa
    import pyarrow.compute as pc

    column, counts = look.column, look.counts
    fitting = keep
    values = np.full(len(texts), np.nan)
    values[keep] = guess.values.to_numpy(zero_copy_only=False)
    codes = [int(i) for i in sentinels(values, counts)]
    if codes:
        look.evidence["sentinel_rows"] = int(counts[codes].sum())
        keep = keep.copy()
        keep[codes] = False
        wanted = column.missing + tuple(texts[i].as_py() for i in codes)
        order = {texts[int(i)].as_py(): int(counts[i]) for i in np.flatnonzero(~keep)}
        missing = tuple(sorted(wanted, key=lambda text: -order.get(text, 0)))
        look.column = column = replace(column, missing=missing)
    some = texts.filter(pa.array(keep))
    guess = _kept(guess, keep[fitting])
    kind, decimals, form = number_column(guess, some)
    reason = f"{'whole numbers' if kind == 'integer' else 'numbers'}{number_details(guess)}"
    if kind == "integer":
        personal = look.integer_pii(some, keep)
        if personal is not None:
            return personal
        ascending = _ascending(values, look.held)
        whole, sure, words = guess_integer(column.name, values[keep], counts[keep], ascending)
        reason = words if whole == "id" or words != "whole numbers" else reason
        kind, form = whole, form if whole == "integer" else ""
    else:
        sure = 0.98
    if kind == "number" and not pc.any(pc.match_substring_regex(some, r"^[+-]?\d{1,15}")).as_py():
        sure = 0.8
    return look.finish_numbers(
        keep, values, kind=kind, decimals=decimals, format=form, confidence=sure, reason=reason
    )


def _kept(guess: NumberGuess, keep: BoolArray) -> NumberGuess:
    """The guess without the values that turned out to mean missing."""
    import pyarrow as pa

    if keep.all():
        return guess
    mask = pa.array(keep)
    return NumberGuess(guess.form, guess.plain.filter(mask), guess.values.filter(mask), guess.share)


def _zone(kind: pa.DataType) -> str:
    """Time zone of an Arrow type; UTC where it has one that nobody knows, empty where it has none."""
    zone = str(getattr(kind, "tz", None) or "")
    return zone if not zone or zone_exists(zone) else "UTC"


def _ascending(values: np.ndarray, held: Distinct) -> bool:
    """Whether the rows are in ascending order."""
    rows = held.index[held.index >= 0]
    return bool((np.diff(values[rows]) >= 0).all())


def _examine_typed(look: _Look, source: Family) -> Proposal:
    keep = np.ones(len(look.counts), np.bool_)
    if source == "boolean":
        return look.finish(keep, kind="boolean", reason="true and false")
    if source in ("date", "timestamp"):
        kind: Kind = "date" if source == "date" else "datetime"
        return look.finish(keep, kind=kind, timezone=_zone(look.held.values.type), reason="held as dates")
    if source in ("duration", "time"):
        return look.finish(keep, kind="duration", reason="held as times or spans of time")
    return _examine_numbers(look, source)


def _examine_numbers(look: _Look, source: Family) -> Proposal:
    import pyarrow as pa

    held, counts = look.held, look.counts
    values: Any = held.values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    keep = ~np.isnan(values)
    gone = ["NaN"] if not keep.all() and held.nulls == 0 else []
    look.evidence["missing"] = held.nulls + look.rows(~keep)
    declared = np.flatnonzero(np.isin(values, numbers_among(look.hints.missing)))
    codes = [*declared.tolist(), *sentinels(np.where(keep, values, np.nan), counts).tolist()]
    codes = list(dict.fromkeys(codes))
    if codes:
        look.evidence["sentinel_rows"] = int(counts[codes].sum())
        keep[codes] = False
        gone += [_short(float(values[i])) for i in sorted(codes, key=lambda i: -counts[i])]
    look.column = replace(look.column, missing=tuple(gone))
    if not keep.any():
        return look.empty()
    some = values[keep]
    whole = source == "integer" or (
        bool((np.isfinite(some) & (np.floor(some) == some)).all()) and float(np.abs(some).max()) < 2.0**53
    )
    if not whole or (source == "integer" and float(np.abs(some).max()) >= 2.0**63 and not _fits(held)):
        decimals = (
            None
            if not whole and source != "decimal" and str(held.values.type) != "double"
            else decimals_of(some)
        )
        if source == "decimal":
            decimals = min(max(held.values.type.scale, 0), 15)
        return look.finish_numbers(
            keep, values, kind="number", decimals=decimals, confidence=0.98, reason="numbers"
        )
    name = look.column.name
    if source == "integer":
        kept = held.values.filter(pa.array(keep))
        personal = look.integer_pii(kept, keep)
        if personal is not None:
            return personal
        if _day_number(name, [str(v) for v in kept.to_pylist()]):
            return look.finish_days(keep)
    kind, sure, reason = guess_integer(name, some, counts[keep], _ascending(values, held))
    return look.finish_numbers(keep, values, kind=kind, confidence=sure, reason=reason)


def _fits(held: Distinct) -> bool:
    import pyarrow.compute as pc

    return str(held.values.type) != "uint64" or pc.max(held.values).as_py() < 2**63


def _short(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def _day_number(name: str, texts: list[str]) -> bool:
    """Whether all are dates in eight digits (20240131), and the name or their number makes that likely."""
    import pyarrow as pa

    from locum.data.times import compile_format, parse_times

    if not texts or not all(len(t) == 8 and t.isdigit() and t[:2] in ("19", "20") for t in texts):
        return False
    hint = any(
        word in name.lower() for word in ("date", "day", "datum", "fecha", "dob", "birth", "_dt", "dt_")
    )
    if not hint and (len(texts) < 30 or is_id_name(name)):
        return False
    return bool(parse_times(pa.array(texts), compile_format("%Y%m%d"))[1].all())
