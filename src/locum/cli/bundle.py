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
    if found.quality:
        say()
    word = "a key made just now" if found.new_key else "your key"
    say(f"Signed by {word}, fingerprint {found.key}. Tell receivers the public key {found.public_key}")
    say(f"Next: locum verify {out}")


def verify(found: Verified) -> None:
    """What was checked, what is assumed, or what is wrong."""
    from locum.runs.verify import NOT_PROVEN

    if not found.intact:
        say("NOT in order.", style="bold red")
        for text in found.failures:
            say(f"- {text}")
        return
    if found.signer and found.old:
        say("In order, as far as an older certificate can be checked.", style="yellow")
    elif found.signer:
        say("In order.", style="green")
    else:
        say("Intact, but signed by an unknown signer.", style="bold yellow")
    say(f"Privacy: {found.statement}")
    if found.epsilon is not None:
        say(f"Epsilon added up twice: {found.epsilon[0]:.6g} and {found.epsilon[1]:.6g}.")
    say(f"{len(found.files)} files and the certificate are unchanged since they were signed.")
    if found.signer:
        say(f"Signed by {found.signer}, fingerprint {found.key}.")
    else:
        say(f"The fingerprint of the key is {found.key}. Anybody can make a key and sign with it.")
        say(
            "Ask the sender for the key by another way than the bundle, and write down what you are told: "
            "locum keys trust KEY --name SENDER"
        )
    say("Not proven, but assumed:")
    for text in found.assumptions:
        say(f"- {text}")
    say(NOT_PROVEN)


def inspect(found: Inspection) -> None:
    """Facts about a file or folder."""
    say(found.title, "bold")
    table(["what", "value"], [[name, text] for name, text in found.facts.items()])
    if found.members:
        table(["file", "size"], [[name, text] for name, text in found.members.items()], right=[1])
    for question, sentence in found.sentences:
        say(question, "bold")
        say(f"  {sentence}", hang=2)
