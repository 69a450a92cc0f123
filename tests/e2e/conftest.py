"""What the end-to-end tests share: a small real-looking table, and the command as a process."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Locum = Callable[..., subprocess.CompletedProcess[str]]


def visits(n_rows: int, seed: int = 1) -> str:
    """A CSV of hospital visits: an id, numbers, categories with missing values, a date, a yes/no target."""
    draw = random.Random(seed)
    lines = ["visit,age,ward,score,admitted,readmitted"]
    for i in range(n_rows):
        age = min(99, max(0, round(draw.gauss(55, 18))))
        ward = draw.choices(["surgery", "medicine", "ICU", ""], [4, 5, 2, 1])[0]
        score = round(age / 10 + draw.expovariate(0.7) + (3 if ward == "ICU" else 0), 1)
        readmitted = "yes" if draw.random() < 1 / (1 + 2.718 ** (9 - score)) else "no"
        day = f"2024-{draw.randint(1, 12):02d}-{draw.randint(1, 28):02d}"
        lines.append(f"V{i:05d},{age},{ward},{score},{day},{readmitted}")
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="session")
def make_visits() -> Callable[..., str]:
    """The function that makes ``visits.csv``."""
    return visits


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A working directory with ``visits.csv`` of 300 rows."""
    (tmp_path / "visits.csv").write_text(visits(300), encoding="utf-8")
    return tmp_path


@pytest.fixture
def locum(folder: Path) -> Locum:
    """Run the command as a process in the folder: ``locum("run", "visits.csv", ...)``."""

    def call(*argv: str, prefix: tuple[str, ...] = (), **options: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*prefix, sys.executable, "-m", "locum", *argv],
            cwd=folder, capture_output=True, text=True, timeout=1200, check=False,
            env={**os.environ, "SOURCE_DATE_EPOCH": "1700000000", "NO_COLOR": "1"}, **options,
        )  # fmt: skip

    return call


@pytest.fixture
def half_written(folder: Path) -> Callable[[], list[str]]:
    """Gives the names of temporary files that were left behind."""

    def names() -> list[str]:
        return [p.name for p in folder.rglob("*") if p.name.startswith(".unfinished-")]

    return names
