"""What shares columns with trees as named arrays, and back with every index checked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from locum.arrays import FloatArray
from locum.models.checks import broken
from locum.models.codec import ArraySpec, StateReader, check_shares, flatten
from locum.models.tree.additive import Additive
from locum.models.tree.basis import borders, scored
from locum.models.tree.conditional import Conditional
from locum.models.tree.experts import GROUPS
from locum.models.tree.extended import depending_on, with_known
from locum.models.tree.inputs import View
from locum.models.tree.regression import Regression
from locum.models.tree.scorer import Scorer
from locum.models.tree.softmax import LEAST_START, Softmax
from locum.models.tree.store_trees import check_tree, read_trees, tree_arrays, tree_specs
from locum.models.tree.target import Smooth, TargetModel

#: Largest coefficient, score and scale; most classes of residuals.
MOST, MOST_CLASSES = 1e9, 4096
_COUNT = ArraySpec(np.int64, 0, 2**31)
EXPERTS = {
    "expert.boosted": ArraySpec(np.uint8, 0, 1),
    "expert.of": ArraySpec(np.int64, 0, 2**31),
    "expert.weight": ArraySpec(np.float64, 0, 1),
    "expert.group": ArraySpec(np.uint8, 0, GROUPS - 1),
    "expert.inputs": _COUNT,
    "expert.input": ArraySpec(np.int32, low=0),
    "expert.coefficient": ArraySpec(np.float64, -MOST, MOST),
    "expert.classes": ArraySpec(np.int64, 1, MOST_CLASSES),
    "expert.edge": ArraySpec(np.float64, -MOST, MOST),
    "expert.share": ArraySpec(np.float64, 0, 1.001),
    **tree_specs("residual"),
}
SMOOTH = {
    "smooth.input": ArraySpec(np.int32, low=0),
    "smooth.code": ArraySpec(np.int32, low=0),
    "smooth.coefficient": ArraySpec(np.float64, -MOST, MOST),
}


def expert_arrays(conditionals: Sequence[Conditional]) -> dict[str, Any]:
    """The experts of all chains' conditionals, in their order."""
    found = [
        (i, e, w) for i, c in enumerate(conditionals) for e, w in zip(c.experts, c.weights.T, strict=True)
    ]
    experts = [e for _, e, _ in found]
    none = np.zeros(0)
    return {
        "expert.boosted": [e.boosted is not None for e in experts],
        "expert.of": [i for i, _, _ in found],
        "expert.weight": flatten([none, *(w for _, _, w in found)]),
        "expert.group": flatten([none.astype(np.uint8), *(c.group for c in conditionals if c.experts)]),
        "expert.inputs": [len(e.additive.inputs) for e in experts],
        "expert.input": [p for e in experts for p in e.additive.inputs],
        "expert.coefficient": flatten([none, *(e.additive.coefficients for e in experts)]),
        "expert.classes": [len(e.share) for e in experts],
        "expert.edge": flatten([none, *(e.edges for e in experts)]),
        "expert.share": flatten([none, *(e.share for e in experts)]),
        **tree_arrays("residual", [e.residuals for e in experts]),
    }


def boosted_scorer(conditionals: Sequence[Conditional]) -> Scorer | None:
    """The boosted expectation, which all chains share."""
    for one in conditionals:
        for expert in one.experts:
            if expert.boosted is not None:
                return expert.boosted
    return None


