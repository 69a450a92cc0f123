"""Columns that follow from others, wholly or in part: in which order, and how they are given back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from locum.codes.codebook import Codebook
from locum.codes.derived import DerivedCodebook
from locum.codes.recoding import Recoding, Values


def needs_of(books: Mapping[str, Codebook], recodings: Sequence[Recoding]) -> dict[str, tuple[str, ...]]:
    """For each column that is not just decoded the columns that it takes besides its own codes."""
    out: dict[str, tuple[str, ...]] = {
        name: (b.determinant,) for name, b in books.items() if isinstance(b, DerivedCodebook)
    }
    for recoding in recodings:
        for name in recoding.gives:
            out[name] = (*out.get(name, ()), *recoding.inputs)
    return out


def order_of(names: Sequence[str], needs: Mapping[str, Sequence[str]]) -> list[str]:
    """Column names such that what a column needs comes before it; in the given order where that is free.

    Raises
    ------
    ValueError
        When columns need each other.
    """
    done: dict[str, bool] = {}

    def visit(name: str) -> None:
        if name in done:
            if not done[name]:
                raise ValueError(name)
            return
        done[name] = False
        for other in needs.get(name, ()):
            visit(other)
        done.pop(name)
        done[name] = True

    for name in names:
        visit(name)
    return list(done)


def restore(
    names: Sequence[str],
    books: Mapping[str, Codebook],
    recodings: Sequence[Recoding],
    drawn: Values,
    given: Values | None = None,
) -> dict[str, pa.Array]:
    """Columns of the table from decoded columns: what was recoded is given back, what follows looked up.

    Parameters
    ----------
    names
        Columns of the table, what a column needs before it (`order_of`).
    books
        The codebook of each.
    recodings
        What was coded in the place of some, in the order in which it was applied.
    drawn
        What the codebooks gave, by name.
    given
        Values that replace what comes out, where they are not null, and that others then follow from.

    Returns
    -------
    dict
        As far as `drawn` allows: a column is left out when something that it needs is not there.
    """
    done: dict[str, pa.Array] = {}
    given = given or {}
    for name in names:
        if name not in done:
            done |= _restored(name, books[name], recodings, drawn, done)
        if name in done and name in given:
            done[name] = pc.coalesce(given[name].cast(done[name].type), done[name])
    return done


def _restored(
    name: str, book: Codebook, recodings: Sequence[Recoding], drawn: Values, done: Values
) -> dict[str, pa.Array]:
    if isinstance(book, DerivedCodebook):
        return {name: book.look_up(done[book.determinant])} if book.determinant in done else {}
    mine = [r for r in recodings if name in r.gives]
    own = drawn.get(name)
    if not mine:
        return {} if own is None else {name: own}
    out: dict[str, pa.Array] = {}
    for recoding in reversed(mine):
        coded = recoding.coded
        if coded is not None and coded.name != name:
            own = drawn.get(coded.name)
        if (coded is not None and own is None) or not all(n in done for n in recoding.inputs):
            return {}
        out = {**out, **recoding.back(own, done)}
        own = out[name]
    return out
