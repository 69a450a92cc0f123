"""``sp800-226.md``: the questions of NIST SP 800-226, answered from the certificate and nothing else.

NIST SP 800-226 (Guidelines for Evaluating Differential Privacy Guarantees, 2025) names what somebody who is
given such a guarantee should ask: from the parameters at the top of its pyramid to the collection of the data
at its bottom. What a certificate cannot answer is left to the controller, in so many words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from locum.privacy.budget import Budget
from locum.report.words import visible
from locum.runs.certificate_form import TABLE
from locum.runs.deployment import UNSTATED

#: Version of the page; one more when a sentence changes.
FORMAT = 1


def sp800_226_text(body: Mapping[str, Any]) -> str:
    """The page for a certificate, which may lack files and signature yet."""
    parts = [
        f"# {_plain(body['data'])}: the questions of NIST SP 800-226",
        f"Format {FORMAT}. Every answer follows from `certificate.json`, which also says what it rests on.",
    ]
    for question, answer in _answers(body):
        parts += [f"## {question}", answer]
    return "\n\n".join(parts) + "\n"


def _answers(body: Mapping[str, Any]) -> list[tuple[str, str]]:
    stated, total, unit = body["stated"], body["total"], body["unit"]
    return [
        ("What is promised?", _plain(body["statement"])),
        ("What is the privacy unit?", _unit(unit, stated, body.get("unit_said"))),
        (
            "Which parameters were chosen, and why?",
            f"Epsilon {total['epsilon']} at delta {total['delta']} was spent, of a budget of "
            f"{Budget.from_json(body['budget'])}. Why: "
            f"{_said(stated, 'why_epsilon')}. Other pairs of epsilon and delta hold too: {_curve(total)}.",
        ),
        (
            "How do several releases compose?",
            f"{len(body['entries'])} steps are in one ledger and are added up there ({body['accounting']}). "
            f"{_plain(body.get('theorem') or 'The theorem is not named in this certificate.')} "
            f"{_earlier(body['before'])}",
        ),
        (
            "Which mechanisms were used, and is their implementation sound?",
            " ".join(_plain(f"{name}: {said}") for name, said in sorted(body["mechanisms"].items()))
            + " Counts and noise are whole numbers; the distance of the sampler from its law is in each "
            "entry as slack, and is paid for.",
        ),
        (
            "Whom must be trusted?",
            " ".join(_plain(s) for s in body["trust_model"]) + " The model is the central one.",
        ),
        ("What does the guarantee rest on?", "\n".join(f"- {_plain(s)}" for s in body["assumptions"])),
        ("How useful is what is released?", _utility(body)),
        (
            "Which bias does it bring in?",
            "Noise and thresholds weigh more on small groups and rare levels than on large ones: rare levels "
            "may be absent or pooled, and shares of small groups are the least certain. Faults and biases of "
            "the data are copied. How much this matters for a use was not measured here.",
        ),
        (
            "Which side channels are there?",
            "Run time, memory use and logs of the run are assumed to stay with the curator. Errors about "
            "rows are told without a word of theirs. Noise is drawn from the random source of the operating "
            "system.",
        ),
        (
            "Who can see the data before noise is added?",
            "The curator, the machine, and the people who set the options. How the data are kept and who may "
            f"read them: {UNSTATED}.",
        ),
        ("How were the data collected, and may they be used for this?", f"{UNSTATED.capitalize()}."),
        (
            "Who answers for the release?",
            f"Controller: {_said(stated, 'controller')}. Contact: {_said(stated, 'contact')}. Purpose: "
            f"{_said(stated, 'purpose')}.",
        ),
    ]


def _unit(unit: Mapping[str, Any], stated: Mapping[str, str], said: str | None) -> str:
    one = "one more or one less" if unit["adjacency"] == "add-remove" else "one exchanged for another"
    if unit["column"] is None:
        whose = f"A row ({one}). A person with several rows is protected by several times epsilon only."
    else:
        whose = f"A value of {_plain(unit['column'])} with at most {unit['rows']} rows ({one})."
    confirmed = f" {_plain(said)}" if said else ""
    return f"{whose}{confirmed} Why this unit: {_said(stated, 'why_unit')}."


def _utility(body: Mapping[str, Any]) -> str:
    if body["what"] == TABLE:
        return (
            "`quality.html` compares the synthetic rows with the noisy counts that were paid for, with "
            "intervals; relations among columns that were not measured are not judged. How well the rows "
            "serve a purpose was not measured under the guarantee."
        )
    return (
        f"How well the texts serve a purpose was not measured under the guarantee. {_plain(body['account'])}"
    )


def _earlier(before: list[Mapping[str, str]]) -> str:
    if not before:
        return f"What else was released about these data: {UNSTATED}."
    listed = "; ".join(f"{e['created']}, certificate {e['certificate']}" for e in before)
    return f"Released before, and in this ledger only if it is the same one: {listed}."


def _curve(total: Mapping[str, Any]) -> str:
    return "; ".join(f"{epsilon:g} at {delta:g}" for delta, epsilon in total["curve"]) or "none is finite"


def _said(stated: Mapping[str, str], name: str) -> str:
    return _plain(stated.get(name) or UNSTATED).rstrip(".")


def _plain(text: object) -> str:
    """Text from outside on one line, with nothing that a page of Markdown would read as HTML."""
    shown = visible(text, 20_000)
    return shown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
