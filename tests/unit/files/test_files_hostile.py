"""Model files from strangers: a clear refusal, quickly, within bounded memory; never another exception."""

from __future__ import annotations

import hashlib
import io
import json
import os
import struct
import tracemalloc
import warnings
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from locum.errors import FileFormatError
from locum.files.container import Container, read_container, read_manifest, write_container
from locum.files.tensors import load_tensors

MB = 2**20


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> bytes:
    path = tmp_path_factory.mktemp("good") / "m.locum"
    documents = {name: {"what": name, "numbers": list(range(50))} for name in ("schema", "encoder", "model")}
    tensors = {"a": np.arange(60, dtype=np.float64), "b": np.arange(8, dtype=np.int32).reshape(2, 4)}
    write_container(path, Container("table", documents, tensors, {"rows": 3}))
    return path.read_bytes()


def members(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def seal(contents: dict[str, bytes], **manifest) -> dict[str, bytes]:
    """Contents with a manifest that agrees with them, as an attacker would write it."""
    listed = [
        {"name": n, "size": len(c), "sha256": hashlib.sha256(c).hexdigest()}
        for n, c in contents.items()
        if n != "manifest.json"
    ]
    base = {**json.loads(contents["manifest.json"]), "members": listed, **manifest}
    return {
        "manifest.json": json.dumps(base).encode(),
        **{n: c for n, c in contents.items() if n != "manifest.json"},
    }


def packed(contents: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def refused(tmp_path, content: bytes, words: str, limit: int = 30 * MB) -> None:
    """Reading fails with these words, and the peak of Python's memory stays below `limit`."""
    path = tmp_path / "hostile.locum"
    path.write_bytes(content)
    tracemalloc.start()
    try:
        with pytest.raises(FileFormatError, match=words) as caught:
            read_container(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < limit
    assert "hostile.locum" in caught.value.where and caught.value.do


def test_the_good_file_is_good(tmp_path, good):
    path = tmp_path / "m.locum"
    path.write_bytes(packed(seal(members(good))))
    assert read_container(path).documents["schema"]["what"] == "schema"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"PK", "not a locum model file"),
        (b"PK\x03\x04", "cut off"),
        (b"age,income\n1,2\n", "not a locum model file"),
        (b"\x80\x04\x95" + b"x" * 100, "not a locum model file"),
        (b"PK\x05\x06" + bytes(18), "not a locum model file"),
        (b"PK\x03\x04" + bytes(100), "cut off"),
    ],
)
def test_what_is_no_model_file(tmp_path, content, words):
    refused(tmp_path, content, words)


def test_folders_and_pipes(tmp_path):
    with pytest.raises(FileFormatError, match="folder"):
        read_container(tmp_path)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(FileFormatError, match="not an ordinary file"):
            read_container(tmp_path / "pipe")


def test_cut_off_anywhere(tmp_path, good):
    for end in range(1, len(good), 37):
        refused(tmp_path, good[:end], "cut off|not a locum")


def test_added_to(tmp_path, good):
    refused(tmp_path, good + b"x", "added to")
    refused(tmp_path, b"PK\x03\x04" + good, "added to")
    refused(tmp_path, good[:-2] + struct.pack("<H", 3) + b"abc", "added to|impossible")


@pytest.mark.parametrize("name", ["../../evil", "/etc/evil", "..\\evil", "C:\\evil", "sub/../../evil"])
def test_names_that_point_outside(tmp_path, good, name):
    refused(tmp_path, packed({**members(good), name: b"x"}), "points outside")


def test_members_that_do_not_belong(tmp_path, good):
    refused(tmp_path, packed({**members(good), "code.py": b"x"}), "does not belong")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for name, content in members(good).items():
                archive.writestr(name, content)
            archive.writestr("schema.json", b"{}")
    refused(tmp_path, buffer.getvalue(), "twice")
    for name in members(good):
        less = {n: c for n, c in members(good).items() if n != name}
        refused(tmp_path, packed(less), "missing|do not agree")


