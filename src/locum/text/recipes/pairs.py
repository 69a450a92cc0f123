"""Preference and safety data: chosen and rejected answers, refusals where they belong, safe answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from locum.text.failures import Lost, Reason
from locum.text.recipes.kit import Kit, Row, lose_if, need
from locum.text.runs.dedup import normal
from locum.text.verify.base import fault
from locum.text.verify.phrases import Civil, NoPersonalData, Refusal
from locum.text.verify.repetition import NoLoop

Score = Callable[[str, str], float]


def plain_quality(prompt: str, answer: str) -> float:
    """A score without a model: whole sentences, words in common with the prompt, no loop, some length.

    From 0 to 4. Crude by design: it tells a broken answer from a whole one, not a good one from a better one.
    """
    words = normal(answer).split()
    shared = {w for w in normal(prompt).split() if len(w) > 3} & set(words)
    return (
        float(answer.rstrip().endswith((".", "!", "?", "`")))
        + float(not fault(answer, NoLoop(0.15)))
        + min(1.0, len(words) / 40)
        + min(1.0, len(shared) / 3)
    )


async def preference(
    kit: Kit, prompts: Sequence[str], *, k: int = 4, margin: float = 0.5, score: Score = plain_quality
) -> list[Row]:
    """The best and the worst of k answers to each prompt.

    Parameters
    ----------
    kit
        Model, seed and counts.
    prompts
        Taken one after the other.
    k
        Answers for each, at least 2.
    margin
        Least difference of scores; pairs below it teach noise and are dropped.
    score
        Of (prompt, answer); a judge's, an execution's or `plain_quality`.

    Returns
    -------
    list of dict
        ``prompt``, ``chosen``, ``rejected``, ``margin``.

    Notes
    -----
    Source: best and worst of k by a score, as in UltraFeedback's use for DPO (Cui et al. 2023); the margin is
    Magpie's reward gap.
    """
    need(prompts, "prompts")

    async def one(place: int) -> Row:
        prompt, answers = prompts[place], []
        for turn in range(max(2, k)):
            answers.append(await kit.chat(prompt, "pair", place, turn, max_tokens=120, temperature=1.0))
        rated = sorted(((score(prompt, a), n, a) for n, a in enumerate(answers)), key=lambda x: (-x[0], x[1]))
        gap = rated[0][0] - rated[-1][0]
        if gap < margin or normal(rated[0][2]) == normal(rated[-1][2]):
            lose_if("too little between them", "score")
        return {"prompt": prompt, "chosen": rated[0][2], "rejected": rated[-1][2], "margin": round(gap, 3)}

    return await kit.gather(len(prompts), one, len(prompts))


_REFUSE = (
    "Decline this request in two sentences. Say 'I'm sorry, but I can't help with that', give the reason in "
    "plain words, and offer something safe instead.\n\nRequest: "
)


async def refusals(kit: Kit, unsafe: Sequence[str], safe: Sequence[str] = (), *, tries: int = 3) -> list[Row]:
    """Refusals of unsafe requests, and plain answers to safe ones that sound like them.

    Parameters
    ----------
    kit
        Model, seed and counts.
    unsafe
        Requests to be declined.
    safe
        Requests to be answered, so that what learns from it does not decline everything.
    tries
        Candidates for each.

    Returns
    -------
    list of dict
        ``prompt``, ``response``, ``safe``; all pass the filters of toxicity and personal data. A refusal must
        refuse, an answer must not.
    """
    need([*unsafe, *safe], "requests")
    requests = [(text, False) for text in unsafe] + [(text, True) for text in safe]

    async def one(place: int) -> Row:
        text, answerable = requests[place]
        prompt, why = (text if answerable else _REFUSE + text), ""
        for turn in range(tries):
            answer = await kit.chat(prompt, "refusal", place, turn, max_tokens=90)
            why = fault(answer, Civil(), NoPersonalData(), NoLoop(0.4), Refusal(not answerable))
            if not why:
                return {"prompt": text, "response": answer, "safe": answerable}
        raise Lost(Reason.INVALID, why, stage="filter", tries=tries)

    return await kit.gather(len(requests), one, len(requests))
