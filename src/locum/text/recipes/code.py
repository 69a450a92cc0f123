"""Code: problems with solutions and tests that were run; nothing a model wrote runs outside the sandbox."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from locum.text.curate.overlap import Benchmarks
from locum.text.curate.rouge import Likeness
from locum.text.failures import Lost, Reason
from locum.text.plan.structured import fenced
from locum.text.recipes.kit import Kit, Row, Seen, first_line, need
from locum.text.verify.code import agreement, test_run
from locum.text.verify.registry import python_fault
from locum.text.verify.sandbox import MontySandbox, Sandbox

_SCHEMA = {
    "type": "object",
    "properties": {
        "problem": {"type": "string", "minLength": 20, "maxLength": 600},
        "solution": {"type": "string", "minLength": 20, "maxLength": 1200},
        "tests": {"type": "string", "minLength": 10, "maxLength": 800},
    },
    "required": ["problem", "solution", "tests"],
    "additionalProperties": False,
}


async def code_with_tests(
    kit: Kit,
    topics: Sequence[str],
    rows: int,
    *,
    k: int = 3,
    kills: int = 1,
    tries: int = 4,
    sandbox: Sandbox | None = None,
) -> list[Row]:
    """Problems, solutions and tests, all by the model; kept when tests pass, bite, and other solutions agree.

    Parameters
    ----------
    kit
        Model, seed and counts; for this recipe a model that can program.
    topics
        What the problems are about, taken in turn.
    rows
        Items wanted.
    k
        Further solutions asked for with the problem alone; at least half of those that run must pass the
        tests. 0 asks for none.
    kills
        Faults put into the solution that the tests must notice.
    tries
        Attempts at most, in multiples of `rows`.
    sandbox
        Where code runs; the default is pydantic-monty.

    Returns
    -------
    list of dict
        ``topic``, ``problem``, ``solution``, ``tests``, ``mutants``, ``killed``, ``agree``.

    Notes
    -----
    Source: execution filters as in OpenCodeInstruct (Ahmad et al. 2025); mutation and agreement checks added.
    """
    need(topics, "topics")
    pool = Likeness(0.7)
    with sandbox or MontySandbox() as box:

        async def one(attempt: int) -> Row:
            topic = topics[attempt % len(topics)]
            prompt = (
                f"Invent a small programming exercise about {topic}. Give JSON with 'problem' (what the "
                "function must do, with its name and parameters), 'solution' (Python) and "
                "'tests' (Python: three or more assert statements that call it)."
            )
            told = await kit.filled(prompt, _SCHEMA, "code", attempt, max_tokens=500)
            solution, tests = fenced(told["solution"], "python"), fenced(told["tests"], "python")
            ran = test_run(solution, tests, box)
            if not ran.passed:
                raise Lost(Reason.INVALID, f"tests fail: {ran.fault}", stage="run")
            if ran.killed < kills:
                raise Lost(Reason.INVALID, "vacuous tests", stage="mutate")
            agree = await _agree(kit, told["problem"], tests, k, attempt, box)
            if agree is not None and agree < 0.5:
                raise Lost(Reason.INVALID, "other solutions fail the tests", stage="agree")
            return {
                "topic": topic,
                "problem": told["problem"],
                "solution": solution,
                "tests": tests,
                "mutants": ran.mutants,
                "killed": ran.killed,
                "agree": agree,
            }

        return await kit.gather(rows * tries, one, rows, new=lambda row: pool.new(row["problem"]))


async def _agree(kit: Kit, problem: str, tests: str, k: int, attempt: int, box: Sandbox) -> float | None:
    passed = ran = 0
    for turn in range(k):
        asked = f"Write the Python function. Code only.\n\n{problem}"
        source = fenced(await kit.chat(asked, "code", "again", attempt, turn, max_tokens=300), "python")
        if python_fault(source):
            continue
        ran += 1
        passed += box.run(f"{source}\n\n{tests}\n").ok
    return passed / ran if ran else None


async def oss_instruct(
    kit: Kit, snippets: Sequence[str], rows: int, *, benchmarks: Benchmarks | None = None, tries: int = 3
) -> list[Row]:
    """Problems and solutions inspired by 1 to 15 lines of real code.

    Parameters
    ----------
    kit, rows, tries
        As for `code_with_tests`.
    snippets
        Source files or functions; a run of lines is drawn from one for each attempt.
    benchmarks
        What must not be repeated.

    Returns
    -------
    list of dict
        ``snippet``, ``problem``, ``solution`` (parses, is not run).

    Notes
    -----
    Source: Wei et al. 2023, Magicoder (arXiv 2312.02120): near copies of the snippet are dropped, then what
    meets a benchmark.
    """
    need(snippets, "snippets")
    pool = Likeness(0.7)

    async def one(attempt: int) -> Row:
        draw = kit.draw("oss", attempt)
        lines = [x for x in str(snippets[int(draw.integers(len(snippets)))]).splitlines() if x.strip()]
        size = int(draw.integers(1, 16))
        first = int(draw.integers(max(1, len(lines) - size + 1)))
        snippet = "\n".join(lines[first : first + size])
        asked = (
            f"Inspired by this code, invent a different programming problem, in two sentences:\n\n{snippet}\n"
        )
        problem = (await kit.chat(asked, "oss", "problem", attempt, max_tokens=120)).strip()
        solved = f"Write one Python function that solves this. Code only.\n\n{problem}"
        text = await kit.chat(solved, "oss", "solution", attempt, max_tokens=260)
        solution = fenced(text, "python")
        fault = python_fault(solution)
        if fault or "def " not in solution:
            raise Lost(Reason.BAD_CODE, fault or "no function", stage="parse")
        near = Likeness(0.6)
        near.add(snippet)
        if near.too_like(solution) or near.too_like(problem):
            raise Lost(Reason.NEAR_DUPLICATE, "copies the snippet", stage="filter")
        hit = benchmarks.find(f"{problem} {solution}") if benchmarks is not None else None
        if hit is not None:
            raise Lost(Reason.INVALID, f"meets {hit.benchmark}", stage="decontaminate")
        return {"snippet": snippet, "problem": problem, "solution": solution}

    return await kit.gather(rows * tries, one, rows, new=lambda row: pool.new(row["problem"]))


#: Families of exercises: name, what it says, signature, reference. The numbers in braces are drawn.
_FAMILIES: Sequence[tuple[str, str, str, Callable[[int], Callable[[Any], Any]], str]] = (
    ("add_{n}", "Return x plus {n}.", "x", lambda n: lambda x: x + n, "int"),
    ("times_{n}", "Return x times {n}.", "x", lambda n: lambda x: x * n, "int"),
    ("minus_{n}", "Return x minus {n}.", "x", lambda n: lambda x: x - n, "int"),
    ("is_above_{n}", "Return True if x is greater than {n}.", "x", lambda n: lambda x: x > n, "int"),
    ("divisible_by_{n}", "Return True if x is divisible by {n}.", "x", lambda n: lambda x: x % n == 0, "int"),
    ("remainder_{n}", "Return the remainder of x divided by {n}.", "x", lambda n: lambda x: x % n, "int"),
    (
        "longer_than_{n}",
        "Return True if the list has more than {n} elements.",
        "items",
        lambda n: lambda v: len(v) > n,
        "list",
    ),
    ("sum_plus_{n}", "Return the sum of the list plus {n}.", "items", lambda n: lambda v: sum(v) + n, "list"),
    (
        "largest_plus_{n}",
        "Return the largest number of the list plus {n}.",
        "items",
        lambda n: lambda v: max(v) + n,
        "list",
    ),
    (
        "first_times_{n}",
        "Return the first number of the list times {n}.",
        "items",
        lambda n: lambda v: v[0] * n,
        "list",
    ),
)
_SHOTS = (
    "# Return x plus 100.\ndef add_100(x):\n    return x + 100\n\n"
    "# Return True if x is less than 50.\ndef is_below_50(x):\n    return x < 50\n\n"
    "# Return the smallest number of the list minus 20.\n"
    "def smallest_minus_20(items):\n    return min(items) - 20\n\n"
)


async def exercises(
    kit: Kit, rows: int, *, k: int = 4, kills: int = 1, tries: int = 4, sandbox: Sandbox | None = None
) -> list[Row]:
    """Small exercises for small models: the program draws problem and tests, the model writes the solutions.

    Parameters
    ----------
    kit, rows, kills, tries, sandbox
        As for `code_with_tests`.
    k
        Solutions asked for; those whose outputs most agree are looked at first.

    Returns
    -------
    list of dict
        ``problem``, ``solution``, ``tests``, ``mutants``, ``killed``, ``agree`` (share of the k in the
        largest group by outputs).
    """
    seen = Seen()
    with sandbox or MontySandbox() as box:

        async def one(attempt: int) -> Row:
            name, said, parameter, values, answers = _exercise(kit, attempt)
            calls = [f"{name}({value!r})" for value in values]
            tests = "\n".join(f"assert {c} == {a!r}" for c, a in zip(calls, answers, strict=True))
            # The line break is the model's: after one of ours a small model begins a function of its own.
            prompt = f"{_SHOTS}# {said}\ndef {name}({parameter}):"
            sources = []
            for turn in range(k):
                try:
                    body = await kit.engine.complete(
                        prompt,
                        model=kit.model,
                        seed=int(kit.draw("x", attempt, turn).integers(2**31)),
                        max_tokens=40,
                        stop=["\n\n", "\n#", "\ndef"],
                        temperature=0.6,
                    )
                except Lost as lost:
                    kit.lose_with(lost)
                    continue
                sources.append(f"def {name}({parameter}):{body.text.rstrip()}")
            parsed = [source for source in sources if not python_fault(source)]
            places, share = agreement(parsed, calls, box) if parsed else ([], 0.0)
            if not places:
                raise Lost(Reason.BAD_CODE, "no solution runs", stage="run")
            solution = parsed[places[0]]
            ran = test_run(solution, tests, box)
            if not ran.passed:
                raise Lost(Reason.INVALID, f"tests fail: {ran.fault}", stage="run")
            if ran.killed < kills:
                raise Lost(Reason.INVALID, "vacuous tests", stage="mutate")
            problem = f"Write {name}({parameter}). {said}"
            return {
                "problem": problem,
                "solution": solution,
                "tests": tests,
                "mutants": ran.mutants,
                "killed": ran.killed,
                "agree": round(share, 3),
            }

        return await kit.gather(
            rows * tries, one, rows, new=lambda row: seen.new(row["problem"]), reason=Reason.DUPLICATE
        )


def _exercise(kit: Kit, attempt: int) -> tuple[str, str, str, list[Any], list[Any]]:
    draw = kit.draw("exercise", attempt)
    name, said, parameter, reference, kind = _FAMILIES[int(draw.integers(len(_FAMILIES)))]
    n = int(draw.integers(2, 13))
    if kind == "int":
        values: list[Any] = [n, n + 1, n - 1, 0, *(int(v) for v in draw.integers(-30, 60, 3)), 3 * n]
    else:
        values = [[int(v) for v in draw.integers(-20, 40, size)] for size in (1, n, n + 1, max(1, n - 1), 5)]
    answers = [reference(n)(value) for value in values]
    return name.format(n=n), said.format(n=n), parameter, values, answers


def functions(source: str) -> list[str]:
    """Top-level functions of a module, as source; for `oss_instruct`."""
    return [
        part.strip() for part in re.split(r"(?m)^(?=def )", source) if first_line(part).startswith("def ")
    ]
