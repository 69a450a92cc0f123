"""Membership by protected group: whose rows are told apart best."""

from __future__ import annotations

from collections.abc import Sequence

from locum.evaluation.attacks.verdict import area_p
from locum.evaluation.claim import Claim, holm
from locum.evaluation.registry import result_of
from locum.evaluation.result import Result


def per_group(results: Sequence[Result]) -> list[Result]:
    """``attack.groups.<column>``: the group whose members are told apart best by distances, with all others.

    Areas as in `by_group`; one claim a group. Minorities often leak more than the average shows.
    """
    source = next((r for r in results if r.name == "attack.density.neighbours"), None)
    out = []
    for column, groups in (source.detail["groups"] if source is not None else {}).items():
        claims = [
            Claim(
                "area",
                g["area"],
                g["low"],
                g["high"],
                area_p(g["area"], g["members"], g["others"]),
                str(g["group"]),
            )
            for g in groups
        ]
        adjusted = holm([c.p for c in claims])
        k = min(range(len(groups)), key=lambda i: (adjusted[i], -groups[i]["area"]))
        out.append(
            result_of(
                f"attack.groups.{column}",
                groups[k]["area"],
                f"Of the groups of {column!r}, members of {groups[k]['group']!r} are told apart most "
                f"surely: {100 * groups[k]['area']:.1f} times in 100 (50 is guessing).",
                words={"column": column},
                low=groups[k]["low"],
                high=groups[k]["high"],
                reference=0.5,
                claims=tuple(claims),
                detail={
                    "attacker": source.detail["attacker"] if source is not None else "",
                    "groups": [{**g, "p_corrected": float(p)} for g, p in zip(groups, adjusted, strict=True)],
                },
            )
        )
    return out
