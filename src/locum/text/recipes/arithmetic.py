"""Arithmetic stories: steps are drawn, a model writes the story, a reader of our own reads it back.

Who writes what: the program draws who, what and the steps, and computes the answer; the model words the
story; the question is the program's. A story is kept only when the reader, which does not know the steps,
finds the same ones in it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from locum.text.failures import Lost, Reason
from locum.text.recipes.kit import Kit, Row, unseen
from locum.text.verify.phrases import word_set

_NAMES = ("Mia", "Omar", "Lena", "Raj", "Nora", "Tom", "Aiko", "Paul", "Ines", "Sam", "Zoe", "Karl")
_WOMEN = frozenset(("Mia", "Lena", "Nora", "Aiko", "Ines", "Zoe"))
_THINGS = ("apples", "stamps", "marbles", "books", "eggs", "coins", "pencils", "shells", "cards", "cookies")
_GAINS = ("buys", "finds", "gets", "collects")
_LOSSES = ("gives away", "loses", "sells")
_GAIN = word_set(
    "buy buys bought find finds found get gets got collect collects collected receive receives received earn "
    "earns earned pick picks picked add adds added"
)
_LOSS = word_set(
    "give gives gave lose loses lost sell sells sold eat eats ate break breaks broke drop drops dropped "
    "throw throws threw donate donates donated"
)
_START = word_set("has had have starts started start owns owned")
#: Words that change what a number means: a story with one of them is not read.
_UNCLEAR = re.compile(
    r"\b(?:each|every|per|times|twice|double|half|another|if|total|altogether|left|remain\w*|now|back|not|never|"
    r"would|will|who|which|than|dozen|instead|only|percent|until|except|worth|nobody|almost|about)\b|[%$€/*=?]",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Steps:
    """What happens in a story: a start, then gains (positive) and losses (negative)."""

    who: str
    thing: str
    start: int
    changes: tuple[int, ...]

    @property
    def answer(self) -> int:
        """What is there at the end."""
        return self.start + sum(self.changes)

    @property
    def solution(self) -> str:
        """The steps in GSM8K's form."""
        now, lines = self.start, []
        for change in self.changes:
            sign = "+" if change > 0 else "-"
            after = now + change
            lines.append(f"{now} {sign} {abs(change)} = <<{now}{sign}{abs(change)}={after}>>{after}")
            now = after
        return "\n".join([*lines, f"#### {self.answer}"])


#: Words that may stand before the verb beside the person.
_BEFORE = word_set("he she they also later next then the day on in at first morning evening after afterwards")
_AFTER = word_set("more of them to away at in from on for")
_IN_WORDS = word_set("one two three four five six seven eight nine ten eleven twelve twenty")
_SHOTS = """\
Facts: Ben, 14 pears, buys 6, gives away 5
Story: Ben has 14 pears. He buys 6 more at the market. Then he gives 5 pears to his sister.

Facts: Ana, 31 tickets, loses 12
Story: Ana has 31 tickets. On the way home she loses 12 tickets in the park.

Facts: Leo, 8 plums, finds 9
Story: Leo has 8 plums. In the garden he finds 9 plums under a tree.

"""


def read_story(story: str, who: str, thing: str) -> Steps | None:
    """The steps of a story as its words tell them; None where anything is not plain.

    Each clause with a number must have one verb of having, gaining or losing before it, done by `who` (or he,
    she), and be about `thing` or nothing else. Clauses without a number must say nothing about amounts.
    """
    if _UNCLEAR.search(story):
        return None
    start: int | None = None
    changes: list[int] = []
    for clause in re.split(r"[.;!,]+\s*|\band\b|\bthen\b|\bbut\b", story):
        words = re.findall(r"[a-z']+|\d+", clause.lower())
        if not any(word.isdigit() for word in words):
            if not _idle(words, thing):
                return None
            continue
        step = _step(words, who.lower(), thing)
        if step is None:
            return None
        verb, number = step
        if verb in _START:
            if start is not None or changes:
                return None
            start = number
        else:
            changes.append(number if verb in _GAIN else -number)
    return None if start is None else Steps(who, thing, start, tuple(changes))


