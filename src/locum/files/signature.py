"""Ed25519 signatures: the key of whoever releases, and the check that whoever receives makes."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from locum.errors import FileFormatError, FolderError, UsageError
from locum.files import atomic
from locum.files.passphrase import passphrase_of

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ALGORITHM = "Ed25519"


def signing_key(path: Path) -> Ed25519PrivateKey:
    """The private key in a PEM file; a passphrase is taken from the environment, or asked on a terminal.

    Raises
    ------
    UsageError
        When the file is missing, or the passphrase is not there or another.
    FileFormatError
        When it holds no Ed25519 private key.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError("the key cannot be read", where=str(path), do="check the path") from error
    locked = b"BEGIN ENCRYPTED PRIVATE KEY" in content
    try:
        key = load_pem_private_key(content, password=passphrase_of(str(path)) if locked else None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        if locked:
            raise UsageError(
                "the passphrase does not open the key", where=str(path), do="try again"
            ) from None
        raise _no_key(path, "private") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise _no_key(path, "private")
    return key


def make_key(path: Path, passphrase: bytes | None = None) -> Ed25519PrivateKey:
    """A new private key in a new PEM file (PKCS #8), readable by its owner only.

    Parameters
    ----------
    path
        Where to.
    passphrase
        What the file is encrypted with; None leaves it open.

    Raises
    ------
    FolderError
        When the file exists or cannot be written.
    """
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    locked: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase is not None:
        locked = serialization.BestAvailableEncryption(passphrase)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # made for the owner only from the first byte on; an existing file is never replaced
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        raise FolderError("there is a key already", where=str(path), do="choose another name") from None
    except OSError as error:
        raise atomic.folder_error(error, path) from error
    return key


def public_hex(key: Ed25519PrivateKey) -> str:
    """The public half of a key, 64 hexadecimal digits."""
    return key.public_key().public_bytes_raw().hex()


def fingerprint(public: str) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of a public key, in fours, to be read out aloud."""
    digest = hashlib.sha256(bytes.fromhex(public)).hexdigest()[:16]
    return " ".join(digest[i : i + 4] for i in range(0, 16, 4))


def public_key(text: str) -> str:
    """A public key from 64 hexadecimal digits, or from a file that holds them or a PEM; as hexadecimal.

    Raises
    ------
    UsageError
        When it is neither.
    """
    plain = text.strip().lower()
    if len(plain) == 64 and not set(plain) - set("0123456789abcdef"):
        return plain
    with suppress(OSError, ValueError):
        content = Path(text).read_bytes()
        if b"BEGIN PUBLIC KEY" in content:
            return _from_pem(content, text)
        inner = content.decode("ascii").strip().lower()
        if len(inner) == 64 and not set(inner) - set("0123456789abcdef"):
            return inner
    raise UsageError(
        "that is no public key",
        where="key",
        expected="64 hexadecimal digits, or a file that holds them or a PEM",
    )


def _from_pem(content: bytes, where: str) -> str:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    key = load_pem_public_key(content)
    if not isinstance(key, Ed25519PublicKey):
        raise _no_key(Path(where), "public")
    return key.public_bytes_raw().hex()


def sign(key: Ed25519PrivateKey, content: bytes) -> str:
    """Signature of `content`, 128 hexadecimal digits."""
    return key.sign(content).hex()


def is_signed(public: str, signature: str, content: bytes) -> bool:
    """Whether `signature` is that of `content` by the owner of `public`; false for anything malformed."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))
        key.verify(bytes.fromhex(signature), content)
    except (InvalidSignature, ValueError):
        return False
    return True


def _no_key(path: Path, which: str) -> FileFormatError:
    return FileFormatError(
        f"the file holds no {which} {ALGORITHM} key",
        where=str(path),
        expected="a PEM file",
    )
