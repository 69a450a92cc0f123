"""The first thing in a model file: which format, made by which locum, holding what, with which checksums."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from locum.errors import FileFormatError

#: The format that this version writes.
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Member:
    """One file of the container: its name, size in bytes, and SHA-256 in hexadecimal."""

    name: str
    size: int
    sha256: str

    @classmethod
    def of(cls, name: str, content: bytes) -> Member:
        """The entry that describes `content`."""
        return cls(name, len(content), hashlib.sha256(content).hexdigest())

    def matches(self, content: bytes) -> bool:
        """Whether `content` is what this entry describes."""
        return len(content) == self.size and hashlib.sha256(content).hexdigest() == self.sha256


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a model file says about itself.

    Attributes
    ----------
    format
        Version of the file format.
    locum
        Version of locum that wrote the file.
    kind
        What the file holds: ``table`` for a table-level synthesizer.
    about
        A few JSON-ready facts for people: synthesizer, rows, columns. No data values.
    created
        ISO 8601 time, empty unless the writer was told one: by default the same model gives the same bytes,
        and the time is left to the file system.
    members
        Everything in the file besides the manifest.
    """

    format: int
    locum: str
    kind: str
    about: Mapping[str, Any] = field(default_factory=dict)
    created: str = ""
    members: tuple[Member, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """JSON-ready dictionary."""
        return {
            "format": self.format,
            "locum": self.locum,
            "kind": self.kind,
            "about": dict(self.about),
            "created": self.created,
            "members": [{"name": m.name, "size": m.size, "sha256": m.sha256} for m in self.members],
        }


_Short = Annotated[str, Field(max_length=200)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _MemberFile(_Strict):
    name: _Short
    size: Annotated[int, Field(ge=0, le=2**40)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _ManifestFile(_Strict):
    format: Annotated[int, Field(ge=1)]
    locum: _Short
    kind: _Short
    about: dict[_Short, Any]
    created: _Short
    members: Annotated[list[_MemberFile], Field(max_length=64)]


def parse_manifest(value: object, where: str) -> Manifest:
    """Manifest from untrusted JSON.

    Raises
    ------
    FileFormatError
        When the format is newer than `FORMAT`, or any entry is missing, surplus or of the wrong type.
    """
    version = value.get("format") if isinstance(value, dict) else None
    if isinstance(version, int) and version > FORMAT:
        raise FileFormatError(
            f"the file has format {version if version < 10**9 else '(absurdly large)'}",
            where=where,
            expected=f"format {FORMAT} or older",
            do="update locum: the file was made by a newer version",
        )
    try:
        file = _ManifestFile.model_validate(value)
    except ValidationError as error:
        place = ".".join(str(part)[:40] for part in error.errors()[0]["loc"]) or "the whole of it"
        raise FileFormatError(
            f"the manifest is not in order at {ascii(place)[1:-1]}",
            where=where,
            do="ask for the file again, from a source you trust",
        ) from None
    members = tuple(Member(m.name, m.size, m.sha256) for m in file.members)
    return Manifest(file.format, file.locum, file.kind, file.about, file.created, members)
