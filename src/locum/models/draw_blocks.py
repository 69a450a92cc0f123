"""Drawing many rows in pieces, so that memory does not grow with their number."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from locum.data.distinct import put
from locum.models.base import Model
from locum.randomness import child_seed, stream
from locum.schema.domain import Attribute, Codes, Domain

if TYPE_CHECKING:
    import pyarrow as pa

    from locum.codes.encoder import Encoder

#: Codes in one block: 32 MB of int32, the decoded rows some ten times that.
BLOCK_CODES = 8 * 2**20
#: Rows in one block, at least and at most.
BLOCK_ROWS = (2**14, 2**18)


def block_rows(domain: Domain) -> int:
    """Rows that are sampled at a time: the wider the table, the fewer. Depends on nothing else."""
    low, high = BLOCK_ROWS
    return int(min(high, max(low, BLOCK_CODES // max(1, len(domain)))))


def draw(model: Model, encoder: Encoder, n: int, seed: int) -> Iterator[pa.Table]:
    """Canonical tables of together `n` rows; the same seed and `n` give the same rows.

    Within one block the encoder sees to it that ids differ. When there are several blocks, ids and PII are
    made for all of them in advance (some hundred bytes a row and column while they are made), because
    values made block by block would repeat.
    """
    size = block_rows(encoder.domain)
    pools = made_pools(encoder, n, seed) if n > size else {}
    for block, start in enumerate(range(0, n, size)):
        codes = model.sample(min(size, n - start), seed=child_seed(seed, "codes", block))
        table = encoder.decode(codes, seed=child_seed(seed, "values", block))
        for name, pool in pools.items():
            table = put(table, name, pool.fill(codes[:, encoder.domain.index(name)]))
        yield table


@dataclass(slots=True)
class Pool:
    """Made values of one column, given out over all blocks.

    Attributes
    ----------
    attribute
        Whose codes say which rows have a value.
    values
        What is given out.
    once
        Whether each value is given out once, in order, or any number of times, at random.
    seed
        Decides the random order.
    used
        How many have been given out, where each is given out once.
    blocks
        How many blocks have been filled.
    """

    attribute: Attribute
    values: pa.Array
    once: bool
    seed: int
    used: int = 0
    blocks: int = 0

    def fill(self, codes: Codes) -> pa.Array:
        """Values for the rows of the next block whose code is not the missing one; nulls elsewhere."""
        import pyarrow as pa

        present = (
            np.ones(len(codes), dtype=bool) if self.attribute.null is None else codes != self.attribute.null
        )
        n = int(present.sum())
        place = np.zeros(len(codes), dtype=np.int64)
        if self.once:
            place[present] = np.arange(self.used, self.used + n)
            self.used += n
        else:
            rng = stream(self.seed, "repeat", self.attribute.name, self.blocks)
            place[present] = rng.integers(len(self.values), size=n)
        self.blocks += 1
        return self.values.take(pa.array(place, mask=~present))


def made_pools(encoder: Encoder, n: int, seed: int, once: Collection[str] = frozenset()) -> dict[str, Pool]:
    """Values for `n` rows of every column of ids or PII, and of those in `once`, which must not repeat.

    Other columns of text may repeat and are left to the encoder.
    """
    from locum.codes.fresh_values import GeneratedCodebook

    pools = {}
    for book in encoder.books:
        if not isinstance(book, GeneratedCodebook) or book.maker is None:
            continue
        alone = book.distinct == 1.0 or book.name in once
        if book.kind != "text" or book.name in once:
            size = n if alone else max(1, math.ceil(book.distinct * n))
            values = book.maker.make(size, stream(seed, "fresh", book.name))
            pools[book.name] = Pool(book.attributes[0], values, alone, seed)
    return pools
