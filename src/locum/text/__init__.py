"""Text data: typed plan, engine, verification, run folder.

>>> from locum.text import ModelSpec, Plan, Text, Category, run               # doctest: +SKIP
>>> plan = Plan(
...     (Category("topic", ("tea", "rain")), Text("line", prompt="One line about {{ topic }}.")),
...     rows=20, models={"m": ModelSpec("gpt-x", "http://127.0.0.1:8000/v1")})  # doctest: +SKIP
>>> run(plan, "lines")                                                         # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from locum.text.engine.cache import Cache
    from locum.text.engine.caps import Caps
    from locum.text.engine.client import Engine
    from locum.text.engine.model import ModelSpec
    from locum.text.engine.request import Reply, Request
    from locum.text.failures import EndpointError, Lost, PlanError, Reason, Stop
    from locum.text.plan.columns import (
        Category,
        Check,
        Code,
        Date,
        Embedding,
        Expression,
        Judge,
        Number,
        Person,
        Rubric,
        Seed,
        Structured,
        Subcategory,
        Table,
        Text,
        Validator,
        When,
    )
    from locum.text.plan.plan import Dedup, Export, Plan, Quota
    from locum.text.plan.toml import dump_plan, load_plan, parse_plan
    from locum.text.runs.cost import Estimate, estimate
    from locum.text.runs.result import TextOutcome
    from locum.text.runs.run import preview, resume, run, run_async
    from locum.text.verify.base import AskingVerifier, Verdict, Verifier

_HOME = {
    "engine.cache": ("Cache",),
    "engine.caps": ("Caps",),
    "engine.client": ("Engine",),
    "engine.model": ("ModelSpec",),
    "engine.request": ("Reply", "Request"),
    "failures": ("EndpointError", "Lost", "PlanError", "Reason", "Stop"),
    "plan.columns": (
        "Category",
        "Check",
        "Code",
        "Date",
        "Embedding",
        "Expression",
        "Judge",
        "Number",
        "Person",
        "Rubric",
        "Seed",
        "Structured",
        "Subcategory",
        "Table",
        "Text",
        "Validator",
        "When",
    ),
    "plan.plan": ("Dedup", "Export", "Plan", "Quota"),
    "plan.toml": ("dump_plan", "load_plan", "parse_plan"),
    "runs.cost": ("Estimate", "estimate"),
    "runs.result": ("TextOutcome",),
    "runs.run": ("preview", "resume", "run", "run_async"),
    "verify.base": ("AskingVerifier", "Verdict", "Verifier"),
}

__all__ = [
    "AskingVerifier",
    "Cache",
    "Caps",
    "Category",
    "Check",
    "Code",
    "Date",
    "Dedup",
    "Embedding",
    "EndpointError",
    "Engine",
    "Estimate",
    "Export",
    "Expression",
    "Judge",
    "Lost",
    "ModelSpec",
    "Number",
    "Person",
    "Plan",
    "PlanError",
    "Quota",
    "Reason",
    "Reply",
    "Request",
    "Rubric",
    "Seed",
    "Stop",
    "Structured",
    "Subcategory",
    "Table",
    "Text",
    "TextOutcome",
    "Validator",
    "Verdict",
    "Verifier",
    "When",
    "dump_plan",
    "estimate",
    "load_plan",
    "parse_plan",
    "preview",
    "resume",
    "run",
    "run_async",
]


def __getattr__(name: str) -> Any:
    for module, names in _HOME.items():
        if name in names:
            return getattr(import_module(f"locum.text.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
