"""Where words go: results to standard output, progress and messages to standard error."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console


def out() -> Console:
    """Console for results. Made on each call, so that a redirected stream is respected; honours NO_COLOR."""
    return Console(highlight=False, soft_wrap=True, emoji=False, markup=False)


def err() -> Console:
    """Console for progress and messages."""
    return Console(stderr=True, highlight=False, soft_wrap=True, emoji=False, markup=False)


def say(text: str = "", style: str = "", hang: int = 0) -> None:
    """Write one line of words to standard output, on a terminal wrapped between words; see `wrapped`."""
    console = out()
    console.print(wrap(text, console, hang), style=style or None)


def note(text: str, style: str = "dim") -> None:
    """Write one line of side information to standard error."""
    console = err()
    console.print(wrap(text, console), style=style or None)


def prompt(question: str) -> str:
    """Put a question on standard error and read the answer; the end of input is an empty one."""
    err().print(question, end="")
    return sys.stdin.readline().rstrip("\n")


def wrap(text: str, console: Console, hang: int = 0) -> str:
    """Words for a terminal: broken between words, `hang` spaces before the lines after the first.

    Elsewhere nothing is broken, so that it can be searched. What is to be copied from the screen (a path, the
    next command) is left whole too.
    """
    copied = text.startswith(("Next: ", "Report: "))
    if not console.is_terminal or copied or len(text) < console.width:
        return text
    return textwrap.fill(
        text,
        console.width - 1,
        subsequent_indent=" " * hang,
        break_long_words=False,
        break_on_hyphens=False,
    )


def emit(payload: Mapping[str, Any]) -> None:
    """Write the one JSON object of a command run with ``--json``."""
    sys.stdout.write(json.dumps({"ok": True, **payload}, ensure_ascii=False, allow_nan=False) + "\n")
    sys.stdout.flush()


def table(
    headers: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = (), title: str = ""
) -> None:
    """Write a table to standard output.

    On a terminal it is fitted to the width; elsewhere nothing is cut, so that it can be searched.

    Parameters
    ----------
    headers, rows
        Texts; every row as long as `headers`.
    right
        Positions of columns of numbers.
    title
        Line above the table.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    console = out()
    grid = Table(box=box.SIMPLE_HEAD, title=title or None, title_justify="left", pad_edge=False)
    for i, header in enumerate(headers):
        grid.add_column(Text(header), justify="right" if i in right else "left", overflow="fold")
    for row in rows:
        grid.add_row(*(Text(cell) for cell in row))
    if not console.is_terminal:
        console = Console(
            highlight=False, emoji=False, markup=False, width=max(80, _width(headers, rows)), no_color=True
        )
    with console.capture() as shown:
        console.print(grid)
    text = "\n".join(line.rstrip() for line in shown.get().strip("\n").splitlines())
    sys.stdout.write(text.strip("\n") + "\n\n")


def _width(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    from rich.cells import cell_len

    return sum(
        max([cell_len(header), *(cell_len(row[i]) for row in rows)]) + 3 for i, header in enumerate(headers)
    )
