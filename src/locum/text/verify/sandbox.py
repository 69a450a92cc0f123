"""Where code that a model wrote is run: never in this process.

By default in pydantic-monty, a Python subset of its own in a worker process, without files, network,
environment or foreign modules. Only when asked for by name in a subprocess of the real Python with limits
(`ProcessSandbox`), which is weaker: it keeps runaway code in bounds but is no wall against hostile code.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

from locum.errors import UsageError

#: Longest source in characters.
MAX_SOURCE = 50_000


@dataclass(frozen=True, slots=True)
class Ran:
    """How a piece of code ended.

    Attributes
    ----------
    ok
        It ran to its end.
    fault
        Name of the exception or limit; empty when `ok`.
    value
        ``repr`` of the last expression, as far as the sandbox gives it; at most 2,000 characters.
    """

    ok: bool
    fault: str = ""
    value: str = ""


class Sandbox(Protocol):
    """Runs code apart from this process; never raises for what the code does."""

    def run(self, source: str, *, seconds: float = 2.0) -> Ran:
        """Run a module from its first line to its last."""
        ...

    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...


class MontySandbox:
    """Python by pydantic-monty in a pool of one worker process; about 1 ms a run, 0.2 s to start.

    Parameters
    ----------
    memory_mb
        Most memory of a run.

    Raises
    ------
    UsageError
        When the extra ``text`` is not installed.

    Notes
    -----
    It knows a subset of Python (no foreign modules, few of the standard ones): correct code that uses more
    counts as failed. What the code prints is thrown away.
    """

    def __init__(self, memory_mb: int = 64) -> None:
        try:
            import pydantic_monty
        except ImportError as error:
            raise UsageError(
                "running code needs the extra 'text' (pydantic-monty)",
                where="sandbox",
                do="pip install 'locum[text]'",
            ) from error
        self._monty: Any = pydantic_monty
        self._memory = memory_mb << 20
        self._pool: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the worker."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.__exit__(None, None, None)

    def run(self, source: str, *, seconds: float = 2.0) -> Ran:
        """See `Sandbox`."""
        if len(source) > MAX_SOURCE:
            return Ran(False, "too long")
        if self._pool is None:
            pool = self._monty.Monty(max_processes=1)
            pool.__enter__()
            self._pool = pool
        limits = {
            "max_feed_duration_secs": seconds,
            "max_memory": self._memory,
            "max_recursion_depth": 400,
        }
        try:
            with self._pool.checkout(limits=limits) as session:
                value = session.feed_run(source, print_callback=self._monty.CollectString())
        except self._monty.MontyError as error:
            return Ran(False, _fault(error))
        return Ran(True, value=repr(value)[:2000])


class ProcessSandbox:
    """The real Python in a subprocess with limits on time, memory, files and processes. POSIX only.

    A fence, not a wall: the code can read files that this user can read. Use it for code you would run by
    hand, or inside a container of your own.

    Parameters
    ----------
    i_accept_the_risk
        Must be True; nothing takes this sandbox by default.
    memory_mb
        Most address space of a run.

    Raises
    ------
    UsageError
        Without the word, or where there are no resource limits.
    """

    def __init__(self, *, i_accept_the_risk: bool = False, memory_mb: int = 512) -> None:
        if not i_accept_the_risk:
            raise UsageError(
                "a subprocess with limits is no wall against hostile code",
                where="sandbox",
                do="use the default sandbox, or say ProcessSandbox(i_accept_the_risk=True)",
            )
        if os.name != "posix":
            raise UsageError("this system has no resource limits", where="sandbox", do="use the default")
        self._memory = memory_mb << 20

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def run(self, source: str, *, seconds: float = 2.0) -> Ran:
        """See `Sandbox`; costs about 30 ms a run."""
        if len(source) > MAX_SOURCE:
            return Ran(False, "too long")
        # The limits are set by the child before it reads the source: a hook between fork and exec is unsafe
        # in a process with threads.
        with tempfile.TemporaryDirectory(prefix="locum-") as place:
            command: Sequence[str] = (
                sys.executable,
                "-I",
                "-S",
                "-c",
                _CHILD,
                str(int(seconds) + 1),
                str(self._memory),
            )
            child = subprocess.Popen(
                command,
                cwd=place,
                env={"PATH": ""},
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                start_new_session=True,
                text=True,
            )
            try:
                _, words = child.communicate(source, timeout=seconds)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                child.communicate()
                return Ran(False, "TimeoutError")
        if child.returncode == 0:
            return Ran(True)
        if child.returncode < 0:
            return Ran(False, f"killed by signal {-child.returncode}")
        last = words.strip().splitlines()[-1] if words.strip() else ""
        return Ran(False, last.partition(":")[0][:60] or "error")


_CHILD = """
import resource, sys
seconds, memory = int(sys.argv[1]), int(sys.argv[2])
source = sys.stdin.read()
for kind, most in (("CPU", seconds), ("AS", memory), ("FSIZE", 0), ("NOFILE", 16), ("CORE", 0)):
    resource.setrlimit(getattr(resource, "RLIMIT_" + kind), (most, most))
resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
exec(compile(source, "main.py", "exec"), {"__name__": "__main__"})
"""


def _fault(error: Exception) -> str:
    """The kind of fault without its words, which may hold values."""
    name = type(error).__name__
    if name == "MontySyntaxError":
        return "SyntaxError"
    if name == "MontyCrashedError":
        return "crashed"
    return str(error).partition(":")[0].strip()[:60] or name
