"""Exact copies: synthetic rows or persons that equal one the generator learned from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from locum.arrays import FloatArray
from locum.evaluation.attacks.side_test import lean_error, lean_p
from locum.evaluation.claim import Claim
from locum.evaluation.intervals import Z95, wilson
from locum.evaluation.learn.cells import numeric, texts
from locum.evaluation.registry import result_of
from locum.evaluation.result import Result
from locum.evaluation.trial import Trial
from locum.randomness import stream

if TYPE_CHECKING:
    import pyarrow as pa

Keys = npt.NDArray[np.uint64]

#: Numbers are compared to this many digits after the point.
DIGITS = 6
#: Without a fair hold-out copies count when their share is this much above how often train repeats itself.
SURE_EXCESS = 0.02
#: Fewer synthetic rows than this cannot show that nothing was copied.
FEWEST = 20


def exact_copies(trial: Trial) -> list[Result]:
    """Share of synthetic rows that equal a train row in all compared columns, ``copying.exact``.

    Ids, free text and PII are left out; numbers are rounded to `DIGITS` digits. Where few values are possible
    rows meet by chance, hence two yardsticks. Reference: the share of hold-out rows that equal a train row
    (Wilson intervals for both). And the excess, in the detail: the share of synthetic rows that equal one of
    k train rows less the share that equal one of k hold-out rows, k the smaller table's size; 0 is expected
    of a generator that copies nothing, whatever it has learned. Without a hold-out there is no
    reference; copies of rows that train holds once are then held against the share of train rows that occur
    more than once, which is about how often fresh rows would meet train.

    Claim: the excess, as a share of copies of all train rows, by a sign test over distinct real rows
    (`lean_p`). Without a hold-out it can speak against a stand-in only. None where fewer than `FEWEST`
    synthetic rows show nothing.
    Cost: one hash a row.
    """
    return _copies(trial, [c.name for c in trial.columns], _ROWS)


def copied_persons(trial: Trial) -> list[Result]:
    """Share of synthetic persons who have all constants of a real person, ``copying.persons``.

    Only where persons have several rows, and some columns are the same in all rows of one: sex, date of birth
    and the like. Counts are of persons. Reference and verdict as for ``copying.exact``.
    """
    return _copies(trial, list(trial.constants), _PERSONS)


@dataclass(frozen=True, slots=True)
class _Words:
    """What is copied: the measure, and its sentences with places for shares."""

    measure: str
    copied: str
    reference: str
    alone: str


_LEARNED = "that the generator learned from"
_ROWS = _Words(
    "copying.exact",
    f"{{}} % of the synthetic rows equal a real row {_LEARNED}",
    "; of real rows that it never saw {} % do.",
    "those rows",
)
_PERSONS = _Words(
    "copying.persons",
    f"{{}} % of the synthetic persons have all that stays the same in a real person {_LEARNED}",
    "; of real persons that it never saw {} % do.",
    "those persons",
)


def _copies(trial: Trial, columns: list[str], words: _Words) -> list[Result]:
    if not columns:
        return []
    tables = {"train": trial.train, "synthetic": trial.synthetic}
    if trial.independent_test:
        tables["test"] = trial.test
    keys = row_keys(tables, columns)
    n = len(keys["synthetic"])
    copied = np.isin(keys["synthetic"], keys["train"])
    value = float(copied.mean())
    low, high = wilson(int(copied.sum()), n)
    if not trial.independent_test:
        return [_alone(keys, value, (low, high), words)]
    chance = np.isin(keys["test"], keys["train"])
    reference = float(chance.mean())
    limits = wilson(int(chance.sum()), len(chance))
    claim = _excess(trial, keys)
    detail: dict[str, object] = {
        "rows": n,
        "reference_low": limits[0],
        "reference_high": limits[1],
        "excess": claim.effect,
        "excess_low": claim.low,
        "excess_high": claim.high,
    }
    claims = () if n < FEWEST and not copied.any() else (claim,)
    found: dict[str, Any] = {"low": low, "high": high, "reference": reference, "claims": claims}
    return [result_of(words.measure, value, _sentence(value, reference, words), detail=detail, **found)]


def _alone(keys: dict[str, Keys], value: float, interval: tuple[float, float], words: _Words) -> Result:
    """Judged without a hold-out: only many copies of rows that train holds once are beyond doubt."""
    from scipy.stats import binom

    chance, alone = repeat_share(keys["train"])
    n = len(keys["synthetic"])
    single = np.isin(keys["synthetic"], alone)
    least, _ = wilson(int(single.sum()), n)
    copied = n >= FEWEST and least > chance + SURE_EXCESS
    detail: dict[str, object] = {"rows": n, "single": float(single.mean()), "repeated": chance}
    sentence = _sentence(value, None, words)
    if copied:
        sentence = (
            f"{words.copied.format(f'{100 * value:.2f}')}, "
            f"though only {100 * chance:.2f} % of {words.alone} occur more than once: that is no chance."
        )
    claims: tuple[Claim, ...] = ()
    if copied:
        share = float(single.mean())
        p = float(binom.sf(round(share * n) - 1, n, chance))
        claims = (Claim("copies, no hold-out", share - chance, least - chance, 1.0, p),)
    low, high = interval
    return result_of(words.measure, value, sentence, low=low, high=high, claims=claims, detail=detail)


def repeat_share(keys: Keys) -> tuple[float, Keys]:
    """Share of rows that occur more than once, and the keys of the others.

    Fresh rows of the same population meet these rows about as often by chance.
    """
    distinct, counts = np.unique(keys, return_counts=True)
    return float(counts[counts > 1].sum() / max(1, counts.sum())), distinct[counts == 1]


def _excess(trial: Trial, keys: dict[str, Keys]) -> Claim:
    n, k = len(keys["synthetic"]), min(len(keys["train"]), len(keys["test"]))
    rng = stream(trial.seed, "attacks", "exact")
    seen, unseen = (keys[p][rng.choice(len(keys[p]), size=k, replace=False)] for p in ("train", "test"))
    made, times = np.unique(keys["synthetic"], return_counts=True)
    here, there = np.isin(made, seen), np.isin(made, unseen)
    # A row that both sides hold says nothing.
    inside, outside = times[here & ~there], times[there & ~here]
    # Only k of the train rows are looked for; as large a share of the others will have been copied.
    scale = len(keys["train"]) / k
    effect = scale * float(inside.sum() - outside.sum()) / n
    none = wilson(0, n)[1]
    error = max(lean_error(inside, outside) / n, none / Z95)
    low, high = effect - Z95 * scale * error, effect + Z95 * scale * error
    return Claim("copies", effect, max(-1.0, low), min(1.0, high), lean_p(inside, outside))


def row_keys(tables: dict[str, pa.Table], columns: list[str]) -> dict[str, Keys]:
    """A 64-bit hash of each row, equal for equal rows of any of the tables; shape (n_rows,) each.

    Missing equals missing. Labels are numbered over all tables first, so only numbers are hashed; two
    different rows share a key with a chance of about 2**-64 a pair.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    keys = {name: np.zeros(table.num_rows, dtype=np.uint64) for name, table in tables.items()}
    for column in columns:
        parts = {name: table.column(column) for name, table in tables.items()}
        kind = next(iter(parts.values())).type
        numbers: dict[str, npt.NDArray[np.uint64]] = {}
        if pa.types.is_floating(kind):
            numbers = {name: _bits(numeric(part)) for name, part in parts.items()}
        elif pa.types.is_string(kind) or pa.types.is_boolean(kind):
            known = pa.chunked_array([c for p in parts.values() for c in texts(p).chunks], pa.string())
            levels = pc.unique(known)
            for name, part in parts.items():
                at = pc.index_in(texts(part), value_set=levels)
                numbers[name] = np.asarray(pc.fill_null(at, -1).to_numpy(), dtype=np.int64).view(np.uint64)
        else:
            numbers = {name: _integers(part) for name, part in parts.items()}
        for name in keys:
            keys[name] = _mix(keys[name] + np.uint64(0x9E3779B97F4A7C15) ^ _mix(numbers[name]))
    return keys


