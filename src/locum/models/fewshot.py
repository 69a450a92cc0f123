"""A generator for very few rows: a tree of columns, each smoothed towards what its parents say."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from locum.arrays import FloatArray, IntArray
from locum.models.base import ModelState
from locum.models.checks import broken
from locum.models.codec import ArraySpec, Layout, StateReader, check_shares, flatten
from locum.models.fitted_model import FittedModel
from locum.models.settings import ModelSettings, number, setting
from locum.progress import Event, Listener
from locum.randomness import stream
from locum.schema.domain import Attribute, CodedRows, Codes, Domain

#: Most parts into which a column falls as a parent.
PARTS = 6
#: No parent.
NONE = -1
_LAYOUT = Layout(
    {
        "order": ArraySpec(np.int64, low=0),
        "parents": ArraySpec(np.int64, low=NONE, ndim=2),
        "parts": ArraySpec(np.int64, low=0, high=PARTS),
        "tables": ArraySpec(np.float64, 0, 1),
    },
    frozenset({"target", "strength"}),
)


@dataclass(frozen=True, slots=True, eq=False)
class _Node:
    """One attribute: its parents, the part of each code when it is a parent, and its table.

    `table` has shape (parts of first parent x parts of second parent, size), rows adding up to 1.
    """

    parents: tuple[int, int]
    parts: IntArray
    table: FloatArray

    @property
    def width(self) -> int:
        return int(self.parts.max(initial=0)) + 1


@dataclass(frozen=True, kw_only=True)
class FewShotSettings(ModelSettings):
    """Settings of the generator for few rows."""

    target: str | None = setting(
        None, "text", "Attribute that all others depend on; unknown names are no target.", optional=True
    )
    strength: float = number(
        4.0, 0.0, 1e6, "Weight of the priors, in rows; more is smoother.", outside=("low",)
    )


class FewShotModel(FittedModel):
    """Draws attributes along a tree, with probabilities that few rows cannot push far.

    With a target a tree-augmented naive Bayes model (Friedman, Geiger and Goldszmidt, 1997): every attribute
    depends on the target and on one other; without one a Chow-Liu forest. An edge is kept only where the
    Bayesian information criterion finds it worth its numbers, so that on 50 rows few are. Each conditional
    is backed off: counts given both parents are smoothed towards those given the first, these towards the
    column alone, with a Dirichlet prior of `strength` rows each time; codes never seen stay impossible.
    As parents, columns are cut into at most `PARTS` parts. Cost: attributes^2 passes over the rows.
    """

    name: ClassVar[str] = "few-shot"
    settings_type: ClassVar[type[ModelSettings]] = FewShotSettings

    settings: FewShotSettings
    _nodes: tuple[_Node, ...]
    _order: tuple[int, ...]

    def _learn(self, data: CodedRows, seed: int, progress: Listener) -> None:
        """Choose the tree and fill the tables; there is no chance in it."""
        n = len(data.domain)
        parts = [_parts(a, data.column(i)) for i, a in enumerate(data.domain)]
        coarse = np.column_stack([p[data.column(i)] for i, p in enumerate(parts)])
        target = self.settings.target
        root = data.domain.index(target) if target in data.domain.names else NONE
        order, parent = _tree(coarse, root)
        nodes: list[_Node | None] = [None] * n
        for done, i in enumerate(order):
            progress(Event("fit", done, n, data.domain.attributes[i].name))
            first, second = (NONE, NONE) if i == root else (root, parent[i])
            if first == NONE:
                first, second = second, NONE
            table = self._table(data, i, (first, second), parts)
            nodes[i] = _Node((first, second), parts[i], table)
        progress(Event("fit", n, n))
        self._nodes, self._order = tuple(node for node in nodes if node is not None), tuple(order)

    def _table(self, data: CodedRows, i: int, parents: tuple[int, int], parts: list[IntArray]) -> FloatArray:
        """Smoothed P(code | parts of the parents), each level backed off to the one before."""
        size, child = data.domain.sizes[i], data.column(i)
        s = self.settings.strength
        prior: FloatArray = (np.bincount(child, minlength=size) / data.n_rows)[None]
        key, width = np.zeros(data.n_rows, dtype=np.int64), 1
        for p in parents:
            if p == NONE:
                continue
            w = int(parts[p].max(initial=0)) + 1
            key, width = key * w + parts[p][data.column(p)], width * w
            counts = np.bincount(key * size + child, minlength=width * size).reshape(width, size)
            prior = counts + s * np.repeat(prior, w, axis=0)
            prior = prior / prior.sum(axis=1, keepdims=True)
        return prior

    def _draw(self, n: int, seed: int) -> Codes:
        sizes = self._fitted().sizes
        out = np.zeros((n, len(sizes)), dtype=np.int32, order="F")
        for i in self._order:
            steps = np.cumsum(self._nodes[i].table, axis=1)
            key, u = self._key(out, i), stream(seed, "few-shot", i).random(n)
            for k in np.unique(key):
                rows = np.flatnonzero(key == k)
                drawn = np.searchsorted(steps[k], u[rows] * steps[k, -1], side="right")
                out[rows, i] = np.minimum(drawn, sizes[i] - 1)
        return out

    def _log_prob(self, codes: Codes) -> FloatArray:
        """Sum of the logs along the tree; -inf for codes never seen."""
        total = np.zeros(len(codes))
        for i, node in enumerate(self._nodes):
            with np.errstate(divide="ignore"):
                total += np.log(node.table[self._key(codes, i), codes[:, i]])
        return total

    def _key(self, codes: Codes, i: int) -> IntArray:
        key = np.zeros(len(codes), dtype=np.int64)
        for p in self._nodes[i].parents:
            if p != NONE:
                key = key * self._nodes[p].width + self._nodes[p].parts[codes[:, p]]
        return key

    def _store(self) -> ModelState:
        """Parents, order, parts and tables, end to end."""
        nodes = self._nodes
        return _LAYOUT.write(
            {
                "order": self._order,
                "parents": [n.parents for n in nodes],
                "parts": flatten([n.parts for n in nodes]),
                "tables": flatten([n.table for n in nodes]),
            },
            target=self.settings.target,
            strength=float(self.settings.strength),
        )

    def _restore(self, state: ModelState, domain: Domain) -> None:
        file = StateReader(state, domain, _LAYOUT)
        self.settings = file.model_settings(FewShotSettings, **state.settings)
        order, n = file.order("order"), len(domain)
        parents: list[tuple[int, int]] = [(a, b) for a, b in file.array("parents", n, 2).tolist()]
        place = {NONE: -1, **{i: k for k, i in enumerate(order)}}
        if any(p not in place or place[p] >= place[i] for i, two in enumerate(parents) for p in two):
            raise broken("a parent comes after its child")
        parts = file.per_attribute("parts")
        widths = [int(p.max(initial=0)) + 1 for p in parts]
        rows = [math.prod(widths[p] for p in two if p != NONE) for two in parents]
        flat = file.parts("tables", (a * b for a, b in zip(rows, domain.sizes, strict=True)))
        tables = [t.reshape(-1, size) for t, size in zip(flat, domain.sizes, strict=True)]
        check_shares(tables, 1 - 1e-6, 1 + 1e-6)
        self._nodes = tuple(_Node(*node) for node in zip(parents, parts, tables, strict=True))
        self._order = tuple(order)


def _parts(attribute: Attribute, codes: Codes) -> IntArray:
    """Part of each code when the attribute is a parent; shape (size,)."""
    size = attribute.size
    if size <= PARTS:
        return np.arange(size, dtype=np.int64)
    counts = np.bincount(codes, minlength=size)
    if not attribute.ordered:
        out = np.full(size, PARTS - 1, dtype=np.int64)
        out[np.argsort(-counts, kind="stable")[: PARTS - 1]] = np.arange(PARTS - 1)
        return out
    known = counts.copy()
    if attribute.null is not None:
        known[attribute.null] = 0
    middle = (np.cumsum(known) - known / 2) / max(1, known.sum())
    out = np.minimum((middle * (PARTS - 2)).astype(np.int64), PARTS - 3)
    if attribute.null is not None:
        out[attribute.null] = int(out.max()) + 1
    # Parts that no code falls into would waste rows of every table.
    return np.asarray(np.unique(out, return_inverse=True)[1], dtype=np.int64)


def _tree(coarse: IntArray, root: int) -> tuple[list[int], list[int]]:
    """A spanning forest of greatest gain given the root's column, and an order with parents first."""
    n = coarse.shape[1]
    given = coarse[:, root] if root != NONE else np.zeros(len(coarse), dtype=np.int64)
    gain = np.full((n, n), -np.inf)
    for i in range(n):
        for j in range(i):
            if root not in (i, j):
                gain[i, j] = gain[j, i] = _gain(coarse[:, i], coarse[:, j], given)
    order, parent = ([root] if root != NONE else []), [NONE] * n
    left = [i for i in range(n) if i != root]
    best = np.full(n, 0.0)
    while left:
        # Without a worthwhile edge the next column starts a tree of its own.
        i = max(left, key=lambda k: (best[k], -k))
        left.remove(i)
        order.append(i)
        for j in left:
            if gain[i, j] > best[j]:
                best[j], parent[j] = gain[i, j], i
    return order, parent


def _gain(a: IntArray, b: IntArray, given: IntArray) -> float:
    """Rows times conditional mutual information in nats, less half the log of the rows a free number."""

    def entropy(*columns: IntArray) -> tuple[float, int]:
        counts = np.unique(np.stack(columns, axis=1), axis=0, return_counts=True)[1]
        return float(-(counts * np.log(counts / len(a))).sum()), len(counts)

    joint, cells = entropy(given, a, b)
    one, na = entropy(given, a)
    two, nb = entropy(given, b)
    base, n0 = entropy(given)
    free = max(1, cells - na - nb + n0, round((na / n0 - 1) * (nb / n0 - 1) * n0))
    return one + two - joint - base - 0.5 * math.log(max(2, len(a))) * free
