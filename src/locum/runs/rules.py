"""The rules of a table as people see them: how many rows speak for each, and how rows are made to keep it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from locum.schema.table import Schema
from locum.wording import count, shortened

if TYPE_CHECKING:
    import pyarrow as pa

    from locum.control.rules.clause import Clause

#: Rules that a note names.
NAMED = 2
#: How a rule is kept that no recoding keeps, and one that nearly all rows keep.
AGAIN, MOVED, NEARLY = (
    "rows that break it are drawn again",
    "values that repeat are moved or drawn again",
    "as often as in the data",
)


@dataclass(frozen=True, slots=True)
class RuleLine:
    """One rule of a table.

    Attributes
    ----------
    rule
        Its text.
    support, against
        Rows that speak for it, and rows that break it.
    how
        How rows are made to keep it, in a few words.
    """

    rule: str
    support: int
    against: int
    how: str

    def to_json(self) -> dict[str, Any]:
        """JSON-ready dictionary."""
        return {"rule": self.rule, "support": self.support, "against": self.against, "how": self.how}


def rule_lines(table: pa.Table, schema: Schema) -> tuple[RuleLine, ...]:
    """One line for each rule of a schema, in its order; those that nearly all rows keep come last.

    Parameters
    ----------
    table
        The rows, canonical.
    schema
        Columns and rules.
    """
    from locum.control.layout.plan import lay_out
    from locum.control.rules.clause import rule_clauses
    from locum.control.where.names import Names

    names = Names(schema)
    how = {text: r.how for r in lay_out(table, schema) for text in r.rules}
    lines = []
    for text in schema.rules:
        clauses = rule_clauses(text, names)
        for_it, against = _counts(clauses, table)
        other = MOVED if any(c.term.op == "unique" for c in clauses) else AGAIN
        lines.append(RuleLine(text, for_it, against, how.get(text, other)))
    for text in schema.near_rules:
        for_it, against = _counts(rule_clauses(text, names), table)
        lines.append(RuleLine(text, for_it, against, NEARLY))
    return tuple(lines)


def _counts(clauses: list[Clause], table: pa.Table) -> tuple[int, int]:
    """Rows for and against a rule; of one with ``if`` only rows that it applies to speak for it."""
    from locum.control.rules.discover import rows_for_and_against
    from locum.control.rules.whole_table import rows_against, rows_in_support

    counted = []
    for clause in clauses:
        if clause.about_table:
            against = int(rows_against(clause, table).sum())
            counted.append((rows_in_support(clause, table) - against, against))
        else:
            counted.append(rows_for_and_against(clause, table))
    return min(support for support, _ in counted), max(against for _, against in counted)


def rule_note(schema: Schema) -> str:
    """One sentence on the rules that were found in the rows; empty without any."""
    found = [rule for rule in schema.rules if rule in schema.rules_read_off]
    if not found:
        return ""
    named = " and ".join(shortened(rule) for rule in found[:NAMED])
    more = "" if len(found) <= NAMED else ", among them"
    verb = "holds" if len(found) == 1 else "hold"
    return (
        f"{count(len(found), 'rule')} {verb} in every row and will in every synthetic one{more}: {named}. "
        "locum check lists them with how each is kept; locum init writes them down, to be changed."
    )
