"""Whether synthetic rows keep what every real row keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from locum.arrays import BoolArray
from locum.control.rules.clause import Clause, rule_clauses
from locum.control.rules.whole_table import rows_against
from locum.control.where.names import Names
from locum.evaluation.claim import Claim
from locum.evaluation.intervals import wilson
from locum.evaluation.registry import result_of
from locum.evaluation.result import Result
from locum.evaluation.trial import Trial
from locum.wording import count, percent

if TYPE_CHECKING:
    import pyarrow as pa

#: Rules that are listed, those broken most often first.
LISTED = 100


def rules(trial: Trial) -> list[Result]:
    """Share of synthetic rows that break a rule which no row of train breaks: ``rules.broken``.

    The rules are those of the schema, declared or found in the real rows. A missing value breaks no rule, as
    in SQL; a look-up (``follows from``) is broken by a row that contradicts a real one, ``unique`` by a row
    that repeats another synthetic one. The reference is the share of fresh real rows that break one. Nothing
    without rules.

    Claim: the share less that of fresh rows (of train rows, which break none, without a hold-out), with
    Newcombe's interval and Fisher's exact test.
    """
    clauses = rule_clauses(trial.schema.rules, Names(trial.schema))
    kept = [clause for clause in clauses if not _against(clause, trial.train, None).any()]
    if not kept:
        return []
    broken = [_against(clause, trial.synthetic, trial.train) for clause in kept]
    value = float(np.logical_or.reduce(broken).mean())
    reference = None
    if trial.independent_test and trial.test.num_rows:
        fresh = [_against(clause, trial.test, trial.train) for clause in kept]
        reference = float(np.logical_or.reduce(fresh).mean())
    yard = trial.test if reference is not None else trial.train
    claim = _claim(value, trial.synthetic.num_rows, reference or 0.0, yard.num_rows)
    shares = [(float(rows.mean()), clause.text) for rows, clause in zip(broken, kept, strict=True)]
    worst = sorted(shares, key=lambda pair: -pair[0])
    said = f"{count(len(kept), 'rule')} that every real row keeps"
    if value == 0:
        sentence = f"Every synthetic row keeps the {said}."
    else:
        share, text = worst[0]
        sentence = (
            f"{percent(value)} of the synthetic rows break one of the {said}{trial.versus(reference)}; "
            f"broken most often, by {percent(share)}: {text}."
        )
    return [
        result_of(
            "rules.broken",
            value,
            sentence,
            reference=reference,
            claims=(claim,),
            detail={"rules": [{"rule": text, "broken": share} for share, text in worst[:LISTED]]},
        )
    ]


def _claim(value: float, n: int, reference: float, m: int) -> Claim:
    from scipy.stats import hypergeom

    hits, others = round(value * n), round(reference * m)
    (low, high), (least, most) = wilson(hits, n), wilson(others, m)
    gap = value - reference
    down, up = np.hypot(value - low, most - reference), np.hypot(high - value, reference - least)
    p = float(hypergeom.sf(hits - 1, n + m, hits + others, n))
    return Claim("rules", gap, float(gap - down), float(gap + up), p)


def _against(clause: Clause, table: pa.Table, known: pa.Table | None) -> BoolArray:
    """Rows that break a rule."""
    if not clause.about_table:
        return ~clause.holds(table)
    return rows_against(clause, table, known if clause.term.op == "follows" else None)
