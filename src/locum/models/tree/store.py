"""The tree model as named arrays for a file, and back with every index checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from locum.arrays import FloatArray
from locum.errors import UsageError
from locum.models.base import ModelState
from locum.models.checks import broken, exactly, tensor
from locum.models.tree.chain import Chain
from locum.models.tree.inputs import Bins
from locum.models.tree.ratio import Ratio
from locum.models.tree.scorer import MOST_CELLS, MOST_LEAVES, cells
from locum.models.tree.settings import TreeSettings
from locum.models.tree.target import MOST_CODES, Outcome
from locum.models.tree.tree import Tree
from locum.schema.domain import Domain

_NODE = {
    "feature": np.int32, "threshold": np.int32, "left": np.int32, "start": np.int32, "stop": np.int32,
    "wider": np.int32, "borrow": np.float32,
}  # fmt: skip
_RUN = {"code": np.int32, "end": np.int32}
_RATIO = {
    "leaves": np.int32, "feature": np.int32, "threshold": np.int32, "left": np.int32, "right": np.int32,
    "by_set": np.uint8, "value": np.float64, "sets": np.int32, "set_words": np.int32, "words": np.int64,
}  # fmt: skip

#: Words of the largest label set: 256 labels, and one code beyond.
MOST_WORDS = 9
#: Most trees that a density ratio may have.
MOST_TREES = 2000


@dataclass(frozen=True, slots=True)
class Parts:
    """What a fitted tree model is made of."""

    settings: TreeSettings
    chains: tuple[Chain, ...]
    tables: dict[tuple[int, int], Bins]
    marginals: tuple[FloatArray, ...]
    ratio: Ratio | None
    outcome: Outcome | None = None


def pack(parts: Parts) -> ModelState:
    """Concatenate all trees into one array per field."""
    chains, tables, marginals, ratio = parts.chains, parts.tables, parts.marginals, parts.ratio
    trees = [tree for chain in chains for tree in chain.trees]
    keys = sorted(tables)
    tensors: dict[str, npt.NDArray[Any]] = {
        f"tree.{f}": np.concatenate([getattr(t, f) for t in trees]) for f in (*_NODE, *_RUN)
    }
    tensors["tree.nodes"] = np.array([len(t.feature) for t in trees], dtype=np.int64)
    tensors["tree.runs"] = np.array([len(t.code) for t in trees], dtype=np.int64)
    tensors["order"] = np.array([c.order for c in chains], dtype=np.int32)
    tensors["table.keys"] = np.array(keys, dtype=np.int32).reshape(-1, 2)
    tensors["table.bins"] = np.concatenate([np.zeros(0, np.uint8), *(tables[k] for k in keys)])
    tensors["marginal"] = np.concatenate(marginals).astype(np.float64)
    scalars: dict[str, Any] = {"settings": parts.settings.to_json(), "ratio": None}
    if ratio is not None:
        tensors |= {f"ratio.{f}": getattr(ratio, f) for f in _RATIO}
        scalars["ratio"] = {"log_mean": ratio.log_mean, "cap": ratio.cap}
    if parts.outcome is not None:
        scalars["outcome"] = {"column": parts.outcome.column, "scores": len(parts.outcome.scores)}
        for i, score in enumerate(parts.outcome.scores):
            tensors |= {f"outcome{i}.{f}": getattr(score, f) for f in _RATIO}
    return ModelState(scalars, tensors)


def unpack(state: ModelState, domain: Domain) -> Parts:
    """Rebuild the parts; every index is checked, so that no later step can read out of bounds or loop.

    Raises
    ------
    FileFormatError
        On anything that `pack` cannot have written for this domain.
    """
    has_ratio = state.settings.get("ratio") is not None
    names = {f"tree.{f}" for f in (*_NODE, *_RUN)} | {"tree.nodes", "tree.runs", "order", "marginal"}
    names |= {"table.keys", "table.bins"} | ({f"ratio.{f}" for f in _RATIO} if has_ratio else set())
    scores, has_outcome = _scores(state, domain), "outcome" in state.settings
    names |= {f"outcome{i}.{f}" for i in range(scores) for f in _RATIO}
    exactly(state, {"settings", "ratio"} | ({"outcome"} if has_outcome else set()), names)
    try:
        settings = TreeSettings.from_json(dict(state.settings["settings"]))
    except (UsageError, TypeError, ValueError) as error:
        raise broken(f"tree settings are not usable: {error}") from error
    marginals = _marginals(state, domain)
    tables = _tables(state, domain)
    order = tensor(state, "order", np.int32, (None, len(domain)))
    if not len(order) or (np.sort(order, axis=1) != np.arange(len(domain))).any():
        raise broken("a column order is not a permutation")
    trees = _trees(state, order, domain, tables)
    width = len(domain)
    chains = tuple(
        Chain(tuple(int(i) for i in row), tuple(trees[k * width : (k + 1) * width]))
        for k, row in enumerate(order)
    )
    ratio = None
    if has_ratio:
        ratio = _checked(_arrays(state, "ratio"), domain.sizes, state.settings["ratio"])
    outcome = None
    if has_outcome:
        odds = tuple(_checked(_arrays(state, f"outcome{i}"), domain.sizes, _PLAIN) for i in range(scores))
        outcome = Outcome(int(state.settings["outcome"]["column"]), odds)
    return Parts(settings, chains, tables, marginals, ratio, outcome)


def _scores(state: ModelState, domain: Domain) -> int:
    """How many sums of trees the outcome has, 0 without one; checked against the column's codes."""
    said = state.settings.get("outcome")
    if said is None:
        if "outcome" in state.settings:
            raise broken("the outcome is empty")
        return 0
    column, scores = (said.get(k) if isinstance(said, dict) else None for k in ("column", "scores"))
    if type(column) is not int or type(scores) is not int or not 0 <= column < len(domain):
        raise broken("the outcome belongs to no column")
    size = domain.sizes[column]
    if not 2 <= size <= MOST_CODES or scores != (1 if size == 2 else size):
        raise broken("the outcome does not fit its column's codes")
    return scores


