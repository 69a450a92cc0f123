"""Model files: what is written comes back, and the same parts give the same bytes."""

from __future__ import annotations

import os
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from locum.errors import FeasibilityError, FileFormatError, FolderError, UsageError
from locum.files.container import (
    DOCUMENTS,
    LIMITS,
    Container,
    migrate,
    read_container,
    read_manifest,
    write_container,
)
from locum.files.json import dump, load
from locum.files.manifest import FORMAT, Manifest
from locum.files.tensors import DTYPES, dump_tensors, load_tensors

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def parts(**changes) -> Container:
    documents = {name: {"what": name, "text": "naïve 🙂", "x": [1, 2.5, None]} for name in DOCUMENTS}
    tensors = {
        "a": np.asfortranarray(np.arange(6, dtype=np.int32).reshape(2, 3)),
        "empty": np.zeros((0, 4)),
        "scalar": np.array(True),
    }
    return replace(Container("table", documents, tensors, {"rows": 3}), **changes)


def test_comes_back_whole(tmp_path):
    path = tmp_path / "m.locum"
    manifest = write_container(path, parts(), created="2026-01-01T00:00:00Z")
    got = read_container(path)
    assert got.kind == "table" and got.documents == parts().documents and got.about == {"rows": 3}
    assert set(got.tensors) == {"a", "empty", "scalar"}
    for name, array in parts().tensors.items():
        np.testing.assert_array_equal(got.tensors[name], array)
        assert got.tensors[name].dtype == array.dtype and got.tensors[name].shape == array.shape
    assert got.manifest == manifest == read_manifest(path)
    assert manifest.created == "2026-01-01T00:00:00Z" and manifest.format == FORMAT
    assert read_container(path, tensors=False).tensors == {}


def test_same_parts_same_bytes(tmp_path):
    one, two = tmp_path / "1.locum", tmp_path / "2.locum"
    write_container(one, parts())
    shuffled = parts(
        documents=dict(reversed(parts().documents.items())), tensors=dict(reversed(parts().tensors.items()))
    )
    write_container(two, shuffled)
    assert one.read_bytes() == two.read_bytes()


def test_very_regular_arrays_are_not_mistaken_for_a_bomb(tmp_path):
    path = tmp_path / "m.locum"
    write_container(path, parts(tensors={"zeros": np.zeros(2_000_000)}))
    with zipfile.ZipFile(path) as archive:
        assert archive.getinfo("tensors.safetensors").compress_type == zipfile.ZIP_STORED
        assert archive.getinfo("schema.json").compress_type == zipfile.ZIP_DEFLATED
    assert read_container(path).tensors["zeros"].sum() == 0


@pytest.mark.parametrize("name", sorted(DTYPES))
def test_every_element_type_comes_back(name):
    array = np.array([[0, 1, 1], [1, 0, 1]]).astype(DTYPES[name])
    back = load_tensors(dump_tensors({"x": array}), "here")["x"]
    assert back.dtype == array.dtype
    np.testing.assert_array_equal(back, array)


@pytest.mark.parametrize(
    "array",
    [
        np.array([np.nan]),
        np.array([np.inf], dtype=np.float32),
        np.array(["a"]),
        np.array([1j]),
        np.array([None]),
    ],
)
def test_what_a_file_cannot_hold_is_refused_on_the_way_out(tmp_path, array):
    path = tmp_path / "m.locum"
    with pytest.raises(ValueError, match="'bad'"):
        write_container(path, parts(tensors={"bad": array}))
    assert list(tmp_path.iterdir()) == []


def test_json_that_is_none_is_refused_on_the_way_out(tmp_path):
    for value in (float("nan"), float("inf")):
        documents = {**parts().documents, "model": {"x": value}}
        with pytest.raises(ValueError, match="JSON compliant"):
            write_container(tmp_path / "m.locum", parts(documents=documents))
    with pytest.raises(ValueError, match="holds"):
        write_container(tmp_path / "m.locum", parts(documents={"schema": {}}))
    assert list(tmp_path.iterdir()) == []


def test_too_large_for_the_format(tmp_path):
    documents = {**parts().documents, "schema": "x" * (LIMITS["schema.json"] + 1)}
    with pytest.raises(FeasibilityError, match=r"schema\.json would take"):
        write_container(tmp_path / "m.locum", parts(documents=documents))
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "m.locum"
    write_container(path, parts())
    before = path.read_bytes()

    def no_space(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(FolderError, match="no space is left"):
        write_container(path, parts(about={"rows": 4}))
    assert path.read_bytes() == before and [p.name for p in tmp_path.iterdir()] == ["m.locum"]


@pytest.mark.parametrize(
    ("place", "words"), [("", "is a folder"), ("no/m.locum", "does not exist"), ("file/m.locum", "is a file")]
)
def test_places_that_cannot_be_written(tmp_path, place, words):
    (tmp_path / "file").write_text("x")
    with pytest.raises(FolderError, match=words):
        write_container(tmp_path / place, parts())


@given(JSON)
def test_json_comes_back(value):
    try:
        expected = dump(value)
    except UnicodeEncodeError:
        return
    assert load(expected, "here") == value and dump(load(expected, "here")) == expected


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"nan",
        b"NaN",
        b"Infinity",
        b"1e999",
        b"[1,]",
        b"\xff",
        b'"\\ud800"',
        b"9" * 5000,
        b"[" * 65,
        b"[" * 10_000_000,
        b'{"a":' * 80,
        "{}".encode("utf-16"),
        b'["\\"[[[[' + b"[" * 80,
    ],
)
def test_json_that_is_none_is_refused(content):
    with pytest.raises(FileFormatError):
        load(content, "here")


def test_brackets_in_text_are_no_nesting():
    value = ["[" * 500, '"[' * 500, "\\[" * 500, '\\"{' * 500, "\\"]
    assert load(dump(value), "here") == value
    assert load(b"[" * 64 + b"]" * 64, "here") is not None


def test_too_many_values_are_refused_before_parsing():
    with pytest.raises(FileFormatError, match="values"):
        load(b"[" + b"0," * 5_000_000 + b"0]", "here")


def test_migration_goes_step_by_step():
    old = parts(manifest=Manifest(1, "0.1.0", "table", {}, "", ()))

    def note(text):
        return lambda c: replace(c, about={**c.about, text: True})

    new = migrate(old, "here", steps={1: note("one"), 2: note("two")}, to=3)
    assert new.about == {"rows": 3, "one": True, "two": True}
    assert new.manifest is not None and new.manifest.format == 3
    assert migrate(old, "here") == old
    with pytest.raises(FileFormatError, match="no longer be read"):
        migrate(old, "here", steps={1: note("one")}, to=3)
    with pytest.raises(FileFormatError, match="Update locum"):
        migrate(parts(manifest=Manifest(9, "9", "table", {}, "", ())), "here")


def test_a_missing_file_is_a_mistake_of_the_caller(tmp_path):
    write_container(tmp_path / "visits.locum", parts())
    with pytest.raises(UsageError, match=r"no such file.*Did you mean visits\.locum"):
        read_container(tmp_path / "visit.locum")
    with pytest.raises(UsageError, match=r"Check the path"):
        read_container(tmp_path / "nowhere" / "zzz.locum")
