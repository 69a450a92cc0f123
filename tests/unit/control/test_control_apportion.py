"""Given rows with asked shares: classes are handed out to quota, along ways that rows can go."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from locum.control.drawn_rows import Infeasible
from locum.control.given_shares import assign_classes
from locum.schema.column import Column
from locum.schema.table import Schema
from locum.synthesizer.table import Synthesizer

SCHEMA = Schema(
    (Column("sex", "category", nullable=False), Column("late", "boolean", nullable=False)), name="two"
)


@pytest.fixture(scope="module")
def synth() -> Synthesizer:
    """Women late one time in ten, men four times in ten."""
    rng = np.random.default_rng(0)
    sex = rng.choice(["F", "M"], 8000)
    late = rng.random(8000) < np.where(sex == "F", 0.1, 0.4)
    return Synthesizer("tree-fast", seed=1).fit_table(pa.table({"sex": sex, "late": late}), SCHEMA)


def test_quotas_are_met_by_way_of_a_third_class() -> None:
    # Rows of the first sort can be 0 or 1, of the second 1 or 2: class 2 can only grow through class 1.
    chance = np.vstack([np.tile([0.9, 0.1, 0.0], (50, 1)), np.tile([0.0, 0.9, 0.1], (50, 1))])
    cls = assign_classes(chance, np.array([30, 30, 40]), np.random.default_rng(1))
    assert np.bincount(cls, minlength=3).tolist() == [30, 30, 40]
    assert (chance[np.arange(100), cls] > 0).all()
    # What cannot be is left as near as it can be.
    far = assign_classes(chance, np.array([0, 0, 100]), np.random.default_rng(1))
    assert np.bincount(far, minlength=3)[2] == 50


@pytest.mark.statistical
def test_shares_are_reached_and_odds_between_given_rows_stay(synth: Synthesizer) -> None:
    """The odds ratio of lateness between the sexes stays that of the model (6.0) under the tilt, within a
    factor of 1.6: 4 standard errors of its log at these counts (false alarms below 1e-4)."""
    given = pa.table({"sex": ["F", "M"] * 1000})
    rows = synth.draw(given=given, targets={"late": {True: 0.5}}, seed=3)
    late, sex = np.asarray(rows.table.column("late")), np.array(rows.table.column("sex").to_pylist())
    assert sex.tolist() == ["F", "M"] * 1000
    assert abs(late.mean() - 0.5) <= 1 / 2000
    p, q = late[sex == "M"].mean(), late[sex == "F"].mean()
    ratio = p / (1 - p) / (q / (1 - q))
    assert 6.0 / 1.6 < ratio < 6.0 * 1.6
    assert rows.kl is not None and rows.kl > 0


def test_given_cells_that_fix_the_shares_are_told(synth: Synthesizer) -> None:
    with pytest.raises(Infeasible, match=r"a share of 0.25 to 0.25, and 0.5 is asked for") as caught:
        synth.draw(given=pa.table({"sex": ["F", "M", "M", "M"] * 5}), targets={"sex": {"F": 0.5}}, seed=1)
    assert caught.value.proven and "0.25" in caught.value.nearest
