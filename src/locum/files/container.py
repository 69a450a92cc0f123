"""The model file ``*.locum``: a zip of JSON and safetensors, made to be opened when a stranger sent it.

::

    manifest.json         format, locum version, kind, size and SHA-256 of each other member
    schema.json           what the columns are
    encoder.json          how values became codes
    model.json            name and settings of the generator
    tensors.safetensors   its arrays

No code and no pickle. The same parts give the same bytes: members have a fixed order and time, and the
manifest holds a creation time only when the writer passes one. Sizes are limited below; a file over the
limits can neither be written nor read.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import Any

from locum.errors import FeasibilityError, FileFormatError
from locum.files.archive import open_archive, packs_too_well, read_member, refuse
from locum.files.atomic import replacing
from locum.files.json import dump, load
from locum.files.manifest import FORMAT, Manifest, Member, parse_manifest
from locum.files.tensors import Tensor, dump_tensors, load_tensors

MANIFEST = "manifest.json"
TENSORS = "tensors.safetensors"
#: JSON documents of a container, by key of `Container.documents`.
DOCUMENTS = ("schema", "encoder", "model")
#: Most bytes that each member may have, unpacked.
LIMITS: Mapping[str, int] = MappingProxyType(
    {
        MANIFEST: 256 * 2**10,
        "schema.json": 32 * 2**20,
        "encoder.json": 64 * 2**20,
        "model.json": 32 * 2**20,
        TENSORS: 1536 * 2**20,
    }
)
# The earliest time a zip entry can carry; a real one would make each save differ.
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Container:
    """The parts of a model file, read and checked, or ready to be written.

    Attributes
    ----------
    kind
        What the parts make together, e.g. ``table``.
    documents
        JSON-ready values for ``schema``, ``encoder`` and ``model``.
    tensors
        Arrays by name (element types in `locum.files.tensors.DTYPES`; finite).
    about
        A few JSON-ready facts for ``locum inspect``; no data values.
    manifest
        What the file said about itself; None for parts that were not read from a file.
    """

    kind: str
    documents: Mapping[str, Any]
    tensors: Mapping[str, Tensor] = field(default_factory=dict)
    about: Mapping[str, Any] = field(default_factory=dict)
    manifest: Manifest | None = None


#: Step from each older format to the next one; format 1 is the first, so there is none yet.
STEPS: Mapping[int, Callable[[Container], Container]] = MappingProxyType({})


def write_container(path: str | os.PathLike[str], parts: Container, *, created: str = "") -> Manifest:
    """Write a model file, all or nothing, and return its manifest.

    Parameters
    ----------
    path
        Where to; an existing file is replaced only when the new one is complete.
    parts
        What to write; ``parts.manifest`` is ignored.
    created
        ISO 8601 time to record. Empty (the default) keeps the file a function of `parts` alone.

    Raises
    ------
    FolderError
        When the place cannot be written to.
    FeasibilityError
        When a part is larger than `LIMITS` allows.
    ValueError
        When a part cannot be held by JSON or safetensors (NaN, infinity, foreign types).
    """
    if set(parts.documents) != set(DOCUMENTS):
        raise ValueError(f"a model file holds {DOCUMENTS}, not {tuple(parts.documents)}")
    contents = {f"{name}.json": dump(parts.documents[name]) for name in DOCUMENTS}
    contents[TENSORS] = dump_tensors(parts.tensors)
    members = tuple(Member.of(name, content) for name, content in contents.items())
    manifest = Manifest(FORMAT, _version(), parts.kind, dict(parts.about), created, members)
    contents = {MANIFEST: dump(manifest.to_json()), **contents}
    for name, content in contents.items():
        if len(content) > LIMITS[name]:
            raise FeasibilityError(
                f"{name} would take {len(content):,} bytes",
                where=str(path),
                expected=f"at most {LIMITS[name]:,}",
                do="fit on fewer rows or columns, or pool rare levels",
            )
    with replacing(path) as temporary:
        _write_zip(temporary, contents)
    return manifest


def read_manifest(path: str | os.PathLike[str]) -> Manifest:
    """What a model file says about itself, without reading the rest; checksums are not compared.

    Raises
    ------
    UsageError
        When there is no such file.
    FileFormatError
        When it is no model file, or one from a newer version.
    """
    with open_archive(Path(path), LIMITS) as archive:
        return _manifest(archive, str(path))


def read_container(path: str | os.PathLike[str], *, tensors: bool = True) -> Container:
    """Read a model file that may come from anyone.

    Time is linear in the file's size; memory is bounded by `LIMITS` and, for large members, by `MAX_RATIO`
    times the file's size. What the documents mean is for their readers (schema, encoder, model) to check.

    Parameters
    ----------
    path
        The file.
    tensors
        False leaves the arrays out, for ``locum inspect``.

    Raises
    ------
    UsageError
        When there is no such file.
    FileFormatError
        When the file is damaged, hostile, or from a newer version.
    """
    where = str(path)
    wanted = [f"{name}.json" for name in DOCUMENTS] + ([TENSORS] if tensors else [])
    with open_archive(Path(path), LIMITS) as archive:
        manifest = _manifest(archive, where)
        entries = {member.name: member for member in manifest.members}
        contents = {}
        for name in wanted:
            contents[name] = read_member(archive, name, where)
            if not entries[name].matches(contents[name]):
                raise refuse(f"the checksum of {name} is wrong: the file was damaged or changed", where)
    documents = {name: load(contents[f"{name}.json"], f"{where}:{name}.json") for name in DOCUMENTS}
    arrays = load_tensors(contents[TENSORS], f"{where}:{TENSORS}") if tensors else {}
    return migrate(Container(manifest.kind, documents, arrays, manifest.about, manifest), where)


def migrate(
    container: Container,
    where: str,
    *,
    steps: Mapping[int, Callable[[Container], Container]] = STEPS,
    to: int = FORMAT,
) -> Container:
    """Bring an old model file up to format `to`, one step at a time.

    Raises
    ------
    FileFormatError
        When the file is newer than `to`, or a step on the way is missing.
    """
    if container.manifest is None:
        return container
    version = container.manifest.format
    if version > to:
        raise FileFormatError(
            f"the file has format {version}", where=where, expected=f"format {to} or older", do="update locum"
        )
    while version < to:
        step = steps.get(version)
        if step is None:
            raise FileFormatError(
                f"the file has format {version}, which can no longer be read",
                where=where,
                do="fit the model again",
            )
        container = step(container)
        version += 1
    manifest = container.manifest and replace(container.manifest, format=to)
    return replace(container, manifest=manifest)


def _version() -> str:
    """Version of the installed package; the package itself lies above this layer."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("locum")
    except PackageNotFoundError:
        return "unknown"


