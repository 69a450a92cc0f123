"""How a failure is told: one message with where, what, expected and do; never a bare traceback."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import traceback
from typing import Any

from locum.cli.console import err
from locum.errors import LocumError

#: Exit code after Ctrl-C, as shells expect it.
INTERRUPTED = 130
#: Exit code of an error inside locum itself.
CRASHED = 1

#: Commands that take up their work again when repeated.
RESUMABLE = frozenset({"run", "demo", "text"})


def tell(error: LocumError, *, as_json: bool) -> int:
    """Write a LocumError; returns the exit code."""
    _write(error.to_json() | {"message": error.message}, error.exit_code, as_json=as_json)
    return error.exit_code


def tell_usage(message: str, hint: str, *, as_json: bool, exit_code: int = 2) -> int:
    """Write an error of the command line itself (unknown option, missing argument)."""
    _write(_words("UsageError", message.rstrip("."), hint), exit_code, as_json=as_json)
    return exit_code


def tell_interrupt(command: str, *, as_json: bool) -> int:
    """Say what Ctrl-C left behind."""
    if command in RESUMABLE:
        do = "The same command resumes the run where it stopped"
    else:
        do = "Nothing half-written was left; repeat the command to start again"
    if as_json:
        words = _words("Interrupted", "stopped", do)
        _write_json(words | {"message": f"Stopped. {do}."}, INTERRUPTED)
    err().print(f"\nStopped. {do}.")
    return INTERRUPTED


def tell_crash(error: BaseException, *, as_json: bool, debug: bool) -> int:
    """Say in one line that locum itself failed, and where the traceback is."""
    what = f"locum itself failed: {type(error).__name__}: {_first_line(error)}"
    if debug:
        traceback.print_exception(error)
        do = "Please report it with the traceback above"
    else:
        do = f"Please report it; the full traceback is in {_keep_traceback(error)} (or repeat with --debug)"
    _write(_words("InternalError", what, do), CRASHED, as_json=as_json)
    return CRASHED


def _words(error: str, what: str, do: str) -> dict[str, Any]:
    """The words of a `LocumError` for what is none."""
    told = {"error": error, "what": what, "where": "", "examples": [], "expected": "", "do": do}
    return told | {"message": f"{what}. {do}."}


def _write(words: dict[str, Any], exit_code: int, *, as_json: bool) -> None:
    if as_json:
        _write_json(words, exit_code)
    console = err()
    where = f"{words['where']}: " if words["where"] else ""
    examples = f" (e.g. {', '.join(words['examples'])})" if words["examples"] else ""
    console.print("error: ", style="bold red", end="")
    console.print(f"{where}{words['what']}{examples}")
    if words["expected"]:
        console.print(f"  expected: {words['expected']}")
    if words["do"]:
        console.print(f"  do: {words['do']}")


def _write_json(words: dict[str, Any], exit_code: int) -> None:
    payload = {"ok": False, **words, "exit_code": exit_code}
    sys.stdout.write(json.dumps(payload, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [""])[0][:200]


def _keep_traceback(error: BaseException) -> str:
    """Write the traceback, readable only by the user; it stays on this machine."""
    text = "".join(traceback.format_exception(error))
    try:
        handle, path = tempfile.mkstemp(prefix="locum-error-", suffix=".txt")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError:
        return "no file, since the temporary folder cannot be written"
    return path
