"""A generator for very few rows: a tree of columns, each smoothed towards what its parents say."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from locum.arrays import FloatArray, IntArray
from locum.errors import NotFittedError, UsageError
from locum.models.base import ModelState
from locum.models.checks import broken, check_rows, check_training, check_width, exactly, tensor, within
from locum.progress import Event, Listener, silent
from locum.randomness import check_seed, stream
from locum.schema.domain import Attribute, Coded, Codes, Domain

#: Most parts into which a column falls as a parent.
PARTS = 6
#: No parent.
NONE = -1


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


class FewShotModel:
    """Draws attributes along a tree, with probabilities that few rows cannot push far.

    With a target a tree-augmented naive Bayes model (Friedman, Geiger and Goldszmidt, 1997): every attribute
    depends on the target and on one other; without one a Chow-Liu forest. An edge is kept only where the
    Bayesian information criterion finds it worth its numbers, so that on 50 rows few are. Each conditional
    is backed off: counts given both parents are smoothed towards those given the first, these towards the
    column alone, with a Dirichlet prior of `strength` rows each time; codes never seen stay impossible.
    As parents, columns are cut into at most `PARTS` parts. Cost: attributes^2 passes over the rows.

    Parameters
    ----------
    target
        Attribute that all others depend on; unknown names are no target.
    strength
        Weight of the priors, in rows; more is smoother.
    """

    name: ClassVar[str] = "few-shot"
    has_density: ClassVar[bool] = True

    def __init__(self, target: str | None = None, strength: float = 4.0) -> None:
        if isinstance(strength, bool) or not isinstance(strength, int | float) or not 0 < strength <= 1e6:
            raise UsageError(f"strength {strength!r} is not usable", where="few-shot", expected="above 0")
        self._target, self._strength = target, float(strength)
        self._nodes: tuple[_Node, ...] = ()
        self._order: tuple[int, ...] = ()
        self._domain: Domain | None = None

    def fit(self, data: Coded, *, seed: int, progress: Listener = silent) -> Self:
        """Choose the tree and fill the tables; `seed` is checked but not needed."""
        check_seed(seed)
        check_training(data)
        n = len(data.domain)
        parts = [_parts(a, data.column(i)) for i, a in enumerate(data.domain)]
        coarse = np.column_stack([p[data.column(i)] for i, p in enumerate(parts)])
        root = data.domain.index(self._target) if self._target in data.domain.names else NONE
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
        self._domain = data.domain
        return self

    def _table(self, data: Coded, i: int, parents: tuple[int, int], parts: list[IntArray]) -> FloatArray:
        """Smoothed P(code | parts of the parents), each level backed off to the one before."""
        size, child = data.domain.sizes[i], data.column(i)
        s = self._strength
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

    def sample(self, n: int, *, seed: int) -> Codes:
        """Draw `n` rows; int32, shape (n, n_attributes), Fortran order."""
        domain = self._fitted()
        n, seed = check_rows(n), check_seed(seed)
        out = np.zeros((n, len(domain)), dtype=np.int32, order="F")
        for i in self._order:
            steps = np.cumsum(self._nodes[i].table, axis=1)
            key, u = self._key(out, i), stream(seed, "few-shot", i).random(n)
            for k in np.unique(key):
                rows = np.flatnonzero(key == k)
                drawn = np.searchsorted(steps[k], u[rows] * steps[k, -1], side="right")
                out[rows, i] = np.minimum(drawn, domain.sizes[i] - 1)
        return out

    def log_prob(self, codes: Codes) -> FloatArray:
        """Sum of the logs along the tree; -inf for codes never seen."""
        domain = self._fitted()
        check_width(codes, domain)
        inside = within(codes, domain)
        known, total = codes[inside], np.where(inside, 0.0, -np.inf)
        for i, node in enumerate(self._nodes):
            with np.errstate(divide="ignore"):
                total[inside] += np.log(node.table[self._key(known, i), known[:, i]])
        return total

    def _key(self, codes: Codes, i: int) -> IntArray:
        key = np.zeros(len(codes), dtype=np.int64)
        for p in self._nodes[i].parents:
            if p != NONE:
                key = key * self._nodes[p].width + self._nodes[p].parts[codes[:, p]]
        return key

    def state(self) -> ModelState:
        """Parents, order, parts and tables, end to end."""
        self._fitted()
        return ModelState(
            {"target": self._target, "strength": self._strength},
            {
                "order": np.array(self._order, dtype=np.int64),
                "parents": np.array([n.parents for n in self._nodes], dtype=np.int64),
                "parts": np.concatenate([n.parts for n in self._nodes]),
                "tables": np.concatenate([n.table.reshape(-1) for n in self._nodes]),
            },
        )

    @classmethod
    def from_state(cls, state: ModelState, domain: Domain) -> Self:
        """Rebuild; raises FileFormatError when anything does not fit the domain or the tree has a cycle."""
        exactly(state, {"target", "strength"}, {"order", "parents", "parts", "tables"})
        target, strength = state.settings["target"], state.settings["strength"]
        number = isinstance(strength, int | float) and not isinstance(strength, bool)
        if not (target is None or isinstance(target, str)) or not number or not 0 < strength <= 1e6:
            raise broken("settings of few-shot cannot be")
        n = len(domain)
        order: list[int] = tensor(state, "order", np.int64, (n,)).tolist()
        parents: list[list[int]] = tensor(state, "parents", np.int64, (n, 2)).tolist()
        flat: IntArray = tensor(state, "parts", np.int64, (sum(domain.sizes),))
        if sorted(order) != list(range(n)):
            raise broken("the order is no permutation")
        place = {i: k for k, i in enumerate(order)}
        for i, two in enumerate(parents):
            if any(p != NONE and (p not in place or place[p] >= place[i]) for p in two):
                raise broken("a parent comes after its child")
        if n and (flat.min() < 0 or flat.max() > max(PARTS, 1)):
            raise broken("parts are out of range")
        parts = np.split(flat, np.cumsum(domain.sizes)[:-1]) if n else []
        tables = _cut_tables(tensor(state, "tables", np.float64, (None,)), parents, parts, domain)
        model = cls(target, float(strength))
        model._nodes = tuple(
            _Node((two[0], two[1]), p, t) for two, p, t in zip(parents, parts, tables, strict=True)
        )
        model._order, model._domain = tuple(order), domain
        return model

    def _fitted(self) -> Domain:
        if self._domain is None:
            raise NotFittedError("the model has not been fitted", where=self.name, do="call fit first")
        return self._domain


def _cut_tables(
    flat: npt.NDArray[Any], parents: list[list[int]], parts: list[IntArray], domain: Domain
) -> list[FloatArray]:
    widths = [int(p.max(initial=0)) + 1 for p in parts]
    shapes = [
        (math.prod(widths[p] for p in two if p != NONE), size)
        for two, size in zip(parents, domain.sizes, strict=True)
    ]
    if sum(a * b for a, b in shapes) != len(flat):
        raise broken("tables do not fit the tree")
    if not np.isfinite(flat).all() or flat.min(initial=0) < 0 or flat.max(initial=0) > 1:
        raise broken("tables hold numbers that are no probabilities")
    ends = np.cumsum([a * b for a, b in shapes])[:-1]
    tables = [t.reshape(s) for t, s in zip(np.split(flat, ends), shapes, strict=True)]
    if any(np.abs(t.sum(axis=1) - 1).max(initial=0) > 1e-6 for t in tables):
        raise broken("tables do not add up to 1")
    return tables


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
