"""Records that come from outside: seed files and rows drawn from locum model files."""

from __future__ import annotations

import csv
import datetime as dt
import io
import math
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from locum.errors import FileFormatError
from locum.files.json import load
from locum.randomness import child_seed, stream
from locum.text.failures import Lost, PlanError, Reason
from locum.text.plan.columns import Seed, Table

#: Rows of a model that are drawn at a time, and blocks without a new row that end the search for one.
_BLOCK, _PATIENCE = 256, 40


class SeedFile:
    """The records of one file. Lines that are no record are counted and passed over.

    Parameters
    ----------
    path
        JSON Lines, CSV, TSV, Parquet or text file.

    Raises
    ------
    PlanError
        When there is no such file, it has another format, or holds no record at all.
    """

    def __init__(self, path: Path) -> None:
        #: Numbers of the lines (from 1) that are no record.
        self.bad_lines: list[int] = []
        if not path.is_file():
            raise PlanError(
                "there is no such seed file", where=str(path), do="check the path; it is seen from the plan"
            )
        self.records = list(self._read(path))
        if not self.records:
            raise PlanError("the seed file holds no record", where=str(path))

    def _read(self, path: Path) -> Iterator[Mapping[str, Any]]:
        suffix = path.suffix.lower()
        if suffix == ".parquet":
            yield from _parquet(path)
        elif suffix in (".jsonl", ".ndjson"):
            yield from self._json_lines(path)
        elif suffix in (".csv", ".tsv"):
            yield from self._delimited(path, "\t" if suffix == ".tsv" else ",")
        elif suffix in (".txt", ".md"):
            yield from ({"text": line} for line in _text(path).splitlines() if line.strip())
        else:
            raise PlanError(
                f"seed files do not end with {suffix!r}",
                where=str(path),
                expected=".jsonl, .csv, .tsv, .parquet or .txt",
            )

    def _json_lines(self, path: Path) -> Iterator[Mapping[str, Any]]:
        for number, line in enumerate(path.read_bytes().split(b"\n"), 1):
            if not line.strip():
                continue
            try:
                record = load(line, f"{path.name} line {number}")
            except FileFormatError:
                record = None
            if isinstance(record, dict):
                yield record
            else:
                self.bad_lines.append(number)

    def _delimited(self, path: Path, delimiter: str) -> Iterator[Mapping[str, Any]]:
        reader = csv.reader(io.StringIO(_text(path), newline=""), delimiter=delimiter)
        try:
            head = next(reader, [])
            for fields in reader:
                if len(fields) == len(head):
                    yield dict(zip(head, fields, strict=True))
                elif fields:
                    self.bad_lines.append(reader.line_num)
        except csv.Error as error:
            raise PlanError(
                f"not readable as CSV: {error}", where=f"{path} line {reader.line_num}"
            ) from error


def labelled(path: str, text: str, label: str) -> list[tuple[str, str]]:
    """Texts and labels of the records of a file that have both."""
    records = SeedFile(Path(path)).records
    return [(str(r[text]), str(r[label])) for r in records if r.get(text) and r.get(label) is not None]


class SeedColumn:
    """The record of each row; a row made again gets the same record, unless each is drawn."""

    def __init__(self, column: Seed, file: SeedFile, seed: int) -> None:
        self._column, self._records, self._seed = column, file.records, seed
        self._order = None
        if column.order == "shuffled":
            self._order = stream(seed, "text", "seeds", column.path).permutation(len(self._records))
        if column.field and not any(column.field in record for record in self._records):
            raise PlanError(
                f"no record has the field {column.field!r}",
                where=f"columns.{column.name}",
                expected="one of " + ", ".join(list(self._records[0])[:8]),
            )

    def get(self, slot: int, attempt: int) -> Any:
        """The record, or its one field; None where a record lacks it."""
        if self._column.order == "drawn":
            rng = stream(self._seed, "text", "seeds", self._column.path, attempt)
            place = int(rng.integers(len(self._records)))
        else:
            place = slot % len(self._records)
            if self._order is not None:
                place = int(self._order[place])
        record = self._records[place]
        return record.get(self._column.field) if self._column.field else dict(record)


class TableColumn:
    """Rows drawn from a locum model, a block at a time; none breaks a rule of the model's schema."""

    def __init__(self, column: Table, path: Path, seed: int) -> None:
        from locum.control.request import read_request
        from locum.synthesizer.table import Synthesizer

        self._column = column
        model = Synthesizer.load(path)
        if column.field and column.field not in model.schema.names:
            raise PlanError(
                f"the model has no column {column.field!r}",
                where=f"columns.{column.name}",
                expected="one of " + ", ".join(model.schema.names[:8]),
            )

        @lru_cache(maxsize=8)
        def block(number: int) -> list[dict[str, Any]]:
            child = child_seed(seed, "text", "table", column.model, number)
            rows = model.draw(model.most_rows(_BLOCK), seed=child).table.to_pylist()
            return [{k: _plain(v) for k, v in row.items()} for row in rows]

        self._block = block
        self._unique = [c.columns for c in read_request(model.fitted).clauses if c.term.op == "unique"]
        #: Rows of all blocks so far that may stand beside each other, where a rule says which may not.
        self._distinct: list[dict[str, Any]] = []
        self._seen: set[tuple[Any, ...]] = set()
        self._blocks = 0

    def get(self, attempt: int) -> Any:
        """The row of an attempt, or its one field.

        Raises
        ------
        Lost
            When no more rows are found that differ as a rule demands.
        """
        if self._unique:
            row = self._distinct_row(attempt)
        else:
            row = self._block(attempt // _BLOCK)[attempt % _BLOCK]
        return row[self._column.field] if self._column.field else dict(row)

    def _distinct_row(self, attempt: int) -> dict[str, Any]:
        """The row of an attempt among those of all blocks that no earlier one repeats."""
        last = self._blocks + _PATIENCE
        while len(self._distinct) <= attempt:
            if self._blocks >= last:
                words = " and ".join(f"unique({', '.join(columns)})" for columns in self._unique)
                raise Lost(
                    Reason.SAMPLER, f"the model has only {len(self._distinct):,} rows that differ by {words}"
                )
            for row in self._block(self._blocks):
                keys = {(columns, *(row[c] for c in columns)) for columns in self._unique}
                if not keys & self._seen:
                    self._seen |= keys
                    self._distinct.append(row)
                    last = self._blocks + 1 + _PATIENCE
            self._blocks += 1
        return self._distinct[attempt]


def _parquet(path: Path) -> Iterator[dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise PlanError("not readable as Parquet", where=str(path)) from error
    for row in table.to_pylist():
        yield {k: _plain(v) for k, v in row.items()}


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise PlanError("not UTF-8 text", where=str(path), do="convert the file") from error


def _plain(value: Any) -> Any:
    """A value as JSON has it; infinities and NaN become None."""
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, dt.timedelta):
        return value.total_seconds()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)
