"""The page of a repair: both parities before and after, group by group, with chance and cost beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from locum.report.charts.curves import LineCurve, curves
from locum.report.charts.svg import figures, scale, strip, tag, title
from locum.report.template import environment
from locum.wording import MINUS

if TYPE_CHECKING:
    from locum.studies.fair.judge import GapEstimate
    from locum.studies.fair.repair import Repaired

#: Gaps on the page: key, title, what differs, and whether it is counted in the rows themselves.
GAPS = (
    ("label_gap", "Labels", "share of the label in the rows", True),
    ("demographic_parity", "Demographic parity", "share that a model gives the label to", False),
    ("equalized_odds", "Equalised odds", "right or false alarms of a model, the worse of both", False),
    ("equal_opportunity", "Equal opportunity", "share of labelled rows that a model finds", False),
)
SKILLS = (("auc", "Area under the ROC curve"), ("accuracy", "Rows judged rightly"))
_HEIGHT, _BEFORE, _AFTER = 30, 9.0, 21.0


@dataclass(frozen=True, slots=True)
class MeasureRow:
    """A measure with its drawing."""

    title: str
    what: str
    before: GapEstimate
    after: GapEstimate
    change: GapEstimate
    counted: bool
    picture: Markup
    beyond: Any


def render(done: Repaired, *, table: str, target: str, protected: Sequence[str], created: str) -> str:
    """The repair as one offline HTML page, in the manner of `locum.report.html.render`."""
    e = done.evidence
    rows = [
        MeasureRow(
            name,
            what,
            e.before[key],
            e.after[key],
            e.change[key],
            counted,
            _pair_chart(e.before[key], e.after[key], _top(done), counted),
            e.beyond_chance[key][1] if key in e.by_chance else None,
        )
        for key, name, what, counted in GAPS
        if e.before[key].value == e.before[key].value
    ]
    skills = [(name, e.before[key], e.after[key], e.change[key]) for key, name in SKILLS]
    return (
        environment()
        .get_template("fair.html.j2")
        .render(
            done=done,
            table=table,
            label=f"{target} = {e.positive}",
            protected=" x ".join(protected),
            rows=rows,
            skills=skills,
            worse=[r.title for r in rows if not r.counted and r.change.low > 0],
            groups=_groups(e.groups, e.rates, e.left_out),
            price=_price(done),
            created=created,
            signed=_signed,
        )
    )


def _top(done: Repaired) -> float:
    """End of the scale that all gaps share."""
    ends = [
        e.value if counted else e.high
        for key, _, _, counted in GAPS
        for e in (done.before[key], done.after[key])
        if e.value == e.value
    ]
    return max([0.05, *ends])


def _pair_chart(before: GapEstimate, after: GapEstimate, top: float, counted: bool) -> Markup:
    """Both values on a line from no gap to `top`; intervals where values are estimates."""
    at = scale(0.0, top)
    parts = [tag("line", class_="rail", x1=at(0.0), x2=at(0.0), y1=1, y2=_HEIGHT - 1)]
    words = []
    for e, y, kind, name in ((before, _BEFORE, "t-real", "before"), (after, _AFTER, "t-made", "after")):
        said = f"{name} {figures(e.value) if counted else figures(e.value, e.low, e.high)}"
        if not counted:
            parts.append(tag("line", class_=f"t-span {kind}", x1=at(e.low), x2=at(e.high), y1=y, y2=y))
        parts.append(tag("circle", title(said), class_=f"t-dot {kind}", cx=at(e.value), cy=y, r=4.5))
        words.append(said)
    return strip("; ".join(words), _HEIGHT, *parts)


def _groups(
    groups: Sequence[Mapping[str, Any]], rates: Sequence[Mapping[str, Any]], left: Sequence[str]
) -> list[dict[str, Any]]:
    """Labels and models' rates of each group in one entry; largest groups first."""
    known = {r["group"]: r for r in rates}
    order = sorted(groups, key=lambda g: -g["n_after"])
    return [{**g, "rates": known.get(g["group"]), "judged": g["group"] not in left} for g in order]


def _price(done: Repaired) -> Markup:
    if not done.losses:
        return Markup("")
    line = [LineCurve("foretold", tuple(done.losses))]
    at = dict(done.losses)
    if done.strength in at:
        line.append(LineCurve("used", ((done.strength, at[done.strength]),), marked=True))
    return curves(line, "strength", "loss")


def _signed(value: float) -> str:
    """A change with its sign, three decimals."""
    text = f"{value:+.3f}"
    return "0.000" if float(text) == 0 else text.replace("-", MINUS)
