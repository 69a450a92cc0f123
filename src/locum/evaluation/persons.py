"""Persons with several rows, judged in persons: one row of each, and none on both sides of the hold-out.

Rows of one person repeat each other. Tests that take rows for independent would take a person for a crowd:
they would find copying where a person's second row was held out, and call a value frequent that one person
has in every row.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from locum.codes.entity import EntityForm
from locum.data.distinct import distinct, flat
from locum.evaluation.evidence import Alert
from locum.randomness import stream
from locum.schema.table import Schema
from locum.wording import count


@dataclass(frozen=True, slots=True, eq=False)
class ByPerson:
    """Tables with one row a person, and what to tell the reader.

    Attributes
    ----------
    train, synthetic, holdout
        One row of each person, drawn at random; of the hold-out only persons that train has not.
    constants
        Columns that are the same in all rows of a person, of those that are compared.
    alerts
        What was done, and what speaks against the tables.
    """

    train: pa.Table
    synthetic: pa.Table
    holdout: pa.Table | None
    constants: tuple[str, ...] = ()
    alerts: tuple[Alert, ...] = ()


def by_person(
    schema: Schema, train: pa.Table, synthetic: pa.Table, holdout: pa.Table | None, seed: int
) -> ByPerson:
    """The tables as they can be judged; as they are where the schema names no entity."""
    name = schema.entity
    if name is None:
        return ByPerson(train, synthetic, holdout)
    said: list[Alert] = []
    ids = pc.unique(flat(train.column(name))).drop_null()
    if holdout is not None:
        seen = np.asarray(pc.is_in(flat(holdout.column(name)), value_set=ids))
        if seen.any():
            shared = int(pc.count_distinct(flat(holdout.column(name)).filter(pa.array(seen))).as_py())
            said.append(
                Alert(
                    "warning",
                    "hold-out",
                    f"{shared:,} values of {name} in the hold-out are also among the rows learned from: "
                    f"their {count(int(seen.sum()), 'row')} were left out. "
                    f"Hold out all rows of a {name}, or none.",
                )
            )
            holdout = holdout.filter(pa.array(~seen)) if not seen.all() else None
    real = int(pc.sum(pc.is_in(flat(synthetic.column(name)), value_set=ids)).as_py() or 0)
    if real:
        said.append(
            Alert(
                "warning",
                name,
                f"{count(real, 'synthetic row')} {'carries' if real == 1 else 'carry'} a {name} of the rows "
                "learned from. Ids that are made anew should not be real ones.",
            )
        )
    form = EntityForm.fit(train, schema)
    said.append(
        Alert(
            "note",
            name,
            f"Several rows belong to one {name}. So one row of each is judged "
            f"({form.persons + form.unknown:,} of {train.num_rows:,} rows learned from), and counts are "
            f"counts of {name}. How the rows of one hang together is not judged.",
        )
    )
    parts = {"train": train, "synthetic": synthetic, "holdout": holdout}
    kept = {part: None if t is None else _one_each(t, name, seed, part) for part, t in parts.items()}
    assert kept["train"] is not None
    assert kept["synthetic"] is not None
    return ByPerson(kept["train"], kept["synthetic"], kept["holdout"], form.constants, tuple(said))


def _one_each(table: pa.Table, name: str, seed: int, part: str) -> pa.Table:
    """A random row of each person, in the table's order; rows of nobody all stay."""
    whose = distinct(table.column(name)).index
    order = stream(seed, "evaluation", "person", part).permutation(len(whose))
    owned = order[whose[order] >= 0]
    _, first = np.unique(whose[owned], return_index=True)
    rows = np.concatenate([owned[first], np.flatnonzero(whose < 0)])
    return table.take(pa.array(np.sort(rows)))
