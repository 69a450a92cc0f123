"""The ``locum`` command: finds the command asked for, runs it, and turns every failure into one message."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from inspect import cleandoc
from typing import Annotated, Any

import typer

import locum
from locum.cli.helppage import Command, CommandList, below, commands
from locum.errors import LocumError

#: Commands in the order of the help page.
COMMANDS = tuple(name for name, _ in below(""))

#: What the system says when a file cannot be written for want of room; everything else is a fault of ours.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)

HELP = """Synthetic stand-ins for data, with the evidence of how far they can be trusted.

Start with `locum demo`, then `locum run DATA.csv`; `locum COMMAND --help` has the options and an example.
Nothing is sent anywhere.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    0 fine, 1 a check failed or the data cannot be used, 2 the call is off, 130 stopped by Ctrl-C.

    Parameters
    ----------
    argv
        Arguments without the program's name; None takes those of the process.
    """
    # Many small products of matrices: idle threads of the linear algebra would only spin (2.5 times the CPU).
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    args = list(sys.argv[1:] if argv is None else argv)
    if args == ["--version"]:
        sys.stdout.write(f"locum {locum.__version__}\n")
        return 0
    debug = "--debug" in args
    args = [arg for arg in args if arg != "--debug"] or ["--help"]
    as_json = "--json" in args
    try:
        return _run(args, as_json=as_json, debug=debug)
    except BrokenPipeError:
        # The reader of our output went away (`| head`): nobody is left to tell, and Python would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _run(args: list[str], *, as_json: bool, debug: bool) -> int:
    from locum.cli import failure

    words = [arg for arg in args if not arg.startswith("-")]
    command = words[0] if words else ""
    refusal = next(c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException")
    try:
        result = _app(*words).main(args, prog_name="locum", standalone_mode=False)
        if result == failure.INTERRUPTED:  # typer turns Ctrl-C into this code by itself
            return failure.tell_interrupt(command, as_json=as_json)
        return result if isinstance(result, int) else 0
    except LocumError as error:
        return failure.tell(error, as_json=as_json)
    except (KeyboardInterrupt, typer.Abort):
        return failure.tell_interrupt(command, as_json=as_json)
    except BrokenPipeError:
        raise
    except MemoryError:
        return failure.tell(_out_of_memory(), as_json=as_json)
    except Exception as error:  # noqa: BLE001 - the outermost border: nothing may escape as a bare traceback
        if isinstance(error, typer.Exit):
            return int(error.exit_code)
        if type(error).__name__ == "NoArgsIsHelpError":
            sys.stdout.write(f"{error}\n")
            return 0
        if isinstance(error, refusal):
            return _refuse(error, words, args, as_json=as_json)
        if isinstance(error, OSError) and error.errno in _FULL:
            from locum.files.atomic import folder_error

            return failure.tell(folder_error(error, error.filename or "output"), as_json=as_json)
        return failure.tell_crash(error, as_json=as_json, debug=debug)


def _app(*words: str) -> Any:
    """The click command tree. Of all commands only the one that is asked for is made."""
    app = _group("locum", HELP)
    app.info.context_settings = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
    app.callback()(_globals)
    parent = app
    for name in _path(words):
        spec, last = commands()[name], name.split()[-1]
        if "options" in spec:
            from locum.cli.command import command

            parent.command(last, cls=Command, help=cleandoc(spec["help"]))(command(name))
        else:
            group = _group(last, spec["help"], no_args_is_help=True)
            parent.add_typer(group)
            parent = group
    return typer.main.get_command(app)


def _group(name: str, text: str, **more: Any) -> typer.Typer:
    return typer.Typer(
        name=name,
        cls=CommandList,
        help=text,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        **more,
    )


def _path(words: Sequence[str]) -> list[str]:
    """The groups and the command that words name, each by its full name."""
    found = [""]
    for word in words:
        if word not in dict(below(found[-1])):
            break
        found.append(f"{found[-1]} {word}".strip())
    return found[1:]


def _globals(
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an internal error.")] = False,
) -> None:
    if version:
        sys.stdout.write(f"locum {locum.__version__}\n")
        raise typer.Exit


def _out_of_memory() -> LocumError:
    from locum.errors import FeasibilityError

    return FeasibilityError(
        "memory ran out",
        do="ask for fewer rows with --rows, take a sample of the data, or see `locum check`",
    )


def _given(param: Any, args: Sequence[str]) -> str:
    """The text that was given for a parameter, for a message; empty when it cannot be told."""
    for name in getattr(param, "opts", ()):
        for i, arg in enumerate(args):
            if arg == name and i + 1 < len(args):
                return f", got {args[i + 1]!r}"
            if arg.startswith(f"{name}="):
                return f", got {arg.partition('=')[2]!r}"
    return ""


def _refuse(error: Any, words: Sequence[str], args: Sequence[str], *, as_json: bool) -> int:
    """Tell a refusal by the option parser in our own words, with the nearest name there is."""
    from locum.cli import failure

    message = str(error.format_message()).split(" (Possible options")[0].rstrip(".")
    message += _given(getattr(error, "param", None), args)
    path = _path(words)
    name = path[-1] if path else ""
    close: Sequence[str] = list(getattr(error, "possibilities", None) or ())
    if len(words) > len(path) and "options" not in commands().get(name, ()):
        unknown = words[len(path)]
        message = f"there is no command {f'{name} {unknown}'.strip()!r}"
        close = get_close_matches(unknown, [other for other, _ in below(name)], n=1, cutoff=0.5)
    hint = f"see `locum {f'{name} --help'.strip()}`"
    if close:
        hint = f"did you mean {close[0]}? Otherwise {hint}"
    return failure.tell_usage(message, hint, as_json=as_json)
