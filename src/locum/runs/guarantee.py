"""What a private run promises, in numbers and in words: ``privacy.json``, all of which may be published."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from locum.files.json import dump
from locum.privacy.accountant import THEOREMS, Total
from locum.privacy.entry import MECHANISMS, Entry
from locum.privacy.unit import Unit
from locum.runs.versions import versions
from locum.schema.lineage import Guarantee, Lineage

if TYPE_CHECKING:
    from locum.evaluation.evidence import Answer
    from locum.privacy.ledger import Ledger
    from locum.synthesizer.private import PrivateFit

#: Version of the document.
FORMAT = 1

TRUST_MODEL = (
    "Protected is each unit against anyone who sees everything released: rows, model, certificate, report.",
    "The adversary may know all other records, the method, its settings and all public data, and may compute "
    "without limit.",
    "Trusted are the curator, the machine, and the people who set the options; they see the private data.",
    "Facts true of the population are not hidden; groups are protected by epsilon times their size only.",
)
#: What the guarantee rests on and this document cannot prove.
ALWAYS_ASSUMED = (
    "The curator ran this version of locum unmodified.",
    "The random source of the operating system is sound.",
    "Everything released about these data is in this ledger; releases that are not in it add to the loss.",
    "Rows held out to judge the run are private too: the report computed on them and on the training rows "
    "stays behind.",
    "Run time, memory use and logs of the run are not shown to the adversary.",
)
EXACTNESS = "integer noise; the distance of the sampler from its law is in each entry as slack"
_DELTAS = tuple(10.0**-k for k in range(3, 13))


#: What stands in place of a guarantee in test mode, and in the answer about privacy before one is known.
NONE_MADE, UNPROMISED = "No guarantee of privacy is made.", "No guarantee was made."


def statement(unit: Unit, epsilon: float, delta: float, *, stamp: str = "") -> str:
    """The guarantee in one sentence, or what stands in its place in test mode."""
    if stamp:
        return f"{stamp}. {NONE_MADE}"
    whom = "a row" if unit.column is None else f"a value of {unit.column} with at most {unit.rows} rows"
    pair = "one more or one less" if unit.adjacency == "add-remove" else "one exchanged for another"
    return (
        f"({epsilon:.4g}, {delta:.3g})-differential privacy at unit {whom} ({pair}), "
        "assuming what the certificate lists."
    )


def with_guarantee(answers: Sequence[Answer], said: str) -> tuple[Answer, ...]:
    """The answers of a run with the guarantee `said`, if any; what attacks found stays in the one on privacy.

    Its mark is "guaranteed", unless attacks found copying: what looks refuted gets no mark.
    """
    return tuple(_state(a, said) if said and a.question == "private" else a for a in answers)


def _state(answer: Answer, said: str) -> Answer:
    if said.endswith(NONE_MADE):
        return replace(answer, sentence=answer.sentence.replace(UNPROMISED, said))
    sentence = answer.sentence.replace(UNPROMISED, f"Guaranteed: {said}")
    found = answer.verdict in ("middling", "poor")
    return replace(answer, sentence=sentence, verdict=answer.verdict if found else "guaranteed")


def with_stamp(answers: Sequence[Answer], lineage: Lineage | None) -> tuple[Answer, ...]:
    """The answers about rows whose stamp has a guarantee: it is told, and that it was not checked."""
    if lineage is None or lineage.guarantee is None or not lineage.guaranteed:
        return tuple(answers)
    said = (
        f"The rows carry the stamp of a guarantee, which was not checked here (`locum verify` does, on the "
        f"bundle that they came in): {lineage.guarantee.statement}"
    )
    return tuple(
        replace(a, sentence=a.sentence.replace(UNPROMISED, said)) if a.question == "private" else a
        for a in answers
    )


def totals(entries: Sequence[Entry], delta: float) -> dict[str, Any]:
    """What the steps add up to, at `delta` and along a curve; JSON-ready."""
    total = Total.of(entries)
    epsilon = total.epsilon(delta)
    return {
        "rho": total.rho,
        "mu": total.mu,
        "threshold_delta": total.delta,
        "slack": total.slack,
        "delta": delta,
        "epsilon": round_up(epsilon) if math.isfinite(epsilon) else None,
        "curve": [[d, round_up(e)] for d, e in total.curve(_DELTAS)],
    }


def assumed(unit: Unit) -> tuple[str, ...]:
    """What every guarantee for a unit rests on, in sentences."""
    return (*ALWAYS_ASSUMED, *bounding(unit))


def mechanisms(entries: Sequence[Entry]) -> dict[str, str]:
    """What each mechanism that was used adds, in one sentence each."""
    return {name: MECHANISMS[name] for name in sorted({e.mechanism for e in entries})}


def round_up(epsilon: float) -> float:
    """Six digits, never less than was spent."""
    if epsilon <= 0:
        return 0.0
    scale = 10.0 ** (6 - math.ceil(math.log10(epsilon)))
    return math.ceil(epsilon * scale) / scale


def bounding(unit: Unit) -> list[str]:
    """What was done so that no unit has more rows than it may; nothing where each row stands for itself."""
    if unit.column is None:
        return []
    return [
        f"Rows without {unit.column} were left out, and of each value at most {unit.rows} rows were kept."
    ]


def account_of(ledger: Ledger) -> dict[str, Any]:
    """What a ledger promises, and every step it rests on; the part that tables and texts have alike.

    The run is over then: what it has left is paid for (`Ledger.close`), so that what is stated was fixed in
    advance.

    Raises
    ------
    UsageError
        When delta was never held against the number of rows.
    """
    size = ledger.size
    ledger.close()
    entries, head = ledger.entries, ledger.head
    added = totals(entries, ledger.budget.delta)
    return {
        "format": FORMAT,
        "statement": statement(ledger.unit, added["epsilon"] or math.inf, added["delta"], stamp=ledger.stamp),
        "private": ledger.private,
        "unit": ledger.unit.to_json(),
        "budget": ledger.budget.to_json(),
        "accounting": ledger.accounting,
        "theorem": THEOREMS[ledger.accounting],
        "run": ledger.run,
        "data": ledger.data,
        "ledger": None if head is None else head.to_json(),
        "entries": [e.to_json() for e in entries],
        "total": added,
        "mechanisms": mechanisms(entries),
        "noise": {
            "source": "operating system" if ledger.private else "a seed",
            "exactness": EXACTNESS,
        },
        "rows": size.to_json(),
    }


def privacy_document(
    ledger: Ledger, fit: PrivateFit, *, holdout: float, public: Mapping[str, Any] | None, said: str
) -> dict[str, Any]:
    """``privacy.json`` of a run."""
    return {
        **account_of(ledger),
        "what": "private table",
        "unit_said": said,
        "cut_units": None
        if fit.crowded is None
        else {"noisy": int(fit.crowded.counts[0]), "sigma": fit.crowded.sigma},
        "holdout_share": holdout,
        "synthesizer": {"name": fit.choice.name, "why": fit.choice.why, "stopped": fit.stopped},
        "discovery": {"share_of_budget": round(fit.domain.spent, 4), "columns": dict(fit.domain.origins)},
        "public_table": None if public is None else dict(public),
        "trust_model": list(TRUST_MODEL),
        "assumptions": [*fit.domain.assumptions, said, *assumed(ledger.unit)],
        "versions": versions(),
    }


def guarantee_of(document: Mapping[str, Any]) -> Guarantee | None:
    """What a model and its rows carry of a document; None in test mode, where nothing is guaranteed."""
    if document["private"] is not True:
        return None
    account = hashlib.sha256(dump(document["entries"])).hexdigest()
    return Guarantee(str(document["statement"]), account)


def entries_of(document: Mapping[str, Any]) -> list[Entry]:
    """The ledger entries of a document; raises FileFormatError for what cannot be one."""
    return [Entry.from_json(e) for e in document["entries"]]
