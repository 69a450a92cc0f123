"""The files of a run folder: their names, what each is, and reading what was found out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from locum.errors import FileFormatError, UsageError

#: `MODEL` and the synthetic table are made from real rows; so are both reports.
PLAN = "plan.json"
MODEL = "model.locum"
CONFIG = "locum.toml"
REPORT = "report.html"
REPORT_JSON = "report.json"
CARD = "card.md"
ENVIRONMENT = "environment.txt"
#: Besides these, where there is a guarantee of privacy.
LEDGER = "ledger.jsonl"
#: Where a shared ledger lies; never released.
LEDGER_PATH = "ledger.path"
PRIVACY = "privacy.json"
MEASURED = "measurements.json"
COUNTS = "measurements.safetensors"
HOLDOUT = "holdout.bits"
#: Of a release.
CROISSANT = "croissant.json"
QUALITY = "quality.html"
QUALITY_JSON = "quality.json"
DEPLOYMENT = "deployment.json"
SP800_226 = "sp800-226.md"
#: Of a folder of private texts.
TEXTS = "texts.jsonl"

#: Stages of a run that leave files behind, in order; when all were done before, nothing is done again.
STAGES = ("fit", "sample", "evaluate")


def describe_files(synthetic: str, *, guarantee: bool = False) -> dict[str, str]:
    """The files of a run folder and what each is, the first to open first."""
    found = {
        REPORT: "the evidence as a page; computed on real rows, so do not share it",
        synthetic: "the synthetic rows",
        CARD: "a data card to go with the synthetic rows; holds no score from real rows",
        MODEL: "the fitted generator; treat it like the real data",
        REPORT_JSON: "the same evidence as numbers; do not share it",
        CONFIG: "every decision of this run, to be read and repeated",
    }
    if guarantee:
        found[MODEL] = "the fitted generator; covered by the guarantee"
        found[PRIVACY] = "what was promised and what it cost; covered by the guarantee"
        found[LEDGER] = "every step that was paid for; keep it with the data"
    return found


def read_report(folder: Path) -> dict[str, Any]:
    """The content of ``report.json`` of a finished run.

    Raises
    ------
    FileFormatError
        When it is not there or not what locum writes.
    """
    path = folder / REPORT_JSON
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(report["evidence"]["answers"], list):
            raise TypeError("answers")
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise FileFormatError(
            "the report of this run cannot be read", where=str(path), do="repeat the run in a new folder"
        ) from error
    assert isinstance(report, dict)
    return report


def read_privacy(folder: Path) -> dict[str, Any]:
    """``privacy.json`` of a run folder.

    Raises
    ------
    UsageError
        When the run was made without a guarantee.
    FileFormatError
        When the file is broken.
    """
    from locum.files.json import load

    path = folder / PRIVACY
    if not folder.is_dir():
        raise UsageError("there is no such folder", where=str(folder), do="check the spelling of the path")
    if not path.is_file():
        raise UsageError(
            "the run was made without a guarantee of privacy, or is not finished",
            where=str(folder),
            do="make it with `locum run DATA --epsilon ...`",
        )
    found = load(path.read_bytes(), str(path))
    assert isinstance(found, dict)
    return found
