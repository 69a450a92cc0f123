"""What a condition may talk about: the columns, their kinds, and the levels that rows can have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Literal

import numpy as np

from locum.errors import UsageError
from locum.schema.column import Column
from locum.schema.table import Schema

if TYPE_CHECKING:
    from locum.codes.encoder import Encoder

#: What a value is to a condition: ``moment`` dates and datetimes, ``span`` durations and differences of
#: moments, ``made`` what is made afresh in every row (ids, texts, personal data).
Sort = Literal["number", "label", "truth", "moment", "span", "made"]

_SORTS: Mapping[str, Sort] = {
    "integer": "number",
    "number": "number",
    "category": "label",
    "boolean": "truth",
    "date": "moment",
    "datetime": "moment",
    "duration": "span",
}


@dataclass(frozen=True, slots=True)
class Names:
    """The columns of a table, for binding conditions to them.

    Attributes
    ----------
    schema
        The table.
    levels
        Levels that a category column can have, where they are known.
    """

    schema: Schema
    levels: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, encoder: Encoder) -> Names:
        """The columns of a fitted synthesizer, with the levels that it can write."""
        from locum.codes.category import CategoryCodebook
        from locum.codes.derived import DerivedCodebook

        levels: dict[str, Sequence[str]] = {}
        joined = _joined_levels(encoder)
        for column, book in zip(encoder.schema, encoder.books, strict=True):
            if isinstance(book, CategoryCodebook):
                levels[column.name] = book.levels.to_pylist()
            elif isinstance(book, DerivedCodebook) and column.kind == "category":
                levels[column.name] = [v for v in book.reachable.to_pylist() if v is not None]
            elif column.kind == "category" and column.name in joined:
                levels[column.name] = joined[column.name]
        return cls(encoder.schema, levels)

    def column(self, name: str) -> Column:
        """The column of that name.

        Raises
        ------
        UsageError
            When there is none, with the nearest name.
        """
        for column in self.schema:
            if column.name == name:
                return column
        names = list(self.schema.names)
        lower = {n.lower(): n for n in names}
        close = [lower[c] for c in get_close_matches(name.lower(), lower, n=1, cutoff=0.5)]
        level = next((c for c, known in self.levels.items() if name in known), None)
        if level is not None:
            do = f"write '{name}' in single quotes if you mean the level of {level}"
        elif close:
            do = f"did you mean {close[0]}?"
        else:
            do = "name a column of the table"
        raise UsageError(
            f"there is no column {name!r}",
            where=self.schema.name,
            expected=f"one of {', '.join(names[:12])}{', ...' if len(names) > 12 else ''}",
            do=do,
        )

    def nearest_level(self, column: str, text: str) -> list[str]:
        """Up to three levels of a column that look like `text`."""
        known = list(self.levels.get(column, ()))
        lower = {level.lower(): level for level in reversed(known)}
        found = [lower[c] for c in get_close_matches(text.lower(), lower, n=3, cutoff=0.5)]
        begins = [level for level in known if level.lower().startswith(text.lower()[:2])]
        return list(dict.fromkeys(found + begins))[:3] or known[:3]


def _joined_levels(encoder: Encoder) -> dict[str, Sequence[str]]:
    """Levels of the categories that are drawn as one with other columns."""
    out: dict[str, Sequence[str]] = {}
    for book in encoder.hidden:
        name = book.attributes[0].column
        codes = np.arange(book.attributes[0].size, dtype=np.int32)
        values = encoder.restore({name: book.decode([codes], np.random.default_rng(0))})
        for column, found in values.items():
            if encoder.schema[column].kind == "category":
                out[column] = found.unique().drop_null().to_pylist()
    return out


def sort_of(column: Column) -> Sort:
    """What the values of a column are to a condition."""
    return _SORTS.get(column.kind, "made")
