"""The `tree` synthesizer: a mixture of tree chains, corrected by a boosted density ratio."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt

from locum.arrays import BoolArray, FloatArray, IntArray
from locum.models.base import Kept, ModelState
from locum.models.fitted_model import GuidedModel
from locum.models.guide import Guide
from locum.models.settings import ModelSettings
from locum.models.tree.basis import Basis, apart, middles, scored
from locum.models.tree.boosted import fit_boosted
from locum.models.tree.chain import Chain
from locum.models.tree.experts import Experts, weigh
from locum.models.tree.extended import ExtendedRows, depending_on, extend
from locum.models.tree.grow import xlogx_table
from locum.models.tree.guided import sample_guided
from locum.models.tree.implied import find_implied
from locum.models.tree.inputs import Bins, View, bin_table, dependence, target_groups
from locum.models.tree.margins import find_margins, unasked_groups
from locum.models.tree.mixture import Mixture
from locum.models.tree.ratio import FIT_SWEEPS, Ratio, balance, fit_ratio
from locum.models.tree.scorer import Scorer
from locum.models.tree.settings import TreeSettings
from locum.models.tree.store import pack, unpack
from locum.models.tree.target import TargetModel, find_shifts, fit_target_model
from locum.models.tree.tree_sum import TreeSum
from locum.progress import Event, Listener
from locum.randomness import child_seed, stream
from locum.schema.domain import CodedRows, Codes, Domain

#: Fewest training rows for which a density ratio is worth fitting.
RATIO_ROWS = 500
#: Most training rows, and chain rows, that the ratio is fitted on; chain rows per training row.
RATIO_MOST, CHAIN_ROWS = 200_000, 4
#: One of so many training rows is kept from the chains, to judge the ratio by.
KEPT_ASIDE = 10
#: Columns with more labels than this are shown to the ratio by code (frequency order), not as sets.
RATIO_LABELS = 256
#: Below twice this many rows a chain sees a larger share of them, up to nine tenths.
ENOUGH_ROWS = 2000
#: Column pairs beyond which a table counts as wide, and the fewest chains that it then gets.
MANY_PAIRS, FEWEST_MEMBERS = 600, 6
#: At and below this many rows chains are smoothed and priced most carefully.
FEW_ROWS = 4000
#: Fresh chain rows that the offsets of margins are fitted on: least, most, per training row.
MARGIN_ROWS = (50_000, 200_000, 2)
#: Margins are held for the rows that rules leave over where at least this share of the rows is left.
LEAST_LEFT = 0.4
#: Fewest rows for a boosted expectation of the number to predict.
BOOSTED_ROWS = 200
#: Rows that no model has seen, to look how far the target's models spread.
FRESH_ROWS = 1_000
#: Chains after which experts that no column needs are left out.
PILOTS = 2
#: Chains that draw the number to predict first.
EARLY = 2
#: Rows drawn per block, to bound memory.
BLOCK = 100_000


class TreeModel(GuidedModel):
    """Sequential conditional trees over codes, mixed over column orders and corrected jointly.

    Each of `members` chains has its own column order (few codes first, with noise) and its own half of the
    training rows. In a chain, every column gets one classification tree on the columns before it, grown
    from integer histograms; a leaf is an empirical distribution that borrows from wider ancestors
    (Witten-Bell). A row is drawn from one chain; the density is the mean over chains. A boosted classifier of
    training rows against chain rows then estimates the density ratio, and rows are resampled by it. Where the
    target of prediction is named, its codes are drawn last, by a boosted classifier on all other columns, if
    that predicts held-out rows better than the chains do.

    Notes
    -----
    What limits memorising: no leaf with fewer than `min_leaf` training rows; a split must gain `penalty`
    times Akaike's bound; leaves borrow from ancestors in proportion to how scattered they are; each chain
    sees only a share of the rows; levels with fewer than `min_leaf` rows cannot be split on by themselves;
    the ratio has large leaves, and a tenth of the rows, which no chain has seen, limits its rounds and sets
    its slope. No guarantee follows from these: the model file contains counts of real rows and must be
    treated like the data.

    Margins: offsets per code, of all rows and within groups, are part of the ratio (`margins`), and so are
    weights of the rows drawn, so that shares of rare levels and strata are those of the training rows.

    Density: with correction or margins, `log_prob` is ``log(mean of chains) + log(ratio) - log Z`` with Z
    estimated from chain rows (relative error about 0.5 %); without them, it is exact.

    Cost: O(members x share x rows x columns x inputs x depth) to fit, at most `max_rows` rows per chain;
    sampling O(pool x rows x columns x depth).

    References
    ----------
    Sequential CART synthesis: Nowok, Raab, Dibben, synthpop, doi:10.18637/jss.v074.i11 (differs: histogram
    trees over shared bins, a mixture over orders and subsamples, smoothed leaves). Witten-Bell smoothing:
    doi:10.1109/18.87000. Density-ratio resampling: Azadi et al., arXiv:1810.06758 (differs: weights, not
    accept/reject).
    """

    name: ClassVar[str] = "tree"
    settings_type: ClassVar[type[ModelSettings]] = TreeSettings

    settings: TreeSettings
    _mixture: Mixture
    _kept: Kept | None = None

    def expect(self, kept: Kept | None) -> Self:
        """Say before `fit` which rows will be written: margins are held for those alone."""
        self._kept = kept
        return self

    def _learn(self, data: CodedRows, seed: int, progress: Listener) -> None:
        settings, data = self.settings, ExtendedRows(data)
        progress(Event("fit", 0, 1, "looking at dependences"))
        choice = _choices(data, settings.max_inputs)
        members, spread = _members(choice, settings), _spread(choice, settings)
        tables = _tables(data, choice, settings)
        xlogx = xlogx_table(data.n_rows)
        chains, seen = [], []
        careful = _careful(data.n_rows, settings)
        corrected = settings.correction and data.n_rows >= RATIO_ROWS
        inside, unseen = _split(data.n_rows, corrected, stream(seed, "tree", "apart"))
        marginals = _marginals(data)
        view = View(tables, Basis.of(data.domain, marginals))
        experts = Experts.of(data.domain, marginals, view) if settings.experts else None
        last = _number_to_predict(data.domain, settings)
        if experts is not None and last is not None:
            experts = _with_boosted(data, inside, unseen, last, experts, stream(seed, "tree", "boosted"))
        early = 0 if last is None else EARLY
        steps = members + early + (members // 2 if settings.correction else 0) + 1
        for member in range(members + early):
            rng = stream(seed, "tree", "chain", member)
            rows = inside[_member_rows(len(inside), settings, rng)]
            seen.append(rows)
            order = _order(data.domain, spread, last, rng, first=member >= members)
            chains.append(
                Chain.fit(data, rows, order, choice, tables, careful, xlogx, experts, marginals, rng)
            )
            if member == PILOTS - 1 and experts is not None:
                worth = weigh(data, [c.conditionals for c in chains], seen, view, marginals)
                targets = {c.target for chain in worth for c in chain if c.experts}
                experts = replace(experts, targets=targets)
            progress(Event("fit", member + 1, steps, f"chain {member + 1} of {members + early}"))
        weighed = weigh(data, [c.conditionals for c in chains], seen, view, marginals)
        chains = [Chain(conditionals) for conditionals in weighed]
        implied = find_implied(data)
        calculated = data.domain.calculated
        plain, first = tuple(chains[:members]), tuple(chains[members:])
        mixture = Mixture(plain, view, marginals, implied=implied, calculated=calculated, early=first)
        score = _fit_score(data, mixture, settings, inside, unseen, seed) if corrected else None
        if score is not None:
            mixture = replace(mixture, ratio=Ratio(score, 0.0, settings.pool))
        if settings.target in data.domain.names and last is None:
            target = _fit_target(data, data.domain.index(settings.target), mixture, seen[:members], seed)
            mixture = replace(mixture, target=target)
        if settings.margins or score is not None:
            rng = stream(seed, "tree", "margins")
            mixture = _hold_margins(data, mixture, score, settings, rng, self._kept)
        self._kept = None
        self._mixture = replace(mixture, view=mixture.used_view())
        progress(Event("fit", steps, steps, "done"))

    def _draw(self, n: int, seed: int) -> Codes:
        mixture = self._mixture
        own = len(mixture.marginals) - len(mixture.calculated)
        out = np.empty((n, own), dtype=np.int32, order="F")
        for block, start in enumerate(range(0, n, BLOCK)):
            size = min(BLOCK, n - start)
            rng = stream(seed, "tree", "sample", block)
            if mixture.ratio is None:
                rows = mixture.sample_chains(size, rng)
            else:
                pool = mixture.sample_chains(math.ceil(mixture.ratio.pool * size) + 1, rng)
                rows = pool[mixture.ratio.choose(pool, size, rng)]
            if mixture.target is not None:
                mixture.target.draw(rows, rng)
            out[start : start + size] = rows[:, :own]
        return out

    def _draw_guided(self, n: int, guide: Guide, seed: int) -> tuple[Codes, FloatArray]:
        """Exact for weights and fixed cells up to the variance of the weights.

        Sequential Monte Carlo along the chains; the density ratio and the boosted target enter the weights.
        Cost: about that of `sample`, plus rows x codes for every column that the condition touches.
        """
        codes, weight = sample_guided(self._mixture, n, guide, stream(seed, "tree", "guided"))
        return codes[:, : codes.shape[1] - len(self._mixture.calculated)], weight

    def _log_prob(self, codes: Codes) -> FloatArray:
        """Cost: members x columns x a few binary searches per row."""
        mixture = self._mixture
        codes = extend(codes, mixture.calculated)
        if mixture.target is None:
            return mixture.log_prob(codes)
        return mixture.target.log_prob(codes, mixture.log_prob)

    def _store(self) -> ModelState:
        return pack(self.settings, self._mixture)

    def _restore(self, state: ModelState, domain: Domain) -> None:
        self.settings, self._mixture = unpack(state, domain)


def _number_to_predict(domain: Domain, settings: TreeSettings) -> int | None:
    """The attribute that a user wants to predict, if it is a number with many codes: it is drawn last."""
    if settings.target not in domain.names:
        return None
    target = domain.index(settings.target)
    return target if settings.experts and scored(domain.attributes[target]) else None


def _with_boosted(
    data: CodedRows,
    rows: IntArray,
    unseen: IntArray,
    target: int,
    experts: Experts,
    rng: np.random.Generator,
) -> Experts:
    attribute, marginal = data.domain.attributes[target], experts.marginals[target]
    others = apart(attribute, marginal)
    known, fresh = (r[~np.isin(data.column(target)[r], others)] for r in (rows, unseen))
    hidden = depending_on(target, data.domain)
    inputs = [i for i, size in enumerate(data.domain.sizes) if size > 1 and i not in hidden]
    if len(known) < BOOSTED_ROWS or not inputs:
        return experts
    score = middles(attribute, marginal)
    boosted = fit_boosted(data, known, fresh, target, score, inputs, _labels(data.domain), experts.view, rng)
    return replace(experts, boosted={target: boosted})


def _fit_score(
    data: CodedRows, mixture: Mixture, settings: TreeSettings, inside: IntArray, unseen: IntArray, seed: int
) -> Scorer | None:
    rng = stream(seed, "tree", "ratio")
    size = min(len(inside), RATIO_MOST)
    real = data.take(inside if size == len(inside) else rng.choice(inside, size, replace=False))
    judges = data.take(unseen[: RATIO_MOST // KEPT_ASIDE])
    chain = mixture.sample_chains(min(CHAIN_ROWS * size, RATIO_MOST), rng)
    return fit_ratio(real, chain, _labels(data.domain), settings, child_seed(seed, "tree", "ratio"), judges)


def _hold_margins(
    data: CodedRows,
    mixture: Mixture,
    score: Scorer | None,
    settings: TreeSettings,
    rng: np.random.Generator,
    kept: Kept | None,
) -> Mixture:
    """Fit the offsets of the ratio and of the target's model on fresh rows of the chains."""
    score = Scorer(TreeSum.constant(0.0)) if score is None else score
    target = mixture.target
    named = [i for i, a in enumerate(data.domain) if a.column in settings.protected]
    if target is None and settings.target in data.domain.names:
        named.append(data.domain.index(settings.target))
    named, unasked = (named, unasked_groups(data, named)) if data.n_rows >= RATIO_ROWS else ([], [])
    redrawn = () if target is None else target.hidden
    margins = find_margins(data, named, unasked, redrawn) if settings.margins else ()
    chain = mixture.sample_chains(int(np.clip(MARGIN_ROWS[2] * data.n_rows, *MARGIN_ROWS[:2])), rng)
    written = None if kept is None or not margins else _written(kept, chain, mixture, rng)
    raw = score(chain)
    ratio, weight = balance(score, raw, chain, margins, settings.pool, data.n_rows, written)
    if written is not None and (np.exp(weight) * written).sum() < LEAST_LEFT * np.exp(weight).sum():
        # A rule that refuses nearly all of a stratum is a rule to give up, not one to draw that stratum for.
        written = None
        ratio, weight = balance(score, raw, chain, margins, settings.pool, data.n_rows)
    if target is not None and settings.margins:
        target = replace(target, shifts=find_shifts(data, target.column, [*named, *unasked]))
        p = target.probability(chain)
        mass = np.exp(weight)
        target = target.calibrate(
            p, chain, mass if written is None else mass * written, data.n_rows, FIT_SWEEPS
        )
        target = target if written is None else target.before_refusals(p, chain, mass)
    return replace(mixture, ratio=ratio, target=target)


