"""A column that another one determines: not coded, looked up from the other's decoded value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from locum.codes.codebook import ColumnCode, Treatment, null_mask, plural
from locum.codes.json_fields import Wire, arrow_from_json
from locum.errors import FileFormatError
from locum.schema.column import Column
from locum.schema.domain import Attribute, Codes


@dataclass(frozen=True, slots=True, eq=False)
class DerivedCodebook(ColumnCode):
    """Look-up of a dependent column.

    Attributes
    ----------
    name, kind
        The dependent column.
    determinant
        The column that it follows from.
    keys, values
        Determinant value -> dependent value; shape (n,), different keys without null.
    default
        One value (or null) for a missing determinant and for values that fit did not see; shape (1,).
    """

    family: ClassVar[str] = "derived"
    exact: ClassVar[bool] = True

    name: str
    kind: str
    determinant: str
    keys: pa.Array
    values: pa.Array
    default: pa.Array

    @classmethod
    def fit(
        cls, determinant: pa.Array, dependent: pa.Array, name: str, column: Column, reachable: pa.Array
    ) -> DerivedCodebook:
        """Map each determinant value to its most frequent dependent value (ties: the one met first).

        Parameters
        ----------
        determinant, dependent
            The two columns, row by row.
        name, column
            Name of the determinant; the dependent column.
        reachable
            Values to which the determinant can be decoded, at least one of them in `determinant`; rare ones
            are not among them, and are not kept.

        Notes
        -----
        A missing determinant maps to the most frequent dependent value beside one; without any, to the most
        frequent dependent value overall.
        """
        known = pc.or_(pc.is_null(determinant), pc.is_in(determinant, value_set=reachable))
        if not pc.all(known).as_py():
            determinant, dependent = determinant.filter(known), dependent.filter(known)
        keys = determinant.dictionary_encode()
        values = dependent.dictionary_encode()
        n_values = max(1, len(values.dictionary))
        key = np.asarray(pc.fill_null(keys.indices, len(keys.dictionary))).astype(np.int64)
        value = np.asarray(pc.fill_null(values.indices, len(values.dictionary))).astype(np.int64)
        pairs, counts = np.unique(key * (n_values + 1) + value, return_counts=True)
        order = np.lexsort((pairs, -counts, pairs // (n_values + 1)))
        pairs = pairs[order]
        first = np.concatenate([[True], pairs[1:] // (n_values + 1) != pairs[:-1] // (n_values + 1)])
        best = pairs[first]
        at, to = best // (n_values + 1), best % (n_values + 1)
        known = at < len(keys.dictionary)
        fallback = int(to[~known][0]) if not known.all() else int(np.bincount(value).argmax())
        return cls(
            column.name,
            column.kind,
            name,
            keys.dictionary.take(pa.array(at[known])),
            _lookup(values.dictionary, to[known]),
            _lookup(values.dictionary, np.array([fallback])),
        )

    @property
    def attributes(self) -> tuple[Attribute, ...]:
        """One attribute of size 1: nothing to model."""
        return (Attribute(self.name, self.name, 1, False, None),)

    def encode(self, values: pa.Array) -> list[Codes]:
        """All zero."""
        return [np.zeros(len(values), dtype=np.int32)]

    @property
    def reachable(self) -> pa.Array:
        """Values that `look_up` can give."""
        return pc.unique(pa.concat_arrays([self.values, self.default]))

    def look_up(self, determinant: pa.Array) -> pa.Array:
        """Dependent values for decoded determinant values."""
        table = pa.concat_arrays([self.values, self.default])
        at = pc.fill_null(pc.index_in(determinant, value_set=self.keys), len(self.keys))
        return table.take(at)

    def decode(self, codes: Sequence[Codes], rng: np.random.Generator) -> pa.Array:
        """The default for every row; the encoder, which knows the determinant, uses `look_up`."""
        return self.default.take(pa.array(np.zeros(len(codes[0]), dtype=np.int64)))

    def treatment(self) -> Treatment:
        """In one sentence."""
        known = plural(len(self.keys), "value")
        words = f"Follows from {self.determinant}: looked up among {known}, never drawn."
        return Treatment(self.name, self.kind, 1, words)

    @classmethod
    def from_json(cls, wire: Wire, column: Column, key: pa.DataType, value: pa.DataType) -> DerivedCodebook:
        """Read back what `to_json` gave; `key` and `value` are the Arrow types of the two columns."""
        keys = arrow_from_json(wire, "keys", key)
        values = arrow_from_json(wire, "values", value)
        default = arrow_from_json(wire, "default", value)
        if len(keys) != len(values) or len(default) != 1 or null_mask(keys).any():
            raise wire.fail("keys", "one value per key and one default")
        if pc.count_distinct(keys).as_py() != len(keys):
            raise wire.fail("keys", "different keys")
        determinant = wire.text("determinant")
        if determinant == column.name:
            raise FileFormatError("a column determines itself", where=wire.where)
        return cls(column.name, column.kind, determinant, keys, values, default)


def _lookup(values: pa.Array, at: Any) -> pa.Array:
    """Values by position; a position past the end is null."""
    return pa.concat_arrays([values, pa.nulls(1, values.type)]).take(pa.array(at))
