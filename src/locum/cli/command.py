"""Commands made of Python functions: types and defaults from signatures, words from ``commands.toml``."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from inspect import Parameter
from pathlib import Path
from string import Template
from typing import Annotated, Any

import typer

from locum.api import NAMES, fetch
from locum.cli.console import emit
from locum.cli.helppage import commands
from locum.evaluation.limits import parse_limits
from locum.runs import options as defaults
from locum.wording import parse_duration

#: What a text becomes, by the word that stands for it, and the flag that it came with.
_CONVERT: Mapping[str, Callable[[Any, str], Any]] = {
    "TIME": lambda text, flag: parse_duration(text, where=flag),
    "NAME.max=X": lambda texts, flag: parse_limits(texts),
}
_JSON = "as_json"


def command(name: str) -> Callable[..., None]:
    """The function behind a command, with the signature that typer reads options from."""
    spec = commands()[name]
    verb = fetch(NAMES.get(spec["verb"], spec["verb"])) if "verb" in spec else None
    work = verb or fetch(f"locum.cli.{spec['does']}")
    sources = [work, *(fetch(NAMES.get(place, place)) for place in spec.get("asks", ()))]
    found = {
        key: p for source in reversed(sources) for key, p in inspect.signature(source).parameters.items()
    }
    found[_JSON] = Parameter(_JSON, Parameter.KEYWORD_ONLY, default=False, annotation="bool")
    found |= {key: found[key].replace(default=value) for key, value in spec.get("defaults", {}).items()}
    docs = "\n".join(inspect.getdoc(source) or "" for source in sources)
    flags: dict[str, str] = {}
    converters: dict[str, Callable[[Any, str], Any]] = {}
    parameters = []
    for line in (*spec["options"], _JSON):
        key, _, words = line.partition(": ")
        names, metavar, text = _words(name, key, words, docs)
        flags[key] = names[0] if names else key
        if metavar and metavar in _CONVERT:
            converters[key] = _CONVERT[metavar]
        own = key in spec.get("defaults", {})
        parameters.append(_parameter(found[key], names, metavar, text, own_default=own))

    def run(**values: Any) -> None:
        as_json = values.pop(_JSON)
        given = {key: value for key, value in values.items() if value not in (None, [])}
        given = {key: tuple(value) if isinstance(value, list) else value for key, value in given.items()}
        given |= {key: make(given[key], flags[key]) for key, make in converters.items() if key in given}
        if verb is None:
            work(as_json=as_json, **given)
        else:
            _carry_out(name, spec, work, given, as_json=as_json)

    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return run


def _carry_out(
    name: str, spec: Mapping[str, Any], verb: Callable[..., Any], given: Mapping[str, Any], *, as_json: bool
) -> None:
    """Do what a verb does, and tell what it found; exit code 1 where a check of the command failed."""
    if "progress" in inspect.signature(verb).parameters:
        from locum.cli.progress import Display

        with Display() as display:
            found = verb(**given, progress=display)
    else:
        found = verb(**given)
    if as_json:
        asked = {key: given.get(option) for key, option in spec.get("echo", {}).items()}
        asked = {key: str(value) if isinstance(value, Path) else value for key, value in asked.items()}
        asked |= {key: getattr(found, key) for key in spec.get("adds", ())}
        emit({"command": name, **asked, **(found if isinstance(found, Mapping) else found.to_json())})
    else:
        show = fetch(f"locum.cli.{spec['shows']}")
        _, *wanted = inspect.signature(show).parameters
        show(found, **{key: given.get(key) for key in wanted})
    if spec.get("checked") and not found.passed:
        raise typer.Exit(1)


def _words(command: str, key: str, words: str, docs: str) -> tuple[list[str], str | None, str]:
    """Flags, the word for the value, and the help of an option."""
    above = command.split()
    while not words and above:
        above.pop()
        words = commands().get(" ".join([*above, "shared"]), {}).get(key, "")
    head, _, text = words.partition("  ")
    flags = [word for word in head.split() if word.startswith("--")]
    metavar = " ".join(word for word in head.split() if not word.startswith("--")) or None
    return flags, metavar, Template(text).substitute(vars(defaults)) or _explained(key, docs)


def _explained(key: str, docs: str) -> str:
    """The first sentence about a parameter in a numpydoc docstring."""
    block = re.search(rf"^{key}\n((?:    .*\n?)+)", docs, re.MULTILINE)
    assert block is not None, key
    sentence = re.split(r"[.;:](?:\s|$)", " ".join(block[1].split()))[0]
    return sentence.replace("`", "") + "."


def _parameter(
    found: Parameter, names: list[str], metavar: str | None, text: str, *, own_default: bool
) -> Parameter:
    """A parameter as typer reads it. A default that the text tells is left to the function."""
    kind, default = _type(str(found.annotation), metavar), found.default
    if kind in (list[str], list[Path]) and names and "repeated" not in text:
        text += " May be repeated."
    if isinstance(default, tuple) and default:
        text += f" Default: {', '.join(default)}."
    told = "Default:" in text
    if default is not Parameter.empty and not own_default and (told or isinstance(default, tuple)):
        default = None
    if names:
        info = typer.Option(*names, help=text, metavar=metavar, show_default=not told and kind is not bool)
    else:
        info = typer.Argument(help=text, metavar=metavar, show_default=False)
    return Parameter(found.name, Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, info])


def _type(annotation: str, metavar: str | None) -> Any:
    """What the command line takes for a parameter, from its annotation as it is written."""
    if metavar in _CONVERT:
        return str if metavar == "TIME" else list[str]
    if annotation.startswith(("Sequence[", "list[", "tuple[")) or "Sequence[str" in annotation:
        return list[Path] if "Path" in annotation else list[str]
    if "Path" in annotation or annotation == "Any":
        return Path
    return next(kind for kind in (bool, str, int, float) if kind.__name__ in annotation)
