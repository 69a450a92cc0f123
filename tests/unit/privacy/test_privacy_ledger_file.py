"""Heads of ledgers: a ledger that lost its end, or went its own way, is noticed wherever a head is left."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import stat
import subprocess
import sys
import textwrap
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locum.errors import BudgetError, FileFormatError, FolderError, UsageError
from locum.files.configuration import config_folder
from locum.files.json import dump
from locum.files.lines import SealedLines
from locum.privacy.budget import Budget
from locum.privacy.ledger import Ledger
from locum.privacy.ledger_file import Head, LedgerFile
from locum.privacy.unit import Unit

BUDGET = Budget.approx(1.0, 1e-6)


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCUM_CONFIG_HOME", str(tmp_path / "home"))


def joined(path: Path, run: str = "one") -> Ledger:
    return Ledger.join(path, data="patients", unit=Unit(), budget=BUDGET, limit=BUDGET, run=run)


def own(path: Path) -> Ledger:
    return Ledger.open(path, data="patients", unit=Unit(), budget=BUDGET)


def step(ledger: Ledger, sigma: float = 20.0) -> None:
    ledger.spend("gaussian", [("a",)], sensitivity=1.0, scale=sigma, purpose="counts")


def cut(path: Path, lines: int) -> None:
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:lines]))


def beside(path: Path) -> Path:
    return path.with_name(path.name + ".head")


def test_the_head_follows_every_line(tmp_path: Path) -> None:
    path = tmp_path / "l.jsonl"
    ledger = joined(path)
    (registered,) = (config_folder() / "ledgers").glob("*.json")
    for n in range(1, 5):
        assert ledger.head is not None and ledger.head.lines == n
        for place in (beside(path), registered):
            assert Head.from_json(json.loads(place.read_text())) == ledger.head
        step(ledger)
    assert registered.stem == ledger.head.id
    assert {e.purpose for e in ledger.entries} == {"counts"}


def test_two_ledgers_have_two_names(tmp_path: Path) -> None:
    one, two = own(tmp_path / "one").head, own(tmp_path / "two").head
    assert one is not None and two is not None and one.id != two.id
    assert Ledger.memory(BUDGET).head is None


@pytest.mark.parametrize("lines", [0, 1, 2, 3])
@pytest.mark.parametrize("make", [joined, own])
def test_a_ledger_that_lost_its_end_is_refused(tmp_path: Path, make, lines: int) -> None:
    path = tmp_path / "l.jsonl"
    ledger = make(path)
    for _ in range(3):
        step(ledger)
    cut(path, lines)
    before = path.read_bytes(), beside(path).read_bytes()
    for _ in range(2):
        with pytest.raises(FileFormatError, match=r"of 4 lines .* it has \d\. .*does not come back"):
            make(path)
    assert (path.read_bytes(), beside(path).read_bytes()) == before


def test_a_cut_copy_under_another_name_is_refused_with_and_without_the_registry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, copy = tmp_path / "l.jsonl", tmp_path / "cut.jsonl"
    step(joined(path))
    copy.write_bytes(path.read_bytes().splitlines(keepends=True)[0])
    with pytest.raises(FileFormatError, match=r"of 2 lines .*home.* it has 1"):
        joined(copy)
    monkeypatch.setenv("LOCUM_CONFIG_HOME", str(tmp_path / "another home"))
    with pytest.raises(FileFormatError, match=r"came without its head.*cut\.jsonl\.head"):
        joined(copy)
    assert not beside(copy).exists()


def test_an_old_head_beside_does_not_help_where_the_registry_knows_more(tmp_path: Path) -> None:
    path = tmp_path / "l.jsonl"
    ledger = joined(path)
    old = path.read_bytes(), beside(path).read_bytes()
    step(ledger)
    path.write_bytes(old[0])
    beside(path).write_bytes(old[1])
    with pytest.raises(FileFormatError, match=r"of 2 lines .*home"):
        joined(path)


def test_of_two_copies_only_one_goes_on(tmp_path: Path) -> None:
    path, copy = tmp_path / "l.jsonl", tmp_path / "copy.jsonl"
    step(joined(path))
    shutil.copy(path, copy)
    ours, theirs = joined(path), joined(copy)
    step(ours)
    with pytest.raises(FileFormatError, match=r"of 3 lines"):
        step(theirs)
    # with the registry cut back by hand the copy parts ways, and is seen to have
    cut(copy, 2)
    (registered,) = (config_folder() / "ledgers").glob("*.json")
    registered.write_bytes(beside(copy).read_bytes())
    step(joined(copy), 30.0)
    with pytest.raises(FileFormatError, match="line 3 of the ledger is not the one"):
        joined(path)


def test_another_ledger_under_the_same_name_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "l.jsonl"
    step(joined(path))
    fresh = tmp_path / "fresh.jsonl"
    joined(fresh)
    path.write_bytes(fresh.read_bytes())
    with pytest.raises(FileFormatError, match="another ledger than the one"):
        joined(path)


def test_a_ledger_that_was_deleted_does_not_begin_anew_beside_its_head(tmp_path: Path) -> None:
    path = tmp_path / "l.jsonl"
    step(joined(path))
    path.unlink()
    with pytest.raises(FileFormatError, match=r"of 2 lines .* it has 0"):
        joined(path)


def test_a_ledger_may_move_with_its_head_or_within_one_house(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, there = tmp_path / "l.jsonl", tmp_path / "there.jsonl"
    step(joined(path))
    shutil.copy(path, there)
    assert len(joined(there).entries) == 1
    assert beside(there).exists()
    monkeypatch.setenv("LOCUM_CONFIG_HOME", str(tmp_path / "another home"))
    step(joined(there))
    (registered,) = (tmp_path / "another home" / "ledgers").glob("*.json")
    assert json.loads(registered.read_text())["lines"] == 3
    beside(there).write_text("{}\n")
    with pytest.raises(FileFormatError, match="not the head of a ledger"):
        joined(there)


def test_a_crash_between_line_and_head_counts_as_spent(tmp_path: Path) -> None:
    path = tmp_path / "l.jsonl"
    ledger = joined(path)
    step(ledger)
    (registered,) = (config_folder() / "ledgers").glob("*.json")
    heads = beside(path).read_bytes(), registered.read_bytes()
    step(ledger)
    beside(path).write_bytes(heads[0])
    registered.write_bytes(heads[1])
    assert len(joined(path).entries) == 2
    assert json.loads(registered.read_text())["lines"] == json.loads(beside(path).read_text())["lines"] == 3


def test_a_crash_around_the_first_line_leaves_a_ledger_that_opens(tmp_path: Path) -> None:
    path = tmp_path / "l.jsonl"
    one = joined(path).head
    assert one is not None
    beside(path).write_text(json.dumps({"id": one.id, "lines": 0, "head": "0" * 64}))
    for place in (config_folder() / "ledgers").iterdir():
        place.unlink()
    assert joined(path).head == one
    path.write_bytes(b"")
    beside(path).write_text(json.dumps({"id": one.id, "lines": 0, "head": "0" * 64}))
    for place in (config_folder() / "ledgers").iterdir():
        place.unlink()
    step(joined(path))


def test_noise_is_not_handed_out_when_the_head_cannot_be_kept(tmp_path: Path) -> None:
    path = tmp_path / "l.jsonl"
    ledger = own(path)
    beside(path).unlink()
    beside(path).mkdir()
    with pytest.raises(FolderError):
        step(ledger)
    beside(path).rmdir()
    beside(path).write_text(json.dumps({"id": LedgerFile.__name__, "lines": 1, "head": "0" * 64}))
    with pytest.raises(FileFormatError, match="not the head of a ledger"):
        step(ledger)


def test_ledgers_of_format_1_open_and_get_a_head(tmp_path: Path) -> None:
    path = tmp_path / "l.jsonl"
    header = {
        "format": 1,
        "data": "patients",
        "unit": Unit().to_json(),
        "budget": BUDGET.to_json(),
        "accounting": "gdp",
        "reserve": 1e-6,
        "private": True,
    }
    SealedLines(path).append(lambda: header)
    step(joined(path))
    assert json.loads(beside(path).read_text())["lines"] == 2
    assert not (config_folder() / "ledgers").exists()
    cut(path, 1)
    with pytest.raises(FileFormatError, match=r"of 2 lines .* it has 1"):
        joined(path)


def test_a_ledger_of_a_later_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "l.jsonl"
    own(path)
    body = {**LedgerFile(path).bodies[0], "format": 3}
    path.unlink()
    beside(path).unlink()
    SealedLines(path).append(lambda: body)
    beside(path).write_bytes(dump({"id": body["id"], "lines": 0, "head": "0" * 64}))
    with pytest.raises(FileFormatError, match="later version"):
        joined(path)


def test_ledgers_and_heads_are_for_their_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "l.jsonl"
    old = os.umask(0o022)
    try:
        step(joined(path))
    finally:
        os.umask(old)
    places = [path, beside(path), *(config_folder() / "ledgers").iterdir()]
    assert len(places) == 4
    for place in places:
        assert stat.S_IMODE(place.stat().st_mode) == 0o600, place
    assert stat.S_IMODE((config_folder() / "ledgers").stat().st_mode) == 0o700


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "id": st.text(max_size=34) | st.integers(),
            "lines": st.integers() | st.text(max_size=2) | st.booleans(),
            "head": st.text(max_size=66),
            "more": st.none(),
        },
    )
)
def test_what_is_no_head_is_never_taken_for_one(obj: dict[str, object]) -> None:
    with pytest.raises(FileFormatError):
        Head.from_json(obj)


def test_a_joined_ledger_keeps_its_total_and_found_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "l.jsonl"
    assert Ledger.found(path) is None
    step(joined(path))
    wider = Budget.approx(9.0, 1e-6)
    again = Ledger.join(path, data="patients", unit=Unit(), budget=wider, limit=wider, run="two")
    assert again.budget == BUDGET
    with pytest.raises(BudgetError):
        step(again, 1.0)
    with pytest.raises(UsageError, match="another data"):
        Ledger.join(path, data="visits", unit=Unit(), budget=BUDGET)
    found = Ledger.found(path)
    assert found is not None and len(found.entries) == 1 and found.data == "patients"


def spend_until_refused(path: Path, queue: multiprocessing.Queue[int], gate: Barrier) -> None:
    ledger, paid = joined(path, str(os.getpid())), 0
    gate.wait(timeout=300)  # a process that starts late would find everything spent
    while True:
        try:
            step(ledger, 25.0)
        except BudgetError:
            queue.put(paid)
            return
        paid += 1


def test_runs_at_once_on_a_shared_ledger_add_up_and_its_heads_follow(tmp_path: Path) -> None:
    """Each may take the whole total; together they take it once, to the last step that fits."""
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    path = tmp_path / "l.jsonl"
    gate = context.Barrier(2)
    workers = [context.Process(target=spend_until_refused, args=(path, queue, gate)) for _ in range(2)]
    for worker in workers:
        worker.start()
    paid = [queue.get(timeout=300) for _ in workers]
    for worker in workers:
        worker.join()
    ledger = joined(path)
    assert len(ledger.entries) == sum(paid) == int(BUDGET.rho("gdp", 1e-6) * 2 * 25**2)
    assert ledger.total.epsilon(1e-6) <= 1.0
    assert len({e.run for e in ledger.entries}) == 2 and min(paid) > 0
    (registered,) = (config_folder() / "ledgers").glob("*.json")
    for place in (registered, beside(path)):
        assert Head.from_json(json.loads(place.read_text())) == ledger.head


FULL = """
    import resource, sys
    from pathlib import Path
    from locum.errors import FolderError
    from locum.privacy.budget import Budget
    from locum.privacy.ledger import Ledger
    from locum.privacy.unit import Unit

    path = Path(sys.argv[1])
    budget = Budget.approx(1.0, 1e-6)
    ledger = Ledger.join(path, data="patients", unit=Unit(), budget=budget, limit=budget, run="one")
    most = path.stat().st_size + int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    try:
        ledger.spend("gaussian", [("a",)], sensitivity=1.0, scale=20.0, purpose="counts")
    except FolderError as error:
        print(error)
    print(len(ledger.entries))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs resource limits")
