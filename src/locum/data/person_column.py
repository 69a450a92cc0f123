"""Whether a column holds names of persons: by the look of its values, with the column's name as a hint.

Where the look leaves it open, the answer says so, and the user is asked; see `locum.data.person_names` for
what is counted. The limits were set on names of 40 languages that Faker does not have, and on towns, streets,
firms, films, colours, dishes and plants of 30 languages, which stay below `PERHAPS`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from locum.data.id_names import snake
from locum.data.person_names import NameLook, look_at

#: Share of texts with a known first name from which a column is one of full names, and from which it may be.
FULL, PERHAPS = 0.45, 0.25
#: The same where the column's name says person, and for single words that are first names.
HINTED, SINGLE = 0.15, 0.75
#: Share of single words that are last names from which it is worth a question.
OFTEN = 0.6
#: Share of texts that must be made of words as names are.
SHAPED = 0.75
#: Single words that there must be.
_SINGLES = 5
#: Fewer different texts than this say little by themselves, fewer than that nothing.
FEW, LEAST = 8, 3

_PERSON = re.compile(
    r"(^|_)(patient|customer|client|employee|worker|staff|contact|author|doctor|physician|surgeon|nurse|therapist|"
    r"person|people|user|student|pupil|teacher|owner|holder|guest|passenger|driver|member|agent|manager|seller|"
    r"salesperson|buyer|tenant|resident|applicant|candidate|mother|father|parent|spouse|child|beneficiary|witness|"
    r"victim|suspect|judge|lawyer|attorney|recipient|sender|operator|technician|reporter|assignee|signatory|"
    r"supervisor|advisor|consultant|subscriber|borrower|donor|participant|subject|player|winner|director|actor|"
    r"created_by|modified_by|reviewed_by|approved_by|signed_by|kunde|kundin|patientin|arzt|mitarbeiter|benutzer|"
    r"person(al|a|ne)?|nombre|cliente|paciente|medico|empleado|nom|prenom|medecin|salarie|cognome|paziente|"
    r"klient|pacjent|lekarz|pracownik|naam|klant|namn|navn|nimi|imie|nazwisko|jmeno|ad|soyad|nev|nome)"
    r"(s|in|innen|en)?(_?(full_?)?names?)?_?\d*$"
)
_NAME = re.compile(
    r"(first|last|middle|given|family|full|sur|fore|maiden|nick|display)_?names?$|(^|_)names?$|^name_|surname|"
    r"forename|vorname|nachname|apellido|nombre|prenom"
)
_OTHER = re.compile(
    r"(^|_)(city|town|county|state|country|province|region|place|location|street|road|address|company|firm|"
    r"employer|business|brand|make|model|product|item|title|song|film|movie|album|track|book|species|genus|plant|"
    r"drug|medication|medicine|team|club|carrier|airline|airport|island|colou?r|school|university|college|hospital|"
    r"clinic|department|dept|ward|unit|station|stadium|vessel|ship|boat|hurricane|storm|breed|dog|cat|pet|horse|"
    r"month|weekday|day|language|religion|race|ethnicity|nationality|occupation|job|profession|disease|diagnosis|"
    r"symptom|party|ticker|currency|category|type|class|group|variety|cultivar|dish|food|recipe|stadt|ort|ville|"
    r"ciudad|citta|firma|strasse|land|pais|pays)(s|es)?(_|\d*$)"
)
_LOGIN = re.compile(r"(^|_)(user(_?(name|id))?|login|account_?name|nick(name)?|handle|screen_?name)$")


@dataclass(frozen=True, slots=True)
class NameVerdict:
    """What a column of texts is, as far as names of persons go.

    Attributes
    ----------
    personal
        Whether it is taken for names of persons.
    confidence
        From 0 to 1.
    reason
        In one clause, without values.
    sure
        Whether the user need not be asked.
    """

    personal: bool
    confidence: float
    reason: str
    sure: bool = True


def says_login(name: str) -> bool:
    """Whether a column's name says that it holds names under which persons log in."""
    return bool(_LOGIN.search(snake(name)))


def judge_names(name: str, values: Sequence[str], distinct: int, rows: int) -> NameVerdict | None:
    """Say whether a column holds names of persons; None when nothing speaks for it.

    Parameters
    ----------
    name
        The column's name.
    values
        Some different values, trimmed.
    distinct, rows
        Different values and rows with a value in the whole column.

    Notes
    -----
    Cost: the first call reads the lists of names (0.3 CPU-s); then some look-ups a value. Values that cannot
    be names, most of all those with digits, are told without the lists.
    """
    if len(values) < LEAST or sum(_worded(value) for value in values) < SHAPED * len(values):
        return None
    plain = snake(name)
    person = bool(_PERSON.search(plain) or _NAME.search(plain)) and not says_login(name)
    other = bool(_OTHER.search(plain)) and not re.search(r"(sur|fore|first|last|full)_?name", plain)
    look = look_at(values)
    if look.shaped < SHAPED or look.streets >= 0.5 * max(look.several, 0.1):
        return None
    if other:
        return _elsewhere(look)
    if look.several + look.unspaced >= 0.5:
        return _full_names(look, len(values), person=person, many=distinct >= 5 and distinct > 0.02 * rows)
    return _single_names(look, len(values), person=person)


def _worded(text: str) -> bool:
    """Whether a text may be a name before any list is asked: letters, no digit, not long."""
    return (
        2 <= len(text) <= 60
        and text[:1].isalpha()
        and not any(c.isdigit() or c in "_@/:;&+=%$#" for c in text)
    )


def _elsewhere(look: NameLook) -> NameVerdict | None:
    """A column whose name says that it is about something else."""
    if look.full >= FULL and look.both >= PERHAPS:
        return NameVerdict(False, 0.5, "values look like names of persons, the column's name does not", False)
    return None


def _full_names(look: NameLook, n: int, *, person: bool, many: bool) -> NameVerdict | None:
    """Several words: first and last names."""
    full = max(look.full, look.unspaced if look.unspaced >= 0.85 or person else 0.0)
    limit = HINTED if person else FULL if n >= FEW else 0.8
    if full >= limit and (person or n >= FEW or look.both >= PERHAPS):
        return NameVerdict(True, 0.9 if person else 0.85, "values look like first and last names of persons")
    if full >= PERHAPS or (look.unspaced >= 0.6 and look.both >= 0.3):
        return NameVerdict(False, 0.5, "some values look like names of persons", False)
    if person and many and look.shaped >= 0.9 and look.capital >= 0.8:
        reason = "the name says person, and values have the form of names, though of none that is known"
        return NameVerdict(True, 0.6, reason, False)
    return None


def _single_names(look: NameLook, n: int, *, person: bool) -> NameVerdict | None:
    """One word: a first or a last name. Last names are names of towns and firms, too, so they need a hint."""
    known = max(look.first, look.last)
    if (person and n >= _SINGLES and known >= 2 * HINTED) or (n >= FEW and look.first >= SINGLE):
        words = "first" if look.first >= look.last else "last"
        return NameVerdict(True, 0.85 if person else 0.8, f"values look like {words} names of persons")
    if n >= 2 * FEW and (look.first >= FULL or look.last >= OFTEN):
        return NameVerdict(False, 0.5, "many values are also first or last names of persons", False)
    return None
