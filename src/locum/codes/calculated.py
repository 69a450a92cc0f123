"""Columns that follow from the codes of others, as codes of their own for models to look at.

Where a rule is kept by coding, something else is drawn in the place of a column: a distance in miles hides in
the number of a route, an end in a start and a duration. What depends on the distance or on the end is then
hard to learn. So the domain says, for every such column, how it follows from the codes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from locum.codes.codebook import Codebook
from locum.codes.derived import DerivedCodebook
from locum.codes.follow import needs_of, order_of, restore
from locum.codes.recoding import Recoding, RestoredCodebook
from locum.randomness import stream
from locum.schema.domain import Attribute, Calculated, Domain
from locum.schema.table import Schema

Table = npt.NDArray[np.int32]

#: Most cells of a table from codes to a calculated code, most attributes that it may have, and most such
#: tables.
MOST_CELLS, MOST_INPUTS, MOST_CALCULATED = 2**14, 4, 100
#: Cells of a table over labels, whose codes cannot be put together.
MOST_LABELLED = 2**17
#: Most codes of a calculated column with an order, and of one without.
ORDERED_CODES, LABELS = 256, 2048
#: Share of the cells in which a code may differ from what a single input says, to be nothing new.
NOTHING_NEW = 0.05


def find_calculated(
    schema: Schema, books: Mapping[str, Codebook], domain: Domain, recodings: Sequence[Recoding]
) -> tuple[Calculated, ...]:
    """What follows from the codes and is more than one of them says.

    Parameters
    ----------
    schema, books, domain
        Columns, their codebooks and those of what is coded besides, and the attributes of all of them.
    recodings
        What is coded in the place of columns, in the order in which it is applied.

    Returns
    -------
    tuple
        One for each column that a single attribute does not tell. Columns that follow from more than
        `MOST_INPUTS` attributes are left out. Cost: decoding up to `MOST_CELLS` rows for each.
    """
    found: list[Calculated] = []
    taken = {*domain.names, *schema.names}
    for column in schema:
        of = sorted(_support(column.name, books, domain, recodings, set()))
        changed = any(column.name in r.gives for r in recodings)
        derived = isinstance(books[column.name], DerivedCodebook)
        if column.regenerated or not (changed or derived) or not 1 <= len(of) <= MOST_INPUTS:
            continue
        attributes = [domain.attributes[i] for i in of]
        cells = _cells(attributes)
        if int(np.prod([int(cell.max()) + 1 for cell in cells])) > MOST_LABELLED:
            continue
        values = _decode(column.name, books, domain, recodings, (of, cells))
        if values is None:
            continue
        code, size, null = _coded(values, column.ordered)
        table = code.reshape([int(cell.max()) + 1 for cell in cells])
        most = ORDERED_CODES + 1 if column.ordered else LABELS
        if not 2 <= size <= most or _nothing_new(table, attributes, column.ordered, null):
            continue
        name = next(n for k in count() if (n := f"{column.name}={'' if k == 0 else k}") not in taken)
        taken.add(name)
        attribute = Attribute(name, column.name, size, column.ordered, null)
        found.append(Calculated(attribute, tuple(of), tuple(cells), table))
        if len(found) == MOST_CALCULATED:
            break
    return tuple(found)


def _support(
    name: str,
    books: Mapping[str, Codebook],
    domain: Domain,
    recodings: Sequence[Recoding],
    seen: set[str],
) -> set[int]:
    """Attributes that a column follows from."""
    if name in seen:
        return set()
    seen.add(name)
    book = books[name]
    if isinstance(book, DerivedCodebook):
        return _support(book.determinant, books, domain, recodings, seen)
    mine = [r for r in recodings if name in r.gives]
    owners = {name} if not isinstance(book, RestoredCodebook) else set()
    owners |= {r.coded.name for r in mine if r.coded is not None}
    found = {i for i, a in enumerate(domain.attributes) if a.column in owners and a.size > 1}
    for other in (n for r in mine for n in r.inputs):
        found |= _support(other, books, domain, recodings, seen)
    return found


def _cells(attributes: Sequence[Attribute]) -> list[Table]:
    """Cells of the codes of each attribute: every label is one, ordered codes are put together."""
    labels = int(np.prod([a.size for a in attributes if not a.ordered], dtype=np.int64))
    ordered = sum(a.ordered for a in attributes)
    room = max(2, int((MOST_CELLS / labels) ** (1 / max(ordered, 1)))) if labels < MOST_CELLS else 2
    out = []
    for a in attributes:
        cell = np.arange(a.size)
        if a.ordered:
            valued = a.size - (a.null is not None)
            cell = np.arange(valued) * min(room, valued) // max(valued, 1)
            if a.null is not None:
                cell = np.append(cell, cell.max(initial=-1) + 1)
        out.append(cell.astype(np.int32))
    return out


def _decode(
    name: str,
    books: Mapping[str, Codebook],
    domain: Domain,
    recodings: Sequence[Recoding],
    grid: tuple[Sequence[int], Sequence[Table]],
) -> pa.Array | None:
    """The column in every cell, at the middle code of each attribute's cell."""
    middle = [np.array([np.median(np.flatnonzero(c == k)) for k in range(c.max() + 1)], int) for c in grid[1]]
    lines = np.indices([len(m) for m in middle]).reshape(len(middle), -1)
    place = {i: at for at, i in enumerate(grid[0])}
    drawn: dict[str, pa.Array] = {}
    for other, book in books.items():
        mine = [i for i, a in enumerate(domain.attributes) if a.column == other]
        own = [place[i] for i in mine if i in place]
        if not own:
            continue
        # A code is decoded once: what the codebook draws at random would look like a dependence.
        shape = tuple(len(middle[at]) for at in own)
        few = np.indices(shape).reshape(len(own), -1)
        codes = {i: middle[at][few[k]] for k, (i, at) in enumerate((i, place[i]) for i in mine if i in place)}
        zero = np.zeros(few.shape[1], dtype=np.int32)
        values = book.decode(
            [codes.get(i, zero).astype(np.int32) for i in mine], stream(0, "calculated", other)
        )
        drawn[other] = values.take(pa.array(np.ravel_multi_index(tuple(lines[own]), shape)))
    needs = needs_of(books, recodings)
    return restore(order_of([name], needs), books, recodings, drawn).get(name)


