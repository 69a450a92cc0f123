"""What a private run keeps in its folder besides the files of every run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from locum.errors import UsageError
from locum.runs import plan as names
from locum.runs.outcome import describe_files

LEDGER = "ledger.jsonl"
PRIVACY = "privacy.json"
MEASURED = "measurements.json"
COUNTS = "measurements.safetensors"
HOLDOUT = "holdout.bits"


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
    if not path.is_file():
        raise UsageError(
            "the run was made without a guarantee of privacy, or is not finished",
            where=str(folder),
            do="make it with `locum run DATA --epsilon ...`",
        )
    found = load(path.read_bytes(), str(path))
    assert isinstance(found, dict)
    return found


def private_files(synthetic: str) -> dict[str, str]:
    """The files of a private run folder and what each is."""
    return {
        **describe_files(synthetic),
        names.MODEL: "the fitted generator; covered by the guarantee",
        PRIVACY: "what was promised and what it cost; covered by the guarantee",
        LEDGER: "every step that was paid for; keep it with the data",
    }
