"""Checking a release without any private data: all that follows from the bundle itself, and who signed it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from locum.errors import FileFormatError, LocumError, UsageError
from locum.files.known_keys import key_of
from locum.files.signature import fingerprint, public_key
from locum.runs.certificate import NAME, check_format, check_signature, is_old, read_certificate
from locum.runs.certificate_form import TABLE
from locum.runs.check_account import check_account, check_sum
from locum.runs.check_files import check_files, check_header, synthetic_of
from locum.runs.check_model import check_attribute_model, check_model, check_size, open_model
from locum.runs.check_words import check_audit_records, check_pages, check_times, check_words
from locum.runs.files import MODEL

#: What a signature cannot prove, in one paragraph.
NOT_PROVEN = (
    "A signature shows that whoever holds the key vouched for these very bytes. It cannot show that the "
    "computation was run as claimed, that what was called public is public, that the unit is a whole person, "
    "or that nothing else was released about the same people; nor who holds the key, unless you got it by "
    "another way than the bundle. These are matters of trust in the sender."
)
_OLD = (
    f"{NAME}: made by an older version of locum, whose certificates leave out what later ones must say; "
    "these checks cannot be made. Ask for the release anew, or accept it with --allow-old."
)

Check = Callable[[Mapping[str, Any]], list[str]]


@dataclass(frozen=True, slots=True)
class Verified:
    """What was found out about a bundle.

    Attributes
    ----------
    folder
        The bundle.
    failures
        What is wrong, one sentence each; empty when the bundle is intact.
    statement
        The guarantee as the certificate has it; believe it only without failures.
    key, public_key
        The key that signed: its fingerprint, and itself.
    signer
        Who signed, as far as that is known: the name among the known keys, or "the key that you named".
        Empty for an unknown signer: then the signature only proves that nothing was changed by somebody
        without that key.
    any_key
        Whether an unknown signer will do.
    old
        Whether it is of an older format, of which less can be checked.
    epsilon
        Recomputed epsilon by the first and by the second accountant.
    assumptions
        What the guarantee rests on.
    """

    folder: Path
    failures: tuple[str, ...]
    statement: str = ""
    key: str = ""
    public_key: str = ""
    signer: str = ""
    any_key: bool = False
    old: bool = False
    epsilon: tuple[float, float] | None = None
    delta: float | None = None
    assumptions: tuple[str, ...] = ()
    files: tuple[str, ...] = field(default_factory=tuple)

    @property
    def intact(self) -> bool:
        """Whether nothing is wrong but that the signer may be unknown."""
        return not self.failures

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong, and the signer is known or need not be."""
        return self.intact and (bool(self.signer) or self.any_key)

    def to_json(self) -> dict[str, Any]:
        """JSON-ready dictionary."""
        return {
            "folder": str(self.folder),
            "passed": self.passed,
            "intact": self.intact,
            "failures": list(self.failures),
            "statement": self.statement,
            "key_fingerprint": self.key,
            "public_key": self.public_key,
            "signer": self.signer or None,
            "old_format": self.old,
            "epsilon": None if self.epsilon is None else list(self.epsilon),
            "delta": self.delta,
            "files": list(self.files),
            "assumptions": list(self.assumptions),
            "not_proven": NOT_PROVEN,
        }


