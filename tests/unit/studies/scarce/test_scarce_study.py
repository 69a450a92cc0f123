"""Stand-ins for few rows: verdicts where the truth is known, and rows that must not be borrowed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.csv as pc
import pytest

import locum
from locum.cli.main import main
from locum.data.lineage_stamp import stamp_of
from locum.errors import DataError, UsageError
from locum.schema.lineage import JUDGED, REAL, Guarantee
from locum.studies.mix.arms import Block
from locum.studies.mix.contrast import corrected_difference
from locum.studies.mix.result import Contrast
from locum.studies.scarce.conclude import decide
from locum.studies.scarce.overlap import same_rows
from locum.studies.scarce.page import render
from locum.studies.scarce.result import Scarcity
from locum.studies.scarce.scarce import scarce
from locum.studies.scarce.study import repeated
from locum.studies.scarce.ways import ALIKE, AS_IT_IS, FROM_BOTH, GENERATED, LEVELLED

SLOPES = np.array([1.5, -1.5, 1.0, 1.0, -1.0])
FAST = {"synthesizer": "independent", "repeats": 1, "rows": 150}
#: Enough to see a true help.
CLEAR = {"synthesizer": "independent", "repeats": 2, "rows": 500}


def world(n: int, seed: int, *, slopes: np.ndarray = SLOPES, shift: float = 0.0, g: float = 0.3) -> pa.Table:
    """A label that hangs on five numbers, and a group."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 5)) + shift
    p = 1 / (1 + np.exp(-(x @ slopes) * 1.5))
    groups = np.where(rng.random(n) < g, "few", "many").tolist()
    label = np.where(rng.random(n) < p, "yes", "no").tolist()
    return pa.table({**{f"x{j}": np.round(x[:, j], 4) for j in range(5)}, "g": groups, "y": label})


def noise(n: int, seed: int) -> pa.Table:
    """Rows of the same columns in which the label hangs on nothing."""
    return world(n, seed, slopes=np.zeros(5))


def test_a_related_table_of_the_same_law_helps_and_its_rows_can_be_had() -> None:
    found = scarce(
        world(60, 1), target="y", related=world(1500, 2, shift=0.5), test=world(2000, 3), seed=1, **CLEAR
    )
    assert found.verdict == "helps" and found.related is not None and found.related.verdict == "helps"
    assert found.chosen in (AS_IT_IS, ALIKE)
    chosen = found.way(found.chosen)
    assert (
        chosen.gain is not None and chosen.gain.low > 0 and chosen.score > found.way("real rows alone").score
    )
    assert found.drawn is not None and found.drawn.column_names == world(9, 1).column_names
    assert found.way(GENERATED).verdict != "helps"


@pytest.mark.statistical
@pytest.mark.parametrize("seed", range(4))
def test_noise_and_copies_never_help(seed: int) -> None:
    """All intervals hold at once in 95 % of cases, a false help lies on one side: 2.5 % a seed at most."""
    found = scarce(
        world(60, seed), target="y", related=noise(800, 50 + seed), test=world(800, 90 + seed), seed=seed,
        synthesizer="bootstrap", repeats=1, rows=150,
    )  # fmt: skip
    assert found.verdict != "helps" and not found.chosen and found.drawn is None
    assert found.related is not None and found.related.verdict != "helps"
    assert found.way(AS_IT_IS).verdict in ("no evidence", "does not help")


def test_rows_in_which_the_label_means_the_opposite_do_not_help() -> None:
    turned = world(800, 5, slopes=-SLOPES)
    found = scarce(world(80, 6), target="y", related=turned, test=world(800, 7), **FAST)
    assert found.related is not None and found.related.verdict != "helps"
    assert found.way(AS_IT_IS).verdict == "does not help"


@pytest.mark.parametrize(
    ("columns", "why"),
    [(["x0", "x1", "g"], "has no column 'y'"), (["y"], "no column in common")],
    ids=["no target", "nothing else"],
)
def test_what_cannot_be_borrowed_from_is_said(columns: list[str], why: str) -> None:
    found = scarce(world(60, 1), target="y", related=world(300, 2).select(columns), **FAST)
    assert found.related is not None and (found.related.verdict, found.related.rows) == ("no evidence", 0)
    assert why in found.related.sentence and "no evidence" in found.related.sentence
    assert not [way for way in found.ways if way.kind == "related"]


