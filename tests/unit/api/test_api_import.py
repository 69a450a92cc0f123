"""Importing locum is quick and quiet, and the public surface is what this file says."""

from __future__ import annotations

import inspect
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import locum
import locum.api

SURFACE = [
    "Evaluation", "LocumError", "Outcome", "Schema", "Synthesizer", "__version__", "collapse", "combine",
    "compare",
    "detect", "evaluate", "fair", "fit", "impute", "load", "mix", "plant", "propose_rules", "run",
    "sample", "scarce", "subgroups", "tournament",
]  # fmt: skip
HEAVY = ("numpy", "pyarrow", "lightgbm", "scipy", "faker", "pydantic", "rich", "typer", "jinja2")


def fresh(code: str, **options) -> str:
    """Standard output of a new interpreter."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, **options)
    assert done.stderr == ""
    return done.stdout


def test_the_public_surface():
    assert sorted(locum.__all__) == SURFACE
    assert set(SURFACE) <= set(dir(locum))
    for name in SURFACE:
        assert getattr(locum, name) is not None
    assert {name for name in SURFACE if name != "__version__"} == set(locum.api.NAMES)
    with pytest.raises(AttributeError, match="nothing_like_this"):
        _ = locum.nothing_like_this


def test_type_checkers_see_the_same_names():
    stub = Path(locum.__file__).with_suffix(".pyi").read_text(encoding="utf-8")
    told = re.findall(r"^from (\S+) import (\w+) as (\w+)$", stub, re.MULTILINE)
    places = {name: f"{module}:{inner}" for module, inner, name in told}
    places["Outcome"] = "locum.runs.outcome:RunOutcome"
    assert "\nOutcome = RunOutcome\n__version__: str\n" in stub
    assert places == locum.api.NAMES


def test_every_public_function_says_what_it_takes_gives_and_raises():
    for name in SURFACE:
        thing = getattr(locum, name)
        if not inspect.isfunction(thing):
            continue
        text = inspect.getdoc(thing)
        for heading in ("Parameters\n", "Returns\n", "Raises\n"):
            assert heading in text or (name == "load" and heading != "Raises\n"), (
                f"{name} lacks {heading.strip()}"
            )
        if "Parameters\n" in text:
            for parameter in inspect.signature(thing).parameters:
                assert parameter in text, f"{name} does not explain {parameter}"


def test_importing_loads_nothing_heavy_and_starts_nothing():
    code = (
        "import json, sys, threading, logging, socket\n"
        "def refuse(*a, **k): raise AssertionError('network')\n"
        "socket.socket.connect = refuse\n"
        "before = list(logging.root.handlers)\n"
        "import locum, locum.api, locum.errors, locum.runs.plan\n"
        "assert threading.active_count() == 1\n"
        "assert list(logging.root.handlers) == before\n"
        f"print(json.dumps([m for m in {HEAVY!r} if m in sys.modules]))"
    )
    assert json.loads(fresh(code)) == []


def test_importing_costs_little_processor_time():
    code = "import time; t = time.process_time(); import locum, locum.api; print(time.process_time() - t)"
    # 0.3 s is the promise; measured about 0.03 s, so that load on the machine cannot fail this.
    assert min(float(fresh(code)) for _ in range(3)) < 0.3


def test_importing_works_where_nothing_can_be_written(tmp_path):
    package = Path(locum.__file__).parent
    copy = tmp_path / "site" / "locum"
    shutil.copytree(package, copy, ignore=shutil.ignore_patterns("__pycache__"))
    before = sorted(p.relative_to(copy) for p in copy.rglob("*"))
    for folder in [copy.parent, *(p for p in copy.rglob("*") if p.is_dir())]:
        folder.chmod(0o555)
    try:
        # No home, no temporary folder, no bytecode: importing must not need any of them.
        environment = {
            "PYTHONPATH": str(copy.parent), "PYTHONDONTWRITEBYTECODE": "1", "HOME": "/nonexistent",
            "TMPDIR": "/nonexistent", "PATH": os.environ["PATH"],
        }  # fmt: skip
        shown = fresh("import locum; print(locum.__file__)", env=environment, cwd="/")
    finally:
        for folder in [copy.parent, *(p for p in copy.rglob("*") if p.is_dir())]:
            folder.chmod(0o755)
    assert Path(shown.strip()).parent == copy
    assert sorted(p.relative_to(copy) for p in copy.rglob("*")) == before
