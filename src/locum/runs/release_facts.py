"""What a release says besides its account: the controller's words, and what was released before."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from locum.errors import UsageError
from locum.files.atomic import file_sha256
from locum.runs.certificate import NAME, check_signature, read_certificate
from locum.runs.config import load_config
from locum.runs.config_forms import MOST_WORDS
from locum.runs.files import CONFIG

#: Keys of ``[release]`` that are about the run, not about its release.
_OF_THE_RUN = frozenset({"unit_said"})


def stated_words(run: Path, given: Mapping[str, str | None]) -> dict[str, str]:
    """The controller's words: those of the options, else those of ``[release]`` in the run's ``locum.toml``.

    Raises
    ------
    UsageError
        When one is too long.
    """
    path = run / CONFIG
    known = dict(load_config(path).release) if path.is_file() else {}
    words = {**known, **{name: text for name, text in given.items() if text is not None}}
    for name, text in words.items():
        if len(text) > MOST_WORDS:
            raise UsageError(
                f"the words are {len(text):,} characters long",
                where="--" + name.replace("_", "-"),
                expected=f"at most {MOST_WORDS:,}",
            )
    return {name: text for name, text in words.items() if text and name not in _OF_THE_RUN}


def earlier_release(bundle: Path) -> dict[str, str]:
    """A bundle that was released before, by the hash of its certificate.

    Raises
    ------
    UsageError
        When there is no certificate, or none that holds.
    FileFormatError
        When it was edited.
    """
    path = bundle / NAME
    if not path.is_file():
        raise UsageError("there is no certificate", where=str(bundle), expected="an earlier bundle")
    told = read_certificate(path)
    wrong = check_signature(told)
    created, statement = told.get("created"), told.get("statement")
    if wrong or not isinstance(created, str) or not isinstance(statement, str):
        raise UsageError(
            "this is not the certificate of a release",
            where=str(path),
            do="see `locum verify` on that bundle",
        )
    return {"certificate": file_sha256(path), "created": created, "statement": statement}
