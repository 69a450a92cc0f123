"""Evidence about two tables, with what a report needs besides; one call for pipeline, Python and shell."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from locum.errors import UsageError
from locum.evaluation.evidence import Alert, Evidence, RunContext
from locum.evaluation.limits import Requirements, requirements
from locum.progress import Event, Listener, silent
from locum.randomness import check_seed, stream
from locum.report.answers import as_html, as_line, as_text
from locum.runs.align import align_tables, mark_incomplete
from locum.runs.config import find_config
from locum.runs.files import REPORT, REPORT_JSON
from locum.runs.guarantee import with_stamp
from locum.runs.options import DEFAULT_EFFORT, DEFAULT_SEED, EVALUATE_EFFORT, several
from locum.runs.out_folder import make_folder, refuse_taken
from locum.runs.request import RunRequest
from locum.runs.tables import (
    check_target,
    find_rules,
    group_columns,
    read_table,
    refine_schema,
    without_data_bounds,
)
from locum.runs.versions import now, versions
from locum.schema.lineage import uncovered_warning
from locum.schema.table import Schema

if TYPE_CHECKING:
    import pyarrow as pa

    from locum.evaluation.attacks.canaries import Canaries
    from locum.evaluation.generator import Fit
    from locum.evaluation.subgroups.result import Subgrouping


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What `locum.evaluate` found out.

    Attributes
    ----------
    evidence
        All results, with `Evidence.result(name)` to get at one.
    context, schema
        How the tables were read; needed for the report.
    notes
        What was left out or changed to compare the tables.
    """

    evidence: Evidence
    context: RunContext
    schema: Schema
    notes: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether no requirement failed; True when none was made."""
        return not self.evidence.failed

    @property
    def sentences(self) -> tuple[str, ...]:
        """Five sentences, one per question."""
        return tuple(answer.sentence for answer in self.evidence.answers)

    def to_json(self) -> dict[str, Any]:
        """Every number, as in ``report.json``."""
        from locum.report.json import to_json

        return to_json(self.evidence, self.context)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the report: a page for ``.html``, every number for ``.json``. All or nothing.

        Raises
        ------
        UsageError
            For another suffix.
        FolderError
            When the place cannot be written.
        """
        from locum.files.atomic import write_text

        final = Path(path)
        if final.suffix.lower() not in (".html", ".htm", ".json"):
            raise UsageError(
                f"a report cannot be written as {final.suffix or 'a file without suffix'!r}",
                where=str(path),
                expected="a name ending in .html or .json",
            )
        write_text(final, self.page() if final.suffix.lower() != ".json" else self._json_text())
        return final

    def page(self) -> str:
        """The report as one HTML page that needs no network."""
        from locum.report.html import render

        return render(self.evidence, self.context)

    def _json_text(self) -> str:
        import json

        return json.dumps(self.to_json(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"

    def __str__(self) -> str:
        return as_text(self.evidence.answers, self.evidence.uses)

    def __repr__(self) -> str:
        return f"<Evaluation {as_line(self.evidence.answers)}>"

    def _repr_html_(self) -> str:
        return as_html(
            self.evidence.answers, "found.save('report.html') writes the whole report.", self.evidence.uses
        )


def evaluate(
    real: Any,
    synthetic: Any,
    *,
    holdout: Any = None,
    schema: Schema | None = None,
    target: str | None = None,
    protected: Sequence[str] = (),
    require: Requirements | Mapping[str, Any] | None = None,
    effort: str = EVALUATE_EFFORT,
    by: Sequence[str | Sequence[str]] = (),
    shift: Sequence[str] = (),
    canaries: str | os.PathLike[str] | None = None,
    title: str | None = None,
    seed: int = DEFAULT_SEED,
    progress: Listener = silent,
) -> Evaluation:
    """Judge any synthetic table against the real one it stands for, whoever made it.

    Parameters
    ----------
    real
        The rows that the generator learned from: path or table.
    synthetic
        The rows to judge, with the same columns in any order. Columns that only one table has, or that hold
        other kinds of values, are left out and named in ``.notes``; no limit passes then.
    holdout
        Real rows that the generator has never seen. Without them only exact copies beyond chance are told.
        Rows that repeat rows of `real` more than chance explains are left out, with a warning.
    schema
        What the columns are; None detects it from `real`.
    target
        Column to be predicted; None tries several columns.
    protected
        Columns that name groups.
    require
        Limits on results, e.g. ``{"c2st.max": 0.6, "utility.kept.min": 0.9}``; None takes those of a
        ``locum.toml`` beside the data. See ``.passed`` and ``.evidence.requirements`` of what is returned.
    effort
        How much the attacks spend: ``quick``, ``standard`` (about 20 CPU-seconds on 40,000 rows) or
        ``thorough``. What was not tried is said in the result ``attack.worst``.
    by, shift
        Small groups, and other populations, on which a model trained on the synthetic rows is tested, as for
        `subgroups`; needs a hold-out and a target. See ``.evidence.thin``.
    canaries
        Key file that `plant` wrote; `real` is then the copy with canaries, which the generator learned from.
    title
        Heads the page; None takes the name of the file, and ``table`` for a table in memory.
    seed
        Same seed, same numbers.
    progress
        Called with an `Event` now and then.

    Returns
    -------
    Evaluation
        ``print()`` it for five sentences, ``.save("report.html")`` for the page, ``.evidence`` for numbers.

    Raises
    ------
    UsageError
        When the target or a protected column is not in the real table.
    DataError
        When a table cannot be read, the target or a protected column is missing, no column is shared, or the
        target is constant.
    """
    from locum.evaluation.attacks.suite import check_effort

    check_seed(seed)
    check_effort(effort)
    if (by or shift) and holdout is None:
        raise UsageError(
            "groups cannot be tested without real rows that the generator never saw",
            where="by",
            do="give a hold-out, or leave --by and --shift out",
        )
    if synthetic is None:
        raise UsageError("no rows to be judged were named", where="synthetic", do="name a file or frame")
    progress(Event("read", 0, 3))
    config = find_config(RunRequest(data=real))[0] if schema is None else None
    if require is None:
        require = config.require if config else {}
    wanted_limits = requirements(require).under(config.require.rules if config else ())
    raw = read_table(real, **(config.reading if config else {}))
    wanted = RunRequest(data=real, target=target, protected=several(protected), schema=schema)
    schema, _ = refine_schema(wanted, raw, config)
    tables = [None if source is None else read_table(source) for source in (synthetic, holdout)]
    progress(Event("read", 2, 3))
    whose = schema.entity
    train, (made, held), schema, unmatched, notes = align_tables(raw, schema, tables)
    if schema.entity != whose:
        notes.append(
            f"Several rows belong to one {whose}, which one of the tables does not have: rows are judged as "
            "if each were somebody else's, so copies of persons are not looked for."
        )
    assert made is not None
    check_target(train, schema, schema.target)
    schema = find_rules(wanted, config, train, schema)
    notes += [
        f"{word} is stamped as made by a generator, not as real rows: {t.lineage}."
        for word, t in (("The table given as real", raw), ("The hold-out", tables[1]))
        if t is not None and t.lineage is not None and t.lineage.depth > 0
    ]
    notes += [f"{t.name}: {note}" for t in (raw, *tables) if t is not None for note in t.notes]
    bare = "" if tables[0] is None else uncovered_warning(tables[0].lineage, tables[0].name)
    notes += [bare] if bare else []
    birds = None
    if canaries is not None:
        from locum.runs.plant import load_canaries, need_planted

        birds = load_canaries(canaries, schema)
        need_planted(birds, train, schema, raw.name)
    evidence = judge(
        train,
        made,
        schema,
        holdout=held,
        seed=seed,
        effort=effort,
        canaries=birds,
        progress=progress,
    )
    stamp = None if tables[0] is None else tables[0].lineage
    evidence = replace(evidence, answers=with_stamp(evidence.answers, stamp))
    if by or shift:
        assert held is not None
        evidence = replace(evidence, thin=_thin_groups(made, held, schema, by, shift, seed, progress))
    evidence = mark_incomplete(evidence, unmatched, len(schema) + len(unmatched), wanted_limits)
    evidence = replace(
        evidence, alerts=(*evidence.alerts, *(Alert("note", schema.name, text) for text in notes))
    )
    notes = [*(f"{a.column!r} was not compared: {a.reason}." for a in unmatched), *notes]
    context = RunContext(
        title=title or raw.name,
        created=now(),
        settings={"seed": seed, "target": schema.target},
        versions=versions(),
        lineage=stamp,
    )
    return Evaluation(evidence, context, schema, tuple(notes))


def _thin_groups(
    made: pa.Table,
    held: pa.Table,
    schema: Schema,
    by: Sequence[str | Sequence[str]],
    shift: Sequence[str],
    seed: int,
    progress: Listener,
) -> Subgrouping:
    """A model trained on the synthetic rows, tested on small groups of the hold-out."""
    from locum.evaluation.subgroups.model import Examined, examine, target_column, train_score, with_target
    from locum.synthesizer.refit import Refit

    if schema.target is None:
        raise UsageError(
            "groups are tested by a model, and nobody said what it predicts",
            where="target",
            do="name the column with --target",
        )
    target = target_column(schema.target, schema, held)
    words = f"boosted trees trained on {made.num_rows:,} synthetic rows"
    score = train_score(made, schema, target, seed)
    asked = Examined(
        schema.name,
        words,
        without_data_bounds(schema),
        target,
        score,
        with_target(held, target),
        group_columns(by, schema.names),
        (shift,) if isinstance(shift, str) else tuple(shift),
    )
    return examine(asked, Refit(), seed=seed, listener=progress)


def evaluate_files(
    real: Path,
    synthetic: Path,
    *,
    out: Path | None = None,
    progress: Listener = silent,
    **asked: Any,
) -> Evaluation:
    """Evaluate files as `evaluate` does, with the report in a folder, new or empty.

    Raises
    ------
    LocumError
        As `evaluate` and `save_folder`.
    """
    if out is not None:
        refuse_taken(out)
    found = evaluate(real, synthetic, progress=progress, **asked)
    if out is not None:
        save_folder(found, out)
    return found


def save_folder(evaluation: Evaluation, folder: Path) -> Path:
    """Write ``report.html`` and ``report.json`` into a folder, new or empty.

    Raises
    ------
    FolderError
        When it holds something already, or cannot be written to.
    """
    refuse_taken(folder)
    make_folder(folder)
    evaluation.save(folder / REPORT)
    evaluation.save(folder / REPORT_JSON)
    return folder


def judge(
    train: pa.Table,
    synthetic: pa.Table,
    schema: Schema,
    *,
    holdout: pa.Table | None,
    seed: int,
    rows: int | None = None,
    log_prob: Callable[[pa.Table], Any] | None = None,
    effort: str = DEFAULT_EFFORT,
    refit: Fit | None = None,
    canaries: Canaries | None = None,
    progress: Listener = silent,
) -> Evidence:
    """Evidence about canonical tables; of each, at most `rows` rows drawn by the seed are looked at."""
    from locum.evaluation.attacks.suite import check_effort
    from locum.evaluation.evaluate import evaluate as study
    from locum.synthesizer.refit import Refit

    return study(
        thin(train, rows, seed, "train"),
        thin(synthetic, rows, seed, "synthetic"),
        schema=schema,
        holdout=None if holdout is None or not holdout.num_rows else thin(holdout, rows, seed, "holdout"),
        target=schema.target,
        protected=schema.protected,
        seed=seed,
        log_prob=log_prob,
        effort=check_effort(effort),
        refit=refit,
        generator=Refit(),
        canaries=canaries,
        listener=progress,
    )


def thin(table: pa.Table, rows: int | None, seed: int, name: str) -> pa.Table:
    """At most `rows` rows of a table, in their order, drawn by the seed."""
    if rows is None or table.num_rows <= rows:
        return table
    picked = stream(seed, "pipeline", "thin", name).permutation(table.num_rows)[:rows]
    picked.sort()
    return table.take(picked)
