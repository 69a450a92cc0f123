"""What a run will do, decided before it starts; the same plan on the same version gives the same bytes."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from locum.evaluation.limits import Requirements
from locum.files.atomic import file_sha256
from locum.runs.options import DEFAULT_EFFORT, DEFAULT_HOLDOUT, DEFAULT_SEED, DEFAULT_SYNTHESIZER
from locum.schema.lineage import Lineage
from locum.schema.table import Schema
from locum.version import VERSION

if TYPE_CHECKING:
    from locum.data.origin import Raw


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The data by name, size and content; no path, so that a run folder can be moved."""

    name: str
    n_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class RunPlan:
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
    release
        What ``[release]`` of the config says; it has no effect on the run.
    """

    source: Fingerprint
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
    release: Mapping[str, str] = field(default_factory=dict)

    @property
    def synthetic(self) -> str:
        """File name of the synthetic table."""
        return f"synthetic.{self.format}"

    @property
    def guarantee(self) -> str:
        """The guarantee in one sentence; empty without one, and before the fit."""
        return str((self.privacy or {}).get("statement", ""))

    def to_json(self) -> dict[str, Any]:
        """JSON-ready dictionary, the content of ``plan.json``."""
        from locum.schema.json import schema_to_json

        return {
            "version": self.version,
            "source": {
                "name": self.source.name,
                "n_bytes": self.source.n_bytes,
                "sha256": self.source.sha256,
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
            **({"release": dict(self.release)} if self.release else {}),
        }


def fingerprint(path: Path) -> Fingerprint:
    """Name, size and SHA-256 of a file; about 0.5 s per GB."""
    return Fingerprint(path.name, path.stat().st_size, file_sha256(path))


def fingerprint_table(table: Any, name: str) -> Fingerprint:
    """The same for a table in memory (a ``pyarrow.Table``): its columns' names, types and values."""
    import pyarrow as pa

    class _Sink(io.RawIOBase):
        """Feeds what Arrow writes to the hash instead of keeping it."""

        def __init__(self) -> None:
            self.hash, self.n_bytes = hashlib.sha256(), 0

        def write(self, data: Any) -> int:
            self.hash.update(data)
            self.n_bytes += len(data)
            return len(data)

        def writable(self) -> bool:
            return True

    sink = _Sink()
    plain = table.combine_chunks().replace_schema_metadata(None)
    with pa.ipc.new_stream(pa.PythonFile(sink, mode="w"), plain.schema) as writer:
        writer.write_table(plain, max_chunksize=65_536)
    return Fingerprint(name, sink.n_bytes, sink.hash.hexdigest())


def fingerprint_of(data: Any, raw: Raw) -> Fingerprint:
    """The same of a file by its bytes, or of what was read where there is no file, or are several."""
    if isinstance(data, str | Path) and Path(data).is_file():
        return fingerprint(Path(data))
    return fingerprint_table(raw.table, raw.name)
