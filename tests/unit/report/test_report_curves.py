"""Lines over a common axis."""

from __future__ import annotations

import math
import re
from itertools import pairwise

import pytest

from locum.report.charts.curves import LineCurve, curves
from locum.studies.mix.page import span
from locum.studies.mix.result import Contrast


def test_every_point_is_drawn_and_named_once() -> None:
    picture = str(
        curves(
            [
                LineCurve("a", ((1, 0.1), (2, 0.3))),
                LineCurve("law", ((1, 0.2), (2, 0.2)), dashed=True),
                LineCurve("best", ((2, 0.4),), marked=True),
            ],
            "round",
            "error",
        )
    )
    assert picture.count("<circle") == 3
    assert picture.count("<path") == 2
    assert picture.count("stroke-dasharray") == 1
    for name in ("a", "law", "best"):
        assert re.search(rf'class="s-name"[^>]*>{name}<', picture)
    assert "best ends at 0.4" in picture


def test_points_that_are_not_numbers_are_left_out() -> None:
    assert curves([LineCurve("a", ((1, math.nan), (2, math.inf)))], "x", "y") == ""
    flat = str(curves([LineCurve("a", ((1, 0.0), (2, 0.0)))], "x", "y"))
    assert "nan" not in flat
    assert flat.count("<circle") == 2


def test_names_do_not_cover_each_other() -> None:
    same = [LineCurve(f"c{i}", ((0, 1.0), (1, 1.0))) for i in range(4)]
    heights = [
        float(y) for y in re.findall(r'class="s-name"[^>]* y="([0-9.]+)"', str(curves(same, "x", "y")))
    ]
    assert len(heights) == 4
    assert min(b - a for a, b in zip(sorted(heights), sorted(heights)[1:], strict=False)) >= 14


def test_hostile_names_are_escaped() -> None:
    assert "<script" not in str(curves([LineCurve("<script>", ((0, 1.0), (1, 2.0)))], "x", "y"))


def test_labels_keep_the_order_of_the_lines_and_do_not_overlap() -> None:
    from locum.report.charts.curves import spread

    places = [100.0, 20.0, 21.0, 22.0, 24.0, 200.0]
    found = spread(places, 15.0)
    assert sorted(range(6), key=found.__getitem__) == sorted(range(6), key=places.__getitem__)
    ordered = sorted(found)
    assert all(b - a >= 15.0 - 1e-9 for a, b in pairwise(ordered))
    assert found[0] == 100.0 and found[5] == 200.0
    assert sum(found[1:5]) == pytest.approx(sum(places[1:5]))


def test_the_axis_does_not_go_beyond_what_can_be() -> None:
    line = [LineCurve("a", ((1, 0.9), (2, 0.99)))]
    assert ">0.997<" in str(curves(line, "rows", "AUC"))
    bounded = [LineCurve("a", ((1, 0.9), (2, 1.0)))]
    assert ">1.008<" in str(curves(bounded, "rows", "AUC"))
    assert ">1.000<" in str(curves(bounded, "rows", "AUC", 1.0))
    assert ">1.008<" not in str(curves(bounded, "rows", "AUC", 1.0))


def test_an_interval_beyond_the_line_is_an_arrow_at_its_end() -> None:
    far = str(span(Contrast(-0.3, -0.6, -0.05, 0.1), -0.1, 0.1))
    assert "◀" in far
    assert 'class="dot"' not in far
    assert all(0 <= float(x) <= 100 for x in re.findall(r'[xc][12x]="(-?[0-9.]+)%"', far))
    near = str(span(Contrast(-0.05, -0.1, 0.05, 0.1), -0.1, 0.1))
    assert 'class="dot"' in near
    assert "◀" not in near
