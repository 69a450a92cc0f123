"""Kept rows in the forms that others read: Parquet, CSV, chat and preference lines, a Hugging Face folder."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from locum.data.lineage_stamp import metadata
from locum.files.atomic import replacing, write_text
from locum.schema.lineage import Lineage
from locum.text.plan.plan import Plan
from locum.text.runs.records import DATA, FUNNEL

_BLOCK = 2000


def export(plan: Plan, folder: Path, lineage: Lineage | None = None) -> list[str]:
    """Write the files of the plan's `export` out of ``data.jsonl``; returns their names.

    Parquet files carry `lineage`; for the others see `locum.data.lineage_stamp.write_stamp`.

    Memory is bounded by a block of 2,000 rows, but for CSV and Parquet of one block each.
    """
    columns = [column.name for column in plan.kept]
    writers: dict[str, Callable[[], list[str]]] = {
        "parquet": lambda: [_parquet(folder, "data.parquet", columns, lineage)],
        "csv": lambda: [_csv(folder, columns)],
        "chat": lambda: [_lines(folder, "chat.jsonl", lambda row: chat_row(plan, row))],
        "preference": lambda: [_lines(folder, "preference.jsonl", lambda row: preference_row(plan, row))],
        "huggingface": lambda: _hugging_face(plan, folder, columns, lineage),
    }
    return [name for form in plan.export.formats for name in writers[form]()]


def rows(folder: Path) -> Iterator[dict[str, Any]]:
    """Kept rows of a run folder, one after the other."""
    with (folder / DATA).open("rb") as lines:
        for line in lines:
            yield json.loads(line)


def chat_row(plan: Plan, row: dict[str, Any]) -> dict[str, Any]:
    """A conversation as ``{"messages": [{"role", "content"}, ...]}``."""
    roles = [("system", plan.export.system), ("user", plan.export.user), ("assistant", plan.export.assistant)]
    return {"messages": [{"role": role, "content": _text(row[name])} for role, name in roles if name]}


def preference_row(plan: Plan, row: dict[str, Any]) -> dict[str, Any]:
    """A pair as ``{"prompt", "chosen", "rejected"}``, the last two as messages."""
    chosen, rejected = _text(row[plan.export.chosen]), _text(row[plan.export.rejected])
    return {
        "prompt": [{"role": "user", "content": _text(row[plan.export.prompt])}],
        "chosen": [{"role": "assistant", "content": chosen}],
        "rejected": [{"role": "assistant", "content": rejected}],
    }


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _lines(folder: Path, name: str, form: Any) -> str:
    with replacing(folder / name) as temporary, temporary.open("wb") as out:
        for row in rows(folder):
            out.write(json.dumps(form(row), ensure_ascii=False).encode() + b"\n")
    return name


def _csv(folder: Path, columns: Sequence[str]) -> str:
    with replacing(folder / "data.csv") as path, path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(columns)
        for row in rows(folder):
            cells = [row[name] for name in columns]
            writer.writerow([_text(cell) if isinstance(cell, dict | list) else cell for cell in cells])
    return "data.csv"


def _parquet(folder: Path, name: str, columns: Sequence[str], lineage: Lineage | None) -> str:
    """Nested values and columns of mixed types become JSON text, so that every block has one schema."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = _kinds(folder, columns)
    held = None if lineage is None else metadata(lineage)
    schema = pa.schema([(name, kinds[name]) for name in columns], metadata=held)
    with replacing(folder / name) as temporary, pq.ParquetWriter(temporary, schema) as writer:
        kept = rows(folder)
        while block := list(islice(kept, _BLOCK)):
            arrays = [pa.array([_as(row[n], kinds[n]) for row in block], kinds[n]) for n in columns]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
    return name


def _kinds(folder: Path, columns: Sequence[str]) -> dict[str, Any]:
    import pyarrow as pa

    seen: dict[str, set[type]] = {name: set() for name in columns}
    for row in rows(folder):
        for name in columns:
            value = row[name]
            vector = isinstance(value, list) and value and all(type(x) is float for x in value)
            seen[name].add(list if vector else dict if isinstance(value, dict | list) else type(value))
    by_type = {
        frozenset({bool}): pa.bool_(),
        frozenset({int}): pa.int64(),
        frozenset({float}): pa.float64(),
        frozenset({int, float}): pa.float64(),
        frozenset({list}): pa.list_(pa.float32()),
    }
    return {name: by_type.get(frozenset(kinds - {type(None)}), pa.string()) for name, kinds in seen.items()}


def _as(value: Any, kind: Any) -> Any:
    import pyarrow as pa

    if value is None:
        return None
    if kind == pa.string():
        return _text(value)
    return float(value) if kind == pa.float64() else value


def _hugging_face(plan: Plan, folder: Path, columns: Sequence[str], lineage: Lineage | None) -> list[str]:
    """A folder that the ``datasets`` library loads as it is: ``data/train.parquet`` and a card."""
    (folder / "huggingface" / "data").mkdir(parents=True, exist_ok=True)
    data = _parquet(folder, "huggingface/data/train.parquet", columns, lineage)
    funnel = json.loads((folder / FUNNEL).read_text(encoding="utf-8"))
    write_text(folder / "huggingface" / "README.md", card(plan, funnel, lineage))
    return [data, "huggingface/README.md"]


def card(plan: Plan, funnel: dict[str, Any], lineage: Lineage | None = None) -> str:
    """The data card: what it is, how it was made, what was lost, what it is not good for."""
    size = funnel["kept"]
    bounds = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (10**6, "100K<n<1M"))
    bucket = next((name for limit, name in bounds if size < limit), "n>1M")
    models = sorted({f"`{spec.model}` ({spec.host})" for spec in plan.used_models().values()})
    lines = [
        "---",
        f"pretty_name: {json.dumps(plan.name)}",
        "tags:",
        "- synthetic",
        "- locum",
        "size_categories:",
        f"- {bucket}",
        "configs:",
        "- config_name: default",
        "  data_files: data/train.parquet",
        "---",
        "",
        f"# {plan.name}",
        "",
        f"{size:,} synthetic rows made by locum from a plan with seed {plan.seed}; none was observed.",
        "",
        "## Models",
        "",
        *([f"- {name}" for name in models] or ["- none"]),
        "",
        "The terms of these models may govern the use of their output; read them.",
        "",
        "## Columns",
        "",
        *(f"- `{column.name}`: {column.kind}" for column in plan.kept),
        "",
        "## Yield",
        "",
        f"{funnel['attempts']:,} attempts, {size:,} kept, {funnel['unmet']:,} rows given up.",
        "",
        *(f"- {x['attempts']:,} x {x['reason']} ({x['column'] or 'row'})" for x in funnel["lost"]),
        "",
    ]
    if lineage is not None:
        lines += [f"Lineage: {lineage}.", ""]
    if any(spec.embedded for spec in plan.used_models().values()):
        lines += ["Made with a small embedded model: for mechanics and tests, not for training.", ""]
    if plan.tainted():
        lines += ["**Derives from private sources without differential privacy: treat it as private.**", ""]
    return "\n".join(lines)
