"""Evidence about synthetic texts in files: reading, judging, writing the page."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from locum.data.lineage_stamp import stamp_of
from locum.errors import UsageError
from locum.evaluation.evidence import Answer
from locum.evaluation.result import Result, plain
from locum.evaluation.text.attributes import attributes as judge_attributes
from locum.evaluation.text.attributes import plan_agreement
from locum.evaluation.text.canaries import PLANTED, TextCanaries, find, make, places
from locum.evaluation.text.evaluate import answers, judge
from locum.evaluation.text.trial import TextTrial
from locum.files.atomic import write_text
from locum.randomness import check_seed, stream
from locum.runs.out_folder import study_folder, write_study
from locum.runs.tables import need_column, read_table
from locum.runs.versions import now
from locum.schema.lineage import uncovered_warning

if TYPE_CHECKING:
    import pyarrow as pa

PAGE = "text.html"


@dataclass(frozen=True, slots=True)
class TextEvidence:
    """What was found out about synthetic texts; aggregates only, no texts.

    Attributes
    ----------
    column
        The column that was judged.
    texts
        How many texts each part has, by part.
    answers, results
        As in `Evidence`.
    notes
        What a user should know besides.
    """

    column: str
    texts: Mapping[str, int]
    seed: int
    created: str
    answers: tuple[Answer, ...]
    results: tuple[Result, ...]
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "column": self.column,
            "texts": dict(self.texts),
            "seed": self.seed,
            "created": self.created,
            "answers": [{f: plain(getattr(a, f)) for f in a.__dataclass_fields__} for a in self.answers],
            "results": [r.to_json() for r in self.results],
            "notes": list(self.notes),
        }


def evaluate_text(
    real: Any,
    synthetic: Any,
    *,
    holdout: Any = None,
    column: str | None = None,
    label: str | None = None,
    attributes: str | os.PathLike[str] | None = None,
    plan: str | os.PathLike[str] | None = None,
    canaries: str | os.PathLike[str] | None = None,
    seed: int = 0,
    out: str | os.PathLike[str] | None = None,
) -> TextEvidence:
    """Judge synthetic texts against the real ones they stand for, whoever wrote them.

    Parameters
    ----------
    real, synthetic, holdout
        Files or tables. The hold-out holds real texts the generator never saw; without it nothing can be said
        about copying and no result has a verdict.
    column
        The column of texts; by default the one with the longest texts.
    label
        A column of labels, for training on synthetic texts and testing on real ones.
    attributes
        File that declares attributes (see `locum.text.private.read_attributes`); their shares are compared.
        Without it: the length in five ranges, the sentiment and two marks of style.
    plan
        The text plan by which the synthetic rows were made: its categories are held against its weights.
    canaries
        File of canaries that were planted before the generator learned (see `plant_canaries`).
    seed
        Of the judges' random choices.
    out
        Folder for the page and the numbers.

    Raises
    ------
    UsageError
        When a column is not there, or the extra ``text`` is not installed.
    DataError
        When there are too few texts.
    """
    seed = check_seed(seed)
    folder = study_folder(out, "text")
    given = {"train": real, "synthetic": synthetic, "holdout": holdout}
    tables = {name: read_table(source).table for name, source in given.items() if source is not None}
    chosen = column or _longest(tables["train"])
    texts = {name: _column(table, chosen, name) for name, table in tables.items()}
    labels = {name: _column(table, label, name) for name, table in tables.items()} if label else None
    trial = TextTrial(texts["train"], texts["synthetic"], texts.get("holdout"), labels, seed)
    results = (
        *judge(trial),
        *_attributes(texts, tables, attributes, seed),
        *_planned(plan, tables["synthetic"]),
        *_canaries(canaries, texts),
    )
    bare = uncovered_warning(stamp_of(synthetic), "what is judged")
    found = TextEvidence(
        chosen,
        {n: len(t) for n, t in texts.items()},
        seed,
        now(),
        answers(trial, results),
        results,
        (bare,) if bare else (),
    )
    if folder is not None:
        save(found, folder)
    return found


def plant_canaries(
    real: str | os.PathLike[str],
    planted: str | os.PathLike[str],
    keys: str | os.PathLike[str],
    *,
    column: str | None = None,
    count: int = PLANTED,
    copies: int = 1,
    seed: int | None = None,
) -> TextCanaries:
    """Write a copy of a table with canaries in it, and the file that tells them.

    Parameters
    ----------
    real
        The texts that a generator is to learn from.
    planted
        The copy, ``.jsonl`` or ``.csv``; other columns of a canary are those of a random row. It and what a
        generator makes of it are for the test only.
    keys
        JSON file for `evaluate_text`; keep it from the generator.
    column, count, copies, seed
        Column of texts, canaries, how often each goes in, seed of texts and places (None: a fresh one).

    Raises
    ------
    UsageError
        When the column is not there, a number cannot be, or the copy has another ending.
    """
    seed = check_seed(seed)
    where = Path(planted)
    if where.suffix.lower() not in (".jsonl", ".csv"):
        raise UsageError(
            "the copy has another form", where=str(where), expected="a name that ends with .jsonl or .csv"
        )
    table = read_table(real).table
    chosen = column or _longest(table)
    made = make(_column(table, chosen, "real"), seed=seed, planted=count, copies=copies)
    rows = table.to_pylist()
    host = stream(seed, "text", "canaries", "hosts").integers(len(rows), size=len(made.planted))
    out = []
    for k in places(len(rows), made, seed):
        row = dict(rows[k] if k >= 0 else rows[int(host[-1 - k])])
        out.append(row if k >= 0 else {**row, chosen: made.planted[-1 - k]})
    if where.suffix.lower() == ".jsonl":
        body = "".join(json.dumps(r, ensure_ascii=False, default=str) + "\n" for r in out)
    else:
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, list(table.column_names), lineterminator="\n")
        writer.writeheader()
        writer.writerows(out)
        body = text.getvalue()
    write_text(where, body)
    write_text(Path(keys), json.dumps(made.to_json(), ensure_ascii=False) + "\n")
    return made


def _attributes(
    texts: Mapping[str, list[str]], tables: Mapping[str, pa.Table], declared: Any, seed: int
) -> list[Result]:
    from locum.text.private.attributes import Asked, LengthAttribute, SentimentAttribute, Style
    from locum.text.private.read_attributes import load_attributes, read_attributes

    plain = (
        LengthAttribute("length"),
        SentimentAttribute("sentiment"),
        Style("exclaims", "exclaims"),
        Style("asks", "asks"),
    )
    found = plain if declared is None else load_attributes(declared)
    if any(isinstance(a, Asked) for a in found):
        raise UsageError(
            "an attribute asks a model, which is not done here", where="--attributes", do="leave it out"
        )
    read = {p: read_attributes(t, found, records=tables[p].to_pylist()).to_pydict() for p, t in texts.items()}
    return judge_attributes({a.name: {p: read[p][a.name] for p in read} for a in found}, seed)


def _planned(path: Any, table: pa.Table) -> list[Result]:
    """Categories of the plan that the rows have as columns; those with conditions have no fixed shares."""
    if path is None:
        return []
    from locum.text.plan.columns import Category
    from locum.text.plan.toml import load_plan

    out = []
    for column in load_plan(path).columns:
        if isinstance(column, Category) and not column.when and column.name in table.column_names:
            weights = column.weights or (1.0,) * len(column.values)
            asked = {str(v): float(w) for v, w in zip(column.values, weights, strict=True)}
            found = plan_agreement(column.name, _column(table, column.name, "synthetic"), asked)
            out += [found] if found is not None else []
    return out


def _canaries(path: Any, texts: Mapping[str, list[str]]) -> list[Result]:
    if path is None:
        return []
    from locum.files.json import load

    try:
        told = load(Path(path).read_bytes(), str(path))
    except OSError as error:
        raise UsageError("the file cannot be read", where=str(path), do="check the path") from error
    return find(TextCanaries.from_json(told), texts["synthetic"], reference=texts.get("holdout"))


def save(found: TextEvidence, folder: Path) -> Path:
    """Write the page and the numbers into a folder; each all or nothing."""
    from locum.text.judge.page import render

    page = render(found.column, found.texts, found.created, found.answers, found.results)
    return write_study(folder, "text", page, found.to_json())


def _column(table: pa.Table, name: str, where: str) -> list[str]:
    need_column(name, table.column_names, where=where)
    return ["" if v is None else str(v) for v in table.column(name).to_pylist()]


def _longest(table: pa.Table) -> str:
    """The column whose texts are longest on average, among those of text."""
    import pyarrow as pa
    import pyarrow.compute as pc

    lengths: dict[str, float] = {
        name: pc.mean(pc.utf8_length(table.column(name).cast(pa.string()))).as_py() or 0.0
        for name in table.column_names
        if pa.types.is_string(table.schema.field(name).type)
        or pa.types.is_large_string(table.schema.field(name).type)
    }
    if not lengths:
        raise UsageError("the table has no column of text", where="column", do="name it with --column")
    return max(lengths, key=lambda name: lengths[name])
