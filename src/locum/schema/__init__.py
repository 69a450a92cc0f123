"""What the data is: columns, tables and the space of codes; no values live here."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from locum.schema.column import KINDS, Bounds, Column, Kind
    from locum.schema.domain import Attribute, Coded, Domain
    from locum.schema.table import Dependency, Schema
    from locum.schema.validate import check, problems

_HOME = {
    "column": ("KINDS", "Bounds", "Column", "Kind"),
    "domain": ("Attribute", "Coded", "Domain"),
    "table": ("Dependency", "Schema"),
    "validate": ("check", "problems"),
}

__all__ = [
    "KINDS",
    "Attribute",
    "Bounds",
    "Coded",
    "Column",
    "Dependency",
    "Domain",
    "Kind",
    "Schema",
    "check",
    "problems",
]


def __getattr__(name: str) -> Any:
    for module, names in _HOME.items():
        if name in names:
            return getattr(import_module(f"locum.schema.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
