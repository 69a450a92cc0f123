"""Trees of chains as named arrays, and back with every index checked."""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import Any

import numpy as np

from locum.models.checks import broken
from locum.models.codec import ArraySpec, StateReader
from locum.models.tree.inputs import Tables
from locum.models.tree.tree import Tree

_NODE = {
    "feature": ArraySpec(np.int32, low=-1),
    "threshold": ArraySpec(np.int32),
    "left": ArraySpec(np.int32),
    "start": ArraySpec(np.int32, low=0),
    "stop": ArraySpec(np.int32),
    "wider": ArraySpec(np.int32, low=-1),
    "borrow": ArraySpec(np.float32, 0, 1),
}
_RUN = {"code": ArraySpec(np.int32, low=0), "end": ArraySpec(np.int32, low=1)}


def tree_specs(prefix: str) -> dict[str, ArraySpec]:
    """The arrays that hold trees under a prefix."""
    count = ArraySpec(np.int64, 1, 2**31)
    specs = {f"{prefix}.{name}": spec for name, spec in (_NODE | _RUN).items()}
    return specs | {f"{prefix}.nodes": count, f"{prefix}.runs": count}


def tree_arrays(prefix: str, trees: Sequence[Tree]) -> dict[str, Any]:
    """Trees one after the other, one array per field."""
    arrays: dict[str, Any] = {
        f"{prefix}.{f}": np.concatenate([getattr(t, f) for t in trees]) if trees else []
        for f in (*_NODE, *_RUN)
    }
    arrays[f"{prefix}.nodes"] = [len(t.feature) for t in trees]
    arrays[f"{prefix}.runs"] = [len(t.code) for t in trees]
    return arrays


def read_trees(file: StateReader, prefix: str, count: int) -> list[Tree]:
    """So many trees; what they may split on is checked by `check_tree`."""
    nodes, runs = (file.array(f"{prefix}.{name}", count) for name in ("nodes", "runs"))
    parts = {
        name: file.parts(f"{prefix}.{name}", nodes if name in _NODE else runs) for name in (*_NODE, *_RUN)
    }
    return [Tree(**{name: part[i] for name, part in parts.items()}) for i in range(count)]


def check_tree(tree: Tree, target: int, codes: int, earlier: Set[int], tables: Tables) -> None:
    """Refuse a tree that looks at what it cannot see, loops, or predicts one of no `codes` codes."""
    ids = np.arange(len(tree.feature))
    inner = tree.feature >= 0
    rows = int(tree.end[-1])
    used = {int(f) for f in np.unique(tree.feature[inner])}
    if not used <= earlier or any((f, target) not in tables for f in used):
        raise broken("a tree splits on a column that it cannot see")
    if ((tree.left[inner] <= ids[inner]) | (tree.left[inner] >= len(ids) - 1)).any():
        raise broken("a tree's children do not follow their parent")
    if (tree.wider[1:] < 0).any() or (tree.wider >= ids).any() or tree.wider[0] != -1:
        raise broken("a tree's ancestors do not precede their children")
    if not ((tree.start < tree.stop) & (tree.stop <= rows)).all():
        raise broken("a tree's row intervals are empty or out of range")
    if (np.diff(tree.end, prepend=0) < 1).any():
        raise broken("a tree's counts are not positive")
    if (tree.code >= codes).any():
        raise broken("a tree predicts a code outside the column")
