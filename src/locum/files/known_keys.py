"""The keys that a user knows: whose they are, from when to when they are good, and which are good no more.

They stand in ``known-keys.json`` in the user's configuration folder; private keys of his own lie beside it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from locum.errors import FileFormatError, UsageError
from locum.files.atomic import write_text
from locum.files.configuration import config_folder
from locum.files.json import load
from locum.files.manifest import place_of
from locum.files.signature import fingerprint

FILE, FOLDER = "known-keys.json", "keys"
#: Name of the key that signs where no other is named, and its file.
OWN, OWN_FILE = "own", "signing-key.pem"
#: From when a key is good of which nobody said since when.
EVER = "1970-01-01T00:00:00Z"
_FORMAT = 1
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._@-]{0,79}")
_MOMENT = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$"

_Moment = Annotated[str, Field(strict=True, pattern=_MOMENT)]
_Text = Annotated[str, Field(strict=True, max_length=2000)]
_Hex = Annotated[str, Field(strict=True, pattern=r"^[0-9a-f]{64}$")]


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A key and what is known of it.

    Attributes
    ----------
    name
        Whose it is.
    public_key
        64 hexadecimal digits.
    valid_from, until
        ISO 8601 times between which releases may have been signed with it; empty for no end.
    revoked, why
        When it was revoked, and why; empty for a key that was not.
    own
        Whether the private half is here.
    vouched_by
        The key before it, which signed it; empty where there is none.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    name: _Text
    public_key: _Hex
    valid_from: _Moment
    until: _Moment | Literal[""] = ""
    revoked: _Moment | Literal[""] = ""
    why: _Text = ""
    own: Annotated[bool, Field(strict=True)] = False
    vouched_by: _Hex | Literal[""] = ""

    @property
    def fingerprint(self) -> str:
        """To be read out aloud."""
        return fingerprint(self.public_key)

    def fault_at(self, made: str) -> str:
        """Why it is no good for a release that was made at an ISO 8601 time; empty when it is."""
        if self.revoked:
            reason = f": {self.why}" if self.why else ""
            return f"the key of {self.name} was revoked on {self.revoked[:10]}{reason}"
        if made < self.valid_from:
            return (
                f"the key of {self.name} is good from {self.valid_from[:10]} on, which is later than {made}"
            )
        if self.until and made > self.until:
            return f"the key of {self.name} was good to {self.until} only, which is before {made}"
        return ""

    @property
    def state(self) -> str:
        """What may be signed with it now, in a word or two."""
        if self.revoked:
            return f"revoked {self.revoked[:10]}" + (f": {self.why}" if self.why else "")
        if self.until and now() >= self.until:
            return "ended"
        return "good" if now() >= self.valid_from else "not good yet"

    def to_json(self) -> dict[str, Any]:
        """JSON-ready form."""
        return asdict(self)


def known_keys() -> tuple[KnownKey, ...]:
    """All keys that are known, in the order in which they became so.

    Raises
    ------
    FileFormatError
        When the file is broken.
    """
    path = config_folder() / FILE
    if not path.is_file():
        return ()
    found = load(path.read_bytes(), str(path))
    if not isinstance(found, dict) or set(found) != {"format", "keys"} or found["format"] != _FORMAT:
        raise FileFormatError("this is no list of known keys", where=str(path), do="mend or remove it")
    try:
        return tuple(TypeAdapter(list[KnownKey]).validate_python(found["keys"]))
    except ValidationError as error:
        raise FileFormatError(
            f"the list of known keys is not in order at {place_of(error)}", where=str(path), do="mend it"
        ) from None


def key_named(name: str) -> KnownKey:
    """The key of a name that is good, or the last one that was; or the one of a fingerprint or public key.

    Raises
    ------
    UsageError
        When there is none.
    """
    plain = name.replace(" ", "").lower()
    found = [
        k for k in known_keys() if k.name == name or plain in (k.public_key, k.fingerprint.replace(" ", ""))
    ]
    if not found:
        others = ", ".join(dict.fromkeys(k.name for k in known_keys())) or "none yet"
        raise UsageError(f"no key is known as {name!r}", where="key", expected=f"one of: {others}")
    good = [k for k in found if k.state == "good"]
    return (good or found)[-1]


def key_of(public: str, keys: Iterable[KnownKey] | None = None) -> KnownKey | None:
    """What is known of a public key; None when it is not known."""
    listed = known_keys() if keys is None else keys
    return next((k for k in listed if k.public_key == public), None)


def know(*keys: KnownKey) -> None:
    """Write keys down, each in place of what was known of it before.

    Raises
    ------
    UsageError
        When a name cannot be one.
    FolderError
        When the file cannot be written.
    """
    for key in keys:
        check_name(key.name)
    new = {k.public_key: k for k in keys}
    listed = [new.pop(k.public_key, k) for k in known_keys()]
    _write([*listed, *new.values()])


def check_name(name: str) -> None:
    """Refuse what cannot be the name of a key; raises UsageError."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name[:40]!a} cannot be the name of a key",
            where="name",
            expected="1 to 80 letters, digits, blanks or . _ @ -",
        )


def changed(key: KnownKey, **facts: Any) -> KnownKey:
    """The key with other facts, written down."""
    new = replace(key, **facts)
    know(new)
    return new


def own_path(name: str) -> Path:
    """Where the private half of a key of one's own lies."""
    folder = config_folder()
    return folder / OWN_FILE if name == OWN else folder / FOLDER / f"{name.replace(' ', '_')}.pem"


def now() -> str:
    """The time in ISO 8601, UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def day(text: str, where: str, *, end: bool = False) -> str:
    """An ISO 8601 time from a day such as 2027-01-31: its beginning, or its end.

    Raises
    ------
    UsageError
        When it is no day.
    """
    try:
        datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise UsageError(f"{text[:20]!r} is no day", where=where, expected="such as 2027-01-31") from None
    return f"{text}T{'23:59:59' if end else '00:00:00'}Z"


def _write(keys: Sequence[KnownKey]) -> None:
    path = config_folder() / FILE
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    document = {"format": _FORMAT, "keys": [k.to_json() for k in keys]}
    write_text(path, json.dumps(document, indent=1, ensure_ascii=True) + "\n", private=True)
