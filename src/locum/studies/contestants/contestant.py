"""Who takes part: a generator of ours, a peer, a command, a Python function, or files that are ready."""

from __future__ import annotations

import importlib.util
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qsl

from locum.errors import UsageError
from locum.studies.compare.result import CONTROLS, Entrant

Kind = Literal["built-in", "peer", "command", "function", "files"]
#: Learns from a CSV and writes a CSV: ``make(train, out, rows, seed)``.
Function = Callable[[Path, Path, int, int], object]
#: Generators of other packages that `peer.py` can run, by the name of the environment they live in.
PEERS: Mapping[str, tuple[str, ...]] = {
    "sdv": ("gaussian_copula", "ctgan", "tvae", "copulagan"),
    "mostlyai": ("argn",),
    "synthcity": ("arf", "bayesian_network", "ctgan", "tvae", "ddpm"),
    "smartnoise": ("mst", "aim", "mwem"),
}
PLACES = ("train", "out", "rows", "seed", "python", "table", "target")
_SUFFIXES = (".csv", ".tsv", ".parquet", ".arrow", ".jsonl", ".feather")
_NAME = re.compile(r"[\w .+\-?&=:,@]{1,60}")


@dataclass(frozen=True, slots=True)
class Contestant:
    """One entrant.

    Attributes
    ----------
    name
        As it is called in the results.
    kind
        How its rows come about.
    what
        Name of the generator, ``package.variant`` of a peer, the command's text, or the path of the files.
    settings
        Settings of a generator or peer.
    python
        Interpreter of a peer.
    function
        The function itself.
    """

    name: str
    kind: Kind
    what: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    python: str = ""
    function: Function | None = None

    def entrant(self) -> Entrant:
        """What the record says about it."""
        about = self.what
        if self.kind == "built-in":
            from locum.models.registry import entry_of

            about = entry_of(self.what).sentence
        elif self.kind == "peer":
            settings = ", ".join(f"{k}={v}" for k, v in self.settings.items())
            about = f"{self.what}{f' ({settings})' if settings else ''}, run by its own Python"
        return Entrant(self.name, "control" if self.name in CONTROLS else self.kind, about)

    def identity(self) -> dict[str, Any]:
        """What decides its rows; a changed entrant is run again, a renamed one as well."""
        return {
            "name": self.name,
            "kind": self.kind,
            "what": self.what,
            "settings": dict(self.settings),
            "python": self.python,
        }


def parse(spec: str) -> Contestant:
    """Read an entrant from one line.

    ============================================  ==========================================================
    ``tree``, ``aim?epsilon=1&degree=2``          a generator of locum with settings
    ``NAME=aim?epsilon=1``                        the same under another name
    ``sdv.ctgan@/envs/sdv/bin/python?epochs=25``  a peer, run by the interpreter it is installed in
    ``NAME=python make.py {train} {out} ...``     a command; see `PLACES` for what is filled in
    ``NAME=made/{table}-{seed}.csv``              files that are ready
    ``NAME=py:package.module:function``           a Python function ``make(train, out, rows, seed)``
    ============================================  ==========================================================

    Raises
    ------
    UsageError
        For a line that is none of these, an unknown generator, or a command without ``{train}`` or ``{out}``.
    """
    name, equals, rest = spec.partition("=")
    if equals and not any(mark in name for mark in "?@") and name.strip():
        contestant = _read(name.strip(), rest.strip())
    else:
        contestant = _read("", spec.strip())
    if not _NAME.fullmatch(contestant.name):
        raise UsageError(
            f"{contestant.name!r} is no usable name",
            where="compare",
            expected="up to 60 letters, digits, spaces and simple marks",
            do="write NAME=...",
        )
    return contestant


def _read(name: str, text: str) -> Contestant:
    if "{train}" in text or "{out}" in text:
        return _command(name, text)
    if text.startswith("py:"):
        return Contestant(name or text[3:], "function", text[3:], function=load_function(text[3:]))
    path, _, query = text.partition("?")
    if Path(path).suffix.lower() in _SUFFIXES or path.lower().endswith(".csv.gz"):
        return Contestant(name or Path(path).stem, "files", path)
    if "@" in path:
        return _peer(name, text, path, query)
    from locum.models import registry

    registry.entry_of(path)
    return Contestant(name or text, "built-in", path, read_settings(query))


def _command(name: str, text: str) -> Contestant:
    if not name:
        raise UsageError("a command needs a name", where="compare", do="write NAME=COMMAND")
    for place in ("{train}", "{out}"):
        if place not in text:
            raise UsageError(
                f"the command of {name!r} has no {place}",
                where="compare",
                expected="a command with {train} and {out}",
                do="say where its files go",
            )
    unknown = set(re.findall(r"\{(\w*)\}", text)) - set(PLACES)
    if unknown:
        raise UsageError(
            f"the command of {name!r} has a place {{{min(unknown)}}}",
            where="compare",
            expected=", ".join(f"{{{p}}}" for p in PLACES),
        )
    try:
        shlex.split(text)
    except ValueError as error:
        raise UsageError(f"the command of {name!r} has an open quotation mark", where="compare") from error
    return Contestant(name, "command", text)


def _peer(name: str, text: str, path: str, query: str) -> Contestant:
    what, _, python = path.partition("@")
    package, _, variant = what.partition(".")
    if package not in PEERS or variant not in PEERS[package]:
        known = ", ".join(f"{p}.{v}" for p, variants in PEERS.items() for v in variants)
        raise UsageError(
            f"there is no adapter for {what!r}",
            where="compare",
            expected=known,
            do="name its Python after @, or write a command of your own",
        )
    return Contestant(name or what, "peer", what, read_settings(query), python)


def read_settings(query: str) -> dict[str, Any]:
    """Settings from ``a=1&b=x``: numbers as numbers, true and false as such, the rest as text."""
    return {key: _value(value) for key, value in parse_qsl(query, keep_blank_values=True)}


def _value(text: str) -> Any:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def load_function(path: str) -> Function:
    """The function behind ``package.module:name``, or ``file.py:name``.

    Raises
    ------
    UsageError
        When it cannot be imported or called.
    """
    module, _, attribute = path.rpartition(":")
    try:
        if module.endswith(".py"):
            spec = importlib.util.spec_from_file_location(Path(module).stem, module)
            if spec is None or spec.loader is None:
                raise ImportError(module)
            loaded = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(loaded)
        else:
            loaded = importlib.import_module(module)
        found = getattr(loaded, attribute)
    except (ImportError, AttributeError, OSError, SyntaxError, ValueError) as error:
        raise UsageError(
            f"{path!r} cannot be loaded ({type(error).__name__}: {str(error)[:120]})",
            where="plug-in",
            expected="package.module:function or file.py:function",
        ) from error
    if not callable(found):
        raise UsageError(f"{path!r} is no function", where="plug-in")
    made: Function = found
    return made


def field_of(given: Sequence[Contestant]) -> tuple[Contestant, ...]:
    """The whole field: the entrants, then the negative controls that are not among them.

    Raises
    ------
    UsageError
        When two entrants have one name.
    """
    names = [c.name for c in given]
    twice = next((n for n in names if names.count(n) > 1), None)
    if twice is not None:
        raise UsageError(f"two entrants are called {twice!r}", where="compare", do="write NAME=... for one")
    taken = next((c for c in given if c.name in CONTROLS and c.what != c.name), None)
    if taken is not None:
        raise UsageError(f"{taken.name!r} is the name of a negative control", where="compare", do="rename it")
    return (*given, *(Contestant(n, "built-in", n) for n in CONTROLS if n not in names))
