"""Sections on attacks and groups: from the details of results to plain values for the templates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from locum.evaluation.registry import section_of
from locum.evaluation.result import Result
from locum.report.charts.groups import Group, lines
from locum.report.charts.roc import RocCurve, legend, roc
from locum.report.words import words_of_key

#: Curves drawn and groups listed at most.
MAX_CURVES, MAX_GROUPS = 6, 12
#: Rates of `fair.model` results by what the result is about: key in a group's detail and words.
_RATES = {
    "demographic_parity": ("selection_rate", "Share of rows given the label"),
    "equal_opportunity": ("true_positive_rate", "Share of labelled rows that are found"),
    "calibration": ("calibration_error", "Distance of scores from shares"),
}


@dataclass(frozen=True, slots=True)
class AttackRow:
    """One attack: what it knows, and what it finds at each false-alarm rate (texts to shares)."""

    result: Result
    attacker: str
    found: Mapping[str, float | None]
    outlying: float | None


@dataclass(frozen=True, slots=True)
class GroupTable:
    """Figures by group: heading, what the figure is, what the tall line is, and a drawn line a group."""

    heading: str
    what: str
    against: str
    rows: tuple[tuple[Group, Markup], ...]
    more: int


@dataclass(frozen=True, slots=True)
class Attacks:
    """The section on attacks; empty when none was run.

    `members` are the attacks that ask who was learned from, `values` those that ask what can be learned of
    somebody; `names` are the curves drawn, each with what it finds at 1 % false alarms.
    """

    worst: Result | None
    members: tuple[AttackRow, ...]
    values: tuple[AttackRow, ...]
    curves: Markup
    names: tuple[tuple[RocCurve, float], ...]
    groups: tuple[GroupTable, ...]
    not_tried: tuple[str, ...]
    effort: str


def attacks(results: Sequence[Result]) -> Attacks:
    """Everything that was attacked, the strongest first where areas can be compared."""
    private = [r for r in results if r.question == "private"]
    worst = next((r for r in private if r.name == "attack.worst"), None)
    shown = [r for r in private if r is not worst and (section_of(r.name) == "attacks" or "roc" in r.detail)]
    areas = sorted((r for r in shown if "roc" in r.detail), key=lambda r: -r.value)
    accused = "" if worst is None else str(worst.detail.get("attack", ""))
    first = next((i for i, r in enumerate(areas) if r.name == accused), 0)
    curves = [
        RocCurve(r.title, points, first=i == first)
        for i, r in enumerate(areas[:MAX_CURVES])
        if (points := _points(r.detail["roc"]))
    ]
    groups: list[GroupTable] = []
    strongest = next((r for r in areas if isinstance(r.detail.get("groups"), Mapping)), None)
    if strongest is not None:
        for column, rows in strongest.detail["groups"].items():
            made = [
                Group(
                    str(g["group"]),
                    int(g["members"]),
                    _number(g, "area"),
                    _number(g, "low"),
                    _number(g, "high"),
                    0.5,
                )
                for g in rows
            ]
            what = f"{strongest.title}: how often members of a group are told apart"
            groups.append(_table(f"Found out by {column}", what, "guessing", made))
    detail: Mapping[str, Any] = {} if worst is None else worst.detail
    rows = [_attack(r) for r in shown]
    return Attacks(
        worst,
        tuple(a for a in rows if _asks_who(a)),
        tuple(a for a in rows if not _asks_who(a)),
        roc(curves),
        tuple(legend(curves)),
        tuple(groups),
        tuple(str(t) for t in detail.get("not_tried", ())),
        str(detail.get("effort", "")),
    )


def _asks_who(row: AttackRow) -> bool:
    return bool(row.found) or row.result.name.startswith("attack.groups.")


def _points(value: Any) -> tuple[tuple[float, float], ...]:
    return tuple((float(x), float(y)) for x, y in value)


def _attack(result: Result) -> AttackRow:
    detail = result.detail
    found = {f"{f['false_rate']:g}": _number(f, "found") for f in detail.get("found", ())}
    outlying = detail.get("outlying")
    area = _number(outlying, "area") if isinstance(outlying, Mapping) else None
    return AttackRow(result, str(detail.get("attacker", "")), found, area)


def fairness(results: Sequence[Result]) -> tuple[GroupTable, ...]:
    """Tables by group out of the details of fairness results, those with groups only."""
    out = []
    for r in results:
        rows = r.detail.get("groups")
        if r.question != "fair" or not isinstance(rows, list | tuple) or not rows:
            continue
        parity = str(r.detail.get("parity", ""))
        made = _groups(r.name, parity, rows)
        if made is not None and not _noise(r.name, made[2]):
            what, against, groups = made
            by = ", ".join(str(g) for g in r.detail.get("grouping", ()))
            out.append(_table(f"{what} by {by}" if by else what, "", against, groups))
    return tuple(out)


def _noise(name: str, groups: Sequence[Group]) -> bool:
    """Whether a loss by group is chance in every group: a picture of that would be read for more."""
    loss = name.startswith("fair.utility.")
    return loss and all(g.low is not None and g.high is not None and g.low <= 0 <= g.high for g in groups)


def _groups(name: str, parity: str, rows: Sequence[Mapping[str, Any]]) -> tuple[str, str, list[Group]] | None:
    first = rows[0]
    if parity in _RATES and isinstance(first.get("synthetic"), Mapping):
        key, what = _RATES[parity]
        if key not in first["synthetic"]:
            return None
        return what, "a model trained on real rows", [_rate(g, key) for g in rows]
    if name.startswith("fair.parity.") and "synthetic" in first:
        what = "Share of the label in the released rows"
        return what, "real rows", [_plain(g, "synthetic", "low", "high", "real") for g in rows]
    if name.startswith("fair.utility.") and "loss" in first:
        what = "Loss of skill from training on synthetic rows"
        return what, "no loss", [_plain(g, "loss", "loss_low", "loss_high", "", 0.0) for g in rows]
    if name.startswith("fair.fidelity.") and "tv" in first:
        what = "Distance between real and synthetic pairs of columns"
        return what, "fresh real rows", [_plain(g, "tv", "low", "high", "reference") for g in rows]
    return None


def _rate(g: Mapping[str, Any], key: str) -> Group:
    made, real = g["synthetic"].get(key) or {}, (g.get("real") or {}).get(key) or {}
    return Group(
        str(g["group"]),
        int(g.get("n", 0)),
        _number(made, "value"),
        _number(made, "low"),
        _number(made, "high"),
        _number(real, "value"),
    )


def _plain(
    g: Mapping[str, Any], value: str, low: str, high: str, reference: str, fixed: float | None = None
) -> Group:
    against = fixed if not reference else _number(g, reference)
    return Group(
        str(g["group"]), int(g.get("n", 0)), _number(g, value), _number(g, low), _number(g, high), against
    )


def _table(heading: str, what: str, against: str, groups: Sequence[Group]) -> GroupTable:
    largest = sorted(groups, key=lambda g: -g.rows)[:MAX_GROUPS]
    return GroupTable(
        heading,
        words_of_key(what) if what else "",
        against,
        tuple(lines(largest)),
        len(groups) - len(largest),
    )


def _number(values: Mapping[str, Any], key: str) -> float | None:
    value = values.get(key)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
