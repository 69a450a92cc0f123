"""From the scores of a membership attack to a result: areas, rates at low false alarms, p-values, groups."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from locum.arrays import FloatArray
from locum.evaluation.claim import Claim
from locum.evaluation.intervals import auc_interval, roc_curve
from locum.evaluation.registry import find, result_of
from locum.evaluation.result import Result
from locum.randomness import stream

#: False-alarm rates at which the share of members found is given.
FALSE_RATES = (0.001, 0.01, 0.1)
#: Bootstrap repeats for those shares, and points of the ROC curve that are kept.
REPEATS, POINTS = 100, 41
#: Share of all scores that counts as "the top" in the exact test at low false alarms.
TOP = 0.01


@dataclass(frozen=True, slots=True)
class AttackFinding:
    """A result with the hypotheses behind it."""

    result: Result
    claims: tuple[Claim, ...]


def area_p(area: float, m: int, n: int) -> float:
    """One-sided p-value of an area above one half: Mann and Whitney's test, normal approximation.

    Without the correction for ties, which makes it conservative. 1 with an empty side.
    """
    if not m or not n:
        return 1.0
    error = math.sqrt((m + n + 1) / (12.0 * m * n))
    return 0.5 * math.erfc((area - 0.5) / error / math.sqrt(2.0))


def top_p(members: FloatArray, others: FloatArray, rng: np.random.Generator, top: float = TOP) -> float:
    """Exact one-sided p-value that members crowd the top of all scores: Fisher's (hypergeometric) test.

    The top is the `top` share of all scores, at least ten; ties are broken by coin.
    """
    from scipy.stats import hypergeom

    m, n = len(members), len(others)
    k = min(max(10, round(top * (m + n))), m + n)
    if not m or not n:
        return 1.0
    scores = np.concatenate([members, others])
    order = np.lexsort((rng.random(m + n), -scores))[:k]
    return float(hypergeom.sf(int((order < m).sum()) - 1, m + n, m, k))


def rates(members: FloatArray, others: FloatArray, rng: np.random.Generator) -> list[dict[str, float]]:
    """Shares of members found at `FALSE_RATES`, each with its 95 % bootstrap interval."""
    at = np.array(FALSE_RATES)
    value = np.interp(at, *roc_curve(members, others))
    draws = np.array(
        [
            np.interp(
                at,
                *roc_curve(
                    members[rng.integers(len(members), size=len(members))],
                    others[rng.integers(len(others), size=len(others))],
                ),
            )
            for _ in range(REPEATS)
        ]
    )
    low, high = np.quantile(draws, [0.025, 0.975], axis=0)
    return [
        {"false_rate": float(f), "found": float(v), "low": float(min(a, v)), "high": float(max(b, v))}
        for f, v, a, b in zip(at, value, low, high, strict=True)
    ]


def roc_points(members: FloatArray, others: FloatArray) -> list[list[float]]:
    """The ROC curve at `POINTS` false-alarm rates, denser near 0, for a chart."""
    at = np.concatenate([[0.0], np.geomspace(1e-3, 1.0, POINTS - 1)])
    found = np.interp(at, *roc_curve(members, others))
    return [[round(float(x), 6), round(float(y), 6)] for x, y in zip(at, found, strict=True)]


def by_group(
    members: FloatArray,
    others: FloatArray,
    groups: Mapping[str, tuple[npt.NDArray[Any], npt.NDArray[Any]]],
    least: int = 50,
) -> dict[str, list[dict[str, object]]]:
    """The area within each group of each protected column with at least `least` rows a side.

    Attributes of an entry: group, rows of members and others, area with its interval.
    """
    out: dict[str, list[dict[str, object]]] = {}
    for column, (inside, outside) in groups.items():
        entries = []
        for group in sorted(set(inside.tolist())):
            a, b = members[inside == group], others[outside == group]
            if min(len(a), len(b)) < least:
                continue
            value, low, high = auc_interval(a, b)
            entries.append(
                {"group": group, "members": len(a), "others": len(b), "area": value, "low": low, "high": high}
            )
        if entries:
            out[column] = entries
    return out


def membership(
    name: str,
    parts: tuple[FloatArray, FloatArray, FloatArray, FloatArray],
    naive: tuple[FloatArray, FloatArray],
    groups: Mapping[str, tuple[npt.NDArray[Any], npt.NDArray[Any]]],
    seed: int,
    words: Mapping[str, str] = MappingProxyType({}),
) -> AttackFinding:
    """Result of a registered membership attack from the scores of members and others, random and outlying.

    `words` are handed to `result_of`; `naive` are scores that the attacker could give without the synthetic
    rows: the baseline, which must be at chance. Value: area under the ROC curve on random targets with
    DeLong's interval; three hypotheses: area on random and on outlying targets, and members in the top 1 % of
    the scores.
    """
    inside, outside, rare_in, rare_out = (np.nan_to_num(p, nan=-np.inf) for p in parts)
    value, low, high = auc_interval(inside, outside)
    rng = stream(seed, "attacks", name)
    found = rates(inside, outside, rng)
    claims = [
        Claim("area", value, low, high, area_p(value, len(inside), len(outside))),
        Claim(
            "found at 1 %",
            found[1]["found"],
            found[1]["low"],
            found[1]["high"],
            top_p(inside, outside, rng),
        ),
    ]
    detail: dict[str, Any] = {
        "targets": len(inside),
        "found": found,
        "roc": roc_points(inside, outside),
        "baseline": {"what": "the same without the synthetic rows", "area": auc_interval(*naive)[0]},
    }
    if min(len(rare_in), len(rare_out)) >= 2:
        area, rare_low, rare_high = auc_interval(rare_in, rare_out)
        p = area_p(area, len(rare_in), len(rare_out))
        claims.append(Claim("outlying area", area, rare_low, rare_high, p))
        detail["outlying"] = {
            "members": len(rare_in),
            "others": len(rare_out),
            "area": area,
            "low": rare_low,
            "high": rare_high,
        }
    detail["groups"] = by_group(inside, outside, groups)
    detail["p"] = {c.scale: c.p for c in claims}
    sentence = (
        f"Going by {find(name)[0].goes_by}, one row that the generator learned from and one that it never "
        f"saw are told apart {100 * value:.1f} times in 100 (50 is guessing)"
    )
    if "outlying" in detail:
        sentence += f", outlying rows {100 * detail['outlying']['area']:.1f} times"
    result = result_of(
        name,
        value,
        sentence + ".",
        words=words,
        low=low,
        high=high,
        reference=0.5,
        detail=detail,
    )
    return AttackFinding(result, tuple(claims))