def with_experts(
    file: StateReader,
    conditionals: Sequence[Conditional],
    order: Sequence[Sequence[int]],
    view: View,
    marginals: Sequence[FloatArray],
    boosted: Scorer | None,
) -> list[Conditional]:
    """The conditionals of all chains with the experts of a file."""
    by_trees = file.array("expert.boosted", None)
    at, inputs = (file.array(f"expert.{n}", len(by_trees)) for n in ("of", "inputs"))
    weights = file.array("expert.weight", len(by_trees) * GROUPS).reshape(-1, GROUPS)
    if (at >= len(conditionals)).any() or (np.diff(at) < 0).any():
        raise broken("a regression belongs to no conditional")
    if by_trees.any() == (boosted is None):
        raise broken("boosted trees are missing or surplus")
    looked_at = file.parts("expert.input", inputs)
    if any((part >= len(file.domain)).any() for part in looked_at):
        raise broken("a regression looks at no column")
    rows = [len(view.basis.of_attributes(part.tolist())) + 1 for part in looked_at]
    values = file.parts("expert.coefficient", rows)
    width = len(order[0])
    none, found = np.zeros((GROUPS, 0)), sorted(set(at.tolist()))
    out = list(conditionals)
    for i in found:
        out[i] = replace(out[i], weights=none)
    for i, (edges, share, tree) in enumerate(_residuals(file, len(by_trees))):
        one = out[at[i]]
        line, place = divmod(int(at[i]), width)
        known = with_known({int(k) for k in order[line][:place]}, file.domain.calculated, width)
        if not set(looked_at[i].tolist()) <= known:
            raise broken("a regression looks at a column that it cannot see")
        attribute, marginal = file.domain.attributes[one.target], marginals[one.target]
        if not scored(attribute):
            raise broken("a regression does not fit its column")
        check_tree(tree, one.target, len(share), known, view.tables)
        additive = Additive(tuple(looked_at[i].tolist()), values[i].reshape(-1, 1))
        extra = boosted if by_trees[i] else None
        ends = borders(attribute, marginal)
        expert = Regression(one.target, ends, additive, extra, edges, share, tree)
        out[at[i]] = replace(
            one, experts=(*one.experts, expert), weights=np.column_stack([one.weights, weights[i]])
        )
    groups = file.parts("expert.group", np.array([len(out[i].tree.feature) for i in found], dtype=np.int64))
    for i, group in zip(found, groups, strict=True):
        out[i] = replace(out[i], group=group)
    if any((c.weights.sum(axis=1) > 1.0 + 1e-9).any() for c in out):
        raise broken("regressions have more weight than there is")
    return out


def _residuals(file: StateReader, count: int) -> Iterator[tuple[FloatArray, FloatArray, Any]]:
    """Edges, shares and tree of each regression's residuals."""
    classes = file.array("expert.classes", count)
    edges, shares = file.parts("expert.edge", classes + 1), file.parts("expert.share", classes)
    check_shares(shares, 0.999, 1.001)
    if any((np.diff(e) <= 0).any() for e in edges):
        raise broken("classes of residuals do not ascend")
    return iter(list(zip(edges, shares, read_trees(file, "residual", count), strict=True)))


def smooth_arrays(smooth: Smooth) -> dict[str, Any]:
    """The regression of the target."""
    additive = smooth.model.additive
    return {
        "smooth.input": additive.inputs,
        "smooth.code": smooth.model.codes,
        "smooth.coefficient": additive.coefficients.reshape(-1),
    }


def with_smooth(
    file: StateReader, target: TargetModel, view: View, marginals: Sequence[FloatArray]
) -> TargetModel:
    """The target's model with the regression of a file."""
    share = file.settings.object("smooth").number("share", low=0.0, high=1.0)
    inputs, codes = (file.array(f"smooth.{n}", None).tolist() for n in ("input", "code"))
    hidden = depending_on(target.column, file.domain)
    if any(i >= len(file.domain) or i in hidden for i in inputs):
        raise broken("the target's regression looks at a column that it cannot see")
    rows = len(view.basis.of_attributes(inputs)) + 1
    value = file.array("smooth.coefficient", rows * len(codes))
    additive = Additive(tuple(inputs), value.reshape(rows, -1))
    marginal = marginals[target.column]
    if not codes or max(codes) >= len(marginal) or len(set(codes)) < len(codes):
        raise broken("the target's regression tells of a code that is not there")
    start = np.log(np.maximum(marginal, LEAST_START))
    model = Softmax(target.column, start, additive, tuple(codes))
    return replace(target, smooth=Smooth(model, view.basis, share))
