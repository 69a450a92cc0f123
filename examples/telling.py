# ruff: noqa: T201
"""What every example says at its end: which of the five questions were answered, and what failed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def folder() -> Path:
    """Where the page goes: the first argument of the script, or a folder `gallery` here."""
    place = Path(sys.argv[1] if len(sys.argv) > 1 else "gallery")
    place.mkdir(parents=True, exist_ok=True)
    return place


def tell(evidence: Any, page: Path, also: Sequence[str] = ()) -> None:
    """Print each answer under its question, what failed by name (poor answers, controls), and the page.

    `also` names questions that the script has answered by other means than `locum.evaluate`.
    """
    for answer in evidence.answers:
        print(f"[{answer.question}] {answer.verdict}: {answer.sentence}")
    done = [a.question for a in evidence.answers if a.verdict != "not measured"]
    bad = [f"{a.question} (poor)" for a in evidence.answers if a.verdict == "poor"]
    bad += [f"negative control {c.name}" for c in evidence.controls if not c.passed]
    close([*done, *also], ", ".join(bad) or "nothing", page)


def close(answered: list[str], failed: str, page: Path) -> None:
    """Print the last three lines that every example ends with."""
    print(f"answers: {', '.join(dict.fromkeys(answered)) or 'none'}")
    print(f"failed: {failed}")
    print(f"page: {page}")