@pytest.mark.parametrize("room", [0, 1, 100, 250])
def test_a_full_disk_hands_out_no_noise_and_leaves_a_ledger_that_goes_on(tmp_path: Path, room: int) -> None:
    path = tmp_path / "l.jsonl"
    step(joined(path))
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(FULL), str(path), str(room)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "larger than the system allows" in done.stdout
    assert done.stdout.splitlines()[-1] == "1", "what could not be written did not happen"
    again = joined(path)
    assert len(again.entries) == 1
    step(again, 30.0)
    assert [e.scale for e in joined(path).entries] == [20.0, 30.0]


@pytest.mark.parametrize("keep", [1, 50, 300])
def test_a_torn_last_line_is_no_cut_end(tmp_path: Path, keep: int) -> None:
    """A line that was never finished is not in the head, so that the ledger goes on without it."""
    path = tmp_path / "l.jsonl"
    ledger = joined(path)
    step(ledger)
    (registered,) = (config_folder() / "ledgers").glob("*.json")
    before = path.read_bytes(), beside(path).read_bytes(), registered.read_bytes()
    step(ledger)
    torn = path.read_bytes()[: len(before[0]) + keep]
    path.write_bytes(torn)
    beside(path).write_bytes(before[1])
    registered.write_bytes(before[2])
    assert len(joined(path).entries) == 1
    step(joined(path), 30.0)
    assert [e.scale for e in joined(path).entries] == [20.0, 30.0]
