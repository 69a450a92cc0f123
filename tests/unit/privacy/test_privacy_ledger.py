"""The ledger: order of intent and touch, crashes, several processes, edits, refusals."""

from __future__ import annotations

import json
import math
import multiprocessing
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from locum.errors import BudgetError, FileFormatError, LocumError, UsageError
from locum.privacy.accountant import Total
from locum.privacy.budget import Budget
from locum.privacy.conversions import gdp_mu
from locum.privacy.entry import Entry
from locum.privacy.ledger import Ledger
from locum.privacy.recount import recount
from locum.privacy.unit import Unit

BUDGET = Budget.approx(1.0, 1e-6)


def opened(path: Path, **options: object) -> Ledger:
    return Ledger.open(path, data="patients", unit=Unit(), budget=BUDGET, **options)


def step(ledger: Ledger, sigma: float = 20.0, **options: object) -> None:
    ledger.spend("gaussian", [("a", "b")], sensitivity=1.0, scale=sigma, purpose="pairs", **options)


def test_costs_add_up_and_the_rest_can_be_spent_to_the_last(tmp_path: Path) -> None:
    ledger = opened(tmp_path / "l")
    total = ledger.remaining_rho
    assert total == pytest.approx(gdp_mu(1.0, 1e-6) ** 2 / 2, rel=1e-5)
    step(ledger, steps=3)
    assert ledger.remaining_rho == pytest.approx(total - 3 / 800)
    step(ledger, 1 / math.sqrt(2 * ledger.remaining_rho))
    assert ledger.remaining_rho == pytest.approx(0, abs=1e-15)
    assert ledger.total.epsilon(1e-6) <= 1.0
    assert ledger.total.epsilon(1e-6) == pytest.approx(1.0, abs=1e-4)
    with pytest.raises(BudgetError, match=r"pairs.*is left"):
        step(ledger, 1e6)


def test_a_refusal_leaves_no_trace(tmp_path: Path) -> None:
    ledger = opened(tmp_path / "l")
    before = (tmp_path / "l").read_bytes()
    with pytest.raises(BudgetError, match=r"costs rho 0.5, and 0\.02\d+ is left. Ask for less"):
        step(ledger, 1.0)
    assert (tmp_path / "l").read_bytes() == before
    assert ledger.entries == ()


def test_runs_share_the_total_and_keep_their_own_limit(tmp_path: Path) -> None:
    small = Budget.approx(0.5, 1e-6)
    first = opened(tmp_path / "l", limit=small, run="one")
    limit = first.remaining_rho
    assert limit == pytest.approx(gdp_mu(0.5, 1e-6) ** 2 / 2, rel=1e-5)
    step(first)
    second = opened(tmp_path / "l", limit=small, run="two")
    assert second.remaining_rho == pytest.approx(limit)
    assert opened(tmp_path / "l", limit=small, run="one").remaining_rho == pytest.approx(limit - 1 / 800)
    step(second, 1 / math.sqrt(2 * limit))
    assert len(first.entries) == 2
    assert [e.run for e in first.own] == ["one"]
    rest = opened(tmp_path / "l", run="three").remaining_rho
    assert rest == pytest.approx(BUDGET.rho("gdp", 1e-6) - limit - 1 / 800)


def test_another_data_set_unit_or_total_is_another_ledger(tmp_path: Path) -> None:
    opened(tmp_path / "l")
    path = tmp_path / "l"
    with pytest.raises(UsageError, match="another budget"):
        Ledger.open(path, data="patients", unit=Unit(), budget=Budget.approx(9, 1e-6))
    with pytest.raises(UsageError, match=r"another unit \(row, not id, at most 3 rows each\)"):
        Ledger.open(path, data="patients", unit=Unit("id", 3), budget=BUDGET)
    with pytest.raises(UsageError, match="another data"):
        Ledger.open(path, data="others", unit=Unit(), budget=BUDGET)


