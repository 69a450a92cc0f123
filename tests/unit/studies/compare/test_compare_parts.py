"""Entrants, child processes, ranks and fronts: the parts of a comparison, each against a known answer."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from locum.errors import UsageError
from locum.studies.compare.page import lead
from locum.studies.compare.result import CONTROLS, RANKED, Cell, Comparison, Entrant, RankedMeasure
from locum.studies.contestants.contestant import Contestant, field_of, parse, read_settings
from locum.studies.contestants.process import run

C2ST, KEPT = RANKED[0], RANKED[2]


@pytest.mark.parametrize(
    ("text", "kind", "name", "what"),
    [
        ("tree", "built-in", "tree", "tree"),
        ("small=tree?members=4&depth=3", "built-in", "small", "tree"),
        ("tree?members=4", "built-in", "tree?members=4", "tree"),
        ("mine=python make.py {train} {out}", "command", "mine", "python make.py {train} {out}"),
        ("theirs=made/{table}-{seed}.csv", "files", "theirs", "made/{table}-{seed}.csv"),
        ("made.csv", "files", "made", "made.csv"),
        ("sdv.ctgan@/x/python?epochs=25", "peer", "sdv.ctgan", "sdv.ctgan"),
        ("ctgan 25=sdv.ctgan@/x/python?epochs=25", "peer", "ctgan 25", "sdv.ctgan"),
        ("f=py:json:dumps", "function", "f", "json:dumps"),
    ],
)
def test_entrants_are_read(text, kind, name, what):
    found = parse(text)
    assert (found.kind, found.name, found.what) == (kind, name, what)


def test_settings_are_numbers_where_they_look_like_it():
    assert read_settings("epsilon=1.5&degree=2&fast=true&how=mst") == {
        "epsilon": 1.5, "degree": 2, "fast": True, "how": "mst",
    }  # fmt: skip
    assert parse("p=sdv.tvae@/x/python?epochs=3").settings == {"epochs": 3}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("treee", "no synthesizer"),
        ("mine=python make.py {train}", "{out}"),
        ("python make.py {train} {out}", "name"),
        ("mine=make {train} {out} {sead}", "{sead}"),
        ("mine=make '{train} {out}", "quotation"),
        ("sdv.gpt@/x/python", "no adapter"),
        ("f=py:json:nothing", "cannot be loaded"),
        ("f=py:no_such_module_here:x", "cannot be loaded"),
    ],
)
def test_mistakes_are_told(text, said):
    with pytest.raises(UsageError) as told:
        parse(text)
    assert said in told.value.message


def test_controls_are_always_in_the_field_and_names_are_unique():
    assert [c.name for c in field_of([parse("tree")])] == ["tree", "independent", "bootstrap"]
    assert [c.name for c in field_of([parse("bootstrap")])] == ["bootstrap", "independent"]
    with pytest.raises(UsageError, match="two entrants"):
        field_of([parse("tree"), parse("tree=tree?members=4")])
    with pytest.raises(UsageError, match="negative control"):
        field_of([Contestant("independent", "files", "x.csv")])


def test_a_child_is_measured(tmp_path):
    code = (
        "import time; x = bytearray(60_000_000); e = time.process_time() + 0.3\n"
        "while time.process_time() < e: pass"
    )
    used = run([sys.executable, "-S", "-c", code], limit_s=60, log=tmp_path / "log", folder=tmp_path)
    assert used.code == 0 and not used.too_slow
    assert used.cpu_s is not None and 0.3 <= used.cpu_s <= 3
    assert used.peak_bytes is not None and 60e6 <= used.peak_bytes <= 110e6
    # A small child of this large process counts as small.
    small = run([sys.executable, "-S", "-c", ""], limit_s=60, log=tmp_path / "log", folder=tmp_path)
    assert small.peak_bytes is not None and small.peak_bytes < 40e6


def alive(state: Path) -> bool:
    """Whether the process of a ``/proc/PID/stat`` runs; a zombie does not."""
    try:
        return state.read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_slow_child_is_stopped_with_its_own_children(tmp_path):
    pid = tmp_path / "pid"
    inner = (
        f"import os, time, pathlib; pathlib.Path({str(pid)!r}).write_text(str(os.getpid())); time.sleep(600)"
    )
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-S', '-c', {inner!r}])"
    for limit_s in (0.5, 2, 8, 32):  # A busy machine may need longer to start two processes.
        start = time.monotonic()
        used = run([sys.executable, "-S", "-c", code], limit_s=limit_s, log=tmp_path / "log", folder=tmp_path)
        assert used.too_slow
        assert time.monotonic() - start < limit_s + 120
        if pid.exists() and pid.read_text():
            break
    state, patience = Path(f"/proc/{pid.read_text()}/stat"), time.monotonic() + 60
    while alive(state) and time.monotonic() < patience:  # A killed process goes when the system gets to it.
        time.sleep(0.02)
    assert not alive(state)


def test_a_failing_child_says_its_last_words(tmp_path):
    code = "import sys; print('working'); sys.exit('no luck')"
    used = run([sys.executable, "-c", code], limit_s=60, log=tmp_path / "log", folder=tmp_path)
    assert (used.code, used.said) == (1, "no luck")
    absent = run([str(tmp_path / "nowhere")], limit_s=60, log=tmp_path / "log", folder=tmp_path)
    assert absent.code == 127 and "cannot be started" in absent.said
    killed = run(
        [sys.executable, "-c", f"import os; os.kill(os.getpid(), {9})"], limit_s=9, log=tmp_path / "log",
        folder=tmp_path,
    )  # fmt: skip
    assert killed.code == 137


def cell(who: str, table: str, seed: int, c2st: float | None, area: float = 0.5, cpu: float = 1.0) -> Cell:
    if c2st is None:
        return Cell(table, who, seed, "failed", "no luck")
    results = (
        {"name": "c2st", "question": "faithful", "value": c2st, "target": 0.5, "low": None, "high": None,
         "reference": None, "floor": None, "verdict": "good"},
        {"name": "copying.membership", "question": "private", "value": area, "target": 0.5, "low": None,
         "high": None, "reference": 0.5, "floor": None, "verdict": "good"},
    )  # fmt: skip
    return Cell(table, who, seed, "ok", cpu_s=cpu, results=results)


def comparison(*cells: Cell) -> Comparison:
    names = list(dict.fromkeys(c.contestant for c in cells))
    tables = tuple(dict.fromkeys(c.table for c in cells))
    seeds = tuple(dict.fromkeys(c.seed for c in cells))
    return Comparison(
        tuple(Entrant(n, "control" if n in CONTROLS else "built-in", "") for n in names), tables, seeds, cells
    )


def test_ranks_by_hand():
    found = comparison(
        cell("a", "t", 0, 0.6), cell("b", "t", 0, 0.7), cell("c", "t", 0, None),
        cell("a", "t", 1, 0.8), cell("b", "t", 1, 0.7), cell("c", "t", 1, 0.8),
    )  # fmt: skip
    ranks = {r.contestant: r for r in found.ranks(C2ST)}
    # Seed 0: a 1, b 2, c 3 (failed). Seed 1: b 1, a and c share 2 and 3.
    assert {n: r.mean for n, r in ranks.items()} == {"a": 1.75, "b": 1.5, "c": 2.75}
    # Half of Nemenyi's critical difference for three names and two cells: 2.343 / 2 * sqrt(12 / 12).
    assert (ranks["a"].low, ranks["a"].high) == (1.0, pytest.approx(1.75 + 1.1718, abs=1e-3))
    assert found.ranks(C2ST) == found.ranks(C2ST)
    assert [m.key for m in found.ranked()] == ["c2st", "advantage", "cpu_s"]


def test_one_cell_settles_no_order_and_many_do() -> None:
    one = comparison(cell("a", "t", 0, 0.6), cell("b", "t", 0, 0.7))
    first, second = one.ranks(C2ST)
    assert second.low <= first.high
    assert lead(one, one.ranked()).startswith("Not settled: chance explains the order of a, b")
    cells = [cell(n, "t", seed, v) for seed in range(12) for n, v in (("a", 0.6), ("b", 0.7))]
    many = comparison(*cells)
    first, second = many.ranks(C2ST)
    assert first.contestant == "a" and second.low > first.high
    assert lead(many, many.ranked()).startswith("a is the most faithful on average")


def test_more_is_better_turns_the_ranks_round():
    up = RankedMeasure("c2st", "x", True)
    found = comparison(cell("a", "t", 0, 0.6), cell("b", "t", 0, 0.7))
    assert [r.contestant for r in found.ranks(up)] == ["b", "a"]


def test_front_and_controls_by_hand():
    found = comparison(
        cell("good", "t", 0, 0.55, 0.52, 10.0), cell("cheap", "t", 0, 0.7, 0.5, 1.0),
        cell("worse", "t", 0, 0.75, 0.6, 20.0), cell("independent", "t", 0, 0.9, 0.5, 1.0),
        cell("bootstrap", "t", 0, 0.5, 0.95, 1.0),
    )  # fmt: skip
    assert set(found.front("cpu_s", C2ST)) == {"cheap", "good"}
    assert set(found.front("advantage", C2ST)) == {"good", "cheap"}
    assert [passed for _, passed, _ in found.controls()] == [True, True]
    blind = comparison(cell("independent", "t", 0, 0.5, 0.5), cell("bootstrap", "t", 0, 0.5, 0.5))
    assert [passed for _, passed, _ in blind.controls()] == [False, False]


def test_records_and_json_there_and_back():
    one = cell("a", "t", 0, 0.6)
    assert Cell.from_json(one.to_json()) == one
    found = comparison(one, cell("b", "t", 0, None))
    records = list(found.records())
    assert [(r["contestant"], r.get("measure")) for r in records] == [
        ("a", "c2st"), ("a", "copying.membership"), ("b", None),
    ]  # fmt: skip
    assert found.to_json()["means"]["a"]["c2st"] == 0.6
