"""Dataclasses out of plain values, every field checked by its type, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from typing import Any, ClassVar, get_args

from locum.text.failures import PlanError


@dataclass(frozen=True, slots=True)
class Closed:
    """A dataclass that `build` refuses unknown fields of."""

    __pydantic_config__: ClassVar[Mapping[str, Any]] = {"extra": "forbid"}


def build(kind: Any, values: Any, where: str) -> Any:
    """A dataclass out of plain values; raises PlanError with the field and what is wrong."""
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(kind).validate_python(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise PlanError(f"{place}: {first['msg']}", where=where) from None


def plain(value: Any) -> Any:
    """A dataclass as plain values without fields that have their default."""
    if is_dataclass(value) and not isinstance(value, type):
        found = {}
        for part in fields(value):
            content = getattr(value, part.name)
            default = part.default if part.default_factory is MISSING else part.default_factory()
            if content != default or part.name == "name":
                found[part.name] = plain(content)
        return found
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def by_kind(union: Any) -> dict[str, Any]:
    """The classes of a union by the value of their field ``kind``."""
    return {kind.__dataclass_fields__["kind"].default: kind for kind in get_args(union)}
