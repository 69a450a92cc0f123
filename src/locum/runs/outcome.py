"""What a run left behind, in the words and numbers that are shown when it ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from locum.evaluation.evidence import Answer, RequirementCheck, UseAnswer
from locum.report.answers import as_html, as_line, as_text
from locum.runs.files import REPORT, STAGES
from locum.wording import count, duration, size


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """A finished run.

    Attributes
    ----------
    folder
        The run folder.
    files
        Name and meaning of each file worth opening, in order.
    answers
        The five questions, answered.
    n_train, n_holdout, n_synthetic
        Rows learned from, held out, and made.
    cpu_s, wall_s, peak_bytes
        What this call used; near zero when everything had been done before.
    resumed
        Stages that an earlier call had finished.
    notes
        What the user should know besides.
    requirements
        The user's limits held against the results.
    guarantee
        The guarantee of privacy in one sentence; empty when the run was made without one.
    uses
        What the stand-in can be used for.
    """

    folder: Path
    files: Mapping[str, str]
    answers: tuple[Answer, ...]
    n_train: int
    n_holdout: int
    n_synthetic: int
    cpu_s: float
    wall_s: float
    peak_bytes: int
    resumed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    requirements: tuple[RequirementCheck, ...] = ()
    guarantee: str = ""
    uses: tuple[UseAnswer, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether no requirement failed; True when none was made."""
        return not any(c.verdict == "fail" for c in self.requirements)

    @property
    def sentences(self) -> tuple[str, ...]:
        """Five sentences, one per question."""
        return tuple(answer.sentence for answer in self.answers)

    @property
    def report(self) -> Path:
        """The page to open first."""
        return self.folder / REPORT

    def use(self) -> str:
        """What the run cost, in one line."""
        rows = f"{count(self.n_synthetic, 'row')} made from {self.n_train:,}"
        if self.n_holdout:
            rows += f" ({self.n_holdout:,} more held out)"
        if len(self.resumed) == len(STAGES):
            return f"{rows} by an earlier run"
        peak = f", peak memory {size(self.peak_bytes)}" if self.peak_bytes else ""
        return f"{rows} in {duration(self.wall_s)} ({self.cpu_s:.1f} CPU seconds{peak})"

    def to_json(self) -> dict[str, Any]:
        """JSON-ready dictionary."""
        return {
            "folder": str(self.folder),
            "files": {name: str(self.folder / name) for name in self.files},
            "answers": [
                {"question": a.question, "verdict": a.verdict, "sentence": a.sentence} for a in self.answers
            ],
            "uses": [{"use": u.use, "word": u.word, "sentence": u.sentence} for u in self.uses],
            "rows": {"train": self.n_train, "holdout": self.n_holdout, "synthetic": self.n_synthetic},
            "cpu_s": round(self.cpu_s, 2),
            "wall_s": round(self.wall_s, 2),
            "peak_memory_bytes": self.peak_bytes,
            "resumed": list(self.resumed),
            "guarantee": self.guarantee or None,
            "notes": list(self.notes),
            "passed": self.passed,
            "requirements": [asdict(c) for c in self.requirements],
        }

    def __str__(self) -> str:
        return "\n".join((as_text(self.answers, self.uses), f"Report: {self.report}"))

    def __repr__(self) -> str:
        return f"<RunOutcome in {self.folder}: {as_line(self.answers)}>"

    def _repr_html_(self) -> str:
        return as_html(self.answers, f"Report: {self.report}", self.uses)


def answers_of(report: Mapping[str, Any]) -> tuple[Answer, ...]:
    """The five answers in a report."""
    return tuple(Answer(a["question"], a["verdict"], a["sentence"]) for a in report["evidence"]["answers"])


def uses_of(report: Mapping[str, Any]) -> tuple[UseAnswer, ...]:
    """The uses in a report; reports of earlier versions have none."""
    return tuple(
        UseAnswer(u["use"], u["title"], u["word"], u["sentence"], tuple(u.get("decided", ())))
        for u in report["evidence"].get("uses", ())
    )


def checks_of(report: Mapping[str, Any]) -> tuple[RequirementCheck, ...]:
    """The user's limits in a report, with how they fared; reports of earlier versions have none."""
    return tuple(RequirementCheck(**c) for c in report["evidence"].get("requirements", ()))
