"""A study of few rows on a user's table: reading, matching a related table, writing rows and page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from locum.errors import UsageError
from locum.progress import Listener, silent
from locum.randomness import check_seed
from locum.runs.options import DEFAULT_SEED, FAST_SYNTHESIZER, check_rows
from locum.runs.tables import read_and_refine, without_data_bounds
from locum.runs.versions import now
from locum.studies.scarce.group import group_of
from locum.studies.scarce.overlap import SAME_SHARE, repeated_rows
from locum.studies.scarce.result import RelatedFinding, Scarcity
from locum.studies.scarce.study import REPEATS, ScarceQuestion, study, winning_rows
from locum.studies.scarce.tables import ScarceTables
from locum.synthesizer.table import Synthesizer
from locum.wording import count, verb

#: What makes rows unless something else is asked for, up to so many real rows; beyond, the quick tree.
FEW_ROWS_SYNTHESIZER, FEW_ROWS = "few-shot", 500
#: Rows from which another command is the better one to ask.
MANY_ROWS = 5_000


def scarce(
    data: Any,
    *,
    target: str | None = None,
    related: Any = None,
    generated: Any = None,
    amplify: str | None = None,
    test: Any = None,
    synthesizer: str | None = None,
    settings: Mapping[str, Any] | None = None,
    rows: int | None = None,
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
        Generator by name, with its settings; None goes by the number of rows.
    rows
        How many rows to add; None for 1,000, or as many as there are real ones. A group gets what it lacks.
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
    if rows is not None:
        check_rows(rows)
    Synthesizer(synthesizer or FEW_ROWS_SYNTHESIZER, **(settings or {}))
    known = read_and_refine(data, target, (), needs_target=True)
    if known.schema.target is None:
        raise UsageError(
            "nobody said what is to be predicted", where="target", do="name the column with --target"
        )
    room = ScarceTables(without_data_bounds(known.schema), known)
    room = room.with_related(related).with_file(generated).with_test(test).without_shared()
    synthesizer = synthesizer or (FAST_SYNTHESIZER if room.own.num_rows > FEW_ROWS else FEW_ROWS_SYNTHESIZER)
    group, clauses = (
        ("", ()) if amplify is None else group_of(amplify, room.schema, room.own, known.raw.table)
    )
    question = ScarceQuestion(
        room.sources(synthesizer, settings or {}, rows, seed),
        room.own,
        room.test,
        group,
        clauses,
        seed,
        repeats,
    )
    found = study(question, name=title or known.name, listener=progress)
    drawn = winning_rows(question, found.chosen) if found.chosen else None
    lineage = None if drawn is None else room.lineage(found.chosen)
    about = None if found.related is None else replace(found.related, name=room.related_name)
    if room.useless:
        why = f"Nothing can be borrowed from it: {room.useless} So there is no evidence that it could help."
        about = RelatedFinding(room.related_name, 0, "no evidence", why)
    return replace(
        found,
        related=about,
        notes=(*room.warnings, *found.notes, *room.notes, *_choice(question, found)),
        created=now(),
        drawn=drawn,
        schema=None if drawn is None else room.schema,
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
    if out is not None and found.drawn is not None and found.schema is not None:
        origin = read_and_refine(data, asked.get("target"), ()).raw.origin
        write_rows(found.drawn, out, found.schema, origin, lineage_from_json(found.lineage, str(out)))
        found = replace(found, written=str(out))
    if page is not None:
        from locum.files.atomic import write_text
        from locum.studies.scarce.page import render

        write_text(page, render(found))
    return found


def _choice(question: ScarceQuestion, found: Scarcity) -> tuple[str, ...]:
    """What the reader should know of the splits."""
    if not question.group and found.rows > MANY_ROWS:
        return (f"{count(found.rows, 'row')} are not few: `locum mix` says how many synthetic rows to add.",)
    if question.test is not None:
        return ()
    repeats = repeated_rows(question.real, [c.name for c in question.sources.schema if not c.regenerated])
    told = (
        f"{count(repeats, 'row')} of {found.rows:,} {verb(repeats, 'repeats', 'repeat')} an earlier one, so "
        "that some are tested on that were learned from as well: leave copies out, or give other rows with "
        "--test."
    )
    return (
        *((told,) if repeats >= SAME_SHARE * found.rows else ()),
        f"Tested on parts of the {count(found.rows, 'row')} themselves: with other real rows to test on "
        "(--test) smaller gains would be seen.",
    )
