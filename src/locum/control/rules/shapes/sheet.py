"""The rows on which candidates are tried: numbers as a matrix, labels as codes, and what the columns are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from locum.arrays import BoolArray, FloatArray, IntArray
from locum.control.where.evaluate import column_values
from locum.control.where.names import Sort, sort_of
from locum.data.distinct import flat
from locum.randomness import stream
from locum.schema.table import Schema

#: Rows on which candidates are tried before they are counted on all.
TRIAL = 5000
#: Largest size of numbers with which is calculated: beyond it products of three overflow. Its inverse is the
#: smallest size of the largest number of a column.
LARGEST = 1e100


@dataclass(frozen=True, slots=True)
class RuleCandidate:
    """A rule that the rows of the trial do not speak against.

    Attributes
    ----------
    kind, text
        As in `locum.control.rules.proposal.RuleProposal`.
    defines
        The column that the rule says how to calculate, if it does.
    sources
        What it is calculated from.
    each
        Whether each of its columns must matter by itself; a year hardly does to whether there is such a day.
    by_chance
        Share of rows that would break it were its columns independent, where that is known without shuffling.
    """

    kind: str
    text: str
    defines: str = ""
    sources: tuple[str, ...] = ()
    each: bool = True
    by_chance: float | None = None


@dataclass(frozen=True, slots=True)
class Sheet:
    """Rows of a table prepared for the search.

    Attributes
    ----------
    table
        All rows, canonical.
    trial
        At most `TRIAL` of them, drawn with a fixed seed, no two alike.
    schema
        What the columns are.
    data
        Of each column that has an order: its values in the trial as doubles (moments and spans in
        microseconds), NaN where missing; shape (n_trial,).
    codes
        Of every column: its values in the trial as codes 0, 1, 2 ..., -1 where missing; shape (n_trial,).
    levels
        Of every column: the value behind each code.
    """

    table: pa.Table
    trial: pa.Table
    schema: Schema
    data: dict[str, FloatArray]
    codes: dict[str, IntArray]
    levels: dict[str, list[Any]]

    @classmethod
    def of(cls, table: pa.Table, schema: Schema) -> Sheet:
        """Prepare a canonical table."""
        rng = stream(0, "rules")
        n = table.num_rows
        rows = np.sort(rng.choice(n, TRIAL, replace=False)) if n > TRIAL else np.arange(n)
        trial = table.take(pa.array(rows))
        codes: dict[str, IntArray] = {}
        levels: dict[str, list[Any]] = {}
        for name in schema.names:
            coded = flat(trial.column(name)).dictionary_encode()
            codes[name] = np.asarray(pc.fill_null(coded.indices, -1)).astype(np.int64)
            levels[name] = coded.dictionary.to_pylist()
        once = np.sort(_first_of_each(codes, len(trial)))
        # Rows of few small columns are alike by chance; rows with a column of many values are one row twice.
        many = max((len(values) for values in levels.values()), default=0)
        if len(once) < len(trial) and many >= len(trial) / 4:
            trial = trial.take(pa.array(once))
            codes = {name: values[once] for name, values in codes.items()}
        data = {}
        for name in schema.names:
            if schema[name].ordered:
                values = column_values(trial, name)
                data[name] = np.where(values.present, values.data.astype(np.float64), np.nan)
        return cls(table, trial, schema, data, codes, levels)

    @property
    def n(self) -> int:
        """Rows of the trial."""
        return int(self.trial.num_rows)

    @property
    def growth(self) -> float:
        """How many rows of the table one row of the trial stands for."""
        return float(self.table.num_rows) / max(1, self.n)

    def names(self, *sorts: Sort) -> list[str]:
        """Columns of these sorts, in order, that hold more than one value."""
        return [c.name for c in self.schema if sort_of(c) in sorts and len(self.levels[c.name]) > 1]

    def amounts(self) -> list[str]:
        """Columns of numbers with which can be calculated: not too large or too small for products."""
        return [n for n in self.names("number") if self._measured(n)]

    def _measured(self, name: str) -> bool:
        sizes = np.abs(self.data[name][self.present(name)])
        largest = float(sizes.max(initial=0.0))
        return largest <= LARGEST and (largest == 0 or largest >= 1 / LARGEST)

    def present(self, name: str) -> BoolArray:
        """Rows in which a column is not missing; shape (n_trial,)."""
        return self.codes[name] >= 0

    def half_unit(self, name: str) -> float:
        """Half a unit of the last decimal; 0 for numbers that were not rounded as far as is known."""
        column = self.schema[name]
        if column.kind == "integer":
            return 0.5
        return float(0.5 * 10.0**-column.decimals) if column.decimals is not None else 0.0

    def matrix(self, names: list[str]) -> FloatArray:
        """Values of several columns that have an order; shape (n_trial, n_columns)."""
        out = np.empty((self.n, len(names)))
        for i, name in enumerate(names):
            out[:, i] = self.data[name]
        return out


def _first_of_each(codes: dict[str, IntArray], n: int) -> IntArray:
    """One row of each set of rows that are alike in everything."""
    if not codes:
        return np.arange(n)
    rng = stream(0, "rules", "alike")
    key = np.zeros(n, dtype=np.uint64)
    for values in codes.values():
        weights = rng.integers(0, 2**64, int(values.max(initial=-1)) + 2, dtype=np.uint64)
        key += weights[values + 1]
    return np.unique(key, return_index=True)[1].astype(np.int64)
