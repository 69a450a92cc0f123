"""The first thing in a model file: which format, made by which locum, holding what, with which checksums."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import Annotated, Any

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from locum.errors import FileFormatError

#: The format that this version writes.
FORMAT = 1


_Short = Annotated[str, Field(strict=True, max_length=200)]


@dataclass(frozen=True, slots=True)
class Member:
    """One file of the container: its name, size in bytes, and SHA-256 in hexadecimal."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    name: _Short
    size: Annotated[int, Field(strict=True, ge=0, le=2**40)]
    sha256: Annotated[str, Field(strict=True, pattern=r"^[0-9a-f]{64}$")]

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

    __pydantic_config__ = ConfigDict(extra="forbid")

    format: Annotated[int, Field(strict=True, ge=1)]
    locum: _Short
    kind: _Short
    about: dict[_Short, Any]
    created: _Short
    members: Annotated[tuple[Member, ...], Field(max_length=64)]

    def to_json(self) -> dict[str, Any]:
        """JSON-ready dictionary."""
        return asdict(self)


def place_of(error: ValidationError) -> str:
    """Where in a file the first thing is that is not in order, without anything that could do harm."""
    place = ".".join(str(part)[:40] for part in error.errors()[0]["loc"]) or "the whole of it"
    return ascii(place)[1:-1]


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
        return TypeAdapter(Manifest).validate_python(value)
    except ValidationError as error:
        raise FileFormatError(
            f"the manifest is not in order at {place_of(error)}",
            where=where,
            do="ask for the file again, from a source you trust",
        ) from None
