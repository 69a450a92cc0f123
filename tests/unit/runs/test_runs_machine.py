"""What the machine offers is within what a machine can have."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from locum.runs import machine


def test_this_machine_makes_sense():
    here = machine.Machine.here()
    assert 1 <= here.cores <= (os.cpu_count() or 1)
    assert 10**7 < here.memory_bytes <= machine.total_memory()
    assert 0.01 < here.speed < 100


def test_disk_of_a_path_that_does_not_exist_yet_is_that_of_its_parent(tmp_path):
    free = machine.disk_free(tmp_path / "a" / "b")
    assert free > 0
    assert abs(free - machine.disk_free(tmp_path)) < 10**9


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")
def test_a_process_limit_bounds_the_memory():
    code = (
        "import resource; from locum.runs import machine;"
        "resource.setrlimit(resource.RLIMIT_AS, (600_000_000, 600_000_000));"
        "print(machine.available_memory())"
    )
    left = int(
        subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout
    )
    assert 0 <= left < 600_000_000


def test_peak_memory_covers_what_was_held():
    block = bytearray(50_000_000)
    block[::4096] = b"x" * len(block[::4096])
    assert machine.peak_memory() > len(block)
