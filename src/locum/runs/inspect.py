"""What a model file, a table or a run folder holds and carries, told without loading a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from locum.data.lineage_stamp import stamp_of
from locum.errors import UsageError
from locum.evaluation.vocabulary import QUESTIONS
from locum.runs.options import FORMATS
from locum.schema.lineage import REAL, Lineage, lineage_from_json
from locum.wording import size


@dataclass(frozen=True, slots=True)
class Inspection:
    """Facts about a file or folder.

    Attributes
    ----------
    title
        What it is.
    facts, members
        Name and value of each fact; name and size of each file inside.
    sentences
        Question and answer, five times, for a finished run.
    raw
        Everything as plain JSON values.
    """

    title: str
    facts: Mapping[str, str]
    members: Mapping[str, str] = field(default_factory=dict)
    sentences: tuple[tuple[str, str], ...] = ()
    raw: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """JSON-ready dictionary."""
        return dict(self.raw)


def inspect_path(path: Path) -> Inspection:
    """Look into a model file, a table or a run folder, which may come from anyone.

    Raises
    ------
    UsageError
        When there is nothing of that name.
    FileFormatError
        When it is none of them, or broken.
    """
    if path.is_dir():
        return _folder(path)
    if not path.exists():
        raise UsageError("there is no such file", where=str(path), do="check the spelling of the path")
    return _rows(path) if path.suffix.lower().lstrip(".") in FORMATS else _model(path)


def _model(path: Path) -> Inspection:
    from locum.files.container import read_manifest

    manifest = read_manifest(path)
    about = dict(manifest.about)
    stamp = about.pop("lineage", None)
    facts = {
        "format": str(manifest.format),
        "made by": f"locum {manifest.locum}",
        "size": size(path.stat().st_size),
        **{str(name): _text(value) for name, value in about.items()},
        **({} if stamp is None else _stamp(lineage_from_json(stamp, f"{path}:manifest.json"))),
    }
    members = {member.name: member.size for member in manifest.members}
    raw = {
        "kind": "model",
        "format": manifest.format,
        "locum": manifest.locum,
        "bytes": path.stat().st_size,
        "about": dict(manifest.about),
        "members": members,
    }
    shown = {name: size(n_bytes) for name, n_bytes in members.items()}
    return Inspection(f"{path}: a fitted generator", facts, shown, (), raw)


def _rows(path: Path) -> Inspection:
    """The stamp of a table: where its rows come from, and what is guaranteed."""
    lineage = stamp_of(path)
    facts = {"size": size(path.stat().st_size), **_stamp(lineage or REAL)}
    if lineage is None:
        facts["lineage"] = "no stamp: taken to be real rows"
    raw = {
        "kind": "rows",
        "bytes": path.stat().st_size,
        "lineage": None if lineage is None else lineage.to_json(),
    }
    return Inspection(f"{path}: a table", facts, {}, (), raw)


def _stamp(lineage: Lineage) -> dict[str, str]:
    """Where rows come from, and the guarantee that they carry."""
    held = lineage.guarantee
    facts = {"lineage": str(lineage), "guarantee": "none" if held is None else _text(held.statement, 300)}
    if held is not None:
        facts |= {"account": held.account, "voided": _text(held.voided or "no", 300)}
    return facts


def _folder(path: Path) -> Inspection:
    from locum.files.folder import RunFolder
    from locum.runs.certificate import NAME as CERTIFICATE
    from locum.runs.files import PRIVACY, STAGES, read_privacy, read_report
    from locum.runs.guarantee import guarantee_of
    from locum.runs.outcome import answers_of

    if (path / CERTIFICATE).is_file():
        raise UsageError(
            "this is a released bundle, not a run folder",
            where=str(path),
            do=f"see what it promises with `locum verify {path}`, or inspect a model file in it",
        )
    with RunFolder.view(path) as folder:
        plan, records = folder.plan, list(folder.records())
        done = [stage for stage in STAGES if folder.done(stage)]
    finished = len(done) == len(STAGES)
    answers = answers_of(read_report(path)) if finished else ()
    sentences = tuple((QUESTIONS[a.question][0], a.sentence) for a in answers)
    files = {p.name: p.stat().st_size for p in sorted(path.iterdir()) if p.is_file() and p.name[0] != "."}
    state = "finished" if finished else f"not finished; done: {', '.join(done) or 'nothing yet'}"
    schema = plan.get("schema") or {}
    facts = {
        "state": state,
        "data": _text((plan.get("source") or {}).get("name")),
        "columns": str(len(schema.get("columns") or ())),
        "target": _text(schema.get("target")),
        **{key: _text(plan.get(key)) for key in ("rows", "seed", "holdout", "synthesizer")},
        "made by": f"locum {_text(plan.get('version'))}",
    }
    if (path / PRIVACY).is_file():
        promised = read_privacy(path)
        total, unit = promised.get("total") or {}, promised.get("unit") or {}
        facts["privacy"] = _text(f"epsilon {total.get('epsilon')}, delta {total.get('delta')}")
        facts["unit"] = _text(unit.get("column") or "row")
        held = guarantee_of(promised)
        facts["guarantee"] = _text(promised.get("statement"), 300)
        facts |= {} if held is None else {"account": held.account}
        facts["synthesizer"] = _text((promised.get("synthesizer") or {}).get("name"))
        # The plan of a private run knows neither columns nor rows: it is written before any row is read.
        facts["target"] = _text((plan.get("privacy") or {}).get("target"))
        facts["rows"] = f"{_text((promised.get('rows') or {}).get('noisy'))} (noisy)"
        del facts["columns"], facts["seed"]
    cost = [r for r in records if r.get("event") == "ended"]
    if cost:
        facts["cost"] = f"{sum(float(r.get('cpu_s', 0)) for r in cost):.1f} CPU seconds"
    raw = {
        "kind": "run",
        "finished": finished,
        "done": done,
        "sentences": [a.sentence for a in answers],
        "plan": {k: v for k, v in plan.items() if k != "schema"},
        "files": files,
    }
    shown = {name: size(n_bytes) for name, n_bytes in files.items()}
    return Inspection(f"{path}: a run", facts, shown, sentences, raw)


def _text(value: object, most: int = 80) -> str:
    """One value for a table; what strangers wrote is cut short and kept on one line."""
    if value is None:
        return "none"
    text = " ".join(str(value).split())
    return text if len(text) <= most else text[: most - 3] + "..."
