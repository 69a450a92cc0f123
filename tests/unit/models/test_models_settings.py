"""Settings as data: checks, error texts, repr and parameters of every generator."""

from __future__ import annotations

import math
from dataclasses import FrozenInstanceError, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from locum.errors import NotFittedError, UsageError
from locum.models import registry
from locum.models.base import CountModel, Guided, Model
from locum.models.settings import Constraint, ModelSettings, setting, whole
from locum.models.tree.model import TreeModel
from locum.schema.column import Column
from locum.schema.domain import Attribute, Coded, Domain
from locum.schema.table import Schema
from locum.synthesizer.table import Synthesizer

NAMES = registry.names()


@pytest.mark.parametrize(
    ("constraint", "good", "bad", "expected"),
    [
        (
            Constraint("whole", "", low=1, high=8),
            [1, 8],
            [0, 9, 1.0, True, None, "3"],
            "a whole number from 1 to 8",
        ),
        (
            Constraint("number", "", low=0.5),
            [0.5, 7, math.pi],
            [0.4, True, math.nan, "1"],
            "a number from 0.5",
        ),
        (Constraint("number", "", low=0, outside=("low",)), [1e-9], [0, -1], "a number above 0"),
        (
            Constraint("number", "", low=0, high=1, outside=("low", "high")),
            [0.5],
            [0, 1, math.nan],
            "a number above 0 and below 1",
        ),
        (
            Constraint("number", "", low=0, high=4096, outside=("low",), optional=True),
            [4096, None],
            [0, 4097],
            "a number above 0, at most 4,096, or None",
        ),
        (Constraint("whole", "", choices=(2, 3), optional=True), [2, 3, None], [4, True], "2 or 3, or None"),
        (Constraint("text", "", choices=("a", "b")), ["a"], ["c", None, 1], "a or b"),
        (Constraint("flag", ""), [True, False], [1, 0, None, "yes"], "true or false"),
        (Constraint("text", ""), ["", "x"], [1, None], "text"),
    ],
)
def test_constraints_allow_what_they_say(
    constraint: Constraint, good: list[Any], bad: list[Any], expected: str
) -> None:
    assert [v for v in good if not constraint.allows(v)] == []
    assert [v for v in bad if constraint.allows(v)] == []
    assert constraint.expected == expected


@dataclass(frozen=True, kw_only=True)
class Knobs(ModelSettings):
    """Two knobs."""

    depth: int = whole(3, 1, 9, "How deep.")
    name: str = setting("x", "text", "What it is called.")


def test_a_settings_class_checks_its_values_and_names() -> None:
    knobs = Knobs.of({"depth": 4}, "here")
    assert knobs.non_defaults() == {"depth": 4} and knobs.to_json() == {"depth": 4, "name": "x"}
    with pytest.raises(UsageError, match=r"depth=12 is not usable. Expected a whole number from 1 to 9."):
        Knobs(depth=12)
    with pytest.raises(UsageError, match=r"here: there is no setting 'dept'.*Did you mean depth"):
        Knobs.of({"dept": 4}, "here")
    with pytest.raises(FrozenInstanceError):
        knobs.depth = 5  # type: ignore[misc]


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_of_a_generator_is_said_and_checked(name: str) -> None:
    """Nothing can be set that has no sentence, and no default is refused by its own constraint."""
    made = registry.create(name)
    constraints = made.settings_type.constraints()
    params = made.get_params()  # type: ignore[attr-defined]
    assert list(params) == list(constraints)
    for key, constraint in constraints.items():
        assert constraint.sentence.endswith(".") and constraint.allows(params[key]), key
        wrong = object() if constraint.kind != "object" else None
        with pytest.raises(UsageError, match=f"{key}="):
            registry.create(name, **{key: wrong})
    with pytest.raises(UsageError, match=f"synthesizer {name}: there is no setting 'nonsense'"):
        registry.create(name, nonsense=1)


@pytest.mark.parametrize("name", NAMES)
def test_parameters_make_the_same_generator_again(name: str) -> None:
    made: Any = registry.create(name)
    again = type(made)(**made.get_params())
    assert repr(again) == repr(made) and again.settings == made.settings


def test_parameters_can_be_changed_and_then_ask_for_a_new_fit() -> None:
    data = Coded(
        Domain((Attribute("a", "a", 2, True),)),
        np.asfortranarray(np.arange(40, dtype=np.int32).reshape(-1, 1) % 2),
    )
    model = TreeModel(correction=False, members=1).fit(data, seed=0)
    assert repr(model) == "TreeModel(members=1, correction=False)"
    assert model.set_params(members=2) is model and model.get_params()["members"] == 2
    assert model.get_params()["correction"] is False
    with pytest.raises(NotFittedError):
        model.sample(1, seed=0)
    with pytest.raises(UsageError, match="members=0"):
        model.set_params(members=0)
    assert model.get_params()["members"] == 2


def test_protocols_tell_generators_apart() -> None:
    made = {name: registry.create(name) for name in NAMES}
    assert all(isinstance(m, Model) for m in made.values())
    private = {name for name, m in made.items() if isinstance(m, CountModel)}
    assert private == {
        "independent",
        "mwem",
        "privbayes",
        "jam",
        "tab-pe",
        "pmw-pub",
        "aim",
        "mst",
        "swift",
    }
    public = {name for name, m in made.items() if isinstance(m, CountModel) and m.needs_public}
    assert public == {"jam", "pmw-pub"}
    assert {name for name, m in made.items() if isinstance(m, Guided)} == {
        "tree",
        "tree-fast",
        "bayes-net",
        "independent",
        "bootstrap",
        "aim",
        "mst",
        "swift",
        "jam",
    }


def test_who_takes_a_target_follows_from_the_settings() -> None:
    takes = {name for name in NAMES if registry.entry_of(name).takes("target")}
    assert takes == {"tree", "few-shot", "aim", "swift", "jam"}
    assert not registry.entry_of("tree-fast").takes("target")  # a second pass would take the fast one's time


def test_a_synthesizer_tells_and_changes_its_generators_settings() -> None:
    synth = Synthesizer("tree-fast", seed=1)
    known = synth.get_params()
    assert known["members"] == 2  # what the name stands for
    assert Synthesizer("tree-fast", seed=1, **known).get_params() == known
    table = pa.table({"x": ["a", "b"] * 20})
    schema = Schema((Column("x", "category"),))
    synth.fit_table(table, schema)
    with pytest.raises(UsageError, match="no setting 'member'"):
        synth.set_params(member=3)
    assert synth.get_params() == known and synth.n_rows == 40
    assert synth.set_params(members=3).get_params()["members"] == 3
    with pytest.raises(NotFittedError):
        synth.sample(1)
