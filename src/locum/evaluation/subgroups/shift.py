"""Weights that give a table other shares: how a model would do where the population is another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from locum.arrays import FloatArray
from locum.control.targets import ShareTarget, read_targets, targets_from_text, tilt
from locum.control.where.names import Names
from locum.errors import UsageError
from locum.evaluation.learn.cells import levels_of
from locum.schema.table import Schema

if TYPE_CHECKING:
    import pyarrow as pa


def shift_of(text: str, schema: Schema, known: pa.Table) -> Callable[[pa.Table], FloatArray]:
    """What weighs a table's rows, so that it has the shares that are asked for.

    Parameters
    ----------
    text
        ``age >= 65: 0.5``, ``sex = balanced``, several with semicolons, or JSON; as for ``--targets``.
    schema
        Columns.
    known
        Real rows; the levels of category columns are taken from them.

    Returns
    -------
    callable
        Weights of the rows of a table with mean 1, shape (n_rows,). They are the I-projection of its own
        joint shares on those asked for (`locum.control.targets.tilt`), so dependences inside the classes stay
        as they are: a shift of the asked shares and of nothing else.

    Raises
    ------
    UsageError
        For what cannot be read, an unknown column or level.
    """
    levels = {c.name: levels_of(known.column(c.name)) for c in schema if c.kind == "category"}
    names = Names(schema, levels)
    spec = targets_from_text(text, names)
    if not spec:
        raise UsageError("nothing is asked for", where="shift", expected="such as 'age >= 65: 0.5'")
    targets = read_targets(spec, names)

    def weigh(table: pa.Table) -> FloatArray:
        return weights(targets, table)

    return weigh


def weights(targets: Sequence[ShareTarget], table: pa.Table) -> FloatArray:
    """Weights with mean 1; see `shift_of`.

    Raises
    ------
    Infeasible
        When the table has no row of a class that is asked for, or the shares contradict each other.
    """
    shape = tuple(len(t.classes) for t in targets)
    cell = np.zeros(table.num_rows, dtype=np.int64)
    for target in targets:
        which = np.zeros(table.num_rows, dtype=np.int64)
        for k, clause in enumerate(target.classes):
            which[clause.holds(table)] = k
        cell = cell * len(target.classes) + which
    counts = np.bincount(cell, minlength=int(np.prod(shape))).astype(np.float64)
    asked, _ = tilt(counts.reshape(shape), targets)
    factor = asked.ravel() * len(cell) / np.where(counts > 0, counts, 1.0)
    return np.asarray(factor[cell])
