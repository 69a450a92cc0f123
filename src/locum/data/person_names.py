"""Whether texts are names of persons: by lists of first and last names in many languages, not by the column.

The lists are those of Faker. A text is taken apart into words; titles, initials and particles do not count.
Towns, firms and streets that are called after persons share words with them, so a column is judged as a
whole: by how many of its texts begin (or, where the family name comes first, end) with a known first name.
"""

from __future__ import annotations

import importlib
import math
import pkgutil
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


#: Words that go before or after a name, or between its parts.
_TITLES = _set(
    """
    dr dra prof professor doctor mr mrs ms miss mx sir dame lady lord herr frau fr hr mag dipl ing med
    phd md m mme mlle monsieur madame sr sra srta don doña dott sig sigra dhr mevr pan pani rev capt sgt
    lt col jr ii iii iv bsc msc mba esq dds dvm dª д-р г-н г-жа
    """
)
_PARTICLES = _set(
    """
    von van der den de del della di da dos das do du la le les y e i bin bint ibn al el ben zu zur zum
    ten ter af av st mac mc ó ní nic ua o d
    """
)
#: Words that persons are not called by, and firms, places, works, and products are.
_NOT_PERSONS = _set(
    """
    inc ltd llc llp plc corp co company companies group holding holdings gmbh ag kg ohg sarl sas sa spa
    srl bv nv oy ab as aps and sons brothers associates partners bank hospital clinic university college
    school institute academy church museum library airport station hotel restaurant cafe bar club team
    fc united city town county village island islands isle lake river mount mountain valley hill hills
    beach bay port fort new old north south east west northern southern eastern western upper lower
    great little saint street road avenue lane drive park square bridge tower center centre district
    state republic kingdom national international royal the of for with in on at to from my your our we
    you der die das und oder for le la les des et un une los las san santa santo são sao são ward unit
    department dept office division model series edition version type class disease syndrome fever
    cancer virus pain chronic acute red blue green black white yellow gold silver oil water milk bread
    rice tea coffee juice cheese chocolate beer wine ltda plaza tour movie song part vol volume chapter
    story love life night day world war man men woman women boys girls girl boy home house
    """
)
#: Last words of streets; some are last names too, so a column is of streets only when most texts end so.
_STREETS = _set(
    """
    alley alleys bend bluff branch bridge brook brooks burg burgs bypass camp canyon cape causeway
    circle cliff club common corner corners course court courts cove creek crescent crest crossing
    crossroad curve dale dam divide estate estates expressway extension fall falls ferry field fields
    flat flats ford forest forge fork forks fort freeway garden gardens gateway glen glens green grove
    harbor haven heights highway hill hills hollow inlet island islands isle junction key keys knoll
    knolls lake lakes land landing light loaf lock locks lodge loop mall manor meadow meadows mews mill
    mills mission motorway mount mountain neck orchard oval overpass park parks parkway pass passage
    path pike pine pines place plain plains port ports prairie radial ramp ranch rapid rapids rest ridge
    ridges river roads route row run shoal shoals shore shores skyway spring springs spur spurs squares
    station stravenue stream summit terrace throughway trace track trafficway trail tunnel turnpike
    underpass union unions valley valleys via viaduct view views village villages ville vista walk walks
    wall way ways well wells
    """
)
#: Last signs of places, dishes and the like in Chinese and Japanese, and of no names.
_PLACES = frozenset("市县縣路街省区區州国國镇村町道府島岛山川江湖河茶瓜色酒汁果菜店院校社站港")
_WORD = re.compile(r"[^\W\d_]+(?:['’ʻ`\-‐][^\W\d_]+)*\.?", re.UNICODE)
_ACCENTS = re.compile("[\u0300-\u036f\u05b0-\u05c7\u064b-\u065f\u0670]")
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af·・]{1,8}")
#: Names that a locale must have, for names to be made in it.
_ENOUGH = 150
#: Most words of a name.
_MOST_WORDS = 6


@dataclass(frozen=True, slots=True)
class NameLists:
    """First and last names of many languages, in lower case without accents, and whose they are.

    Attributes
    ----------
    first, last
        Each name with the locales that know it.
    """

    first: dict[str, tuple[str, ...]]
    last: dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class NameLook:
    """How much a set of texts looks like names of persons; all shares are of the texts, from 0 to 1.

    Attributes
    ----------
    shaped
        Words as in names, and none that speaks against it.
    full
        Several words, of which one that stands where a first name stands is known as one.
    both
        A known first name and a known last name.
    first, last
        One word that is known as a first or a last name.
    several
        More than one word.
    streets
        Several words, the last of which ends names of streets.
    capital
        Two to four words, each with a capital letter or in a script without them.
    unspaced
        Chinese, Japanese or Korean signs without a blank, and a known last name first.
    """

    shaped: float
    full: float
    both: float
    first: float
    last: float
    several: float
    streets: float
    capital: float
    unspaced: float


@cache
def name_lists() -> NameLists:
    """The lists, built at first use from the modules of Faker; some 0.2 CPU-s, no network."""
    import faker.providers.person as person

    first: dict[str, list[str]] = {}
    last: dict[str, list[str]] = {}
    for found in pkgutil.iter_modules(person.__path__):
        provider = importlib.import_module(f"{person.__name__}.{found.name}").Provider
        for attribute in dir(provider):
            kind = first if attribute.startswith("first_name") else last
            if not attribute.startswith(("first_name", "last_name")):
                continue
            held = getattr(provider, attribute)
            if isinstance(held, Iterable) and not callable(held):
                for name in held:
                    known = kind.setdefault(name, [])
                    if not known or known[-1] != found.name:
                        known.append(found.name)
    return NameLists(_plain_names(first), _plain_names(last))


