"""Starts a command and writes down what it used; run as a small process of its own.

    python -I -S launch.py USAGE.json COMMAND...

Linux counts the memory of the process that starts a program into that program's peak, so a starter as large
as locum itself would hide every smaller one. This one takes about 10 MB.
"""

import json
import os
import sys


def main() -> int:
    """Run the command on the command line; the exit code is the command's own, 127 if it cannot start."""
    usage, command = sys.argv[1], sys.argv[2:]
    try:
        pid = os.posix_spawnp(command[0], command, os.environ)
    except OSError as error:
        sys.stderr.write(f"cannot be started: {error.strerror}: {command[0]}\n")
        return 127
    _, status, used = os.wait4(pid, 0)
    scale = 1 if sys.platform == "darwin" else 1024
    found = {"cpu_s": used.ru_utime + used.ru_stime, "peak_bytes": used.ru_maxrss * scale}
    with open(usage, "w", encoding="utf-8") as file:  # noqa: PTH123 - pathlib would double the memory
        json.dump(found, file)
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
