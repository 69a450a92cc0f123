"""``certificate.json``: what is promised about a release, its files by hash, and a signature over all of it.

The bytes of the file are a function of its content: sorted keys, one form of every number. A change of any
byte is therefore a change of content, or makes the file one that locum cannot have written.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from locum.files.atomic import file_sha256
from locum.files.signature import ALGORITHM, public_hex, sign

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

NAME = "certificate.json"
FORMAT = 1
#: Fields of a certificate besides those of ``privacy.json``.
FIELDS = ("certificate", "created", "files", "audits", "signature")


def certify(
    privacy: Mapping[str, Any],
    files: Mapping[str, Path],
    *,
    created: str,
    audits: Any,
    key: Ed25519PrivateKey,
) -> dict[str, Any]:
    """A signed certificate.

    Parameters
    ----------
    privacy
        Content of ``privacy.json``.
    files
        The other files of the bundle by name.
    created
        ISO 8601 time of the release.
    audits
        Results of audits, if any were made; JSON-ready.
    key
        The key to sign with.
    """
    body: dict[str, Any] = {
        **privacy,
        "certificate": FORMAT,
        "created": created,
        "files": {name: {"bytes": p.stat().st_size, "sha256": file_sha256(p)} for name, p in files.items()},
        "audits": audits,
    }
    signature = {
        "algorithm": ALGORITHM,
        "public_key": public_hex(key),
        "value": sign(key, signed_bytes(body)),
    }
    return {**body, "signature": signature}


def signed_bytes(certificate: Mapping[str, Any]) -> bytes:
    """What the signature is over: everything but itself."""
    return as_bytes({k: v for k, v in certificate.items() if k != "signature"})


def as_bytes(value: Mapping[str, Any]) -> bytes:
    """The one form in which a certificate is written."""
    text = json.dumps(value, indent=1, sort_keys=True, ensure_ascii=True, allow_nan=False)
    return (text + "\n").encode("ascii")
