"""Drawing from tree chains under a condition: forced, weighted and paired columns, resampled on the way.

Every chain is walked in its own order. A column that the condition touches is drawn from its leaf
distribution times the condition's weights; the mass that these leave is the row's importance weight. When
weights become uneven, rows are resampled in between (sequential Monte Carlo), so that later columns are spent
on rows that matter. Chains whose order lets the condition come early give more even weights and get more of
the rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from locum.arrays import FloatArray, IntArray
from locum.models.guide import FREE, Guide, Pair, effective, split, systematic
from locum.models.tree.chain import Chain
from locum.models.tree.conditional import Conditional
from locum.models.tree.dense import BLOCK_CELLS, draw_rows, temper
from locum.models.tree.extended import calculate, calculate_known
from locum.models.tree.inputs import View
from locum.models.tree.mixture import Mixture
from locum.models.tree.target import TargetModel
from locum.schema.domain import Codes

#: Rows with which each chain shows how well its order suits the condition; chains that do less than this
#: share of the best are left out. Chains kept at least (if there are so many): each has its own errors.
PILOT, WORTH, FEWEST = (256, 2000), 0.25, 3
#: Draws for one row of given cells from which on several chains share them.
SHARED = 300
#: Rows are resampled within a chain when the effective number falls below this share.
RESAMPLE = 0.2


def sample_guided(
    mixture: Mixture, n: int, guide: Guide, rng: np.random.Generator
) -> tuple[Codes, FloatArray]:
    """Rows and log weights; the contract is that of `locum.models.base.Guided`."""
    by = _by_merit if guide.fixed is None else _by_row
    codes = np.empty((n, len(mixture.marginals)), dtype=np.int32, order="F")
    weight = np.empty(n)
    member = np.empty(n, dtype=np.int64)
    for m, rows, drawn, log_weight in by(mixture, n, guide, rng):
        codes[rows], weight[rows], member[rows] = drawn, log_weight, m
    if mixture.ratio is not None:
        weight += mixture.ratio.log_weight(codes)
    if mixture.target is not None:
        _redraw(mixture, mixture.target, member, guide, codes, weight, rng)
    return codes, weight


_Part = tuple[int, IntArray, Codes, FloatArray]


def _by_merit(mixture: Mixture, n: int, guide: Guide, rng: np.random.Generator) -> list[_Part]:
    """Rows of the chains that suit the condition, in random places."""
    merit = []
    pilot = min(n, int(np.clip(n // 20, *PILOT)))
    for chain in mixture.chains:
        _, log_weight = _walk(chain, mixture, pilot, guide, None, 1, rng, resample=False)
        merit.append(effective(log_weight) / len(log_weight))
    best = np.argsort(-np.array(merit), kind="stable")
    enough = max(1, min(FEWEST, len(best)))
    chosen = [int(i) for k, i in enumerate(best) if k < enough or merit[i] >= WORTH * merit[best[0]]]
    if len({merit[i] > 0 for i in chosen}) > 1:
        chosen = [i for i in chosen if merit[i] > 0]
    shares = [max(merit[i], 1e-3) for i in chosen]
    place = rng.permutation(n)
    parts, at = [], 0
    sizes = split(n, shares)
    used = sum(size > 0 for size in sizes)
    for member, size in zip(chosen, sizes, strict=True):
        if size == 0:
            continue
        rows = place[at : at + size]
        at += size
        drawn, log_weight = _walk(mixture.chains[member], mixture, size, guide, None, 1, rng, resample=False)
        # Every chain counts the same, however many rows it drew.
        parts.append((member, rows, drawn, log_weight + np.log(n / (used * size))))
    return parts


def _by_row(mixture: Mixture, n: int, guide: Guide, rng: np.random.Generator) -> list[_Part]:
    """Each row of `fixed` is given to one of the chains that draw its fixed columns earliest, or to several.

    Several, each with an equal part, where there are `SHARED` draws a row or more: one chain's conditional
    differs from the mixture's, and that would show then.
    """
    assert guide.fixed is not None
    groups = len(guide.fixed)
    size = n // groups
    late = _late(mixture, guide.fixed)
    plain = len(mixture.chains)
    early = late[:, plain:].min(axis=1, initial=np.inf) < late[:, :plain].min(axis=1)
    parts = []
    for rows, chains in ((~early, np.arange(plain)), (early, np.arange(plain, late.shape[1]))):
        if rows.any():
            parts += _serve(mixture, np.flatnonzero(rows), chains, late, size, guide, rng)
    return parts


def _late(mixture: Mixture, fixed: Codes) -> FloatArray:
    """Cells of each row that each chain draws before a fixed one: guesses that it may contradict."""
    known = (fixed != FREE).astype(np.float64)
    late = np.empty((len(fixed), len(mixture.all_chains)))
    for m, chain in enumerate(mixture.all_chains):
        order = np.asarray(chain.order)
        free_before = np.cumsum(1.0 - known[:, order], axis=1)
        late[:, m] = (known[:, order] * free_before).sum(axis=1)
    return late


def _serve(
    mixture: Mixture,
    groups: IntArray,
    chains: IntArray,
    late: FloatArray,
    size: int,
    guide: Guide,
    rng: np.random.Generator,
) -> list[_Part]:
    """Some rows of `fixed`, each by the best of some chains."""
    assert guide.fixed is not None
    keep = max(1, min(FEWEST, len(chains)))
    merit = late[np.ix_(groups, chains)]
    ranked = chains[np.argsort(merit + rng.random(merit.shape) * 1e-6, axis=1)[:, :keep]]
    if size >= SHARED:
        served = [(ranked[:, r], part) for r, part in enumerate(np.array_split(np.arange(size), keep))]
    else:
        served = [(ranked[np.arange(len(groups)), rng.integers(keep, size=len(groups))], np.arange(size))]
    parts = []
    for member, places in served:
        for m in np.unique(member).tolist():
            chain, mine = mixture.all_chains[m], groups[member == m]
            fixed = guide.fixed[mine]
            drawn, log_weight = _walk(chain, mixture, len(mine) * len(places), guide, fixed, len(mine), rng)
            rows = (mine[:, None] * size + places[None, :]).ravel()
            parts.append((m, rows, drawn, log_weight))
    return parts


def _walk(
    chain: Chain,
    mixture: Mixture,
    n: int,
    guide: Guide,
    fixed: Codes | None,
    groups: int,
    rng: np.random.Generator,
    *,
    resample: bool = True,
) -> tuple[Codes, FloatArray]:
    """Draw `n` rows along one chain; the log weights keep their mean through resampling."""
    calculated = mixture.calculated
    codes = np.zeros((n, len(chain.conditionals) + len(calculated)), dtype=np.int32, order="F")
    log_weight = np.zeros(n)
    done: set[int] = set()
    for one in chain.conditionals:
        target = one.target
        marginal = mixture.marginals[target]
        partners = [p for p in guide.pairs if target in (p.first, p.second)]
        partners = [p for p in partners if (p.second if p.first == target else p.first) in done]
        step = _Step(one, mixture.view, marginal, guide.weights.get(target), partners, guide.temperature)
        forced = None if fixed is None else np.repeat(fixed[:, target], n // groups)
        gained = _column(step, codes, forced, rng)
        done.add(target)
        calculate_known(codes, calculated, target, done)
        if gained is None:
            continue
        log_weight += gained
        if resample and n > groups:
            codes, log_weight = _resample(codes, log_weight, groups, rng)
    return codes, log_weight


@dataclass(frozen=True, slots=True)
class _Step:
    """One column of a walk."""

    conditional: Conditional
    view: View
    marginal: FloatArray
    weight: FloatArray | None
    partners: Sequence[Pair]
    temperature: float

    @property
    def target(self) -> int:
        return self.conditional.target


def _column(step: _Step, codes: Codes, forced: Codes | None, rng: np.random.Generator) -> FloatArray | None:
    """Fill one column; returns the log weights gained, None when the condition does not touch it."""
    target, n = step.target, len(codes)
    plain = step.weight is None and not step.partners and step.temperature == 1.0
    free = np.arange(n) if forced is None else np.flatnonzero(forced == FREE)
    if plain and len(free) == n:
        if len(step.marginal) > 1:
            steps = np.cumsum(step.marginal)
            codes[:, target] = step.conditional.draw(codes, step.view, steps / steps[-1], rng)
        return None
    gained = np.zeros(n)
    if forced is not None and len(free) < n:
        known = np.flatnonzero(forced != FREE)
        y = forced[known].astype(np.int64)
        codes[known, target] = y
        with np.errstate(divide="ignore"):
            gained[known] = np.log(step.conditional.probability(codes[known], y, step.view, step.marginal))
            if step.weight is not None:
                gained[known] += np.log(step.weight[y])
            for lines, other in _lines(step, codes):
                gained[known] += np.log(lines[codes[known, other], y])
    if len(free):
        drawn, mass = _draw(step, codes, free, rng)
        codes[free, target] = drawn
        with np.errstate(divide="ignore"):
            gained[free] = np.log(mass)
    return gained


def _lines(step: _Step, codes: Codes) -> list[tuple[FloatArray, int]]:
    """Pair factors of the column, each as (a line of weights by the other's code, the other)."""
    out = []
    for pair in step.partners:
        if pair.first == step.target:
            out.append((pair.factor.T, pair.second))
        else:
            out.append((pair.factor, pair.first))
    return out


def _draw(step: _Step, codes: Codes, rows: IntArray, rng: np.random.Generator) -> tuple[IntArray, FloatArray]:
    """Draw the column for some rows from leaf distribution x weights x pair factors."""
    size = len(step.marginal)
    lines = _lines(step, codes)
    keys = [_kinds(step, codes[rows]), *(codes[rows, other].astype(np.int64) for _, other in lines)]
    order = np.lexsort(keys[::-1])
    out = np.zeros(len(rows), dtype=np.int64)
    mass = np.zeros(len(rows))
    fresh = np.ones(len(rows), dtype=bool)
    stacked = np.stack([k[order] for k in keys])
    fresh[1:] = (stacked[:, 1:] != stacked[:, :-1]).any(axis=0)
    line_of = np.cumsum(fresh) - 1
    heads = np.flatnonzero(fresh)
    per_block = max(1, BLOCK_CELLS // max(size, 1))
    for start in range(0, len(heads), per_block):
        here = heads[start : start + per_block]
        like = codes[rows[order[here]]]
        table = temper(step.conditional.table(like, step.view, step.marginal), step.temperature)
        if step.weight is not None:
            table = table * step.weight
        for k, (factor, _) in enumerate(lines):
            table = table * factor[stacked[1 + k, here]]
        a = here[0]
        b = heads[start + per_block] if start + per_block < len(heads) else len(rows)
        drawn, total = draw_rows(table, line_of[a:b] - start, rng)
        out[order[a:b]], mass[order[a:b]] = drawn, total
    return out, mass


def _kinds(step: _Step, codes: Codes) -> IntArray:
    """A number for each row: rows of one number have the same distribution."""
    one = step.conditional
    return np.arange(len(codes)) if one.experts else step.view.leaves(one.tree, one.target, codes)


def _resample(
    codes: Codes, log_weight: FloatArray, groups: int, rng: np.random.Generator
) -> tuple[Codes, FloatArray]:
    """Resample the groups whose effective size has fallen, and level their weights."""
    size = len(log_weight) // groups
    table = log_weight.reshape(groups, size)
    top = table.max(axis=1, keepdims=True)
    alive = np.isfinite(top[:, 0])
    weight = np.exp(table - np.where(np.isfinite(top), top, 0.0))
    total = weight.sum(axis=1)
    low = alive & (total**2 < RESAMPLE * size * (weight**2).sum(axis=1))
    if not low.any():
        return codes, log_weight
    mine = np.flatnonzero(np.repeat(low, size))
    picked = mine[systematic(table[low].ravel(), int(low.sum()), rng)]
    codes = codes.copy(order="F")
    codes[mine] = codes[picked]
    level = np.log(total[low] / size) + top[low, 0]
    log_weight = log_weight.copy()
    log_weight[mine] = np.repeat(level, size)
    return codes, log_weight


def _redraw(
    mixture: Mixture,
    model: TargetModel,
    member: IntArray,
    guide: Guide,
    drawn: Codes,
    log_weight: FloatArray,
    rng: np.random.Generator,
) -> None:
    """Bring the target from the chains' conditional to the boosted one, in place.

    Where the condition does not touch the target it is drawn anew. Where it does, the drawn code stays (it
    was guided) and the row is weighted by the quotient of the two conditional probabilities.
    """
    target = model.column
    wanted = temper(model.probability(drawn), guide.temperature)
    if target not in guide.attributes():
        drawn[:, target], _ = draw_rows(wanted, np.arange(len(drawn)), rng)
        return
    n, n_codes = wanted.shape
    every = np.tile(drawn, (n_codes, 1))
    every[:, target] = np.repeat(np.arange(n_codes), n)
    calculate(every, mixture.calculated)
    joint = np.zeros(len(every)) if mixture.ratio is None else mixture.ratio.log_weight(every)
    for m in np.unique(member):
        rows = np.flatnonzero(np.tile(member == m, n_codes))
        joint[rows] += mixture.all_chains[m].log_prob(every[rows], mixture.view, mixture.marginals)
    table = joint.reshape(n_codes, n).T
    with np.errstate(divide="ignore", invalid="ignore"):
        held = temper(np.exp(table - np.logaddexp.reduce(table, axis=1)[:, None]), guide.temperature)
        at = np.arange(n), drawn[:, target].astype(np.int64)
        change = np.log(wanted[at]) - np.log(held[at])
    log_weight += np.where(np.isfinite(change), change, 0.0)