def _manifest(archive: zipfile.ZipFile, where: str) -> Manifest:
    manifest = parse_manifest(load(read_member(archive, MANIFEST, where), f"{where}:{MANIFEST}"), where)
    named = [member.name for member in manifest.members]
    present = [name for name in archive.namelist() if name != MANIFEST]
    if sorted(named) != sorted(present) or set(named) != set(LIMITS) - {MANIFEST}:
        raise refuse("the manifest and the archive's members do not agree", where)
    return manifest


def _write_zip(path: Path, contents: Mapping[str, bytes]) -> None:
    stored: set[str] = set()
    buffer = BytesIO()
    while True:
        buffer = BytesIO()
        with zipfile.ZipFile(buffer, "w", allowZip64=False) as archive:
            for name, content in contents.items():
                info = zipfile.ZipInfo(name, _EPOCH)
                info.create_system = 3
                info.external_attr = 0o644 << 16
                method = zipfile.ZIP_STORED if name in stored else zipfile.ZIP_DEFLATED
                archive.writestr(
                    info, content, compress_type=method, compresslevel=1 if name == TENSORS else 6
                )
            tight = {i.filename for i in archive.infolist() if packs_too_well(i.file_size, i.compress_size)}
        if not tight:
            break
        # What packs too well would be refused as a zip bomb on the way back in.
        stored |= tight
    path.write_bytes(buffer.getbuffer())
