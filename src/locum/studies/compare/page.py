"""The page of a comparison: who is better at what, with intervals, and who failed and why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from locum.report.charts.scatter import Axis, Point, scatter
from locum.report.charts.svg import scale, strip, tag, title
from locum.report.template import environment
from locum.studies.compare.result import RANKED, Cell, Comparison, Entrant, Rank, RankedMeasure
from locum.wording import NONE, number

_BY_KEY = {m.key: m for m in RANKED}


@dataclass(frozen=True, slots=True)
class MeanRow:
    """One contestant: its means, as shown, with the range over cells."""

    entrant: Entrant
    values: tuple[tuple[str, str], ...]
    ok: int
    cells: int


def render(found: Comparison) -> str:
    """The comparison as one offline HTML page, in the manner of `locum.report.html.render`."""
    measures = found.ranked()
    template = environment().get_template("compare.html.j2")
    return template.render(
        found=found,
        measures=measures,
        lead=lead(found, measures),
        rows=[mean_row(found, e, measures) for e in found.entrants],
        ranks=[(m.title, *rank_table(found, m)) for m in measures],
        charts=charts(found),
        failures=[c for c in found.cells if c.status != "ok"],
        noted=[c for c in found.cells if c.status == "ok" and c.notes],
        tables=[(t, cells_of(found, t, measures)) for t in found.tables],
    )


def lead(found: Comparison, measures: Sequence[RankedMeasure]) -> str:
    """The first sentence: who tells apart from real rows least, whether that is beyond chance, who failed."""
    sentences = []
    main = next((m for m in measures if m.key in ("c2st", "tv.3way")), None)
    honest = {e.name for e in found.entrants if e.kind != "control"}
    if main is not None:
        ranks = [r for r in found.ranks(main) if r.contestant in honest]
        if ranks:
            best = ranks[0]
            ties = [r.contestant for r in ranks[1:] if r.low <= best.high]
            text = f"{best.contestant} is the most faithful on average (rank {best.mean:.1f})"
            if len(ranks) == 1:
                text = f"{best.contestant} took part alone, beside the controls"
            if ties:
                first = ", ".join([best.contestant, *ties[:4]])
                text = f"Not settled: chance explains the order of {first}"
            sentences.append(text + ".")
    failed = sum(c.status != "ok" for c in found.cells)
    if failed:
        sentences.append(f"{failed} of {len(found.cells)} attempts gave no result.")
    if any(passed is False for _, passed, _ in found.controls()):
        sentences.append("A negative control was not recognised: read the figures with doubt.")
    return " ".join(sentences) or "Nothing could be ranked."


def mean_row(found: Comparison, entrant: Entrant, measures: Sequence[RankedMeasure]) -> MeanRow:
    """Means over cells, each with its smallest and largest value."""
    cells = found.of(entrant.name)
    values = []
    for m in measures:
        known = [v for c in cells if (v := c.value(m.key)) is not None]
        if not known:
            values.append((NONE, ""))
            continue
        spread = (
            f"{in_words(m, min(known)).removesuffix(' MB')} to {in_words(m, max(known))}"
            if len(known) > 1
            else ""
        )
        values.append((in_words(m, sum(known) / len(known)), spread))
    return MeanRow(entrant, tuple(values), sum(c.status == "ok" for c in cells), len(cells))


def in_words(measure: RankedMeasure, value: float | None) -> str:
    """A figure as people read it."""
    if measure.key == "peak_bytes" and value is not None:
        return f"{value / 2**20:,.0f} MB"
    return number(value)


def rank_table(found: Comparison, measure: RankedMeasure) -> tuple[list[tuple[Rank, Markup]], str]:
    """Ranks with drawings, best first, and a sentence on which cannot be told apart from the best."""
    ranks = found.ranks(measure)
    at = scale(1, max(2, len(found.entrants)))
    ties = [r.contestant for r in ranks[1:] if r.low <= ranks[0].high]
    together = f"Not told apart from the first: {', '.join(ties)}." if ties else ""
    return [(r, _rank_line(r, at)) for r in ranks], together


def _rank_line(rank: Rank, at: Callable[[float], str]) -> Markup:
    words = f"{rank.contestant}: mean rank {rank.mean:.2f}, interval {rank.low:.2f} to {rank.high:.2f}"
    return strip(
        words,
        18,
        tag("line", class_="rail", x1="0%", x2="100%", y1=9, y2=9),
        tag("line", class_="span", x1=at(rank.low), x2=at(rank.high), y1=9, y2=9),
        tag("circle", title(words), class_="dot", cx=at(rank.mean), cy=9, r=5),
    )


def charts(found: Comparison) -> list[tuple[str, str, Markup]]:
    """Quality against membership advantage, and against CPU time: heading, sentence, picture."""
    quality = next(
        (_BY_KEY[k] for k in ("c2st", "tv.3way") if any(c.value(k) is not None for c in found.cells)), None
    )
    if quality is None:
        return []
    y = Axis(quality.title)
    wanted = (
        (
            "advantage",
            Axis("Membership advantage"),
            "Faithfulness against copying",
            "Down and to the left is better: hard to tell from real rows, and no help in telling who was "
            "learned from. A copy lies far right, shuffled columns far up.",
        ),
        (
            "cpu_s",
            Axis("CPU seconds of fitting and drawing", log=True),
            "Faithfulness against CPU time",
            "Down and to the left is better: hard to tell from real rows, and cheap.",
        ),
    )
    out = []
    for key, x, heading, sentence in wanted:
        front = found.front(key, quality)
        points = []
        for e in found.entrants:
            a, b = found.mean(e.name, key), found.mean(e.name, quality.key)
            if a is not None and b is not None:
                points.append(Point(e.name, a, b, e.name in front, e.kind == "control"))
        picture = scatter(points, x, y)
        if picture:
            names = ", ".join(front)
            out.append((heading, f"{sentence} Beaten by nobody on both: {names}.", picture))
    return out


def cells_of(
    found: Comparison, table: str, measures: Sequence[RankedMeasure]
) -> list[tuple[Cell, list[str]]]:
    """Every cell of a table with its figures as shown."""
    return [(c, [in_words(m, c.value(m.key)) for m in measures]) for c in found.cells if c.table == table]
