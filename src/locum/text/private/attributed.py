"""The attribute route: attributes of private texts, modelled under the ledger, and texts written from them.

A generator of attributes is fitted to the table of attributes by the marginal synthesizers of locum, paid for
on the ledger. Whoever writes the texts sees rows drawn from it, which are as private as it is, and public
texts; never a private text. Source: the route of ACTG (2510.18232), which tunes its writer on private texts
as well; ours does not.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from locum.errors import DataError, UsageError
from locum.privacy.ledger import Ledger
from locum.randomness import child_seed, stream
from locum.text.engine.model import ModelSpec
from locum.text.engine.weights import DEFAULT
from locum.text.plan.columns import Check, Subcategory, Table, Text
from locum.text.plan.plan import Dedup, Plan
from locum.text.private.attributes import Record, TextAttribute
from locum.text.private.masked_words import NGramFiller, Varier
from locum.text.private.read_attributes import plain_attribute, read_attributes, schema_of
from locum.text.private.votes import account

if TYPE_CHECKING:
    from locum.synthesizer.private import PrivateFit

#: Fewer examples than this of a value teach a writer nothing; it then has those of all.
LEAST_EXAMPLES = 5
#: Longest public example in a prompt, in words: small models have a small context.
EXAMPLE_WORDS = 80


@dataclass(frozen=True, slots=True, eq=False)
class AttributeModel:
    """A private generator of attributes.

    Attributes
    ----------
    attributes
        What each row holds.
    fit
        The generator and what it cost; see `PrivateFit`.
    private
        False when the noise followed from a seed.
    sentence
        The accounting in one line.
    """

    attributes: tuple[TextAttribute, ...]
    fit: PrivateFit = field(repr=False)
    private: bool
    sentence: str

    def rows(self, n: int, seed: int = 0) -> list[dict[str, str]]:
        """`n` rows of attributes drawn from the generator."""
        table = self.fit.synthesizer.draw(n, seed=child_seed(seed, "attributes")).table
        return [{k: str(v) for k, v in row.items()} for row in table.to_pylist()]


def fit_attributes(
    texts: Sequence[str],
    attributes: Sequence[TextAttribute],
    ledger: Ledger,
    *,
    records: Sequence[Record] | None = None,
    model: ModelSpec | None = None,
    allowed: Collection[str] = (),
    synthesizer: str = "auto",
    seed: int = 0,
) -> AttributeModel:
    """Read the attributes of private texts and fit a generator to them under a ledger.

    Parameters
    ----------
    texts, attributes, records, model, allowed
        As in `read_attributes`: each row of attributes follows from one text and public things.
    ledger
        All of what it has left is spent. The texts must already keep to its unit's number of rows.
    synthesizer
        A generator that can be fitted to noisy counts, or ``auto``.
    seed
        Of the generator; not of the noise.

    Raises
    ------
    LeakError
        When a model that is elsewhere would read private texts.
    BudgetError
        When next to nothing is left on the ledger.
    PlanError, DataError
        As `read_attributes`.
    """
    from locum.data.read import read
    from locum.synthesizer.private import fit_private

    table = read_attributes(texts, attributes, records=records, model=model, allowed=allowed)
    fit = fit_private(
        read(table),
        ledger,
        schema=schema_of(attributes),
        synthesizer=synthesizer,
        seed=child_seed(seed, "fit"),
        bounded=True,
    )
    ledger.close()
    words = f"{len(attributes)} attributes modelled by {fit.synthesizer.name} from noisy counts"
    return AttributeModel(tuple(attributes), fit, ledger.private, account(ledger, words))


@dataclass(frozen=True, slots=True)
class AttributedTexts:
    """Texts written from rows of attributes.

    Attributes
    ----------
    texts, rows
        Each text and the attributes it was to have.
    agree
        Share of the texts that have the attribute asked for, by attribute; those that cannot be read from a
        text are left out.
    """

    texts: tuple[str, ...] = field(repr=False)
    rows: tuple[Mapping[str, str], ...] = field(repr=False)
    agree: Mapping[str, float]


def write(
    rows: Sequence[Mapping[str, str]],
    attributes: Sequence[TextAttribute],
    varier: Varier,
    *,
    by: str = "",
    tries: int = 8,
    seed: int = 0,
) -> AttributedTexts:
    """Write a text for each row without a model to download: the best of `tries` by its attributes.

    Parameters
    ----------
    rows, attributes
        From `AttributeModel.rows`.
    varier
        Writes candidates of a class; see `labelled_filler`.
    by
        The attribute that is the class for `varier`; empty for none.
    tries
        Candidates a row; the first of those with most attributes is kept. No row is given up, so that the
        shares of the rows stay as they were drawn.
    seed
        Of the candidates.
    """
    readable = [a for a in attributes if a.kind not in ("asked", "column")]
    rng = stream(seed, "attributed")
    kept: list[str] = []
    hits = dict.fromkeys((a.name for a in readable), 0)
    for row in rows:
        made = varier.write(row.get(by, ""), tries, rng)
        found = {
            a.name: np.array([v == row[a.name] for v in a.read(made, [{}] * len(made))]) for a in readable
        }
        best = int(np.sum(list(found.values()), axis=0).argmax()) if found else 0
        kept.append(made[best])
        for name, right in found.items():
            hits[name] += bool(right[best])
    share = {name: n / max(1, len(rows)) for name, n in hits.items()}
    return AttributedTexts(tuple(kept), tuple(rows), share)


class LabelledFiller:
    """One n-gram writer for each value of an attribute, of public texts with that value."""

    def __init__(self, fillers: Mapping[str, Varier], rest: Varier) -> None:
        self._fillers, self._rest = fillers, rest

    def write(self, label: str, n: int, rng: np.random.Generator) -> list[str]:
        """`n` texts by the writer of that value, or of all texts."""
        return self._fillers.get(label, self._rest).write(label, n, rng)

    def vary(self, text: str, label: str, n: int, rng: np.random.Generator) -> list[str]:
        """`n` variations by the same writer."""
        return self._fillers.get(label, self._rest).vary(text, label, n, rng)


def labelled_filler(public: Sequence[str], values: Sequence[str]) -> LabelledFiller:
    """Writers of public texts for each of their values; rare values are written by the writer of all texts.

    Raises
    ------
    DataError
        When the public texts hold fewer than 100 words.
    """
    groups: dict[str, list[str]] = {}
    for text, value in zip(public, values, strict=True):
        groups.setdefault(value, []).append(text)

    def filler(texts: Sequence[str]) -> NGramFiller:
        return NGramFiller(texts, length=[max(3, len(t.split())) for t in texts])

    fillers: dict[str, Varier] = {}
    for value, texts in groups.items():
        if len(texts) >= LEAST_EXAMPLES:
            try:
                fillers[value] = filler(texts)
            except DataError:
                continue
    return LabelledFiller(fillers, filler(public))


def plan_for(
    model: AttributeModel,
    path: str,
    *,
    rows: int,
    what: str = "text",
    examples: Sequence[str] = (),
    example_values: Sequence[str] = (),
    by: str = "",
    spec: ModelSpec | None = None,
    tries: int = 4,
    least: float = 0.5,
    seed: int = 0,
) -> Plan:
    """The text plan that writes from the generator's rows with a language model.

    Parameters
    ----------
    model
        The generator.
    path
        Where it is saved, seen from the plan's folder.
    rows, seed
        Rows wanted, and the seed of the run.
    what
        What a text is called in the prompt, e.g. ``review``.
    examples, example_values
        Public texts and the value of attribute `by` of each: the prompt shows one of the row's value.
    by
        The attribute that chooses the example.
    spec
        The writer; the embedded model by default. It sees drawn attributes and public texts, so it may be
        anywhere, unless the ledger was in test mode: then what derives from the rows stays here.
    tries, least
        Candidates a row, and the least share of attributes that must agree for one to be kept. A row that is
        given up after that keeps its attributes when it is made again.

    Notes
    -----
    Columns: one of kind ``table`` an attribute, all from one drawn row, and the text.
    """
    names = [a.name for a in model.attributes]
    columns: list[Any] = [
        Table(name, path, field=name, private=not model.private, fixed=True) for name in names
    ]
    shown = ""
    if examples:
        columns.append(Subcategory("example", by, _examples(model, examples, example_values, by), keep=False))
        asked = f"{by}: {{{{ {by} }}}}\n" if by else ""
        shown = f"{asked}{what}: {{{{ example }}}}\n\n"
    wanted = "".join(f"{name}: {{{{ {name} }}}}\n" for name in names)
    declared = {a.name: plain_attribute(a) for a in model.attributes}
    checks: tuple[Check, ...] = ()
    if any(d["kind"] not in ("asked", "column") for d in declared.values()):
        checks = (Check("attributes", {"attributes": declared, "least": least}),)
    columns.append(
        Text(
            what,
            f"A {what} of each kind.\n\n{shown}{wanted}{what}:",
            mode="completion",
            max_tokens=120,
            stop=("\n",),
            temperature=0.9,
            checks=checks,
            tries=tries,
        )
    )
    writer = spec or ModelSpec(DEFAULT, context=1024)
    return Plan(
        tuple(columns),
        rows=rows,
        name=f"private-{what}",
        seed=seed,
        models={"writer": writer},
        tries=3,
        dedup=Dedup(exact=True),
    )


def _examples(
    model: AttributeModel, examples: Sequence[str], values: Sequence[str], by: str
) -> dict[str, tuple[str | int | float | bool, ...]]:
    """Public examples for each value of an attribute; all of them for a value without any."""
    attribute = next((a for a in model.attributes if a.name == by), None)
    if attribute is None or len(examples) != len(values):
        raise UsageError(
            "examples need an attribute, and a value of it each",
            where="by",
            expected=f"one of {', '.join(a.name for a in model.attributes)}",
        )
    short = [" ".join(t.split()[:EXAMPLE_WORDS]) for t in examples]
    found = {v: tuple(t for t, w in zip(short, values, strict=True) if w == v) for v in attribute.values}
    return {v: texts or tuple(short) for v, texts in found.items()}
