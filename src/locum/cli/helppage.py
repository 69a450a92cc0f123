"""Help pages: commands by what they are for with whole sentences, options by topic, and an example each."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

from typer.core import TyperCommand, TyperGroup

#: Options whose help begins with one of these words are listed by themselves, without the words.
_TOPICS = ("With --epsilon: ",)


@cache
def commands() -> Mapping[str, Mapping[str, Any]]:
    """What ``commands.toml`` says of each command and group, by its full name."""
    text = Path(__file__).with_name("commands.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def below(group: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The commands of a group (of all of locum for ``""``) by their last word."""
    depth = len(group.split())
    for name, spec in commands().items():
        *above, last = name.split()
        if last != "shared" and len(above) == depth and " ".join(above) == group:
            yield last, spec


class CommandList(TyperGroup):
    """A group whose commands are listed with whole sentences, in sections; none has to be loaded for that."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the list."""
        group = ctx.command_path.partition(" ")[2]
        for section, listed in groupby(below(group), key=lambda one: one[1].get("section", "Commands")):
            lines = [(name, spec.get("short") or _first_sentence(spec["help"])) for name, spec in listed]
            with formatter.section("Commands" if group else section):
                formatter.write_dl(lines, col_max=30 if group else 10)


class Command(TyperCommand):
    """A command whose options about one topic stand together, with examples at the end."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments, options, and options by topic."""
        parts: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is None:
                continue
            name, said = record
            topic = next((t for t in _TOPICS if said.startswith(t)), "")
            if topic:
                words = said.removeprefix(topic)
                parts.setdefault(topic.rstrip(": "), []).append((name, words[:1].upper() + words[1:]))
            else:
                parts["Arguments" if param.param_type_name == "argument" else "Options"].append(record)
        for title, records in parts.items():
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the examples as they are typed."""
        calls = commands().get(ctx.command_path.partition(" ")[2], {}).get("examples", ())
        if not calls:
            return
        with formatter.section("Example" if len(calls) == 1 else "Examples"):
            for call in calls:
                formatter.write(" " * formatter.current_indent + call + "\n")


def _first_sentence(text: str) -> str:
    return " ".join(text.split("\n\n")[0].split()).partition(". ")[0].rstrip(".") + "."
