"""What columns are, found out from noisy counts of how values are written, never from the values themselves.

Each value belongs to one *form*: whole number, number with two decimals, ISO date, short text, "NA", ... The
forms are fixed in this file. How many rows have each form is bought like any other count; what a column is
follows from the bought counts alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from locum.data.cell_texts import column_texts
from locum.data.distinct import distinct
from locum.schema.column import Column, Kind
from locum.schema.domain import Attribute, Codes, Domain
from locum.sources.base import Counts
from locum.sources.rows import MISSING

if TYPE_CHECKING:
    import pyarrow as pa


_DATE = r"(\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
_TIME = r"([01]\d|2[0-3]):[0-5]\d"
_LOW, _HIGH = r"(0[1-9]|1[0-2])", r"(1[3-9]|2\d|3[01])"
_WHOLE = r"[+-]?(0|[1-9]\d{0,17})"
#: Form and RE2 pattern; a text has the first form that fits. ``number:2`` has two decimals.
_FORMS: tuple[tuple[str, str], ...] = (
    ("integer", rf"^{_WHOLE}$"),
    *((f"number:{d}", rf"^{_WHOLE}\.\d{{{d}}}$") for d in range(1, 7)),
    ("number:9", rf"^{_WHOLE}?(\.\d*)?([eE][+-]?\d{{1,3}})?$"),
    *((f"comma:{d}", rf"^{_WHOLE},\d{{{d}}}$") for d in range(1, 5)),
    ("date:%Y-%m-%d", rf"^{_DATE}$"),
    ("date:%d.%m.%Y", r"^(0[1-9]|[12]\d|3[01])\.(0[1-9]|1[0-2])\.\d{4}$"),
    ("either", rf"^{_LOW}/{_LOW}/\d{{4}}$"),
    ("date:%d/%m/%Y", rf"^{_HIGH}/{_LOW}/\d{{4}}$"),
    ("date:%m/%d/%Y", rf"^{_LOW}/{_HIGH}/\d{{4}}$"),
    ("datetime:%Y-%m-%d %H:%M:%S", rf"^{_DATE} {_TIME}:[0-5]\d(\+00:00)?$"),
    ("datetime:%Y-%m-%dT%H:%M:%S", rf"^{_DATE}T{_TIME}:[0-5]\d$"),
    ("datetime:%Y-%m-%d %H:%M", rf"^{_DATE} {_TIME}$"),
    ("datetime:%Y-%m-%d %H:%M:%S.%f", rf"^{_DATE} {_TIME}:[0-5]\d\.\d{{1,6}}(\+00:00)?$"),
    ("duration:days", r"^-?\d+ days? [+-]?\d\d:[0-5]\d:[0-5]\d(\.\d+)?$"),
    ("email", r"^[^@\s]+@[^@\s]+\.[A-Za-z]{2,}$"),
    ("uuid", r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"),
    ("text", r"^(.{61,}|\S+(\s+\S+){7,})$"),
)
#: Forms of values: spellings of missing, then `_FORMS`, then any other short text.
FORMS = (*(f"missing:{text}" for text in MISSING), *(name for name, _ in _FORMS), "label")
#: Share of the present values that must have a form for the column to be of its kind.
_MOST, _SOME, _FEW = 0.9, 0.5, 0.01
#: A form is believed to occur when its noisy count exceeds so many standard deviations.
_SURE = 3.5

#: Names that say by themselves that a column is never to be learned.
_NAMES: tuple[tuple[str, Kind], ...] = (
    (r"(^|.*[_\s.-])(id|ID|Id|uuid|UUID|guid)$|.*[a-z](Id|ID)$", "id"),
    (r"(e_?-?mail(_?address)?)$", "pii.email"),
    (r"((tele)?phone(_?(no|number))?|mobile)$", "pii.phone"),
    (r"((first|last|full|sur|given|family)[_\s-]?name)$", "pii.name"),
    (r"((street|home|postal)?_?address)$", "pii.address"),
    (r"iban$", "pii.iban"),
    (r"(ip|ip_?address)$", "pii.ip"),
    (r"(ssn|national_?id)$", "pii.national_id"),
)


@dataclass(frozen=True, slots=True)
class KindFinding:
    """A column as it was settled, and the form of its ids where that is known (``uuid``)."""

    column: Column
    form: str = ""


def settled_by_name(name: str) -> Column | None:
    """The column where its name says enough; None when forms must be counted."""
    for pattern, found in _NAMES:
        if re.fullmatch(pattern, name if found == "id" else name.lower()):
            return Column(name, found, reason="by the name of the column")
    return None


def names_of_ids(names: Sequence[str]) -> list[str]:
    """Those columns whose names suggest that they say whose row it is."""
    return [name for name in names if re.fullmatch(_NAMES[0][0], name)]


def forms_domain(names: Sequence[str]) -> Domain:
    """The forms of some columns, one attribute a column."""
    return Domain(tuple(Attribute(n, n, len(FORMS), False) for n in names))


def form_codes(table: pa.Table, names: Sequence[str]) -> Codes:
    """The form of each value of some columns; int32, shape (n_rows, n_names)."""
    codes = np.empty((table.num_rows, len(names)), dtype=np.int32, order="F")
    for i, name in enumerate(names):
        codes[:, i] = _forms_of(column_texts(table.column(name)))
    return codes


def _forms_of(column: pa.Array) -> Codes:
    import pyarrow as pa
    import pyarrow.compute as pc

    held = distinct(column)
    texts = pc.utf8_trim_whitespace(held.values)
    found = np.full(len(texts), len(FORMS) - 1, dtype=np.int32)
    for i in range(len(_FORMS) - 1, -1, -1):
        hit = np.asarray(pc.match_substring_regex(texts, _FORMS[i][1]), dtype=bool)
        found[hit] = len(MISSING) + i
    gone = np.asarray(pc.fill_null(pc.index_in(texts, value_set=pa.array(MISSING, pa.string())), -1))
    found = np.where(gone >= 0, gone, found).astype(np.int32)
    # null goes with the empty text
    return np.concatenate([found, np.zeros(1, dtype=np.int32)])[held.index]


def settle(name: str, counts: Counts, sigma: float) -> KindFinding:
    """What a column is, from the noisy rows of each form; only noisy numbers are looked at.

    Parameters
    ----------
    name
        The column.
    counts
        Noisy rows of each of `FORMS`.
    sigma
        Standard deviation of the noise.
    """
    # of some forty forms nearly one would pass two standard deviations by noise alone
    rows = {form: float(c) for form, c in zip(FORMS, counts.tolist(), strict=True) if c > _SURE * sigma}
    if not rows and len(counts) and counts.max() > 2 * sigma:
        rows = {FORMS[int(np.argmax(counts))]: float(counts.max())}
    present = {form: n for form, n in rows.items() if not form.startswith("missing:")}
    gone = {form.removeprefix("missing:"): n for form, n in rows.items() if form.startswith("missing:")}
    # the usual spelling is written back, for it was bought; an empty field needs none
    usual = max(gone, key=lambda text: gone[text], default="")
    base = Column(name, "category", missing=(usual,) if usual else (), reason="by noisy counts of forms")
    total = sum(present.values())
    return KindFinding(base) if total <= 0 else _settle_text(base, present, total)


def _settle_text(base: Column, present: Mapping[str, float], total: float) -> KindFinding:
    def share(*starts: str) -> float:
        return sum(n for form, n in present.items() if form.split(":")[0] in starts) / total

    if share("duration") >= _MOST:
        return KindFinding(replace(base, kind="duration", format="days"))
    for kind in ("date", "datetime"):
        if share(kind, *(("either",) if kind == "date" else ())) >= _MOST:
            formats = {f: n for f, n in present.items() if f.startswith(f"{kind}:")}
            best = max(formats, key=lambda form: formats[form], default="date:%d/%m/%Y")
            return KindFinding(replace(base, kind=kind, format=best.split(":", 1)[1]))
    if share("integer", "number", "comma") >= _MOST:
        comma = share("comma") > share("number")
        digits = _decimals(present, total)
        if digits == 0:
            return KindFinding(replace(base, kind="integer"))
        return KindFinding(replace(base, kind="number", decimals=digits, format="decimal=," if comma else ""))
    if share("email") >= _SOME:
        return KindFinding(replace(base, kind="pii.email"))
    if share("uuid") >= _SOME:
        return KindFinding(replace(base, kind="id"), "uuid")
    if share("text") >= _SOME:
        return KindFinding(replace(base, kind="text"))
    return KindFinding(base)


def _decimals(present: Mapping[str, float], total: float) -> int:
    """Digits after the point that at least one value in a hundred has."""
    digits = [
        int(form.split(":")[1])
        for form, n in present.items()
        if form.startswith(("number:", "comma:")) and n >= _FEW * total
    ]
    return max(digits, default=0)
