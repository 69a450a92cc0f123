"""Ids, free text and personal data: only present or missing is coded; values are made afresh at decode."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from locum.codes.codebook import OneAttribute, Treatment, null_mask, with_nulls
from locum.codes.filler_text import TextMaker
from locum.codes.identifier import IdMaker
from locum.codes.json_fields import Wire
from locum.codes.persons import PersonMaker
from locum.codes.points import PointMaker
from locum.codes.settings import EncoderSettings
from locum.schema.column import Column
from locum.schema.domain import Codes


class Maker(Protocol):
    """Makes values of one kind, and keeps no real one."""

    def make(self, n: int, rng: np.random.Generator) -> pa.Array:
        """`n` values, strings, without nulls."""
        ...

    def describe(self) -> str:
        """What is made, as a clause."""
        ...

    def to_json(self) -> dict[str, Any]:
        """JSON-ready state."""
        ...


@dataclass(frozen=True, slots=True)
class GeneratedCodebook(OneAttribute):
    """Coding of an id, text or PII column: 0 present, the last code missing.

    Attributes
    ----------
    name, kind
        The column.
    maker
        What makes the values; None when none was seen.
    distinct
        Distinct values per row that has one, 0-1, rounded to 3 digits unless 1: 1 means all different.
    has_nulls
        Whether ``null`` exists.
    """

    family: ClassVar[str] = "generated"
    exact: ClassVar[bool] = False

    name: str
    kind: str
    maker: Maker | None
    distinct: float
    has_nulls: bool

    @classmethod
    def fit(cls, values: pa.Array, column: Column, settings: EncoderSettings) -> GeneratedCodebook:
        """Look at shape and repetition of the values; no value is kept. `settings` is not needed."""
        present = values.drop_null()
        n = len(present)
        if n == 0:
            return cls(column.name, column.kind, None, 1.0, True)
        maker: Maker
        if column.kind == "id":
            maker = PointMaker.fit(present) or IdMaker.fit(present, column.storage)
        elif column.kind == "text":
            maker = TextMaker.fit(present)
        else:
            maker = PersonMaker.fit(present, column.kind)
        ratio = pc.count_distinct(present).as_py() / n
        distinct = 1.0 if ratio == 1.0 else min(0.999, round(ratio, 3))
        return cls(column.name, column.kind, maker, distinct, values.null_count > 0)

    @property
    def size(self) -> int:
        """Number of codes."""
        return int(self.maker is not None) + int(self.has_nulls)

    def encode(self, values: pa.Array) -> list[Codes]:
        """Present or missing; all present where no missing value was seen in fit."""
        if self.maker is None or not self.has_nulls:
            return [np.zeros(len(values), dtype=np.int32)]
        return [null_mask(values).astype(np.int32)]

    def decode(self, codes: Sequence[Codes], rng: np.random.Generator) -> pa.Array:
        """New values, all different where the real ones were, else repeated about as often."""
        at = codes[0]
        if self.maker is None:
            return pa.nulls(len(at), pa.string())
        missing = at == 1
        n = int((~missing).sum())
        pool = n if self.distinct == 1.0 else math.ceil(self.distinct * n)
        if isinstance(self.maker, TextMaker):
            pool = min(pool, self.maker.most)
        pool = max(1, pool) if n else 0
        made = self.maker.make(pool, rng) if pool else pa.array([], type=pa.string())
        place = np.zeros(len(at), dtype=np.int64)
        place[~missing] = np.arange(n) if pool == n else rng.integers(max(1, pool), size=n)
        if pool == 0:
            return pa.nulls(len(at), pa.string())
        return with_nulls(made.take(pa.array(place)), missing)

    def treatment(self) -> Treatment:
        """In one sentence."""
        made = "no value was seen" if self.maker is None else f"made afresh: {self.maker.describe()}"
        presence = "present or missing is learned" if self.has_nulls else "always present"
        return Treatment(
            self.name,
            self.kind,
            self.size,
            f"Not learned, {made}; {presence}.",
        )

    @classmethod
    def from_json(cls, wire: Wire, column: Column) -> GeneratedCodebook:
        """Read back what `to_json` gave; FileFormatError on anything else."""
        maker: Maker | None = None
        if not wire.is_null("maker"):
            inner = wire.object("maker")
            if column.kind == "id":
                maker = PointMaker.from_json(inner) if "parts" in inner.data else IdMaker.from_json(inner)
            elif column.kind == "text":
                maker = TextMaker.from_json(inner)
            else:
                maker = PersonMaker.from_json(inner)
                if maker.kind != column.kind:
                    raise wire.fail("maker", f"a maker of {column.kind}")
        has_nulls = wire.boolean("has_nulls")
        if maker is None and not has_nulls:
            raise wire.fail("maker", "a column with at least one code")
        return cls(column.name, column.kind, maker, wire.number("distinct", low=0.0, high=1.0), has_nulls)
