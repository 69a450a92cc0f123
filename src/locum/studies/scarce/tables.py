"""The tables of a study of few rows: brought under one schema, and kept apart from each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from locum.errors import DataError
from locum.evaluation.curation import MOST_LABELS
from locum.evaluation.learn.cells import levels_of
from locum.evaluation.target import target_of
from locum.runs.match_columns import Unmatched, list_names, match
from locum.runs.tables import StudyTable, align, read_table
from locum.schema.lineage import JUDGED, REAL, Lineage, blend, uncovered_warning, warning_of
from locum.studies.scarce.overlap import same_rows
from locum.studies.scarce.ways import CURATED, FROM_BOTH, MOST_RELATED, Sources, some
from locum.wording import count, verb

if TYPE_CHECKING:
    import pyarrow as pa

    from locum.schema.column import Column
    from locum.schema.table import Schema

#: What values of a kind are not, where they are of another.
_OTHER = MappingProxyType(
    {
        "integer": "no whole numbers",
        "number": "no numbers",
        "date": "no dates",
        "datetime": "no dates with times",
        "duration": "no lengths of time",
    }
)
#: Rows of a related table from which something can be borrowed.
LEAST_RELATED = 10


@dataclass(frozen=True, slots=True, eq=False)
class ScarceTables:
    """The tables of a study, all under one schema.

    Attributes
    ----------
    schema, known
        Of all tables; the data as read.
    related, related_name, lacking
        Rows of the related table, null in the columns that it is `lacking`; None without one.
    useless
        Why nothing can be borrowed from the related table; empty where something can.
    file, file_name, test
        Ready-made rows, and real rows to test on; None without.
    notes
        What was left out, or read in another way.
    stamps
        Lineage of the other tables, by what they are for.
    """

    schema: Schema
    known: StudyTable
    related: pa.Table | None = None
    related_name: str = ""
    useless: str = ""
    lacking: tuple[str, ...] = ()
    file: pa.Table | None = None
    file_name: str = ""
    test: pa.Table | None = None
    notes: tuple[str, ...] = ()
    stamps: Mapping[str, Lineage | None] = field(default_factory=dict)

    @property
    def own(self) -> pa.Table:
        """The few real rows."""
        from locum.data.canonical import canonical

        return canonical(self.known.raw, self.schema).select(list(self.schema.names))

    def with_related(self, source: Any) -> ScarceTables:
        """The tables with the rows of a related table, as far as it has the same columns and labels."""
        if source is None:
            return self
        raw = read_table(source)
        found = match(self.schema, raw, self.known.raw)
        lacking = {a.column: a for a in found.unmatched}
        name, target = Path(raw.name).name, str(self.schema.target)
        room = replace(
            self,
            related_name=name,
            notes=(*self.notes, *found.notes),
            stamps={**self.stamps, "related": raw.lineage},
        )
        shared = [
            c.name for c in found.schema if c.name not in lacking and not c.regenerated and c.name != target
        ]
        if target in lacking:
            return replace(room, useless=without_target(lacking[target], self.schema[target], name))
        if not shared:
            why = f"{name} has no column in common with {self.known.name} but the target {target!r}."
            return replace(room, useless=why)
        table = _filled(found.table, found.schema, replace(self, schema=found.schema).own)
        kind = target_of(found.schema[target], self.own.column(target))
        usable = np.ones(table.num_rows, bool) if kind is None else ~np.isnan(kind.values(table))
        if usable.sum() < LEAST_RELATED:
            return replace(room, useless=_too_few(int(usable.sum()), target))
        left = [a for n, a in lacking.items() if not found.schema[n].regenerated]
        return replace(
            room,
            schema=found.schema,
            related=table.filter(usable),
            lacking=tuple(a.column for a in left),
            notes=(*room.notes, *_told(left, found.schema, name)),
        )

    def without_shared(self) -> ScarceTables:
        """The tables without rows that more than one of them holds, as far as chance does not make them."""
        found = self
        own, name = self.own, self.known.name
        if found.test is not None:
            found = found.less("test", "the test rows", own, name)
        tests = [(own, name)] if found.test is None else [(own, name), (found.test, "the test rows")]
        for table, what in tests:
            found = found.less("related", found.related_name, table, what)
            found = found.less("file", found.file_name, table, what)
        if found.related is not None and found.related.num_rows < LEAST_RELATED:
            left = found.related.num_rows
            rest = f"only {count(left, 'row')} {verb(left, 'is', 'are')}" if left else "nothing is"
            why = f"{rest} left of it once the rows that {name} has as well are left out."
            return replace(found, related=None, useless=why)
        if found.test is not None and not found.test.num_rows:
            raise DataError(
                f"every test row is a row of {name} as well, so that none is left to test on",
                where="--test",
                do="give other real rows, or leave out --test to test on parts of the data",
            )
        return found

    def less(self, part: str, name: str, other: pa.Table, what: str) -> ScarceTables:
        """The tables, one of them without the rows that `other` holds as well."""
        table: pa.Table | None = getattr(self, part)
        if table is None:
            return self
        lacking = set(self.lacking) if part == "related" else set()
        columns = [c.name for c in self.schema if not c.regenerated and c.name not in lacking]
        same = same_rows(other, table, columns)
        if not same.any():
            return self
        n = int(same.sum())
        told = (
            f"{count(n, 'row')} of {name} {verb(n, 'is a row', 'are rows')} of {what} as well and "
            f"{verb(n, 'was', 'were')} left out."
        )
        kept: dict[str, Any] = {part: table.filter(~same)}
        return replace(self, notes=(*self.notes, told), **kept)

    def with_file(self, source: Any) -> ScarceTables:
        """The tables with ready-made rows."""
        if source is None:
            return self
        raw = read_table(source)
        table, schema, notes = align(self.schema, raw)
        told = (
            f"The rows of {Path(raw.name).name} were made before: if who made them has seen the rows that "
            "are tested on here, their gain is too good to be true. Give other real rows with --test."
        )
        return replace(
            self,
            schema=schema,
            file=table,
            file_name=Path(raw.name).name,
            notes=(*self.notes, *notes, told),
            stamps={**self.stamps, "file": raw.lineage},
        )

    def with_test(self, source: Any) -> ScarceTables:
        """The tables with real rows to test on."""
        if source is None:
            return self
        raw = read_table(source)
        table, schema, notes = align(self.schema, raw)
        stamps = {**self.stamps, "test": raw.lineage}
        return replace(self, schema=schema, test=table, notes=(*self.notes, *notes), stamps=stamps)

    def sources(self, synthesizer: str, settings: Mapping[str, Any], rows: int | None, seed: int) -> Sources:
        """Where rows can come from; of a large related table some rows."""
        target = str(self.schema.target)
        column, own = self.schema[target], self.own.column(target)
        kind = target_of(column, own)
        classes = kind is not None and kind.task != "regression" and len(levels_of(own)) <= MOST_LABELS
        lent = None
        if self.related is not None:
            lent = some(_filled(self.related, self.schema, self.own), MOST_RELATED, seed, "table")
        return Sources(
            self.schema,
            target,
            classes,
            synthesizer,
            settings,
            lent,
            self.lacking,
            self.file,
            self.file_name,
            rows,
        )

    @property
    def warnings(self) -> tuple[str, ...]:
        """What to tell about where the rows come from."""
        raw = self.known.raw
        risk = warning_of(raw.lineage, self.known.name)
        bare = (
            uncovered_warning(lineage, what)
            for what, lineage in (("the data", raw.lineage), *self.stamps.items())
        )
        return tuple(filter(None, (risk, *bare)))

    def lineage(self, chosen: str) -> Lineage:
        """Lineage of the rows of a way; a guarantee is void where other rows were read to choose it."""
        own = self.known.raw.lineage or REAL
        plain = chosen.removesuffix(CURATED)
        curated = plain != chosen
        if plain.startswith("rows of "):
            found = self.stamps.get("file") or REAL.child()
            found = replace(found, verified=found.verified or curated)
        elif plain.startswith("related"):
            found = self.stamps.get("related") or REAL
        elif plain == FROM_BOTH and self.related is not None:
            other = self.stamps.get("related") or REAL
            found = blend([(self.own.num_rows, own), (self.related.num_rows, other)]).child()
        else:
            found = own.child(verified=curated)
        for stamp in (own, *self.stamps.values()):
            found = found.after(stamp, JUDGED)
        return found


def _filled(table: pa.Table, schema: Schema, like: pa.Table) -> pa.Table:
    """A table with all columns of the schema, null where it has none; types as in `like`."""
    import pyarrow as pa

    columns = []
    for name in schema.names:
        kind = like.schema.field(name).type
        have = name in table.column_names
        columns.append(table.column(name).cast(kind) if have else pa.nulls(table.num_rows, kind))
    return pa.table(columns, names=list(schema.names))


def without_target(lacking: Unmatched, target: Column, name: str) -> str:
    """Why a table without a usable target is of no use, as a sentence."""
    if lacking.error is not None:
        return _misfit(lacking, target, name) + "."
    near = f" (it has {lacking.near!r}: rename it if that is the same)" if lacking.near else ""
    return f"{name} has no column {lacking.column!r}, which is to be predicted{near}."


def _misfit(lacking: Unmatched, column: Column, name: str) -> str:
    """That a column holds values of another kind, with examples, as a sentence without an end."""
    no, _, yes = column.format.partition("|")
    neither = f"neither {no!r} nor {yes!r}" if yes else "neither true nor false"
    what = neither if column.kind == "boolean" else _OTHER.get(column.kind, "of another kind")
    examples = () if lacking.error is None else tuple(dict.fromkeys(lacking.error.examples))
    such = f" (for example {', '.join(map(str, examples))})" if examples else ""
    return f"{lacking.column!r} in {name} has values that are {what}{such}"


def _too_few(n: int, target: str) -> str:
    """That hardly a row has a value of the target that is known, as a sentence."""
    if not n:
        return f"none of its rows has a value of {target!r} that your rows have."
    return (
        f"only {count(n, 'row')} of it {verb(n, 'has', 'have')} a value of {target!r} that your rows have; "
        f"{LEAST_RELATED} are needed."
    )


def _told(left: Sequence[Unmatched], schema: Schema, name: str) -> tuple[str, ...]:
    """Sentences on the columns that a related table has not, or has with other values."""
    absent = [a.column for a in left if a.error is None]
    told = []
    if absent:
        n = len(absent)
        told.append(
            f"{name} lacks {count(n, 'column')} ({list_names(absent)}), which {verb(n, 'counts', 'count')} "
            "as missing in its rows."
        )
    told += [
        f"{_misfit(a, schema[a.column], name)}, so the column counts as missing in its rows."
        for a in left
        if a.error is not None
    ]
    return tuple(told)
