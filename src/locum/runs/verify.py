"""Checking a release without any private data: hashes, signature, and the sum of what was spent, twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from locum.errors import FileFormatError, LocumError, UsageError
from locum.files.atomic import file_sha256
from locum.files.json import load
from locum.files.signature import ALGORITHM, fingerprint, is_signed, public_key
from locum.privacy.budget import Budget
from locum.privacy.unit import Unit
from locum.runs.certificate import FIELDS, FORMAT, NAME, as_bytes, signed_bytes
from locum.runs.guarantee import entries_of, statement, totals

#: No certificate of ours is larger.
_MAX_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Verified:
    """What was found out about a bundle.

    Attributes
    ----------
    folder
        The bundle.
    failures
        What is wrong, one sentence each; empty when all is in order.
    statement
        The guarantee as the certificate has it; believe it only without failures.
    key, known_key
        Fingerprint of the key that signed, and whether it is the one that was expected. Without an expected
        key the signature only proves that nothing was changed by somebody without that key.
    epsilon
        Recomputed epsilon by the first and by the second accountant.
    assumptions
        What the guarantee rests on.
    """

    folder: Path
    failures: tuple[str, ...]
    statement: str = ""
    key: str = ""
    known_key: bool = False
    epsilon: tuple[float, float] | None = None
    delta: float | None = None
    assumptions: tuple[str, ...] = ()
    files: tuple[str, ...] = field(default_factory=tuple)

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong."""
        return not self.failures

    def to_json(self) -> dict[str, Any]:
        """JSON-ready dictionary."""
        return {
            "folder": str(self.folder),
            "passed": self.passed,
            "failures": list(self.failures),
            "statement": self.statement,
            "key_fingerprint": self.key,
            "key_expected": self.known_key,
            "epsilon": None if self.epsilon is None else list(self.epsilon),
            "delta": self.delta,
            "files": list(self.files),
            "assumptions": list(self.assumptions),
        }


def verify(bundle: Path, *, key: str | None = None) -> Verified:
    """Check a bundle that may come from anyone.

    Parameters
    ----------
    bundle
        The folder.
    key
        Public key that must have signed: 64 hexadecimal digits, or a file; None accepts any.

    Raises
    ------
    UsageError
        When there is no such folder, or no certificate in it.
    """
    key = None if key is None else public_key(key)
    path = bundle / NAME
    if not path.is_file() or path.is_symlink():
        raise UsageError(
            "there is no certificate",
            where=str(bundle),
            expected=f"a bundle with {NAME} made by `locum release`",
        )
    try:
        certificate = _read(path)
    except FileFormatError as error:
        return Verified(bundle, (f"{NAME}: {error.what}.",))
    failures: list[str] = []
    for check in (_check_form, _check_signature, _check_statement):
        failures += _failures_of(check, certificate)
    failures += _check_files(bundle, certificate.get("files"))
    found: list[tuple[float, float]] = []
    failures += _failures_of(lambda c: _check_total(c, found), certificate)
    public = str(_part(certificate, "signature").get("public_key", ""))
    known = key is not None and public == key
    if key is not None and not known:
        failures.append(f"{NAME}: signed by another key than the one expected.")
    return Verified(
        bundle,
        tuple(failures),
        str(certificate.get("statement", "")),
        _fingerprint(public),
        known,
        found[0] if found else None,
        _delta(certificate),
        tuple(str(a) for a in certificate.get("assumptions") or ()),
        tuple(sorted(_part(certificate, "files"))),
    )


def _read(path: Path) -> dict[str, Any]:
    if path.stat().st_size > _MAX_BYTES:
        raise FileFormatError("the certificate is absurdly large", where=str(path))
    content = path.read_bytes()
    found = load(content, NAME)
    if not isinstance(found, dict):
        raise FileFormatError("the certificate is no JSON object", where=NAME)
    if as_bytes(found) != content:
        raise FileFormatError("the bytes are not those that locum writes: the file was edited", where=NAME)
    return found


