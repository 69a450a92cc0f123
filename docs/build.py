"""Write docs/reference/*.md from the docstrings of the public functions and the help of the commands.

Run it with ``make docs``. The pages are committed; a test says when they are out of date.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

REFERENCE = Path(__file__).parent / "reference"
_HEADING = re.compile(r"^(\S[^\n]*)\n-{3,}\n", re.MULTILINE)
_GENERATED = "<!-- Written by docs/build.py from the source; change the docstring, not this page. -->\n\n"


def pages() -> dict[str, str]:
    """Every page by file name."""
    return {
        "index.md": index_page(),
        "python.md": python_page(),
        "commands.md": commands_page(),
        "measures.md": measures_page(),
        "generators.md": generators_page(),
        "errors.md": errors_page(),
    }


def index_page() -> str:
    """The table of contents."""
    return (
        _GENERATED + "# Reference\n\n"
        "- [Python](python.md): what `import locum` offers\n"
        "- [Commands](commands.md): every command and option of `locum`\n"
        "- [Measures and attacks](measures.md): everything that an evaluation can measure, and when it does\n"
        "- [Generators](generators.md): every generator and its settings\n"
        "- [Errors](errors.md): what can be raised, and the exit codes\n"
    )


def python_page() -> str:
    """The public functions and classes."""
    import locum

    parts = [_GENERATED + "# Python\n"]
    functions = [name for name in locum.__all__ if inspect.isfunction(getattr(locum, name))]
    classes = [name for name in locum.__all__ if inspect.isclass(getattr(locum, name))]
    parts.append("Functions: " + ", ".join(f"[`{n}`](#locum{n})" for n in functions) + ".\n")
    for name in functions:
        parts.append(entry(f"locum.{name}", getattr(locum, name)))
    for name in classes:
        parts.append(class_entry(f"locum.{name}", getattr(locum, name)))
    return "\n".join(parts)


def class_entry(title: str, made: type[Any]) -> str:
    """A class and its public methods and properties."""
    parts = [f"## {title}\n", prose(made.__doc__ or "")]
    for name, member in vars(made).items():
        if name.startswith("_"):
            continue
        if isinstance(member, property):
            parts.append(f"### `.{name}`\n\n{prose(member.__doc__ or '', level=4)}")
        elif inspect.isfunction(member) or isinstance(member, classmethod):
            parts.append(entry(f".{name}", getattr(made, name), level=3))
    return "\n".join(parts)


def entry(title: str, function: Callable[..., Any], level: int = 2) -> str:
    """A function with its signature and docstring."""
    heading = title if level == 2 else f"`{title}`"
    shown = f"{title.rpartition('.')[2]}{signature(function)}"
    body = prose(function.__doc__ or "", level=level + 1)
    return f"{'#' * level} {heading}\n\n```python\n{shown}\n```\n\n{body}"


def signature(function: Callable[..., Any]) -> str:
    """Parameters without annotations, one a line when they are many."""
    found = inspect.signature(function)
    bare = [
        p.replace(annotation=inspect.Parameter.empty)
        for p in found.parameters.values()
        if p.name not in ("self", "cls")
    ]
    text = str(found.replace(parameters=bare, return_annotation=inspect.Signature.empty))
    # A default that is a function prints with its address, which differs from run to run.
    return re.sub(r"<function (\w+) at 0x[0-9a-f]+>", r"\1", text)


def prose(docstring: str, level: int = 3) -> str:
    """A numpydoc docstring as Markdown."""
    text = inspect.cleandoc(docstring)
    if not text:
        return ""
    pieces = _HEADING.split(text)
    parts = [_plain(pieces[0])]
    for heading, body in zip(pieces[1::2], pieces[2::2], strict=True):
        fields = heading in ("Parameters", "Attributes", "Raises", "Returns")
        parts.append(f"{'#' * level} {heading}\n\n{_fields(body) if fields else _plain(body)}")
    return "\n".join(part for part in parts if part.strip())


def _plain(text: str) -> str:
    """Paragraphs; double backticks become single ones, doctest examples become code."""
    lines, code = [], False
    for line in text.strip().splitlines():
        example = line.startswith((">>>", "..."))
        if example != code:
            lines.append("```python" if example else "```")
            code = example
        lines.append(line if example else line.replace("``", "`"))
    return "\n".join([*lines, *(["```"] if code else [])]) + "\n"


def _fields(text: str) -> str:
    """``name`` lines followed by an indented text, as a list."""
    items: list[str] = []
    for block in re.split(r"\n(?=\S)", text.strip()):
        name, _, rest = block.partition("\n")
        words = " ".join(inspect.cleandoc(rest).split()).replace("``", "`")
        items.append(f"- `{name}`: {words}" if words else f"- {name.replace('``', '`')}")
    return "\n".join(items) + "\n"


def commands_page() -> str:
    """The help text of every command, those of a group below their group."""
    from locum.cli.main import COMMANDS

    paths = [path for name in COMMANDS for path in [(name,), *below(name)]]
    parts = [_GENERATED + "# Commands\n", "```text\n" + help_of() + "```\n"]
    parts += [
        f"{'#' * min(4, 1 + len(path))} locum {' '.join(path)}\n\n```text\n{help_of(*path)}```\n"
        for path in paths
    ]
    return "\n".join(parts)


def below(*group: str) -> list[tuple[str, ...]]:
    """The commands of a group and of the groups in it, in the order of its help; empty for a command."""
    _, has_commands, listed = help_of(*group).partition("\nCommands:\n")
    if not has_commands:
        return []
    names = [line.split()[0] for line in listed.splitlines() if line.startswith("  ") and line[2] != " "]
    return [path for name in names for path in [(*group, name), *below(*group, name)]]


def help_of(*command: str) -> str:
    """What ``locum COMMAND --help`` prints on a terminal of 100 columns."""
    from locum.cli.main import main

    shown = io.StringIO()
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = "100"
    try:
        with contextlib.redirect_stdout(shown):
            main([*command, "--help"])
    finally:
        if before is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = before
    return shown.getvalue()


def measures_page() -> str:
    """Every measure and attack, from the table that the evaluation runs."""
    from locum.evaluation.registry import evaluators

    parts = [
        _GENERATED + "# Measures and attacks\n\n"
        "The names are those of `report.json` and of limits such as `c2st.max`. *Best* is the value of a "
        "stand-in that could not be better; *decides* marks what the answer to the question rests on, *veto* "
        "what can only make it worse; the others are shown and have no say. An "
        "effort runs what is marked with it and with the efforts before it.\n"
    ]
    for title, kinds in (
        ("Tables", ("metric", "summary")),
        ("Attacks on tables", ("attack", "score")),
        ("Texts", ("text", "text study")),
    ):
        chosen = list(evaluators(*kinds))  # type: ignore[arg-type]
        rows = [_measure(e, m) for e in chosen for m in e.measures]
        head = (
            "| name | what | question | best | decides | from effort | needs |\n|---|---|---|---|---|---|---|"
        )
        parts.append(f"## {title}\n\n{head}\n" + "\n".join(rows) + "\n")
        for e in chosen:
            names = ", ".join(f"`{m.name}`" for m in e.measures)
            attacker = f"\nThe attacker has: {e.attacker.format(shadows='many')}\n" if e.attacker else ""
            seeker = f"\nSeeks in a tournament as `{e.key}`.\n" if e.kind == "score" else ""
            body = prose(e.load().__doc__ or "", level=4)
            parts.append(f"### {names}\n\n{body}{attacker}{seeker}")
    return "\n".join(parts)


def _measure(e: Any, m: Any) -> str:
    from locum.evaluation.decision import RULES

    best = {"lower": "low", "higher": "high"}.get(m.direction, "as real rows")
    best = best if m.target is None else f"{m.target:g}"
    name, title = f"{m.name}.<{m.of}>" if m.of else m.name, re.sub(r"[{}]", "", m.title)
    effort = "only in tournaments" if e.effort is None else e.effort
    rule, needs = RULES[e.question], ", ".join(e.needs)
    decides = (
        "yes"
        if m.name in rule.decides
        else "veto"
        if rule.covers(m.name) and m.name != "attack.worst"
        else ""
    )
    return f"| `{name}` | {title} | {e.question} | {best} | {decides} | {effort} | {needs} |"


def generators_page() -> str:
    """Every generator with its settings, from the constraints that also check them."""
    from locum.models import registry

    parts = [
        _GENERATED + "# Generators\n\n"
        'Settings are given by name: `locum.Synthesizer("tree", members=4)`, or in `locum.toml` as '
        "`settings` of `[model]`.\n"
    ]
    for name in registry.names():
        known = registry.entry_of(name)
        parts.append(f"## {name}\n\n{known.sentence}\n")
        constraints = known.model.settings_type.constraints()
        if not constraints:
            parts.append("It has no settings.\n")
            continue
        defaults = {**known.model().get_params(), **known.settings}
        rows = [
            f"| `{key}` | `{defaults[key]!r}` | {one.expected} | {one.sentence} |"
            for key, one in constraints.items()
        ]
        parts.append(
            "| setting | default | may be | what it does |\n|---|---|---|---|\n" + "\n".join(rows) + "\n"
        )
    return "\n".join(parts)


def errors_page() -> str:
    """The exception tree."""
    from locum import errors

    rows = [
        f"| `{name}` | `{made.__base__.__name__}` | {made.exit_code} | {_first_line(made)} |"
        for name, made in vars(errors).items()
        if inspect.isclass(made) and issubclass(made, errors.LocumError)
    ]
    return (
        _GENERATED + "# Errors\n\n"
        "Every error has `what`, `where`, `examples` (masked), `expected` and `do`; `message` joins them.\n"
        "The command line shows the same words, and ends with the exit code below. Ctrl-C ends with 130.\n\n"
        "| error | is a | exit code | when |\n|---|---|---|---|\n" + "\n".join(rows) + "\n"
    )


def _first_line(made: type[Any]) -> str:
    return (made.__doc__ or "").splitlines()[0].replace("``", "`")


def main() -> int:
    """Write the pages."""
    REFERENCE.mkdir(exist_ok=True)
    for name, text in pages().items():
        (REFERENCE / name).write_text(text, encoding="utf-8")
    for stale in set(REFERENCE.glob("*.md")) - {REFERENCE / name for name in pages()}:
        stale.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