def _written(kept: Kept, chain: Codes, mixture: Mixture, rng: np.random.Generator) -> BoolArray:
    """Which rows of the chains will be kept, with the target as it will be drawn."""
    rows = chain[:, : chain.shape[1] - len(mixture.calculated)]
    if mixture.target is not None:
        drawn = chain.copy(order="F")
        mixture.target.draw(drawn, rng)
        rows = drawn[:, : rows.shape[1]]
    return kept(rows)


def _fit_target(
    data: CodedRows, target: int, mixture: Mixture, seen: Sequence[IntArray], seed: int
) -> TargetModel | None:
    def joint(codes: Codes, rows: IntArray) -> FloatArray:
        # A chain's word on a row that it learned from counts only where every chain did.
        known = np.stack([np.isin(rows, chain_rows) for chain_rows in seen])
        return mixture.log_prob(codes, known & ~known.all(axis=0))

    labels, basis = _labels(data.domain), mixture.view.basis
    fresh = mixture.sample_chains(FRESH_ROWS, stream(seed, "tree", "fresh"))
    return fit_target_model(data, target, labels, basis, child_seed(seed, "tree", "outcome"), fresh, joint)


def _labels(domain: Domain) -> list[int]:
    """Attributes that boosted trees split by sets of labels."""
    return [i for i, a in enumerate(domain) if not a.ordered and 2 < a.size <= RATIO_LABELS]


