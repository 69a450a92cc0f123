"""Columns that follow from dates: their parts, ages, spans between two of them, and dates made of numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import permutations

import numpy as np

from locum.arrays import BoolArray, FloatArray, IntArray
from locum.control.rules.chance import AGAINST, LEAST
from locum.control.rules.shapes.copies import duration
from locum.control.rules.shapes.digits import written
from locum.control.rules.shapes.sheet import RuleCandidate, Sheet
from locum.control.where.call import DAY, date_part, join_moment, to_local, whole_years
from locum.control.where.functions import DATE_PARTS
from locum.control.where.token import UNITS, quote
from locum.schema.offsets import zone_of

#: Most levels of a label that may be the name of a part of a date (weeks, days of a year).
MOST_NAMES = 370
#: Rows that are looked at before all.
GLANCE = 200
_SHIFTS = (0, -1, 1, -1900, -2000)


def dates(sheet: Sheet, defined: Mapping[str, object]) -> tuple[list[RuleCandidate], int]:
    """Candidates such as ``year = year(d)`` and ``nights = (b - a) / 1 day``, and how many were tried."""
    found: list[RuleCandidate] = []
    tried = 0
    moments = sheet.names("moment")
    numbers = [n for n in sheet.amounts() if n not in defined]
    labels = [n for n in sheet.names("label", "truth") if n not in defined]
    for d in moments:
        tried += (len(numbers) * len(_SHIFTS) + len(labels)) * len(DATE_PARTS) + len(moments)
        parts = {part: date_part(part, _local(sheet, d)) for part in (*DATE_PARTS, "date")}
        found += _parts(sheet, d, parts, numbers)
        found += _names_of_parts(sheet, d, parts, labels)
        found += _days(sheet, d, parts["date"], moments)
    for a, b in permutations(moments, 2):
        tried += 8 * len(numbers) + len(sheet.names("span"))
        found += _spans(sheet, a, b, numbers)
    found += _ages_today(sheet, moments, numbers)
    joined, more = _joined(sheet, numbers)
    return [*found, *joined], tried + more


def _local(sheet: Sheet, name: str) -> IntArray:
    data = np.where(np.isnan(sheet.data[name]), 0, sheet.data[name]).astype(np.int64)
    return to_local(data, zone_of(sheet.schema[name].timezone))


def _mostly(same: BoolArray) -> bool:
    glance = same[:GLANCE]
    if len(same) < min(LEAST, 20) or np.count_nonzero(glance) < 0.9 * len(glance):
        return False
    return bool(np.mean(same) >= 1 - 2 * AGAINST)


def _parts(
    sheet: Sheet, d: str, parts: Mapping[str, IntArray], numbers: list[str]
) -> Iterator[RuleCandidate]:
    there = sheet.present(d)
    for y in numbers:
        both = there & sheet.present(y)
        value = sheet.data[y][both]
        if not len(value):
            continue
        for part in DATE_PARTS:
            whole = parts[part][both]
            if whole.min() == whole.max():
                continue
            shift = float(np.median((value - whole)[:GLANCE]))
            if shift in _SHIFTS and _mostly(value - whole == shift):
                more = f" {'+' if shift > 0 else '-'} {written(abs(shift))}" if shift else ""
                yield RuleCandidate("date", f"{quote(y)} = {part}({quote(d)}){more}", y, (d,))
                break
            if part == "weekday" and _mostly(value == whole % 7):
                yield RuleCandidate("date", f"{quote(y)} = weekday({quote(d)}) % 7", y, (d,))
                break
            if part == "weekday" and _mostly(value == whole % 7 + 1):
                yield RuleCandidate("date", f"{quote(y)} = weekday({quote(d)}) % 7 + 1", y, (d,))
                break


def _names_of_parts(
    sheet: Sheet, d: str, parts: Mapping[str, IntArray], labels: list[str]
) -> Iterator[RuleCandidate]:
    """Labels that follow from one part of a date (Monday, spring, weekend)."""
    there = sheet.present(d)
    for y in labels:
        if len(sheet.levels[y]) > MOST_NAMES:
            continue
        both = there & sheet.present(y)
        code = sheet.codes[y][both]
        for part in DATE_PARTS:
            whole = parts[part][both]
            different, key = np.unique(whole, return_inverse=True)
            if len(different) < 2 or len(code) < max(LEAST, 5 * len(different)) or len(np.unique(code)) < 2:
                continue
            counts = np.zeros((len(different), int(code.max()) + 1), dtype=np.int64)
            np.add.at(counts, (key, code), 1)
            if counts.max(axis=1).sum() == len(code) and not _one_level_is_all(counts):
                text = f"{quote(y)} follows from ({part}({quote(d)}))"
                yield RuleCandidate("look-up", text, y, (d,))
                break


def _one_level_is_all(counts: IntArray) -> bool:
    """Whether so few rows have another level that chance may have put them together."""
    rows = counts.sum()
    rare = rows - counts.sum(axis=0).max()
    return bool(rare < 20)


def _days(sheet: Sheet, d: str, day: IntArray, moments: list[str]) -> Iterator[RuleCandidate]:
    """Another column that holds the day of a date with a time, or the first of its month or year."""
    name = quote(d)
    year, month = date_part("year", day), date_part("month", day)
    one = np.ones_like(year)
    ways = [(f"moment(year({name}), month({name}), 1)", join_moment([year, month, one])[0])]
    ways.append((f"moment(year({name}), 1, 1)", join_moment([year, one, one])[0]))
    if sheet.schema[d].kind == "datetime":
        ways.insert(0, (f"date({name})", day))
    for other in moments:
        both = sheet.present(d) & sheet.present(other)
        for text, value in ways if other != d and len(sheet.levels[other]) < len(sheet.levels[d]) else ():
            if _mostly(sheet.data[other][both] == value[both]):
                yield RuleCandidate("date", f"{quote(other)} = {text}", other, (d,))
                break


def _spans(sheet: Sheet, a: str, b: str, numbers: list[str]) -> Iterator[RuleCandidate]:
    """Numbers and spans that are the time from `a` to `b`."""
    gap = sheet.data[b] - sheet.data[a]
    there = ~np.isnan(gap)
    if there.sum() < min(LEAST, sheet.n) or bool(sheet.schema[a].timezone) != bool(sheet.schema[b].timezone):
        return
    difference = f"{quote(b)} - {quote(a)}"
    for span in sheet.names("span"):
        both = there & sheet.present(span)
        if _mostly(sheet.data[span][both] == gap[both]):
            yield RuleCandidate("date", f"{quote(b)} = {quote(a)} + {quote(span)}", b, (a, span))
    years = None
    for y in numbers:
        both = there & sheet.present(y)
        value = sheet.data[y][both]
        if len(value) < 20 or value.std() == 0:
            continue
        near = sheet.half_unit(y) * (1 + 1e-9)
        for unit, size in UNITS.items():
            count = gap[both] / size
            if _mostly(np.abs(count - value) <= near + 1e-9 * np.abs(value)):
                yield RuleCandidate("date", f"{quote(y)} = ({difference}) / 1 {unit}", y, (a, b))
                break
            if sheet.schema[y].kind == "integer" and _mostly(np.floor(count) == value):
                yield RuleCandidate("date", f"{quote(y)} = floor(({difference}) / 1 {unit})", y, (a, b))
                break
        else:
            if sheet.schema[y].kind != "integer" or not 0 <= np.median(value) <= 130:
                continue
            years = whole_years(_local(sheet, a), _local(sheet, b)) if years is None else years
            if _mostly(years[both] == value):
                yield RuleCandidate("date", f"{quote(y)} = age({quote(a)}, {quote(b)})", y, (a, b))


def _ages_today(sheet: Sheet, moments: list[str], numbers: list[str]) -> Iterator[RuleCandidate]:
    """Ages at a day that is the same for all rows: after the birthdays that make them, before the next."""
    for birth in moments:
        for y in numbers:
            both = sheet.present(birth) & sheet.present(y)
            value = sheet.data[y][both]
            if sheet.schema[y].kind != "integer" or both.sum() < LEAST or not 0 <= np.median(value) <= 130:
                continue
            born = _local(sheet, birth)[both]
            year, month, day = (date_part(part, born) for part in ("year", "month", "day"))
            start = month * 100 + day == 229
            month, day = np.where(start, 3, month), np.where(start, 1, day)
            last, _ = join_moment([year + value, month, day])
            following, _ = join_moment([year + value + 1, month, day])
            if last.max() < following.min() and value.std() > 0:
                when = np.datetime64(int(last.max() // DAY), "D")
                yield RuleCandidate("date", f"{quote(y)} = age({quote(birth)}, '{when}')", y, (birth,))


def _joined(sheet: Sheet, numbers: list[str]) -> tuple[list[RuleCandidate], int]:
    """Year, month and day that are always a day of the calendar, and what counts the hours or days to it."""
    whole = [n for n in numbers if sheet.schema[n].kind == "integer"]
    spans = {n: (float(np.nanmin(sheet.data[n])), float(np.nanmax(sheet.data[n]))) for n in whole}
    years = [n for n in whole if spans[n][0] >= 1000 and spans[n][1] <= 3000]
    months = [n for n in whole if spans[n] == (1, 12)]
    days = [n for n in whole if spans[n] in ((1, 31), (1, 30))]
    hours = [n for n in whole if spans[n][0] == 0 and 12 <= spans[n][1] <= 23]
    found: list[RuleCandidate] = []
    tried = 0
    for y in years:
        for m in months:
            for d in days:
                tried += 1
                if m == d:
                    continue
                _moments, good = join_moment([np.nan_to_num(sheet.data[n]) for n in (y, m, d)])
                there = sheet.present(y) & sheet.present(m) & sheet.present(d)
                if not _mostly(good[there]):
                    continue
                parts = [y, m, d]
                names = ", ".join(quote(n) for n in parts)
                found.append(RuleCandidate("date", f"exists({names})", "", (y, m, d), each=False))
                found += _counted(sheet, parts, hours, [n for n in numbers if n not in parts])
    return found, tried


def _counted(sheet: Sheet, parts: list[str], hours: list[str], numbers: list[str]) -> Iterator[RuleCandidate]:
    """A number that counts the hours or days up to a moment that other columns make up; ids of digits too."""
    counters = {quote(c): (c, sheet.data[c]) for c in numbers}
    for column in sheet.schema:
        digits = _digits(sheet, column.name) if column.kind == "id" else None
        if digits is not None:
            counters[f"number({quote(column.name)})"] = (column.name, digits)
    for hour in [*hours, None]:
        names = [*parts, *([hour] if hour else [])]
        moments, good = join_moment([np.nan_to_num(sheet.data[n], nan=-1) for n in names])
        for formula, (c, values) in counters.items():
            both = good & ~np.isnan(values)
            if c in names or both.sum() < LEAST or np.std(values[both]) == 0:
                continue
            for unit in ("hour", "day") if hour else ("day",):
                zero = moments[both] - values[both] * UNITS[unit]
                start = float(np.median(zero))
                if _mostly(zero == start):
                    day = np.datetime64(int(start), "us")
                    since = np.datetime_as_string(day, unit="m").replace("T", " ")
                    joined = f"moment({', '.join(quote(n) for n in names)})"
                    text = f"{formula} = ({joined} - '{since}') / {duration(UNITS[unit])}"
                    yield RuleCandidate("date", text, c, tuple(names))


def _digits(sheet: Sheet, name: str) -> FloatArray | None:
    """The numbers that the texts of a column stand for; None where one is no whole number."""
    levels = [str(text) for text in sheet.levels[name]]
    if not all(text.isdigit() and len(text) < 16 for text in levels):
        return None
    return np.array([*map(float, levels), np.nan])[sheet.codes[name]]
