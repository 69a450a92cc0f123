"""Found rules that a fitted generator breaks too often for its rows to be drawn until they keep them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from locum.control.constraints import Problem
from locum.control.rules.clause import rule_clauses
from locum.control.where.names import Names
from locum.models.fitted import Fitted
from locum.randomness import child_seed

#: Rows that are looked at, and the share of them that may break a rule which was found.
LOOK, MOST_BROKEN = 1_000, 0.3


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
    clauses = [c for c in rule_clauses(found, Names(schema)) if not c.about_table]
    if not clauses:
        return fitted, ()
    codes = fitted.model.sample(LOOK, seed=child_seed(seed, "hopeless"))
    problem = Problem.of(encoder, clauses)
    table, _ = problem.realise(np.asfortranarray(codes), seed)
    # rules that give what is made afresh are brought about later
    broken = [c.text for c in problem.clauses if (~c.holds(table)).mean() > MOST_BROKEN]
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
