"""A child process with a time limit, and what it used: CPU seconds and memory of itself and its children."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_TAIL = 300


@dataclass(frozen=True, slots=True)
class Use:
    """How a child ended and what it used.

    Attributes
    ----------
    code
        Exit code; above 128 or negative when a signal ended it.
    too_slow
        Whether it was stopped at the time limit.
    wall_s, cpu_s, peak_bytes
        Seconds on the clock, user and system seconds, and the largest resident memory of any one process in
        it; None where the system cannot tell, or when it was stopped.
    said
        Last line that it wrote, cut to 300 characters.
    """

    code: int
    too_slow: bool
    wall_s: float
    cpu_s: float | None
    peak_bytes: float | None
    said: str


def run(command: Sequence[str], *, limit_s: float, log: Path, folder: Path) -> Use:
    """Run a command in a folder without a shell and measure it.

    Its output goes to `log`, its use to a file beside it. It gets a process group of its own, and at the time
    limit, or when this process is interrupted, the whole group is killed. A command that cannot be started
    counts as failed (code 127).
    """
    usage = log.with_name("usage.json")
    usage.unlink(missing_ok=True)
    words = list(command)
    if hasattr(os, "wait4"):
        words = [sys.executable, "-I", "-S", str(Path(__file__).with_name("launch.py")), str(usage), *words]
    start = time.monotonic()
    with log.open("wb") as output:
        try:
            child = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=folder,
                start_new_session=True,
            )
        except OSError as error:
            return Use(127, False, 0.0, None, None, f"cannot be started: {error.strerror}: {words[0]}")
        too_slow = False
        try:
            child.wait(limit_s)
        except subprocess.TimeoutExpired:
            too_slow = True
        finally:
            # Also after Ctrl-C, and for whatever a command left running behind itself.
            _kill(child)
            child.wait()
    wall = time.monotonic() - start
    cpu, peak = _usage(usage)
    return Use(child.returncode, too_slow, wall, cpu, peak, _last_line(log))


def _kill(child: subprocess.Popen[bytes]) -> None:
    with suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(child.pid, signal.SIGKILL)
        else:
            child.kill()


def _usage(path: Path) -> tuple[float | None, float | None]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return float(found["cpu_s"]), float(found["peak_bytes"])
    except (OSError, ValueError, KeyError, TypeError):
        return None, None


def _last_line(log: Path) -> str:
    with log.open("rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - 4_000))
        text = file.read().decode("utf-8", "replace")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:_TAIL] if lines else ""
