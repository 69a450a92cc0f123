"""Keys: columns and pairs of columns in which no two rows are alike, though by chance some would be."""

from __future__ import annotations

from collections.abc import Collection
from itertools import combinations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from locum.control.rules.chance import LEAST, limit
from locum.control.rules.clause import rule_clauses
from locum.control.rules.proposal import RuleProposal
from locum.control.rules.shapes.sheet import Sheet
from locum.control.rules.whole_table import join_codes, rows_against, rows_in_support
from locum.control.where.names import Names, sort_of
from locum.control.where.token import quote
from locum.schema.column import Column


def keys(sheet: Sheet, defined: Collection[str]) -> tuple[list[RuleProposal], int]:
    """Keys ``unique(a)`` and ``unique(a, b)``, and how many were tried.

    Notes
    -----
    One column: under independence two rows are alike with the chance of one in the number of different values
    that its range holds (whole numbers, dates), or of labels one in the number of levels, so a key of labels
    is a key by its numbers alone. Two columns: with the product of the shares of pairs of rows that agree in
    each. So many pairs of rows without one that is alike must be less likely than the limit (Poisson).
    """
    n = sheet.table.num_rows
    names = [
        c.name for c in sheet.schema if c.kind not in ("text", "boolean") and not c.kind.startswith("pii")
    ]
    out: list[RuleProposal] = []
    single: set[str] = set()
    for name in names:
        if len(sheet.levels[name]) == int(sheet.present(name).sum()) >= min(LEAST, sheet.n) and _never_twice(
            sheet.table, name
        ):
            single.add(name)
            if (
                sheet.schema[name].kind != "id"
                and name not in defined
                and _expected(sheet, name) > -limit(len(names))
            ):
                support = n - sheet.table.column(name).null_count
                out.append(RuleProposal(f"unique({quote(name)})", "unique", support, 0))
    rest = [
        c
        for c in names
        if c not in single
        and c not in defined
        and sort_of(sheet.schema[c]) != "span"
        and sheet.schema[c].kind != "number"
    ]
    alike = {c: _alike(sheet, c) for c in rest}
    tried = len(names) + len(rest) * (len(rest) - 1) // 2
    for a, b in combinations(rest, 2):
        if n * (n - 1) / 2 * alike[a] * alike[b] < -limit(tried):
            continue
        both = sheet.present(a) & sheet.present(b)
        key = join_codes([sheet.codes[a], sheet.codes[b]])[both]
        if len(np.unique(key)) < len(key) or len(key) < LEAST:
            continue
        text = f"unique({quote(a)}, {quote(b)})"
        [clause] = rule_clauses(text, Names(sheet.schema))
        if not rows_against(clause, sheet.table).any():
            out.append(RuleProposal(text, "unique", rows_in_support(clause, sheet.table), 0))
    return out, tried


def _expected(sheet: Sheet, name: str) -> float:
    """Pairs of rows that chance would have made alike."""
    column: Column = sheet.schema[name]
    n = float(sheet.table.num_rows - sheet.table.column(name).null_count)
    pairs = n * (n - 1) / 2
    if not column.ordered:
        return pairs / n
    data = sheet.data[name]
    width = float(np.nanmax(data)) - float(np.nanmin(data))
    steps = {"date": 86_400e6, "datetime": 1e6, "duration": 1e6}
    step = steps.get(column.kind, 2 * sheet.half_unit(name))
    return pairs / (width / step + 1) if step else 0.0


def _alike(sheet: Sheet, name: str) -> float:
    """Share of pairs of rows that agree."""
    counts = np.bincount(sheet.codes[name][sheet.present(name)]).astype(float)
    rows = counts.sum()
    return float((counts * (counts - 1)).sum() / max(1.0, rows * (rows - 1)))


def _never_twice(table: pa.Table, name: str) -> bool:
    values = table.column(name)
    return bool(pc.count_distinct(values, mode="only_valid").as_py() == len(values) - values.null_count)