def test_labels_that_the_data_do_not_have_are_not_borrowed() -> None:
    few, many = (
        world(n, 1).drop_columns(["y"]).append_column("y", pa.array([*labels] * (n // 3)))
        for n, labels in ((60, "abc"), (300, "def"))
    )
    found = scarce(few, target="y", related=many, **FAST)
    assert found.related is not None and "none of its rows has a value of 'y'" in found.related.sentence
    told = scarce(world(60, 1), target="y", related=many, **FAST).related
    assert told is not None and told.verdict == "no evidence" and "neither 'no' nor 'yes'" in told.sentence


def test_columns_that_a_related_table_lacks_are_missing_in_its_rows() -> None:
    found = scarce(world(80, 1), target="y", related=world(900, 2).drop_columns(["x4", "g"]), **FAST)
    assert {way.name for way in found.ways if way.kind == "related"} == {AS_IT_IS, ALIKE}
    assert any("lacks 2 columns (x4, g), which count as missing" in text for text in found.notes)
    whole = scarce(world(80, 1), target="y", related=world(900, 2), **FAST)
    assert FROM_BOTH in {way.name for way in whole.ways}


def test_rows_that_two_tables_share_are_left_out() -> None:
    own = world(80, 1)
    found = scarce(own, target="y", related=pa.concat_tables([world(400, 2), own]), **FAST)
    assert found.related is not None and found.related.rows == 400
    assert any(text.startswith("80 rows of table are rows of table as well") for text in found.notes)
    tested = scarce(own, target="y", test=pa.concat_tables([world(200, 3), own]), **FAST)
    assert tested.test_rows == 40


def test_what_a_related_table_holds_otherwise_is_told_as_it_is() -> None:
    """Other kinds are no lack of columns, and one row is no rows."""
    other = world(300, 2)
    words = other.set_column(0, "x0", pa.array(["low", "high"] * 150)).drop_columns(["g"])
    notes = " ".join(scarce(world(60, 1), target="y", related=words, **FAST).notes)
    assert "'x0' in table has values that are no numbers" in notes
    assert "table lacks 1 column (g), which counts as missing in its rows" in notes
    assert "lacks 2" not in notes
    renamed = other.rename_columns([*other.column_names[:-1], "y_"])
    told = scarce(world(60, 1), target="y", related=renamed, **FAST).related
    assert told is not None and "it has 'y_': rename it" in told.sentence
    for rows, what in ((1, "only 1 row of it has a value of 'y'"), (4, "only 4 rows of it have a value")):
        told = scarce(world(60, 1), target="y", related=other.slice(0, rows), **FAST).related
        assert told is not None and what in told.sentence
    plus = scarce(
        world(60, 1), target="y", related=pa.concat_tables([world(60, 1), other.slice(0, 1)]), **FAST
    )
    assert plus.related is not None and "only 1 row is left of it" in plus.related.sentence


def test_what_is_too_thin_is_told_as_the_data_spell_it() -> None:
    own = world(60, 1)
    with pytest.raises(DataError, match="every test row is a row of table as well"):
        scarce(own, target="y", test=own, **FAST)
    with pytest.raises(DataError, match="no test row has the value 'no' in 'y'"):
        scarce(own, target="y", test=world(200, 2).filter(pa.compute.field("y") == "yes"), **FAST)
    with pytest.raises(DataError, match="only 1 test row has a value in 'y'"):
        scarce(own, target="y", test=world(200, 2).slice(0, 1), **FAST)
    with pytest.raises(DataError, match="1 row is too few"):
        scarce(world(3, 1).slice(0, 1).set_column(6, "y", pa.array(["yes"])), target="y", **FAST)
    with pytest.raises(UsageError, match="made by the target itself"):
        scarce(world(200, 1), target="y", amplify="y=yes", **FAST)
    with pytest.raises(DataError) as told:
        scarce(own.set_column(6, "y", pa.array(["yes"] * 60)), target="y", **FAST)
    assert told.value.do == "name another target"


def test_rows_that_repeat_are_told_since_they_are_learned_from_and_tested_on() -> None:
    notes = scarce(pa.concat_tables([world(20, 1)] * 4), target="y", **FAST).notes
    assert any("60 rows of 80 repeat an earlier one" in text for text in notes)
    assert not any("repeat" in text for text in scarce(world(80, 1), target="y", **FAST).notes)


def test_no_interval_goes_beyond_the_measure() -> None:
    found = scarce(world(80, 1, g=0.3), target="y", amplify="g=few", synthesizer="independent", repeats=1)
    real = found.way("real rows alone").score
    for way in found.judged:
        assert way.gain is not None and 0 <= real + way.gain.low <= real + way.gain.high <= 1
    assert found.to_json()["ways"]


def test_rows_of_few_values_look_alike_by_chance() -> None:
    rng = np.random.default_rng(0)
    few, many = (pa.table({"a": rng.integers(0, 3, n), "b": rng.integers(0, 4, n)}) for n in (60, 500))
    assert not same_rows(few, many, ["a", "b"]).any()
    own, other = (pa.table({"a": rng.normal(size=n), "b": rng.integers(0, 4, n)}) for n in (60, 500))
    assert not same_rows(own, other, ["a", "b"]).any()
    marked = same_rows(own, pa.concat_tables([other, own.slice(0, 9), own.slice(0, 9)]), ["a", "b"])
    assert marked.tolist() == [False] * 500 + [True] * 9 + [False] * 9


def test_ready_made_rows_are_tried_as_they_are_and_curated() -> None:
    made = world(700, 8)
    found = scarce(world(60, 1), target="y", generated=made, test=world(1500, 3), **CLEAR)
    assert found.way("rows of table").verdict == "helps" and found.way("rows of table, curated").added < 500
    assert found.lineage is not None and found.lineage["depth"] == 1
    assert any("too good to be true" in text for text in found.notes)


def test_a_group_is_amplified_and_the_others_are_watched() -> None:
    found = scarce(world(300, 1, g=0.2), target="y", amplify="g=few", synthesizer="few-shot", repeats=1)
    assert found.group == "g = 'few'" and {way.kind for way in found.judged} == {"rival", "group"}
    assert all(way.others is not None for way in found.judged)
    assert found.way(LEVELLED).added > 100
    assert "g = &#39;few&#39;" in render(found)


def test_what_is_no_minority_or_too_thin_is_refused() -> None:
    for amplify, what in (
        ("g=many", "no minority"),
        ("g=fw", "no row has"),
        ("gg=few", "there is no column"),
    ):
        with pytest.raises(UsageError, match=what):
            scarce(world(200, 1), target="y", amplify=amplify, **FAST)
    with pytest.raises(DataError, match="too few"):
        scarce(world(60, 1, g=0.1), target="y", amplify="g=few", **FAST)
    with pytest.raises(DataError, match="29 rows are too few"):
        scarce(world(29, 1), target="y", **FAST)
    rare = world(60, 1)
    label = pa.array(["yes"] * 3 + ["no"] * 57)
    with pytest.raises(DataError, match="only 3 rows have the value 'yes' in 'y': too few"):
        scarce(rare.set_column(6, "y", label), target="y", **FAST)


def test_numbers_are_predicted_too_and_have_no_class_weights() -> None:
    table = world(120, 1)
    total = pa.array(np.round(sum(table.column(f"x{j}").to_numpy() for j in range(5)), 3))
    found = scarce(table.set_column(6, "y", total), target="y", **FAST)
    assert found.measure == "R2" and [way.kind for way in found.judged] == ["generated"]
    assert "all 1 ways" not in found.sentence


def test_a_way_must_beat_copies_too_and_harm_is_no_help() -> None:
    up, down, flat = Contrast(0.02, 0.01, 0.03, 0), Contrast(-0.02, -0.03, -0.01, 0), Contrast(0, -1, 1, 0)
    assert decide(up, up) == "helps"
    assert decide(up, flat) == "no evidence"
    assert decide(up, down) == decide(down, flat) == decide(flat, down) == "does not help"
    assert decide(flat, flat) == "no evidence"


def test_intervals_that_hold_at_once_are_wider() -> None:
    one, all_six = (corrected_difference([0.1, 0.2, 0.3, 0.2], 0.25, level=1 - 0.05 / m) for m in (1, 6))
    assert all_six.low < one.low < one.high < all_six.high and one.value == all_six.value


def test_copies_are_even() -> None:
    block = Block(np.arange(7.0)[:, None], np.arange(7.0))
    counts = np.bincount(repeated(block, 25, np.random.default_rng(0)).y.astype(int))
    assert counts.sum() == 25 and counts.max() - counts.min() == 1


def test_rows_chosen_by_rows_outside_a_guarantee_lose_it(tmp_path: Path) -> None:
    from locum.data.lineage_stamp import with_stamp

    promised = REAL.child().under(Guarantee("(1, 1e-06)-differential privacy", "a" * 64))
    made = with_stamp(world(700, 8), promised)
    found = scarce(world(60, 1), target="y", generated=made, test=world(1500, 3), **CLEAR)
    assert found.lineage is not None and found.lineage["guarantee"]["voided"] == JUDGED
    assert any("is under a guarantee of privacy, and these figures are not" in text for text in found.notes)


def files(folder: Path, **tables: pa.Table) -> dict[str, str]:
    for name, table in tables.items():
        pc.write_csv(table, folder / f"{name}.csv")
    return {name: str(folder / f"{name}.csv") for name in tables}


def test_the_command_writes_rows_and_page_where_a_way_helps(tmp_path: Path, capsys: Any) -> None:
    at = files(tmp_path, few=world(60, 1), other=world(1500, 2), test=world(2000, 3))
    words = ["scarce", at["few"], "--target", "y", "--related", at["other"], "--test", at["test"]]
    words += ["--synthesizer", "independent", "--repeats", "2", "--rows", "500"]
    out, page = tmp_path / "more.csv", tmp_path / "page.html"
    assert main([*words, "--out", str(out), "--page", str(page)]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "Verdict: helps." in told and "other: helps." in told and f"written to {out}" in told
    rows = pc.read_csv(out)
    assert rows.column_names == world(9, 1).column_names and rows.num_rows == 500
    assert stamp_of(out) == REAL
    assert "<script" not in page.read_text() and "Yes, they help" in page.read_text()
    assert main([*words, "--out", str(out)]) == 2
    capsys.readouterr()
    assert main(["scarce", at["few"], "--target", "y", "--repeats", "1", "--rows", "50", "--json"]) == 0
    body = json.loads(capsys.readouterr().out)
    assert body["command"] == "scarce" and len(body["ways"]) == 6 and "drawn" not in body


def test_the_command_writes_nothing_where_none_helps(tmp_path: Path, capsys: Any) -> None:
    at = files(tmp_path, few=world(60, 1), other=noise(500, 2))
    out = tmp_path / "more.csv"
    words = ["scarce", at["few"], "--target", "y", "--related", at["other"], "--synthesizer", "bootstrap"]
    assert main([*words, "--repeats", "1", "--rows", "150", "--out", str(out)]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "Verdict: helps" not in told and "was not written: none of the ways is shown to help" in told
    assert not out.exists()


def test_the_same_seed_gives_the_same_figures() -> None:
    first, second = (
        locum.scarce(world(60, 1), target="y", related=world(300, 2), seed=4, **FAST) for _ in "ab"
    )
    assert isinstance(first, Scarcity) and first.ways == second.ways


def test_the_papers_limit_of_uncertainty_goes_by_the_rows() -> None:
    from locum.data.canonical import canonical
    from locum.data.read import read
    from locum.evaluation.curation import RANGE_SHARE, curate
    from locum.runs.init import detect

    schema = detect(world(120, 1))
    real, made = (canonical(read(world(n, n)), schema) for n in (120, 400))
    fixed, ranged = (curate(real, made, schema, "y", uncertainty=u) for u in (0.2, None))
    limit = ranged.dynamics.range_limit
    spread = ranged.dynamics.aleatoric
    assert limit == pytest.approx(RANGE_SHARE * (spread.max() - spread.min()))
    assert (~ranged.kept == ((ranged.dynamics.confidence <= 0.2) & (spread <= limit))).all()
    assert np.array_equal(fixed.dynamics.confidence, ranged.dynamics.confidence)
    assert 0 < (~fixed.kept).sum() < 400


def test_probabilities_of_every_round_are_those_of_the_learner() -> None:
    from locum.evaluation.learn.boosting import grow

    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(90, 3)), rng.integers(0, 3, 90)
    x[::7, 1] = np.nan
    forest = grow(x, y, "multiclass", categorical=(), seed=0, n_classes=3, rounds=12, leaf=3)
    stages = list(forest.stages(x))
    assert len(stages) == 12 and np.abs(stages[-1] - forest.predict(x)).max() < 1e-9
    fifth = np.exp(forest.booster.predict(x, num_iteration=5, raw_score=True))
    assert np.abs(stages[4] - fifth / fifth.sum(axis=1, keepdims=True)).max() < 1e-9