def test_links_encryption_and_odd_packing(tmp_path, good):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members(good).items():
            info = zipfile.ZipInfo(name)
            info.create_system = 3
            info.external_attr = (0o120777 if name == "model.json" else 0o644) << 16
            archive.writestr(info, content)
    refused(tmp_path, buffer.getvalue(), "is a link")
    encrypted = bytearray(good)
    at = encrypted.index(b"PK\x01\x02")
    encrypted[at + 8] |= 1
    refused(tmp_path, bytes(encrypted), "encrypted")
    refused(tmp_path, packed(members(good), zipfile.ZIP_LZMA), "packed in a way")
    refused(tmp_path, packed(members(good), zipfile.ZIP_BZIP2), "packed in a way")


def test_bomb_with_honest_sizes(tmp_path, good):
    bomb = packed({**members(good), "tensors.safetensors": bytes(64 * MB)})
    assert len(bomb) < MB
    refused(tmp_path, bomb, "zip bomb", limit=4 * MB)


def test_bomb_with_a_false_size(tmp_path, good):
    """The directory claims 1,000 bytes for a member that unpacks to 64 MB."""
    bomb = bytearray(packed({**members(good), "tensors.safetensors": bytes(64 * MB)}))
    at = bomb.rindex(b"PK\x01\x02")
    struct.pack_into("<L", bomb, at + 24, 1000)
    refused(tmp_path, bytes(bomb), "damaged|checksum|longer", limit=8 * MB)


def test_a_claim_beyond_the_limit(tmp_path, good):
    claim = bytearray(good)
    at = claim.rindex(b"PK\x01\x02")
    struct.pack_into("<L", claim, at + 24, 0xFFFFFFF0)
    refused(tmp_path, bytes(claim), "claims", limit=4 * MB)


def test_a_directory_of_a_million_members(tmp_path):
    entry = b"PK\x01\x02" + bytes(24) + struct.pack("<H", 1) + bytes(16) + b"x"
    count = 200_000
    directory = entry * count
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count & 0xFFFF, count & 0xFFFF, len(directory), 4, 0)
    refused(tmp_path, b"PK\x03\x04" + directory + end, "impossible claims", limit=2 * MB)


def test_wrong_and_missing_checksums(tmp_path, good):
    contents = members(good)
    changed = {**contents, "model.json": contents["model.json"].replace(b"model", b"modem")}
    refused(tmp_path, packed(changed), "checksum of model.json")
    manifest = json.loads(contents["manifest.json"])
    for entry in manifest["members"]:
        entry.pop("sha256")
    refused(tmp_path, packed({**contents, "manifest.json": json.dumps(manifest).encode()}), "not in order")
    manifest["members"] = []
    refused(tmp_path, packed({**contents, "manifest.json": json.dumps(manifest).encode()}), "do not agree")


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        ({"format": 2}, "Update locum|update locum"),
        ({"format": 10**40}, "absurdly"),
        ({"format": 0}, "not in order at format"),
        ({"format": "1"}, "not in order at format"),
        ({"format": True}, "not in order at format"),
        ({"kind": None}, "not in order at kind"),
        ({"about": []}, "not in order at about"),
        ({"code": "import os"}, "not in order at code"),
        ({"locum": "x" * 300}, "not in order at locum"),
    ],
)
def test_manifests_that_lie(tmp_path, good, manifest, words):
    content = packed(seal(members(good), **manifest))
    refused(tmp_path, content, words)
    (tmp_path / "m.locum").write_bytes(content)
    with pytest.raises(FileFormatError):
        read_manifest(tmp_path / "m.locum")


@pytest.mark.parametrize(
    "document",
    [b"[" * 100_000, b"null" * 2, b"NaN", b'"\\udfff"', b"\x00\x01", b"[" + b"{}," * 2_000_000 + b"{}]"],
)
def test_documents_that_are_no_json(tmp_path, good, document):
    refused(
        tmp_path, packed(seal({**members(good), "encoder.json": document})), "encoder.json", limit=60 * MB
    )


