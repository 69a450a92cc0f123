"""How evaluation sees a generator: as something that learns a table and gives rows, and no more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import pyarrow as pa

    from locum.schema.table import Schema


class Fit(Protocol):
    """A generator that can be fitted: by attacks, for the next generation, to test rows of small groups."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    def __call__(self, table: pa.Table, schema: Schema, rows: int, seed: int) -> pa.Table:
        """Learn a canonical table, and draw so many canonical rows; same seed, same rows."""
        ...
