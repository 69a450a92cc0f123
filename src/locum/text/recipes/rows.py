"""Rows of a table by a language model shown a few real ones, then curated by a learner of those (CLLM)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from locum.errors import DataError
from locum.evaluation.curation import UNCERTAINTY, Curated, curate
from locum.schema.column import Column, Kind
from locum.schema.table import Schema
from locum.text.failures import Lost, Reason, Stop
from locum.text.plan.structured import read_json
from locum.text.recipes.kit import Kit, Row, need

if TYPE_CHECKING:
    import pyarrow as pa


async def few_shot_rows(
    kit: Kit,
    real: pa.Table,
    target: str,
    rows: int,
    *,
    about: str = "",
    shown: int = 8,
    tries: int = 4,
    uncertainty: float | None = UNCERTAINTY,
) -> tuple[list[Row], Curated | None]:
    """New rows for a small table.

    Parameters
    ----------
    kit
        Model, seed and counts. **The real rows are in the prompts**: use a model that may see them.
    real
        Canonical table of columns of text, numbers and truth values, without nulls in `target`.
    target
        The label, drawn evenly over its values.
    rows
        Rows wanted before curation.
    about
        What the table is, in words.
    shown
        Real rows in each prompt, with the wanted label where there are enough; 20 in the paper.
    tries
        Attempts at most, in multiples of `rows`.
    uncertainty
        Of the curator, as in `locum.evaluation.curation.curate`.

    Returns
    -------
    tuple
        Rows kept by `locum.evaluation.curation.curate`, and what it said of all rows made, if any.

    Raises
    ------
    DataError
        When a column has another type, or `target` has no values.

    Notes
    -----
    Source: Seedat et al. 2023, CLLM (arXiv 2312.12112). Values must lie in the range of the real column,
    texts among its values; a row equal to a real one is dropped.
    """
    records = real.to_pylist()
    need(records, "real rows", 2)
    schema, labels = _schema(real, target), sorted({str(r[target]) for r in records if r[target] is not None})
    if not labels:
        raise DataError("the target has no values", where=target)
    known = {json.dumps(record, sort_keys=True) for record in records}
    made: list[Row] = []

    def new(row: Row) -> bool:
        count = len(known)
        known.add(json.dumps(row, sort_keys=True))
        return len(known) > count

    async def one(attempt: int) -> Row:
        label = labels[attempt % len(labels)]
        same = [record for record in records if str(record[target]) == label]
        few = kit.some(same if len(same) >= 2 else records, shown, "rows", attempt)
        limited = {**schema, "properties": {**schema["properties"], target: {"enum": [same[0][target]]}}}
        write = _go_on if kit.engine.spec(kit.model).embedded else _ask
        row = await write(kit, about, few, limited, target, attempt)
        row = {name: row[name] for name in real.column_names}
        if json.dumps(row, sort_keys=True) in known:
            raise Lost(Reason.DUPLICATE, "a real row, or one made before", stage="dedup")
        return row

    try:
        async for row in kit.several(rows * tries, one, new=new, reason=Reason.DUPLICATE):
            made.append(row)
            if len(made) >= rows:
                break
    except (asyncio.CancelledError, Stop):
        _curate(kit, real, made, target, uncertainty)  # what was made before a cap counts
        raise
    return _curate(kit, real, made, target, uncertainty)


def _curate(
    kit: Kit, real: pa.Table, made: Sequence[Row], target: str, uncertainty: float | None
) -> tuple[list[Row], Curated | None]:
    """The rows that curation keeps, and what it said; nothing where no rows were made."""
    import pyarrow as pa

    if not made:
        return [], None
    columns = [Column(f.name, "category" if f.name == target else _kind(f.type)) for f in real.schema]
    rows = pa.Table.from_pylist(list(made), schema=real.schema)
    judged = curate(real, rows, Schema(tuple(columns)), target, seed=kit.seed, uncertainty=uncertainty)
    kept = []
    for row, good in zip(made, judged.kept, strict=True):
        if good:
            kept.append(kit.keep(row))
        else:
            kit.lose("curate", "the label is surely wrong")
    return kept, judged


def _kind(of: pa.DataType) -> Kind:
    import pyarrow as pa

    if pa.types.is_boolean(of):
        return "boolean"
    return "category" if pa.types.is_string(of) else "integer" if pa.types.is_integer(of) else "number"


async def _ask(kit: Kit, about: str, few: Sequence[Row], schema: Row, target: str, attempt: int) -> Row:
    listed = "\n".join(json.dumps(record) for record in few)
    prompt = (
        f"{about}\nHere are rows of a table:\n{listed}\nWrite one more row, different from these, as JSON."
    )
    most = 30 * len(schema["properties"])
    row: Row = await kit.fill(prompt.lstrip(), schema, "rows", attempt, max_tokens=most)
    return row


async def _go_on(kit: Kit, about: str, few: Sequence[Row], schema: Row, target: str, attempt: int) -> Row:
    """The list of rows goes on after the label: told to write a row, a small model copies one of them."""
    label = schema["properties"][target]["enum"][0]
    lines = [json.dumps({target: record[target], **record}) for record in few]
    begun = json.dumps({target: label})[:-1] + ","
    prompt = "\n".join([*([about] if about else []), *lines, begun])
    text = await kit.go_on(prompt, "rows", attempt, max_tokens=20 * len(schema["properties"]), stop=["\n"])
    row: Row = read_json(f"{begun} {text}", schema)
    return row


def _schema(real: pa.Table, target: str) -> dict[str, Any]:
    import pyarrow as pa
    import pyarrow.compute as pc

    properties: dict[str, Any] = {}
    for name in real.column_names:
        kind, column = real.schema.field(name).type, real[name]
        if pa.types.is_boolean(kind):
            properties[name] = {"type": "boolean"}
        elif pa.types.is_string(kind):
            values = sorted(v for v in pc.unique(column).to_pylist() if v is not None)
            properties[name] = {"enum": values} if len(values) <= 50 else {"type": "string", "maxLength": 80}
        elif pa.types.is_integer(kind) or pa.types.is_floating(kind):
            ends = pc.min_max(column).as_py()
            word = "integer" if pa.types.is_integer(kind) else "number"
            properties[name] = {"type": word, "minimum": ends["min"], "maximum": ends["max"]}
        else:
            raise DataError(f"a column of {kind}", where=name, expected="text, numbers or truth values")
    closed = {"required": list(real.column_names), "additionalProperties": False}
    return {"type": "object", "properties": properties, **closed}
