"""The tree model as named arrays for a file, and back with every index checked."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import fields
from typing import Any

import numpy as np
import numpy.typing as npt

from locum.arrays import FloatArray
from locum.codes.json_fields import Wire
from locum.models.base import ModelState
from locum.models.checks import broken
from locum.models.codec import ArraySpec, Layout, StateReader, check_shares, flatten
from locum.models.tree.basis import Basis, apart
from locum.models.tree.chain import Chain
from locum.models.tree.conditional import Conditional
from locum.models.tree.extended import depending_on, extended_domain, with_known
from locum.models.tree.implied import Implied, as_array, from_array
from locum.models.tree.inputs import Tables, View
from locum.models.tree.margins import Margin
from locum.models.tree.mixture import Mixture
from locum.models.tree.ratio import Ratio
from locum.models.tree.scorer import MOST_CELLS, MOST_LEAVES, Scorer, cells
from locum.models.tree.settings import TreeSettings
from locum.models.tree.store_experts import (
    EXPERTS,
    SMOOTH,
    boosted_scorer,
    expert_arrays,
    smooth_arrays,
    with_experts,
    with_smooth,
)
from locum.models.tree.store_trees import check_tree, read_trees, tree_arrays, tree_specs
from locum.models.tree.target import MOST_CODES, TargetModel, TargetShift
from locum.models.tree.tree_sum import TreeSum
from locum.schema.domain import Domain

#: Words of the largest label set: 256 labels, and one code beyond.
MOST_WORDS = 9
#: Most trees that a density ratio may have, and its largest leaf value and cap.
MOST_TREES, MOST_VALUE, MOST_CAP = 4000, 100.0, 1e300
#: Steepest slope of the log-odds of the column to predict.
MOST_SLOPE = 10.0
#: Most chain rows that a file may have drawn per row kept.
MOST_POOL = 100.0
_SUM = {
    "leaves": ArraySpec(np.int32, 1, MOST_LEAVES),
    "feature": ArraySpec(np.int32, low=0),
    "threshold": ArraySpec(np.int32, low=0),
    "left": ArraySpec(np.int32),
    "right": ArraySpec(np.int32),
    "by_set": ArraySpec(np.uint8, 0, 1),
    "value": ArraySpec(np.float64, -MOST_VALUE, MOST_VALUE),
    "sets": ArraySpec(np.int32, low=0),
    "set_words": ArraySpec(np.int32, 1, MOST_WORDS),
    "words": ArraySpec(np.int64, 0, 2**32 - 1),
}
_CHAINS = {
    **tree_specs("tree"),
    "order": ArraySpec(np.int32, low=0, ndim=2),
    "table.keys": ArraySpec(np.int32, low=0, ndim=2),
    "table.bins": ArraySpec(np.uint8),
    "marginal": ArraySpec(np.float64, 0, 1.001),
}
_MARGINS = {
    "margin.keys": ArraySpec(np.int32, low=-1, ndim=2),
    "margin.sizes": ArraySpec(np.int64, 1, 2**31),
    "margin.cell": ArraySpec(np.int32, low=0),
    "margin.share": ArraySpec(np.float64, 0, 1),
    "margin.offset": ArraySpec(np.float64, -MOST_VALUE, MOST_VALUE),
    "shift.column": ArraySpec(np.int32, low=0),
    "shift.groups": ArraySpec(np.int64, 1, 2**31),
    "shift.group": ArraySpec(np.int32, low=0),
    "shift.share": ArraySpec(np.float64, 0, 1),
    "shift.value": ArraySpec(np.float64, -MOST_VALUE, MOST_VALUE),
}
#: What else a file may have, by the part that says so.
_MORE = {"implied": {"implied": ArraySpec(np.int32, low=0, ndim=2)}, "experts": EXPERTS, "smooth": SMOOTH}


def _layout(scores: int, parts: Set[str]) -> Layout:
    """What is in the file of a model with such parts; `scores` sums of trees for the target."""
    named = [name for name in ("ratio", "number") if name in parts]
    prefixes = [*named, *(f"outcome{i}" for i in range(scores))]
    sums = {f"{prefix}.{name}": spec for prefix in prefixes for name, spec in _SUM.items()}
    margins = _MARGINS if "margins" in parts else {}
    more = [spec for name, spec in _MORE.items() if name in parts]
    arrays = _CHAINS | sums | margins
    for specs in more:
        arrays = arrays | specs
    return Layout(arrays, frozenset({"settings", "ratio"} | (parts - {"ratio"})))


def pack(settings: TreeSettings, mixture: Mixture) -> ModelState:
    """Concatenate all trees into one array per field."""
    conditionals = [one for chain in mixture.all_chains for one in chain.conditionals]
    tables = mixture.view.tables
    keys = sorted(tables)
    arrays = tree_arrays("tree", [one.tree for one in conditionals])
    arrays["order"] = [c.order for c in mixture.all_chains]
    arrays["table.keys"] = np.array(keys, dtype=np.int32).reshape(-1, 2)
    arrays["table.bins"] = np.concatenate([np.zeros(0, np.uint8), *(tables[k] for k in keys)])
    arrays["marginal"] = flatten(mixture.marginals)
    scalars: dict[str, Any] = {"settings": settings.to_json(), "ratio": None}
    ratio, target = mixture.ratio, mixture.target
    if ratio is not None:
        arrays |= _sum_arrays("ratio", ratio.score)
        scalars["ratio"] = {"log_mean": ratio.log_mean, "cap": ratio.cap}
    scores = () if target is None else target.scores
    for i, score in enumerate(scores):
        arrays |= _sum_arrays(f"outcome{i}", score)
    if target is not None:
        scalars["outcome"] = {"column": target.column, "scores": len(scores), "slope": target.slope}
    if ratio is not None and ratio.margins:
        arrays |= _margin_arrays(ratio.margins, () if target is None else target.shifts)
        scalars["margins"] = len(ratio.margins)
    if any(one.experts for one in conditionals):
        arrays |= expert_arrays(conditionals)
        scalars["experts"] = len(arrays["expert.of"])
    boosted = boosted_scorer(conditionals)
    if boosted is not None:
        arrays |= _sum_arrays("number", boosted)
        scalars["number"] = len(boosted.trees.leaves)
    if target is not None and target.smooth is not None:
        arrays |= smooth_arrays(target.smooth)
        scalars["smooth"] = {"share": target.smooth.share}
    if mixture.early:
        scalars["early"] = len(mixture.early)
    if mixture.calculated:
        scalars["calculated"] = [c.attribute.name for c in mixture.calculated]
    if mixture.implied:
        arrays["implied"] = as_array(mixture.implied)
        scalars["implied"] = len(arrays["implied"])
    parts = set(scalars) - {"settings"} - (set() if ratio is not None else {"ratio"})
    return _layout(len(scores), parts).write(arrays, **scalars)


def _margin_arrays(margins: Sequence[Margin], shifts: Sequence[TargetShift]) -> dict[str, Any]:
    none = np.zeros(0)
    return {
        "margin.keys": [(m.column, m.group) for m in margins],
        "margin.sizes": [len(m.share) for m in margins],
        "margin.cell": flatten([m.cell for m in margins]),
        "margin.share": flatten([m.share for m in margins]),
        "margin.offset": flatten([m.offset for m in margins]),
        "shift.column": [s.column for s in shifts],
        "shift.groups": [len(s.value) for s in shifts],
        "shift.group": flatten([none, *(s.group for s in shifts)]),
        "shift.share": flatten([none, *(s.share for s in shifts)]),
        "shift.value": flatten([none, *(s.value for s in shifts)]),
    }


def _sum_arrays(prefix: str, score: Scorer) -> dict[str, Any]:
    return {f"{prefix}.{f}": getattr(score.trees, f) for f in _SUM}


def unpack(state: ModelState, domain: Domain) -> tuple[TreeSettings, Mixture]:
    """Rebuild the parts; every index is checked, so that no later step can read out of bounds or loop.

    Raises
    ------
    FileFormatError
        On anything that `pack` cannot have written for this domain.
    """
    names = ("ratio", "outcome", "margins", "implied", "calculated", "experts", "number", "smooth", "early")
    parts = {name for name in names if state.settings.get(name) is not None}
    domain = _extended(state, domain) if "calculated" in parts else Domain(domain.attributes)
    column, scores = _target(state, domain) if "outcome" in state.settings else (0, 0)
    file = StateReader(state, domain, _layout(scores, parts))
    settings = file.model_settings(TreeSettings, **file.settings.object("settings").data)
    marginals = file.per_attribute("marginal")
    check_shares(marginals, 0.999, 1.001)
    tables = _tables(file)
    order = file.array("order", None, len(domain) - len(domain.calculated))
    width = len(domain) - len(domain.calculated)
    if not len(order) or (np.sort(order, axis=1) != np.arange(width)).any():
        raise broken("a column order is not a permutation")
    view = View(tables, Basis.of(domain, marginals))
    conditionals = _conditionals(file, order, tables, marginals)
    boosted = _score(file, "number") if "number" in parts else None
    if "experts" in parts:
        conditionals = with_experts(file, conditionals, order.tolist(), view, marginals, boosted)
    elif boosted is not None:
        raise broken("there are boosted trees that nothing uses")
    chains = tuple(Chain(tuple(conditionals[k * width : (k + 1) * width])) for k in range(len(order)))
    plain = len(chains) - (
        file.settings.integer("early", low=1, high=len(chains) - 1) if "early" in parts else 0
    )
    ratio = target = None
    margins, shifts = _margins(file, column) if {"ratio", "margins"} <= parts else ((), ())
    if "ratio" in parts:
        constants = file.settings.object("ratio")
        log_mean = constants.number("log_mean", low=-MOST_CAP, high=MOST_CAP)
        cap = constants.number("cap", low=1 / MOST_CAP, high=MOST_CAP)
        ratio = Ratio(_score(file, "ratio"), log_mean, cap, margins)
        if not ratio.pool <= MOST_POOL:
            raise broken("the ratio's cap is too far from its mean")
    if "outcome" in parts:
        found = tuple(_score(file, f"outcome{i}") for i in range(scores))
        outcome = file.settings.object("outcome")
        # Files from before there was a slope have none.
        slope = outcome.number("slope", low=0.0, high=MOST_SLOPE) if "slope" in outcome.data else 1.0
        target = TargetModel(column, found, depending_on(column, domain), shifts, slope=slope)
        if "smooth" in parts:
            target = with_smooth(file, target, view, marginals)
    implied: tuple[Implied, ...] = ()
    if "implied" in parts:
        try:
            implied = from_array(file.array("implied", None, 4), domain)
        except ValueError as error:
            raise broken(str(error)) from error
    return settings, Mixture(
        chains[:plain], view, marginals, ratio, target, implied, domain.calculated, chains[plain:]
    )


def _extended(state: ModelState, domain: Domain) -> Domain:
    """The domain with what the model calculates, which has to be what the table's coding offers."""
    said = Wire.of(state.settings, "model file").texts("calculated")
    if tuple(said) != tuple(c.attribute.name for c in domain.calculated):
        raise broken("it calculates what its columns do not give")
    return extended_domain(domain)


