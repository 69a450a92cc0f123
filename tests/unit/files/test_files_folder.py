"""The run folder: whole files or none, one process at a time, resuming, and no silent overwriting."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap

import pytest

from locum.errors import DataError, FileFormatError, FolderError, UsageError
from locum.files.atomic import TEMPORARY_PREFIX, replacing, write_text
from locum.files.folder import RunFolder, free_bytes
from locum.files.lines import JsonLines
from locum.runs.versions import environment_text

PLAN = {"rows": 100, "seed": 7, "model": {"name": "tree"}, "columns": ["a", "b"]}


def finish(folder: RunFolder, stage: str, content: str = "content", **facts) -> None:
    with folder.stage(stage) as running:
        folder.write_text(f"{stage}.txt", content)
        running.output(f"{stage}.txt")
        running.fact(**facts)


def test_a_new_run(tmp_path):
    path = tmp_path / "deep" / "er" / "run"
    with RunFolder.start(path, PLAN) as folder:
        assert not folder.resumed and not folder.done("fit") and folder.facts("fit") == {}
        finish(folder, "fit", rows=90)
        assert folder.done("fit") and folder.facts("fit") == {"rows": 90}
        folder.log("note", words="naïve 🙂")
    assert json.loads((path / "plan.json").read_text()) == PLAN
    events = [r["event"] for r in RunFolder.view(path).records()]
    assert events == ["started", "finished", "note"]
    assert all(r["time"].endswith("+00:00") for r in RunFolder.view(path).records())


def test_the_same_plan_resumes(tmp_path):
    with RunFolder.start(tmp_path, PLAN) as folder:
        finish(folder, "fit", rows=90)
    with RunFolder.start(tmp_path, dict(reversed(PLAN.items()))) as folder:
        assert folder.resumed and folder.done("fit") and not folder.done("sample")
        assert folder.facts("fit") == {"rows": 90}


def test_another_plan_is_refused_with_the_differences(tmp_path):
    with RunFolder.start(tmp_path, PLAN) as folder:
        finish(folder, "fit")
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    other = {**PLAN, "rows": 200, "model": {"name": "independent"}, "columns": ["a"], "target": "b"}
    with pytest.raises(FolderError) as caught:
        RunFolder.start(tmp_path, other)
    message = str(caught.value)
    assert "rows: 100 there, 200 now" in message and "model.name: tree there, independent now" in message
    assert "columns: 2 entries there, 1 entries now" in message and "target: nothing there, b now" in message
    assert "seed" not in message and caught.value.exit_code == 2
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before
    # The refusal let go of the lock, and what may vary may vary.
    RunFolder.start(tmp_path, {**PLAN, "rows": 5, "note": 1}, volatile=("rows", "note")).close()


def test_things_that_are_no_run_folder(tmp_path):
    (tmp_path / "thesis.doc").write_text("x")
    with pytest.raises(FolderError, match=r"other things already \(thesis\.doc\)"):
        RunFolder.start(tmp_path, PLAN)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.doc"]
    with pytest.raises(FolderError, match="is a file"):
        RunFolder.start(tmp_path / "thesis.doc", PLAN)
    with pytest.raises(FolderError, match="is a file, not a folder"):
        RunFolder.start(tmp_path / "thesis.doc" / "run", PLAN)
    with pytest.raises(FolderError, match="not usable"):
        RunFolder.start("nul\0nul", PLAN)
    with pytest.raises(UsageError, match="no such folder"):
        RunFolder.view(tmp_path / "no")
    with pytest.raises(FileFormatError, match=r"no readable plan\.json"):
        RunFolder.view(tmp_path)


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"[" * 1000, b"\xff"])
def test_a_broken_plan(tmp_path, content):
    (tmp_path / "plan.json").write_bytes(content)
    for open_it in (RunFolder.view, lambda path: RunFolder.start(path, PLAN)):
        with pytest.raises(FileFormatError, match=r"plan|JSON|nested"):
            open_it(tmp_path)
    assert (tmp_path / "plan.json").read_bytes() == content


def test_a_run_killed_before_its_plan_was_written_starts_anew(tmp_path):
    (tmp_path / ".lock").touch()
    (tmp_path / f"{TEMPORARY_PREFIX}12.json").write_text("{")
    with RunFolder.start(tmp_path, PLAN) as folder:
        assert not folder.resumed
    assert sorted(p.name for p in tmp_path.iterdir()) == [".lock", "plan.json"]


@pytest.mark.parametrize("harm", ["changed", "shorter", "gone", "folder"])
def test_a_stage_whose_output_was_touched_is_not_done(tmp_path, harm):
    with RunFolder.start(tmp_path, PLAN) as folder:
        finish(folder, "fit")
        finish(folder, "sample")
    output = tmp_path / "fit.txt"
    if harm == "changed":
        output.write_text("Content")
    elif harm == "shorter":
        output.write_text("conten")
    else:
        output.unlink()
    if harm == "folder":
        output.mkdir()
    with RunFolder.start(tmp_path, PLAN) as folder:
        assert not folder.done("fit") and folder.done("sample")


def test_a_stage_that_failed_is_not_done_and_the_log_says_why(tmp_path):
    with RunFolder.start(tmp_path, PLAN) as folder:
        finish(folder, "fit")
        with pytest.raises(ZeroDivisionError), folder.stage("fit"):
            _ = 1 / 0
        assert not folder.done("fit")
        with pytest.raises(DataError), folder.stage("read"):
            raise DataError("12 values are no dates", where="visits.day", do="declare the format")
        with pytest.raises(FolderError), folder.stage("sample") as running:
            running.output("never-written.csv")
    failed = [r for r in RunFolder.view(tmp_path).records() if r["event"] == "failed"]
    assert [r["error"] for r in failed] == ["ZeroDivisionError", "DataError"]
    assert failed[1]["where"] == "visits.day"
    with RunFolder.start(tmp_path, PLAN) as folder:
        assert not any(folder.done(stage) for stage in ("fit", "read", "sample"))


def test_a_log_cut_off_at_any_byte(tmp_path):
    log = JsonLines(tmp_path / "run.jsonl")
    assert list(log.records()) == []
    for i in range(3):
        log.append({"i": i, "text": "naïve"})
    whole = log.path.read_bytes()
    for end in range(len(whole) + 1):
        log.path.write_bytes(whole[:end])
        kept = [r["i"] for r in log.records()]
        assert kept == list(range(whole[:end].count(b"\n")))
        log.append({"i": 9})
        after = [r["i"] for r in log.records()]
        # A last line that lacks only its line end is made whole by the next append.
        assert after[-1] == 9 and after[: len(kept)] == kept and len(after) <= 4
    log.path.write_bytes(b"\xff\xfe\n[1]\n" + b"[" * 500 + b'\n{"i":4}\n')
    assert [r["i"] for r in log.records()] == [4]


def test_an_output_outside_the_folder_counts_as_nothing(tmp_path):
    run = tmp_path / "run"
    (tmp_path / "secret").write_text("x")
    with RunFolder.start(run, PLAN) as folder, folder.stage("fit") as running:
        running.output("../secret")
    with RunFolder.start(run, PLAN) as folder:
        assert not folder.done("fit")


def test_reading_only(tmp_path):
    with RunFolder.start(tmp_path, PLAN) as folder:
        finish(folder, "fit")
        view = RunFolder.view(tmp_path)
        assert view.done("fit") and view.plan == PLAN
        for act in (lambda: view.log("x"), lambda: view.write_text("x", "x"), lambda: view.writing("x")):
            with pytest.raises(UsageError, match="opened for reading"):
                act()


HOLD = """
    import sys, time
    from locum.files.folder import RunFolder
    folder = RunFolder.start(sys.argv[1], {"a": 1})
    with folder.stage("fit") as running:
        folder.write_text("fit.txt", "whole")
        running.output("fit.txt")
    with folder.stage("sample") as running, folder.writing("big.csv") as temporary:
        temporary.write_text("half")
        print("ready", flush=True)
        time.sleep(600)
