"""Code: problems with solutions and tests that were run; nothing a model wrote runs outside the sandbox."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from locum.text.curate.overlap import Benchmarks
from locum.text.curate.rouge import Likeness
from locum.text.failures import Lost, Reason
from locum.text.plan.structured import code_fence
from locum.text.recipes.kit import Kit, Row, lose_if, need, unseen
from locum.text.verify.code import TestRun, agreement, test_run
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
            answer = await kit.fill(prompt, _SCHEMA, "code", attempt, max_tokens=500)
            problem, solution = answer["problem"], code_fence(answer["solution"], "python")
            tests = code_fence(answer["tests"], "python")
            ran = _run_tests(solution, tests, box, kills)
            agree = await _agree(kit, problem, tests, k, attempt, box)
            if agree is not None and agree < 0.5:
                lose_if("other solutions fail the tests", "agree")
            return {"topic": topic, **_row(problem, solution, tests, ran, agree)}

        return await kit.gather(rows * tries, one, rows, new=lambda row: pool.new(row["problem"]))


def _run_tests(solution: str, tests: str, box: Sandbox, kills: int) -> TestRun:
    """Raises Lost for tests that fail, or notice fewer faults than `kills`."""
    ran = test_run(solution, tests, box)
    lose_if("" if ran.passed else f"tests fail: {ran.fault}", "run")
    lose_if("vacuous tests" if ran.killed < kills else "", "mutate")
    return ran


def _row(problem: str, solution: str, tests: str, ran: TestRun, agree: float | None) -> Row:
    counts = {"mutants": ran.mutants, "killed": ran.killed, "agree": agree}
    return {"problem": problem, "solution": solution, "tests": tests, **counts}


async def _agree(kit: Kit, problem: str, tests: str, k: int, attempt: int, box: Sandbox) -> float | None:
    passed = ran = 0
    for turn in range(k):
        asked = f"Write the Python function. Code only.\n\n{problem}"
        source = code_fence(await kit.chat(asked, "code", "again", attempt, turn, max_tokens=300), "python")
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
        solution = code_fence(text, "python")
        fault = python_fault(solution)
        if fault or "def " not in solution:
            raise Lost(Reason.BAD_CODE, fault or "no function", stage="parse")
        near = Likeness(0.6)
        near.add(snippet)
        if near.too_like(solution) or near.too_like(problem):
            raise Lost(Reason.NEAR_DUPLICATE, "copies the snippet", stage="filter")
        hit = benchmarks.find(f"{problem} {solution}") if benchmarks is not None else None
        lose_if("" if hit is None else f"meets {hit.benchmark}", "decontaminate")
        return {"snippet": snippet, "problem": problem, "solution": solution}

    return await kit.gather(rows * tries, one, rows, new=lambda row: pool.new(row["problem"]))


#: Families of exercises: name, what it says, parameter, reference; n is drawn.
_FAMILIES: Sequence[tuple[str, str, str, Callable[[Any, int], Any]]] = (
    ("add_{n}", "Return x plus {n}.", "x", lambda x, n: x + n),
    ("times_{n}", "Return x times {n}.", "x", lambda x, n: x * n),
    ("minus_{n}", "Return x minus {n}.", "x", lambda x, n: x - n),
    ("is_above_{n}", "Return True if x is greater than {n}.", "x", lambda x, n: x > n),
    ("divisible_by_{n}", "Return True if x is divisible by {n}.", "x", lambda x, n: x % n == 0),
    ("remainder_{n}", "Return the remainder of x divided by {n}.", "x", lambda x, n: x % n),
    (
        "longer_than_{n}",
        "Return True if the list has more than {n} elements.",
        "items",
        lambda v, n: len(v) > n,
    ),
    ("sum_plus_{n}", "Return the sum of the list plus {n}.", "items", lambda v, n: sum(v) + n),
    ("largest_plus_{n}", "Return the largest number of the list plus {n}.", "items", lambda v, n: max(v) + n),
    ("first_times_{n}", "Return the first number of the list times {n}.", "items", lambda v, n: v[0] * n),
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
    new = unseen()
    with sandbox or MontySandbox() as box:

        async def one(attempt: int) -> Row:
            name, said, parameter, values, answers = _exercise(kit, attempt)
            calls = [f"{name}({value!r})" for value in values]
            tests = "\n".join(f"assert {c} == {a!r}" for c, a in zip(calls, answers, strict=True))
            # The line break is the model's: after one of ours a small model begins a function of its own.
            prompt = f"{_SHOTS}# {said}\ndef {name}({parameter}):"
            sources, stop = [], ["\n\n", "\n#", "\ndef"]
            for turn in range(k):
                seed = int(kit.draw("x", attempt, turn).integers(2**31))
                try:
                    body = await kit.engine.complete(
                        prompt, model=kit.model, seed=seed, max_tokens=40, stop=stop, temperature=0.6
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
            ran = _run_tests(solution, tests, box, kills)
            return _row(f"Write {name}({parameter}). {said}", solution, tests, ran, round(share, 3))

        return await kit.gather(
            rows * tries, one, rows, new=lambda row: new(row["problem"]), reason=Reason.DUPLICATE
        )


def _exercise(kit: Kit, attempt: int) -> tuple[str, str, str, list[Any], list[Any]]:
    draw = kit.draw("exercise", attempt)
    name, said, parameter, reference = _FAMILIES[int(draw.integers(len(_FAMILIES)))]
    n = int(draw.integers(2, 13))
    if parameter == "x":
        values: list[Any] = [n, n + 1, n - 1, 0, *(int(v) for v in draw.integers(-30, 60, 3)), 3 * n]
    else:
        values = [[int(v) for v in draw.integers(-20, 40, size)] for size in (1, n, n + 1, max(1, n - 1), 5)]
    answers = [reference(value, n) for value in values]
    return name.format(n=n), said.format(n=n), parameter, values, answers