def _target(state: ModelState, domain: Domain) -> tuple[int, int]:
    """Column of the target's model and how many sums of trees it has; checked against the column's codes."""
    said = Wire.of(state.settings["outcome"], "model file.outcome")
    column = said.integer("column", low=0, high=len(domain) - 1)
    size = domain.sizes[column]
    scores = said.integer("scores", low=1, high=MOST_CODES)
    if not 2 <= size <= MOST_CODES or scores != (1 if size == 2 else size):
        raise broken("the outcome does not fit its column's codes")
    return column, scores


def _margins(file: StateReader, target: int) -> tuple[tuple[Margin, ...], tuple[TargetShift, ...]]:
    """Margins with their offsets, and the shifts of the target's model, which follow them."""
    sizes = np.array(file.domain.sizes, dtype=np.int64)
    keys = file.array("margin.keys", None, 2)
    column, group = keys[:, 0], keys[:, 1]
    if not len(keys) or (keys >= len(sizes)).any() or (column < 0).any():
        raise broken("a margin belongs to no column")
    lines = np.where(group < 0, 1, sizes[group])
    counts = file.array("margin.sizes", len(keys))
    cells = file.parts("margin.cell", lines * sizes[column])
    shares, offsets = (file.parts(f"margin.{name}", counts) for name in ("share", "offset"))
    check_shares(shares, 0.999, 1.001)
    margins = []
    for i, cell in enumerate(cells):
        if cell.max() >= counts[i]:
            raise broken("a margin has a cell out of range")
        shape = int(lines[i]), int(sizes[column[i]])
        margins.append(Margin(int(column[i]), int(group[i]), cell.reshape(shape), shares[i], offsets[i]))
    return tuple(margins), _shifts(file, target)


