"""Tables of persons with several rows are judged in persons."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from locum.evaluation.attacks.copies import copied_persons
from locum.evaluation.decision import judged
from locum.evaluation.persons import by_person
from locum.evaluation.trial import Trial
from locum.schema.column import Column
from locum.schema.table import Schema

SCHEMA = Schema(
    (Column("id", "id"), Column("sex", "category"), Column("born", "integer"), Column("x", "number")),
    entity="id",
)


def table(first: int, persons: int = 60, seed: int = 0, born: np.ndarray | None = None) -> pa.Table:
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(persons), rng.integers(1, 6, persons))
    sex = rng.choice(["f", "m"], persons)
    born = rng.integers(0, 10**6, persons) if born is None else born
    ids = [f"p{first + i}" for i in who]
    return pa.table({"id": ids, "sex": sex[who], "born": born[who], "x": rng.normal(size=len(who))})


def test_one_row_of_each_and_nobody_on_both_sides() -> None:
    train, made, held = table(0), table(1000, seed=1), table(50, seed=2)
    one = by_person(SCHEMA, train, made, held, seed=0)
    assert (one.train.num_rows, one.synthetic.num_rows) == (60, 60)
    assert one.holdout is not None
    assert one.holdout.num_rows == 50
    assert not set(one.holdout.column("id").to_pylist()) & set(train.column("id").to_pylist())
    assert set(one.constants) == {"sex", "born"}
    assert "10 values of id in the hold-out" in one.alerts[0].sentence


def test_real_ids_among_synthetic_ones_are_told() -> None:
    one = by_person(SCHEMA, table(0), table(30, seed=1), None, seed=0)
    assert any("carry a id of the rows" in a.sentence or "carry" in a.sentence for a in one.alerts)


def test_without_an_entity_nothing_changes() -> None:
    train = table(0)
    one = by_person(Schema(SCHEMA.columns), train, train, None, seed=0)
    assert one.train is train
    assert not one.alerts


def test_copied_persons_are_found_though_no_row_is_copied() -> None:
    born = np.random.default_rng(9).integers(0, 10**6, 60)
    train, held = table(0, born=born), table(500, seed=2)
    verdicts = {}
    for name, made in {"copy": table(1000, seed=0, born=born), "fresh": table(1000, seed=3)}.items():
        one = by_person(SCHEMA, train, made, held, seed=0)
        trial = Trial(SCHEMA, one.train, one.synthetic, one.holdout, constants=one.constants)
        (result,) = judged(copied_persons(trial))
        verdicts[name] = result.verdict
        assert "persons" in result.sentence
    assert verdicts["copy"] == "poor" and verdicts["fresh"] in ("good", "unclear")
