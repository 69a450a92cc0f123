"""Each peer's own virtual environment under ``.peers/``, made of the exact versions in ``peers/NAME.txt``.

    python -m benchmarks.environments [NAME ...] [--again]

The lists name every package with its version and are installed without looking for dependencies, so they
cannot drift. Only torch is let bring what it needs, since that differs between machines. They were resolved
with Python 3.11; another version may refuse some of them. What cannot be installed is reported by name with
the reason and left out of the measurement.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

ROOT = Path(__file__).resolve().parent.parent
LISTS = Path(__file__).resolve().parent / "peers"
HOME = ROOT / ".peers"
TIME_OUT_S = 1800
_TAIL = 300

#: What must be importable for an environment to count as installed, and its size on disk in GB.
ENVIRONMENTS: Mapping[str, tuple[str, float]] = MappingProxyType(
    {
        "sdv": ("sdv.single_table", 1.4),
        "mostlyai": ("mostlyai.engine", 2.7),
        "synthcity": ("pgmpy.estimators, arfpy.arf", 3.0),
        "smartnoise": ("snsynth", 1.8),
        "anonymeter": ("anonymeter.evaluators", 0.8),
        "datadesigner": ("data_designer.interface", 0.8),
        "distilabel": ("distilabel.pipeline", 0.7),
        "attacks": ("domias.baselines", 1.2),
    }
)


class NotInstalled(Exception):
    """The environment cannot be used; the text is the reason, in one line."""


def python_of(name: str) -> str:
    """The interpreter for an environment name ("" is this one); raises NotInstalled when it is not there."""
    if name == "":
        return sys.executable
    if not is_ready(name):
        reason = HOME / f"{name}.failed"
        raise NotInstalled(reason.read_text().strip() if reason.exists() else "not installed")
    return str(interpreter(name))


def interpreter(name: str) -> Path:
    """Where an environment's Python lies."""
    return HOME / name / "bin" / "python"


def pins(name: str) -> list[str]:
    """The ``package==version`` lines of an environment."""
    lines = (LISTS / f"{name}.txt").read_text().splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def digest(name: str) -> str:
    """Changes when the list changes."""
    return hashlib.sha256("\n".join(pins(name)).encode()).hexdigest()


def is_ready(name: str) -> bool:
    """Installed, complete, and of the present list."""
    stamp = HOME / name / ".installed"
    return stamp.exists() and stamp.read_text() == digest(name)


def ensure(name: str, *, again: bool = False) -> None:
    """Install an environment unless it is there; a list that has failed is not tried twice.

    Raises
    ------
    NotInstalled
        With the reason, which is kept in ``.peers/NAME.failed`` until ``again``.
    """
    if name == "" or (is_ready(name) and not again):
        return
    failed = HOME / f"{name}.failed"
    if failed.exists() and not again:
        raise NotInstalled(failed.read_text().strip())
    HOME.mkdir(exist_ok=True)
    failed.unlink(missing_ok=True)
    try:
        build(name)
    except NotInstalled as error:
        failed.write_text(str(error) + "\n")
        raise
    (HOME / name / ".installed").write_text(digest(name))


def build(name: str) -> None:
    """Make one environment from nothing; raises NotInstalled."""
    shutil.rmtree(HOME / name, ignore_errors=True)
    step(name, [sys.executable, "-m", "venv", str(HOME / name)])
    pip = [str(interpreter(name)), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    torch = [pin for pin in pins(name) if pin.startswith("torch==")]
    if torch:
        step(name, [*pip, *torch])
    step(name, [*pip, "--no-deps", *(pin for pin in pins(name) if pin not in torch)])
    step(name, [str(interpreter(name)), "-c", f"import {ENVIRONMENTS[name][0]}"])


def step(name: str, command: list[str]) -> None:
    """Run one command of an installation; raises NotInstalled with the last words it said."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIME_OUT_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise NotInstalled(f"installation took more than {TIME_OUT_S // 60} minutes") from error
    except OSError as error:
        raise NotInstalled(f"could not start: {error.strerror}") from error
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip() and not line.startswith("WARNING")]
        last = said[-1].strip() if said else f"exit code {done.returncode}"
        raise NotInstalled(last.replace(str(ROOT), ".")[:_TAIL])


def main() -> None:
    """Install some or all environments and say what became of each."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.environments")
    parser.add_argument("names", nargs="*", default=list(ENVIRONMENTS), metavar="NAME")
    parser.add_argument("--again", action="store_true", help="install afresh, also what has failed before")
    options = parser.parse_args()
    for name in options.names:
        if name not in ENVIRONMENTS:
            parser.error(f"no environment {name!r}; there are {', '.join(ENVIRONMENTS)}")
        try:
            ensure(name, again=options.again)
            print(f"{name}: installed")
        except NotInstalled as error:
            print(f"{name}: skipped, {error}")


if __name__ == "__main__":
    main()
