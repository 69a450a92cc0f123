"""A whole run as a user makes it: folder, resuming, killing, full disks, places that cannot be written."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

FILES = {
    "plan.json", "run.jsonl", "synthetic.csv", "model.locum", "report.html", "report.json", "card.md",
    "environment.txt", "locum.toml",
}  # fmt: skip
#: Files that hold the same bytes for the same data, options, versions and SOURCE_DATE_EPOCH.
FIXED = FILES - {"run.jsonl"}
#: `independent` fits in no time, so that these tests are about the run and not about the generator.
RUN = ("run", "visits.csv", "--target", "readmitted", "--rows", "200", "--synthesizer", "independent")


def contents(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in FIXED}


@pytest.fixture(scope="module")
def finished(tmp_path_factory, make_visits):
    """One finished run in a folder of its own, shared by the tests that only look at it."""
    folder = tmp_path_factory.mktemp("finished")
    (folder / "visits.csv").write_text(make_visits(300), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "locum", *RUN], cwd=folder, capture_output=True, text=True, check=True,
        env={**os.environ, "SOURCE_DATE_EPOCH": "1700000000"},
    )  # fmt: skip
    return folder, done


def test_the_folder_holds_what_was_promised(finished, make_visits):
    folder, _ = finished
    run = folder / "visits-locum"
    assert {p.name for p in run.iterdir() if p.name != ".lock"} == FILES
    with (run / "synthetic.csv").open(newline="") as handle:
        header, *rows = list(csv.reader(handle))
    assert header == ["visit", "age", "ward", "score", "admitted", "readmitted"]
    assert len(rows) == 200
    assert {row[5] for row in rows} == {"yes", "no"}
    assert "" in {row[2] for row in rows}, "missing values are modelled"
    real = {line.split(",")[0] for line in make_visits(300).splitlines()}
    assert not real & {row[0] for row in rows}, "ids are made afresh"
    report = json.loads((run / "report.json").read_text())
    assert report["evidence"]["n_holdout"] == 60
    assert report["evidence"]["n_train"] == 240
    assert (run / "report.html").stat().st_size < 1_500_000


def test_the_summary_is_five_sentences_and_the_files(finished):
    _, done = finished
    for question in ("faithful?", "useful?", "private?", "fair?", "train on it?"):
        assert question in done.stdout
    for name in ("report.html", "synthetic.csv", "card.md", "model.locum"):
        assert name in done.stdout
    assert "CPU seconds" in done.stdout
    assert "Traceback" not in done.stderr


def test_nothing_of_this_machine_gets_into_the_folder(finished):
    folder, _ = finished
    for path in (folder / "visits-locum").iterdir():
        assert str(folder).encode() not in path.read_bytes(), path.name


def test_the_same_command_again_does_nothing_and_says_so(finished):
    folder, _ = finished
    before = {p: p.stat().st_mtime_ns for p in (folder / "visits-locum").iterdir() if p.name != ".lock"}
    again = subprocess.run(
        [sys.executable, "-m", "locum", *RUN], cwd=folder, capture_output=True, text=True, check=True
    )
    assert "finished before" in again.stderr
    assert "faithful?" in again.stdout
    assert before == {p: p.stat().st_mtime_ns for p in before}


def test_another_plan_is_not_put_over_it(finished):
    folder, _ = finished
    other = subprocess.run(
        [sys.executable, "-m", "locum", *RUN, "--seed", "9"], cwd=folder, capture_output=True, text=True
    )
    assert other.returncode == 2
    assert "seed: 0 there, 9 now" in other.stderr


@pytest.fixture
def copied(finished, folder):
    """The finished run, to be changed, in the working folder."""
    shutil.copytree(finished[0] / "visits-locum", folder / "visits-locum")
    return folder / "visits-locum"


def test_changed_data_is_another_plan(copied, folder, locum, make_visits):
    (folder / "visits.csv").write_text(make_visits(300, seed=2), encoding="utf-8")
    other = locum(*RUN)
    assert other.returncode == 2
    assert "another plan" in other.stderr


def test_a_lost_or_changed_file_is_made_again(copied, locum):
    wanted = contents(copied)
    (copied / "card.md").unlink()
    (copied / "synthetic.csv").write_text("tampered\n")
    assert locum(*RUN).returncode == 0
    assert contents(copied) == wanted


def test_json_is_one_object(copied, folder, locum):
    done = locum(*RUN, "--json")
    shown = json.loads(done.stdout)
    assert shown["ok"] is True
    assert len(shown["answers"]) == 5
    assert shown["rows"] == {"train": 240, "holdout": 60, "synthetic": 200}
    assert all((folder / path).is_file() for path in shown["files"].values())


def killed_when(text: str, folder: Path, how: signal.Signals) -> subprocess.CompletedProcess[str]:
    """Start the run and send a signal as soon as its log holds `text`."""
    process = subprocess.Popen(
        [sys.executable, "-m", "locum", *RUN], cwd=folder, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "SOURCE_DATE_EPOCH": "1700000000"},
    )  # fmt: skip
    log = folder / "visits-locum" / "run.jsonl"
    while process.poll() is None:
        if log.exists() and text in log.read_text():
            process.send_signal(how)
            break
        time.sleep(0.002)
    out, err = process.communicate(timeout=600)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


@pytest.mark.parametrize("moment", ['"stage":"fit"', '"stage":"sample"', "judged"])
def test_a_killed_run_goes_on_with_the_same_command_and_gives_the_same_bytes(
    moment, finished, folder, locum, half_written
):
    killed = killed_when(moment, folder, signal.SIGKILL)
    run = folder / "visits-locum"
    if killed.returncode == -signal.SIGKILL:
        for name in FILES & {p.name for p in run.iterdir()} - {"run.jsonl"}:
            # Whatever has its final name is whole already.
            assert (run / name).read_bytes() == (finished[0] / "visits-locum" / name).read_bytes(), name
    resumed = locum(*RUN)
    assert resumed.returncode == 0, resumed.stderr
    assert contents(run) == contents(finished[0] / "visits-locum")
    assert half_written() == []


def test_ctrl_c_ends_with_130_and_a_sentence(folder, locum):
    for _ in range(20):  # On a busy machine the run may end before the signal comes.
        stopped = killed_when('"stage":"fit"', folder, signal.SIGINT)
        if stopped.returncode != 0:
            break
        shutil.rmtree(folder / "visits-locum")
    assert stopped.returncode == 130
    assert "The same command resumes" in stopped.stderr
    assert "Traceback" not in stopped.stderr


def test_a_full_file_system_leaves_nothing_half_written(folder, locum):
    (folder / "small").mkdir()
    mount = 'mount -t tmpfs -o size=100k none small && exec "$@"'
    probe = subprocess.run(
        ["unshare", "-m", "sh", "-c", mount, "sh", "true"], cwd=folder, capture_output=True, check=False
    )
    if probe.returncode != 0:
        pytest.skip("SKIPPED test_a_full_file_system: mounting a small file system is not permitted here")
    listing = 'rm -f small/run/.lock; "$@"; code=$?; ls -A small/run > left.txt; exit $code'
    done = locum(
        *RUN, "--rows", "20000", "--out", "small/run",
        prefix=("unshare", "-m", "sh", "-c", mount, "sh", "sh", "-c", listing, "sh"),
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert "space" in done.stderr
    assert done.stderr.count("error:") == 1
    left = (folder / "left.txt").read_text().split()
    assert "synthetic.csv" not in left
    assert not [name for name in left if name.startswith(".unfinished")]


def test_a_file_size_limit_is_told_in_words(folder, locum, half_written):
    limit = 'ulimit -f 8; exec "$@"'  # 8 blocks of 512 or 1024 bytes: less than the rows need
    done = locum(*RUN, "--rows", "20000", prefix=("sh", "-c", limit, "sh"))
    assert done.returncode == 2, done.stderr
    assert "larger than" in done.stderr
    assert half_written() == []
    assert not (folder / "visits-locum" / "synthetic.csv").exists()


def test_places_that_cannot_be_written(folder, locum):
    under_a_file = locum(*RUN, "--out", "visits.csv/run")
    assert under_a_file.returncode == 2
    assert "visits.csv" in under_a_file.stderr
    on_a_file = locum(*RUN, "--out", "visits.csv")
    assert on_a_file.returncode == 2
    (folder / "taken").mkdir()
    (folder / "taken" / "thesis.tex").write_text("x")
    taken = locum(*RUN, "--out", "taken")
    assert taken.returncode == 2
    assert "thesis.tex" in taken.stderr
    assert [p.name for p in (folder / "taken").iterdir()] == ["thesis.tex"]


def test_a_read_only_place(folder, locum):
    (folder / "locked").mkdir()
    if os.getuid() == 0:
        mount = 'mount -t tmpfs -o ro none locked && exec "$@"'
        probe = subprocess.run(["unshare", "-m", "sh", "-c", mount, "sh", "true"], cwd=folder, check=False)
        if probe.returncode != 0:
            pytest.skip(
                "SKIPPED test_a_read_only_place: root ignores modes, and mounting is not permitted here"
            )
        done = locum(*RUN, "--out", "locked/run", prefix=("unshare", "-m", "sh", "-c", mount, "sh"))
    else:
        (folder / "locked").chmod(0o555)
        done = locum(*RUN, "--out", "locked/run")
    assert done.returncode == 2
    assert "read-only" in done.stderr or "permi" in done.stderr
    assert done.stderr.count("error:") == 1


def test_two_processes_do_not_share_a_folder(folder, locum):
    code = (
        "import sys; from locum.files.lock import FolderLock; from pathlib import Path;"
        "Path('visits-locum').mkdir(); lock = FolderLock(Path('visits-locum'));"
        "print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        assert other.stdout.readline() == "held\n"
        refused = locum(*RUN)
        other.stdin.close()
    assert refused.returncode == 2
    assert "another process" in refused.stderr
