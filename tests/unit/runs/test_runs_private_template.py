"""`locum init --private`: the rows are never opened, and at a terminal what is missing is asked for."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import time

import pytest

from locum.cli.main import main
from locum.errors import UsageError
from locum.runs.config import load_config, parse_config
from locum.runs.init import draft_template
from locum.runs.questions import ask_missing
from locum.runs.template import Draft
from locum.schema.column import Bounds, Column
from locum.schema.table import Schema

BOOK = "variable,type,values,min,max,required\nage,integer,,0,110,yes\nsex,code,1=m|2=f,,,\nnote,string,,,,\n"


@pytest.fixture
def ward(tmp_path):
    """A folder with a code book, and data that nobody can open without being noticed."""
    (tmp_path / "book.csv").write_text(BOOK)
    # a pipe that nobody writes to: whoever opens it waits for ever
    os.mkfifo(tmp_path / "visits.csv")
    return tmp_path


def locum(*args, cwd):
    command = [sys.executable, "-m", "locum", *args]
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL
    )


def test_the_rows_are_not_opened(ward):
    done = locum(
        "init", "--private", "--dictionary", "book.csv", "--one-row-per-person", "visits.csv", cwd=ward
    )
    assert done.returncode == 0, done.stderr
    assert "without opening visits.csv" in done.stdout
    assert "Next: locum check visits.csv --epsilon 1" in done.stdout
    assert "  the kind of note\n" in done.stdout
    config = load_config(ward / "locum.toml")
    assert (config.path, config.one_row_per_person, config.unfilled) == ("visits.csv", True, ("note",))
    assert config.schema["age"].bounds == Bounds(0, 110, "public")
    assert {c.by for c in config.schema} == {"book.csv"}
    again = locum("init", "--private", "visits.csv", cwd=ward)
    assert (again.returncode, "exists already" in again.stderr) == (2, True)


def test_the_same_files_whatever_the_data_hold(tmp_path):
    """Neighbours make the same template: only the name of the file counts."""
    made = []
    for content in ("age\n1\n", "age,secret\n1,x\n", ""):
        folder = tmp_path / str(len(made))
        folder.mkdir()
        (folder / "book.csv").write_text(BOOK)
        (folder / "visits.csv").write_text(content)
        assert (
            main(["init", "--private", "--dictionary", str(folder / "book.csv"), str(folder / "visits.csv")])
            == 0
        )
        made.append((folder / "locum.toml").read_bytes())
    assert made[0] == made[1] == made[2]


def test_json_says_what_is_missing(ward):
    done = locum(
        "init", "--private", "--columns", 'age, "a,b"', "--unit", "a,b", "--json", "visits.csv", cwd=ward
    )
    told = json.loads(done.stdout)
    assert [c["name"] for c in told["columns"]] == ["age", "a,b"]
    assert told["missing"] == ["the kind of age", "the kind of a,b"]
    assert load_config(ward / "locum.toml").unit == "a,b"


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--dictionary", "book.csv"], "with --private only"),
        (["--columns", "a"], "with --private only"),
        (["--one-row-per-person"], "with --private only"),
        (["--private", "--columns", "a,a"], "one is there twice"),
        (["--private", "--columns", "a", "--unit", "b"], "there is no column 'b'"),
        (["--private", "--columns", "a", "--target", "b"], "there is no column 'b'"),
        (["--private", "--columns", "a", "--unit", "a", "--one-row-per-person"], "give one of the two"),
        (["--private", "--target", "b"], "no column is named yet"),
        (["--private", "--dictionary", "none.csv"], "no such file"),
    ],
)
def test_options_that_cannot_be(ward, args, words, capsys, monkeypatch):
    monkeypatch.chdir(ward)
    assert main(["init", *args, "visits.csv"]) in (1, 2)
    assert words in capsys.readouterr().err
    assert not (ward / "locum.toml").exists()


def test_the_data_are_no_dictionary(tmp_path):
    (tmp_path / "t.csv").write_text("name,age\nAda,36\n")
    with pytest.raises(UsageError, match="the data themselves"):
        draft_template(tmp_path / "t.csv", dictionary=tmp_path / "t.csv")


def test_names_choose_among_what_a_dictionary_describes(ward):
    draft, notes = draft_template(
        ward / "v.csv", dictionary=ward / "book.csv", columns="sex,age,new", target="new"
    )
    assert draft.names == ("sex", "age", "new")
    assert notes == ("The dictionary describes note too, which --columns does not name.",)
    config = parse_config(draft.text())
    assert (config.evaluate.target, config.schema.names) == ("new", ("sex", "age"))


def answering(answers):
    """Answers in a row; what was asked, and what was told in between."""
    asked, told, rest = [], [], iter(answers)

    def ask(question):
        asked.append(question)
        return next(rest)

    return ask, told.append, asked, told


def test_one_question_a_fact():
    ask, tell, asked, told = answering(
        [
            "age, sex, seen, id",
            "int",
            "110 to 0",
            "0-110",
            "category",
            "m|f",
            "date",
            "",
            "number?",
            "id",
            "ward",
            "id",
        ]
    )
    draft = ask_missing(Draft("visits", ()), ask, tell)
    assert draft.schema == Schema(
        (
            Column("age", "integer", bounds=Bounds(0, 110, "declared")),
            Column("sex", "category", levels=("m", "f")),
            Column("seen", "date"),
            Column("id", "id"),
        ),
        name="visits",
    )
    assert draft.unit == "id"
    assert len(asked) == 12
    assert [text.split(":")[0] for text in told] == ["visits.age", "kind", "--unit"]
    assert [str(gap) for gap in draft.gaps()] == ["the lowest and the highest value of seen"]


def test_enter_leaves_everything_open():
    ask, tell, asked, told = answering([""] * 4)
    draft = Draft("t", ("a", "b"), Schema((Column("b", "category", by="book.csv"),)))
    assert ask_missing(draft, ask, tell) == draft
    assert (len(asked), told) == (3, [])


def test_who_says_what_is_kept_apart():
    ask, tell, _, _ = answering(["x|y", "no"])
    draft = ask_missing(Draft("t", ("b",), Schema((Column("b", "category", by="book.csv"),))), ask, tell)
    assert draft.one_row_per_person
    assert draft.schema["b"].by == "book.csv (levels: whoever wrote this file)"


def test_at_a_terminal_it_asks(ward):
    main_end, side = pty.openpty()
    command = [sys.executable, "-m", "locum", "init", "--private", "--dictionary", "book.csv", "visits.csv"]
    child = subprocess.Popen(
        command, cwd=ward, stdin=side, stdout=side, stderr=side, env={**os.environ, "COLUMNS": "200"}
    )
    os.close(side)
    seen, replies, stop = "", [b"text\n", b"no\n"], time.monotonic() + 60
    while time.monotonic() < stop:
        ready, _, _ = select.select([main_end], [], [], 1)
        if ready:
            try:
                seen += os.read(main_end, 4096).decode()
            except OSError:
                break
        if replies and seen.count("[Enter leaves it open]: ") > 2 - len(replies):
            os.write(main_end, replies.pop(0))
        elif child.poll() is not None and not ready:
            break
    assert child.wait(10) == 0, seen
    os.close(main_end)
    config = load_config(ward / "locum.toml")
    assert config.schema["note"].kind == "text"
    assert config.one_row_per_person
