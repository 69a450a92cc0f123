"""The page of a laboratory of self-consumption: one chart a measure, the laws beside it, group by group."""

from __future__ import annotations

from locum.report.charts.curves import LineCurve, curves
from locum.report.template import environment
from locum.studies.collapse.result import Collapsing

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
_WORD_ERROR = (
    "Total variation distance between the shares of words and marks, against real texts that nobody learned "
    "from. Lower is better; the dashed line is what other real texts score."
)
_WORD_TAIL = (
    "Words written at most three times in the real texts that the loops began with: share of their mass that "
    "still appears. Dashed: the law of chance alone, by which a rare word leaves a Poisson number of copies "
    "with mean 1 in the next generation, or one over its number when all texts are kept. No law is drawn for "
    "the other loops: what comes in or is thrown out hangs on the texts."
)
_WORD_DIVERSITY = (
    "Different pairs of neighbouring words in runs of one length, relative to the real texts that the loops "
    "began with."
)
_ENTROPY = (
    "Bits a word that real texts nobody learned from cost under a smoothed model of each generation. Lower "
    "is better; the dashed line is what a model of as many real texts reaches."
)


def render(found: Collapsing) -> str:
    """The laboratory as one offline HTML page, in the manner of `locum.report.html.render`."""
    words = bool(found.text)
    error = [*_lines(found, "error"), _level(found, found.floor)]
    tail, diversity = _lines(found, "tail"), _lines(found, "diversity")
    (tail if words else diversity).extend(
        LineCurve(f"law: {law.name}", law.points, dashed=True) for law in _lines(found, "law") if law.points
    )
    pictures = [
        (
            "Distance from real rows",
            _WORD_ERROR if words else _ERROR,
            curves(error, "generation", "word error" if words else "pair error"),
        ),
        (
            "Rare words" if words else "Rare cases",
            _WORD_TAIL if words else _TAIL,
            curves(tail, "generation", "tail kept", 1.0),
        ),
        ("Diversity", _WORD_DIVERSITY if words else _DIVERSITY, curves(diversity, "generation", "diversity")),
    ]
    if words:
        bits = [*_lines(found, "entropy"), _level(found, found.floor_entropy)]
        pictures.append(("Real texts under the model", _ENTROPY, curves(bits, "generation", "bits a word")))
    groups = [
        (f"{column} = {level}", share, [x.generations[-1].groups[i][2] for x in found.loops])
        for i, (column, level, share) in enumerate(found.real_groups)
    ]
    last = found.loops[0].generations[-1].t
    template = environment().get_template("collapse.html.j2")
    return template.render(found=found, groups=groups, last=last, pictures=pictures)


def _lines(found: Collapsing, field: str) -> list[LineCurve]:
    """A figure of every loop, generation after generation, where it is known."""
    return [
        LineCurve(
            x.mode, tuple((float(g.t), v) for g in x.generations if (v := getattr(g, field)) is not None)
        )
        for x in found.loops
    ]


def _level(found: Collapsing, value: float) -> LineCurve:
    """What real rows score, in every generation the same."""
    return LineCurve("real rows", tuple((float(g.t), value) for g in found.loops[0].generations), dashed=True)