"""


def test_one_process_at_a_time_and_resume_after_kill(tmp_path):
    command = [sys.executable, "-c", textwrap.dedent(HOLD), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        try:
            assert other.stdout is not None and other.stdout.readline() == "ready\n"
            with pytest.raises(FolderError, match="another process"):
                RunFolder.start(tmp_path, {"a": 1})
            assert RunFolder.view(tmp_path).done("fit")
        finally:
            other.send_signal(signal.SIGKILL)
    assert any(p.name.startswith(TEMPORARY_PREFIX) for p in tmp_path.iterdir())
    with RunFolder.start(tmp_path, {"a": 1}) as folder:
        assert folder.resumed and folder.done("fit") and not folder.done("sample")
        assert sorted(p.name for p in tmp_path.iterdir()) == [".lock", "fit.txt", "plan.json", "run.jsonl"]


FULL = """
    import resource, sys
    from locum.files.atomic import write_bytes
    from locum.errors import FolderError
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
    try:
        write_bytes(sys.argv[1], bytes(5000))
    except FolderError as error:
        print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs resource limits")
def test_a_file_that_cannot_grow(tmp_path):
    path = tmp_path / "out.csv"
    path.write_text("old")
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(FULL), str(path)], capture_output=True, text=True, check=True
    )
    assert "larger than the system allows" in done.stdout
    assert path.read_text() == "old" and [p.name for p in tmp_path.iterdir()] == ["out.csv"]


def test_replacing(tmp_path):
    path = tmp_path / "a.csv"
    write_text(path, "old")
    with pytest.raises(KeyError), replacing(path) as temporary:
        temporary.write_text("half")
        assert temporary.parent == tmp_path and temporary.suffix == ".csv"
        raise KeyError
    assert path.read_text() == "old" and len(list(tmp_path.iterdir())) == 1
    with replacing(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    # A block that writes nothing is an error, not an empty file.
    with pytest.raises(FolderError), replacing(tmp_path / "b.csv"):
        pass
    assert not (tmp_path / "b.csv").exists()


def test_no_space(tmp_path, monkeypatch):
    with RunFolder.start(tmp_path, PLAN) as folder:
        monkeypatch.setattr(os, "write", lambda *_: (_ for _ in ()).throw(OSError(28, "full")))
        with pytest.raises(FolderError, match=r"run\.jsonl: no space is left"):
            folder.log("x")
    assert free_bytes(tmp_path / "not" / "there" / "yet") > 0


def test_environment_names_versions_and_nothing_personal():
    import getpass
    import platform

    text = environment_text({"numpy": "2.0", "locum": "0.1.0"})
    lines = dict(line.split(None, 1) for line in text.splitlines())
    assert lines["numpy"] == "2.0" and lines["locum"] == "0.1.0" and lines["python"].startswith("3.")
    assert "/" not in text and "\\" not in text
    host = platform.node()
    assert not host or host not in text.split()
    assert f" {getpass.getuser()}\n" not in text
