"""Smoothed leaf distributions as a matrix: what a draw under weights, windows or a temperature needs."""

from __future__ import annotations

import numpy as np

from locum.arrays import FloatArray, IntArray
from locum.models.tree.tree import Tree

#: Most numbers in one block of (rows x codes).
BLOCK_CELLS = 2_000_000


def leaf_matrix(tree: Tree, leaves: IntArray, marginal: FloatArray) -> FloatArray:
    """Probability of every code in some leaves; shape (len(leaves), n_codes); rows sum to one.

    `marginal` is the (non-cumulative) distribution over all training rows. Ancestors that leaves borrow from
    are computed once. Cost: the runs of the leaves and of the ancestors, plus the matrix.
    """
    size = len(marginal)
    nodes: list[IntArray] = [np.unique(leaves)]
    while True:
        above = np.unique(tree.wider[nodes[-1]][tree.borrow[nodes[-1]] > 0]).astype(np.int64)
        above = above[above >= 0]
        if len(above) == 0:
            break
        nodes.append(above)
    all_nodes = np.unique(np.concatenate(nodes))
    counts = _counts(tree, all_nodes, size)
    rows = np.maximum(tree.stop[all_nodes] - tree.start[all_nodes], 1)
    borrow = tree.borrow[all_nodes].astype(np.float64)
    out = counts * ((1.0 - borrow) / rows)[:, None]
    parent = tree.wider[all_nodes]
    place = np.searchsorted(all_nodes, parent)
    depth = _depths(tree, all_nodes)
    for level in range(int(depth.max()) + 1):
        at = np.flatnonzero((depth == level) & (borrow > 0))
        top = at[parent[at] < 0]
        out[top] += borrow[top, None] * marginal
        inner = at[parent[at] >= 0]
        out[inner] += borrow[inner, None] * out[place[inner]]
    result: FloatArray = out[np.searchsorted(all_nodes, leaves)]
    return result


def _counts(tree: Tree, nodes: IntArray, size: int) -> FloatArray:
    """Training rows of every code in each node."""
    first = np.searchsorted(tree.end, tree.start[nodes], side="right")
    last = np.searchsorted(tree.end, tree.stop[nodes], side="left") + 1
    n_runs = last - first
    owner = np.repeat(np.arange(len(nodes)), n_runs)
    run = np.arange(len(owner)) - np.repeat(np.cumsum(n_runs) - n_runs, n_runs) + np.repeat(first, n_runs)
    width = np.diff(tree.end, prepend=0)[run]
    flat = np.bincount(owner * size + tree.code[run], weights=width, minlength=len(nodes) * size)
    return flat.reshape(len(nodes), size).astype(np.float64)


def _depths(tree: Tree, nodes: IntArray) -> IntArray:
    """How many ancestors each node borrows through."""
    depth = np.zeros(len(nodes), dtype=np.int64)
    at = tree.wider[nodes].astype(np.int64)
    while (at >= 0).any():
        depth += at >= 0
        at = np.where(at >= 0, tree.wider[np.maximum(at, 0)], -1)
    return depth


def draw_rows(table: FloatArray, row: IntArray, rng: np.random.Generator) -> tuple[IntArray, FloatArray]:
    """Draw a code for each row of a shared table of weights.

    Parameters
    ----------
    table
        Non-negative weights; shape (n_tables, n_codes).
    row
        Which table line each drawn row uses.
    rng
        Where the randomness comes from.

    Returns
    -------
    Codes (0 where the line has no weight at all) and the total weight of each row's line.
    """
    steps = np.cumsum(table, axis=1)
    mass = steps[:, -1].copy()
    alive = mass > 0
    steps /= np.where(alive, mass, 1.0)[:, None]
    keys = (steps + np.arange(len(table))[:, None]).ravel()
    size = table.shape[1]
    found = np.searchsorted(keys, row + rng.random(len(row)), side="right") - row * size
    last = size - 1 - np.argmax(table[:, ::-1] > 0, axis=1)
    code = np.where(alive[row], np.clip(found, 0, last[row]), 0)
    # Rounding at the seams between lines may name a forbidden code; move on to the next allowed one.
    wrong = np.flatnonzero(alive[row] & (table[row, code] <= 0))
    for i in wrong:
        allowed = np.flatnonzero(table[row[i]] > 0)
        code[i] = allowed[min(int(np.searchsorted(allowed, code[i])), len(allowed) - 1)]
    return code.astype(np.int64), mass[row]


def temper(table: FloatArray, temperature: float) -> FloatArray:
    """Each line raised to ``1 / temperature`` and made to sum to one again."""
    if temperature == 1.0:
        return table
    top = table.max(axis=1, keepdims=True)
    powered = (table / np.where(top > 0, top, 1.0)) ** (1.0 / temperature)
    out: FloatArray = powered / powered.sum(axis=1, keepdims=True)
    return out
