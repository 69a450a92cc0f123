"""Cells that stay as they were held, to the letter, where others of their column were filled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from locum.data.distinct import flat

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True, eq=False)
class KeptCells:
    """A table as it was read, and which of its cells have got another value since.

    Attributes
    ----------
    table
        As in `Raw.table`.
    filled
        A mask of the changed rows by column.
    """

    table: pa.Table
    filled: dict[str, pa.Array]

    def over(self, name: str, made: pa.Array) -> pa.Array:
        """A column as it was read but for the cells that were filled, which are those of `made`.

        The column as made, where it is new or of another type.
        """
        import pyarrow.compute as pc

        if name not in self.filled:
            return made
        held, made = flat(self.table.column(name)), flat(made)
        if held.type != made.type or len(held) != len(made):
            return made
        return pc.if_else(self.filled[name], made, held).cast(made.type)  # decimals change their type


def kept_cells(read: pa.Table, before: pa.Table, after: pa.Table) -> KeptCells:
    """What of a table stays, from its canonical form before and after cells were filled."""
    import pyarrow.compute as pc

    filled = {
        name: flat(pc.and_(before.column(name).is_null(), after.column(name).is_valid()))
        for name in before.column_names
        if name in read.column_names and before.num_rows == read.num_rows
    }
    return KeptCells(read, filled)
