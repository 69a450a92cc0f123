"""The passphrase of a key: from the environment, or asked on a terminal; never from the command line."""

from __future__ import annotations

import getpass
import os
import sys

from locum.errors import UsageError

VARIABLE = "LOCUM_KEY_PASSPHRASE"
#: Shorter ones are guessed in no time.
LEAST = 12


def passphrase_of(key: str) -> bytes:
    """The passphrase that opens a key.

    Raises
    ------
    UsageError
        When nobody can be asked.
    """
    found = os.environ.get(VARIABLE)
    if found:
        return found.encode()
    _need_terminal(key)
    return getpass.getpass(f"Passphrase of {key}: ").encode()


def new_passphrase(key: str) -> bytes:
    """A passphrase for a new key, typed twice where it is asked for.

    Raises
    ------
    UsageError
        When nobody can be asked, the two differ, or it is too short.
    """
    found = os.environ.get(VARIABLE)
    if not found:
        _need_terminal(key)
        found = getpass.getpass(f"Passphrase for {key}, at least {LEAST} characters: ")
        if getpass.getpass("The same again: ") != found:
            raise UsageError("the two passphrases differ", where=key, do="try again")
    if len(found) < LEAST:
        raise UsageError("the passphrase is too short", where=key, expected=f"at least {LEAST} characters")
    return found.encode()


def _need_terminal(key: str) -> None:
    if not sys.stdin.isatty():
        raise UsageError(
            "the key needs a passphrase, and nobody can be asked for it here",
            where=key,
            do=f"put it into the environment variable {VARIABLE}, or call from a terminal",
        )
