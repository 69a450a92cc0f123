"""Which value of a column goes with which of another, bought, so that declared dependencies hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from locum.codes.boolean import BooleanCodebook
from locum.codes.category import CategoryCodebook
from locum.codes.codebook import Codebook
from locum.codes.derived import DerivedCodebook
from locum.codes.encoder import Encoder
from locum.privacy.calibration import sigma_for
from locum.schema.column import Column
from locum.schema.table import Dependency, Schema
from locum.sources.base import Counts, Source
from locum.sources.purposes import LOOKUPS
from locum.sources.rows import Rows

if TYPE_CHECKING:
    from locum.sources.private import PrivateSource

#: Relative price of a look-up, against one count of a whole column.
LOOKUP_WEIGHT = 2.0
#: Most pairs of values that are counted for a look-up.
MOST_PAIRS = 1_000_000
#: A pair is believed when its count exceeds so many standard deviations of its noise.
_SURE = 2.0
#: A pairing of each with each its own is dropped where one count is above that of its partner by so many.
_REFUTED = 5.0


def can_look_up(schema: Schema, dependency: Dependency) -> bool:
    """Whether both columns are labels, so that a table of pairs can be counted."""
    pair = (schema[dependency.determinant], schema[dependency.dependent])
    return all(column.kind in ("category", "boolean") for column in pair)


def find_lookups(
    rows: Rows,
    schema: Schema,
    books: Mapping[str, Codebook],
    guard: Callable[[Source], PrivateSource],
    rho: float,
    hidden: MutableMapping[str, tuple[str, int, int]] | None = None,
) -> dict[str, DerivedCodebook]:
    """Look-ups of dependent columns, each from one noisy table of pairs.

    Parameters
    ----------
    rows
        Canonical rows.
    schema
        Whose dependencies between labels are looked up.
    books
        Codebooks of the columns, from declared, public or bought levels.
    guard
        Puts the ledger's guard before a source.
    rho
        Cost of each look-up.
    hidden
        Takes for each dependent column its determinant, for how many values of that noise hides what goes
        with them, and how many there are.

    Returns
    -------
    Codebook of each dependent column. Every value of a determinant gets the dependent value that it has most
    often in the noisy table, and the most frequent one of all where noise hides it. Where both columns
    declare equally many labels, each has one of its own (a mapping onto as many is one to one), unless the
    counts refute that.
    """
    found: dict[str, DerivedCodebook] = {}
    for dependency in schema.dependencies:
        pair = (dependency.determinant, dependency.dependent)
        if not can_look_up(schema, dependency) or not all(_labels(books.get(name)) for name in pair):
            continue
        if len(_labels(books[pair[0]])) * len(_labels(books[pair[1]])) > MOST_PAIRS:
            continue
        columns = tuple(schema[name] for name in pair)
        encoder = Encoder.of(Schema(columns, name=schema.name), tuple(books[name] for name in pair))

        def codes(table: pa.Table, encoder: Encoder = encoder) -> np.ndarray:
            return encoder.encode(table).codes

        source = guard(rows.coded(encoder.domain, codes))
        sigma = sigma_for(rho, source.sensitivity)
        (measured,) = source.measure([encoder.domain.names], sigma, purpose=LOOKUPS)
        counts = measured.counts.reshape(encoder.domain.sizes)
        found[pair[1]], unsure = _book(columns[0], columns[1], books, counts, sigma)
        if hidden is not None:
            hidden[pair[1]] = (pair[0], unsure, len(_labels(books[pair[0]])))
    return found


def _labels(book: Codebook | None) -> list[str] | list[bool]:
    """The values that a codebook of labels has codes for, in the order of its codes."""
    if isinstance(book, CategoryCodebook):
        return list(book.levels.to_pylist())
    return [False, True] if isinstance(book, BooleanCodebook) else []


def _book(
    determinant: Column, dependent: Column, books: Mapping[str, Codebook], counts: Counts, sigma: float
) -> tuple[DerivedCodebook, int]:
    """The look-up, and for how many values of the determinant it rests on nothing but noise."""
    keys, values = _labels(books[determinant.name]), _labels(books[dependent.name])
    seen = counts[: len(keys), : len(values)]
    usual = int(np.argmax(seen.sum(axis=0)))
    best = np.where(seen.max(axis=1) > _SURE * sigma, seen.argmax(axis=1), usual)
    if determinant.levels is not None and dependent.levels is not None:
        best = _one_to_one(seen, sigma, best)
    unsure = int((seen[np.arange(len(keys)), best] <= _SURE * sigma).sum())
    key, value = (pa.bool_() if c.kind == "boolean" else pa.string() for c in (determinant, dependent))
    book = DerivedCodebook(
        dependent.name,
        dependent.kind,
        determinant.name,
        pa.array(keys, key),
        pa.array([values[i] for i in best], value),
        pa.array([values[usual]], value),
    )
    return book, unsure


def _one_to_one(seen: Counts, sigma: float, best: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """The likeliest pairing of one with one; `best` where there are not as many, or it is refuted."""
    from scipy.optimize import linear_sum_assignment

    if seen.shape[0] != seen.shape[1]:
        return best
    _, partner = linear_sum_assignment(seen, maximize=True)
    lead = seen.max(axis=1) - seen[np.arange(len(seen)), partner]
    return best if lead.max() > _REFUTED * sigma else partner
