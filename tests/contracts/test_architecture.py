"""The house: no circle of files, no class name used twice, and a walk through the code that is true."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "locum"


def modules() -> dict[str, ast.Module]:
    """Every module's syntax by dotted name."""
    found = {}
    for path in SOURCE.rglob("*.py"):
        name = ".".join(("locum", *path.relative_to(SOURCE).with_suffix("").parts)).removesuffix(".__init__")
        found[name] = ast.parse(path.read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def house() -> dict[str, ast.Module]:
    """The modules of the package."""
    return modules()


def imports(tree: ast.Module, known: Mapping[str, object]) -> Iterator[str]:
    """Modules that a module imports, also inside functions and for type checkers only."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module in known:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in known else node.module


def circles(arrows: Mapping[str, set[str]]) -> list[list[str]]:
    """Groups of modules that reach each other (Tarjan's strongly connected components of two or more)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        for other in arrows[name]:
            if other not in index:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], index[other])
        if low[name] == index[name]:
            group = stack[stack.index(name) :]
            del stack[stack.index(name) :]
            if len(group) > 1:
                found.append(sorted(group))

    for name in arrows:
        if name not in index:
            visit(name)
    return found


def test_circles_are_found() -> None:
    """Two circles that share no file, one of them long, and a line that is none."""
    arrows = {"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"e", "a"}, "e": {"d"}, "f": {"a"}}
    assert sorted(circles(arrows)) == [["a", "b", "c"], ["d", "e"]]


def test_no_two_files_import_each_other(house: dict[str, ast.Module]) -> None:
    """Not by way of others either, nor inside functions, nor for type checkers only."""
    arrows = {name: set(imports(tree, house)) - {name} for name, tree in house.items()}
    assert circles(arrows) == []


def test_no_class_name_is_used_twice(house: dict[str, ast.Module]) -> None:
    """A public class is known by its name alone."""
    places = defaultdict(list)
    for name, tree in house.items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(name)
    assert {name: where for name, where in places.items() if len(where) > 1} == {}


def test_rooms_are_few_and_each_says_what_it_is_for() -> None:
    """At most sixteen packages; each begins with one plain line."""
    rooms = [p for p in SOURCE.iterdir() if (p / "__init__.py").is_file()]
    assert len(rooms) <= 16
    for room in rooms:
        first = ast.get_docstring(ast.parse((room / "__init__.py").read_text(encoding="utf-8"))) or ""
        assert first.splitlines()[0].endswith("."), room.name


def test_the_walk_through_the_code_is_true(house: dict[str, ast.Module]) -> None:
    """docs/architecture.md names at most twelve files in the order of the walk, and what each defines."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    walk = text.split("## The walk of a table")[1].split("\n## ")[0]
    steps = re.findall(r"^\d+\. .*?`(src/locum/[\w/]+\.py)`: `([\w.]+)`", walk, re.MULTILINE)
    assert 8 <= len(steps) <= 12
    for file, symbol in steps:
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        defined = set()
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                defined.add(node.name)
            if isinstance(node, ast.ClassDef):
                defined |= {f"{node.name}.{x.name}" for x in node.body if isinstance(x, ast.FunctionDef)}
        assert symbol in defined, f"{file} does not define {symbol}"
    numbered = re.findall(r"^(\d+)\. ", walk, re.MULTILINE)
    assert numbered == [str(k + 1) for k in range(len(steps))]


def test_every_room_stands_in_the_architecture_page() -> None:
    """The page's table has a row for each package, and none for one that is gone."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = text.split("## Rooms")[1].split("\n## ")[0]
    named = set(re.findall(r"^\| `(\w+)/` \|", table, re.MULTILINE))
    rooms = {p.name for p in SOURCE.iterdir() if (p / "__init__.py").is_file()}
    assert named == rooms
