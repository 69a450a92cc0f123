"""The different values of a column, each once: parsing and formatting touch them only once too."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from locum.arrays import IntArray

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Distinct:
    """Different values of a column and where they stand.

    Attributes
    ----------
    values
        The different values without null, in order of first appearance; shape (n_distinct,).
    index
        For each row the position in `values`, -1 for null; shape (n_rows,).
    """

    values: pa.Array
    index: IntArray

    @property
    def counts(self) -> IntArray:
        """Rows that hold each value; shape (n_distinct,)."""
        return np.bincount(self.index[self.index >= 0], minlength=len(self.values)).astype(np.int64)

    @property
    def nulls(self) -> int:
        """Rows without a value."""
        return int((self.index < 0).sum())

    def spread(self, values: pa.Array) -> pa.Array:
        """One entry per row out of one entry per different value; null rows stay null."""
        import pyarrow as pa

        return values.take(pa.array(self.index, mask=self.index < 0))


def distinct(column: pa.ChunkedArray | pa.Array) -> Distinct:
    """Find the different values of a column; O(n) by hashing.

    Dictionary columns are read through, so that unused entries of the dictionary do not count.
    """
    import pyarrow as pa
    import pyarrow.types as at

    column = plain(column)
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(array, pa.ChunkedArray):  # more text than one chunk may hold
        array = array.cast(pa.large_string()).combine_chunks()
    if at.is_null(array.type):
        return Distinct(pa.array([], pa.string()), np.full(len(array), -1, np.int64))
    coded = array.dictionary_encode()
    index = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return Distinct(coded.dictionary, index)


def flat(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    """One array out of a column; no copy where it is one already."""
    import pyarrow as pa

    if not isinstance(column, pa.ChunkedArray):
        return column
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def put(table: pa.Table, name: str, values: pa.Array | pa.ChunkedArray) -> pa.Table:
    """The table with other values, of the same type, in one column."""
    at = table.schema.get_field_index(name)
    return table.set_column(at, table.schema.field(at), values)


def as_numbers(array: pa.Array) -> pa.Array:
    """Ordered values as whole numbers or floats: dates in days, other times in microseconds."""
    import pyarrow as pa

    if pa.types.is_date32(array.type):
        return array.view(pa.int32())
    return array.view(pa.int64()) if pa.types.is_temporal(array.type) else array


def plain(array: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """The same values without dictionary or run-end coding, in a type that Arrow computes with.

    Views become texts, short decimals decimals of 128 bits, and extension types of Arrow what they stand for.
    """
    import pyarrow as pa

    if isinstance(array, pa.ChunkedArray):
        kind = plain_type(array.type)
        return array if kind == array.type else pa.chunked_array([plain(c) for c in array.chunks], kind)
    kind = plain_type(array.type)
    if kind == array.type:
        return array
    if isinstance(array, pa.ExtensionArray):
        if str(array.type) == "extension<arrow.uuid>":
            return pa.array([None if v is None else str(v) for v in array.to_pylist()], pa.string())
        return plain(array.storage).cast(kind)
    if pa.types.is_dictionary(array.type):
        values = plain(array.dictionary)
        return values.take(array.indices) if len(values) else pa.nulls(len(array), values.type)
    if pa.types.is_run_end_encoded(array.type):
        import pyarrow.compute as pc

        return plain(pc.run_end_decode(array))
    return array.cast(kind)


def plain_type(kind: pa.DataType) -> pa.DataType:
    """The type that `plain` gives."""
    import pyarrow as pa
    import pyarrow.types as at

    if at.is_dictionary(kind) or at.is_run_end_encoded(kind):
        return plain_type(kind.value_type)
    if at.is_string_view(kind):
        return pa.string()
    if str(kind).startswith(("decimal32", "decimal64")):
        return pa.decimal128(kind.precision, kind.scale)
    known = {"uuid": pa.string(), "bool8": pa.bool_(), "json": pa.string()}
    match = re.fullmatch(r"extension<arrow\.(\w+)(\[.*\])?>", str(kind))
    return known.get(match[1], kind) if match else kind
