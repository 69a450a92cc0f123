"""Jinja templates in a sandbox: undefined names are errors; nothing random, nothing large, no way out."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from locum.text.failures import Lost, PlanError, Reason

#: Longest text that a template may make, in characters.
MAX_LENGTH = 1_000_000
#: Names that mean something random, endless or huge inside Jinja.
_NO_FILTERS = ("random", "pprint", "center", "indent")
_NO_GLOBALS = ("lipsum", "cycler", "joiner")


class Template:
    """A compiled template or expression and the names it uses.

    Parameters
    ----------
    source
        The text.
    where
        Place in the plan, for messages.
    expression
        Whether it is an expression (keeps its type) and not a text with ``{{ }}``.

    Raises
    ------
    PlanError
        When it is no template, or tries what the sandbox forbids at sight.
    """

    def __init__(self, source: str, where: str, *, expression: bool = False) -> None:
        import jinja2
        from jinja2 import meta

        environment = _environment()
        self.source, self.where = source, where
        try:
            tree = environment.parse("{{ (" + source + "\n) }}" if expression else source)
            self.names = frozenset(meta.find_undeclared_variables(tree)) - set(environment.globals)
            if expression:
                self._evaluate: Any = environment.compile_expression(source, undefined_to_none=False)
            else:
                self._compiled: Any = environment.from_string(source)
        except jinja2.TemplateError as error:
            raise PlanError(f"not a template: {error}", where=where, do="correct it") from error
        self._expression = expression

    def __call__(self, values: Mapping[str, Any]) -> Any:
        """Fill it in; text for a template, any value for an expression.

        Raises
        ------
        Lost
            When it fails on these values, leaves the sandbox, or grows too long.
        """
        import jinja2
        from jinja2.runtime import Undefined

        try:
            if self._expression:
                value = self._evaluate(values)
                if isinstance(value, Undefined):
                    value = str(value)  # raises, with the name in its words
                return value
            pieces, length = [], 0
            for piece in self._compiled.generate(values):
                length += len(piece)
                if length > MAX_LENGTH:
                    raise Lost(Reason.TEMPLATE, f"longer than {MAX_LENGTH:,} characters", stage="render")
                pieces.append(piece)
            return "".join(pieces)
        except jinja2.TemplateError as error:
            raise Lost(Reason.TEMPLATE, f"{self.where}: {_brief(error)}", stage="render") from error
        except (
            TypeError,
            ValueError,
            ArithmeticError,
            LookupError,
            AttributeError,
            RecursionError,
            MemoryError,
        ) as error:
            raise Lost(Reason.TEMPLATE, f"{self.where}: {type(error).__name__}", stage="render") from error


def is_template(value: Any) -> bool:
    """Whether a value is a text with something to fill in."""
    return isinstance(value, str) and ("{{" in value or "{%" in value)


def _brief(error: Exception) -> str:
    """Words of Jinja about names; they hold no values of the row."""
    from jinja2.exceptions import SecurityError, UndefinedError

    if isinstance(error, SecurityError):
        return "tried to leave the sandbox"
    if isinstance(error, UndefinedError):
        return str(error)[:200]
    return type(error).__name__


@lru_cache(maxsize=1)
def _environment() -> Any:
    from jinja2 import StrictUndefined
    from jinja2.exceptions import SecurityError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Sandbox(ImmutableSandboxedEnvironment):
        """The sandbox of Jinja, and no way to make something huge out of two characters."""

        intercepted_binops = frozenset(["*", "**", "%", "+"])

        def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
            texts = [x for x in (left, right) if isinstance(x, str | bytes | list | tuple)]
            if operator == "**" and not (abs(_number(left)) <= 1e6 and abs(_number(right)) <= 64):
                raise SecurityError("power of large numbers")
            if operator == "*" and texts and max(_number(left), _number(right)) * len(texts[0]) > MAX_LENGTH:
                raise SecurityError("repetition is too long")
            if operator == "%" and texts:
                raise SecurityError("formatting with % is not offered")
            if operator == "+" and sum(len(x) for x in texts) > MAX_LENGTH:
                raise SecurityError("too long")
            return super().call_binop(context, operator, left, right)

    environment = Sandbox(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True)
    for name in _NO_FILTERS:
        environment.filters.pop(name, None)
    for name in _NO_GLOBALS:
        environment.globals.pop(name, None)
    return environment


def _number(value: Any) -> float:
    if isinstance(value, str | bytes | list | tuple):
        return 0.0
    return float(value) if isinstance(value, int | float) and abs(value) < 1e300 else float("inf")
