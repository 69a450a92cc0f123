"""Requirements: three verdicts, from TOML and the command line, and an exit code that can gate a build."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pyarrow.csv as csv
import pytest

import locum
from locum.cli.main import main
from locum.errors import SchemaError
from locum.evaluation.limits import Requirement, Requirements, check, parse_limits, requirements
from locum.evaluation.result import Result
from locum.runs.config import Config, parse_config
from locum.runs.config_text import dump_config


def result(name="c2st", value=0.55, low=0.52, high=0.58):
    return Result(name, name, "faithful", value, "lower", "s.", low, high)


@pytest.mark.parametrize(
    ("bound", "limit", "verdict"),
    [
        ("max", 0.60, "pass"),
        ("max", 0.58, "pass"),
        ("max", 0.55, "unclear"),
        ("max", 0.51, "fail"),
        ("min", 0.50, "pass"),
        ("min", 0.55, "unclear"),
        ("min", 0.59, "fail"),
    ],
)
def test_the_interval_decides(bound, limit, verdict):
    (found,) = check([result()], Requirements((Requirement("c2st", bound, limit),)))
    assert found.verdict == verdict
    assert "0.55" in found.sentence
    (strict,) = check([result()], Requirements((Requirement("c2st", bound, limit),), strict=True))
    assert strict.verdict == ("fail" if verdict == "unclear" else verdict)


def test_without_an_interval_the_value_decides():
    found = check([result(low=None, high=None)], parse_limits(["c2st.max=0.55", "c2st.min = 0.56"]))
    assert [c.verdict for c in found] == ["pass", "fail"]


def test_what_was_not_measured_is_not_met():
    (found,) = check([result("utility.kept")], parse_limits(["utility.kpt.min=0.9"]))
    assert found.verdict == "fail"
    assert "not measured" in found.sentence and "utility.kept" in found.sentence
    assert found.value is None


def test_toml_there_and_back():
    text = """
version = 1
[schema.t.x]
kind = "number"
[require]
strict = true
c2st.max = 0.6
"utility.tstr.a b".min = 1
copying.membership.max = 0.55
"""
    config = parse_config(text)
    assert config.require == Requirements(
        (
            Requirement("c2st", "max", 0.6),
            Requirement("utility.tstr.a b", "min", 1.0),
            Requirement("copying.membership", "max", 0.55),
        ),
        strict=True,
    )
    again = parse_config(dump_config(config))
    assert isinstance(again, Config)
    assert again.require == config.require


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ({"c2st": 0.6}, "require.c2st"),
        ({"c2st": {"most": 0.6}}, "require.c2st.most"),
        ({"c2st": {"max": "low"}}, "require.c2st.max"),
        ({"c2st": {"max": True}}, "require.c2st.max"),
        ({"c2st": {"max": float("nan")}}, "require.c2st.max"),
        ({"strict": 3}, "require.strict"),
    ],
)
def test_mistakes_are_named(given, place):
    with pytest.raises(SchemaError) as told:
        requirements(given)
    assert told.value.where == place


@pytest.mark.parametrize("text", ["c2st.max", "c2st.max=low"])
def test_mistakes_on_the_command_line_are_named(text):
    with pytest.raises(SchemaError, match="require"):
        parse_limits([text])


def _table(seed, n=240):
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 1, n)
    return pa.table({"x": x, "y": x + rng.normal(0, 1, n), "c": np.where(x > 0, "a", "b").tolist()})


def test_in_python_and_at_the_command_line(tmp_path, capsys):
    paths = []
    for i, name in enumerate(("real.csv", "fake.csv", "held.csv")):
        paths.append(tmp_path / name)
        csv.write_csv(_table(i), paths[-1])
    found = locum.evaluate(
        paths[0], paths[1], holdout=paths[2], require={"c2st.max": 1.0, "tv.1way.max": 0.0}
    )
    assert [c.verdict for c in found.evidence.requirements] == ["pass", "fail"]
    assert not found.passed
    assert "tv.1way" in found.page() and "What was required" in found.page()
    common = ["evaluate", "--real", str(paths[0]), "--synthetic", str(paths[1]), "--json"]
    assert main([*common, "--require", "c2st.max=1"]) == 0
    assert json.loads(capsys.readouterr().out)["passed"] is True
    assert main([*common, "--require", "c2st.max=0.0"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["passed"] is False
    assert told["evidence"]["requirements"][0]["verdict"] == "fail"
    assert main([*common, "--require", "c2st.max"]) == 1
    assert json.loads(capsys.readouterr().out)["error"] == "SchemaError"


def test_a_run_keeps_its_requirements(tmp_path):
    config = tmp_path / "locum.toml"
    csv.write_csv(_table(1), tmp_path / "t.csv")
    config.write_text(
        'version = 1\n[data]\nt = { path = "t.csv" }\n[schema.t.x]\nkind = "number"\n'
        '[schema.t.y]\nkind = "number"\n[schema.t.c]\nkind = "category"\n'
        '[model]\nname = "independent"\n[require]\nassociation.max = 0.0\n'
    )
    out = locum.run(tmp_path / "t.csv", tmp_path / "out")
    assert not out.passed
    assert out.requirements[0].verdict == "fail"
    assert "association.max = 0.0" in (tmp_path / "out" / "locum.toml").read_text()
    again = locum.run(tmp_path / "t.csv", tmp_path / "out")
    assert again.requirements == out.requirements
