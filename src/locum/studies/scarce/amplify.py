"""More rows of a minority, drawn under that condition rather than copied."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from locum.control.drawn import Outcome
from locum.errors import UsageError

if TYPE_CHECKING:
    from locum.synthesizer.table import Synthesizer


def amplify(synth: Synthesizer, column: str, level: Any, n: int, *, seed: int = 0) -> Outcome:
    """Draw `n` rows with ``column = level`` from a fitted synthesizer.

    The generator's own conditional distribution is used, so that rows differ; whether they help a model is
    another question, and for few rows seldom answered with yes (`benchmarks/scarcity.py`).

    Raises
    ------
    UsageError
        For an unknown column or level.
    Infeasible
        When the generator cannot make such a row.
    """
    from locum.control.sample import sample

    if column not in synth.schema.names:
        raise UsageError(
            f"there is no column {column!r}", where="column", expected=", ".join(synth.schema.names[:12])
        )
    if synth.schema[column].regenerated:
        raise UsageError(f"{column!r} is made afresh and has no levels", where="column")
    if isinstance(level, bool):
        text = "true" if level else "false"
    elif isinstance(level, int | float):
        text = repr(level)
    else:
        text = "'" + str(level).replace("'", "''") + "'"
    name = column if column.isidentifier() else '"' + column.replace('"', '""') + '"'
    return sample(synth, n, where=f"{name} = {text}", seed=seed)