def _coded(values: pa.Array, ordered: bool) -> tuple[Table, int, int | None]:
    """The codes of values, how many there are, and that of a missing one."""
    present = np.asarray(pc.is_valid(values))
    if ordered:
        if pa.types.is_floating(values.type):
            number = np.asarray(pc.fill_null(values, 0.0)).astype(np.float64)
        else:
            days = pa.types.is_date32(values.type)
            whole = values.view(pa.int32() if days else pa.int64())
            number = np.asarray(pc.fill_null(whole, 0)).astype(np.int64)
        distinct = np.unique(number[present])
        if len(distinct) > ORDERED_CODES:
            at = np.sort(number[present])
            distinct = np.unique(at[np.arange(ORDERED_CODES) * len(at) // ORDERED_CODES])
        code = np.maximum(np.searchsorted(distinct, number, side="right") - 1, 0)
        size = len(distinct)
    else:
        held = values.dictionary_encode()
        size = len(held.dictionary)
        code = np.asarray(pc.fill_null(held.indices, 0)).astype(np.int64)
    null = None if present.all() else size
    if null is not None:
        code = np.where(present, code, null)
    return code.astype(np.int32), size + (null is not None), null


def _nothing_new(table: Table, attributes: Sequence[Attribute], ordered: bool, null: int | None) -> bool:
    """Whether one of the attributes says as much: its codes and the calculated ones go up together."""
    for axis, attribute in enumerate(attributes):
        lines = np.moveaxis(table, axis, 0).reshape(table.shape[axis], -1)
        valued = np.where(lines == (-1 if null is None else null), -1, lines)
        own = valued.max(axis=1)
        known = valued >= 0
        if ((valued != own[:, None]) & known).sum() > NOTHING_NEW * max(known.sum(), 1):
            continue
        own = own[own >= 0]
        if attribute.ordered == ordered and (
            (np.diff(own) >= 0).all() if ordered else len(np.unique(own)) == len(own)
        ):
            return True
        if not ordered and len(np.unique(own)) == len(own):
            return True
    return False
