"""The shell around every command: help, versions, refusals, failures, Ctrl-C."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import locum
from locum.cli.helppage import below, commands
from locum.cli.main import COMMANDS, main


def test_help_lists_every_command_with_a_sentence(capsys):
    assert main(["--help"]) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    for name in COMMANDS:
        assert f"  {name} " in shown.out


def test_no_arguments_is_help(capsys):
    assert main([]) == 0
    assert "Start:" in capsys.readouterr().out


def test_the_list_holds_every_command_once_and_cuts_no_sentence(capsys):
    assert [name for name, _ in below("")] == list(COMMANDS)
    sections = [spec["section"] for _, spec in below("")]
    assert len(set(sections)) == sum(a != b for a, b in zip(sections, ["", *sections], strict=False))
    for argv in (["--help"], ["text", "--help"], ["text", "private", "--help"], ["models", "--help"]):
        assert main(argv) == 0
        assert "..." not in capsys.readouterr().out.split("Options:")[1]


@pytest.mark.parametrize("command", [c for c in COMMANDS if c not in ("text", "models", "keys")])
def test_examples_are_calls_that_the_parser_takes(command, capsys):
    """Arguments and options of an example exist; nothing is run."""
    import shlex

    from locum.cli.main import _app

    assert main([command, "--help"]) == 0
    shown = capsys.readouterr().out
    for call in commands()[command]["examples"]:
        assert f"  {call}" in shown
        name, sub, *rest = shlex.split(call)
        assert name == "locum"
        _app(sub).commands[sub].make_context(sub, rest)


def test_calls_in_the_readme_are_taken_by_the_parser():
    """Of ``locum`` lines in the README, those of plain commands; text has commands of its own."""
    import shlex

    from locum.cli.main import _app

    readme = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
    calls = [line[2:] for line in readme.splitlines() if line.startswith("$ locum ")]
    assert len(calls) > 12
    for call in calls:
        _, sub, *rest = shlex.split(call, comments=True)
        if sub != "text":
            _app(sub).commands[sub].make_context(sub, rest)


def test_options_of_the_private_mode_stand_together(capsys):
    assert main(["run", "--help"]) == 0
    before, _, after = capsys.readouterr().out.partition("With --epsilon:\n")
    assert "--epsilon" in before and "--delta" not in before and "--delta" in after


def test_a_group_without_a_command_is_help(capsys):
    assert main(["text"]) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("Usage: locum text") and shown.err == ""


def test_words_are_wrapped_on_a_terminal_only():
    import io

    from rich.console import Console

    from locum.cli.console import wrap

    text = "  " + "word " * 30
    terminal = Console(file=io.StringIO(), force_terminal=True, width=40)
    lines = wrap(text, terminal, hang=2).splitlines()
    assert all(len(line) < 40 and line.startswith("  word") for line in lines) and len(lines) > 3
    assert wrap("Next: " + text, terminal) == "Next: " + text
    assert wrap(text, Console(file=io.StringIO(), width=40)) == text


@pytest.mark.parametrize("command", [name for name, spec in commands().items() if "options" in spec])
def test_every_command_has_help_and_json(command, capsys):
    assert main([*command.split(), "--help"]) == 0
    shown = capsys.readouterr().out
    assert "--json" in shown
    assert shown.startswith(f"Usage: locum {command}")
    options = [line for line in shown.splitlines() if line.strip().startswith("--")]
    assert all(len(line.split(maxsplit=1)[1].strip()) > 5 for line in options), "an option has no help"


def test_help_names_every_seeker(capsys):
    from locum.evaluation.registry import SEEKERS

    assert main(["tournament", "--help"]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in SEEKERS)


def test_options_that_several_commands_share_are_all_used():
    for name, shared in commands().items():
        if name.split()[-1] == "shared":
            group = name.removesuffix("shared")
            used = {
                o for c, spec in commands().items() if c.startswith(group) for o in spec.get("options", ())
            }
            assert set(shared) - used <= {"as_json"}, name


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"locum {locum.__version__}\n"


def test_help_starts_quickly_and_without_heavy_parts():
    code = (
        "import json, sys, time; from locum.cli.main import main; main(['--help']);"
        "bad = [m for m in ('numpy', 'pyarrow', 'lightgbm', 'scipy', 'pydantic') if m in sys.modules];"
        "sys.stderr.write(json.dumps((bad, time.process_time())))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded, cpu_s = json.loads(done.stderr)
    assert loaded == []
    assert cpu_s < 0.5  # The promise; measured about 0.1 s.


def test_python_dash_m_is_the_same_command():
    done = subprocess.run(
        [sys.executable, "-m", "locum", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"locum {locum.__version__}\n"


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["rnu", "x.csv"], ["'rnu'", "did you mean run?"]),
        (["evalaute"], ["'evalaute'", "did you mean evaluate?"]),
        (["zzz"], ["'zzz'", "locum --help"]),
        (["run", "x.csv", "--row", "3"], ["--row", "did you mean --rows?"]),
        (["run", "x.csv", "--targte", "a"], ["--targte", "did you mean --target?"]),
        (["run", "x.csv", "--rows", "many"], ["--rows", "many"]),
        (["sample"], ["Missing", "locum sample --help"]),
        (["doctor", "surplus"], ["surplus"]),
    ],
)
def test_what_the_command_line_refuses_is_one_message_with_a_hint(argv, words, capsys):
    assert main(argv) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("error:") == 1
    assert "Traceback" not in shown.err
    for word in words:
        assert word in shown.err


def test_refusals_are_json_when_asked(capsys):
    assert main(["run", "x.csv", "--row", "3", "--json"]) == 2
    shown = json.loads(capsys.readouterr().out)
    assert shown["ok"] is False
    assert shown["exit_code"] == 2
    assert "--rows" in shown["do"]


def test_doctor_tells_versions_and_resources(capsys):
    assert main(["doctor", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["versions"]["locum"] == locum.__version__
    assert shown["missing"] == []
    assert shown["cores"] >= 1
    assert main(["doctor"]) == 0
    assert "lightgbm" in capsys.readouterr().out


BROKEN = """
import sys, locum.cli.doctor
def doctor(endpoint: "str" = "", model: "str" = "", key_env: "str" = "", as_json=False) -> None:
    {body}
