"""Look at one column and say what it is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from locum.arrays import BoolArray, IntArray
from locum.data.arrowtypes import Family, family
from locum.data.distinct import Distinct, distinct
from locum.data.guess_label import guess_boolean, guess_integer, guess_label, is_id_name
from locum.data.guess_number import NumberGuess, guess_number, number_column, number_details
from locum.data.guess_time import guess_time
from locum.data.missing import missing_texts, sentinels
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
    counts = held.counts
    evidence: dict[str, Count] = {
        "rows": len(values),
        "missing": held.nulls,
        "distinct": len(held.values),
    }
    column = Column(name, "category", nullable=True, storage=str(values.type))
    if source == "null" or len(held.values) == 0:
        zone = _zone(values.type)
        bare = replace(column, kind=_EMPTY_KINDS.get(source, "category"), timezone=zone)
        return _empty(bare, evidence), held
    if source == "text":
        return _examine_text(column, held, counts, evidence, hints), held
    return _examine_typed(column, held, counts, source, evidence, hints), held


def _empty(column: Column, evidence: dict[str, Count]) -> Proposal:
    column = replace(column, confidence=0.5, reason="there is no value in any row")
    return Proposal(column, evidence, ("no value in any row",))


def _mask(texts: pa.Array, gone: tuple[str, ...]) -> BoolArray:
    import pyarrow as pa
    import pyarrow.compute as pc

    found: BoolArray = pc.is_in(texts, value_set=pa.array(list(gone), texts.type)).to_numpy(
        zero_copy_only=False
    )
    return ~found


def _examine_text(
    column: Column, held: Distinct, counts: IntArray, evidence: dict[str, Count], hints: Hints
) -> Proposal:
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = pc.utf8_trim_whitespace(held.values)
    as_label = missing_texts(texts, counts, hints.missing, typed=False)
    if held.nulls == 0 and pc.any(pc.equal(texts, "")).as_py():
        as_label = (*as_label, "")  # nothing else is missing, so blank is how this column says so
    keep = _mask(texts, as_label)
    some, rows = texts.filter(pa.array(keep)), int(counts[keep].sum())
    if len(some) == 0:
        return _empty(replace(column, missing=as_label), evidence)
    found = find_pii(column.name, some.slice(0, _SAMPLE).to_pylist(), len(some), rows)
    if found is not None:
        made = replace(
            column, kind=found.kind, missing=as_label, confidence=found.confidence, reason=found.reason
        )
        return _finish(made, evidence, held.nulls, counts, keep)
    typed = _typed_text(column, held, texts, counts, evidence, hints)
    if typed is not None:
        return typed
    words = guess_boolean(some)
    if words:
        made = replace(
            column, kind="boolean", missing=as_label, format=words, confidence=0.95,
            reason="two words for yes and no",
        )  # fmt: skip
        return _finish(made, evidence, held.nulls, counts, keep)
    kind, sure, reason = guess_label(column.name, some, counts[keep])
    guess = guess_number(some, counts[keep], hints.decimal)
    alerts: tuple[str, ...] = ()
    if _leading_zeros(some):
        reason = f"codes with leading zeros{', ' + reason if kind == 'id' else ''}"
    elif guess is not None and guess.share < 1:
        evidence["not_parsed"] = round((1 - guess.share) * rows)
        reason, sure = f"mixed: most values are numbers, some are not; {reason}", min(sure, 0.5)
        alerts = ("mixed: most values are numbers, some are not",)
    made = replace(column, kind=kind, missing=as_label, confidence=sure, reason=reason)
    return _finish(made, evidence, held.nulls, counts, keep, alerts)


def _leading_zeros(texts: pa.Array) -> bool:
    import pyarrow.compute as pc

    digits = pc.all(pc.match_substring_regex(texts, r"^\d+$")).as_py()
    return bool(digits and pc.any(pc.match_substring_regex(texts, r"^0\d")).as_py())


def _typed_text(
    column: Column,
    held: Distinct,
    texts: pa.Array,
    counts: IntArray,
    evidence: dict[str, Count],
    hints: Hints,
) -> Proposal | None:
    """A proposal when all texts that are not missing are numbers, dates or durations; else None."""
    import pyarrow as pa

    gone = missing_texts(texts, counts, hints.missing, typed=True)
    keep = _mask(texts, (*gone, ""))
    some = texts.filter(pa.array(keep))
    if held.nulls or (len(gone) > 1 and "" in gone):
        gone = tuple(text for text in gone if text != "")
    if len(some) == 0 or _leading_zeros(some):
        return None
    column = replace(column, missing=gone)
    stamp = _day_number(
        column.name, some.to_pylist() if len(some) < 100_000 else some.slice(0, 1000).to_pylist()
    )
    if stamp:
        made = replace(
            column, kind="date", format="%Y%m%d", confidence=0.85, reason="eight digits that are dates"
        )
        return _finish(made, evidence, held.nulls, counts, keep)
    guess = guess_number(some, counts[keep], hints.decimal)
    if guess is not None and guess.share == 1:
        return _number_text(column, held, texts, counts, keep, guess, evidence)
    time = guess_time(some, _rows_of(held, keep))
    if time is None:
        return None
    made = replace(
        column, kind=cast(Kind, time.kind), format=time.format, timezone=time.timezone,
        confidence=time.confidence, reason=time.reason,
    )  # fmt: skip
    return replace(_finish(made, evidence, held.nulls, counts, keep), other_format=time.other)


def _rows_of(held: Distinct, keep: BoolArray) -> Distinct:
    """Rows as places among the kept values only; the values themselves are not needed."""
    place = np.where(keep, np.cumsum(keep) - 1, -1)
    index = np.where(held.index >= 0, place[held.index], -1)
    return Distinct(held.values, index)


def _number_text(
    column: Column, held: Distinct, texts: pa.Array, counts: IntArray, keep: BoolArray, guess: NumberGuess,
    evidence: dict[str, Count],
) -> Proposal:  # fmt: skip
    import pyarrow as pa
    import pyarrow.compute as pc

    fitting = keep
    values = np.full(len(texts), np.nan)
    values[keep] = guess.values.to_numpy(zero_copy_only=False)
    codes = [int(i) for i in sentinels(values, counts)]
    if codes:
        evidence["sentinel_rows"] = int(counts[codes].sum())
        keep = keep.copy()
        keep[codes] = False
        wanted = column.missing + tuple(texts[i].as_py() for i in codes)
        order = {texts[int(i)].as_py(): int(counts[i]) for i in np.flatnonzero(~keep)}
        column = replace(column, missing=tuple(sorted(wanted, key=lambda text: -order.get(text, 0))))
    some = texts.filter(pa.array(keep))
    guess = _kept(guess, keep[fitting])
    kind, decimals, form = number_column(guess)
    reason = f"{'whole numbers' if kind == 'integer' else 'numbers'}{number_details(guess)}"
    if kind == "integer":
        found = integer_pii(
            column.name, some.slice(0, _SAMPLE).to_pylist(), len(some), int(counts[keep].sum())
        )
        if found is not None:
            made = replace(column, kind=found.kind, confidence=found.confidence, reason=found.reason)
            return _finish(made, evidence, held.nulls, counts, keep)
        ascending = _ascending(values, held)
        whole, sure, words = guess_integer(column.name, values[keep], counts[keep], ascending)
        reason = words if whole == "id" or words != "whole numbers" else reason
        kind, form = whole, "" if whole == "id" else form
    else:
        sure = 0.98
    if kind == "number" and not pc.any(pc.match_substring_regex(some, r"^[+-]?\d{1,15}")).as_py():
        sure = 0.8
    made = replace(column, kind=kind, decimals=decimals, format=form, confidence=sure, reason=reason)
    return _numbers(made, evidence, held.nulls, counts, keep, values)


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


def _examine_typed(
    column: Column, held: Distinct, counts: IntArray, source: Family, evidence: dict[str, Count], hints: Hints
) -> Proposal:
    keep = np.ones(len(counts), np.bool_)
    if source == "boolean":
        made = replace(column, kind="boolean", reason="true and false")
        return _finish(made, evidence, held.nulls, counts, keep)
    if source in ("date", "timestamp"):
        zone = _zone(held.values.type)
        kind: Kind = "date" if source == "date" else "datetime"
        made = replace(column, kind=kind, timezone=zone, reason="held as dates")
        return _finish(made, evidence, held.nulls, counts, keep)
    if source in ("duration", "time"):
        made = replace(column, kind="duration", reason="held as times or spans of time")
        return _finish(made, evidence, held.nulls, counts, keep)
    return _examine_numbers(column, held, counts, source, evidence, hints)


def _examine_numbers(
    column: Column, held: Distinct, counts: IntArray, source: Family, evidence: dict[str, Count], hints: Hints
) -> Proposal:
    import pyarrow as pa

    values: Any = held.values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    keep = ~np.isnan(values)
    gone = ["NaN"] if not keep.all() and held.nulls == 0 else []
    evidence["missing"] = held.nulls + int(counts[~keep].sum())
    declared = [float(t) for t in hints.missing if _is_float(t)]
    codes = [
        *np.flatnonzero(np.isin(values, declared)).tolist(),
        *sentinels(np.where(keep, values, np.nan), counts).tolist(),
    ]
    codes = list(dict.fromkeys(codes))
    if codes:
        evidence["sentinel_rows"] = int(counts[codes].sum())
        keep[codes] = False
        gone += [_short(float(values[i])) for i in sorted(codes, key=lambda i: -counts[i])]
    column = replace(column, missing=tuple(gone))
    if not keep.any():
        return _empty(column, evidence)
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
        made = replace(column, kind="number", decimals=decimals, confidence=0.98, reason="numbers")
        return _numbers(made, evidence, held.nulls, counts, keep, values)
    if source == "integer":
        texts = [str(v) for v in held.values.filter(pa.array(keep)).slice(0, _SAMPLE).to_pylist()]
        found = integer_pii(column.name, texts, int(keep.sum()), int(counts[keep].sum()))
        if found is not None:
            made = replace(column, kind=found.kind, confidence=found.confidence, reason=found.reason)
            return _finish(made, evidence, held.nulls, counts, keep)
        if _day_number(column.name, [str(v) for v in held.values.filter(pa.array(keep)).to_pylist()]):
            made = replace(
                column, kind="date", format="%Y%m%d", confidence=0.85, reason="eight digits that are dates"
            )
            return _finish(made, evidence, held.nulls, counts, keep)
    kind, sure, reason = guess_integer(column.name, some, counts[keep], _ascending(values, held))
    made = replace(column, kind=kind, confidence=sure, reason=reason)
    return _numbers(made, evidence, held.nulls, counts, keep, values)


def _fits(held: Distinct) -> bool:
    import pyarrow.compute as pc

    return str(held.values.type) != "uint64" or pc.max(held.values).as_py() < 2**63


def _is_float(text: str) -> bool:
    try:
        return float(text) == float(text)
    except ValueError:
        return False


def _short(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def _day_number(name: str, texts: list[str]) -> bool:
    """Whether all are dates in eight digits (20240131), and the name or their number makes that likely."""
    import pyarrow as pa

    from locum.data.times import compile_format, parse_times

    if not texts or any(len(text) != 8 or text[:2] not in ("19", "20") for text in texts[:50]):
        return False
    if not all(len(text) == 8 and text.isdigit() and text[:2] in ("19", "20") for text in texts):
        return False
    hint = any(
        word in name.lower() for word in ("date", "day", "datum", "fecha", "dob", "birth", "_dt", "dt_")
    )
    if not hint and (len(texts) < 30 or is_id_name(name)):
        return False
    return bool(parse_times(pa.array(texts), compile_format("%Y%m%d"))[1].all())


def _numbers(
    column: Column,
    evidence: dict[str, Count],
    nulls: int,
    counts: IntArray,
    keep: BoolArray,
    values: np.ndarray,
) -> Proposal:
    """Finish a proposal about numbers: say how many zeros there are, and whether one value stands out."""
    zeros = int(counts[keep & (values == 0)].sum())
    rows = int(counts[keep].sum())
    evidence["zeros"] = zeros
    alerts: tuple[str, ...] = ()
    if column.kind != "id" and int(keep.sum()) > 20 and counts[keep].max() >= SPIKE * rows:
        alerts = ("many zeros",) if zeros >= SPIKE * rows else ("one value in many rows",)
        column = replace(column, reason=f"{column.reason}; {alerts[0]}")
    return _finish(column, evidence, nulls, counts, keep, alerts)


def _finish(
    column: Column, evidence: dict[str, Count], nulls: int, counts: IntArray, keep: BoolArray,
    alerts: tuple[str, ...] = (),
) -> Proposal:  # fmt: skip
    rows = int(counts[keep].sum())
    evidence["missing"] = nulls + int(counts[~keep].sum())
    evidence["distinct"] = int(keep.sum())
    evidence["top_share"] = round(float(counts[keep].max() / max(rows, 1)), 4) if keep.any() else 0.0
    if evidence["distinct"] == 1 and rows > 1:
        alerts = (*alerts, "the same value in every row")
        if "same" not in column.reason:
            column = replace(column, reason=f"{column.reason}; the same value in every row")
    if column.kind == "category" and int(evidence["distinct"]) > 200:
        alerts = (*alerts, "many levels")
    return Proposal(column, dict(evidence), alerts)
