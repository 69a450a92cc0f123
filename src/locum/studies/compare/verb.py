"""Comparing generators on a user's tables: reading, cutting, running the field, writing the record."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from locum.errors import UsageError
from locum.evaluation.attacks.suite import check_effort
from locum.files.atomic import replacing
from locum.progress import Listener, silent
from locum.randomness import check_seed
from locum.runs.evaluate import now
from locum.runs.holdout import check_share, split
from locum.runs.out_folder import make_folder, own_folder, write_study
from locum.runs.plan import Request, check_rows, fingerprint, fingerprint_table
from locum.runs.prepare import find_config, settle_schema
from locum.runs.tables import align, check_target, read_table, without_data_bounds
from locum.runs.versions import versions
from locum.schema.table import Schema
from locum.studies.compare.result import Comparison
from locum.studies.compare.run import CELLS, Rules
from locum.studies.compare.run import compare as study
from locum.studies.contestants.contestant import Contestant, Function, field_of, parse, read_settings
from locum.studies.contestants.produce import Arena

if TYPE_CHECKING:
    import pyarrow as pa

    from locum.data.origin import Raw

PAGE, NUMBERS, RECORD = "compare.html", "compare.json", "compare.parquet"
DEFAULT_HOLDOUT = 0.25
DEFAULT_LIMIT_S = 3_600.0
#: Attacks of one generator cost more than most fits: a field is compared by the quick ones.
DEFAULT_EFFORT = "quick"


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A table of the user, read and understood."""

    name: str
    schema: Schema
    raw: Raw
    table: pa.Table
    digest: str

    def cut(self, holdout: float) -> Callable[[int], Arena]:
        """What cuts it into training rows and hold-out for a seed."""

        def at(seed: int) -> Arena:
            train, held = split(self.table.num_rows, holdout, seed)
            return Arena(
                self.name, without_data_bounds(self.schema), self.table.take(train),
                self.table.take(held) if len(held) else None, self._write, _read,
            )  # fmt: skip

        return at

    def _write(self, rows: pa.Table, path: Path) -> None:
        from locum.data.write import write

        # Commas and no quotes of the user's own: entrants expect a plain CSV.
        write(rows, path, schema=self.schema)


def _read(path: Path, schema: Schema) -> tuple[pa.Table, Schema, tuple[str, ...]]:
    return align(schema, read_table(path))


def compare(
    data: Sequence[Any],
    entrants: Sequence[str | Contestant] | Mapping[str, str | Function],
    *,
    seeds: int | Sequence[int] = 3,
    rows: int | None = None,
    holdout: float = DEFAULT_HOLDOUT,
    target: str | None = None,
    protected: Sequence[str] = (),
    limit_s: float = DEFAULT_LIMIT_S,
    effort: str = DEFAULT_EFFORT,
    out: str | os.PathLike[str] | None = None,
    keep: bool = False,
    retry: bool = False,
    progress: Listener = silent,
) -> Comparison:
    """Compare generators; see `locum.api.compare` for the meaning of the parameters."""
    numbers = range(seeds) if isinstance(seeds, int) else seeds
    known = tuple(check_seed(s) for s in numbers)
    if not known or len(set(known)) < len(known):
        raise UsageError("seeds must be one or more different numbers", where="seeds", do="give --seeds 3")
    if rows is not None:
        check_rows(rows)
    check_share(holdout)
    field = field_of(contestants(entrants))
    folder = None if out is None else refuse_foreign(Path(out))
    tables = [understood(d, target, protected) for d in data]
    if not tables:
        raise UsageError("no data was named", where="DATA", do="give one file or more")
    tables = _apart(tables)
    rules = Rules(rows, limit_s, keep, retry, (("effort", check_effort(effort)),))
    cells = study(
        {t.name: t.cut(holdout) for t in tables}, field, known, folder=folder,
        identity={t.name: _identity(t, holdout) for t in tables}, rules=rules, listener=progress,
    )  # fmt: skip
    found = Comparison(
        tuple(c.entrant() for c in field), tuple(t.name for t in tables), known, cells, now(),
        {"rows": rows, "hold-out share": holdout, "time limit in seconds": limit_s,
         "effort of the attacks": effort}, versions(),
    )  # fmt: skip
    if folder is not None:
        save(found, folder)
    return found


