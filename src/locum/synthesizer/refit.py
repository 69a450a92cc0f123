"""A generator that is fitted anew for each table: what evaluation and studies need of it, and no more."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from locum.synthesizer.table import Synthesizer

if TYPE_CHECKING:
    import pyarrow as pa

    from locum.schema.table import Schema

#: What one more generation is made by where evidence is asked for: ours that is quick.
QUICK = "tree-fast"


@dataclass(frozen=True, slots=True)
class Refit:
    """One of our generators by name, with its settings; it is a `locum.evaluation.generator.Fit`.

    Raises
    ------
    UsageError
        For an unknown name or setting, before anything is fitted.
    """

    name: str = QUICK
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        Synthesizer(self.name, **self.settings)

    def __call__(self, table: pa.Table, schema: Schema, rows: int, seed: int) -> pa.Table:
        """Learn a canonical table and draw canonical rows that keep the schema's rules.

        Where a rule says that rows are unique, at most as many come as were learned from.
        """
        made = Synthesizer(self.name, seed=seed, **self.settings).fit_table(table, schema)
        return made.draw(made.most_rows(rows)).table

    def of(self, schema: Schema) -> Callable[[pa.Table, int, int], pa.Table]:
        """The same for one schema: a function of rows to learn from, how many to draw, and a seed."""
        return lambda table, rows, seed: self(table, schema, rows, seed)
