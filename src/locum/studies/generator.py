"""Our generators as evaluation sees them: something that learns a table and gives rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

    from locum.schema.table import Schema

#: What one more generation is made by where evidence is asked for: ours that is quick.
QUICK = "tree-fast"


@dataclass(frozen=True, slots=True)
class Generator:
    """One of our generators with its settings; see `locum.evaluation.fit.Fit`."""

    name: str = QUICK
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __call__(self, table: pa.Table, schema: Schema, rows: int, seed: int) -> pa.Table:
        """Fit it to a canonical table and draw canonical rows."""
        from locum.synthesizer.table import Synthesizer

        made = Synthesizer(self.name, seed=seed, **self.settings).fit_table(table, schema)
        return made.sample_table(rows, seed=seed)
