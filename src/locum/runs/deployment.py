"""``deployment.json``: a release as a record for a registry of deployments of differential privacy.

The fields are those that registries of such deployments ask for: who releases what about whom, for which
purpose, under which unit and parameters, and why. All of it follows from the certificate.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from locum.runs.certificate_form import TEXT

#: Version of the record; one more when a field changes.
FORMAT = 1
UNSTATED = "not stated by the controller"
_TECHNIQUE = "differentially private synthetic data, drawn from a model of noisy counts"
_TEXTS = "differentially private synthetic texts"


def deployment_record(body: Mapping[str, Any]) -> dict[str, Any]:
    """The record of a certificate, which may lack files and signature yet; JSON-ready."""
    stated, total, unit = body["stated"], body["total"], body["unit"]
    return {
        "record": FORMAT,
        "technique": _TEXTS if body["what"] == TEXT else _TECHNIQUE,
        "controller": stated.get("controller") or UNSTATED,
        "contact": stated.get("contact") or UNSTATED,
        "purpose": stated.get("purpose") or UNSTATED,
        "data": body["data"],
        "created": body["created"],
        "statement": body["statement"],
        "privacy_unit": {**unit, "why": stated.get("why_unit") or UNSTATED},
        "adjacency": unit["adjacency"],
        "parameters": {
            "epsilon": total["epsilon"],
            "delta": total["delta"],
            "rho": total["rho"],
            "mu": total["mu"],
            "why": stated.get("why_epsilon") or UNSTATED,
        },
        "budget": dict(body["budget"]),
        "accounting": {
            "method": body["accounting"],
            "theorem": body.get("theorem"),
            "steps": len(body["entries"]),
            "curve": [list(pair) for pair in total["curve"]],
        },
        "mechanisms": dict(body["mechanisms"]),
        "model": "central: the curator sees the data",
        "access": "anybody who gets the bundle",
        "previous_releases": [dict(earlier) for earlier in body["before"]],
        "implementation": {"name": "locum", **body["build"]},
    }


def deployment_text(body: Mapping[str, Any]) -> str:
    """The record as it is written."""
    record = deployment_record(body)
    return json.dumps(record, indent=1, sort_keys=True, ensure_ascii=True, allow_nan=False) + "\n"
