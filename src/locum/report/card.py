"""``card.md``: what goes along with the synthetic rows when they leave the house.

The layout is that of a Hugging Face data card: a YAML head, then Markdown. Nothing in it was computed from
real rows: no score, no bound or level that was read from the data, no row count of the real table, no path.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence

from locum.evaluation.evidence import RunContext
from locum.report.words import KINDS, moment, visible
from locum.schema.column import Column
from locum.schema.table import Schema
from locum.wording import whole

#: Size classes of the hub, upper ends exclusive.
_SIZES = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
    (100_000_000, "10M<n<100M"),
    (1_000_000_000, "100M<n<1B"),
)

_FAILURES = (
    "- Rules between columns hold only where they were declared; others may be broken in single rows.",
    "- Levels that are rare in the real rows may be absent, or pooled under another name.",
)


def render_card(
    schema: Schema,
    context: RunContext,
    *,
    rows: int,
    files: Sequence[str] = ("synthetic.csv",),
    guarantee: str = "",
    purpose: str = "",
    contact: str = "",
) -> str:
    """The data card as Markdown text.

    Parameters
    ----------
    schema
        Columns of the synthetic table. Bounds are shown only where they were declared or are public.
    context
        How it was made; only title, time, synthesizer and the version of locum are used, never the command
        or the settings, which may hold paths and facts about the real rows.
    rows
        Number of synthetic rows.
    files
        Names of the data files beside the card.
    guarantee
        The guarantee of privacy in one sentence; empty says that there is none.
    purpose, contact
        The publisher's words; empty leaves a line to be filled in.

    Notes
    -----
    Names from the data are escaped for Markdown and YAML. Real column names are in it: they are part of the
    synthetic table too. Purpose, contact and licence are lines for the publisher to fill in.
    """
    parts = [
        _head(schema, context, rows, files),
        f"# {_text(context.title)}: synthetic rows",
        _making(context, rows, schema, guarantee),
        _section(
            "Purpose",
            [_text(purpose, 2000) if purpose else "_To be filled in: what these rows were made for._"],
        ),
        _section("Columns", _columns(schema, bool(guarantee))),
        _section("Limits", _limits(schema)),
        _section("Use", _uses(schema)),
        _section("Not for", _non_uses(guarantee)),
        _section("Known failures", _FAILURES),
        _section("Scores", ["None are given: scores against real rows say something about the real rows."]),
        _section("Contact", [_text(contact, 2000) if contact else "_To be filled in._"]),
    ]
    return "\n\n".join(parts) + "\n"


def _head(schema: Schema, context: RunContext, rows: int, files: Sequence[str]) -> str:
    """YAML between dashes. Texts are JSON strings, which YAML reads as they are."""
    lines = [
        "---",
        f"pretty_name: {_quote(visible(context.title, 120) + ' (synthetic)')}",
        'license: "unknown"',
        "tags:",
        "- synthetic",
        "- tabular",
        "- locum",
        "size_categories:",
        f"- {_quote(size_category(rows))}",
    ]
    if schema.target is not None:
        task = "tabular-regression" if schema[schema.target].ordered else "tabular-classification"
        lines += ["task_categories:", f"- {task}"]
    if files:
        lines += ["configs:", "- config_name: default", "  data_files:"]
        lines += [f"  - {_quote(name)}" for name in files]
    if context.lineage is not None:
        lines.append(f"locum_lineage: {json.dumps(context.lineage.to_json(), sort_keys=True)}")
    return "\n".join([*lines, "---"])


def size_category(rows: int) -> str:
    """Size class of the hub.

    >>> size_category(999), size_category(36_631)
    ('n<1K', '10K<n<100K')
    """
    return next((name for end, name in _SIZES if rows < end), "n>1B")


def _making(context: RunContext, rows: int, schema: Schema, guarantee: str) -> str:
    maker = _text(f"locum {context.versions.get('locum', '')}".strip())
    ancestry = ""
    if context.lineage is not None:
        ancestry = (
            f" Lineage: {context.lineage}. Whoever trains a generator on these rows should read what "
            "happens when generators learn from generators: rare cases go first."
        )
    how = f" with {_text(context.synthesizer.rstrip('.'))}" if context.synthesizer else ""
    return (
        f"{whole(rows)} synthetic rows with {whole(len(schema))} columns, made "
        f"{_text(moment(context.created))} by {maker}{how}. Every row was drawn from a model that was fitted "
        f"to {_origin(context)}; none is meant to describe a real person or thing.{ancestry}\n\n"
        + (
            f"**Differential privacy.** {_text(guarantee, 1000)}"
            if guarantee
            else "**No guarantee of privacy was made.** The model read real rows without differential "
            "privacy."
        )
    )


def _origin(context: RunContext) -> str:
    """What the model was fitted to, as far as the stamp of the data says."""
    lineage = context.lineage
    if lineage is None or lineage.depth <= 1:
        return "real rows"
    return "rows that another generator had made" if lineage.real == 0 else "real rows and rows of generators"


def _columns(schema: Schema, private: bool) -> list[str]:
    lines = ["| Column | Kind | May be missing | Notes |", "|---|---|---|---|"]
    for column in schema:
        kind = KINDS.get(column.kind, column.kind)
        missing = "yes" if column.nullable else "no"
        lines.append(f"| {_text(column.name)} | {kind} | {missing} | {_notes(column, schema, private)} |")
    return lines


def _notes(column: Column, schema: Schema, private: bool) -> str:
    """Roles and declared facts; nothing that was read from the rows."""
    notes = []
    if column.name == schema.target:
        notes.append("target")
    if column.name in schema.protected:
        notes.append("protected")
    if column.regenerated:
        notes.append("made afresh, not learned")
    for dependency in schema.dependencies:
        if dependency.dependent == column.name:
            noisy = " (pairs that are not public were found under noise, and may be wrong)"
            notes.append(f"follows from {_text(dependency.determinant)}{noisy if private else ''}")
    bounds = column.bounds
    if bounds is not None and bounds.source in ("declared", "public"):
        notes.append(f"{bounds.source} range {_text(bounds.low)} to {_text(bounds.high)}")
    if column.timezone:
        notes.append(f"time zone {_text(column.timezone)}")
    return "; ".join(notes)


def _limits(schema: Schema) -> list[str]:
    afresh = [c.name for c in schema if c.regenerated]
    lines = [
        "- Shares, averages and relations are estimates, least certain for small groups and rare cases.",
        "- Standard errors computed as if these were real rows are too small.",
        "- Relations between rows (repeated visits, households, time series) are not kept.",
        "- Faults and biases of the real rows are copied along with everything else.",
    ]
    if afresh:
        lines.append(f"- Made afresh and related to nothing: {', '.join(_text(name) for name in afresh)}.")
    return lines


def _uses(schema: Schema) -> list[str]:
    lines = [
        "- Developing and testing software and analyses before access to the real rows.",
        "- Teaching and demonstrations.",
    ]
    if schema.target is not None:
        lines.append(f"- Trying out models that predict {_text(schema.target)}; confirm on real rows.")
    return lines


def _non_uses(guarantee: str) -> list[str]:
    lines = [
        "- Decisions about persons.",
        "- Published findings that were not confirmed on real rows.",
        "- Looking for real persons, or treating a row as if it described one.",
    ]
    if not guarantee:
        lines.append("- Any setting that asks for a formal guarantee of privacy.")
    return lines


def _section(heading: str, lines: Iterable[str]) -> str:
    return f"## {heading}\n\n" + "\n".join(lines)


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _text(value: object, limit: int = 200) -> str:
    """Text from outside, on one line, with everything that Markdown or HTML would read taken literally."""
    shown = visible(value, limit).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_\[\]|#~])", r"\\\1", shown)
