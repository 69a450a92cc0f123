"""The page of a laboratory of self-consumption: one chart a measure, the laws beside it, group by group."""

from __future__ import annotations

from locum.evidence.collapsing import Collapsing
from locum.report.charts.curves import Curve, curves
from locum.report.html import environment

_ERROR = (
    "Mean total variation distance over pairs of columns, against real rows that nobody learned from. Lower "
    "is better; the dashed line is what other real rows score."
)
_TAIL = (
    "Share of the rare real cells, by their mass, that still appear. What is lost here does not come back "
    "without real rows."
)
_DIVERSITY = (
    "Chance that two rows differ in a column, relative to real rows. Dashed: the law for drawing again from "
    "the last rows, (1 - 1/n) to the power of the generation, and for keeping all rows. A generator that "
    "smooths or sharpens leaves these lines."
)


def render(found: Collapsing) -> str:
    """The laboratory as one offline HTML page, in the manner of `locum.report.html.render`."""
    error = [Curve(x.mode, tuple((float(g.t), g.error) for g in x.generations)) for x in found.loops]
    steps = [float(g.t) for g in found.loops[0].generations]
    error.append(Curve("real rows", tuple((t, found.floor) for t in steps), dashed=True))
    tail = [Curve(x.mode, tuple((float(g.t), g.tail) for g in x.generations)) for x in found.loops]
    diversity = [Curve(x.mode, tuple((float(g.t), g.diversity) for g in x.generations)) for x in found.loops]
    for x in found.loops:
        law = tuple((float(g.t), g.law) for g in x.generations if g.law is not None)
        if law:
            diversity.append(Curve(f"law: {x.mode}", law, dashed=True))
    rows = [(f"{column} = {level}", share) for column, level, share in found.real_groups]
    groups = [
        (name, share, [x.generations[-1].groups[i][2] for x in found.loops])
        for i, (name, share) in enumerate(rows)
    ]
    return environment().get_template("collapse.html.j2").render(
        found=found,
        groups=groups,
        last=found.loops[0].generations[-1].t,
        pictures=(
            ("Distance from real rows", _ERROR, curves(error, "generation", "pair error")),
            ("Rare cases", _TAIL, curves(tail, "generation", "tail kept", 1.0)),
            ("Diversity", _DIVERSITY, curves(diversity, "generation", "diversity")),
        ),
    )  # fmt: skip