def _shifts(file: StateReader, target: int) -> tuple[TargetShift, ...]:
    """The shifts of the target's model."""
    sizes = np.array(file.domain.sizes, dtype=np.int64)
    column = file.array("shift.column", None)
    if (column >= len(sizes)).any():
        raise broken("a shift belongs to no column")
    counts = file.array("shift.groups", len(column))
    groups = file.parts("shift.group", sizes[column])
    shares, values = (file.parts(f"shift.{n}", counts * sizes[target]) for n in ("share", "value"))
    check_shares(shares, 0.999, 1.001)
    if any(group.max() >= count for group, count in zip(groups, counts, strict=True)):
        raise broken("a shift has a group out of range")
    return tuple(
        TargetShift(int(c), g, s.reshape(-1, sizes[target]), v.reshape(-1, sizes[target]))
        for c, g, s, v in zip(column, groups, shares, values, strict=True)
    )


def _tables(file: StateReader) -> Tables:
    keys = file.array("table.keys", None, 2)
    if (keys >= len(file.domain)).any():
        raise broken("a bin table belongs to no column")
    parts = file.parts("table.bins", np.array(file.domain.sizes, dtype=np.int64)[keys[:, 0]])
    return {(int(p), int(t)): part for (p, t), part in zip(keys, parts, strict=True)}


