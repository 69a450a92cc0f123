"""Append-only lines: cut off anywhere, changed anywhere, and written by several processes at once."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from locum.errors import FileFormatError, FolderError
from locum.files.lines import JsonLines, SealedLines, Spool


def fill(path: Path, n: int = 3) -> SealedLines:
    lines = SealedLines(path, "test file")
    for i in range(n):
        lines.append(lambda i=i: {"i": i, "text": "naïve"})  # type: ignore[misc]
    return lines


def test_sealed_lines_are_chained_by_their_hashes(tmp_path: Path) -> None:
    lines = fill(tmp_path / "a.jsonl")
    before = "0" * 64
    for i, line in enumerate(lines.path.read_bytes().splitlines()):
        whole = json.loads(line)
        body = {"i": i, "text": "naïve"}
        plain = json.dumps(body, sort_keys=True, separators=(",", ":")).encode()
        assert whole == {**body, "previous": before, "hash": whole["hash"]}
        assert whole["hash"] == hashlib.sha256(before.encode() + b"\n" + plain).hexdigest()
        before = whole["hash"]
    assert lines.head == before and SealedLines(lines.path).head == before


def test_sealed_lines_cut_off_anywhere_go_on_or_are_refused(tmp_path: Path) -> None:
    path = fill(tmp_path / "a.jsonl").path
    whole = path.read_bytes()
    for end in range(len(whole) + 1):
        path.write_bytes(whole[:end])
        complete = whole[:end].count(b"\n")
        if whole[:end].endswith(b"}"):  # a line that lacks its end alone was not cut off by a write of ours
            with pytest.raises(FileFormatError, match="was not ended"):
                SealedLines(path)
            continue
        lines = SealedLines(path)
        assert [b["i"] for b in lines.bodies] == list(range(complete))
        lines.append(lambda: {"i": 9})
        assert [b["i"] for b in SealedLines(path).bodies] == [*range(complete), 9]


def test_sealed_lines_that_were_changed_are_refused(tmp_path: Path) -> None:
    path = fill(tmp_path / "a.jsonl").path
    whole = path.read_bytes()
    first, second, third = whole.splitlines(keepends=True)
    for changed in (second + third, first + third, first + third + second, whole.replace(b'"i":1', b'"i":7'),
                    whole.replace(b'"i":1,', b'"i": 1,'), b"[1]\n" + whole, b"{\n" + whole):  # fmt: skip
        path.write_bytes(changed)
        with pytest.raises(FileFormatError, match="a test file that only grew"):
            SealedLines(path, "test file")
    path.write_bytes(whole)
    lines = SealedLines(path)
    path.write_bytes(first)
    with pytest.raises(FileFormatError, match="became shorter"):
        lines.append(lambda: {"i": 3})


def test_a_decision_on_sealed_lines_is_taken_on_all_of_them(tmp_path: Path) -> None:
    """Four processes add one to the last number, 25 times each; none is lost, none is written twice."""
    path = tmp_path / "a.jsonl"
    code = (
        "import sys\nfrom locum.files.lines import SealedLines\nlines = SealedLines(sys.argv[1])\n"
        "for _ in range(25):\n    lines.append(lambda: {'n': len(lines.bodies)})\n"
    )
    running = [subprocess.Popen([sys.executable, "-c", code, str(path)]) for _ in range(4)]
    assert [p.wait() for p in running] == [0] * 4
    assert [b["n"] for b in SealedLines(path).bodies] == list(range(100))


def test_nothing_is_written_when_there_is_nothing_to_say(tmp_path: Path) -> None:
    lines = fill(tmp_path / "a.jsonl")
    before = lines.path.read_bytes()

    def refuse() -> None:
        raise KeyError

    lines.append(lambda: None)
    with pytest.raises(KeyError):
        lines.append(refuse)
    assert lines.path.read_bytes() == before


@pytest.mark.parametrize("kind", [JsonLines, SealedLines, Spool])
def test_a_place_that_cannot_be_written_is_told(tmp_path: Path, kind: type) -> None:
    with pytest.raises(FolderError):
        lines = kind(tmp_path / "nowhere" / "a.jsonl")
        lines.append({"a": 1})


@pytest.mark.skipif(os.name == "nt", reason="no modes")
def test_sealed_lines_are_for_their_owner_alone(tmp_path: Path) -> None:
    assert fill(tmp_path / "a.jsonl").path.stat().st_mode & 0o077 == 0


def test_a_spool_gives_lines_in_the_order_of_their_slots(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "s")
    for slot, value in ((2, "c"), (0, "ä"), (1, {"b": 1, "a": 2}), (0, "z")):
        spool.append(slot, value)
    spool.write_to(tmp_path / "out")
    assert (tmp_path / "out").read_text("utf-8") == '"ä"\n"z"\n{"b": 1, "a": 2}\n"c"\n'
    spool.append(-1, "first")
    assert next(iter(spool.lines())) == b'"first"\n'
    spool.close()
    assert [p.name for p in tmp_path.iterdir()] == ["out"]