def _marginals(data: CodedRows) -> tuple[FloatArray, ...]:
    return tuple(
        np.bincount(data.column(i), minlength=size) / data.n_rows for i, size in enumerate(data.domain.sizes)
    )


def _members(choice: dict[int, list[int]], settings: TreeSettings) -> int:
    """Chains to grow: fewer on wide tables, where each costs more and averages over more columns."""
    pairs = sum(len(predictors) for predictors in choice.values()) / 2
    return min(settings.members, max(FEWEST_MEMBERS, round(settings.members * MANY_PAIRS / max(pairs, 1))))


def _careful(n: int, settings: TreeSettings) -> TreeSettings:
    """More smoothing and a higher price of splits where there are few rows, and a leaf is nearly a person."""
    few = min(1.0, FEW_ROWS / n)
    return replace(
        settings,
        smoothing=min(settings.smoothing * (1.0 + 4.0 * few), 100.0),
        penalty=min(settings.penalty * (1.0 + 0.3 * few), 1000.0),
    )


def _spread(choice: dict[int, list[int]], settings: TreeSettings) -> float:
    """Noise on the column order: up to six times as much on wide tables.

    There no single order serves all dependences, and different ones together keep more of them.
    """
    pairs = sum(len(predictors) for predictors in choice.values()) / 2
    return settings.order_spread * (1.0 + 5.0 * min(1.0, pairs / MANY_PAIRS))


