"""A study of few rows on a user's table: reading, matching a related table, writing rows and page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from locum.errors import UsageError
from locum.evaluation.curation import MOST_LABELS
from locum.evaluation.learn.cells import levels_of
from locum.evaluation.target import target_of
from locum.progress import Listener, silent
from locum.randomness import check_seed
from locum.runs.match_columns import list_names, match
from locum.runs.options import DEFAULT_SEED
from locum.runs.tables import StudyTable, align, need_column, read_and_refine, read_table, without_data_bounds
from locum.runs.versions import now
from locum.schema.lineage import JUDGED, REAL, Lineage, blend, uncovered_warning, warning_of
from locum.studies.scarce.result import Scarcity
from locum.studies.scarce.study import REPEATS, ScarceQuestion, study, winning_rows
from locum.studies.scarce.ways import CURATED, FROM_BOTH, MOST_RELATED, Sources, some
from locum.synthesizer.table import Synthesizer
from locum.wording import count

if TYPE_CHECKING:
    import pyarrow as pa

    from locum.control.rules.clause import Clause
    from locum.schema.table import Schema

#: What makes rows of few unless something else is asked for.
FEW_ROWS_SYNTHESIZER = "few-shot"


def scarce(
    data: Any,
    *,
    target: str | None = None,
    related: Any = None,
    generated: Any = None,
    amplify: str | None = None,
    test: Any = None,
    synthesizer: str = FEW_ROWS_SYNTHESIZER,
    settings: Mapping[str, Any] | None = None,
    repeats: int = REPEATS,
    seed: int = DEFAULT_SEED,
    title: str | None = None,
    progress: Listener = silent,
) -> Scarcity:
    """Find out whether rows that stand in for real ones help a model where there are few real ones.

    Tries generated rows as they are and curated (CLLM), class weights, SMOTE and, with a related table, its
    rows as they are, those most like the real ones, and rows of a generator of both.

    Parameters
    ----------
    data
        The few real rows: path or table, as for `detect`.
    target
        Column to be predicted; None takes it from a ``locum.toml`` beside the file.
    related
        Rows of another domain with some of the same columns, the target among them: another country, sex,
        or year.
    generated
        Ready-made rows to try as well, as those of a language model (``locum text``); also curated.
    amplify
        Instead of everybody, help a minority: ``sex=Female``, or a condition such as ``age >= 65``. Rows of
        the group are generated, and the others are looked at as well.
    test
        Real rows of the same kind to test on. None tests on parts of `data`, which can tell less.
    synthesizer, settings
        Generator by name, with its settings.
    repeats
        How often to cross-validate, in five parts each.
    seed
        Same seed, same figures.
    title
        Heads the page; None takes the name of the file.
    progress
        Called with an `Event` now and then.

    Returns
    -------
    Scarcity
        Verdict (``helps``, ``does not help``, ``no evidence``), every way with intervals that hold at once,
        and, in ``drawn``, the rows of the way that helps most.

    Raises
    ------
    UsageError
        When no target is named or it cannot be predicted, or the group is no minority.
    DataError
        When the data cannot be read, or are too few.
    """
    seed = check_seed(seed)
    if not 1 <= repeats <= 100:
        raise UsageError(f"{repeats} repeats cannot be", where="repeats", expected="a number from 1 to 100")
    Synthesizer(synthesizer, **(settings or {}))
    known = read_and_refine(data, target, ())
    if known.schema.target is None:
        raise UsageError(
            "nobody said what is to be predicted", where="target", do="name the column with --target"
        )
    room = _Room(without_data_bounds(known.schema), known)
    room = room.with_related(related, seed).with_file(generated).with_test(test)
    group, clauses = ("", ()) if amplify is None else _group(amplify, room.schema, room.own)
    question = ScarceQuestion(
        room.sources(synthesizer, settings or {}), room.own, room.test, group, clauses, seed, repeats
    )
    found = study(question, name=title or known.name, listener=progress)
    drawn = winning_rows(question, found.chosen) if found.chosen else None
    lineage = None if drawn is None else room.lineage(found.chosen)
    about = None if found.related is None else replace(found.related, name=room.related_name)
    return replace(
        found,
        related=about,
        notes=(*room.warnings, *found.notes, *room.notes, *_choice(question, found)),
        created=now(),
        drawn=drawn,
        lineage=None if lineage is None else lineage.to_json(),
    )


def scarce_file(
    data: Any,
    *,
    out: Path | None = None,
    page: Path | None = None,
    force: bool = False,
    progress: Listener = silent,
    **asked: Any,
) -> Scarcity:
    """The study of `scarce`, the rows of the way that helps most to a file, and the evidence to a page.

    Nothing is written to `out` where no way helps.

    Raises
    ------
    LocumError
        As `scarce`, and FolderError when a file exists or cannot be written.
    """
    from locum.runs.out_folder import refuse_existing
    from locum.runs.sample import refuse_out, write_rows
    from locum.schema.lineage import lineage_from_json

    if out is not None:
        refuse_out(out, force=force)
    if page is not None:
        refuse_existing(page, force=force)
    found = scarce(data, progress=progress, **asked)
    if out is not None and found.drawn is not None:
        known = read_and_refine(data, asked.get("target"), ())
        write_rows(
            found.drawn, out, known.schema, known.raw.origin, lineage_from_json(found.lineage, str(out))
        )
        found = replace(found, written=str(out))
    if page is not None:
        from locum.files.atomic import write_text
        from locum.studies.scarce.page import render

        write_text(page, render(found))
    return found


@dataclass(frozen=True, slots=True, eq=False)
class _Room:
    """The tables of a study, all under one schema, with what had to be left out."""

    schema: Schema
    known: StudyTable
    related: pa.Table | None = None
    related_name: str = ""
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

    def with_related(self, source: Any, seed: int) -> _Room:
        """The room with the rows of a related table, as far as it has the same columns and labels."""
        if source is None:
            return self
        raw = read_table(source)
        found = match(self.schema, raw, self.known.raw)
        lacking = {a.column: a.reason for a in found.unmatched}
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
        if target in lacking or not shared:
            why = lacking.get(target, f"{name} shares no other column with {self.known.name}")
            return room.without_related(f"Nothing can be borrowed from {name}: {why}.")
        table = _filled(found.table, found.schema, replace(self, schema=found.schema).own)
        kind = target_of(found.schema[target], self.own.column(target))
        usable = np.ones(table.num_rows, bool) if kind is None else ~np.isnan(kind.values(table))
        if usable.sum() < 2:
            return room.without_related(
                f"Nothing can be borrowed from {name}: no row of it has a value of {target!r} that the "
                "real rows have."
            )
        rows = some(table.filter(usable), MOST_RELATED, seed, "related table")
        left = [n for n in lacking if not found.schema[n].regenerated]
        told: tuple[str, ...] = ()
        if left:
            told = (f"{name} lacks {count(len(left), 'column')} ({list_names(left)}), missing in its rows.",)
        return replace(
            room, schema=found.schema, related=rows, lacking=tuple(left), notes=(*room.notes, *told)
        )

    def without_related(self, why: str) -> _Room:
        """The room without a related table, saying why."""
        return replace(self, notes=(*self.notes, f"{why} There is no evidence that it could help."))

    def with_file(self, source: Any) -> _Room:
        """The room with ready-made rows."""
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

    def with_test(self, source: Any) -> _Room:
        """The room with real rows to test on."""
        if source is None:
            return self
        raw = read_table(source)
        table, schema, notes = align(self.schema, raw)
        stamps = {**self.stamps, "test": raw.lineage}
        return replace(self, schema=schema, test=table, notes=(*self.notes, *notes), stamps=stamps)

    def sources(self, synthesizer: str, settings: Mapping[str, Any]) -> Sources:
        """Where rows can come from."""
        target = str(self.schema.target)
        column, own = self.schema[target], self.own.column(target)
        kind = target_of(column, own)
        classes = kind is not None and kind.task != "regression" and len(levels_of(own)) <= MOST_LABELS
        lent = None if self.related is None else _filled(self.related, self.schema, self.own)
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


def _group(text: str, schema: Schema, table: pa.Table) -> tuple[str, tuple[Clause, ...]]:
    """The condition of a group, written as ``COLUMN=VALUE`` or as a condition."""
    from locum.control.rules.clause import clauses_of
    from locum.control.where.names import Names
    from locum.control.where.token import literal, quote

    name, equals, value = (part.strip() for part in text.partition("="))
    simple = equals and name in schema.names and not re.match(r"[=<>]", value)
    if equals and not simple and re.fullmatch(r"[\w.\- ]+", name):
        need_column(name, schema.names, where="--amplify")
    if simple:
        column, plain = schema[name], value.strip("'\"")
        text = f"{quote(name)} = {plain.lower() if column.kind == 'boolean' else plain}"
        if column.kind == "category":
            text = f"{quote(name)} = {literal(plain)}"
            levels = levels_of(table.column(name))
            if plain not in levels:
                raise UsageError(
                    f"no row has {plain!r} in {name!r}",
                    where="--amplify",
                    expected=f"one of {', '.join(levels[:12])}{', ...' if len(levels) > 12 else ''}",
                )
    return text, tuple(clauses_of(text, "where", Names(schema)))


def _choice(question: ScarceQuestion, found: Scarcity) -> tuple[str, ...]:
    """What the reader should know of the splits."""
    if question.test is not None:
        return ()
    return (
        f"Tested on parts of the {count(found.rows, 'row')} themselves: with other real rows to test on "
        "(--test) smaller gains would be seen.",
    )
