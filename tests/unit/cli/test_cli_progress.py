"""Progress is words on standard error: lines where there is no terminal, a live bar where there is one."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys

import pytest

from locum.cli.progress import Display
from locum.progress import Event

SHOW = """
import time
from locum.cli.progress import Display
from locum.progress import Event
with Display({"fit": 30, "sample": 5}) as display:
    for i in range(6):
        display(Event("fit", i, 5, "column [red]age[/red]"))
        time.sleep(0.05)
    display(Event("sample", 0, 1))
print("result")
"""


def on_a_terminal(**environment: str) -> str:
    """What a user sees who runs `SHOW` in a terminal."""
    main, side = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", SHOW], stdout=side, stderr=side,
        env={"PATH": os.environ["PATH"], "TERM": "xterm-256color", "COLUMNS": "100", **environment},
    )  # fmt: skip
    os.close(side)
    shown = b""
    while True:
        try:
            block = os.read(main, 4096)
        except OSError:  # Linux says so when the other side is closed.
            break
        if not block:
            break
        shown += block
    assert process.wait(30) == 0
    os.close(main)
    return shown.decode()


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo terminal")
def test_on_a_terminal_there_is_a_bar_with_the_time_left():
    shown = on_a_terminal()
    assert "learning" in shown
    assert re.search(r"about \d+ s left", shown)
    assert "column [red]age[/red]" in shown, "notes are shown as they are"
    assert "\x1b[" in shown
    assert shown.replace("\r", "").endswith("result\n")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo terminal")
def test_no_color_is_honoured():
    colours = re.compile(r"\x1b\[(?:3[0-7]|9[0-7]|38|4[0-7])[;m]")
    assert not colours.search(on_a_terminal(NO_COLOR="1"))


def test_without_a_terminal_there_are_plain_lines_on_standard_error(capsys):
    with Display({"fit": 30, "sample": 5}) as display:
        for i in range(6):
            display(Event("fit", i, 5))
        display(Event("sample", 0, 1))
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "\x1b" not in shown.err
    assert shown.err.splitlines()[0] == "learning ... about 35 s left"
    assert len(shown.err.splitlines()) <= 4, "no line per event"


def test_stages_that_take_no_time_leave_no_lines(capsys):
    with Display({"read": 0.1}) as display:
        display(Event("read", 0, 1))
        display(Event("read", 1, 1))
    assert capsys.readouterr().err == ""


def test_an_error_inside_is_not_hidden_by_the_display(capsys):
    with pytest.raises(ZeroDivisionError), Display({"fit": 30}) as display:
        display(Event("fit", 0, 1))
        raise ZeroDivisionError
    assert "done" not in capsys.readouterr().err