def _split(n: int, corrected: bool, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
    """Rows to learn from, ascending, and rows that only judge the correction, in random order."""
    if not corrected:
        return np.arange(n), np.zeros(0, dtype=np.int64)
    order = rng.permutation(n)
    cut = n // KEPT_ASIDE
    return np.sort(order[cut:]), order[:cut]


def _member_rows(n: int, settings: TreeSettings, rng: np.random.Generator) -> IntArray:
    """Rows that one chain sees: a share of them, more where there are few."""
    share = max(settings.share, min(0.9, ENOUGH_ROWS / n))
    size = max(1, min(round(share * n), settings.max_rows))
    return np.sort(rng.choice(n, size, replace=False)) if size < n else np.arange(n)


def _order(
    domain: Domain, spread: float, last: int | None, rng: np.random.Generator, *, first: bool = False
) -> Sequence[int]:
    """Columns with few codes first: the many-valued ones then profit from all that is known about the row.

    With `first`, the one that is last otherwise is first.
    """
    own = len(domain) - len(domain.calculated)
    sizes = np.array(domain.sizes[:own], dtype=float)
    key = np.log(np.maximum(sizes, 1.0)) + spread * rng.standard_normal(own)
    if last is not None:
        key[last] = -np.inf if first else np.inf
    return [int(i) for i in np.argsort(key, kind="stable")]


def _choices(data: CodedRows, most: int) -> dict[int, list[int]]:
    """Predictors that each attribute may use: all others, or on wide tables those it depends on most."""
    n = len(data.domain) - len(data.domain.calculated)
    live = [i for i, size in enumerate(data.domain.sizes) if size > 1]
    hidden = {target: depending_on(target, data.domain) for target in range(n)}
    if len(live) <= most + 1:
        return {t: [p for p in live if p not in hidden[t]] for t in range(n)}
    strength = dependence(data)
    out = {}
    for target in range(n):
        ranked = [int(p) for p in np.argsort(-strength[target], kind="stable")]
        # Twice as many as a tree may use, because only those earlier in a chain's order count.
        out[target] = [p for p in ranked if p not in hidden[target] and data.domain.sizes[p] > 1][: 2 * most]
    return out


def _tables(
    data: CodedRows, choice: dict[int, list[int]], settings: TreeSettings
) -> dict[tuple[int, int], npt.NDArray[np.uint8]]:
    columns = [data.column(i) for i in range(len(data.domain))]
    plain: dict[int, Bins] = {}
    out: dict[tuple[int, int], Bins] = {}
    for target, predictors in choice.items():
        groups: tuple[IntArray, int] | None = None
        for p in predictors:
            attribute = data.domain.attributes[p]
            if attribute.ordered or attribute.size <= 2:
                if p not in plain:
                    plain[p] = bin_table(attribute, columns[p], settings.max_bins, None, settings.min_leaf)
                out[(p, target)] = plain[p]
                continue
            if groups is None:
                groups = target_groups(columns[target], data.domain.sizes[target])
            out[(p, target)] = bin_table(attribute, columns[p], settings.max_bins, groups, settings.min_leaf)
    return out