def contestants(
    given: Sequence[str | Contestant] | Mapping[str, str | Function],
) -> tuple[Contestant, ...]:
    """Entrants as they may be given in Python: lines, ready ones, or names with lines or functions."""
    if isinstance(given, str):
        given = [given]
    if not isinstance(given, Mapping):
        return tuple(g if isinstance(g, Contestant) else parse(g) for g in given)
    out = []
    for name, what in given.items():
        if callable(what):
            path = f"{getattr(what, '__module__', '')}:{getattr(what, '__qualname__', name)}"
            out.append(Contestant(name, "function", path, function=what))
        else:
            out.append(parse(f"{name}={what}"))
    return tuple(out)


def understood(source: Any, target: str | None, protected: Sequence[str]) -> Table:
    """Read a table; ``path?target=x&protected=y`` says what holds for this one only."""
    path, _, query = source.partition("?") if isinstance(source, str) else (source, "", "")
    said = read_settings(query)
    unknown = set(said) - {"target", "protected"}
    if unknown:
        raise UsageError(f"{min(unknown)!r} cannot be said of a table", where=str(path),
                         expected="?target=COLUMN&protected=COLUMN,COLUMN")  # fmt: skip
    if "target" in said:
        target = str(said["target"])
    if "protected" in said:
        protected = [name for name in str(said["protected"]).split(",") if name]
    request = Request(data=path, target=target, protected=tuple(protected))
    config = find_config(request)[0]
    raw = read_table(path, **(config.reading if config else {}))
    schema, _ = settle_schema(request, raw, config)
    from locum.data.canonical import canonical

    table = canonical(raw, schema)
    check_target(table, schema, schema.target)
    source_of = (
        fingerprint(Path(path)) if isinstance(path, str | Path) else fingerprint_table(raw.table, raw.name)
    )
    return Table(Path(raw.name).stem or raw.name, schema, raw, table, source_of.sha256)


def _apart(tables: Sequence[Table]) -> list[Table]:
    """Give tables of one name a number."""
    names = [t.name for t in tables]
    return [
        replace(t, name=f"{t.name}-{names[: i + 1].count(t.name)}") if names.count(t.name) > 1 else t
        for i, t in enumerate(tables)
    ]


def _identity(table: Table, holdout: float) -> str:
    return f"{table.digest}|{table.schema.target}|{','.join(table.schema.protected)}|{holdout:g}"


def refuse_foreign(folder: Path) -> Path:
    """Refuse a folder that holds anything but a comparison.

    Raises
    ------
    FolderError
        When it does, or cannot be looked into.
    """
    return own_folder(folder, {PAGE, NUMBERS, RECORD, CELLS, "made", ".lock"})


def save(found: Comparison, folder: Path) -> Path:
    """Write the page and the numbers into a folder; each all or nothing."""
    from locum.studies.compare.page import render

    make_folder(folder)
    _write_record(found, folder / RECORD)
    return write_study(folder, page=(PAGE, render(found)), numbers=(NUMBERS, found.to_json()))


def _write_record(found: Comparison, path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    text, number, whole = pa.string(), pa.float64(), pa.int64()
    schema = pa.schema(
        [("table", text), ("contestant", text), ("seed", whole), ("status", text), ("reason", text),
         ("rows_train", whole), ("rows_made", whole), ("cpu_s", number), ("wall_s", number),
         ("peak_bytes", number), ("measure", text), ("question", text), ("value", number), ("low", number),
         ("high", number), ("reference", number), ("floor", number), ("verdict", text)]
    )  # fmt: skip
    with replacing(path) as temporary:
        pq.write_table(pa.Table.from_pylist(list(found.records()), schema=schema), temporary)