def test_intent_is_on_the_disk_before_the_data_are_touched(tmp_path: Path) -> None:
    """A process that dies while it counts has paid."""
    script = f"""
        import os
        import numpy as np
        from locum.privacy.budget import Budget
        from locum.privacy.ledger import Ledger
        from locum.privacy.unit import Unit
        from locum.schema.domain import Attribute, Domain
        from locum.sources.private import PrivateSource

        class Dying:
            domain = Domain((Attribute("a", "a", 2, False),))
            def marginals(self, cliques):
                os._exit(9)

        ledger = Ledger.open({str(tmp_path / "l")!r}, data="patients", unit=Unit(),
                             budget=Budget.approx(1.0, 1e-6))
        PrivateSource(Dying(), ledger).measure([("a",)], 20.0, purpose="last words")
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=False)
    assert done.returncode == 9
    (entry,) = opened(tmp_path / "l").entries
    assert entry.purpose == "last words"
    assert entry.rho == pytest.approx(1 / 800)


def spend_until_refused(path: Path, queue: multiprocessing.Queue[int]) -> None:
    ledger = opened(path, run=str(os.getpid()))
    paid = 0
    while True:
        try:
            step(ledger, 25.0)
        except BudgetError:
            queue.put(paid)
            return
        paid += 1


def test_processes_at_once_never_overspend(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    opened(tmp_path / "l")
    workers = [context.Process(target=spend_until_refused, args=(tmp_path / "l", queue)) for _ in range(3)]
    for worker in workers:
        worker.start()
    paid = sum(queue.get(timeout=600) for _ in workers)
    for worker in workers:
        worker.join()
    ledger = opened(tmp_path / "l")
    assert len(ledger.entries) == paid == int(BUDGET.rho("gdp", 1e-6) * 2 * 25**2)
    assert ledger.total.epsilon(1e-6) <= 1.0


def test_every_flipped_byte_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "l"
    ledger = opened(path)
    for _ in range(2):
        step(ledger)
    whole = path.read_bytes()
    for i in range(len(whole)):
        broken = bytearray(whole)
        broken[i] ^= 1
        path.write_bytes(bytes(broken))
        with pytest.raises(LocumError):
            opened(path)
    path.write_bytes(whole)
    assert len(opened(path).entries) == 2


def test_lines_taken_out_or_exchanged_are_noticed(tmp_path: Path) -> None:
    path = tmp_path / "l"
    ledger = opened(path)
    for sigma in (20.0, 30.0, 40.0):
        step(ledger, sigma)
    lines = path.read_bytes().splitlines(keepends=True)
    for order in ([0, 2, 3], [0, 1, 3], [0, 2, 1, 3], [1, 2, 3], [0, 1, 1, 2, 3]):
        path.write_bytes(b"".join(lines[i] for i in order))
        with pytest.raises((FileFormatError, UsageError)):
            opened(path)
    path.write_bytes(b"".join(lines[:3]))
    with pytest.raises(FileFormatError, match=r"of 4 lines .* it has 3"):
        opened(path)
    with pytest.raises(FileFormatError, match="became shorter"):
        _ = ledger.entries


def test_a_forged_cost_is_noticed(tmp_path: Path) -> None:
    """Even with all hashes made anew, an entry cannot claim another cost than its own."""
    obj = Entry("gaussian", (("a",),), 1.0, 20.0, 1, 0.0, 0.0, "x").to_json()
    assert Entry.from_json(json.loads(json.dumps(obj))).rho == pytest.approx(1 / 800)
    for field, value in (
        ("rho", 1e-9),
        ("scale", -1.0),
        ("steps", 0),
        ("mechanism", "none"),
        ("delta", -1.0),
    ):
        with pytest.raises(FileFormatError):
            Entry.from_json({**obj, field: value})


@pytest.mark.parametrize("keep", [1, 20, 200])
def test_a_line_that_was_cut_off_in_writing_did_not_happen(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "l"
    ledger = opened(path)
    step(ledger)
    done, head = path.read_bytes(), path.with_name("l.head").read_bytes()
    step(ledger)
    path.write_bytes(path.read_bytes()[: len(done) + keep])
    path.with_name("l.head").write_bytes(head)
    again = opened(path)
    assert len(again.entries) == 1
    step(again, 30.0)
    assert [e.scale for e in opened(path).entries] == [20.0, 30.0]


def test_steps_without_exact_mu_need_zcdp() -> None:
    exact, mixed = Ledger.memory(BUDGET), Ledger.memory(BUDGET, accounting="zcdp")
    arguments = {"sensitivity": 1.0, "scale": 0.1, "purpose": "choice"}
    with pytest.raises(UsageError, match="Gaussian steps only"):
        exact.spend("exponential", [("a",)], **arguments)
    mixed.spend("exponential", [("a",)], **arguments)
    assert mixed.total.rho == pytest.approx(0.01 / 8)
    assert mixed.total.mu is None
    with pytest.raises(UsageError, match="no mechanism"):
        mixed.spend("magic", [("a",)], **arguments)


def test_thresholds_and_slack_need_their_part_of_delta() -> None:
    ledger = Ledger.memory(BUDGET, reserve=0.2)
    step(ledger, delta=1.5e-7)
    assert ledger.remaining_delta == pytest.approx(0.5e-7)
    with pytest.raises(BudgetError, match="costs delta 1e-07"):
        step(ledger, delta=1e-7)
    with pytest.raises(BudgetError, match="costs delta"):
        step(ledger, slack=3e-8)
    assert ledger.total.epsilon(1e-6) < 1
    assert ledger.total.epsilon(1e-7) == math.inf


def test_test_mode_repeats_itself_and_says_so() -> None:
    def draws(seed: int) -> np.ndarray:
        ledger = Ledger.test(BUDGET, seed=seed)
        pair = [
            ledger.spend("gaussian", [("a",)], sensitivity=1.0, scale=20.0, purpose="x").gaussian(20.0, 9)
            for _ in range(2)
        ]
        assert (pair[0] != pair[1]).any()
        return np.concatenate(pair)

    np.testing.assert_array_equal(draws(1), draws(1))
    assert (draws(1) != draws(2)).any()
    assert "NOT PRIVATE" in Ledger.test(seed=1).stamp
    assert Ledger.memory(BUDGET).stamp == ""


steps = st.builds(
    Entry,
    mechanism=st.sampled_from(["gaussian", "gaussian-argmax", "gaussian-threshold"]),
    columns=st.just((("a",),)),
    sensitivity=st.floats(0.5, 3),
    scale=st.floats(5, 500),
    steps=st.integers(1, 20),
    delta=st.sampled_from([0.0, 1e-8]),
    slack=st.just(1e-30),
    purpose=st.just("x"),
)


@given(st.lists(steps, max_size=6), steps)
def test_more_steps_never_cost_less(some: list[Entry], more: Entry) -> None:
    one, two = Total.of(some), Total.of([*some, more])
    assert two.epsilon(1e-6) >= one.epsilon(1e-6)
    assert two.delta_at(1.0) >= one.delta_at(1.0)
    assert one.epsilon(1e-6, "zcdp") >= one.epsilon(1e-6)


@pytest.mark.parametrize("epsilon", [0.1, 1.0, 10.0])
@pytest.mark.parametrize("accounting", ["gdp", "zcdp"])
def test_the_second_accountant_agrees(epsilon: float, accounting: str) -> None:
    ledger = Ledger.memory(Budget.approx(epsilon, 1e-9), accounting=accounting, reserve=0.1)
    rho = ledger.remaining_rho
    ledger.spend(
        "gaussian-threshold", [("a",)], sensitivity=1.0, scale=(3 / rho) ** 0.5, delta=1e-11, purpose="x"
    )
    if accounting == "zcdp":
        ledger.spend("exponential", [("a",)], sensitivity=1.0, scale=(8 * rho / 4) ** 0.5, purpose="x")
        ledger.spend("discrete-laplace", [("a",)], sensitivity=1.0, scale=(2 / rho) ** 0.5, purpose="x")
    while ledger.remaining_rho > rho / 19:
        step(ledger, (10 / rho) ** 0.5)
    both = recount(ledger.entries, 1e-9)
    assert both.agree
    assert both.second == pytest.approx(both.first, rel=2e-3)
    cheaper = [e for e in ledger.entries if e.mechanism != "gaussian-threshold"]
    assert recount(cheaper, 1e-9).second < both.second * 0.99


def test_no_steps_are_no_epsilon() -> None:
    assert recount([], 1e-6).agree
    assert Total.of([]).epsilon(1e-6) == 0.0
