"""Which language a text is in: by its script, then by its commonest small words and letter sequences."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from locum.text.verify.base import Verdict
from locum.text.verify.phrases import word_set

#: Commonest small words of each language, chosen so that most are rare in the others.
_WORDS: Mapping[str, frozenset[str]] = {
    "en": word_set(
        "the of and to a in is that for it was with as on be at by this are or an have not you i "
        "we he she they my your but had were which their has will would what when who from there "
        "been if all can do so me our his her"
    ),
    "de": word_set(
        "der die das und ist nicht ein eine den dem des zu mit auf für von im sich auch als wir "
        "ich sie er es war sind bei oder wie nach wird hat aus noch nur kann wenn über haben "
        "einen einer mir sehr"
    ),
    "fr": word_set(
        "le la les et est des une un du dans pour que qui pas sur au avec il elle nous vous je ce "
        "cette sont mais ne plus par ou aux été était être son sa ses leur très tout même"
    ),
    "es": word_set(
        "el la los las y es un una de que en no por con para se del al lo su como más pero fue "
        "muy yo este esta son está hay ha sus me mi todo también cuando donde porque sin"
    ),
    "it": word_set(
        "il lo la gli e è un una di che in non per con si del della dei al alla sono ma molto "
        "questo questa come più anche ho ha era nel nella mi ci delle dal quando perché tutto"
    ),
    "pt": word_set(
        "o a os as e é um uma de que em não por com para se do da dos das no na ao mais mas foi "
        "muito este esta são está como eu seu sua também quando você isso ele ela até"
    ),
    "nl": word_set(
        "de het een en van is niet dat in te op met voor zijn was er aan ook maar als bij door "
        "naar heeft ik je wij hij zij ze om dan nog wel geen over uit deze worden hebben"
    ),
    "pl": word_set(
        "i w na z nie się do jest że to o jak ale za co po tak od przez już był była dla ten ta "
        "te są czy może tylko jego jej który która bardzo gdy także"
    ),
    "sv": word_set(
        "och att det i en är som på för med av inte den ett var jag har till om men de vi han hon "
        "från kan så eller när mycket också efter ska hade detta sig"
    ),
    "tr": word_set(
        "ve bir bu da de için ile çok ne gibi daha olarak o var değil ben sen biz olan kadar ama "
        "her şey en sonra mi ki ya oldu"
    ),
}
#: Letter sequences that point to one language where there are few words.
_GRAMS: Mapping[str, tuple[str, ...]] = {
    "en": ("th", "ing", "wh", "ght", "ly ", "'s "),
    "de": ("sch", "ung", "ein", "ß", "ich", "tz"),
    "fr": ("eux", "ç", "ou", "ait", "l'", "ê"),
    "es": ("ción", "ñ", "ll", "¿", "ado", "ón"),
    "it": ("zione", "gli", "tto", "cch", "ò", "zz"),
    "pt": ("ção", "ã", "õ", "nh", "lh", "ões"),
    "nl": ("ij", "aa", "oo", "ee", "sch", "uw"),
    "pl": ("ł", "sz", "cz", "rz", "ż", "ę"),
    "sv": ("å", "ä", "ö", "sk", "för", "ll"),
    "tr": ("ı", "ş", "ğ", "lar", "ler", "iyor"),
}
_SCRIPTS: Mapping[str, str] = {
    "CYRILLIC": "ru",
    "ARABIC": "ar",
    "HEBREW": "he",
    "GREEK": "el",
    "DEVANAGARI": "hi",
    "THAI": "th",
    "HIRAGANA": "ja",
    "KATAKANA": "ja",
    "HANGUL": "ko",
    "CJK": "zh",
}


def detect(text: str) -> tuple[str, float]:
    """The likeliest language of a text and how sure that is.

    Parameters
    ----------
    text
        The first 4,000 characters are looked at.

    Returns
    -------
    tuple
        ISO 639-1 code, empty when nothing points anywhere; and a number from 0 to 1: the share of the winner
        in all points. Ten languages in Latin script (en, de, fr, es, it, pt, nl, pl, sv, tr); for other
        scripts the script decides (ru stands for all of Cyrillic, ar for all of Arabic script).

    Notes
    -----
    Measured on sentences of ten words and more; below five words take the answer as a guess.
    """
    text = text[:4000]
    letters = [c for c in text if c.isalpha()]
    if not letters:
        return "", 0.0
    scripts = Counter(_script(c) for c in letters[:1000])
    script, count = scripts.most_common(1)[0]
    if scripts["HIRAGANA"] + scripts["KATAKANA"] > 0.1 * sum(scripts.values()):
        script = "HIRAGANA"
    if script in _SCRIPTS:
        return _SCRIPTS[script], count / sum(scripts.values())
    words = re.findall(r"[^\W\d_]+", text.lower())
    lowered = f" {' '.join(words)} "
    points: dict[str, float] = {}
    for language, common in _WORDS.items():
        grams = sum(lowered.count(gram) for gram in _GRAMS[language])
        points[language] = sum(word in common for word in words) + 0.3 * grams
    total = sum(points.values())
    if not total:
        return "", 0.0
    best = max(points, key=lambda language: points[language])
    return best, points[best] / total


def _script(character: str) -> str:
    name = unicodedata.name(character, "")
    first = name.partition(" ")[0]
    return "CJK" if first.startswith("CJK") else first


@dataclass(frozen=True, slots=True)
class Language:
    """Passes texts in one of some languages.

    Attributes
    ----------
    languages
        ISO 639-1 codes (one, or several with commas).
    """

    languages: str = "en"

    def verify(self, item: Any, row: Mapping[str, Any]) -> Verdict:
        """See `Verifier`."""
        found, _ = detect(str(item))
        if found in {part.strip() for part in self.languages.split(",")}:
            return Verdict(True)
        return Verdict(False, f"looks like {found or 'no language'}")
