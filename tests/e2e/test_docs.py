"""The documentation does what it says: marked commands run, links lead somewhere, reference is current."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
MARKED = re.compile(r"<!-- run -->\n```console\n(.*?)```", re.DOTALL)
FENCED = re.compile(r"```.*?```", re.DOTALL)


def commands(page: Path) -> list[str]:
    """Commands of the marked blocks of a page, in order."""
    lines = [
        line for block in MARKED.findall(page.read_text(encoding="utf-8")) for line in block.splitlines()
    ]
    return [line[2:] for line in lines if line.startswith("$ ")]


def shorten(table: Path, rows: int = 1_600) -> None:
    """Cut the demo table, so that the commands are run but not waited for."""
    if table.exists():
        table.write_text("".join(table.read_text().splitlines(keepends=True)[: rows + 1]))


@pytest.mark.parametrize("page", [p for p in PAGES if commands(p)], ids=lambda p: p.name)
def test_marked_commands_run(page, tmp_path):
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    for command in commands(page):
        done = subprocess.run(
            command,
            shell=True,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            env={**os.environ, "PATH": path},
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        shorten(tmp_path / "flights.csv")


def test_the_howto_pages_have_marked_commands():
    assert {"one-table.md", "evaluate-any-table.md", "schema.md"} <= {p.name for p in PAGES if commands(p)}


def test_every_command_shown_anywhere_is_one_that_exists():
    from locum.cli.main import COMMANDS

    shown = {
        word
        for page in PAGES
        for word in re.findall(r"(?:^\$ |`)locum ([a-z]+)", page.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert shown <= {*COMMANDS}, shown - {*COMMANDS}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_inside_the_project_lead_somewhere(page):
    text = FENCED.sub("", page.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def build():
    """docs/build.py as a module."""
    spec = importlib.util.spec_from_file_location("docs_build", ROOT / "docs" / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["index.md", "python.md", "errors.md"])
def test_reference_pages_are_up_to_date(name):
    made = build().pages()[name]
    assert (ROOT / "docs" / "reference" / name).read_text(encoding="utf-8") == made, "run `make docs`"


def test_the_page_of_commands_names_every_command_and_option():
    # The layout of help pages belongs to the library behind them, so that only the words are compared.
    kept = (ROOT / "docs" / "reference" / "commands.md").read_text(encoding="utf-8")
    made = build().commands_page()
    options = re.compile(r"(?<![\w-])--[a-z-]+|^## .*", re.MULTILINE)
    assert options.findall(kept) == options.findall(made), "run `make docs`"
