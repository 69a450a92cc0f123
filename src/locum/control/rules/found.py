"""Rules that hold in every row of a table, added to what its schema says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from locum.control.rules.clause import rule_clauses
from locum.control.rules.discover import discover
from locum.control.where.names import Names
from locum.schema.table import Schema

if TYPE_CHECKING:
    import pyarrow as pa

    from locum.control.rules.proposal import RuleProposal


def _gives_entity(rule: str, schema: Schema) -> bool:
    """Whether a rule says what the ids of persons are, which are made anew for new persons."""
    if schema.entity is None or not schema[schema.entity].regenerated:
        return False
    clauses = rule_clauses(rule, Names(schema))
    return any(schema.entity in c.columns and c.term.op != "unique" for c in clauses)


def with_found_rules(
    table: pa.Table, schema: Schema, proposals: Iterable[RuleProposal] | None = None
) -> Schema:
    """The schema with the rules that no row breaks and that chance cannot explain, marked as read off rows.

    Those that at most 1 % of the rows break come with it as rules that nearly all rows keep.

    Parameters
    ----------
    table
        Canonical rows.
    schema
        What the columns are; its own rules stay.
    proposals
        What `locum.control.rules.discover.discover` found; None looks.

    Notes
    -----
    Never for rows that a guarantee protects: what holds in every row may tell of one. Cost: that of
    `discover`.
    """
    found = discover(table, schema) if proposals is None else list(proposals)
    found = [p for p in found if not _gives_entity(p.rule, schema)]
    texts = tuple(p.rule for p in found if not p.violations and p.rule not in schema.rules)
    near = tuple(p.rule for p in found if p.violations and p.rule not in schema.near_rules)
    return replace(
        schema,
        rules=(*schema.rules, *texts),
        rules_read_off=(*schema.rules_read_off, *texts),
        near_rules=(*schema.near_rules, *near),
    )
