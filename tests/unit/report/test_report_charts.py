"""Charts: places and sizes say what the numbers say."""

from __future__ import annotations

import dataclasses
import itertools
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locum.evaluation.evidence import ColumnView, PairView
from locum.evaluation.result import Result
from locum.report.charts import bars, heatmap, interval, outline
from locum.report.charts.svg import tag


def result(value: float, direction: str, **more) -> Result:
    return Result("x", "X", "faithful", value, direction, "", **more)


def view(edges, real, synthetic, kind="integer", labels=None) -> ColumnView:
    labels = labels or tuple(f"{a}-{b}" for a, b in itertools.pairwise(edges))
    return ColumnView("c", kind, tuple(labels), tuple(real), tuple(synthetic), None, tuple(edges), 0.1, 0.01)


# --- interval ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        (result(0.1, "lower", reference=0.05, floor=0.9), result(0.4, "lower", reference=0.05, floor=0.9)),
        (result(0.9, "higher", reference=0.95, floor=0.5), result(0.6, "higher", reference=0.95, floor=0.5)),
        (
            result(0.51, "target", target=0.5, reference=0.5, floor=0.99),
            result(0.70, "target", target=0.5, reference=0.5, floor=0.99),
        ),
        (
            result(0.49, "target", target=0.5, reference=0.5, floor=0.99),
            result(0.30, "target", target=0.5, reference=0.5, floor=0.99),
        ),
    ],
)
def test_right_is_better_in_every_direction(better, worse):
    a, b = interval.track(better), interval.track(worse)
    assert a.value > b.value
    for places in (a, b):
        assert places.worst < places.value < places.reference


def test_places_are_proportional_to_the_distance():
    places = interval.track(result(0.3, "lower", reference=0.1, floor=0.9))
    along = (places.value - places.worst) / (places.reference - places.worst)
    assert along == pytest.approx((0.9 - 0.3) / (0.9 - 0.1))


def test_a_difference_smaller_than_chance_looks_small():
    # Shuffled columns keep their single-column shares: floor and reference are nearly the same number.
    places = interval.track(result(0.0071, "lower", reference=0.0064, floor=0.0066))
    assert places.reference - places.value < 0.12


def test_without_a_bad_end_an_auc_runs_to_its_natural_end():
    places = interval.track(result(0.51, "target", target=0.5))
    assert places.value == pytest.approx(0.96 - 0.92 * 0.01 / 0.5)


def test_an_interval_over_the_target_reaches_the_best_place():
    places = interval.track(result(0.49, "target", target=0.5, low=0.46, high=0.52, floor=1.0))
    assert places.high == pytest.approx(0.96)
    assert places.low == pytest.approx(0.96 - 0.92 * 0.04 / 0.5)


numbers = st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True, width=32))


@given(numbers, numbers, numbers, numbers, numbers, st.sampled_from(["lower", "higher", "target"]), numbers)
def test_places_stay_on_the_line(value, low, high, reference, floor, direction, target):
    r = result(
        value if value is not None else 0.0, direction, low=low, high=high, reference=reference, floor=floor,
        target=target if target is not None and math.isfinite(target) else None,
    )  # fmt: skip
    places = interval.track(r)
    marks = [getattr(places, f) for f in places.__dataclass_fields__]
    assert all(m is None or 0.0 <= m <= 1.0 for m in marks)
    markup = str(interval.interval_chart(r))
    assert "nan" not in markup and "inf%" not in markup
    assert bool(markup) == math.isfinite(r.value)


def test_copying_shows_on_one_side_only():
    far = dataclasses.replace(result(0.02, "target", target=0.5, reference=0.5), question="private")
    places = interval.track(far, 1.0)
    assert places.worst < places.reference < places.value


def test_copy_score_takes_the_place_of_the_floor():
    markup = str(interval.interval_chart(result(0.51, "target", target=0.5), 0.93, "a copy"))
    assert "a copy 0.930" in markup


# --- outline ----------------------------------------------------------------------------------------------


def test_to_scale_heights_are_densities():
    shape = outline.steps(view([0, 1, 2, 4, 5, 6, 7, 8], [0.1, 0.1, 0.4, 0.1, 0.1, 0.1, 0.1], [1 / 7] * 7))
    assert shape.to_scale and not shape.shortened
    # The cell that is twice as wide holds four times the share: twice the density.
    assert shape.real[2] / shape.real[0] == pytest.approx(2.0)
    assert shape.borders[3] == pytest.approx(0.5)


