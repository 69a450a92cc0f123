"""One line for each folded part of the page, so that nobody has to open it to learn what it holds."""

from __future__ import annotations

from collections.abc import Mapping

from locum.evaluation.evidence import ColumnView, Evidence, PairView
from locum.wording import count, share


def of(evidence: Evidence) -> Mapping[str, str]:
    """A line for each part, by its name in the templates."""
    attacks = sum(r.name.startswith("attack.") and r.name != "attack.worst" for r in evidence.results)
    passed = sum(c.passed for c in evidence.controls)
    of_them = count(len(evidence.controls), "stand-in")
    of_them = count(len(evidence.controls), "stand-in")
    controls = f"{passed} of {of_them} with known faults told for what they are."
    return {
        "results": "The stand-in beside real rows and beside shuffled columns, measure by measure.",
        "columns": _columns(evidence.columns),
        "pairs": _pairs(evidence.pairs),
        "useful": "Models trained on synthetic rows and tested on real ones.",
        "copying": "Whether rows were copied, or nearly.",
        "attacks": f"{count(attacks, 'attack')} on who was learned from and what can be told of somebody.",
        "fairness": "Groups side by side, in the rows and for models trained on them.",
        "thin": "A model tested where there are few rows.",
        "statistics": "What figures computed from these rows are worth.",
        "controls": controls if evidence.controls else "Not run.",
        "treatment": "How values became codes, column by column.",
    }


def _columns(views: tuple[ColumnView, ...]) -> str:
    if not views:
        return "None could be compared."
    worst = max(views, key=_beyond)
    return f"{count(len(views), 'column')}; {_farthest(worst, worst.name)}."


def _pairs(views: tuple[PairView, ...]) -> str:
    if not views:
        return "None could be compared."
    worst = max(views, key=_beyond)
    return f"{count(len(views), 'pair')}; {_farthest(worst, f'{worst.a} with {worst.b}')}."


def _beyond(view: ColumnView | PairView) -> float:
    """How much farther from the real rows than real rows are from each other."""
    return view.tv - (view.tv_reference or 0.0)


def _farthest(view: ColumnView | PairView, name: str) -> str:
    if view.tv_reference is not None and view.tv <= view.tv_reference:
        return "none farther from the real rows than these are from each other"
    among = "" if view.tv_reference is None else f", of real rows {share(view.tv_reference)}"
    return f"farthest is {name}: {share(view.tv)} of rows differ{among}"
