"""Attributes of texts that are read here, one text at a time: length, words, style, labels learned in public.

Every attribute has its values declared before any private text is read, and the value of a text follows from
that text and public things alone. So one text more is one row more in the table of attributes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any, Literal, Protocol

import numpy as np

from locum.evaluation.text.words import split
from locum.text.failures import PlanError
from locum.text.plan.fields import Closed, by_kind
from locum.text.plan.template import Template
from locum.text.runs.sources import labelled
from locum.text.verify.phrases import polarity

Record = Mapping[str, Any]
OTHER = "other"


class TextAttribute(Protocol):
    """One attribute of a text."""

    @property
    def name(self) -> str:
        """Of its column in the table."""
        ...

    @property
    def kind(self) -> str:
        """Which kind, a key of `CLASSES`."""
        ...

    @property
    def values(self) -> tuple[str, ...]:
        """All values it can have, declared."""
        ...

    def read(self, texts: Sequence[str], records: Sequence[Record]) -> list[str]:
        """Its value for each text, from that text and its record alone."""
        ...


@dataclass(frozen=True, slots=True)
class LengthAttribute(Closed):
    """Number of words, in ranges that begin at 0 and at each of `edges`."""

    name: str
    edges: tuple[int, ...] = (20, 50, 100, 200)
    kind: Literal["length"] = "length"

    @property
    def values(self) -> tuple[str, ...]:
        """Such as ``0-19 words`` and ``200 words or more``."""
        inside = [f"{a}-{b - 1} words" for a, b in pairwise([0, *self.edges])]
        return (*inside, f"{self.edges[-1]} words or more")

    def read(self, texts: Sequence[str], records: Sequence[Record]) -> list[str]:
        """See `TextAttribute`."""
        return [self.values[sum(len(t.split()) >= e for e in self.edges)] for t in texts]


#: Marks of style by name: what is looked for.
STYLES: Mapping[str, str] = {
    "exclaims": r"!",
    "asks": r"\?",
    "first_person": r"(?i)\b(?:i|me|my|mine|we|us|our)\b",
    "shouts": r"\b[A-Z]{3,}\b",
    "digits": r"\d",
    "slang": r"(?i)\b(?:u|ur|lol|omg|gonna|wanna|plz|thx)\b",
    "emoji": r"[\U0001F300-\U0001FAFF\u2600-\u27BF]|[:;]-?[)(DP]",
    "greets": r"(?i)^\s*(?:hi|hello|hey|dear)\b",
}


@dataclass(frozen=True, slots=True)
class Style(Closed):
    """Whether a text has a mark of style: ``yes`` or ``no``.

    Attributes
    ----------
    mark
        A key of `STYLES`.
    """

    name: str
    mark: str
    kind: Literal["style"] = "style"

    @property
    def values(self) -> tuple[str, ...]:
        """Yes and no."""
        return ("no", "yes")

    def read(self, texts: Sequence[str], records: Sequence[Record]) -> list[str]:
        """See `TextAttribute`."""
        return [self.values[re.search(STYLES[self.mark], t) is not None] for t in texts]


@dataclass(frozen=True, slots=True)
class SentimentAttribute(Closed):
    """How a text sounds by a list of good and bad English words: negative, mixed or positive."""

    name: str
    kind: Literal["sentiment"] = "sentiment"

    @property
    def values(self) -> tuple[str, ...]:
        """Negative, mixed, positive."""
        return ("negative", "mixed", "positive")

    def read(self, texts: Sequence[str], records: Sequence[Record]) -> list[str]:
        """See `TextAttribute`."""
        return [self.values[1 + (p > 1 / 3) - (p < -1 / 3)] for p in map(polarity, texts)]


@dataclass(frozen=True, slots=True)
class Topic(Closed):
    """The topic most of whose words a text has; ``other`` without any, the first of equals.

    Attributes
    ----------
    words
        Words of each topic, lower case; public knowledge.
    """

    name: str
    words: dict[str, tuple[str, ...]]
    kind: Literal["topic"] = "topic"

    @property
    def values(self) -> tuple[str, ...]:
        """The topics, and other."""
        return (*self.words, OTHER)

    def read(self, texts: Sequence[str], records: Sequence[Record]) -> list[str]:
        """See `TextAttribute`."""
        sets = {topic: frozenset(w.lower() for w in words) for topic, words in self.words.items()}
        out = []
        for text in texts:
            said = split(text)
            hits = {topic: sum(w in known for w in said) for topic, known in sets.items()}
            best = max(hits, key=lambda t: hits[t])
            out.append(best if hits[best] else OTHER)
        return out


@dataclass(frozen=True, slots=True)
class Pattern(Closed):
    """The first of some regular expressions that a text matches anywhere; ``other`` without a match."""

    name: str
    patterns: dict[str, str]
    kind: Literal["pattern"] = "pattern"

    @property
    def values(self) -> tuple[str, ...]:
        """Names of the patterns, and other."""
        return (*self.patterns, OTHER)

    def read(self, texts: Sequence[str], records: Sequence[Record]) -> list[str]:
        """See `TextAttribute`."""
        tests = {value: re.compile(p) for value, p in self.patterns.items()}
        return [next((v for v, test in tests.items() if test.search(t[:20_000])), OTHER) for t in texts]


@dataclass(frozen=True, slots=True)
class Given(Closed):
    """A column of the private table as it is; a value that was not declared is ``other``.

    Attributes
    ----------
    column
        Its name in the table.
    levels
        Its values, declared; never taken from the data.
    """

    name: str
    column: str
    levels: tuple[str, ...]
    kind: Literal["column"] = "column"

    @property
    def values(self) -> tuple[str, ...]:
        """The declared values, and other."""
        return self.levels if OTHER in self.levels else (*self.levels, OTHER)

    def read(self, texts: Sequence[str], records: Sequence[Record]) -> list[str]:
        """See `TextAttribute`."""
        found = [str(r.get(self.column, OTHER)) for r in records]
        return [v if v in self.levels else OTHER for v in found]


@dataclass(frozen=True, slots=True)
class Learned(Closed):
    """A label by a classifier, or the nearest group of texts, learned from public labelled texts.

    Attributes
    ----------
    examples
        File of public texts with labels, seen from the attributes' own folder.
    text, label
        Its columns.
    by
        ``classifier`` (`locum.text.verify.classifier.TextClassifier`), or ``nearest``: the label whose texts
        have the nearest mean embedding.
    """

    name: str
    examples: str
    text: str = "text"
    label: str = "label"
    by: Literal["classifier", "nearest"] = "classifier"
    kind: Literal["learned"] = "learned"

    @property
    def values(self) -> tuple[str, ...]:
        """The labels of the public texts."""
        return tuple(sorted({label for _, label in _examples(self.examples, self.text, self.label)}))

    def read(self, texts: Sequence[str], records: Sequence[Record]) -> list[str]:
        """See `TextAttribute`."""
        if not texts:
            return []
        if self.by == "classifier":
            from locum.text.verify.classifier import learn

            return learn(self.examples, self.text, self.label).predict(texts)
        from locum.evaluation.learn.embedding import embed

        known = _examples(self.examples, self.text, self.label)
        x = embed([t for t, _ in known]).astype(np.float64)
        marks = np.array([label for _, label in known], dtype=object)
        middle = np.stack([x[marks == v].mean(axis=0) for v in self.values])
        middle /= np.maximum(np.linalg.norm(middle, axis=1, keepdims=True), 1e-12)
        return [self.values[k] for k in (embed(texts).astype(np.float64) @ middle.T).argmax(axis=1)]


@dataclass(frozen=True, slots=True)
class Asked(Closed):
    """An answer of a model on this machine to a question about a text; ``other`` when it gives none.

    Attributes
    ----------
    question
        Template with ``{{ text }}``.
    levels
        Answers to choose from; the model is held to them by a JSON Schema.
    """

    name: str
    question: str
    levels: tuple[str, ...]
    kind: Literal["asked"] = "asked"

    @property
    def values(self) -> tuple[str, ...]:
        """The answers, and other."""
        return self.levels if OTHER in self.levels else (*self.levels, OTHER)

    @property
    def schema(self) -> dict[str, Any]:
        """JSON Schema of the answer."""
        answer = {"type": "string", "enum": list(self.levels)}
        return {
            "type": "object",
            "properties": {"answer": answer},
            "required": ["answer"],
            "additionalProperties": False,
        }

    def prompt(self, text: str) -> str:
        """The question about a text."""
        return str(Template(self.question, f"attribute {self.name}")({"text": text}))

    def read(self, texts: Sequence[str], records: Sequence[Record]) -> list[str]:
        """Needs a model: see `locum.text.private.read_attributes.read_attributes`."""
        raise PlanError("this attribute asks a model", where=self.name, do="name one with --model")


AnyAttribute = LengthAttribute | Style | SentimentAttribute | Topic | Pattern | Given | Learned | Asked
CLASSES = by_kind(AnyAttribute)


@lru_cache(maxsize=4)
def _examples(path: str, text: str, label: str) -> tuple[tuple[str, str], ...]:
    found = tuple(labelled(path, text, label))
    if len({v for _, v in found}) < 2:
        raise PlanError(
            "the examples need two labels or more", where=path, expected=f"columns {text!r}, {label!r}"
        )
    return found


def check(attributes: Sequence[TextAttribute]) -> None:
    """Refuse attributes that cannot be; reads public files only.

    Raises
    ------
    PlanError
        For none at all, equal names, fewer than two or more than 200 values, edges that do not grow, unknown
        marks of style, a pattern that is no regular expression, or examples that cannot be read.
    """
    if not attributes:
        raise PlanError("there are no attributes", where="attributes", do="declare some")
    names = [a.name for a in attributes]
    double = next((n for n in names if names.count(n) > 1), None)
    if double is not None:
        raise PlanError("two attributes have this name", where=double)
    for a in attributes:
        if not re.fullmatch(r"[A-Za-z_]\w{0,40}", a.name):
            words = "letters, digits and _"
            raise PlanError("a name that templates cannot use", where=a.name[:40], expected=words)
        where, fault = f"attribute {a.name!r}", _fault(a)
        if fault:
            raise PlanError(fault, where=where)
        if not 2 <= len(set(a.values)) <= 200 or len(set(a.values)) != len(a.values):
            raise PlanError("values cannot be used", where=where, expected="2 to 200 that differ")


def _fault(a: TextAttribute) -> str:
    if isinstance(a, LengthAttribute) and (
        not a.edges or list(a.edges) != sorted({*a.edges}) or a.edges[0] < 1
    ):
        return "edges must be whole numbers from 1 that grow"
    if isinstance(a, Style) and a.mark not in STYLES:
        return f"no mark of style {a.mark!r}; there are {', '.join(STYLES)}"
    if isinstance(a, Pattern):
        for text in a.patterns.values():
            try:
                re.compile(text)
            except re.error as error:
                return f"no regular expression: {error}"
    if isinstance(a, Topic) and not all(a.words.values()):
        return "a topic without words"
    return ""
