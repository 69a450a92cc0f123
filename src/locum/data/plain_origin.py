"""The form in which private runs hand rows out: it follows from container and schema, never from the data."""

from __future__ import annotations

from collections.abc import Mapping

from locum.data.origin import Backend, Dialect, Held, Origin
from locum.schema.table import Schema
from locum.schema.validate import canonical_type

#: Types of pandas columns by kind; each may hold missing values, whether or not there are any.
_PANDAS: Mapping[str, str] = {
    "boolean": "boolean",
    "integer": "Int64",
    "number": "float64",
    "datetime": "datetime64[us]",
    "duration": "timedelta64[us]",
}


def plain_origin(backend: Backend, schema: Schema) -> Origin:
    """An origin with one type for each kind, UTF-8, commas and plain line ends.

    A storage type that the schema declares is kept; one that was read from data is not in a private schema.
    """
    columns = []
    for column in schema:
        storage = column.storage if column.storage != "string" else canonical_type(column)
        dtype = ""
        if backend == "pandas" and storage == canonical_type(column):
            dtype = "datetime64[us, UTC]" if column.timezone else _PANDAS.get(column.kind, "object")
        columns.append(Held(column.name, storage, dtype))
    return Origin(backend, tuple(columns), Dialect() if backend == "csv" else None)
