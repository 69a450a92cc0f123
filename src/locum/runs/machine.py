"""What this machine offers a run: cores, memory, disk, and speed against the machine of the cost model."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path

# Processor time, so that other programs do not make the machine look slow; on Windows it ticks too coarsely.
_clock = time.perf_counter if sys.platform == "win32" else time.process_time

#: Seconds that `_work` takes on the machine on which the cost coefficients were measured.
REFERENCE_PROBE_S = 0.0081


@dataclass(frozen=True, slots=True)
class Machine:
    """What a run may use.

    Attributes
    ----------
    cores
        Processor cores open to this process (affinity and container quota included).
    memory_bytes
        Memory that can still be had: the least of free memory, container limit and process limit.
    speed
        1.0 as fast as the machine of the cost model, 2.0 twice as fast.
    """

    cores: int
    memory_bytes: int
    speed: float

    @classmethod
    def here(cls) -> Machine:
        """Look at this machine; costs about 0.05 s for the speed probe."""
        return cls(cores(), available_memory(), probe_speed())


def cores() -> int:
    """Processor cores open to this process, at least 1."""
    found = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _read("/sys/fs/cgroup/cpu.max").split()
    if len(quota) == 2 and quota[0].isdigit() and quota[1].isdigit():
        found = min(found, max(1, round(int(quota[0]) / int(quota[1]))))
    return max(1, found)


def total_memory() -> int:
    """Memory built into the machine in bytes; 0 when it cannot be told."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):
        return 0


def available_memory() -> int:
    """Bytes of memory that this process can still get."""
    limits = [_free_memory()]
    ceiling, used = _read("/sys/fs/cgroup/memory.max"), _read("/sys/fs/cgroup/memory.current")
    if ceiling.isdigit() and used.isdigit():
        limits.append(max(0, int(ceiling) - int(used)))
    limits.append(_process_limit())
    return min(limit for limit in limits if limit >= 0)


def _free_memory() -> int:
    for line in _read("/proc/meminfo").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    # Systems without /proc: half of what is built in is a cautious guess.
    return total_memory() // 2 or 4 * 10**9


def _process_limit() -> int:
    """Address space left under RLIMIT_AS, or -1 when there is no such limit."""
    if sys.platform == "win32":
        return -1
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    if soft in (resource.RLIM_INFINITY, -1):
        return -1
    pages = _read("/proc/self/statm").split()
    taken = int(pages[0]) * os.sysconf("SC_PAGE_SIZE") if pages else 0
    return max(0, soft - taken)


def disk_free(path: Path) -> int:
    """Free bytes on the disk that holds `path`, or its nearest parent that exists."""
    at = path.resolve()
    while not at.exists() and at != at.parent:
        at = at.parent
    return shutil.disk_usage(at).free


def peak_memory() -> int:
    """Most memory in bytes that this process has held so far; 0 when the system does not say."""
    if sys.platform == "win32":
        return 0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def probe_speed() -> float:
    """Speed of one core against the reference: best of five runs of a small sort-and-count."""
    best = min(_work() for _ in range(5))
    return REFERENCE_PROBE_S / max(best, 1e-6)


def _work() -> float:
    import numpy as np

    values = (np.arange(200_000, dtype=np.uint32) * np.uint32(2654435761)) % np.uint32(65_521)
    start = _clock()
    order = np.argsort(values, kind="stable")
    np.bincount(values[order] % 512, minlength=512)
    np.cumsum(values, dtype=np.float64)
    return _clock() - start


def describe() -> dict[str, str]:
    """System and Python in words, for ``locum doctor``."""
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
    }


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""
