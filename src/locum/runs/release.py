"""The bundle that may leave: built file by file from an allow-list, certified and signed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from locum.errors import FileFormatError, LeakError, UsageError
from locum.evaluation.evidence import RunContext
from locum.files import atomic
from locum.files.atomic import file_sha256
from locum.files.folder import RunFolder
from locum.files.json import load
from locum.files.signature import fingerprint, public_hex, signing_key
from locum.progress import Event, Listener, silent
from locum.runs import plan as names
from locum.runs.certificate import NAME, as_bytes, certify
from locum.runs.evaluate import now
from locum.runs.files import COUNTS, MEASURED, PRIVACY, read_privacy
from locum.runs.guarantee import entries_of, statement, totals, unit_of
from locum.runs.out_folder import refuse_taken
from locum.runs.versions import versions

if TYPE_CHECKING:
    from locum.runs.release_report import DPQuality
    from locum.synthesizer.table import Synthesizer

CROISSANT = "croissant.json"
QUALITY = "quality.html"
QUALITY_JSON = "quality.json"
#: Results of audits that may be published, if the curator put them into the run folder.
AUDITS = "audits.json"


@dataclass(frozen=True, slots=True)
class Released:
    """A bundle that was written.

    Attributes
    ----------
    folder
        Where it is.
    files
        Its files and what each is.
    statement
        The guarantee in one sentence.
    key, new_key
        Fingerprint of the signing key, and whether the key was made just now.
    quality
        Sentences of the quality report.
    """

    folder: Path
    files: Mapping[str, str]
    statement: str
    key: str
    public_key: str
    new_key: bool
    quality: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """JSON-ready dictionary."""
        return {
            "folder": str(self.folder), "files": list(self.files), "statement": self.statement,
            "key_fingerprint": self.key, "public_key": self.public_key, "new_key": self.new_key,
            "quality": list(self.quality),
        }  # fmt: skip


def release(run: Path, out: Path, *, key: Path | None = None, progress: Listener = silent) -> Released:
    """Build the bundle of a private run.

    Parameters
    ----------
    run
        A finished private run folder.
    out
        The bundle: a new or empty folder.
    key
        PEM file of an Ed25519 key; None takes the user's own, which is made when there is none.
    progress
        Hears about the steps.

    Raises
    ------
    UsageError
        When the run was made without a guarantee.
    LeakError
        When the noise followed from a seed, so that there is no guarantee.
    FileFormatError
        When a file of the run was changed since.
    FolderError
        When the bundle cannot be written.

    Notes
    -----
    Nothing is read but files that were fitted, drawn or bought: neither the data nor the internal report.
    """
    progress(Event("release", 0, 5))
    document = read_privacy(run)
    if document.get("private") is not True:
        raise LeakError(
            "the noise of this run follows from a seed: NOT PRIVATE, and nothing of it is released",
            where=str(run),
            do="run again without a test seed",
        )
    refuse_taken(out)
    plan = _whole(run)
    synthetic = f"synthetic.{plan['format']}"
    signer, made = signing_key(key)
    document = _with_ledger(run, document)
    out.mkdir(parents=True, exist_ok=True)
    for name in (synthetic, names.MODEL):
        with atomic.replacing(out / name) as path:
            shutil.copyfile(run / name, path)
    progress(Event("release", 1, 5))
    synth = _load(out / names.MODEL)
    created = now()
    quality = _quality(run, out / synthetic, synth, document)
    progress(Event("release", 3, 5))
    rows = _write_reports(out, synthetic, synth, document, quality, created, plan)
    files = {name: out / name for name in (synthetic, names.MODEL, names.CARD, QUALITY, QUALITY_JSON)}
    atomic.write_text(out / CROISSANT, _croissant(synth, document, files, synthetic, rows, created))
    files[CROISSANT] = out / CROISSANT
    audits = load((run / AUDITS).read_bytes(), AUDITS) if (run / AUDITS).is_file() else []
    atomic.write_bytes(
        out / NAME, as_bytes(certify(document, files, created=created, audits=audits, key=signer))
    )
    progress(Event("release", 5, 5))
    public = public_hex(signer)
    return Released(
        out, _meanings(synthetic), document["statement"], fingerprint(public), public, made, quality.sentences
    )


def _whole(run: Path) -> Mapping[str, Any]:
    """The plan of a finished run whose outputs are still what was written."""
    with RunFolder.view(run) as folder:
        if not (folder.done("fit") and folder.done("sample")):
            raise UsageError(
                "the run is not finished, or one of its files was changed since",
                where=str(run),
                do="repeat the command that made it; finished stages are kept",
            )
        return folder.plan


def _with_ledger(run: Path, document: dict[str, Any]) -> dict[str, Any]:
    """The document, when what it says adds up."""
    entries = entries_of(document)
    added = totals(entries, float(document["total"]["delta"]))
    if added != document["total"] or added["epsilon"] is None:
        raise FileFormatError("what was spent does not add up", where=str(run / PRIVACY), do="run again")
    said = statement(unit_of(document), added["epsilon"], added["delta"])
    if said != document["statement"]:
        raise FileFormatError("the statement is not that of the ledger", where=str(run / PRIVACY))
    return document


def _load(path: Path) -> Synthesizer:
    from locum.synthesizer.table import Synthesizer

    return Synthesizer.load(path)


def _quality(run: Path, synthetic: Path, synth: Synthesizer, document: Mapping[str, Any]) -> DPQuality:
    """Noisy counts against those of the synthetic rows as they were written."""
    from locum.files.tensors import load_tensors
    from locum.runs.engine import choose_engine, open_rows
    from locum.runs.release_report import Noisy, assess

    head = load((run / MEASURED).read_bytes(), MEASURED)
    tensors = load_tensors((run / COUNTS).read_bytes(), COUNTS)
    dialect = synth.origin.dialect if synth.origin is not None else None
    options = {}
    if dialect is not None and synthetic.suffix == ".csv":
        options = {"delimiter": dialect.delimiter, "encoding": dialect.encoding}
    made = open_rows(synthetic, choose_engine(synthetic), options).canonical(synth.schema)
    encoder = synth.encoder
    source = made.coded(encoder.domain, lambda table: encoder.encode(table).codes)
    cliques = [tuple(m["clique"]) for m in head]
    counted = source.marginals(cliques)
    tables = [
        Noisy(c, np.asarray(tensors[str(i)]), float(head[i]["sigma"]), counted[i])
        for i, c in enumerate(cliques)
        if c
    ]
    rows = document["rows"]
    return assess(tables, rows=max(1.0, float(rows["noisy"])), rows_sigma=float(rows["sigma"]))


def _write_reports(
    out: Path,
    synthetic: str,
    synth: Synthesizer,
    document: Mapping[str, Any],
    quality: DPQuality,
    created: str,
    plan: Mapping[str, Any],
) -> int:
    """Card and quality report; returns the number of synthetic rows."""
    from locum.report.card import render_card
    from locum.runs.release_report import render

    rows = int(plan["rows"]) or max(1, int(document["rows"]["noisy"]))
    schema = synth.schema
    context = RunContext(
        title=schema.name, created=created, synthesizer=str(document["synthesizer"]["name"]),
        versions=versions(), guarantee=document["statement"], lineage=synth.lineage,
    )  # fmt: skip
    target = (plan.get("privacy") or {}).get("target")
    shown = replace(schema, target=target) if target in schema.names else schema
    atomic.write_text(
        out / names.CARD,
        render_card(shown, context, rows=rows, files=(synthetic,), guarantee=document["statement"]),
    )
    text = json.dumps(quality.to_json(), indent=1, ensure_ascii=True, allow_nan=False)
    atomic.write_text(out / QUALITY_JSON, text + "\n")
    page = render(quality, title=schema.name, guarantee=document["statement"], created=created)
    atomic.write_text(out / QUALITY, page)
    return rows


def _croissant(
    synth: Synthesizer,
    document: Mapping[str, Any],
    files: Mapping[str, Path],
    synthetic: str,
    rows: int,
    created: str,
) -> str:
    from locum.report.croissant import croissant

    described = croissant(
        synth.schema,
        title=f"{synth.schema.name} (synthetic)",
        description=f"{rows:,} synthetic rows, drawn from a model with {document['statement']}",
        created=created,
        data=synthetic,
        files={name: file_sha256(path) for name, path in files.items()},
        privacy=str(document["statement"]),
    )
    return json.dumps(described, indent=1, ensure_ascii=False) + "\n"


def _meanings(synthetic: str) -> dict[str, str]:
    return {
        synthetic: "the synthetic rows",
        names.MODEL: "the generator, to draw more rows from",
        names.CARD: "a data card",
        CROISSANT: "the same for machines (Croissant 1.1)",
        QUALITY: "how near the rows are to the data, by noisy counts only",
        QUALITY_JSON: "the same as numbers",
        NAME: "the guarantee, every step paid for, hashes and signature; check with `locum verify`",
    }
