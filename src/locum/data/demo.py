"""The bundled demo table: real, openly licensed, mixed types."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class DemoInfo:
    """What the demo table is.

    Attributes
    ----------
    title, sentence
        A few words and one sentence for people.
    target, protected
        Columns to predict and to watch.
    source, licence
        Where it is from and on what terms.
    """

    title: str
    sentence: str
    target: str
    protected: tuple[str, ...]
    source: str
    licence: str


def demo_path() -> Path:
    """Path of the bundled CSV file."""
    return Path(__file__).parent / "demo" / "demo.csv"


def demo_info() -> DemoInfo:
    """What the demo table is, and what to do with it."""
    return DemoInfo("demo", "", "", (), "", "")
