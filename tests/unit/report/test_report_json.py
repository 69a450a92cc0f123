"""report.json: every number, unrounded, in plain JSON."""

# ruff: noqa: E501 (tables of cases)

from __future__ import annotations

import dataclasses
import json
import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from locum.evaluation.result import plain
from locum.report.json import SCHEMA_VERSION, to_json


def test_every_field_of_every_result_is_there(evidence, context):
    document = json.loads(json.dumps(to_json(evidence, context), allow_nan=False))
    assert document["schema_version"] == SCHEMA_VERSION and document["internal"] is True
    assert len(document["evidence"]["results"]) == len(evidence.results)
    for stored, result in zip(document["evidence"]["results"], evidence.results, strict=True):
        for name in ("name", "value", "low", "high", "target", "reference", "floor", "verdict", "sentence"):
            assert stored[name] == getattr(result, name)
        assert stored["detail"] == result.detail


def test_views_controls_and_context_are_there(evidence, context):
    document = json.loads(json.dumps(to_json(evidence, context), allow_nan=False))
    inner = document["evidence"]
    assert set(inner) == set(evidence.__dataclass_fields__)
    for stored, view in zip(inner["columns"], evidence.columns, strict=True):
        assert stored["synthetic"] == list(view.synthetic) and stored["tv"] == view.tv
    for stored, pair in zip(inner["pairs"], evidence.pairs, strict=True):
        assert stored["real"] == [list(row) for row in pair.real]
    assert inner["controls"][0]["values"] == dict(evidence.controls[0].values)
    assert inner["cpu_s"] == dict(evidence.cpu_s)
    assert document["verdicts"] == {a.question: a.verdict for a in evidence.answers}
    assert document["context"]["settings"] == dict(context.settings)
    assert document["context"]["treatments"][0]["column"] == "age"


def test_numpy_and_infinite_numbers_become_plain(evidence, context):
    odd = dataclasses.replace(
        evidence.results[0], value=np.float64("nan"), low=np.float32(0.5),
        detail={"n": np.int64(3), "yes": np.True_, "curve": np.array([0.0, math.inf]), "set": {"b", "a"}},
    )  # fmt: skip
    document = to_json(dataclasses.replace(evidence, results=(odd,)), context)
    stored = json.loads(json.dumps(document, allow_nan=False))["evidence"]["results"][0]
    assert stored["value"] is None and stored["low"] == 0.5
    assert stored["detail"] == {"n": 3, "yes": True, "curve": [0.0, None], "set": ["a", "b"]}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)  # fmt: skip


@given(json_values)
def test_json_values_are_unchanged(value):
    assert plain(value) == value
