"""What one column is: kind, missing codes, bounds, and why we think so. No data lives here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

Kind = Literal[
    "category",
    "boolean",
    "integer",
    "number",
    "datetime",
    "date",
    "duration",
    "text",
    "id",
    "pii.email",
    "pii.phone",
    "pii.name",
    "pii.address",
    "pii.iban",
    "pii.card",
    "pii.ip",
    "pii.url",
    "pii.national_id",
]
KINDS: tuple[Kind, ...] = get_args(Kind)

#: Kinds whose values carry order and distance; everything else is a set of labels or is regenerated.
ORDERED_KINDS: frozenset[str] = frozenset({"integer", "number", "datetime", "date", "duration"})

Source = Literal["data", "declared", "public", "dp"]

#: What a schema may say about a column besides its bounds, which tell their own source; in this order.
FACTS = ("name", "kind", "nullable", "missing", "storage", "levels", "decimals", "format", "timezone")


def is_regenerated(kind: str) -> bool:
    """Whether values of this kind are made afresh and never learned (ids, free text, PII)."""
    return kind in ("id", "text") or kind.startswith("pii.")


@dataclass(frozen=True, slots=True)
class Bounds:
    """Lowest and highest value that may appear, and where they come from.

    Numbers are plain; datetimes are ISO 8601 text; durations are seconds. ``source = "data"`` means that
    the bounds were read from the rows, which a run with a privacy guarantee must refuse.
    """

    low: float | str | None = None
    high: float | str | None = None
    source: Source = "data"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    Attributes
    ----------
    name
        As in the data.
    kind
        What the values are, one of `KINDS`.
    nullable
        Whether missing values may appear.
    missing
        Texts that stand for a missing value (``?``, ``-999``), the most frequent first; the first one is
        what is written back. An empty tuple means a plain null (empty field in CSV).
    storage
        Arrow type in which the user's data held the column (``string`` for CSV), to give it back so.
    bounds
        Range for ordered kinds; None until detected or declared.
    levels
        Declared complete list of levels for a category; None means "those in the data".
    decimals
        Digits after the point for ``number`` (0-15); None when not applicable.
    format
        ``strftime`` pattern for dates held as text (codes in `locum.data.times`), a name of
        `locum.data.durations` for durations; for numbers any of ``thousands=,`` ``decimal=,`` ``digits=2``
        (at least so many digits after the point) ``prefix=$`` ``suffix=%``, parted by blanks; for booleans
        the two texts ``no|yes``. Empty when the plain form is used.
    timezone
        Zone name of datetimes with a zone, else empty; several offsets with their weights, as in
        ``+02:00*70|Z*30``, where rows have different ones, of which each row that is written draws one.
    confidence, reason
        How sure detection was (0-1) and why, in one sentence without data values. They do not count when
        columns are compared: two columns are equal when they say the same about the data.
    read_off
        Which of `FACTS` were read off rows. A run with a guarantee takes none of them for known.
    by
        Who says that the other facts are public; empty when they are merely declared. Neither counts when
        columns are compared, and neither is kept in model files.
    """

    name: str
    kind: Kind
    nullable: bool = True
    missing: tuple[str, ...] = ()
    storage: str = "string"
    bounds: Bounds | None = None
    levels: tuple[str, ...] | None = None
    decimals: int | None = None
    format: str = ""
    timezone: str = ""
    confidence: float = field(default=1.0, compare=False)
    reason: str = field(default="declared", compare=False)
    read_off: tuple[str, ...] = field(default=(), compare=False)
    by: str = field(default="", compare=False)

    @property
    def ordered(self) -> bool:
        """Whether values have an order and a distance."""
        return self.kind in ORDERED_KINDS

    @property
    def regenerated(self) -> bool:
        """Whether values are made afresh instead of learned."""
        return is_regenerated(self.kind)

    @property
    def told(self) -> tuple[str, ...]:
        """The facts that say something: the kind, and whatever is not as in a column without more words."""
        plain = Column(self.name, self.kind)
        return tuple(
            name for name in FACTS[1:] if name == "kind" or getattr(self, name) != getattr(plain, name)
        )
