"""Canaries in files: planted before a generator learns, looked for when its rows are judged."""

from __future__ import annotations

import os
import secrets
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from locum.errors import FileFormatError, UsageError
from locum.runs.tables import read_table, refine_schema
from locum.schema.table import Schema

if TYPE_CHECKING:
    import pyarrow as pa

    from locum.evaluation.attacks.canaries import Canaries

#: Column of a key file that tells canaries that were planted from those that were spared.
PLANTED = "__planted__"
#: Entry of a key file's metadata: how often each canary went in.
COPIES = b"locum.canaries"


@dataclass(frozen=True, slots=True)
class PlantedFile:
    """What was written: the number of canaries that went in, of those that did not, and of all rows."""

    planted: int
    spared: int
    rows: int

    def to_json(self) -> dict[str, int]:
        """JSON-ready dictionary."""
        return asdict(self)


def plant(
    data: str | os.PathLike[str],
    out: str | os.PathLike[str],
    keys: str | os.PathLike[str],
    *,
    planted: int = 100,
    copies: int = 1,
    seed: int | None = None,
    force: bool = False,
) -> PlantedFile:
    """Write a copy of a table with unusual rows in it, to be looked for among the synthetic rows.

    For each of twice `planted` unusual rows a coin decides whether it goes in. If planted rows can be told
    from spared ones by the synthetic rows of a generator that learned the copy, it gives single rows away.

    Parameters
    ----------
    data
        The table that a generator is to learn.
    out
        The copy; it and what is made from it are for the test only.
    keys
        File for `evaluate`, ``.parquet``: the unusual rows, and which went in. Keep it from the generator.
    planted, copies
        How many go in on average, and how often each.
    seed
        Of rows and coin; None takes a secret one from the operating system.
    force
        Replace files of these names.

    Returns
    -------
    PlantedFile
        How many rows were planted, were spared, and are in the copy.

    Raises
    ------
    UsageError
        When a file is there already, a number is below one, or the key has another ending.
    DataError
        When the table cannot be read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    from locum.data.canonical import canonical
    from locum.data.write import write
    from locum.evaluation.attacks.canaries import plant as plant_rows
    from locum.files.atomic import replacing
    from locum.runs.config import find_config
    from locum.runs.request import RunRequest

    target, key = Path(out), Path(keys)
    if key.suffix.lower() != ".parquet":
        raise UsageError(
            "the key has another form", where=str(key), expected="a name that ends with .parquet"
        )
    for path in (target, key):
        if path.exists() and not force:
            raise UsageError("there is a file of that name", where=str(path), do="choose another, or --force")
    config = find_config(RunRequest(data=data))[0]
    raw = read_table(data, **(config.reading if config else {}))
    if PLANTED in raw.table.column_names:
        raise UsageError(f"a column is called {PLANTED!r}", where=raw.name, do="rename it")
    schema, _ = refine_schema(RunRequest(data=data), raw, config)
    table, birds = plant_rows(
        canonical(raw, schema),
        schema,
        seed=secrets.randbelow(2**63) if seed is None else seed,
        planted=planted,
        copies=copies,
    )
    told = pa.concat_tables(
        [
            part.append_column(PLANTED, pa.array([inside] * part.num_rows, pa.bool_()))
            for inside, part in ((True, birds.planted), (False, birds.spared))
        ]
    ).replace_schema_metadata({COPIES: str(copies).encode()})
    write(table, target, schema=schema, origin=raw.origin)
    with replacing(key) as part:
        pq.write_table(told, part)
    return PlantedFile(birds.planted.num_rows, birds.spared.num_rows, table.num_rows)


def need_planted(birds: Canaries, train: pa.Table, schema: Schema, name: str) -> None:
    """Refuse a real table that does not hold the canaries: then the generator cannot have learned from them.

    Raises
    ------
    UsageError
        When fewer than half of the planted rows are there.
    """
    import numpy as np

    from locum.evaluation.attacks.copies import row_keys

    # Moments are written to the unit that the data has them in, and come back another time.
    names = [c.name for c in schema if c.kind in ("category", "boolean", "integer", "number")]
    if not names:
        return
    keys = row_keys({"planted": birds.planted, "train": train}, names)
    there = np.isin(keys["planted"], keys["train"])
    if there.mean() < 0.5:
        raise UsageError(
            f"{int(there.sum())} of {len(there)} canaries are in the real table",
            where=name,
            expected="the copy that `locum plant` wrote, from which the generator learned",
            do="give that copy with --real",
        )


def load_canaries(keys: str | os.PathLike[str], schema: Schema) -> Canaries:
    """The canaries of a key file as canonical rows of a schema.

    Raises
    ------
    FileFormatError
        When the file is not there, or was not written by `plant`.
    DataError
        When it is about other columns.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    from locum.evaluation.attacks.canaries import Canaries
    from locum.runs.tables import align

    wrong = FileFormatError("that is no key of canaries", where=str(keys), expected="a file of locum plant")
    try:
        table = pq.read_table(keys)
    except (pa.ArrowInvalid, OSError) as error:
        raise wrong from error
    copies = (table.schema.metadata or {}).get(COPIES, b"").decode()
    if PLANTED not in table.column_names or not copies.isdigit():
        raise wrong
    inside = table.column(PLANTED)
    rows, _, _ = align(schema, replace(read_table(table.drop_columns([PLANTED])), name=Path(keys).name))
    return Canaries(rows.filter(inside), rows.filter(pc.invert(inside)), int(copies))
