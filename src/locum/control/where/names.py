"""What a condition may talk about: the columns, their kinds, and the levels that rows can have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Literal

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
        given_back, said = _given_back(encoder), _said(encoder)
        for column, book in zip(encoder.schema, encoder.books, strict=True):
            if column.kind != "category":
                continue
            if column.name in given_back:
                known = given_back[column.name]
            elif isinstance(book, CategoryCodebook):
                known = book.levels.to_pylist()
            elif isinstance(book, DerivedCodebook):
                known = book.reachable.to_pylist()
            else:
                continue
            every = [*known, *said.get(column.name, ())]
            levels[column.name] = [level for level in dict.fromkeys(every) if level is not None]
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


def _given_back(encoder: Encoder) -> dict[str, list[Any]]:
    """All values of columns that are given back in the place of what is coded, where the recoding holds them.

    These are the values of combinations that are drawn as one, and those that are looked up or decided.
    """
    import pyarrow as pa

    out: dict[str, list[Any]] = {}
    for recoding in encoder.recodings:
        # by what they hold: recodings are built on conditions, which are built on this, so no class is named
        joined = getattr(recoding, "joined", None)
        held = getattr(recoding, "values", getattr(recoding, "other", None))
        if joined is not None:
            drawn = pa.array(joined.weights > 0)
            pairs = dict(zip(joined.gives, joined.combinations, strict=True))
            out |= {name: pairs[name].filter(drawn).to_pylist() for name in recoding.gives}
        elif recoding.coded is None and isinstance(held, pa.Array):
            out[recoding.gives[0]] = held.to_pylist()
    return out


def _said(encoder: Encoder) -> dict[str, list[Any]]:
    """Values that rules say a column has where a condition holds; it need not have them anywhere else."""
    out: dict[str, list[Any]] = {}
    for recoding in encoder.recodings:
        implication = getattr(recoding, "implication", None)
        if implication is not None and implication.value is not None:
            out.setdefault(implication.column, []).append(implication.value.as_py())
    return out


def sort_of(column: Column) -> Sort:
    """What the values of a column are to a condition."""
    return _SORTS.get(column.kind, "made")
