"""A study's folder: nothing foreign is written over, and no half a file keeps a final name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from locum.errors import FolderError
from locum.runs.out_folder import make_folder, own_folder, write_study


def test_a_folder_with_foreign_files_is_refused_by_name(tmp_path: Path) -> None:
    for name in ("page.html", "notes.txt", ".unfinished-00.html"):
        (tmp_path / name).write_text("mine")
    with pytest.raises(FolderError, match=r"notes\.txt") as caught:
        own_folder(tmp_path, {"page.html"})
    assert "page.html" not in str(caught.value)
    assert ".unfinished" not in str(caught.value)


def test_own_and_unfinished_files_and_no_folder_at_all_are_welcome(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("an earlier page")
    (tmp_path / ".unfinished-00.html").write_text("of a killed run")
    assert own_folder(tmp_path, {"page.html"}) == tmp_path
    assert own_folder(tmp_path / "new", set()) == tmp_path / "new"


def test_a_file_in_the_place_of_the_folder_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    for ask in (lambda: own_folder(tmp_path / "out", set()), lambda: make_folder(tmp_path / "out" / "in")):
        with pytest.raises(FolderError):
            ask()
    assert (tmp_path / "out").read_text() == "a file"


def test_a_number_that_is_none_keeps_the_earlier_files(tmp_path: Path) -> None:
    write_study(tmp_path / "a" / "b", "n", "first", {"x": "é"})
    assert json.loads((tmp_path / "a" / "b" / "n.json").read_text(encoding="utf-8")) == {"x": "é"}
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_study(tmp_path / "a" / "b", "n", "second", {"x": float("nan")})
    assert (tmp_path / "a" / "b" / "n.html").read_text() == "first"
    assert sorted(p.name for p in (tmp_path / "a" / "b").iterdir()) == ["n.html", "n.json"]
