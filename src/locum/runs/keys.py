"""``locum keys``: making, showing, trusting, revoking and changing the keys that sign releases."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from locum.errors import FileFormatError, UsageError
from locum.files.atomic import write_text
from locum.files.json import load
from locum.files.known_keys import (
    EVER,
    OWN,
    KnownKey,
    changed,
    check_name,
    day,
    key_named,
    key_of,
    know,
    known_keys,
    now,
    own_path,
)
from locum.files.passphrase import new_passphrase
from locum.files.signature import is_signed, make_key, public_hex, public_key, sign, signing_key
from locum.runs.out_folder import refuse_existing

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

#: What the file says that a rotation leaves for receivers.
_ROTATION = "locum key rotation"


def new_key(name: str = OWN, *, passphrase: bool = False, until: str | None = None) -> KnownKey:
    """Make a key of one's own.

    Parameters
    ----------
    name
        What to call it; ``own`` signs where no other is named.
    passphrase
        Encrypt the file with a passphrase, which is asked for, or taken from LOCUM_KEY_PASSPHRASE.
    until
        Last day on which it signs, such as 2027-01-31; None sets no end.

    Raises
    ------
    FolderError
        When there is a key of that name.
    UsageError
        When the name, the day or the passphrase cannot be.
    """
    end = "" if until is None else day(until, "--until", end=True)
    if any(k.name == name and not k.own for k in known_keys()):
        raise UsageError(f"{name!r} is the name of somebody else's key", where="name", do="choose another")
    check_name(name)
    made = make_key(own_path(name), new_passphrase(name) if passphrase else None)
    known = KnownKey(name, public_hex(made), now(), end, own=True)
    know(known)
    return known


def signer(key: str | Path | None) -> tuple[Ed25519PrivateKey, KnownKey, bool]:
    """The key to sign with, what is known of it, and whether it was made just now.

    Parameters
    ----------
    key
        A PEM file, or the name of a key of one's own; None takes the one that is called ``own``, which is
        made when there is none.

    Raises
    ------
    UsageError
        When there is no such key, or it is revoked or past its last day.
    """
    if key is None and not own_path(OWN).is_file():
        known = new_key()
        return signing_key(own_path(OWN)), known, True
    name = OWN if key is None else str(key)
    path = Path(name) if key is not None and Path(name).is_file() else own_path(name)
    if not path.is_file():
        raise UsageError(
            f"there is no key {name!r}",
            where="--key",
            expected="a PEM file, or the name of a key of your own",
            do="see `locum keys list`, or make one with `locum keys new`",
        )
    found = signing_key(path)
    held = key_of(public_hex(found))
    if held is None:
        held = KnownKey(
            name if path == own_path(name) else path.stem[:80], public_hex(found), now(), own=True
        )
        if path == own_path(name):
            know(held)
    # what is not on the list yet is good from now on
    fault = held.fault_at(now())
    if fault:
        raise UsageError(fault, where="--key", do="sign with another key; see `locum keys rotate`")
    return found, held, False


@dataclass(frozen=True, slots=True)
class KeyList:
    """Keys that are known, in the order in which they became so."""

    keys: tuple[KnownKey, ...]

    def to_json(self) -> dict[str, Any]:
        """JSON-ready dictionary."""
        return {"keys": [k.to_json() for k in self.keys]}


def list_keys() -> KeyList:
    """All keys that are known."""
    return KeyList(known_keys())


def show_key(name: str) -> KnownKey:
    """What is known of a key."""
    return key_named(name)


def trust_key(
    key: str, name: str | None = None, *, since: str | None = None, until: str | None = None
) -> KnownKey:
    """Write down whose a key is, so that releases that it signed are in order.

    Parameters
    ----------
    key
        A public key (64 hexadecimal digits, or a file that holds them or a PEM), which you got by another way
        than the bundle; or the file of a rotation, signed by a key that is trusted already.
    name
        Whose it is; a rotation has the name of the key before.
    since, until
        First and last day on which it may have signed; None since ever, and without end.

    Raises
    ------
    UsageError
        When it is no key, has no name, or is known to be revoked.
    FileFormatError
        When it is a rotation that no trusted key has signed.
    """
    rotation = _rotation(key)
    if rotation is not None:
        return _follow(rotation, key)
    public = public_key(key)
    if name is None:
        raise UsageError("whose key it is was not said", where="--name", do="give it a name")
    held = key_of(public)
    if held is not None and held.revoked:
        raise UsageError(held.fault_at(now()), where="key", do="do not trust it")
    others = [k for k in known_keys() if k.public_key != public and not k.revoked]
    if any(k.name.strip().casefold() == name.strip().casefold() for k in others):
        raise UsageError(
            f"another key is known as {name!r}",
            where="--name",
            do=f"give this one a name of its own, or revoke the other: locum keys revoke {name!r} --why WHY",
        )
    start = EVER if since is None else day(since, "--since")
    end = "" if until is None else day(until, "--until", end=True)
    known = KnownKey(name, public, start, end, own=held is not None and held.own)
    know(known)
    return known


def revoke_key(name: str, why: str) -> KnownKey:
    """Write down that a key is good no more; releases that it signed are then not in order.

    Parameters
    ----------
    name
        Of the key, or its fingerprint.
    why
        What happened, in a few words.
    """
    return changed(key_named(name), revoked=now(), why=why)


def rotate_key(
    name: str = OWN,
    out: Path | None = None,
    *,
    passphrase: bool = False,
    until: str | None = None,
    force: bool = False,
) -> KnownKey:
    """Make a new key in place of one of one's own; the old one signs the new one, and nothing else any more.

    Parameters
    ----------
    name
        Of the key.
    out
        File for receivers, who follow the change with `trust_key`; None takes ``NAME-rotation.json``.
    passphrase, until
        Of the new key, as for `new_key`.
    force
        Replace a file of that name.

    Raises
    ------
    UsageError
        When there is no such key, or it is revoked.
    FolderError
        When a file is in the way.
    """
    path = own_path(name)
    if not path.is_file():
        raise UsageError(f"there is no key {name!r} of your own", where="name", do="see `locum keys list`")
    end = "" if until is None else day(until, "--until", end=True)
    old, held, _ = signer(None if name == OWN else name)
    out = Path(f"{name.replace(' ', '_')}-rotation.json") if out is None else out
    refuse_existing(out, force=force)
    # the old key keeps its place until the new one and the file for receivers are written
    fresh = path.with_name(f"{path.stem}-{secrets.token_hex(4)}.pem")
    made = make_key(fresh, new_passphrase(name) if passphrase else None)
    new = KnownKey(name, public_hex(made), now(), end, own=True, vouched_by=held.public_key)
    body = {
        "what": _ROTATION,
        "name": name,
        "old": held.public_key,
        "new": new.public_key,
        "date": new.valid_from,
        "until": new.until,
    }
    text = json.dumps({**body, "signature": sign(old, _bytes(body))}, indent=1, sort_keys=True)
    write_text(out, text + "\n")
    path.rename(path.with_name(f"{path.stem}-{held.fingerprint.replace(' ', '')}.pem"))
    fresh.rename(path)
    know(replace(held, until=new.valid_from), new)
    return new


def _rotation(key: str) -> dict[str, Any] | None:
    """The file of a rotation; None for anything else."""
    path = Path(key)
    if path.suffix != ".json" or not path.is_file():
        return None
    found = load(path.read_bytes()[: 1 << 16], str(path))
    parts = {"what", "name", "old", "new", "date", "until", "signature"}
    if not isinstance(found, dict) or set(found) != parts or found["what"] != _ROTATION:
        raise FileFormatError(
            "this is no rotation of a key", where=str(path), expected="what `locum keys rotate` wrote"
        )
    if not all(isinstance(part, str) for part in found.values()):
        raise FileFormatError("the rotation has parts of the wrong type", where=str(path))
    return found


def _follow(rotation: dict[str, Any], where: str) -> KnownKey:
    """Trust the new key of a rotation, and the old one no longer than until then."""
    body = {k: v for k, v in rotation.items() if k != "signature"}
    old = key_of(rotation["old"])
    if old is None or old.revoked or not is_signed(old.public_key, rotation["signature"], _bytes(body)):
        raise FileFormatError(
            "the new key was not signed by a key that you trust",
            where=where,
            do="ask its owner for the key itself, by another way than the bundle",
        )
    if old.fault_at(rotation["date"]):
        raise FileFormatError(f"{old.fault_at(rotation['date'])}", where=where)
    new = KnownKey(
        old.name, public_key(rotation["new"]), rotation["date"], rotation["until"], vouched_by=old.public_key
    )
    know(new, KnownKey(**{**old.to_json(), "until": min(rotation["date"], old.until or rotation["date"])}))
    return new


def _bytes(body: dict[str, Any]) -> bytes:
    return json.dumps(body, sort_keys=True, ensure_ascii=True).encode()