def _marginals(state: ModelState, domain: Domain) -> tuple[FloatArray, ...]:
    flat = tensor(state, "marginal", np.float64, (sum(domain.sizes),))
    parts = np.split(flat, np.cumsum(domain.sizes)[:-1])
    for part in parts:
        if not ((part >= 0) & (part <= 1.001)).all() or not 0.999 < part.sum() < 1.001:
            raise broken("a marginal is not a distribution")
    return tuple(parts)


def _tables(state: ModelState, domain: Domain) -> dict[tuple[int, int], Bins]:
    keys = tensor(state, "table.keys", np.int32, (None, 2))
    if ((keys < 0) | (keys >= len(domain))).any():
        raise broken("a bin table belongs to no column")
    sizes = np.array(domain.sizes, dtype=np.int64)[keys[:, 0]]
    bins = tensor(state, "table.bins", np.uint8, (int(sizes.sum()),))
    parts = np.split(bins, np.cumsum(sizes)[:-1]) if len(keys) else []
    return {(int(p), int(t)): part for (p, t), part in zip(keys, parts, strict=True)}


def _trees(
    state: ModelState, order: npt.NDArray[np.int32], domain: Domain, tables: dict[tuple[int, int], Bins]
) -> list[Tree]:
    targets = order.ravel()
    nodes = _lengths(state, "tree.nodes", len(targets))
    runs = _lengths(state, "tree.runs", len(targets))
    fields: dict[str, list[npt.NDArray[Any]]] = {}
    for name, dtype in (*_NODE.items(), *_RUN.items()):
        lengths = nodes if name in _NODE else runs
        flat = tensor(state, f"tree.{name}", dtype, (int(lengths.sum()),))
        fields[name] = np.split(flat, np.cumsum(lengths)[:-1])
    trees = []
    for i, target in enumerate(targets):
        tree = Tree(**{name: parts[i] for name, parts in fields.items()})
        _check_tree(tree, int(target), domain, set(order[i // len(domain)][: i % len(domain)]), tables)
        trees.append(tree)
    return trees


def _lengths(state: ModelState, name: str, count: int) -> npt.NDArray[np.int64]:
    lengths = tensor(state, name, np.int64, (count,))
    if (lengths < 1).any() or (lengths > 2**31).any():
        raise broken(f"{name} are not sizes")
    return lengths


def _check_tree(
    tree: Tree, target: int, domain: Domain, earlier: set[int], tables: dict[tuple[int, int], Bins]
) -> None:
    ids = np.arange(len(tree.feature))
    inner = tree.feature >= 0
    rows = int(tree.end[-1])
    used = {int(f) for f in np.unique(tree.feature[inner])}
    if not used <= earlier or any((f, target) not in tables for f in used):
        raise broken("a tree splits on a column that it cannot see")
    if (
        (tree.feature < -1).any()
        or (tree.left[inner] <= ids[inner]).any()
        or (tree.left[inner] >= len(ids) - 1).any()
    ):
        raise broken("a tree's children do not follow their parent")
    if (tree.wider[1:] < 0).any() or (tree.wider >= ids).any() or tree.wider[0] != -1:
        raise broken("a tree's ancestors do not precede their children")
    if not ((tree.start >= 0) & (tree.start < tree.stop) & (tree.stop <= rows)).all():
        raise broken("a tree's row intervals are empty or out of range")
    if not np.isfinite(tree.borrow).all() or ((tree.borrow < 0) | (tree.borrow > 1)).any():
        raise broken("a tree's weights are not probabilities")
    if (np.diff(tree.end, prepend=0) < 1).any():
        raise broken("a tree's counts are not positive")
    if ((tree.code < 0) | (tree.code >= domain.sizes[target])).any():
        raise broken("a tree predicts a code outside the column")


#: Constants of a sum of trees that is no ratio.
_PLAIN: Mapping[str, Any] = MappingProxyType({"log_mean": 0.0, "cap": 1e300})


def _arrays(state: ModelState, prefix: str) -> dict[str, Any]:
    return {name: tensor(state, f"{prefix}.{name}", dtype, (None,)) for name, dtype in _RATIO.items()}


def _checked(arrays: dict[str, Any], sizes: Sequence[int], scalars: Any) -> Ratio:
    """A sum of trees whose every index is in range."""
    try:
        ratio = Ratio(**arrays, log_mean=float(scalars["log_mean"]), cap=float(scalars["cap"]))
    except (KeyError, TypeError, ValueError) as error:
        raise broken("the density ratio's constants are missing") from error
    inner = len(ratio.feature)
    possible = (ratio.leaves >= 1) & (ratio.leaves <= MOST_LEAVES)
    if not 1 <= len(ratio.leaves) <= MOST_TREES or not possible.all():
        raise broken("the density ratio's trees have no possible size")
    same = all(len(a) == inner for a in (ratio.threshold, ratio.left, ratio.right, ratio.by_set))
    if (
        not same
        or len(ratio.sets) != len(ratio.leaves)
        or inner != int((ratio.leaves - 1).sum())
        or len(ratio.value) != int(ratio.leaves.sum())
    ):
        raise broken("the density ratio's arrays do not fit together")
    if ((ratio.feature < 0) | (ratio.feature >= len(sizes))).any():
        raise broken("the density ratio splits on a column that does not exist")
    # Position of each inner node in its own tree, and that tree's number of leaves.
    leaves = np.repeat(ratio.leaves, ratio.leaves - 1)
    own = np.arange(inner) - np.repeat(np.cumsum(ratio.leaves - 1) - (ratio.leaves - 1), ratio.leaves - 1)
    for child in (ratio.left, ratio.right):
        to_inner = (child > own) & (child < leaves - 1)
        to_leaf = (child < 0) & (child >= -leaves)
        if not (to_inner | to_leaf).all():
            raise broken("the density ratio's children are out of range")
    _check_sets(ratio)
    size = np.array(sizes, dtype=np.int64)[ratio.feature]
    if (ratio.threshold >= size)[ratio.by_set == 0].any() or cells(ratio) > MOST_CELLS:
        raise broken("the density ratio cuts finer than its columns")
    finite = np.isfinite(ratio.value).all() and np.isfinite([ratio.log_mean, ratio.cap]).all()
    if not finite or ratio.cap <= 0 or np.abs(ratio.value).max() > 100:
        raise broken("the density ratio's values are not finite")
    return ratio


def _check_sets(ratio: Ratio) -> None:
    """Refuse label sets that would be read past, or would need tables beyond all measure."""
    if (ratio.sets < 0).any() or (ratio.sets >= ratio.leaves).any():
        raise broken("the density ratio's label sets have no possible number")
    possible = (ratio.set_words >= 1) & (ratio.set_words <= MOST_WORDS)
    if len(ratio.set_words) != int(ratio.sets.sum()) or not possible.all():
        raise broken("the density ratio's label sets have no possible size")
    if len(ratio.words) != int(ratio.set_words.astype(np.int64).sum()):
        raise broken("the density ratio's label sets do not fit together")
    if ((ratio.words < 0) | (ratio.words >= 2**32)).any() or (ratio.by_set > 1).any():
        raise broken("the density ratio's label sets hold something else than bits")
    known = np.repeat(ratio.sets, ratio.leaves - 1)
    number = ratio.threshold
    if (number < 0).any() or (number[ratio.by_set == 1] >= known[ratio.by_set == 1]).any():
        raise broken("the density ratio splits by a label set that does not exist")
