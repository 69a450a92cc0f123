"""Asked proportions: the nearest distribution to the model's that has them (I-projection), and its price.

Every target cuts the rows into classes. The distribution with the asked class shares that is nearest to the
model's in Kullback-Leibler divergence is the model's, times one factor per class of each target (Csiszar
1975, doi:10.1214/aop/1176996454); iterative proportional fitting on the table of joint classes finds the
factors. Rows are then drawn class by joint class, as many as the tilted distribution says.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from locum.arrays import FloatArray, IntArray, largest_remainders
from locum.control.drawn_rows import Infeasible
from locum.control.rules.clause import Clause, clauses_of
from locum.control.where.bind import Term
from locum.control.where.names import Names, sort_of
from locum.control.where.token import literal, quote
from locum.control.where.tree import Node
from locum.errors import UsageError

#: What users give: ``{"sex": {"Female": 0.5, "Male": 0.5}, ("sex", "income"): {("Female", ">50K"): 0.25},
#: "age >= 65": 0.3, "race": "balanced"}``.
TargetSpec = Mapping[Any, Any]

#: Shares that sum to more than this above or below one are refused.
_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class ShareTarget:
    """Classes of rows and the share that each is to have.

    Attributes
    ----------
    name
        As the user gave it.
    classes
        One condition per class; together they cover every row, and no row is in two. The last one is what the
        others leave, where they leave something.
    shares
        Asked share of each class; sums to 1.
    """

    name: str
    classes: tuple[Clause, ...]
    shares: tuple[float, ...]

    @property
    def columns(self) -> set[str]:
        """Columns that the classes are about."""
        return {column for clause in self.classes for column in clause.columns}


def read_targets(spec: TargetSpec, names: Names) -> list[ShareTarget]:
    """Check and bind asked proportions.

    Raises
    ------
    UsageError
        For an unknown column or level, a share outside 0-1, shares that sum to more than 1, or (where all
        levels are named) to less.
    """
    out = []
    for key, asked in spec.items():
        if isinstance(key, tuple):
            out.append(_of_levels(key, asked, names))
        elif key in names.schema.names:
            out.append(_of_levels((key,), asked, names))
        else:
            out.append(_of_condition(str(key), asked, names))
    return out


def targets_from_text(text: str, names: Names) -> dict[Any, Any]:
    """Asked proportions from JSON, the name of a JSON file, or ``sex = balanced; age >= 65: 0.3``.

    In JSON a key or level of several columns is written with commas:
    ``{"sex, income": {"Female, >50K": 0.2}}``.

    Raises
    ------
    UsageError
        When it is none of these.
    """
    body = text
    if not text.lstrip().startswith("{") and Path(text).suffix == ".json":
        try:
            body = Path(text).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError("the file cannot be read", where=text) from error
    if body.lstrip().startswith("{"):
        try:
            spec = json.loads(body)
        except (json.JSONDecodeError, RecursionError) as error:
            raise UsageError(f"this is no JSON: {error}", where="targets") from None
        return {_parts(key, names): _levels(asked, _parts(key, names)) for key, asked in spec.items()}
    out: dict[Any, Any] = {}
    for part in filter(None, (p.strip() for p in text.split(";"))):
        column, _, word = part.rpartition("=")
        condition, colon, share = part.rpartition(":")
        if word.strip() == "balanced":
            out[_parts(column.strip(), names)] = "balanced"
        elif colon and _number(share) is not None:
            out[condition.strip()] = _number(share)
        else:
            raise UsageError(
                f"{part!r} is no target",
                where="targets",
                expected="such as 'sex = balanced' or 'age >= 65: 0.3'",
            )
    return out


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _parts(key: str, names: Names) -> Any:
    """Several columns in one key, where the key is no column itself."""
    parts = tuple(p.strip() for p in key.split(","))
    several = len(parts) > 1 and key not in names.schema.names and all(p in names.schema.names for p in parts)
    return parts if several else key


def _levels(asked: Any, key: Any) -> Any:
    if not isinstance(key, tuple) or not isinstance(asked, dict):
        return asked
    return {tuple(p.strip() for p in level.split(",")): share for level, share in asked.items()}


def _of_condition(text: str, share: Any, names: Names) -> ShareTarget:
    held, share = _class(text, names), _share(share, text)
    return ShareTarget(text, (held, _rest([held])), (share, 1.0 - share))


def _class(text: str, names: Names) -> Clause:
    """The whole of a condition as one clause."""
    parts = clauses_of(text, "target", names)
    node = Node("and", tuple(p.term.node for p in parts), None, 0, len(text))
    term = parts[0].term if len(parts) == 1 else Term(node, "truth", tuple(p.term for p in parts))
    return Clause(text, "target", term)


def _of_levels(columns: tuple[str, ...], asked: Any, names: Names) -> ShareTarget:
    """Shares of the levels of a column, or of combinations of levels."""
    title = " x ".join(columns)
    for name in columns:
        if sort_of(names.column(name)) not in ("label", "truth", "number"):
            raise UsageError(
                f"{name} has no levels", where=f"target {title}", do="write a condition, such as 'age >= 65'"
            )
    if asked == "balanced":
        asked = _balanced(columns, names)
    if not isinstance(asked, Mapping) or not asked:
        raise UsageError(
            "a target needs a share for each level",
            where=f"target {title}",
            expected="such as {'Female': 0.5, 'Male': 0.5}, or 'balanced'",
        )
    classes, shares = [], []
    for level, share in asked.items():
        cells = level if isinstance(level, tuple) else (level,)
        if len(cells) != len(columns):
            raise UsageError(
                f"{level!r} does not name one level per column",
                where=f"target {title}",
                expected=f"{len(columns)} levels",
            )
        text = " and ".join(_equals(c, v) for c, v in zip(columns, cells, strict=True))
        classes.append(_class(text, names))
        shares.append(_share(share, f"{title}: {level}"))
    total = math.fsum(shares)
    if total > 1 + _ROUNDING:
        raise UsageError(
            f"the shares sum to {total:g}", where=f"target {title}", do="make them sum to at most 1"
        )
    every = _all_levels(columns, names)
    complete = every is not None and len({str(k) for k in asked}) >= every
    if complete and total < 1 - _ROUNDING:
        raise UsageError(
            f"the shares of all levels sum to {total:g}", where=f"target {title}", do="make them sum to 1"
        )
    return ShareTarget(title, (*classes, _rest(classes)), (*shares, max(0.0, 1.0 - total)))


def _balanced(columns: tuple[str, ...], names: Names) -> dict[Any, float]:
    levels: list[tuple[Any, ...]] = [()]
    for name in columns:
        known: Sequence[Any] = names.levels.get(name, ())
        if sort_of(names.column(name)) == "truth":
            known = (False, True)
        if not known and sort_of(names.column(name)) == "label":
            raise UsageError(
                f"the labels that {name} can have are not known beforehand, so they cannot be balanced",
                where="target",
                do=f"name the share of each label, such as {quote(name)} = 'A': 0.5",
            )
        if not known:
            raise UsageError(
                f"{name} is no column of labels that could be balanced",
                where="target",
                do=f"name shares of values or ranges, such as {quote(name)} >= 1: 0.5",
            )
        levels = [(*before, level) for before in levels for level in known]
    keys = [cells[0] if len(columns) == 1 else cells for cells in levels]
    return {key: 1.0 / len(keys) for key in keys}


def _all_levels(columns: tuple[str, ...], names: Names) -> int | None:
    """Number of combinations of levels, None where that is not known or missing values count as well."""
    total = 1
    for name in columns:
        known = names.levels.get(name)
        if known is None or names.column(name).nullable:
            return None
        total *= len(known)
    return total


def _equals(column: str, value: Any) -> str:
    return f"{quote(column)} is null" if value is None else f"{quote(column)} = {literal(value)}"


def _rest(classes: Sequence[Clause]) -> Clause:
    """Rows that are in none of the classes: their conditions are false or unknown."""
    return Clause(
        "all other rows",
        "target",
        Term(Node("else", tuple(c.term.node for c in classes)), "truth", tuple(c.term for c in classes)),
    )


def _share(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise UsageError(f"{value!r} is no share", where=f"target {where}", expected="a number from 0 to 1")
    return float(value)


def inside(target: ShareTarget, k: int) -> list[Clause]:
    """Conditions of one class of a target."""
    clause = target.classes[k]
    if clause.term.op != "and":
        return [clause]
    return [Clause(clause.text, "target", term) for term in clause.term.args]


def tilt(pool: FloatArray, targets: Sequence[ShareTarget]) -> tuple[FloatArray, float]:
    """The I-projection of a joint table on given margins, by iterative proportional fitting.

    Parameters
    ----------
    pool
        Probabilities of the joint classes, one axis per target.
    targets
        Asked shares.

    Returns
    -------
    The tilted probabilities and the KL divergence (nats) from `pool`.

    Raises
    ------
    Infeasible
        When a class is asked for that has no probability, or targets contradict each other.
    """
    q = pool / pool.sum()
    for axis, target in enumerate(targets):
        margin = _margin(q, axis)
        for k, share in enumerate(target.shares):
            if share > 0 and margin[k] <= 0:
                if k == len(target.shares) - 1:
                    raise Infeasible(
                        f"the named shares sum to {1 - share:g}, and every row that fulfils the rest is in "
                        "one of the named classes",
                        clash=[c.text for c in target.classes[:-1]],
                        nearest="make the shares sum to 1",
                        proven=False,
                        where=f"target {target.name}",
                    )
                raise Infeasible(
                    f"no row that fulfils the rest can be in {target.classes[k].text}",
                    clash=[target.classes[k].text],
                    nearest=f"ask for share 0 of {target.classes[k].text}",
                    proven=False,
                    where=f"target {target.name}",
                )
    for _ in range(2000):
        worst = 0.0
        for axis, target in enumerate(targets):
            margin = _margin(q, axis)
            asked = np.array(target.shares)
            worst = max(worst, float(np.abs(margin - asked).max()))
            factor = np.where(margin > 0, asked / np.where(margin > 0, margin, 1.0), 0.0)
            q = q * factor.reshape([-1 if a == axis else 1 for a in range(q.ndim)])
        if worst < 1e-10:
            break
    if worst > 1e-3 or not np.isfinite(q).all():
        raise Infeasible(
            "these targets cannot hold together",
            clash=[t.name for t in targets],
            nearest=f"the nearest shares differ by {worst:.3f}: leave one target out",
            proven=False,
        )
    p = pool / pool.sum()
    here = q > 0
    return q, float((q[here] * np.log(q[here] / p[here])).sum())


def _margin(q: FloatArray, axis: int) -> FloatArray:
    out: FloatArray = q.sum(axis=tuple(a for a in range(q.ndim) if a != axis))
    return out


def quotas(q: FloatArray, n: int) -> IntArray:
    """Whole numbers of rows for each joint class that sum to `n`, with every margin within a row or so.

    Largest remainders first, then single rows are moved along one axis at a time while that brings margins
    nearer to theirs.
    """
    ideal = q * n
    count = largest_remainders(ideal)
    for _ in range(4 * count.size):
        moved = False
        for axis in range(q.ndim):
            off = _margin((count - ideal).astype(np.float64), axis)
            high, low = int(off.argmax()), int(off.argmin())
            if off[high] - off[low] <= 1 + 1e-9:
                continue
            takes = np.take(count, high, axis=axis).ravel()
            gains = np.take(q, low, axis=axis).ravel()
            can = np.flatnonzero((takes > 0) & (gains > 0))
            if len(can) == 0:
                continue
            over, under = (np.take(count - ideal, level, axis=axis).ravel() for level in (high, low))
            place = can[int(np.argmax((over - under)[can]))]
            where = list(np.unravel_index(place, [s for a, s in enumerate(q.shape) if a != axis]))
            for level, step in ((high, -1), (low, 1)):
                at = [int(w) for w in where]
                at.insert(axis, level)
                count[tuple(at)] += step
            moved = True
        if not moved:
            break
    return count


def class_of(table: pa.Table, targets: Sequence[ShareTarget]) -> IntArray:
    """Joint class of each row, numbered in C order over the targets."""
    flat = np.zeros(table.num_rows, dtype=np.int64)
    for target in targets:
        mine = np.full(table.num_rows, len(target.classes) - 1)
        for k, clause in enumerate(target.classes[:-1]):
            mine[clause.holds(table)] = k
        flat = flat * len(target.classes) + mine
    return flat
