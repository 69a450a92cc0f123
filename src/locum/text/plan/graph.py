"""Which column uses which, and the order of making that follows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import Any

from locum.text.failures import PlanError
from locum.text.plan.columns import (
    Check,
    Column,
    Date,
    Embedding,
    Expression,
    Judge,
    Subcategory,
    Validator,
    Written,
)
from locum.text.plan.template import Template, is_template

#: Name under which a check's own parameters see the value they check.
VALUE = "value"


def templates(column: Column) -> Iterator[Template]:
    """Every template and expression of a column, compiled; raises PlanError for those that are none."""
    where = f"columns.{column.name}"
    for case in getattr(column, "when", ()):
        yield Template(case.condition, f"{where}.when", expression=True)
    if isinstance(column, Expression):
        text = is_template(column.expression)
        yield Template(column.expression, f"{where}.expression", expression=not text)
    if isinstance(column, Written):
        yield Template(column.prompt, f"{where}.prompt")
        yield Template(getattr(column, "system", ""), f"{where}.system")
    for check in checks_of(column):
        for name, value in check.params.items():
            if check.verifier == "expression" and name == "expression" and isinstance(value, str):
                yield Template(value, f"{where}.{check.verifier}", expression=True)
            elif is_template(value):
                yield Template(value, f"{where}.{check.verifier}.{name}")


def checks_of(column: Column) -> tuple[Check, ...]:
    """The checks that a column or its own column must pass."""
    return (column.check,) if isinstance(column, Validator) else getattr(column, "checks", ())


def reads(column: Column) -> frozenset[str]:
    """Names of the columns that a column uses."""
    names = {name for template in templates(column) for name in template.names}
    if isinstance(column, Judge) and column.keep_if:
        own = {rubric.name for rubric in column.rubrics}
        names |= Template(column.keep_if, f"columns.{column.name}.keep_if", expression=True).names - own
    if isinstance(column, Subcategory):
        names.add(column.parent)
    if isinstance(column, Date) and column.after:
        names.add(column.after)
    if isinstance(column, Embedding | Validator):
        names.add(column.of)
    return frozenset(names - ({VALUE} if checks_of(column) else set()))


def layers(columns: Sequence[Column]) -> tuple[tuple[Column, ...], ...]:
    """Columns in the order of making: each layer uses only earlier ones. Order inside is that of the plan.

    Raises
    ------
    PlanError
        For a name that is no column, and for a cycle, which is shown.
    """
    names = [column.name for column in columns]
    uses = {column.name: reads(column) for column in columns}
    for name, used in uses.items():
        for other in sorted(used):
            if other not in names:
                close = get_close_matches(other, names, n=1)
                do = f"did you mean {close[0]}" if close else "name one of " + ", ".join(names)
                raise PlanError(f"there is no column {other!r}", where=f"columns.{name}", do=do)
    done: set[str] = set()
    found: list[tuple[Column, ...]] = []
    rest: list[Any] = list(columns)
    while rest:
        layer = tuple(column for column in rest if uses[column.name] <= done)
        if not layer:
            raise PlanError(
                "columns use each other in a circle: " + " -> ".join(_circle(uses, done)),
                where="columns",
                do="break the circle",
            )
        found.append(layer)
        done |= {column.name for column in layer}
        rest = [column for column in rest if column.name not in done]
    return tuple(found)


def _circle(uses: dict[str, frozenset[str]], done: set[str]) -> list[str]:
    at = min(name for name in uses if name not in done)
    path = [at]
    while True:
        at = min(uses[at] - done)
        if at in path:
            return [*path[path.index(at) :], at]
        path.append(at)
