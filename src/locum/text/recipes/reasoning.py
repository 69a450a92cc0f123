"""Reasoning and maths: rejection sampling, rationales with a hint, rewrites whose answers are checked.

A problem is a mapping with ``question`` and ``answer``; the answer may be a worked solution (GSM8K's form).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from locum.text.failures import Lost, Reason
from locum.text.recipes.kit import Kit, Row, first_line, need
from locum.text.verify.arithmetic import EquationCheck, answer_of, equations, evaluate, last_number
from locum.text.verify.base import fault, majority

Problem = Mapping[str, Any]

#: Three worked problems of our own, for models that need examples rather than instructions.
SHOTS = (
    "Question: A box holds 6 jars. Dan packs 4 boxes and breaks 3 jars. How many jars are whole?\n"
    "Answer: There are 6 * 4 = 24 jars. After 3 break there are 24 - 3 = 21. #### 21\n\n"
    "Question: Ruth reads 15 pages a day for 5 days. The book has 90 pages. How many are left?\n"
    "Answer: She reads 15 * 5 = 75 pages. There are 90 - 75 = 15 left. #### 15\n\n"
    "Question: Eve has 40 dollars and buys 3 hats at 8 dollars. How much does she keep?\n"
    "Answer: The hats cost 3 * 8 = 24 dollars. She keeps 40 - 24 = 16. #### 16\n\n"
)


async def solve(kit: Kit, question: str, *names: str | int, hint: str = "") -> str:
    """One worked solution, ending with ``####`` and the answer; raises Lost when it has no such end."""
    asked = f"{SHOTS}Question: {' '.join(question.split())}{hint}\nAnswer:"
    text = await kit.go_on(asked, *names, max_tokens=160, stop=["\n"])
    if "####" not in text:
        raise Lost(Reason.INVALID, "no answer at the end", stage="parse")
    return text


async def rejection_sampling(kit: Kit, problems: Sequence[Problem], *, k: int = 8) -> list[Row]:
    """Several correct solutions of each problem, different in their equations.

    Parameters
    ----------
    kit
        Model, seed and counts.
    problems
        With known answers.
    k
        Solutions tried for each; 100 in the paper.

    Returns
    -------
    list of dict
        ``question``, ``solution``, ``answer``.

    Notes
    -----
    Source: Yuan et al. 2023, RFT (arXiv 2308.01825): keep what reaches the answer with true equations, one
    for each list of equations.
    """
    need(problems, "problems")
    made: list[Row] = []
    for place, problem in enumerate(problems):
        wanted = answer_of(problem["answer"])
        ways: set[tuple[str, ...]] = set()

        async def one(turn: int, place: int = place) -> str:
            return await solve(kit, str(problems[place]["question"]), "rft", place, turn)

        async for text in kit.several(k, one):
            why = _wrong(text, wanted)
            way = tuple(re.sub(r"\s", "", left) for left, _ in equations(text))
            if why or way in ways:
                kit.lose("verify" if why else "dedup", why or "the same equations")
                continue
            ways.add(way)
            made.append(kit.keep({"question": problem["question"], "solution": text, "answer": str(wanted)}))
    return made


async def star(kit: Kit, problems: Sequence[Problem], *, tries: int = 2) -> list[Row]:
    """A rationale for each problem; where the model fails it is told the answer and reasons towards it.

    Returns
    -------
    list of dict
        ``question``, ``solution``, ``answer``, ``rationalised`` (whether the answer was given as a hint).

    Notes
    -----
    Source: Zelikman et al. 2022, STaR (arXiv 2203.14465), one outer round: tuning between rounds is yours.
    The hint is taken out of what is kept.
    """
    need(problems, "problems")
    made: list[Row] = []
    for place, problem in enumerate(problems):
        wanted = answer_of(problem["answer"])
        for turn in range(2 * tries):
            hinted = turn >= tries
            hint = f" (The answer is {wanted}.)" if hinted else ""
            try:
                text = await solve(kit, str(problem["question"]), "star", place, turn, hint=hint)
            except Lost as lost:
                kit.lose_with(lost)
                continue
            why = _wrong(text, wanted)
            if why:
                kit.lose("verify", f"{why}, with the hint" if hinted else why)
                continue
            row = {"question": problem["question"], "solution": text, "answer": str(wanted)}
            made.append(kit.keep({**row, "rationalised": hinted}))
            break
    return made


