"""A generator that is fitted anew for each table, as the one function that studies need."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from locum.synthesizer.table import Synthesizer

if TYPE_CHECKING:
    import pyarrow as pa

    from locum.schema.table import Schema


def refit(name: str, schema: Schema, settings: Mapping[str, Any]) -> Callable[[pa.Table, int, int], pa.Table]:
    """A function of rows to learn from, a number of rows and a seed, which gives as many rows.

    All tables are canonical; no row that is made breaks a rule of the schema.

    Raises
    ------
    UsageError
        For an unknown name or setting, before anything is fitted.
    """
    Synthesizer(name, **settings)

    def make(learn: pa.Table, n: int, seed: int) -> pa.Table:
        return Synthesizer(name, seed=seed, **settings).fit_table(learn, schema).draw(n).table

    return make
