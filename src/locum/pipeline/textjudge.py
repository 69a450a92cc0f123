"""Evidence about synthetic texts in files: reading, judging, writing the page."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from locum.atomic import folder_error, write_text
from locum.errors import UsageError
from locum.evidence.evidence import Answer
from locum.evidence.result import Result, plain
from locum.metrics.text.judges import answers, judge
from locum.metrics.text.trial import TextTrial
from locum.pipeline.judge import now
from locum.pipeline.mix import own_folder
from locum.pipeline.tables import need_column, read_table
from locum.randomness import check_seed

if TYPE_CHECKING:
    import pyarrow as pa

PAGE, NUMBERS = "text.html", "text.json"


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
    """

    column: str
    texts: Mapping[str, int]
    seed: int
    created: str
    answers: tuple[Answer, ...]
    results: tuple[Result, ...]

    def to_json(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "column": self.column,
            "texts": dict(self.texts),
            "seed": self.seed,
            "created": self.created,
            "answers": [{f: plain(getattr(a, f)) for f in a.__dataclass_fields__} for a in self.answers],
            "results": [r.to_json() for r in self.results],
        }


def evaluate_text(
    real: Any,
    synthetic: Any,
    *,
    holdout: Any = None,
    column: str | None = None,
    label: str | None = None,
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
    folder = None if out is None else own_folder(Path(out), {PAGE, NUMBERS})
    given = {"train": real, "synthetic": synthetic, "holdout": holdout}
    tables = {name: read_table(source).table for name, source in given.items() if source is not None}
    chosen = column or _longest(tables["train"])
    texts = {name: _column(table, chosen, name) for name, table in tables.items()}
    labels = {name: _column(table, label, name) for name, table in tables.items()} if label else None
    trial = TextTrial(texts["train"], texts["synthetic"], texts.get("holdout"), labels, seed)
    results = judge(trial)
    found = TextEvidence(
        chosen, {n: len(t) for n, t in texts.items()}, seed, now(), answers(trial, results), results
    )
    if folder is not None:
        save(found, folder)
    return found


def save(found: TextEvidence, folder: Path) -> None:
    """Write the page and the numbers into a folder; each all or nothing."""
    from locum.report.textual import render

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise folder_error(error, folder) from error
    page = render(found.column, found.texts, found.created, found.answers, found.results)
    write_text(folder / PAGE, page)
    write_text(folder / NUMBERS, json.dumps(found.to_json(), indent=1, allow_nan=False) + "\n")


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
