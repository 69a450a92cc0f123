"""One line of a data dictionary: what it says about a column, brought to what a schema can say."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from locum.data.durations import PATTERNS
from locum.data.numberforms import number_form
from locum.data.times import compile_format
from locum.errors import DataError, SchemaError
from locum.schema.column import ORDERED_KINDS, Bounds, Column, Kind
from locum.schema.validate import limit, zone_exists

#: Pairs of labels of which the first means false and the second true.
_TRUTH = (("0", "1"), ("no", "yes"), ("n", "y"), ("false", "true"), ("f", "t"))
#: Longest remark of a dictionary that is passed on.
_MOST_WORDS = 200


@dataclass(frozen=True, slots=True)
class DictionaryEntry:
    """What a data dictionary says about one column.

    Attributes
    ----------
    name
        As in the data.
    kind
        What the values are; None where the dictionary leaves that open (``VARCHAR`` may be labels, texts or
        ids).
    nullable, missing, levels, decimals, format, timezone
        As in `Column`.
    low, high
        Bounds: numbers, or ISO 8601 text for dates.
    unit
        Whether the column says whose row it is.
    about
        What the column is, in the words of the dictionary.
    said
        What else the dictionary says, which a schema cannot say (yet), in sentences.
    """

    name: str
    kind: Kind | None = None
    nullable: bool = True
    missing: tuple[str, ...] = ()
    levels: tuple[str, ...] | None = None
    low: float | str | None = None
    high: float | str | None = None
    decimals: int | None = None
    format: str = ""
    timezone: str = ""
    unit: bool = False
    about: str = ""
    said: tuple[str, ...] = ()

    def column(self, by: str) -> Column | None:
        """The column, public by the word of `by`; None where the kind is open."""
        if self.kind is None:
            return None
        bounds = None
        if self.low is not None or self.high is not None:
            bounds = Bounds(self.low, self.high, "public")
        return Column(
            self.name,
            self.kind,
            self.nullable,
            self.missing,
            bounds=bounds,
            levels=self.levels,
            decimals=self.decimals,
            format=self.format,
            timezone=self.timezone,
            reason=_short(self.about) or "declared",
            by=by,
        )

    def hints(self, by: str) -> tuple[str, ...]:
        """What a schema cannot say of it (yet), for comments."""
        about = (self.about,) if self.kind is None and self.about else ()
        return tuple(f"{by}: {_short(text)}" for text in (*about, *self.said))


@dataclass(frozen=True, slots=True)
class Dictionary:
    """A data dictionary as it was read: who says it, its entries by name in order, and notes for the user."""

    by: str
    entries: Mapping[str, DictionaryEntry] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def dictionary(by: str, entries: Sequence[DictionaryEntry], notes: Sequence[str] = ()) -> Dictionary:
    """A dictionary of entries, each brought to what a schema can say.

    Raises
    ------
    DataError
        When there are none, a name is empty or there twice, or an entry contradicts itself.
    """
    if not entries:
        raise DataError("the dictionary describes no column", where=by, expected="at least one column")
    found: dict[str, DictionaryEntry] = {}
    for entry in entries:
        if not entry.name.strip():
            raise DataError("a column has no name", where=by, do="name it, or remove the line")
        if entry.name in found:
            raise DataError(f"{entry.name!r} is described twice", where=by, do="keep one description")
        found[entry.name] = settled(entry, f"{by}: {entry.name}")
    units = [entry.name for entry in found.values() if entry.unit]
    if len(units) > 1:
        raise DataError(
            f"{units[0]!r} and {units[1]!r} are both said to be the unit",
            where=by,
            expected="one column that says whose row it is",
            do="mark one",
        )
    return Dictionary(by, found, tuple(notes))


def settled(entry: DictionaryEntry, where: str) -> DictionaryEntry:
    """The entry with a kind that goes with the rest, and with what does not fit told in words.

    Labels make a category of whatever has no order otherwise: numbers that stand for labels are codes.

    Raises
    ------
    DataError
        When bounds cannot be read or contradict each other.
    """
    entry = _labelled(entry, where)
    entry = _formatted(entry)
    if entry.decimals is not None and entry.kind != "number":
        said = () if entry.kind == "integer" and entry.decimals == 0 else (f"{entry.decimals} decimals",)
        entry = replace(entry, decimals=None, said=(*entry.said, *said))
    if entry.timezone and (entry.kind != "datetime" or not zone_exists(entry.timezone)):
        entry = replace(entry, timezone="", said=(*entry.said, f"time zone {entry.timezone}"))
    return _bounded(entry, where)


def _labelled(entry: DictionaryEntry, where: str) -> DictionaryEntry:
    levels = entry.levels
    if levels is None:
        return entry
    levels = tuple(level for level in levels if level not in entry.missing)
    if not levels or len(set(levels)) < len(levels):
        raise DataError("the levels are empty or name one twice", where=where, expected="each level once")
    if entry.kind in ("date", "datetime", "duration", "id"):
        return replace(entry, levels=None, said=(*entry.said, f"levels {', '.join(levels)}"))
    if entry.kind == "boolean":
        words = {level.lower(): level for level in levels}
        pair = next((p for p in _TRUTH if set(p) == set(words)), None)
        if pair is not None:
            return replace(entry, levels=None, format="|".join(words[word] for word in pair))
    return replace(entry, kind="category", levels=levels, low=None, high=None, decimals=None, format="")


def _formatted(entry: DictionaryEntry) -> DictionaryEntry:
    """The entry with a format that locum reads, or with a word on one that it does not."""
    form, kind = entry.format, entry.kind
    if not form:
        return entry
    try:
        if kind in ("date", "datetime") and "%" in form:
            compile_format(form)
            return entry
        if kind == "duration" and form in PATTERNS:
            return entry
        if kind in ("integer", "number"):
            number_form(form)
            return entry
        if kind == "boolean" and len(set(form.split("|"))) == 2 and all(form.split("|")):
            return entry
    except SchemaError:
        pass
    return replace(entry, format="", said=(*entry.said, f"format {form}"))


def _bounded(entry: DictionaryEntry, where: str) -> DictionaryEntry:
    if entry.low is None and entry.high is None:
        return entry
    if entry.kind not in ORDERED_KINDS:
        said = tuple(
            f"{word} {value}"
            for word, value in (("at least", entry.low), ("at most", entry.high))
            if value is not None
        )
        return replace(entry, low=None, high=None, said=(*entry.said, *said))
    assert entry.kind is not None
    plain = Column(entry.name, entry.kind)
    low, high = (_end(plain, value, where) for value in (entry.low, entry.high))
    ends = limit(plain, low), limit(plain, high)
    if None not in ends and ends[0] > ends[1]:
        raise DataError("the lowest value is above the highest", where=where, expected="lowest <= highest")
    return replace(entry, low=low, high=high)


def _end(column: Column, value: float | str | None, where: str) -> float | str | None:
    """A bound as the schema holds it."""
    if value is None:
        return None
    if column.kind in ("date", "datetime"):
        value = str(value)
        if limit(column, value) is None:
            raise DataError(f"{value!r} is no date", where=where, expected="an ISO date, e.g. 2020-01-31")
        return value
    try:
        number = float(value)
    except ValueError:
        raise DataError(
            f"{_short(str(value))!r} is no number", where=where, expected="a number, as 110"
        ) from None
    except OverflowError:
        number = math.inf
    if math.isnan(number):
        raise DataError("nan is no bound", where=where, expected="a number such as 110")
    if math.isinf(number) or (column.kind == "integer" and abs(number) >= 2**63):
        return None  # as good as no bound
    if column.kind != "integer":
        return number
    if not number.is_integer():
        raise DataError(f"{value!r} is no whole number", where=where, expected="a whole number such as 110")
    return int(value) if isinstance(value, str) and value.strip().lstrip("+-").isdigit() else int(number)


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _MOST_WORDS else f"{text[: _MOST_WORDS - 3]}..."
