"""Checks by words: toxicity, personal data, refusals, sentiment. Lists of our own, English only.

Coarse on purpose: they cost microseconds, need no weights, and each says plainly what it looks for. They are
filters against the obvious, no proof of absence.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from locum.text.verify.base import Verdict


def word_set(words: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(words.split())


_INSULTS = word_set(
    "idiot idiots moron morons scum bitch bastard bastards fuck fucking fucked fucker motherfucker shit "
    "shitty bullshit asshole assholes cunt whore slut retard retarded faggot nigger kike spic chink tranny "
    "subhuman vermin"
)
_THREATS = re.compile(
    r"\b(?:i(?:'ll| will| am going to|'m gonna) (?:kill|hurt|stab|shoot|beat) (?:you|him|her|them)|"
    r"kill (?:yourself|all (?:the )?\w+s)|(?:you|they) (?:should|deserve to) (?:die|be shot|be hanged))\b",
    re.IGNORECASE,
)
_TOXIC = re.compile(r"\b(?:" + "|".join(sorted(_INSULTS)) + r")\b", re.IGNORECASE)
_PII: Mapping[str, re.Pattern[str]] = {
    "email": re.compile(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b"),
    "phone": re.compile(
        r"(?<![\w.])(?:\+\d{1,3}[ .-]?)?(?:\(\d{2,4}\)[ .-]?)?"
        r"\d{3,4}[ .-]\d{3,4}(?:[ .-]\d{2,4})?(?![\w.])"
    ),
    "address": re.compile(
        r"\b\d{1,5} (?:[A-Z][a-z]+ ){1,3}"
        r"(?:Street|St|Avenue|Ave|Road|Rd|Lane|Ln|Drive|Dr|Boulevard|Blvd)\b"
    ),
    "number of identity": re.compile(r"\b\d{3}-\d{2}-\d{4}\b"),
    "ip address": re.compile(r"\b(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)\b"),
}
_CARD = re.compile(r"\b(?:\d[ -]?){12,18}\d\b")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b")
_REFUSAL = re.compile(
    r"\b(?:i(?:'m| am) (?:sorry|unable|not able)|i (?:can(?:no|')t|won't|will not|must decline)|"
    r"as an ai|i(?:'m| am) (?:just )?(?:an? )?(?:ai|language model)|sorry, (?:but|i)|i apologi[sz]e)\b",
    re.IGNORECASE,
)
_GOOD = word_set(
    "good great excellent amazing awesome wonderful fantastic perfect perfectly love loved loves "
    "lovely best friendly delicious kind clean fresh nice helpful favorite favourite beautiful "
    "recommend enjoyed enjoy happy pleasant tasty superb comfortable cozy cosy welcoming polite "
    "professional spotless charming outstanding incredible brilliant gentle warm fun worth generous "
    "pleased impressed delightful thank thanks fair fast smile smiled treat yummy attentive terrific "
    "fabulous glad quick"
)
_BAD = word_set(
    "bad terrible horrible awful worst rude dirty cold slow disappointing disappointed disgusting "
    "overpriced poor poorly hate hated waste wasted broken never nasty stale bland gross filthy "
    "unprofessional unfriendly ignored refused refund complaint complain angry upset wrong ruined "
    "mess messy noisy smelly smelled stained expensive scam lied lie liar unacceptable mistake "
    "mistakes sick worse problem problems avoid rotten burnt undercooked uncomfortable unpleasant "
    "unhappy useless crowded ripped painful hurt lazy careless greasy soggy charged tasteless nobody "
    "trash garbage frustrating frustrated annoyed annoying ugly damage damaged"
)
_NOT = word_set("not no never isn't wasn't don't didn't can't couldn't won't hardly without nothing")


def polarity(text: str) -> float:
    """How good a text sounds, from -1 to 1: (good - bad) / (good + bad) words; 0 when there are none.

    A word within three words after a negation counts for the other side.
    """
    words = re.findall(r"[a-z']+", text.lower().replace("’", "'"))
    good = bad = 0
    for i, word in enumerate(words):
        side = (word in _GOOD) - (word in _BAD)
        if not side:
            continue
        if _NOT & set(words[max(0, i - 3) : i]):
            side = -side
        good, bad = good + (side > 0), bad + (side < 0)
    return (good - bad) / (good + bad) if good + bad else 0.0


def personal_data(text: str) -> list[str]:
    """Kinds of personal data that stand in a text by their form; cards and IBANs by their check digits."""
    from locum.data.checksums import iban_valid, luhn_valid

    found = [kind for kind, pattern in _PII.items() if pattern.search(text)]
    if any(luhn_valid(re.sub(r"\D", "", one)) for one in _CARD.findall(text)):
        found.append("card")
    if any(iban_valid(one.replace(" ", "")) for one in _IBAN.findall(text)):
        found.append("iban")
    return found


@dataclass(frozen=True, slots=True)
class Sentiment:
    """Passes texts that sound as wanted by their words.

    Attributes
    ----------
    wanted
        ``good`` or ``bad`` (also ``positive``, ``negative``).
    least
        Least `polarity` on that side, above 0 and at most 1.
    """

    wanted: str
    least: float = 0.5

    def verify(self, item: Any, row: Mapping[str, Any]) -> Verdict:
        """See `Verifier`."""
        sides = {"good": 1, "positive": 1, "bad": -1, "negative": -1}
        if self.wanted not in sides:
            return Verdict(False, "wanted is neither good nor bad")
        ok = polarity(str(item)) * sides[self.wanted] >= self.least
        return Verdict(ok, "" if ok else "does not sound as wanted")


@dataclass(frozen=True, slots=True)
class Civil:
    """Passes texts without insults, slurs and threats by a list of about forty forms."""

    def verify(self, item: Any, row: Mapping[str, Any]) -> Verdict:
        """See `Verifier`."""
        text = str(item)
        if _TOXIC.search(text):
            return Verdict(False, "an insult")
        return Verdict(False, "a threat") if _THREATS.search(text) else Verdict(True)


@dataclass(frozen=True, slots=True)
class NoPersonalData:
    """Passes texts without addresses, telephone numbers and other marks of persons; names are not seen."""

    def verify(self, item: Any, row: Mapping[str, Any]) -> Verdict:
        """See `Verifier`."""
        found = personal_data(str(item))
        return Verdict(not found, ", ".join(found))


@dataclass(frozen=True, slots=True)
class Refusal:
    """Passes answers that refuse (`wanted`), or those that do not."""

    wanted: bool = True

    def verify(self, item: Any, row: Mapping[str, Any]) -> Verdict:
        """See `Verifier`."""
        refuses = refusing(str(item))
        if refuses == self.wanted:
            return Verdict(True)
        return Verdict(False, "refuses" if refuses else "does not refuse")


def refusing(text: str) -> bool:
    """Whether an answer refuses in its first 200 characters."""
    return _REFUSAL.search(text[:200].replace("’", "'")) is not None
