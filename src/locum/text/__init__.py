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
    from locum.text.engine.cache import Cache as Cache
    from locum.text.engine.caps import Caps as Caps
    from locum.text.engine.client import Engine as Engine
    from locum.text.engine.model import ModelSpec as ModelSpec
    from locum.text.engine.request import Reply as Reply
    from locum.text.engine.request import Request as Request
    from locum.text.failures import EndpointError as EndpointError
    from locum.text.failures import Lost as Lost
    from locum.text.failures import PlanError as PlanError
    from locum.text.failures import Reason as Reason
    from locum.text.failures import Stop as Stop
    from locum.text.plan.columns import Category as Category
    from locum.text.plan.columns import Check as Check
    from locum.text.plan.columns import Code as Code
    from locum.text.plan.columns import Date as Date
    from locum.text.plan.columns import Embedding as Embedding
    from locum.text.plan.columns import Expression as Expression
    from locum.text.plan.columns import Judge as Judge
    from locum.text.plan.columns import Number as Number
    from locum.text.plan.columns import Person as Person
    from locum.text.plan.columns import Rubric as Rubric
    from locum.text.plan.columns import Seed as Seed
    from locum.text.plan.columns import Structured as Structured
    from locum.text.plan.columns import Subcategory as Subcategory
    from locum.text.plan.columns import Table as Table
    from locum.text.plan.columns import Text as Text
    from locum.text.plan.columns import Validator as Validator
    from locum.text.plan.columns import When as When
    from locum.text.plan.plan import Dedup as Dedup
    from locum.text.plan.plan import Export as Export
    from locum.text.plan.plan import Plan as Plan
    from locum.text.plan.plan import Quota as Quota
    from locum.text.plan.toml import dump_plan as dump_plan
    from locum.text.plan.toml import load_plan as load_plan
    from locum.text.plan.toml import parse_plan as parse_plan
    from locum.text.runs.cost import Estimate as Estimate
    from locum.text.runs.cost import estimate as estimate
    from locum.text.runs.result import TextOutcome as TextOutcome
    from locum.text.runs.run import preview as preview
    from locum.text.runs.run import resume as resume
    from locum.text.runs.run import run as run
    from locum.text.runs.run import run_async as run_async
    from locum.text.verify.base import AskingVerifier as AskingVerifier
    from locum.text.verify.base import Verdict as Verdict
    from locum.text.verify.base import Verifier as Verifier

#: Public names by the module that has them; each is fetched when it is first used.
_HOME = {
    "engine.cache": "Cache",
    "engine.caps": "Caps",
    "engine.client": "Engine",
    "engine.model": "ModelSpec",
    "engine.request": "Reply Request",
    "failures": "EndpointError Lost PlanError Reason Stop",
    "plan.columns": "Category Check Code Date Embedding Expression Judge Number Person Rubric Seed "
    "Structured Subcategory Table Text Validator When",
    "plan.plan": "Dedup Export Plan Quota",
    "plan.toml": "dump_plan load_plan parse_plan",
    "runs.cost": "Estimate estimate",
    "runs.result": "TextOutcome",
    "runs.run": "preview resume run run_async",
    "verify.base": "AskingVerifier Verdict Verifier",
}
_MODULE = {name: module for module, names in _HOME.items() for name in names.split()}

__all__ = sorted(_MODULE)


def __getattr__(name: str) -> Any:
    if name in _MODULE:
        return getattr(import_module(f"locum.text.{_MODULE[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
