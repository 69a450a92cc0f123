"""The bundle that may leave: built file by file from an allow-list, certified and signed."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from locum.data.lineage_stamp import restamp
from locum.errors import LeakError, UsageError
from locum.files import atomic
from locum.files.folder import RunFolder
from locum.files.json import load
from locum.files.known_keys import now
from locum.progress import Event, Listener, silent
from locum.runs.certificate import NAME, as_bytes, certificate_body, certify
from locum.runs.certificate_form import TEXT, check_audits, check_privacy
from locum.runs.deployment import deployment_text
from locum.runs.files import (
    CARD,
    CROISSANT,
    DEPLOYMENT,
    MODEL,
    PRIVACY,
    QUALITY,
    QUALITY_JSON,
    SP800_226,
    read_privacy,
)
from locum.runs.guarantee import guarantee_of
from locum.runs.keys import signer
from locum.runs.ledger_state import current_document
from locum.runs.out_folder import refuse_taken
from locum.runs.release_facts import earlier_release, stated_words
from locum.runs.release_report import assess_release, describe_release, write_reports
from locum.runs.release_texts import release_texts, with_current_lineage
from locum.runs.sp800_226 import sp800_226_text
from locum.runs.verify import verify
from locum.runs.versions import build

#: What the files of a bundle are, besides the synthetic rows.
_MEANINGS: Mapping[str, str] = MappingProxyType(
    {
        MODEL: "the generator, to draw more rows from",
        CARD: "a data card",
        CROISSANT: "the same for machines (Croissant 1.1)",
        QUALITY: "how near the rows are to the data, by noisy counts only",
        QUALITY_JSON: "the same as numbers",
    }
)
_EXPORTED: Mapping[str, str] = MappingProxyType(
    {
        DEPLOYMENT: "a record for a registry of deployments of differential privacy",
        SP800_226: "the questions of NIST SP 800-226, answered from the certificate",
        NAME: "the guarantee, every step paid for, hashes and signature; check with `locum verify`",
    }
)
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
            "folder": str(self.folder),
            "files": list(self.files),
            "statement": self.statement,
            "key_fingerprint": self.key,
            "public_key": self.public_key,
            "new_key": self.new_key,
            "quality": list(self.quality),
        }


def release(
    run: Path,
    out: Path,
    *,
    key: str | Path | None = None,
    ledger: Path | None = None,
    controller: str | None = None,
    contact: str | None = None,
    purpose: str | None = None,
    why_epsilon: str | None = None,
    why_unit: str | None = None,
    before: Sequence[Path] = (),
    progress: Listener = silent,
) -> Released:
    """Build the bundle of a private run, of a table or of texts.

    Parameters
    ----------
    run
        A finished private run folder, or a folder of private texts.
    out
        The bundle: a new or empty folder.
    key
        PEM file of an Ed25519 key, or the name of a key of your own; None takes the one that is called
        ``own``, which is made when there is none.
    ledger
        The ledger that the run was paid from; None takes the one it names. The guarantee is about all that
        stands in it now.
    controller, contact
        Who answers for the release, and how to reach him.
    purpose, why_epsilon, why_unit
        What it is for, and why this epsilon and this unit. These five are told as the controller's words;
        None takes what ``[release]`` in the ``locum.toml`` of the run says.
    before
        Bundles about the same data that were released earlier; they go in by the hash of their certificate.
    progress
        Hears about the steps.

    Raises
    ------
    UsageError
        When the run was made without a guarantee, or the key is not good.
    LeakError
        When the noise followed from a seed, so that there is no guarantee; or when the bundle would not pass
        its own check.
    FileFormatError
        When a file of the run was changed since, the ledger does not go on from the run's own steps, or
        something stands in ``privacy.json`` or ``audits.json`` that is not on the list of what may leave.
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
    where = str(run / PRIVACY)
    texts = document.get("what") == TEXT
    plan = {} if texts else _whole(run)
    document = current_document(run, document, ledger)
    document = with_current_lineage(document, where) if texts else document
    check_privacy(document, where)
    words = {
        "controller": controller,
        "contact": contact,
        "purpose": purpose,
        "why_epsilon": why_epsilon,
        "why_unit": why_unit,
    }
    audits, said = _audits(run), stated_words(run, words)
    earlier = [earlier_release(path) for path in before]
    signing, held, made = signer(key)
    # by the clock, and after the key was made: a release is an event, and its time is held against the key's
    created = now()
    body = certificate_body(
        document,
        created=created,
        build=build(),
        audits=audits,
        stated=said,
        before=earlier,
    )
    quality: tuple[str, ...] = ()
    if texts:
        meanings = release_texts(run, out, document, created, said)
    else:
        meanings, quality = _release_table(run, out, body, plan, progress)
    atomic.write_text(out / DEPLOYMENT, deployment_text(body))
    atomic.write_text(out / SP800_226, sp800_226_text(body))
    meanings |= _EXPORTED
    files = {name: out / name for name in meanings if name != NAME}
    atomic.write_bytes(out / NAME, as_bytes(certify(body, files, key=signing)))
    _refuse_wrong(out, files)
    progress(Event("release", 5, 5))
    return Released(out, meanings, document["statement"], held.fingerprint, held.public_key, made, quality)


def _refuse_wrong(out: Path, files: Mapping[str, Path]) -> None:
    """Take a bundle back that would not pass its own check: no receiver shall find that out for us."""
    wrong = verify(out, any_key=True).failures
    if not wrong:
        return
    for path in (*files.values(), out / NAME):
        path.unlink(missing_ok=True)
    raise LeakError(
        f"the bundle would not pass `locum verify`, so it was taken back: {wrong[0].rstrip('.')}",
        where=str(out),
        do="mend what it names, and release again; what was paid stays paid",
    )


def _release_table(
    run: Path,
    out: Path,
    body: Mapping[str, Any],
    plan: Mapping[str, Any],
    progress: Listener,
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Write what may leave of a table; returns the files and what each is, and sentences on the quality."""
    from locum.synthesizer.table import Synthesizer

    synthetic, created = f"synthetic.{plan['format']}", str(body["created"])
    out.mkdir(parents=True, exist_ok=True)
    with atomic.replacing(out / synthetic) as path:
        shutil.copyfile(run / synthetic, path)
    progress(Event("release", 1, 5))
    # what the model and its rows carry is the account as it stands now, not as it stood at the fit
    synth = Synthesizer.load(run / MODEL).promise(guarantee_of(body))
    synth.save(out / MODEL)
    restamp(out / synthetic, synth.lineage)
    quality = assess_release(run, out / synthetic, synth, body)
    progress(Event("release", 3, 5))
    rows = write_reports(out, synthetic, synth, body, quality, created, plan, body["stated"])
    files = {name: out / name for name in (synthetic, MODEL, CARD, QUALITY, QUALITY_JSON)}
    atomic.write_text(out / CROISSANT, describe_release(synth, body, files, synthetic, rows, created))
    return {synthetic: "the synthetic rows", **_MEANINGS}, quality.sentences


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


def _audits(run: Path) -> list[dict[str, Any]]:
    """Records of audits that the curator put into the folder; anything else there refuses the release."""
    path = run / AUDITS
    return check_audits(load(path.read_bytes(), AUDITS), str(path)) if path.is_file() else []