def _bits(values: FloatArray) -> Keys:
    with np.errstate(over="ignore", invalid="ignore"):
        rounded = np.round(values, DIGITS)
    # Rounding overflows to infinity or NaN for huge values: those stay as they are. Adding 0 turns -0 into 0.
    rounded = np.where(np.isfinite(rounded), rounded, values) + 0.0
    rounded[np.isnan(rounded)] = np.nan
    return np.ascontiguousarray(rounded).view(np.uint64)


def _integers(values: pa.ChunkedArray) -> Keys:
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_date32(values.type):
        values = pc.cast(values, pa.int32())
    whole = pc.cast(values, pa.int64())
    # A missing value gets a number of its own that no time or count of practical use has.
    filled = pc.fill_null(whole, np.iinfo(np.int64).min + 12345)
    return np.array(filled.to_numpy(), dtype=np.int64).view(np.uint64)


def _mix(x: Keys) -> Keys:
    # The finaliser of SplitMix64; overflow is wanted and silent for unsigned arrays.
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def _sentence(value: float, reference: float | None, words: _Words) -> str:
    text = words.copied.format(f"{100 * value:.2f}")
    if reference is None:
        return text + "; without a hold-out nobody knows how many would do so by chance."
    return text + words.reference.format(f"{100 * reference:.2f}")
