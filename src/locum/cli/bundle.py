"""Files that may come from anyone: ``locum release``, ``verify`` and ``inspect``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from locum.cli.console import say, table

if TYPE_CHECKING:
    from locum.runs.inspect import Inspection
    from locum.runs.release import Released
    from locum.runs.verify import Verified


def release(found: Released, out: Path) -> None:
    """What the bundle holds, and how to check it."""
    say(f"Privacy: {found.statement}")
    say()
    width = max(len(name) for name in found.files)
    for name, meaning in found.files.items():
        say(f"  {name:<{width}}  {meaning}")
    say()
    for sentence in found.quality:
        say(sentence)
    say()
    word = "a key made just now" if found.new_key else "your key"
    say(f"Signed by {word}, fingerprint {found.key}. Tell receivers the public key {found.public_key}")
    say(f"Next: locum verify {out}")


def verify(found: Verified) -> None:
    """What was checked, what is assumed, or what is wrong."""
    if found.passed:
        say("In order.", style="green")
        say(f"Privacy: {found.statement}")
        if found.epsilon is not None:
            say(f"Epsilon added up twice: {found.epsilon[0]:.6g} and {found.epsilon[1]:.6g}.")
        say(f"{len(found.files)} files and the certificate are unchanged since they were signed.")
        word = "the key you expect" if found.known_key else "a key that you should compare with the sender's"
        say(f"Signed by {word}, fingerprint {found.key}.")
        say("Not proven, but assumed:")
        for text in found.assumptions:
            say(f"- {text}")
    else:
        say("NOT in order.", style="bold red")
        for text in found.failures:
            say(f"- {text}")


def inspect(found: Inspection) -> None:
    """Facts about a file or folder."""
    say(found.title, "bold")
    table(["what", "value"], [[name, text] for name, text in found.facts.items()])
    if found.members:
        table(["file", "size"], [[name, text] for name, text in found.members.items()], right=[1])
    for question, sentence in found.sentences:
        say(question, "bold")
        say(f"  {sentence}", hang=2)
