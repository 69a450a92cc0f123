"""``certificate.json``: what is promised about a release, its files by hash, and a signature over all of it.

The bytes of the file are a function of its content: sorted keys, one form of every number. A change of any
byte is therefore a change of content, or makes the file one that locum cannot have written.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from locum.errors import FileFormatError
from locum.files.atomic import file_sha256
from locum.files.json import load
from locum.files.signature import ALGORITHM, is_signed, public_hex, sign
from locum.runs.certificate_form import FORMAT, check_form

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

NAME = "certificate.json"
#: The format before, which left open what may stand in a certificate.
OLD_FORMAT = 1
#: No certificate of ours is larger.
MAX_BYTES = 64 * 2**20
#: Fields of that format: all of them, and no others.
_OLD_NAMES = (
    "accounting assumptions audits budget certificate created data discovery entries files format "
    "holdout_share mechanisms noise private public_table rows run signature statement synthesizer total "
    "trust_model unit versions"
)
_OLD_FIELDS = frozenset(_OLD_NAMES.split())


def certificate_body(
    privacy: Mapping[str, Any],
    *,
    created: str,
    build: Mapping[str, Any],
    audits: Sequence[Mapping[str, Any]] = (),
    stated: Mapping[str, str] | None = None,
    before: Sequence[Mapping[str, str]] = (),
) -> dict[str, Any]:
    """A certificate without files and signature: what its exports are made of.

    Parameters
    ----------
    privacy
        Content of ``privacy.json``.
    created
        ISO 8601 time of the release.
    build
        The code that made it; see `locum.runs.versions.build`.
    audits, stated, before
        Results of audits, words of the controller, and earlier releases, if there are any.
    """
    return {
        **privacy,
        "certificate": FORMAT,
        "created": created,
        "build": dict(build),
        "audits": [dict(a) for a in audits],
        "stated": dict(stated or {}),
        "before": [dict(b) for b in before],
    }


def certify(body: Mapping[str, Any], files: Mapping[str, Path], *, key: Ed25519PrivateKey) -> dict[str, Any]:
    """A signed certificate.

    Parameters
    ----------
    body
        What `certificate_body` gave.
    files
        The other files of the bundle by name.
    key
        The key to sign with.

    Raises
    ------
    FileFormatError
        When the body has a part that is not on the list of what may be published.
    """
    listed = {n: {"bytes": p.stat().st_size, "sha256": file_sha256(p)} for n, p in files.items()}
    signed = seal({**body, "files": listed}, key)
    check_form(signed, NAME)
    return signed


def seal(body: Mapping[str, Any], key: Ed25519PrivateKey) -> dict[str, Any]:
    """The body with its signature; a forger has no more than this and a key of his own."""
    signature = {"algorithm": ALGORITHM, "public_key": public_hex(key), "value": sign(key, as_bytes(body))}
    return {**body, "signature": signature}


def as_bytes(value: Mapping[str, Any]) -> bytes:
    """The one form in which a certificate is written."""
    text = json.dumps(value, indent=1, sort_keys=True, ensure_ascii=True, allow_nan=False)
    return (text + "\n").encode("ascii")


def read_certificate(path: Path) -> dict[str, Any]:
    """A certificate from anywhere, as it was written; what it says is not checked.

    Raises
    ------
    FileFormatError
        When it is no JSON object, or not in the bytes that locum writes.
    """
    if path.stat().st_size > MAX_BYTES:
        raise FileFormatError("the certificate is absurdly large", where=str(path))
    content = path.read_bytes()
    found = load(content, NAME)
    if not isinstance(found, dict):
        raise FileFormatError("the certificate is no JSON object", where=NAME)
    if as_bytes(found) != content:
        raise FileFormatError("the bytes are not those that locum writes: the file was edited", where=NAME)
    return found


def check_format(certificate: Mapping[str, Any]) -> list[str]:
    """What is wrong with format and fields."""
    if is_old(certificate):
        found = [f"{NAME}: {name} is missing." for name in sorted(_OLD_FIELDS - set(certificate))]
        newer = sorted(set(certificate) - _OLD_FIELDS)
        if newer:
            found.append(f"{NAME}: it claims the older format {OLD_FORMAT} but has {', '.join(newer)[:200]}.")
        if certificate.get("private") is not True:
            found.append(f"{NAME}: NOT PRIVATE: the noise followed from a seed.")
        return found
    if certificate.get("certificate") != FORMAT:
        return [f"{NAME}: not of a format that this version knows; update locum."]
    if certificate.get("private") is False:
        return [f"{NAME}: NOT PRIVATE: the noise followed from a seed."]
    check_form(certificate, NAME)
    return []


def is_old(certificate: Mapping[str, Any]) -> bool:
    """Whether a certificate is, or claims to be, of the format before."""
    version = certificate.get("certificate")
    return type(version) is int and version == OLD_FORMAT


def check_signature(certificate: Mapping[str, Any]) -> list[str]:
    """Whether the owner of the key that is named signed all that stands in it."""
    signature = certificate.get("signature")
    if not isinstance(signature, dict) or set(signature) != {"algorithm", "public_key", "value"}:
        return [f"{NAME}: there is no {ALGORITHM} signature."]
    body = {k: v for k, v in certificate.items() if k != "signature"}
    signed = is_signed(str(signature["public_key"]), str(signature["value"]), as_bytes(body))
    if signature["algorithm"] != ALGORITHM or not signed:
        return [f"{NAME}: the signature is wrong: the certificate was changed after it was signed."]
    return []
