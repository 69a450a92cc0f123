"""What the reader should look at first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from locum.evaluation.decision import level_of
from locum.evaluation.evidence import Alert, Answer, Control
from locum.evaluation.hold_out_shift import shift_sentence
from locum.evaluation.metrics.twosample import Anchors
from locum.evaluation.metrics.utility import why_not
from locum.evaluation.overlap import overlap_sentence
from locum.evaluation.result import Result
from locum.evaluation.target import TargetColumn
from locum.evaluation.trial import Trial
from locum.evaluation.verdicts import TOO_REAL
from locum.wording import percent

#: Columns with alerts of one sort at most; fewer hold-out rows than this leave wide intervals.
AT_MOST, FEW_HELD_OUT = 5, 500
#: What is said of a column that holds nothing, or the same everywhere, among synthetic rows only.
EMPTY = (
    "Missing in every synthetic row, though the real rows hold values: by this column alone rows are told "
    "apart, so leave it out of both tables to judge the others."
)
SAME = "Constant in the synthetic rows, though it varies in the real ones."
#: Coverage of a naive 95 % interval below which a note and a warning are due.
LEAST_COVERED, MISLEADING = 0.90, 0.70


def alerts(
    trial: Trial,
    results: Sequence[Result],
    answers: Sequence[Answer],
    controls: Sequence[Control],
    targets: Sequence[TargetColumn],
    known: Anchors | None = None,
    before: Sequence[Alert] = (),
) -> tuple[Alert, ...]:
    """Warnings first, then notes; `before` stand before others of their sort."""
    found = [
        *before,
        *_copying(answers, results),
        *_holdout(trial),
        *_shifted(trial, known),
        *_controls(controls),
        *_broken(results),
        *_leaked_holdout(trial, results),
        *_far_columns(results),
        *_constants(trial),
        *_levels(trial),
        *_target(trial, targets),
        *_naive(results),
        *_nothing(trial),
    ]
    return tuple(sorted(found, key=lambda a: a.level != "warning"))


def _copying(answers: Sequence[Answer], results: Sequence[Result]) -> list[Alert]:
    found = next((a for a in answers if a.question == "private"), None)
    out = []
    if found is not None and found.verdict in ("middling", "poor"):
        rows = [r for name in found.decided[:2] for r in results if r.name == name]
        out.append(Alert("warning", "copying", " ".join(r.sentence for r in rows)))
    model = next((r for r in results if r.name == "copying.logprob"), None)
    if model is not None and model.low is not None and model.low > 0.5:
        out.append(Alert("note", "model file", f"{model.sentence} Do not hand the model file on."))
    return out


def _holdout(trial: Trial) -> list[Alert]:
    overlap = overlap_sentence(trial)
    found = [Alert("warning", "hold-out", overlap)] if overlap else []
    if trial.holdout is None:
        return [
            *found,
            Alert(
                "warning",
                "hold-out",
                "No real rows were kept out of fitting. Copying cannot be judged, and the other tests use "
                "rows that the generator may have seen, which flatters it.",
            ),
        ]
    n = trial.holdout.num_rows
    if n >= FEW_HELD_OUT:
        return found
    return [
        *found,
        Alert("note", "hold-out", f"Only {n:,} real rows were kept out; read the intervals, not the values."),
    ]


def _shifted(trial: Trial, known: Anchors | None) -> list[Alert]:
    sentence = shift_sentence(known) if trial.independent_test else ""
    return [Alert("warning", "hold-out", sentence)] if sentence else []


def _controls(controls: Sequence[Control]) -> list[Alert]:
    return [Alert("warning", f"control: {c.name}", c.sentence) for c in controls if not c.passed]


def _broken(results: Sequence[Result]) -> list[Alert]:
    found = [r for r in results if r.name == "rules.broken" and r.verdict in ("middling", "poor")]
    return [Alert("warning", "rules", r.sentence) for r in found]


def _leaked_holdout(trial: Trial, results: Sequence[Result]) -> list[Alert]:
    found = next((r for r in results if r.name == "c2st"), None)
    if found is None or found.high is None or found.high >= TOO_REAL or not trial.independent_test:
        return []
    return [
        Alert(
            "warning",
            "hold-out",
            "The trained judge does clearly worse than guessing, which happens when synthetic rows repeat "
            "hold-out rows. Check that the hold-out was kept out of fitting.",
        )
    ]


def _far_columns(results: Sequence[Result]) -> list[Alert]:
    """Each column that was found to be off, as `locum.evaluation.decision` has it."""
    found = [r for r in results if r.name == "columns.worst" and r.verdict in ("middling", "poor")]
    far = [c for r in found for c in r.claims if level_of(c) in ("middling", "poor")]
    return [
        Alert(
            "warning",
            c.of,
            f"The distribution is off: {percent(c.effect)} of the rows would have to change value, beyond "
            "what chance explains.",
        )
        for c in far[:AT_MOST]
    ]


def _constants(trial: Trial) -> list[Alert]:
    found: list[Alert] = []
    for i, cut in enumerate(trial.cuts):
        shares = trial.grid.shares((i,))
        real, fake = (int(np.count_nonzero(shares[p])) for p in ("train", "synthetic"))
        if real == 1 and _distinct(trial, "train", cut.name) <= 1:
            found.append(Alert("note", cut.name, "Constant in the real rows."))
        elif fake == 1 and _distinct(trial, "synthetic", cut.name) <= 1:
            empty = trial.synthetic.column(cut.name).null_count == trial.synthetic.num_rows
            found.append(Alert("warning", cut.name, EMPTY if empty else SAME))
    return found[: 2 * AT_MOST]


def _distinct(trial: Trial, part: str, name: str) -> int:
    import pyarrow.compute as pc

    return int(pc.count_distinct(getattr(trial, part).column(name), mode="all").as_py())


def _levels(trial: Trial) -> list[Alert]:
    found = []
    for i, cut in enumerate(trial.cuts):
        if cut.ordered:
            continue
        shares = trial.grid.shares((i,))
        n = len(trial.grid.parts["train"])
        levels = len(cut.levels)
        lost = (shares["train"][:levels] * n >= 5) & (shares["synthetic"][:levels] == 0)
        if lost.any():
            mass = float(shares["train"][:levels][lost].sum())
            n_lost = int(lost.sum())
            text = (
                f"{n_lost} level{'s' if n_lost > 1 else ''} that real rows hold at least five times never "
                f"appear{'' if n_lost > 1 else 's'} (in all {percent(mass)} of the real rows)."
            )
            found.append((mass, Alert("warning" if mass > 0.005 else "note", cut.name, text)))
        unseen = float(shares["synthetic"][levels])
        if unseen > 0:
            text = f"{percent(unseen)} of the synthetic rows hold levels that the real rows do not have."
            found.append((unseen, Alert("warning", cut.name, text)))
    return [alert for _, alert in sorted(found, key=lambda f: -f[0])][:AT_MOST]


def _target(trial: Trial, targets: Sequence[TargetColumn]) -> list[Alert]:
    if trial.target is None or targets:
        return []
    return [Alert("warning", trial.target, f"Usefulness is not measured: {why_not(trial)}.")]


def _naive(results: Sequence[Result]) -> list[Alert]:
    """A naive interval always misleads somewhat; a warning where it mostly does."""
    found = next((r for r in results if r.name == "inference.naive" and r.value < LEAST_COVERED), None)
    if found is None:
        return []
    return [Alert("warning" if found.value < MISLEADING else "note", "statistics", found.sentence)]


def _nothing(trial: Trial) -> list[Alert]:
    if trial.columns:
        return []
    return [
        Alert(
            "warning",
            trial.schema.name,
            "Every column holds ids, free text or personal details, which are made afresh; there is nothing "
            "to compare.",
        )
    ]
