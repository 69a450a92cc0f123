"""The tournament: cut, hide, gate, seek."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from locum.arrays import FloatArray
from locum.errors import DataError, LocumError
from locum.evaluation.attacks.threat import ThreatModel
from locum.evaluation.intervals import auc_interval, rate_at
from locum.evaluation.metrics.utility import utility
from locum.evaluation.result import Result
from locum.evaluation.trial import Trial, thin
from locum.progress import Event, Listener, silent
from locum.randomness import stream
from locum.studies.contestants.contestant import Contestant
from locum.studies.contestants.produce import Arena, produce
from locum.studies.tournament.result import FALSE_RATES, Bout, Hiding
from locum.studies.tournament.seekers import Seeker, scores

if TYPE_CHECKING:
    import pyarrow as pa

#: Rows a side that seekers are asked about, and synthetic and reference rows that they look at, at most.
ASKED, KNOWN = 5_000, 40_000
#: Fewest members: below this no seeker can show anything.
LEAST = 20


@dataclass(frozen=True, slots=True, eq=False)
class TournamentSplit:
    """A table cut for one seed: members to learn from, as many others, and rows that seekers may know."""

    arena: Arena
    members: pa.Table
    others: pa.Table
    reference: pa.Table


def cut(arena: Arena, seed: int) -> TournamentSplit:
    """Two fifths members, two fifths others, one fifth known to the seekers.

    `arena` holds the whole table as its training rows.

    Raises
    ------
    DataError
        With fewer than `LEAST` members.
    """
    order = stream(seed, "tournament", "cut").permutation(arena.train.num_rows)
    k = 2 * len(order) // 5
    if k < LEAST:
        raise DataError(
            f"{len(order)} rows are too few for a tournament",
            where=arena.name,
            expected=f"{LEAST * 5 // 2} rows or more",
        )
    parts = [arena.train.take(np.sort(rows)) for rows in (order[:k], order[k : 2 * k], order[2 * k :])]
    return TournamentSplit(replace(arena, train=parts[0], holdout=parts[1]), *parts)


def play(
    ground: Callable[[int], TournamentSplit],
    hiders: Sequence[Contestant],
    seekers: Sequence[tuple[str, Seeker, str]],
    seeds: Sequence[int],
    *,
    gate: float,
    limit_s: float,
    listener: Listener = silent,
) -> tuple[tuple[Hiding, ...], tuple[Bout, ...]]:
    """Every seeker against every hider under every seed.

    Parameters
    ----------
    ground
        Cuts the table for a seed (`cut`).
    hiders, seekers
        Who takes part, controls included.
    gate
        Least share of skill kept (``utility.kept`` against the other half) for a hider to count.
    limit_s
        Longest time for a hider to make its rows.
    seeds, listener
        Seeds of cutting, hiding and seeking; told of each hider.

    Notes
    -----
    After the NeurIPS 2020 hide-and-seek challenge (Jordon et al. 2021), with three changes: members and
    others are equally many and drawn at random, so that 0.5 is guessing; hiders are ranked by the strongest
    seeker, not by the mean over weak ones; and the share of members found at few false alarms stands beside
    accuracy. Seekers get the synthetic rows and a reference sample that is disjoint from both halves.
    """
    hidings: list[Hiding] = []
    bouts: list[Bout] = []
    total = len(seeds) * len(hiders)
    with tempfile.TemporaryDirectory(prefix="locum-tournament-") as work:
        for seed in seeds:
            on = ground(seed)
            for who in hiders:
                listener(Event("tournament", len(hidings), total, f"seed {seed}: {who.name}"))
                folder = Path(work) / "one"
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                hiding, rows = _hide(on, who, seed, gate, limit_s, folder)
                hidings.append(hiding)
                if rows is not None:
                    bouts += _seek(on, rows, who.name, seekers, seed)
    listener(Event("tournament", total, total))
    return tuple(hidings), tuple(bouts)


def _hide(
    on: TournamentSplit, who: Contestant, seed: int, gate: float, limit_s: float, folder: Path
) -> tuple[Hiding, pa.Table | None]:
    made = produce(who, on.arena, rows=on.members.num_rows, seed=seed, limit_s=limit_s, folder=folder)
    if made.status != "ok":
        return Hiding(who.name, seed, made.status, made.reason, cpu_s=made.cpu_s), None
    try:
        rows, schema, _ = on.arena.read(made.path, on.arena.schema)
        trial = Trial(schema, on.members, rows, on.others, seed, schema.target)
        kept = next((r for r in utility(trial) if r.name == "utility.kept"), None)
    except LocumError as error:
        return Hiding(who.name, seed, "failed", error.message, cpu_s=made.cpu_s), None
    return _gate(who.name, seed, kept, gate, made.cpu_s), trial.synthetic


def _gate(name: str, seed: int, kept: Result | None, gate: float, cpu_s: float | None) -> Hiding:
    if kept is None:
        return Hiding(
            name, seed, "ok", "usefulness cannot be measured: nothing can be predicted", cpu_s=cpu_s
        )
    return Hiding(name, seed, "ok", "", kept.value, kept.low, kept.high, kept.value >= gate, cpu_s)


def _seek(
    on: TournamentSplit, rows: pa.Table, hider: str, seekers: Sequence[tuple[str, Seeker, str]], seed: int
) -> list[Bout]:
    import pyarrow as pa

    schema = on.arena.schema
    columns = tuple(c for c in schema if not c.regenerated)
    n = min(on.members.num_rows, on.others.num_rows, ASKED)
    names = list(schema.names)
    members, others = (
        thin(t.select(names), n, stream(seed, "tournament", part))
        for part, t in (("members", on.members), ("others", on.others))
    )
    both = pa.concat_tables([members.cast(rows.schema), others.cast(rows.schema)])
    # In random order, so that no seeker can go by the place of a row.
    order = stream(seed, "tournament", "order").permutation(2 * n)
    asked, truth = both.take(order), order < n
    known = ThreatModel(
        columns,
        thin(rows, KNOWN, stream(seed, "tournament", "synthetic")),
        thin(on.reference.select(names).cast(rows.schema), KNOWN, stream(seed, "tournament", "reference")),
        seed,
    )
    out = []
    for name, seek, _ in seekers:
        try:
            found = scores(seek, known, asked)
        except Exception as error:  # noqa: BLE001 - somebody else's seeker: its failure is a line of the record
            said = error.message if isinstance(error, LocumError) else f"{type(error).__name__}: {error}"
            out.append(Bout(hider, name, seed, n, reason=said[:300]))
            continue
        out.append(_bout(hider, name, seed, found[truth], found[~truth]))
    return out


def _bout(hider: str, seeker: str, seed: int, inside: FloatArray, outside: FloatArray) -> Bout:
    area, low, high = auc_interval(inside, outside)
    both = np.concatenate([inside, outside])
    # Ties at the middle are split as a coin would split them.
    middle = np.median(both)
    called = (inside > middle).sum() + (outside < middle).sum()
    tied = (both == middle).sum() / 2
    found = {f"{rate:g}": rate_at(inside, outside, rate) for rate in FALSE_RATES}
    return Bout(hider, seeker, seed, len(inside), area, low, high, float((called + tied) / len(both)), found)