def _conditionals(
    file: StateReader, order: npt.NDArray[np.int32], tables: Tables, marginals: Sequence[FloatArray]
) -> list[Conditional]:
    """Of all chains, with their trees alone."""
    width = order.shape[1]
    out = []
    for i, (target, tree) in enumerate(
        zip(order.ravel().tolist(), read_trees(file, "tree", order.size), strict=True)
    ):
        attribute = file.domain.attributes[target]
        known = with_known(set(order[i // width][: i % width].tolist()), file.domain.calculated, width)
        check_tree(tree, target, attribute.size, known, tables)
        out.append(Conditional(target, tree, apart(attribute, marginals[target])))
    return out


def _score(file: StateReader, prefix: str) -> Scorer:
    """A sum of trees whose every index is in range."""
    trees = TreeSum(**{f.name: file.array(f"{prefix}.{f.name}", None) for f in fields(TreeSum)})
    leaves, sets = trees.leaves.astype(np.int64), trees.sets
    if not 1 <= len(leaves) <= MOST_TREES:
        raise broken("a sum of trees has no possible number of trees")
    inner = int((leaves - 1).sum())
    lengths = {len(a) for a in (trees.feature, trees.threshold, trees.left, trees.right, trees.by_set)}
    words = int(trees.set_words.astype(np.int64).sum())
    if lengths != {inner} or len(trees.value) != leaves.sum() or len(sets) != len(leaves):
        raise broken("a sum of trees has arrays that do not fit together")
    if (sets >= leaves).any() or len(trees.set_words) != int(sets.sum()) or len(trees.words) != words:
        raise broken("a sum of trees has label sets that do not fit together")
    # Of each inner node: its position in its own tree, that tree's leaves and label sets.
    of, known = np.repeat(leaves, leaves - 1), np.repeat(sets, leaves - 1)
    own = np.arange(inner) - np.repeat(np.cumsum(leaves - 1) - (leaves - 1), leaves - 1)
    for child in (trees.left, trees.right):
        to_inner = (child > own) & (child < of - 1)
        to_leaf = (child < 0) & (child >= -of)
        if not (to_inner | to_leaf).all():
            raise broken("a sum of trees has children out of range")
    _check_cuts(trees, known, file.domain.sizes)
    return Scorer(trees)


def _check_cuts(trees: TreeSum, sets: npt.NDArray[np.int32], sizes: Sequence[int]) -> None:
    """Refuse splits by what is not there, or that would need tables beyond all measure."""
    if (trees.feature >= len(sizes)).any():
        raise broken("a sum of trees splits on a column that does not exist")
    limit = np.where(trees.by_set == 1, sets, np.array(sizes, dtype=np.int64)[trees.feature])
    if (trees.threshold >= limit).any() or cells(trees) > MOST_CELLS:
        raise broken("a sum of trees splits by a label set that does not exist, or finer than its columns")