def _idle(words: Sequence[str], thing: str) -> bool:
    """Whether a clause without digits changes no amount."""
    amounts = _IN_WORDS
    if not (_GAIN | _LOSS | _START).isdisjoint(words):
        amounts |= {thing, "them", "all", "some", "more", "it"}
    return amounts.isdisjoint(words)


def _step(words: Sequence[str], who: str, thing: str) -> tuple[str, int] | None:
    """Verb and number of a clause; None where it is not plain."""
    verbs = [word for word in words if word in _GAIN | _LOSS | _START]
    places = [i for i, word in enumerate(words) if word.isdigit()]
    if len(verbs) != 1 or len(places) != 1 or words.index(verbs[0]) > places[0]:
        return None
    before = {word for word in words[: words.index(verbs[0])] if word != who}
    if before - _BEFORE:
        return None
    after = words[places[0] + 1 :]
    about = [word for word in after if word in _THINGS]
    if about:
        return (verbs[0], int(words[places[0]])) if about[0] == thing else None
    if after and after[0] not in _AFTER and after[0] != thing.rstrip("s"):
        return None
    return verbs[0], int(words[places[0]])


async def arithmetic(kit: Kit, rows: int, *, steps: int = 2, tries: int = 12) -> list[Row]:
    """Arithmetic word problems whose stories a model wrote and whose answers hold.

    Parameters
    ----------
    kit
        Model, seed and counts.
    rows
        Problems wanted.
    steps
        Most changes after the start, at least 1.
    tries
        Attempts at most, in multiples of `rows`.

    Returns
    -------
    list of dict
        ``question``, ``answer`` (a number as text), ``solution`` in GSM8K's form.
    """

    async def one(attempt: int) -> Row:
        wanted = _draw_steps(kit, attempt, steps)
        text = await kit.go_on(_prompt(wanted, kit, attempt), "story", attempt, max_tokens=48, stop=["\n"])
        story = text.strip()
        if not story.endswith((".", "!")):
            raise Lost(Reason.CUT_SHORT, stage="filter")
        other = "he" if wanted.who in _WOMEN else "she"
        if re.search(rf"\b{other}\b", story, re.IGNORECASE):
            raise Lost(Reason.INVALID, "the pronoun of somebody else", stage="filter")
        if read_story(story, wanted.who, wanted.thing) != wanted:
            raise Lost(Reason.INVALID, "reads back as something else", stage="verify")
        question = f"{story} How many {wanted.thing} does {wanted.who} have at the end?"
        return {"question": question, "answer": str(wanted.answer), "solution": wanted.solution}

    new = unseen()
    return await kit.gather(
        rows * tries, one, rows, new=lambda row: new(row["question"]), reason=Reason.DUPLICATE
    )


def _draw_steps(kit: Kit, attempt: int, steps: int) -> Steps:
    draw = kit.draw("story", attempt)
    who, thing = str(draw.choice(_NAMES)), str(draw.choice(_THINGS))
    start = int(draw.integers(5, 60))
    now, changes = start, []
    for _ in range(int(draw.integers(1, steps + 1))):
        gain = bool(draw.integers(2)) or now < 4
        size = int(draw.integers(2, 40)) if gain else int(draw.integers(2, now))
        changes.append(size if gain else -size)
        now += changes[-1]
    return Steps(who, thing, start, tuple(changes))


def _prompt(wanted: Steps, kit: Kit, attempt: int) -> str:
    changes = []
    draw = kit.draw("story", "verbs", attempt)
    for change in wanted.changes:
        verbs = _GAINS if change > 0 else _LOSSES
        changes.append(f"{verbs[int(draw.integers(len(verbs)))]} {abs(change)}")
    facts = ", ".join([f"{wanted.who}, {wanted.start} {wanted.thing}", *changes])
    return f"{_SHOTS}Facts: {facts}\nStory:"
