"""Code judged by running it: its tests pass, and the tests notice faults put in on purpose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from locum.text.plan.structured import code_fence
from locum.text.verify.base import Verdict, majority
from locum.text.verify.mutants import mutants
from locum.text.verify.registry import python_fault
from locum.text.verify.sandbox import MontySandbox, Sandbox


@dataclass(frozen=True, slots=True)
class TestRun:
    """What running code with its tests told.

    Attributes
    ----------
    passed
        Whether the tests ran to their end.
    fault
        How they ended otherwise.
    mutants, killed
        Faulty variants tried, and those that the tests noticed.
    """

    __test__ = False  # no test case, whatever pytest thinks of its name

    passed: bool
    fault: str = ""
    mutants: int = 0
    killed: int = 0


def test_run(
    solution: str, tests: str, sandbox: Sandbox, *, most_mutants: int = 12, seconds: float = 2.0
) -> TestRun:
    """Run a solution with its tests, then the same tests on variants of it with one fault each.

    Parameters
    ----------
    solution, tests
        Python source; the tests are assertions (or anything that raises).
    sandbox
        Where it runs.
    most_mutants
        Variants at most; 0 skips them.
    seconds
        Longest time of one run.
    """
    for part in (solution, tests):
        fault = python_fault(part)
        if fault:
            return TestRun(False, fault)
    ran = sandbox.run(f"{solution}\n\n{tests}\n", seconds=seconds)
    if not ran.ok:
        return TestRun(False, ran.fault)
    made = mutants(solution, most_mutants) if most_mutants else []
    killed = sum(not sandbox.run(f"{one}\n\n{tests}\n", seconds=min(seconds, 0.5)).ok for one in made)
    return TestRun(True, "", len(made), killed)


test_run.__test__ = False  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class PassesTests:
    """Passes code that passes tests which notice at least `kills` faults put into it.

    Attributes
    ----------
    tests
        Source of the tests; may be a template over other columns.
    kills
        Faulty variants that the tests must notice; 0 lets vacuous tests through.
    seconds
        Longest time of one run.
    """

    tests: str
    kills: int = 1
    seconds: float = 2.0

    def verify(self, item: Any, row: Mapping[str, Any]) -> Verdict:
        """See `Verifier`; runs in the default sandbox, whose worker lives as long as the call."""
        with MontySandbox() as sandbox:
            ran = test_run(
                code_fence(str(item), "python"),
                code_fence(self.tests, "python"),
                sandbox,
                most_mutants=12 if self.kills else 0,
                seconds=self.seconds,
            )
        if not ran.passed:
            return Verdict(False, f"tests fail: {ran.fault}")
        if ran.killed < self.kills:
            return Verdict(False, f"tests notice {ran.killed} of {ran.mutants} faults")
        return Verdict(True)


def agreement(solutions: Sequence[str], calls: Sequence[str], sandbox: Sandbox) -> tuple[list[int], float]:
    """Which of k solutions give the answers that most give.

    Parameters
    ----------
    solutions
        Python sources.
    calls
        Expressions to be evaluated after each, e.g. ``f(3)``.
    sandbox
        Where it runs.

    Returns
    -------
    tuple
        Places of the solutions in the largest group with equal outputs on all calls (the first group among
        equals), and its share of all solutions. Solutions that raise on every call are in no group.

    Notes
    -----
    Source: clustering by outputs as in AlphaCode (Li et al. 2022), with given inputs in place of a model's.
    """
    outputs: list[tuple[str, ...] | None] = []
    for source in solutions:
        runs = [sandbox.run(f"{source}\n\n{call}") for call in calls]
        values = tuple(ran.value if ran.ok else f"! {ran.fault}" for ran in runs)
        outputs.append(None if all(value.startswith("! ") for value in values) else values)
    best, share = majority(outputs)
    return [i for i, output in enumerate(outputs) if output is not None and output == best], share
