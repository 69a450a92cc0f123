"""What a run will do, decided before it starts; the same plan on the same version gives the same bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from locum.errors import UsageError
from locum.files.atomic import file_sha256
from locum.schema.lineage import Lineage
from locum.schema.require import Requirements
from locum.schema.table import Schema
from locum.version import VERSION

#: Layout of a run folder. `MODEL` and the synthetic table are made from real rows; so are both reports.
PLAN = "plan.json"
MODEL = "model.locum"
CONFIG = "locum.toml"
REPORT = "report.html"
REPORT_JSON = "report.json"
CARD = "card.md"
ENVIRONMENT = "environment.txt"

DEFAULT_SYNTHESIZER = "tree"
FAST_SYNTHESIZER = "tree-fast"
DEFAULT_SEED = 0
DEFAULT_HOLDOUT = 0.2
#: What a run spends on attacks; `locum evaluate` spends more.
DEFAULT_EFFORT = "quick"

#: Forms in which the synthetic table can be written.
FORMATS = ("csv", "tsv", "parquet", "arrow", "jsonl")


@dataclass(frozen=True, slots=True)
class PrivacyRequest:
    """What was asked for in the way of a guarantee of privacy.

    Attributes
    ----------
    epsilon, delta
        As typed; they are checked when the budget is made.
    unit, per_unit
        Column that says whose row it is, None for rows; and how many rows of each are kept.
    public
        A public table with the same columns; path or frame.
    ledger
        Where spending is written down across runs; None keeps a ledger in the run folder.
    total
        Total epsilon of a new ledger; None means that of this run.
    engine
        Where the rows lie: ``memory``, ``duckdb`` (in their file), or ``auto``, by its size.
    test_seed
        Makes the noise follow from a seed: NOT PRIVATE, for tests and teaching.
    """

    epsilon: float | str
    delta: float | str | None = None
    unit: str | None = None
    per_unit: int = 1
    public: Any = None
    ledger: Path | None = None
    total: float | str | None = None
    test_seed: int | None = None
    engine: str = "auto"


def privacy_request(
    epsilon: float | str | None,
    delta: float | str | None = None,
    unit: str | None = None,
    per_unit: int | None = None,
    public: Any = None,
    ledger: Path | None = None,
    total: float | str | None = None,
    test_seed: int | None = None,
    engine: str | None = None,
) -> PrivacyRequest | None:
    """What was asked for, None without an epsilon.

    Raises
    ------
    UsageError
        When something is said about privacy and no epsilon is given.
    """
    if epsilon is not None:
        return PrivacyRequest(
            epsilon, delta, unit, 1 if per_unit is None else per_unit, public, ledger, total, test_seed,
            engine or "auto",
        )  # fmt: skip
    others = {
        "delta": delta, "unit": unit, "per-unit": per_unit, "public": public, "ledger": ledger,
        "total-epsilon": total, "test-seed": test_seed, "engine": engine,
    }  # fmt: skip
    given = [name for name, value in others.items() if value is not None]
    if given:
        raise UsageError(
            f"{given[0]} means nothing without an epsilon", where=f"--{given[0]}", do="add --epsilon, e.g. 1"
        )
    return None


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for. None means "not said": the config file decides, then the default.

    Attributes
    ----------
    data
        Path or frame; None takes the path from the config file.
    config
        A ``locum.toml``; None looks for one beside the data.
    out
        Run folder; None means ``<name>-locum`` in the working directory.
    rows
        Synthetic rows; None means as many as the data has.
    format
        One of `FORMATS`; None means the format of the data.
    time_budget_s
        Longest time the whole run may take, in seconds on the clock.
    delimiter, encoding
        Correct a wrong guess about a CSV file.
    require
        Limits that the results are held against.
    effort
        What the attacks spend: ``quick``, ``standard`` or ``thorough``.
    """

    data: Any = None
    config: Path | None = None
    out: Path | None = None
    rows: int | None = None
    seed: int | None = None
    target: str | None = None
    protected: tuple[str, ...] = ()
    holdout: float | None = None
    synthesizer: str | None = None
    format: str | None = None
    time_budget_s: float | None = None
    delimiter: str | None = None
    encoding: str | None = None
    schema: Schema | None = None
    require: Requirements | None = None
    effort: str | None = None
    privacy: PrivacyRequest | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """The data by name, size and content; no path, so that a run folder can be moved."""

    name: str
    n_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that decides the bytes of a run.

    Attributes
    ----------
    source, schema, rows, seed, holdout, synthesizer, settings, format
        What is read, what it is, how many rows are made, and how.
    read
        How the file is read where the user or the config corrected it (delimiter, encoding, ...).
    evaluate_rows
        Most rows of each table to judge by; None means the judges' own limit. Set only under a time budget.
    time_budget_s
        As asked for. It chose `synthesizer` and `evaluate_rows`, and has no effect of its own.
    require
        Limits that the results are held against.
    effort
        What the attacks spend: ``quick``, ``standard`` or ``thorough``.
    privacy
        What decides the guarantee of a private run, None for others. `rows` is then 0 until the noisy number
        of rows is known, if none was asked for.
    version
        Version of locum.
    lineage
        Stamp of the data; None for real rows.
    """

    source: Source
    schema: Schema
    rows: int
    seed: int = DEFAULT_SEED
    holdout: float = DEFAULT_HOLDOUT
    synthesizer: str = DEFAULT_SYNTHESIZER
    settings: Mapping[str, Any] = field(default_factory=dict)
    format: str = "csv"
    read: Mapping[str, Any] = field(default_factory=dict)
    evaluate_rows: int | None = None
    time_budget_s: float | None = None
    require: Requirements = field(default_factory=Requirements)
    effort: str = DEFAULT_EFFORT
    privacy: Mapping[str, Any] | None = None
    version: str = VERSION
    lineage: Lineage | None = None

    @property
    def synthetic(self) -> str:
        """File name of the synthetic table."""
        return f"synthetic.{self.format}"

    def to_json(self) -> dict[str, Any]:
        """JSON-ready dictionary, the content of ``plan.json``."""
        from locum.schema.json import schema_to_json

        return {
            "version": self.version,
            "source": {
                "name": self.source.name, "n_bytes": self.source.n_bytes, "sha256": self.source.sha256,
            },
            "rows": self.rows,
            "seed": self.seed,
            "holdout": self.holdout,
            "synthesizer": self.synthesizer,
            "settings": dict(self.settings),
            "format": self.format,
            "read": {k: list(v) if isinstance(v, tuple) else v for k, v in self.read.items()},
            "evaluate_rows": self.evaluate_rows,
            "time_budget_s": self.time_budget_s,
            "schema": schema_to_json(self.schema),
            # Left out where there are none, so that folders of earlier versions can be taken up again.
            **({"require": self.require.to_json()} if self.require else {}),
            **({"effort": self.effort} if self.effort != DEFAULT_EFFORT else {}),
            **({"privacy": dict(self.privacy)} if self.privacy is not None else {}),
            **({"lineage": self.lineage.to_json()} if self.lineage is not None else {}),
        }  # fmt: skip


def check_rows(rows: int, where: str = "rows") -> int:
    """Return a usable number of rows.

    Raises
    ------
    UsageError
        When it is not a whole number from 1 to ten billion.
    """
    if isinstance(rows, bool) or not isinstance(rows, int) or not 1 <= rows <= 10**10:
        raise UsageError(f"{rows!r} rows cannot be made", where=where, expected="a whole number, 1 or more")
    return rows


def check_format(name: str) -> str:
    """Return a usable output format, with or without a leading point.

    Raises
    ------
    UsageError
        When it is none of `FORMATS`.
    """
    plain = name.lower().lstrip(".")
    if plain not in FORMATS:
        raise UsageError(
            f"there is no output format {name!r}", where="format", expected=f"one of {', '.join(FORMATS)}"
        )
    return plain


def fingerprint(path: Path) -> Source:
    """Name, size and SHA-256 of a file; about 0.5 s per GB."""
    return Source(path.name, path.stat().st_size, file_sha256(path))


def fingerprint_table(table: Any, name: str) -> Source:
    """The same for a table in memory (a ``pyarrow.Table``): its columns' names, types and values."""
    import pyarrow as pa

    class _Sink:
        """Feeds what Arrow writes to the hash instead of keeping it."""

        def __init__(self) -> None:
            self.hash, self.n_bytes, self.closed = hashlib.sha256(), 0, False

        def write(self, data: Any) -> int:
            self.hash.update(data)
            self.n_bytes += len(data)
            return len(data)

        def flush(self) -> None: ...

        def close(self) -> None:
            self.closed = True

        def writable(self) -> bool:
            return True

        def readable(self) -> bool:
            return False

        def seekable(self) -> bool:
            return False

    sink = _Sink()
    plain = table.combine_chunks().replace_schema_metadata(None)
    with pa.ipc.new_stream(pa.PythonFile(sink, mode="w"), plain.schema) as writer:
        writer.write_table(plain, max_chunksize=65_536)
    return Source(name, sink.n_bytes, sink.hash.hexdigest())