def _plain_names(names: dict[str, list[str]]) -> dict[str, tuple[str, ...]]:
    """The names as they are looked up; of several spellings of one, the locales of all."""
    out: dict[str, tuple[str, ...]] = {}
    for name, locales in names.items():
        plain = _plain(str(name).strip())
        out[plain] = (*out[plain], *locales) if plain in out else tuple(locales)
    return out


def _plain(text: str) -> str:
    """Lower case, without accents and points."""
    text = text.casefold()
    if not text.isascii() and not _CJK.fullmatch(text):
        text = _ACCENTS.sub("", unicodedata.normalize("NFKD", text))
    return text.strip(".").replace("’", "'")


def names_in(text: str) -> tuple[list[str], bool] | None:
    """The words of a name, in lower case, and whether the last name stands first; None when it is none.

    Words of titles and initials are left out.
    """
    text = text.strip()
    comma = text.count(",") == 1 and not text.endswith(",")
    parts = text.replace(",", " ").split()
    if not parts or len(parts) > _MOST_WORDS or (text.count(",") and not comma):
        return None
    words = []
    for i, part in enumerate(parts):
        if not _WORD.fullmatch(part) and not _marked(part):
            return None
        plain = _plain(part)
        between = 0 < i < len(parts) - 1 and plain in _PARTICLES
        if plain in _NOT_PERSONS and not between:
            return None
        if between or plain in _TITLES or (len(plain) < 2 and plain.isascii()):
            continue
        words.append(plain)
    return (words, comma) if words else None


def _marked(part: str) -> bool:
    """Whether a word is letters with the combining signs of its script (Devanagari, Thai, Arabic)."""
    return all(unicodedata.category(c)[0] in "LM" or c in "'’-." for c in part) and any(
        unicodedata.category(c)[0] == "L" for c in part
    )


def look_at(texts: Sequence[str]) -> NameLook:
    """Count how much some different texts look like names of persons.

    Notes
    -----
    Cost: some dictionary look-ups a text.
    """
    lists = name_lists()
    counts = dict.fromkeys(NameLook.__dataclass_fields__, 0)
    for text in texts:
        if _CJK.fullmatch(text.strip()):
            _count_unspaced(text.strip(), lists, counts)
            continue
        found = names_in(text)
        if found is None:
            continue
        counts["shaped"] += 1
        words, comma = found
        if len(words) == 1:
            counts["first"] += words[0] in lists.first
            counts["last"] += words[0] in lists.last
            continue
        counts["several"] += 1
        counts["capital"] += len(words) <= 4 and not any(part[:1].islower() for part in text.split())
        # With a comma, or as in Hungary and in many lists, the last name stands first.
        given, family = (words[-1], words[0]) if comma else (words[0], words[-1])
        known = _known(given, lists.first)
        if not known and not comma and _known(words[0], lists.last):
            family = words[0]
            known = any(_known(word, lists.first) for word in words[1:])
        counts["full"] += known
        counts["both"] += known and _known(family, lists.last)
        counts["streets"] += words[-1] in _STREETS
    return NameLook(**{name: n / max(len(texts), 1) for name, n in counts.items()})


def _known(word: str, names: dict[str, tuple[str, ...]]) -> bool:
    return word in names or ("-" in word and all(part in names for part in word.split("-")))


def _count_unspaced(text: str, lists: NameLists, counts: dict[str, int]) -> None:
    """Chinese, Japanese and Korean names: the last name first, without a blank."""
    if text[-1] in _PLACES:
        return
    counts["shaped"] += 1
    counts["first"] += text in lists.first
    counts["last"] += text in lists.last
    for cut in (1, 2, 3):
        family, given = text[:cut], text[cut:]
        if family in lists.last and 1 <= len(given) <= 3:
            counts["unspaced"] += 1
            counts["both"] += given in lists.first
            return


def likeliest_locale(texts: Sequence[str], default: str = "en_US") -> str:
    """The locale of Faker whose lists explain the words of some names best; `default` where none does.

    Each list is taken for the source of all words, one as likely as another (naive Bayes): of lists that know
    the same words the shorter one wins.
    """
    lists = name_lists()
    words = [word for text in texts for word in _all_words(text)]
    sizes: dict[str, int] = {}
    for names in (lists.first, lists.last):
        for locales in names.values():
            for locale in locales:
                sizes[locale] = sizes.get(locale, 0) + 1
    known = dict.fromkeys((name for name, n in sizes.items() if n >= _ENOUGH and "_" in name), 0)
    for word in words:
        for locale in {*lists.first.get(word, ()), *lists.last.get(word, ())}:
            if locale in known:
                known[locale] += 1
    if not words or max(known.values()) < 0.2 * len(words):
        return default
    missed = math.log(1e6)
    cost = {name: n * math.log(sizes[name]) + (len(words) - n) * missed for name, n in known.items()}
    return min(cost, key=lambda name: (cost[name], name != default, name))


def _all_words(text: str) -> list[str]:
    """The words that may stand in a list of names."""
    text = text.strip()
    if _CJK.fullmatch(text):
        lists = name_lists()
        if text in lists.first:
            return [text]
        cut = next((k for k in (1, 2, 3) if text[:k] in lists.last), 1)
        return [text[:cut], text[cut:]]
    found = names_in(text)
    return found[0] if found else []
