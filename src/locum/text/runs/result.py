"""What came out of a run, as plain values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from locum.errors import LocumError
from locum.text.engine.client import Engine
from locum.text.failures import Stop


@dataclass(frozen=True, slots=True)
class TextOutcome:
    """What came out of a run.

    Attributes
    ----------
    folder
        The run folder.
    state
        ``complete``; ``short`` when some rows were given up after all tries; ``stopped`` when a cap was
        reached or the endpoint is gone (the same command goes on from there).
    kept, wanted, attempts
        Rows kept, rows asked for, attempts it took.
    funnel
        See `Journal.funnel`.
    tokens, cost
        Used by all answers in the cache of the run, whenever they were asked for.
    sent, cached
        Requests sent and answers taken from the cache, this time.
    cause, error
        Why it stopped; empty and None when it did not.
    files
        Names of the files in the folder.
    """

    folder: Path
    state: str
    kept: int
    wanted: int
    attempts: int
    funnel: dict[str, Any]
    tokens: int
    cost: float
    sent: int
    cached: int
    cause: str = ""
    error: LocumError | None = field(default=None, compare=False)
    files: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "folder": str(self.folder),
            "state": self.state,
            "kept": self.kept,
            "wanted": self.wanted,
            "attempts": self.attempts,
            "tokens": self.tokens,
            "cost": round(self.cost, 6),
            "sent": self.sent,
            "cached": self.cached,
            "cause": self.cause,
            "error": None if self.error is None else self.error.to_json(),
            "files": list(self.files),
            "funnel": self.funnel,
        }


def outcome_of(
    folder: Path, engine: Engine, funnel: dict[str, Any], stopped: Stop | None, files: Sequence[str]
) -> TextOutcome:
    """The outcome of a run whose rows are counted in `funnel`."""
    kept, wanted = funnel["kept"], funnel["wanted"]
    return TextOutcome(
        folder,
        "stopped" if stopped else "complete" if kept and kept >= wanted else "short",
        kept,
        wanted,
        funnel["attempts"],
        funnel,
        engine.purse.tokens,
        engine.purse.cost,
        engine.sent,
        engine.hits,
        cause=stopped.cause if stopped else "",
        error=stopped.error if stopped else None,
        files=tuple(files),
    )
