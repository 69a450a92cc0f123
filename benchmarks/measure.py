"""Run a command and measure what it takes: CPU seconds of its processes, clock, memory.

    python measure.py RESULT.json SECONDS COMMAND ...

A program of its own, and a small one, for a reason: Linux counts the memory of the process that starts a
program as that program's, so a benchmark that holds tables would add its own size to every peer. Standard
library only.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path


def measured(command: list[str], seconds: float) -> dict[str, object]:
    """Start, wait at most `seconds`, and end what is left.

    Returns
    -------
    dict
        ``code`` (None: out of time), ``cpu_s`` (user and system, with all children it has waited for),
        ``wall_s``, ``rss_mb`` (the largest single process).
    """
    start = time.monotonic()
    # A session of its own, so that ending it ends its children and nobody else.
    child = subprocess.Popen(command, start_new_session=True)
    late = False
    while True:
        pid, status, usage = os.wait4(child.pid, os.WNOHANG)
        if pid:
            break
        if not late and time.monotonic() - start > seconds:
            late = True
            os.killpg(child.pid, signal.SIGKILL)
        time.sleep(0.05)
    child.returncode = os.waitstatus_to_exitcode(status)
    return {
        "code": None if late else child.returncode,
        "cpu_s": round(usage.ru_utime + usage.ru_stime, 2),
        "wall_s": round(time.monotonic() - start, 2),
        "rss_mb": round(usage.ru_maxrss / 1024 / (1024 if sys.platform == "darwin" else 1)),
    }


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(measured(sys.argv[3:], float(sys.argv[2]))))