def _failures_of(
    check: Callable[[Mapping[str, Any]], list[str]], certificate: Mapping[str, Any]
) -> list[str]:
    """The failures of one check; whatever a hostile certificate breaks in it is one more."""
    try:
        return check(certificate)
    except LocumError as error:
        return [f"{NAME}: {error.what}."]
    except (KeyError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        return [f"{NAME}: a part is missing or of the wrong kind ({type(error).__name__})."]


def _check_form(certificate: Mapping[str, Any]) -> list[str]:
    if certificate.get("certificate") != FORMAT:
        return [f"{NAME}: not of a format that this version knows; update locum."]
    missing = [name for name in (*FIELDS, "unit", "budget", "entries", "total") if name not in certificate]
    failures = [f"{NAME}: {name} is missing." for name in missing]
    if certificate.get("private") is not True:
        failures.append(f"{NAME}: NOT PRIVATE: the noise followed from a seed.")
    return failures


def _check_signature(certificate: Mapping[str, Any]) -> list[str]:
    signature = _part(certificate, "signature")
    if set(signature) != {"algorithm", "public_key", "value"} or signature["algorithm"] != ALGORITHM:
        return [f"{NAME}: there is no {ALGORITHM} signature."]
    if not is_signed(str(signature["public_key"]), str(signature["value"]), signed_bytes(certificate)):
        return [f"{NAME}: the signature is wrong: the certificate was changed after it was signed."]
    return []


def _check_statement(certificate: Mapping[str, Any]) -> list[str]:
    """What the certificate says in words and totals must follow from its entries."""
    entries = entries_of(certificate)
    claimed = certificate["total"]
    added = totals(entries, float(claimed["delta"]))
    failures = []
    if float(claimed["delta"]) != Budget.from_json(certificate["budget"]).delta:
        failures.append(f"{NAME}: the total is taken at another delta than the budget's.")
    for name, value in added.items():
        if claimed.get(name) != value:
            failures.append(f"{NAME}: total.{name} is not what the {len(entries)} entries add up to.")
    unit = Unit.from_json(certificate["unit"])
    said = statement(unit, added["epsilon"] or float("inf"), added["delta"])
    if certificate.get("statement") != said:
        failures.append(f"{NAME}: the statement is not what the entries add up to.")
    for i, e in enumerate(entries):
        least = 1.0 if e.mechanism == "exponential" else float(unit.rows)
        if e.sensitivity < least * (1 - 1e-12):
            failures.append(f"{NAME}: entry {i} ({e.purpose}) claims less sensitivity than the unit has.")
    return failures


def _check_total(certificate: Mapping[str, Any], found: list[tuple[float, float]]) -> list[str]:
    """The sum once more, by another accountant."""
    from locum.privacy.recount import recount

    again = recount(entries_of(certificate), float(certificate["total"]["delta"]))
    found.append((again.first, again.second))
    if not again.agree:
        return [f"{NAME}: two accountants disagree on epsilon ({again.first:.6g} and {again.second:.6g})."]
    return []


def _check_files(bundle: Path, listed: object) -> list[str]:
    """Every file named is there and unchanged, and nothing else is."""
    if not isinstance(listed, dict):
        return [f"{NAME}: there is no list of files."]
    failures = []
    present = {p.name for p in bundle.iterdir()}
    for name in sorted(present - set(listed) - {NAME}):
        failures.append(f"{name}: not in the certificate.")
    for name, entry in sorted(listed.items()):
        path = bundle / name
        if Path(name).name != name or name == NAME or not isinstance(entry, dict):
            failures.append(f"{NAME}: a file is listed that cannot be.")
        elif name not in present or path.is_symlink() or not path.is_file():
            failures.append(f"{name}: missing, or no plain file.")
        elif path.stat().st_size != entry.get("bytes") or file_sha256(path) != entry.get("sha256"):
            failures.append(f"{name}: changed since it was certified.")
    return failures


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
