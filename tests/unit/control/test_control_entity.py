"""Rows of persons: as many each as real persons have, the same in all where it is so, and none a real one."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import locum
from locum.codes.entity import EntityForm, once_each
from locum.codes.json_fields import Wire
from locum.data.canonical import canonical
from locum.data.detect import detect
from locum.data.read import read
from locum.schema.table import Schema
from locum.synthesizer.table import Synthesizer


def visits(persons: int = 120, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(persons), rng.integers(1, 8, persons))
    born = pd.Timestamp("1930-01-01") + pd.to_timedelta(rng.integers(0, 30000, persons), "D")
    sex = rng.choice(["F", "M"], persons)
    frame = pd.DataFrame(
        {
            "patient_id": [f"P{100 + i * 7:05d}" for i in who],
            "sex": sex[who],
            "born": born[who],
            "ward": rng.choice(["A", "B", "C"], len(who)),
            "day": rng.integers(1, 15, len(who)),
        }
    )
    return frame.sample(frac=1, random_state=seed).reset_index(drop=True)


@pytest.fixture(scope="module")
def real() -> pd.DataFrame:
    return visits()


@pytest.fixture(scope="module")
def fitted(real: pd.DataFrame) -> Synthesizer:
    return locum.fit(real, synthesizer="tree-fast", seed=3)


def test_as_many_rows_as_real_persons_have(real: pd.DataFrame, fitted: Synthesizer) -> None:
    rows = fitted.sample(len(real))
    sizes = [Counter(Counter(frame["patient_id"]).values()) for frame in (real, rows)]
    assert sizes[0] == sizes[1]
    assert not set(rows["patient_id"]) & set(real["patient_id"])


def test_what_is_the_same_in_all_rows_stays_so(real: pd.DataFrame, fitted: Synthesizer) -> None:
    rows = fitted.sample(500)
    each = rows.groupby("patient_id").nunique(dropna=False)
    assert (each[["sex", "born"]] == 1).all().all()
    assert (each["ward"] > 1).any()
    # Of some 27,000 days about one is hit by chance; six or more in 6 of 10,000 tables.
    same = set(rows["born"]) & set(real["born"])
    assert len(same) < 6, "a date that one person has in every row is not learned"


def test_a_model_file_keeps_it(fitted: Synthesizer, tmp_path: object) -> None:
    path = tmp_path / "m.locum"  # type: ignore[operator]
    fitted.save(path)
    again = Synthesizer.load(path)
    assert again.fitted.entity == fitted.fitted.entity
    pd.testing.assert_frame_equal(again.sample(200, seed=1), fitted.sample(200, seed=1))


def test_conditions_and_rules_hold_in_every_row(fitted: Synthesizer) -> None:
    rows = fitted.sample(300, where="ward != 'C'", rules=["unique(patient_id, day)"])
    assert set(rows["ward"]) <= {"A", "B"}
    assert not rows.duplicated(["patient_id", "day"]).any()
    assert rows.groupby("patient_id")["sex"].nunique().max() == 1


@pytest.mark.parametrize(
    "wish", [{"targets": {"sex": "balanced"}}, {"given": pd.DataFrame({"sex": ["F"] * 40})}]
)
def test_rows_that_are_not_drawn_by_persons_have_one_each(
    fitted: Synthesizer, wish: dict[str, object]
) -> None:
    rows = fitted.sample(None if "given" in wish else 40, **wish)  # type: ignore[arg-type]
    assert rows["patient_id"].is_unique


def test_where_each_row_is_somebody_elses_ids_are_drawn_apart(real: pd.DataFrame) -> None:
    """Negative control: without the entity a person has two sexes."""
    raw = read(real)
    schema = detect(raw)
    plain = Schema(schema.columns, schema.dependencies, name=schema.name)
    rows = Synthesizer("tree-fast", seed=3).fit(real, schema=plain).sample(500)
    assert rows.groupby("patient_id")["sex"].nunique().max() == 2


@given(st.lists(st.integers(1, 40), min_size=1, max_size=60), st.integers(1, 500), st.integers(0, 2**32))
def test_sizes_add_up_and_follow_the_real_ones(real: list[int], n: int, seed: int) -> None:
    kinds, counts = np.unique(real, return_counts=True)
    form = EntityForm("p", (), (), (), tuple(kinds.tolist()), tuple(counts.tolist()), 0, False)
    sizes = form.draw_sizes(n, np.random.default_rng(seed))
    assert sizes.sum() == n
    assert (sizes >= 1).all()
    assert (~np.isin(sizes, kinds)).sum() <= 1, "at most the last person takes what is left"
    if n == sum(real):
        assert sorted(sizes.tolist()) == sorted(real)


def test_the_form_reads_back_and_refuses_what_cannot_be(real: pd.DataFrame) -> None:
    raw = read(real)
    schema = detect(raw)
    form = EntityForm.fit(canonical(raw, schema), schema)
    assert (form.name, form.constants, form.persons) == ("patient_id", ("sex", "born"), 120)
    assert EntityForm.from_json(Wire.of(form.to_json(), "e"), schema) == form
    for key, value in {"name": "sex", "constants": ["patient_id"], "sizes": [0], "made": ["sex"]}.items():
        with pytest.raises(locum.errors.FileFormatError):
            EntityForm.from_json(Wire.of({**form.to_json(), key: value}, "e"), schema)


def test_a_slip_of_the_pen_is_no_change() -> None:
    frame = visits(400)
    frame.loc[0, "sex"] = {"F": "M", "M": "F"}[str(frame.loc[0, "sex"])]
    raw = read(frame)
    schema = detect(raw)
    assert "sex" in EntityForm.fit(canonical(raw, schema), schema).constants


def test_a_value_counts_once_for_each_person() -> None:
    import pyarrow as pa

    values = pa.array(["a", "a", "b", "a", None, "b"])
    assert once_each(values, np.array([0, 0, 0, 1, -1, -1])).to_pylist() == ["a", "b", "a", None, "b"]


@pytest.mark.parametrize("name", ["tree-fast", "independent"])
def test_a_constant_that_follows_from_what_changes_still_follows(name: str) -> None:
    rng = np.random.default_rng(0)
    who = np.repeat(np.arange(150), rng.integers(2, 8, 150))
    land = rng.choice(["DE", "FR", "IT"], 150)[who]
    towns = {"DE": ["Ulm", "Kiel"], "FR": ["Lyon", "Nice"], "IT": ["Bari", "Pisa"]}
    frame = pd.DataFrame({"patient_id": who, "land": land, "town": [rng.choice(towns[c]) for c in land]})
    rows = locum.fit(frame, synthesizer=name).sample(500)
    assert rows.groupby("patient_id")["land"].nunique().max() == 1
    assert rows.groupby("patient_id")["town"].nunique().max() > 1
    assert all(town in towns[country] for town, country in zip(rows["town"], rows["land"], strict=True))
