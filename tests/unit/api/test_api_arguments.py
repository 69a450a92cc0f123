"""Arguments of a wrong type are refused in one sentence; one name may stand where several may."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import locum
from locum.runs.sample import sample_file

FRAME = pd.DataFrame({"sex": ["f", "m"] * 40, "age": list(range(20, 100)), "dose": [1, 2, None, None] * 20})


@pytest.fixture(scope="module")
def synth() -> locum.Synthesizer:
    return locum.fit(FRAME, synthesizer="independent")


@pytest.mark.parametrize(
    ("wishes", "said"),
    [
        ({"where": 5}, "where: 5 is no text"),
        ({"where": ["age > 30", None]}, "where: None is no text"),
        ({"rules": 5}, "rules: 5 is no text"),
        ({"targets": "sex = balanced"}, "targets: 'sex = balanced' is no mapping"),
        ({"targets": ["sex"]}, "targets: .* is no mapping"),
    ],
)
def test_wishes_of_a_wrong_type(synth: locum.Synthesizer, wishes: dict[str, Any], said: str) -> None:
    with pytest.raises(locum.LocumError, match=said):
        synth.sample(5, **wishes)


def test_no_rules_may_be_none(synth: locum.Synthesizer) -> None:
    assert len(synth.sample(5, rules=None)) == 5  # type: ignore[arg-type]


def test_what_is_no_model_no_schema_or_no_table() -> None:
    with pytest.raises(locum.LocumError, match="model: a NoneType is no model file"):
        locum.sample(None, 5)  # type: ignore[arg-type]
    with pytest.raises(locum.LocumError, match="model: a int is no model file"):
        locum.load(5)  # type: ignore[arg-type]
    for verb in (locum.fit, locum.run, locum.impute):
        with pytest.raises(locum.LocumError, match=r"schema: a str is no schema.*locum.detect"):
            verb(FRAME, schema="locum.toml")
    with pytest.raises(locum.LocumError, match="synthetic: no rows to be judged were named"):
        locum.evaluate(FRAME, None)


def test_one_name_may_stand_where_several_may() -> None:
    assert locum.detect(FRAME, protected="sex").protected == ("sex",)
    assert locum.impute(FRAME, columns="dose")["dose"].notna().all()
    with pytest.raises(locum.LocumError, match="there is no column 'sexx'"):
        locum.evaluate(FRAME, FRAME, protected="sexx")
    with pytest.raises(locum.LocumError, match="there is no loop 'replaced'"):
        locum.collapse(FRAME, loops="replaced")
    with pytest.raises(locum.LocumError, match=r"no\.csv: there is no such file"):
        locum.compare("no.csv", ["independent"])


def test_filled_rows_keep_their_index(synth: locum.Synthesizer) -> None:
    """So that a filled column can be put beside the old ones."""
    odd = FRAME.set_axis(range(7, 87), axis=0)
    for model in (None, synth):
        made = locum.impute(odd, model=model)
        assert made.index.equals(odd.index)
        assert made["age"].equals(odd["age"])


def test_a_missing_number_of_rows_is_said(synth: locum.Synthesizer, tmp_path: Path) -> None:
    synth.save(tmp_path / "m.locum")
    with pytest.raises(locum.LocumError, match="--rows: the number of rows is missing"):
        sample_file(tmp_path / "m.locum", tmp_path / "rows.csv")
