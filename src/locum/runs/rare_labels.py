"""Columns of which many labels are too rare to be written: what to know before they are missed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from locum.codes.settings import EncoderSettings
from locum.data.distinct import distinct
from locum.schema.table import Schema
from locum.wording import count, percent

if TYPE_CHECKING:
    import pyarrow as pa

#: Share of the rows that have such a label, or of the labels that are such, from which on it is said; fewest
#: labels for the second; most columns that are named.
_OF_ROWS, _OF_LABELS, _FEWEST, _NAMED = 0.02, 0.25, 10, 3


def rare_label_notes(table: pa.Table, schema: Schema) -> tuple[str, ...]:
    """One sentence on the columns whose rarest labels no synthetic row will have; none where they are few."""
    least = EncoderSettings().rare_rows
    dependents = {d.dependent for d in schema.dependencies}
    said = []
    for column in schema:
        if column.kind != "category" or column.levels is not None or column.name in dependents:
            continue
        held = distinct(table.column(column.name))
        counts = held.counts
        rare = counts < least
        rows, labels = int(counts[rare].sum()), int(rare.sum())
        many = labels >= max(_FEWEST, _OF_LABELS * len(counts))
        if rows and (many or rows >= _OF_ROWS * len(held.index)):
            share = percent(rows / len(held.index))
            said.append(
                (rows, f"{count(labels, 'value')} of {len(counts):,} of {column.name} ({share} of the rows)")
            )
    if not said:
        return ()
    texts = [text for _, text in sorted(said, reverse=True)]
    listed = "; ".join(texts[:_NAMED]) + ("; ..." if len(texts) > _NAMED else "")
    return (
        f"Not written, because fewer than {least} rows have them and each could be a person: {listed}. "
        "Synthetic rows have the more frequent values instead.",
    )