def _wrong(text: str, wanted: Any) -> str:
    return "another answer" if last_number(text) != wanted else fault(text, EquationCheck())


def mask(question: str, which: int) -> tuple[str, str] | None:
    """A question with one of its numbers replaced by X, and that number; None when there is none."""
    numbers = list(re.finditer(r"(?<![\w.])\d[\d,]*(?:\.\d+)?(?![\w%])", question))
    if which >= len(numbers):
        return None
    found = numbers[which]
    return question[: found.start()] + "X" + question[found.end() :], found.group()


async def metamath(
    kit: Kit,
    problems: Sequence[Problem],
    *,
    k: int = 3,
    kinds: Sequence[str] = ("rephrase", "fobar", "verify"),
) -> list[Row]:
    """Rewrites of problems whose answers are known, each checked by solving it.

    Parameters
    ----------
    kit, problems
        As for `rejection_sampling`.
    k
        Solutions asked for to check a rewrite; the answer that most give must be the known one.
    kinds
        ``rephrase`` (other words, by the model), ``fobar`` (a number becomes X, the answer is given, X is
        asked for), ``verify`` (the same, as a statement).

    Returns
    -------
    list of dict
        ``question``, ``solution``, ``answer``, ``kind``, ``parent``.

    Notes
    -----
    Source: Yu et al. 2023, MetaMath (arXiv 2309.12284). A rephrased question must hold the same numbers as
    its parent. The words of the two backward kinds are ours, not the model's: only the solutions are.
    """
    need(problems, "problems")
    made: list[Row] = []
    for place, problem in enumerate(problems):
        for kind in kinds:
            try:
                made.append(await _rewrite(kit, problem, kind, place, k))
            except Lost as lost:
                kit.lose_with(lost)
    return made


async def _rewrite(kit: Kit, problem: Problem, kind: str, place: int, k: int) -> Row:
    parent, wanted = str(problem["question"]), answer_of(problem["answer"])
    if kind == "rephrase":
        asked = f"Say this in other words, with the same numbers. Write only the question.\n\n{parent}"
        question = first_line(await kit.chat(asked, "meta", place, max_tokens=120))
        if sorted(re.findall(r"\d+", question)) != sorted(re.findall(r"\d+", parent)):
            raise Lost(Reason.INVALID, "other numbers", stage="filter")
        if question.strip() == parent.strip():
            raise Lost(Reason.DUPLICATE, "the same words", stage="filter")
    else:
        which = int(kit.draw("meta", "mask", place).integers(max(1, len(re.findall(r"\d+", parent)))))
        hidden = mask(parent, which)
        if hidden is None:
            raise Lost(Reason.INVALID, "no number to hide", stage="filter")
        said, number = hidden
        if kind == "fobar":
            question = f"{said} If the answer to this question is {wanted}, what is X?"
        else:
            question = f"It is known that the answer to '{said}' is {wanted}. What is X?"
        wanted = evaluate(number)

    async def one(turn: int) -> str:
        return await solve(kit, question, "meta", kind, place, turn)

    texts = [text async for text in kit.several(k, one)]
    answers = [last_number(text) for text in texts]
    best, _ = majority(answers)
    if best is None or best != wanted:
        raise Lost(Reason.INVALID, "solving it gives another answer", stage="verify")
    for text, answer in zip(texts, answers, strict=True):
        if answer == wanted and not _wrong(text, wanted):
            row = {"question": question, "solution": text, "answer": str(wanted)}
            return kit.keep({**row, "kind": kind, "parent": parent})
    raise Lost(Reason.INVALID, "false equations", stage="verify")