locum.cli.doctor.doctor = doctor
from locum.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


def broken(body: str, *argv: str) -> subprocess.CompletedProcess[str]:
    """Run a command whose inside does something unexpected."""
    return subprocess.run(
        [sys.executable, "-c", BROKEN.format(body=body), "doctor", *argv], capture_output=True, text=True
    )


def test_a_failure_inside_locum_is_one_line_and_a_kept_traceback():
    done = broken("raise ZeroDivisionError('half a thing')")
    assert done.returncode == 1
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert "ZeroDivisionError: half a thing" in done.stderr
    kept = Path(next(word for word in done.stderr.split() if "locum-error-" in word))
    assert "Traceback" in kept.read_text(encoding="utf-8")
    kept.unlink()


def test_debug_shows_the_traceback():
    done = broken("raise ZeroDivisionError('half a thing')", "--debug")
    assert done.returncode == 1
    assert "Traceback" in done.stderr


def test_ctrl_c_says_what_to_do_next():
    done = broken("raise KeyboardInterrupt")
    assert done.returncode == 130
    assert "Stopped." in done.stderr
    assert "Traceback" not in done.stderr


def test_a_reader_that_goes_away_is_no_failure():
    done = broken("raise BrokenPipeError")
    assert done.returncode == 0
    assert done.stderr == ""


def test_inspecting_a_bundle_says_what_to_do(capsys, tmp_path):
    (tmp_path / "certificate.json").write_text("{}")
    assert main(["inspect", str(tmp_path)]) == 2
    assert "locum verify" in capsys.readouterr().err