def test_areas_add_up_to_the_shares():
    shares = [0.05, 0.2, 0.3, 0.2, 0.1, 0.1, 0.05]
    shape = outline.steps(view([0, 3, 5, 6, 8, 11, 15, 20], shares, shares[::-1]))
    widths = [b - a for a, b in zip(shape.borders, shape.borders[1:], strict=False)]
    areas = [h * w for h, w in zip(shape.real, widths, strict=True)]
    assert [a / sum(areas) for a in areas] == pytest.approx(shares)


def test_a_long_tail_is_shortened_and_said():
    v = view([0, 1, 2, 3, 4, 5, 6, 1000], [1 / 7] * 7, [1 / 7] * 7)
    shape = outline.steps(v)
    assert shape.to_scale and shape.shortened == (6,)
    assert shape.borders[6] == pytest.approx(6 / 11)
    assert "cut" in str(outline.outline_chart(v))


def test_a_spike_leads_to_steps_of_equal_width():
    shape = outline.steps(view([0, 0.001, 1, 2, 3, 4, 5, 6], [0.9] + [0.1 / 6] * 6, [0.9] + [0.1 / 6] * 6))
    assert not shape.to_scale
    assert shape.borders == pytest.approx([i / 7 for i in range(8)])
    assert shape.real[0] == 1.0


@pytest.mark.parametrize("edges", [[0, 1, 1, 2], [-math.inf, 0, 1, 2], [3, 2, 1, 0], [0, math.nan, 1, 2], []])
def test_edges_that_cannot_be_drawn(edges):
    v = view(edges, [0.2, 0.3, 0.5], [0.5, 0.3, 0.2], labels=("a", "b", "c"))
    assert not outline.steps(v).to_scale
    assert "nan" not in str(outline.outline_chart(v))


def test_missing_is_no_step():
    v = view([0, 1, 2], [0.5, 0.3, 0.2], [0.5, 0.3, 0.2], labels=("0", "1", "missing"))
    assert outline.cells(v) == 2 and len(outline.steps(v).real) == 2


@given(
    st.lists(st.floats(-1e12, 1e12, allow_nan=False), min_size=2, max_size=25, unique=True),
    st.randoms(use_true_random=False),
)
def test_paths_stay_in_the_picture(edges, random):
    edges = sorted(edges)
    raw = [[random.random() + 1e-9 for _ in edges[1:]] for _ in range(2)]
    real, synthetic = ([x / sum(r) for x in r] for r in raw)
    v = view(edges, real, synthetic, kind=random.choice(["integer", "datetime"]))
    shape = outline.steps(v)
    assert shape.borders[0] == 0 and shape.borders[-1] == pytest.approx(1)
    assert all(a <= b for a, b in zip(shape.borders, shape.borders[1:], strict=False))
    assert max(*shape.real, *shape.synthetic) == pytest.approx(1)
    for path in re.findall(r' d="(M[^"]+)"', str(outline.outline_chart(v))):
        assert re.fullmatch(r"[-MHVZhL\d. ]+", path)


# --- bars -------------------------------------------------------------------------------------------------


@given(st.integers(1, 40), st.randoms(use_true_random=False))
def test_bar_rows_lose_nothing(n, random):
    raw = [[random.random() + 1e-9 for _ in range(n)] for _ in range(2)]
    real, synthetic = ([x / sum(r) for x in r] for r in raw)
    v = view((), real, synthetic, kind="category", labels=tuple(f"l{i}" for i in range(n)))
    rows = bars.bar_rows(v)
    assert len(rows) <= bars.MAX_LEVELS + 1
    assert sum(r.real for r in rows) == pytest.approx(1)
    assert sum(r.synthetic for r in rows) == pytest.approx(1)
    gaps = [abs(a - b) for a, b in zip(real, synthetic, strict=True)]
    worst = f"l{gaps.index(max(gaps))}"
    assert worst in {r.label for r in rows}


def test_levels_that_were_pooled_before_join_the_rest():
    labels = (*(f"l{i}" for i in range(12)), "1,021 other levels", "missing")
    shares = [1 / 14] * 14
    rows = bars.bar_rows(view((), shares, shares, kind="category", labels=labels))
    assert rows[-1].label == "1,026 more" and rows[-1].rest
    assert "1,021 other levels" not in {r.label for r in rows[:-1]}


