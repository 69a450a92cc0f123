"""Rules for which rows are drawn again: which rows keep them, and which rules too many break for that."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from locum.arrays import BoolArray
from locum.codes.encoder import Encoder
from locum.control.constraints import Problem, has_keys, known_keys
from locum.control.rules.clause import rule_clauses
from locum.control.rules.whole_table import rows_against
from locum.control.where.names import Names
from locum.models.base import Kept
from locum.models.fitted import Fitted
from locum.randomness import child_seed
from locum.schema.domain import Codes

#: Rows that are looked at, and the share of them that may break a rule which was found.
LOOK, MOST_BROKEN = 1_000, 0.3


def rows_kept(encoder: Encoder, seed: int) -> Kept | None:
    """Which code rows keep the rules that are not kept by coding; None where there are no such rules.

    Parameters
    ----------
    encoder
        The coding, with the rules in its schema.
    seed
        For the values that are drawn for the codes.

    Returns
    -------
    callable
        From code rows to those that would be written. Rules that most rows break do not count: they will be
        given up, or rows be guided.
    """
    clauses = [c for c in rule_clauses(encoder.schema.rules, Names(encoder.schema)) if not c.about_table]
    problem = Problem.of(encoder, clauses)
    if not problem.loose and not has_keys(encoder):
        return None

    def kept(codes: Codes) -> BoolArray:
        table, _ = problem.realise(np.asfortranarray(codes), seed)
        out = known_keys(encoder, table)
        for clause in problem.loose:
            holds = clause.holds(table)
            if 1.0 - holds.mean() <= MOST_BROKEN:
                out &= holds
        return out

    return kept


def without_hopeless_rules(fitted: Fitted, seed: int) -> tuple[Fitted, tuple[str, ...]]:
    """The generator without the rules that were read off rows and that too many of its rows break.

    Rules that somebody declared stay, whatever they cost.

    Parameters
    ----------
    fitted
        A fitted generator.
    seed
        For the rows that are looked at.

    Returns
    -------
    tuple
        The generator, and the rules that were given up: they are now such as nearly all rows keep.
    """
    schema, encoder = fitted.schema, fitted.encoder
    found = [rule for rule in schema.rules if rule in schema.rules_read_off]
    clauses = [c for c in rule_clauses(found, Names(schema)) if c.term.op != "unique"]
    if not clauses:
        return fitted, ()
    codes = fitted.model.sample(LOOK, seed=child_seed(seed, "hopeless"))
    problem = Problem.of(encoder, clauses)
    table, _ = problem.realise(np.asfortranarray(codes), seed)
    # rules that give what is made afresh are brought about later
    broken = [c.text for c in problem.clauses if (~c.holds(table)).mean() > MOST_BROKEN]
    broken += [c.text for c in problem.follows if rows_against(c, table).mean() > MOST_BROKEN]
    texts = tuple(rule for rule in found if any(text in rule for text in broken))
    if not texts:
        return fitted, ()
    left = replace(
        schema,
        rules=tuple(rule for rule in schema.rules if rule not in texts),
        rules_read_off=tuple(rule for rule in schema.rules_read_off if rule not in texts),
        near_rules=(*schema.near_rules, *texts),
    )
    return replace(fitted, encoder=replace(encoder, schema=left)), texts
