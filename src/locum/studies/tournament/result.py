"""Hiders against seekers: what was found, and the two leaderboards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from locum.evaluation.result import plain

#: False-alarm rates at which the share of members found is given.
FALSE_RATES = (0.001, 0.01, 0.1)
#: Chance below which a control that guesses is taken to know something.
UNLIKELY = 0.01


@dataclass(frozen=True, slots=True)
class Hiding:
    """One hider's rows under one seed.

    Attributes
    ----------
    hider, seed
        Who.
    status, reason
        ``ok``, or why there are no rows.
    useful, low, high
        Share of skill kept by models trained on them, with its interval; None where it cannot be measured.
    passed
        Whether the utility gate let it through.
    cpu_s
        CPU seconds of making them.
    """

    hider: str
    seed: int
    status: str
    reason: str = ""
    useful: float | None = None
    low: float | None = None
    high: float | None = None
    passed: bool = False
    cpu_s: float | None = None


@dataclass(frozen=True, slots=True)
class Bout:
    """One seeker against one hider's rows.

    Attributes
    ----------
    hider, seeker, seed
        Who.
    rows
        Members asked about, and as many others.
    area, low, high
        Area under the ROC curve with its 95 % interval; 0.5 is guessing.
    accuracy
        Share of right answers when the higher half is called members: both halves are known to be equal.
    found
        Share of members found at each of `FALSE_RATES`, by its text.
    reason
        Why there is no result; empty when there is one.
    """

    hider: str
    seeker: str
    seed: int
    rows: int = 0
    area: float = 0.5
    low: float = 0.0
    high: float = 1.0
    accuracy: float = 0.5
    found: Mapping[str, float] = field(default_factory=dict)
    reason: str = ""


@dataclass(frozen=True, slots=True)
class HiderLine:
    """A hider's place.

    Attributes
    ----------
    name, control
        Who; whether it is a control.
    passed
        Seeds in which the gate let it through, of `seeds`.
    useful
        Mean share of skill kept.
    worst_area, worst_seeker
        Largest mean area of a seeker against it, and whose: by this it is ranked, lowest first.
    mean_accuracy
        Mean accuracy over seekers, by which the NeurIPS 2020 challenge ranked.
    found
        Largest mean share of members found at 1 % false alarms.
    """

    name: str
    control: bool
    passed: int
    seeds: int
    useful: float | None
    worst_area: float | None
    worst_seeker: str
    mean_accuracy: float | None
    found: float | None


@dataclass(frozen=True, slots=True)
class SeekerLine:
    """A seeker's place: mean area, accuracy and share found over the hiders that passed the gate."""

    name: str
    control: bool
    area: float | None
    accuracy: float | None
    found: float | None
    best_against: str


@dataclass(frozen=True, slots=True)
class Tournament:
    """The whole record.

    Attributes
    ----------
    table, rows, seeds, gate
        On what: name, members (and as many others and half as many known rows), seeds, least share of skill
        kept.
    hiders, seekers
        Names, and what each is, in one line.
    hidings, bouts
        Everything that happened.
    controls
        Names of hiders and seekers whose result is known in advance.
    """

    table: str
    rows: int
    seeds: tuple[int, ...]
    gate: float
    hiders: Mapping[str, str]
    seekers: Mapping[str, str]
    hidings: tuple[Hiding, ...]
    bouts: tuple[Bout, ...]
    controls: tuple[str, ...]
    created: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)

    def hider_board(self) -> tuple[HiderLine, ...]:
        """Hiders that passed the gate in most seeds first, the best hidden first among them."""
        lines = [self._hider(name) for name in self.hiders]
        return tuple(
            sorted(
                lines, key=lambda h: (2 * h.passed <= h.seeds, 2.0 if h.worst_area is None else h.worst_area)
            )
        )

    def _hider(self, name: str) -> HiderLine:
        own = [h for h in self.hidings if h.hider == name]
        bouts = [b for b in self.bouts if b.hider == name and not b.reason]
        by_seeker = {
            s: [b for b in bouts if b.seeker == s] for s in self.seekers if any(b.seeker == s for b in bouts)
        }
        areas = {s: float(np.mean([b.area for b in found])) for s, found in by_seeker.items()}
        worst = max(areas, key=lambda s: areas[s], default="")
        useful = [h.useful for h in own if h.useful is not None]
        rates = [np.mean([b.found["0.01"] for b in found]) for found in by_seeker.values()]
        return HiderLine(
            name,
            name in self.controls,
            sum(h.passed for h in own),
            len(own),
            float(np.mean(useful)) if useful else None,
            areas.get(worst),
            worst,
            float(np.mean([b.accuracy for b in bouts])) if bouts else None,
            float(max(rates)) if rates else None,
        )

    def seeker_board(self) -> tuple[SeekerLine, ...]:
        """Seekers, the sharpest first."""
        through = {(h.hider, h.seed) for h in self.hidings if h.passed}
        lines = []
        for name in self.seekers:
            own = [
                b for b in self.bouts if b.seeker == name and not b.reason and (b.hider, b.seed) in through
            ]
            best = max(own, key=lambda b: b.area, default=None)
            lines.append(
                SeekerLine(
                    name,
                    name in self.controls,
                    _mean([b.area for b in own]),
                    _mean([b.accuracy for b in own]),
                    _mean([b.found["0.01"] for b in own]),
                    best.hider if best else "",
                )
            )
        return tuple(sorted(lines, key=lambda s: -1.0 if s.area is None else s.area, reverse=True))

    def warnings(self) -> tuple[str, ...]:
        """What the controls show to be wrong; empty when they behave."""
        out = []
        hiders = {h.name: h for h in self.hider_board()}
        copy, shuffled = hiders.get("bootstrap"), hiders.get("independent")
        if copy is not None and copy.worst_area is not None and copy.worst_area < 0.6:
            out.append("No seeker found out the hider that copies: on this table the seekers have no power.")
        if shuffled is not None and 2 * shuffled.passed > shuffled.seeds:
            out.append("The gate let shuffled columns through: on this table it tests nothing.")
        # A guess looks at no hider, so all bouts of a seed are one and the same.
        guess = {b.seed: b.low > 0.5 or b.high < 0.5 for b in self.bouts if b.seeker == "guess"}
        if guess and _chance_of(sum(guess.values()), len(guess)) < UNLIKELY:
            out.append(
                "Guessing does better or worse than chance too often: the halves differ by more than chance."
            )
        return tuple(out)

    def __repr__(self) -> str:
        return f"<Tournament on {self.table}: {', '.join(self.hiders)} hide, {', '.join(self.seekers)} seek>"

    def to_json(self) -> dict[str, Any]:
        """JSON-ready dictionary."""
        return {
            "table": self.table,
            "rows": self.rows,
            "seeds": list(self.seeds),
            "gate": self.gate,
            "hiders": dict(self.hiders),
            "seekers": dict(self.seekers),
            "controls": list(self.controls),
            "created": self.created,
            "versions": dict(self.versions),
            "warnings": list(self.warnings()),
            "hider_board": plain(self.hider_board()),
            "seeker_board": plain(self.seeker_board()),
            "hidings": plain(self.hidings),
            "bouts": plain(self.bouts),
        }


def _mean(values: list[float]) -> float | None:
    return float(np.mean(values)) if values else None


def _chance_of(off: int, seeds: int) -> float:
    """Chance that so many of the seeds, or more, lie outside their 95 % intervals."""
    from scipy.stats import binom

    return float(binom.sf(off - 1, seeds, 0.05))
