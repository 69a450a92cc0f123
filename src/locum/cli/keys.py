"""``locum keys``: what was made, known, trusted, revoked or changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from locum.cli.console import say, table
from locum.files.known_keys import EVER, own_path

if TYPE_CHECKING:
    from locum.files.known_keys import KnownKey
    from locum.runs.keys import KeyList


def made(found: KnownKey) -> None:
    """A new key."""
    say(f"Made the key {found.name}, fingerprint {found.fingerprint}, in {own_path(found.name)}")
    say(f"Tell receivers the public key by another way than the bundle: {found.public_key}")


def listed(found: KeyList) -> None:
    """All keys that are known."""
    if not found.keys:
        say(
            "No key is known yet. Make one with `locum keys new`, or trust a sender's with "
            "`locum keys trust`."
        )
        return
    rows = [
        [
            k.name,
            "yours" if k.own else "",
            k.fingerprint,
            _since(k),
            k.until[:10] or "no end",
            k.state,
        ]
        for k in found.keys
    ]
    table(["name", "", "fingerprint", "good from", "to", "now"], rows)


def shown(found: KnownKey) -> None:
    """A key whole."""
    facts = {
        "name": found.name,
        "public key": found.public_key,
        "fingerprint": found.fingerprint,
        "good from": found.valid_from,
        "to": found.until or "no end",
        "now": found.state,
        "signed by": found.vouched_by or "no key before it",
        "private half": str(own_path(found.name)) if found.own else "not here",
    }
    table(["what", "value"], [[name, text] for name, text in facts.items()])


def trusted(found: KnownKey) -> None:
    """A key that is trusted from now on."""
    since = "" if found.valid_from == EVER else f" from {found.valid_from[:10]} on"
    end = f" up to {found.until[:10]}" if found.until else ""
    say(f"What the key {found.fingerprint} signs counts as signed by {found.name}{since}{end}.")


def revoked(found: KnownKey) -> None:
    """A key that is good no more."""
    told = " Tell receivers as well." if found.own else ""
    say(f"Nothing that the key {found.fingerprint} of {found.name} signed is in order any more.{told}")


def rotated(found: KnownKey) -> None:
    """A new key in place of an old one."""
    made(found)
    say(
        "The old key signed the new one. Receivers follow with `locum keys trust` and the file that was "
        "written."
    )


def _since(key: KnownKey) -> str:
    return "ever" if key.valid_from == EVER else key.valid_from[:10]