def verify(
    bundle: Path, *, key: str | None = None, any_key: bool = False, allow_old: bool = False
) -> Verified:
    """Check a bundle that may come from anyone.

    Parameters
    ----------
    bundle
        The folder.
    key
        Public key that must have signed: 64 hexadecimal digits, or a file; None takes all that are known
        (`locum keys`).
    any_key
        Whether a bundle of an unknown signer passes; that the signer is unknown is told all the same.
    allow_old
        Whether a certificate of the older format, of which less can be checked, will do.

    Raises
    ------
    UsageError
        When there is no such folder, or no certificate in it.
    """
    key = None if key is None else public_key(key)
    path = bundle / NAME
    if not bundle.exists():
        raise UsageError("there is no such folder", where=str(bundle), do="check the spelling of the path")
    if not path.is_file() or path.is_symlink():
        raise UsageError(
            "there is no certificate",
            where=str(bundle),
            expected=f"a bundle with {NAME} made by `locum release`",
        )
    try:
        certificate = read_certificate(path)
    except FileFormatError as error:
        return Verified(bundle, (f"{NAME}: {error.what}.",))
    old = is_old(certificate)
    failures = _failures_of(check_format, certificate)
    failures += _failures_of(check_signature, certificate)
    changed = _failures_of(lambda c: check_files(bundle, c), certificate)
    failures += changed
    found: list[tuple[float, float]] = []
    for check in (check_account, lambda c: check_sum(c, found), check_times, check_audit_records):
        failures += _failures_of(check, certificate)
    if not changed:
        failures += _failures_of(lambda c: _check_inside(bundle, c), certificate)
    if old and not allow_old:
        failures.insert(0, _OLD)
    public = str(_part(certificate, "signature").get("public_key", ""))
    signer, faults = _signer(public, str(certificate.get("created", "")), key)
    return Verified(
        bundle,
        tuple(dict.fromkeys([*failures, *faults])),
        str(certificate.get("statement", "")),
        _fingerprint(public),
        public,
        signer,
        any_key,
        old,
        found[0] if found else None,
        _delta(certificate),
        tuple(str(a) for a in certificate.get("assumptions") or ()),
        tuple(sorted(_part(certificate, "files"))),
    )


def _signer(public: str, created: str, key: str | None) -> tuple[str, list[str]]:
    """Who signed, empty when nobody knows; and what is wrong with that."""
    known = key_of(public)
    if key is not None and public != key:
        return "", [f"{NAME}: signed by another key than the one that you named."]
    fault = "" if known is None else known.fault_at(created)
    if fault:
        return "", [f"{NAME}: {fault}."]
    if known is not None:
        return (f"your key {known.name}" if known.own else known.name), []
    return ("the key that you named" if key is not None else ""), []


def _check_inside(bundle: Path, certificate: Mapping[str, Any]) -> list[str]:
    """What is wrong inside the files, whose bytes are those that were signed."""
    if certificate.get("what", TABLE) != TABLE:
        return _check_texts(bundle, certificate)
    synth, failures = open_model(bundle)
    if synth is None:
        return failures
    columns = synth.schema.names
    checks: tuple[Check, ...] = (
        lambda c: check_model(c, synth),
        lambda c: check_header(bundle / synthetic_of(c), columns, synth.origin),
        lambda c: check_words(c, columns),
        lambda c: check_pages(bundle, c, columns),
    )
    return [failure for check in checks for failure in _failures_of(check, certificate)]


def _check_texts(bundle: Path, certificate: Mapping[str, Any]) -> list[str]:
    failures: list[str] = []
    if MODEL in certificate["files"]:
        synth, failures = open_model(bundle)
        if synth is not None:
            failures += _failures_of(lambda c: check_attribute_model(c, synth), certificate)
    failures += _failures_of(check_size, certificate)
    failures += _failures_of(lambda c: check_words(c, ()), certificate)
    return failures + _failures_of(lambda c: check_pages(bundle, c, ()), certificate)


def _failures_of(check: Check, certificate: Mapping[str, Any]) -> list[str]:
    """The failures of one check; whatever a hostile bundle breaks in it is one more."""
    try:
        return check(certificate)
    except LocumError as error:
        return [f"{error.where or NAME}: {error.what}."]
    except (
        LookupError,
        TypeError,
        ValueError,
        ArithmeticError,
        AttributeError,
        OSError,
        StopIteration,
    ) as error:
        return [f"{NAME}: a part is missing or of the wrong kind ({type(error).__name__})."]


def _part(certificate: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = certificate.get(name)
    return value if isinstance(value, dict) else {}


def _fingerprint(public: str) -> str:
    try:
        return fingerprint(public)
    except ValueError:
        return ""


def _delta(certificate: Mapping[str, Any]) -> float | None:
    value = _part(certificate, "total").get("delta")
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
