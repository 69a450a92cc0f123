"""A proposal for ``locum.toml``: what each column seems to be, and why."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from locum.runs.out_folder import refuse_existing
from locum.runs.request import RunRequest
from locum.runs.tables import read_table, refine_schema
from locum.schema.table import Schema

if TYPE_CHECKING:
    from locum.control.rules.discover import RuleProposal


@dataclass(frozen=True, slots=True)
class ConfigProposal:
    """A detected schema, how the data was read, and rules that might hold."""

    data: Path
    schema: Schema
    n_rows: int
    reading: Mapping[str, str | None] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    rules: tuple[RuleProposal, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """JSON-ready dictionary; holds reasons, and of data values only the labels that rules name."""
        return {
            "data": str(self.data),
            "rows": self.n_rows,
            "target": self.schema.target,
            "protected": list(self.schema.protected),
            "columns": [
                {"name": c.name, "kind": c.kind, "confidence": round(c.confidence, 3), "reason": c.reason}
                for c in self.schema
            ],
            "dependencies": [
                {"determinant": d.determinant, "dependent": d.dependent} for d in self.schema.dependencies
            ],
            "rules": [
                {"holds": r.rule, "kind": r.kind, "support": r.support, "violations": r.violations}
                for r in self.rules
            ],
            "notes": list(self.notes),
        }


def propose(
    data: Path,
    *,
    target: str | None = None,
    protected: tuple[str, ...] = (),
    delimiter: str | None = None,
    encoding: str | None = None,
) -> ConfigProposal:
    """Detect the schema of a file, and rules that its rows seem to follow.

    Raises
    ------
    UsageError
        When the target or a protected column is not there.
    DataError
        When the file cannot be read.
    """
    from locum.control.rules.discover import discover
    from locum.data.canonical import canonical

    raw = read_table(data, delimiter=delimiter, encoding=encoding)
    schema, notes = refine_schema(RunRequest(data=data, target=target, protected=protected), raw, None)
    reading = {"delimiter": delimiter, "encoding": encoding}
    rules = tuple(discover(canonical(raw, schema), schema))
    return ConfigProposal(data, schema, raw.table.num_rows, reading, (*raw.notes, *notes), rules)


def write_proposal(proposal: ConfigProposal, path: Path, *, force: bool) -> Path:
    """Write a proposal as a commented ``locum.toml``.

    Raises
    ------
    FolderError
        When the file exists and `force` is not set, or cannot be written.
    """
    from locum.files.atomic import write_text
    from locum.runs.config import Config, dump_config

    refuse_existing(path, force=force)
    config = Config(
        proposal.schema,
        path=_seen_from(proposal.data, path),
        delimiter=proposal.reading.get("delimiter"),
        encoding=proposal.reading.get("encoding"),
    )
    write_text(path, dump_config(config, [(r.rule, r.remark) for r in proposal.rules]))
    return path


def _seen_from(data: Path, config: Path) -> str:
    """Path of the data as written into a config file: relative to the config's folder."""
    return Path(os.path.relpath(data, config.parent)).as_posix()