def safetensors(header: dict | bytes, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def entry(dtype="F64", shape=(2,), offsets=(0, 16)) -> dict:
    return {"x": {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "impossible"),
        (struct.pack("<Q", 2**63) + b"{}", "impossible"),
        (safetensors(b"[" * 1000), "not readable"),
        (safetensors({"x": 1}), "not readable"),
        (safetensors(entry(shape=(2**40,))), "not readable"),
        (safetensors(entry(shape=(2**32, 2**32))), "not readable"),
        (safetensors(entry(offsets=(0, 2**60)), bytes(16)), "not readable"),
        (safetensors(entry(offsets=(16, 0)), bytes(16)), "not readable"),
        (safetensors(entry(), bytes(24)), "not readable"),
        (safetensors(entry(shape=(0, 2**60), offsets=(0, 0))), "impossible shape"),
        (safetensors(entry(shape=(0, *[2**39] * 7), offsets=(0, 0))), "does not fit|not readable"),
        (safetensors(entry(shape=[1] * 9, offsets=(0, 8)), bytes(8)), "impossible shape"),
        (safetensors(entry(dtype="F16", shape=(8,)), bytes(16)), "element type"),
        (safetensors(entry(dtype="C64", shape=(2,)), bytes(16)), "element type|not readable"),
        (safetensors(entry(), np.array([1.0, np.nan]).tobytes()), "NaN or infinity"),
        (safetensors(entry(), np.array([1.0, -np.inf]).tobytes()), "NaN or infinity"),
        (safetensors(entry(dtype="BOOL", shape=(16,)), bytes([2] * 16)), "neither"),
    ],
)
def test_arrays_that_lie(tmp_path, good, content, words):
    with pytest.raises(FileFormatError, match=words):
        load_tensors(content, "here")
    refused(tmp_path, packed(seal({**members(good), "tensors.safetensors": content})), words)


def test_a_hundred_thousand_arrays(tmp_path, good):
    header = {f"x{i}": {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]} for i in range(30_000)}
    refused(
        tmp_path,
        packed(seal({**members(good), "tensors.safetensors": safetensors(header)})),
        "arrays, at most",
    )


edits = st.lists(
    st.tuples(
        st.sampled_from(["set", "flip", "cut", "insert", "copy"]),
        st.integers(0, 2**20),
        st.binary(max_size=9),
    ),
    min_size=1,
    max_size=4,
)


def edited(content: bytes, edit: list) -> bytes:
    out = bytearray(content)
    for action, place, data in edit:
        at = place % max(1, len(out))
        if action == "set":
            out[at : at + len(data)] = data
        elif action == "flip" and out:
            out[at] ^= 1 << (place % 8)
        elif action == "cut":
            del out[at : at + len(data)]
        elif action == "insert":
            out[at:at] = data
        else:
            out[at:at] = out[max(0, at - 40) : at]
    return bytes(out)


def loads_or_refuses(path, content: bytes) -> None:
    path.write_bytes(content)
    tracemalloc.start()
    try:
        read_container(path)
    except FileFormatError as error:
        assert str(error)
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 20 * MB


fuzz = settings(
    max_examples=300,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    database=None,
)


@fuzz
@given(edit=edits)
def test_fuzzed_bytes(tmp_path, good, edit):
    loads_or_refuses(tmp_path / "fuzzed.locum", edited(good, edit))


@fuzz
@given(
    edit=edits, name=st.sampled_from(["manifest.json", "schema.json", "model.json", "tensors.safetensors"])
)
def test_fuzzed_members_with_matching_checksums(tmp_path, good, edit, name):
    contents = members(good)
    contents[name] = edited(contents[name], edit)
    sealed = contents if name == "manifest.json" else seal(contents)
    loads_or_refuses(tmp_path / "fuzzed.locum", packed(sealed))
