"""What goes wrong when models or generators learn from the rows: known stand-ins get what they deserve."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from locum.evidence.result import Result
from locum.evidence.trial import Trial
from locum.metrics import mixture as mixing
from locum.metrics.mixture import mixture
from locum.metrics.utility import chosen_targets
from locum.schema.column import Column
from locum.schema.table import Schema
from locum.studies import generations
from locum.studies.controls import _shuffled, _uniform
from locum.studies.generations import next_generation

SCHEMA = Schema(
    (Column("x", "number"), Column("y", "integer"), Column("c", "category"), Column("label", "boolean")),
    target="label",
)


def rows(n: int, seed: int) -> pa.Table:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    kinds = np.array([f"k{i}" for i in range(12)])
    return pa.table(
        {
            "x": x,
            "y": np.round(10 * (x + 0.5 * rng.normal(size=n))).astype(int),
            "c": kinds[np.minimum(rng.geometric(0.3, n) - 1, 11)].tolist(),
            "label": rng.random(n) < 1 / (1 + np.exp(-3 * x)),
        }
    )


REAL, HELD = rows(1500, 0), rows(1500, 1)


def spoilt(how: Callable[..., pa.ChunkedArray], real: pa.Table = REAL) -> pa.Table:
    rng = np.random.default_rng(3)
    return pa.table([how(real.column(c.name), c, rng) for c in SCHEMA], names=list(SCHEMA.names))


def opposite() -> pa.Table:
    """Rows whose label says the opposite."""
    at = REAL.schema.names.index("label")
    return REAL.set_column(at, "label", pa.array(~np.array(REAL["label"])))


def mix(synthetic: pa.Table, held: pa.Table | None = HELD) -> Result:
    trial = Trial(SCHEMA, REAL, synthetic, held, 5, "label")
    (found,) = mixture(trial, chosen_targets(trial))
    return found


def generation(synthetic: pa.Table) -> Result:
    (found,) = next_generation(Trial(SCHEMA, REAL, synthetic, HELD, 5, "label"))
    return found


def test_a_copy_neither_helps_nor_harms() -> None:
    found = mix(REAL)
    assert abs(found.value) < 0.01 and found.verdict == "good"  # LightGBM cuts its bins by the count of rows


def test_fresh_rows_do_no_harm_and_opposite_labels_do() -> None:
    assert mix(rows(1500, 2)).verdict == "good"
    found = mix(opposite())
    assert found.verdict == "poor" and found.high is not None and found.high < -0.05
    assert "harms" in found.sentence


def test_without_a_target_or_skill_nothing_is_claimed() -> None:
    assert mixture(Trial(SCHEMA, REAL, REAL, HELD, 5), []) == []
    blind = spoilt(_shuffled)
    trial = Trial(SCHEMA, blind, blind, spoilt(_shuffled, HELD), 5, "label")
    assert mixture(trial, chosen_targets(trial))[0].verdict == "unclear"


@pytest.mark.parametrize(
    ("low", "high", "skill", "floor", "verdict"),
    [
        (-0.009, 0.02, 0.5, 0.5, "good"),
        (-0.02, 0.01, 0.5, 0.5, "unclear"),
        (-0.02, -0.001, 0.5, 0.5, "fair"),
        (-0.05, -0.02, 0.5, 0.5, "poor"),
        (-0.05, -0.02, 0.01, 0.5, "unclear"),
        (0.001, 0.2, 0.4, 0.0, "good"),
    ],
)
def test_verdicts_on_mixing(low: float, high: float, skill: float, floor: float, verdict: str) -> None:
    assert mixing.verdict_of(low, high, skill, floor) == verdict


def test_one_more_generation_of_real_rows_is_little_worse() -> None:
    found = generation(rows(1500, 2))
    detail = found.detail
    assert found.verdict in ("good", "fair") and 0 < found.value < 0.3 * (found.floor or 0)
    assert detail["second"] - detail["first"] == pytest.approx(found.value)
    assert detail["rare"] >= detail["lost_second"] >= 0 and "instead of real ones" in found.sentence


def test_shuffled_rows_have_nothing_to_lose_and_uniform_rows_are_beyond_them() -> None:
    assert generation(spoilt(_shuffled)).verdict == "unclear"
    assert generation(spoilt(_uniform)).verdict == "poor"


@pytest.mark.parametrize(
    ("growth", "way", "verdict"),
    [
        (0.01, 0.2, "good"),
        (-0.01, 0.2, "good"),
        (0.05, 0.2, "fair"),
        (0.1, 0.2, "poor"),
        (0.1, 0.01, "unclear"),
    ],
)
def test_verdicts_on_a_generation(growth: float, way: float, verdict: str) -> None:
    assert generations.verdict_of(growth, way) == verdict


def test_rows_beyond_shuffled_columns_are_poor_and_few_real_rows_accuse_nobody() -> None:
    assert generations.verdict_of(0.0, -0.05, beyond=0.05) == "poor"
    # A yardstick of fresh rows beyond shuffled columns says that the rows are few, not that they are bad.
    assert generations.verdict_of(0.0, -0.05) == "unclear"


def test_two_columns_one_column_and_one_row() -> None:
    two = Schema(SCHEMA.columns[:2])
    small = REAL.select(["x", "y"])
    assert next_generation(Trial(two, small, small, small, 1))[0].detail["rows"] == 1500
    one = Schema(SCHEMA.columns[:1])
    assert next_generation(Trial(one, small.select(["x"]), small.select(["x"]), None, 1)) == []
    assert next_generation(Trial(two, small, small.slice(0, 1), small, 1)) == []