def test_bars_are_as_long_as_their_shares():
    v = view((), [0.8, 0.2], [0.4, 0.6], kind="category", labels=("a", "b"))
    widths = [re.findall(r'width="([\d.]+)%" height="1?[0-9]"', str(r.bar)) for r in bars.bar_rows(v)]
    assert [[float(w) for w in row if w != "100"] or row for row in widths][1] == [25.0, 75.0]


def test_ordered_cells_keep_their_order():
    v = view([0, 1, 5, 9], [0.1, 0.2, 0.7], [0.1, 0.2, 0.7])
    assert [r.label for r in bars.bar_rows(v)] == ["0-1", "1-5", "5-9"]


def test_missing_comes_last():
    v = view((), [0.7, 0.2, 0.1], [0.7, 0.2, 0.1], kind="category", labels=("missing", "a", "b"))
    assert [r.label for r in bars.bar_rows(v)] == ["a", "b", "missing"]


# --- heat map ---------------------------------------------------------------------------------------------


def pair(real, synthetic) -> PairView:
    rows, columns = len(real), len(real[0])
    return PairView("a", "b", tuple(map(str, range(rows))), tuple(map(str, range(columns))), real, synthetic,
                    0.1, None, 0.2, 0.1)  # fmt: skip


@given(st.integers(1, 12), st.integers(1, 12), st.randoms(use_true_random=False))
def test_every_cell_gets_exactly_its_ink(rows, columns, random):
    real, synthetic = (
        tuple(tuple(random.choice([0.0, random.random()]) for _ in range(columns)) for _ in range(rows))
        for _ in range(2)
    )
    ink = heatmap.Ink.of(pair(real, synthetic))
    markup = str(heatmap.heat_chart(pair(real, synthetic), "synthetic"))
    drawn = {}
    for level, path in re.findall(r'class="h(\d)" d="([^"]+)"', markup):
        for j, i, run in re.findall(r"M(\d+) (\d+)h(\d+)v1h-\d+z", path):
            for k in range(int(run)):
                key = (int(i), int(j) + k)
                assert key not in drawn
                drawn[key] = int(level)
    expected = {(i, j): ink.step(v) for i, row in enumerate(synthetic) for j, v in enumerate(row) if v > 0}
    assert drawn == expected


def test_same_share_same_ink_on_both_sides():
    p = pair(((0.5, 0.0), (0.25, 0.25)), ((0.25, 0.25), (0.25, 0.25)))
    real = str(heatmap.heat_chart(p, "real"))
    synthetic = str(heatmap.heat_chart(p, "synthetic"))
    level = heatmap.Ink.of(p).step(0.25)
    assert f'class="h{level}" d="M0 1h2v1h-2z"' in real
    assert f'class="h{level}" d="M0 0h2v1h-2zM0 1h2v1h-2z"' in synthetic


def test_ink_grows_with_the_share_and_small_cells_survive_a_large_one():
    even = heatmap.Ink.of(pair(((0.2, 0.3), (0.2, 0.3)), ((0.25, 0.25), (0.25, 0.25))))
    assert [even.step(v) for v in (0.0, 0.1, 0.15, 0.3)] == [0, 3, 4, 9]
    cells = ((0.97, *[0.0025] * 11),) + ((0.0,) * 12,) * 11
    steep = heatmap.Ink.of(pair(cells, cells))
    assert steep.step(0.97) == 9 and steep.step(0.03) == 2 and steep.step(1e-9) == 1
    assert heatmap.Ink.of(pair(((0.0,),), ((math.nan,),))).step(0.5) == 0


def test_worst_cells_first():
    p = pair(((0.5, 0.0), (0.25, 0.25)), ((0.25, 0.0), (0.35, 0.4)))
    assert [(c.row, c.column) for c in heatmap.cells(p)] == [(0, 0), (1, 1), (1, 0), (0, 1)]


# --- words of SVG -----------------------------------------------------------------------------------------


def test_attributes_and_text_are_escaped():
    markup = str(tag("text", '<b>&"', aria_label='"><script>', x=1.0))
    assert markup == '<text aria-label="&#34;&gt;&lt;script&gt;" x="1">&lt;b&gt;&amp;&#34;</text>'


def test_meter_survives_no_number():
    assert "rect" not in str(interval.meter(math.nan, None, 0.0, "x"))


def test_interval_chart_of_no_number_is_empty():
    assert str(interval.interval_chart(dataclasses.replace(result(0.5, "lower"), value=math.nan))) == ""
