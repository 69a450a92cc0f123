"""Who is to be treated alike: groups of rows, the classes of the target, and what was put together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from locum.arrays import BoolArray, IntArray
from locum.control.draw import first_of_each
from locum.control.rules.clause import Clause, rule_clauses
from locum.control.where.names import Names
from locum.errors import UsageError
from locum.evaluation.groups import Grouping, groupings
from locum.evaluation.learn.cells import level_codes, levels_of, texts
from locum.evaluation.trial import Trial
from locum.runs.tables import need_column

if TYPE_CHECKING:
    import pyarrow as pa

    from locum.schema.column import Column
    from locum.schema.table import Schema

#: Groups with fewer rows are treated as one group together.
LEAST = 30
#: Rows of each class that a group needs for rates given the class.
LEAST_CLASS = 100
#: Most classes of a target.
MOST_CLASSES = 12


@dataclass(frozen=True, slots=True)
class Setting:
    """Groups and classes, learned from the rows before repair.

    Attributes
    ----------
    schema
        With target and protected columns set.
    target
        Column of the label.
    classes
        Its labels as texts, by falling frequency.
    values
        A canonical one-value column for each class, to write labels with.
    grouping
        Groups by all protected columns crossed.
    labels
        Names of the groups; the last may be all rare groups together.
    notes
        What was put together or left out, in plain sentences.
    """

    schema: Schema
    target: str
    classes: tuple[str, ...]
    values: pa.Array
    grouping: Grouping
    labels: tuple[str, ...]
    pooled: bool
    notes: tuple[str, ...]

    @classmethod
    def learn(
        cls,
        table: pa.Table,
        schema: Schema,
        target: str,
        protected: Sequence[str],
        *,
        by_class: bool = False,
    ) -> Setting:
        """Look at the rows before repair.

        With `by_class` groups with fewer than `LEAST_CLASS` rows of some class are put together as well:
        rates given the class say nothing on fewer.

        Raises
        ------
        UsageError
            When a column is not there, the target has one class or too many, or fewer than two groups have
            rows enough.
        """
        _check(schema, target, protected)
        schema = replace(schema, target=target, protected=tuple(protected))
        classes, values = _classes(table, target)
        trial = Trial(schema, table, table, target=target)
        found, _ = groupings(trial, least=LEAST)
        name = " x ".join(protected)
        grouping = next((g for g in found if g.columns == tuple(protected)), None)
        if grouping is None:
            raise UsageError(
                f"fewer than two groups of {name!r} have {LEAST} rows",
                where="protected",
                do="ask for more rows, or for fewer protected columns at once",
            )
        if by_class:
            grouping = _with_classes(grouping, table, target, classes)
        codes = grouping.codes(table)
        rest = int((codes == len(grouping.labels)).sum())
        pooled = rest >= LEAST
        notes = []
        if rest:
            what = "are one group together" if pooled else "keep their labels"
            few = f"{LEAST_CLASS} rows of each class" if by_class else f"{LEAST} rows"
            notes.append(f"{rest:,} rows of groups of {name!r} with fewer than {few} {what}.")
        labels = (*grouping.labels, "rare groups") if pooled else grouping.labels
        return cls(schema, target, classes, values, grouping, labels, pooled, tuple(notes))

    @property
    def positive(self) -> int:
        """The class looked at: the rarer of two, the most frequent of more."""
        return 1 if len(self.classes) == 2 else 0

    @property
    def features(self) -> list[Column]:
        """Columns that models may learn from: not made afresh, not the target, not determined by it."""
        bound = {d.dependent for d in self.schema.dependencies if d.determinant == self.target}
        return [c for c in self.schema if not c.regenerated and c.name != self.target and c.name not in bound]

    @property
    def rules(self) -> list[Clause]:
        """The rules of the schema."""
        return rule_clauses(self.schema.rules, Names(self.schema))

    def group(self, table: pa.Table) -> IntArray:
        """Group of each row, -1 where there are too few to tell; shape (n_rows,)."""
        codes = self.grouping.codes(table).astype(np.int64)
        codes[codes == len(self.grouping.labels)] = len(self.grouping.labels) if self.pooled else -1
        return codes

    def label(self, table: pa.Table) -> IntArray:
        """Class of each row, -1 where the label is missing; shape (n_rows,)."""
        codes = level_codes(texts(table.column(self.target)), self.classes).astype(np.int64)
        codes[codes >= len(self.classes)] = -1
        return codes

    def with_labels(self, table: pa.Table, label: IntArray) -> pa.Table:
        """The table with other labels; -1 is missing. Columns that the target determines follow it.

        A row that kept a rule of the schema and would break it under its new label keeps its old one.
        """
        old = self.label(table)
        out = self._set_labels(table, label)
        rules = [c for c in self.rules if self._about(c)]
        for _ in range(len(label) if rules else 0):
            wrong = np.zeros(len(label), dtype=np.bool_)
            for clause in rules:
                wrong |= _broken(clause, out) & ~_broken(clause, table)
            if not (wrong & (label != old)).any():
                # Rows that may not repeat, and were not the ones to change: then none changes.
                return self._set_labels(table, old) if wrong.any() else out
            label = np.where(wrong, old, label)
            out = self._set_labels(table, label)
        return out

    def drop_repeats(self, table: pa.Table) -> pa.Table:
        """The table without rows that repeat others where a rule forbids that."""
        import pyarrow as pa

        for clause in self.rules:
            if clause.term.op == "unique":
                table = table.filter(pa.array(~_broken(clause, table))).combine_chunks()
        return table

    def _about(self, clause: Clause) -> bool:
        """Whether a rule can be broken by another label."""
        bound = {d.dependent for d in self.schema.dependencies if d.determinant == self.target}
        return bool({self.target, *bound} & set(clause.columns))

    def _set_labels(self, table: pa.Table, label: IntArray) -> pa.Table:
        import pyarrow as pa

        at = table.column_names.index(self.target)
        column = self.values.take(pa.array(np.where(label < 0, 0, label), mask=label < 0))
        out = table.set_column(at, table.schema.field(at), column)
        for d in self.schema.dependencies:
            if d.determinant == self.target:
                out = _follow(table, out, self.target, d.dependent)
        return out


def _broken(clause: Clause, table: pa.Table) -> BoolArray:
    """Which rows break a rule; of rows that may not repeat all but the first."""
    if clause.term.op != "unique":
        return ~clause.holds(table)
    again = np.ones(table.num_rows, dtype=np.bool_)
    again[first_of_each(table, clause.columns)] = False
    return again


def _with_classes(grouping: Grouping, table: pa.Table, target: str, classes: tuple[str, ...]) -> Grouping:
    """The grouping without groups that have too few rows of a class; all stay if fewer than two would."""
    group = grouping.codes(table).astype(np.int64)
    label = level_codes(texts(table.column(target)), classes)
    kept = [
        name
        for g, name in enumerate(grouping.labels)
        if np.bincount(label[group == g], minlength=len(classes))[: len(classes)].min() >= LEAST_CLASS
    ]
    return grouping.only(kept) if len(kept) > 1 else grouping


def _follow(old: pa.Table, new: pa.Table, target: str, dependent: str) -> pa.Table:
    """Copy for each label the value that went with it."""
    import pyarrow as pa
    import pyarrow.compute as pc

    known = old.column(target).combine_chunks()
    levels = pc.unique(known)
    first = pc.index_in(levels, known)
    place = pc.index_in(new.column(target).combine_chunks(), levels)
    at = new.column_names.index(dependent)
    values = old.column(dependent).combine_chunks().take(first.take(place))
    return new.set_column(at, new.schema.field(at), pa.chunked_array([values]))


def _check(schema: Schema, target: str, protected: Sequence[str]) -> None:
    names = ", ".join(schema.names[:12])
    for where, name in [("target", target), *(("protected", p) for p in protected)]:
        need_column(name, schema.names, where=where)
        if schema[name].regenerated:
            raise UsageError(f"{name!r} is made afresh and tells nothing of a row", where=where)
    if not protected:
        raise UsageError("no protected column is named", where="protected", expected=f"some of {names}")
    if target in protected or len(set(protected)) < len(protected):
        raise UsageError("a column is named twice", where="protected", do="name each column once")
    bound = [d.determinant for d in schema.dependencies if d.dependent == target]
    if bound:
        raise UsageError(
            f"{target!r} is determined by {bound[0]!r}, so that its labels cannot move",
            where="target",
            do="take the dependency out of the schema, or repair that column",
        )


def _classes(table: pa.Table, target: str) -> tuple[tuple[str, ...], pa.Array]:
    import pyarrow as pa

    column = table.column(target).combine_chunks()
    levels = levels_of(table.column(target).drop_null())
    if not 2 <= len(levels) <= MOST_CLASSES:
        raise UsageError(
            f"{target!r} has {len(levels):,} different value{'s' * (len(levels) != 1)}",
            where="target",
            expected=f"2 to {MOST_CLASSES} classes",
            do="cut it into classes first, such as `income > 50000`" if len(levels) > 2 else "choose another",
        )
    codes = level_codes(texts(table.column(target)), levels)
    first = [int(np.flatnonzero(codes == k)[0]) for k in range(len(levels))]
    return levels, column.take(pa.array(first))
