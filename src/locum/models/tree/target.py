"""A boosted conditional for the one column that a user wants to predict from all others.

Chains see a dependence on many columns only through trees on those that come earlier; what a model trained
on the rows learns about the target suffers first. When the target is named, its codes are drawn anew, given
all other columns of the finished row, from a boosted classifier that was stopped on held-out rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from locum.arrays import BoolArray, FloatArray, IntArray
from locum.models.tree.basis import Basis
from locum.models.tree.conditional import find_weights
from locum.models.tree.extended import depending_on
from locum.models.tree.margins import PRIOR_ROWS, group_codes
from locum.models.tree.ratio import DRAW_SWEEPS, RAKED_ROWS, boost
from locum.models.tree.scorer import Scorer
from locum.models.tree.softmax import Softmax, fit_softmax
from locum.models.tree.tree_sum import TreeSum
from locum.randomness import child_seed, stream
from locum.schema.domain import CodedRows, Codes

#: Targets with more codes than this keep what the chains gave them; fewest rows to learn from.
MOST_CODES, FEWEST_ROWS = 16, 200
#: Most rows learned from; one of so many parts is held out; rounds, patience and learning rate of boosting.
MOST_ROWS, FOLDS, ROUNDS, PATIENCE, RATE = 200_000, 8, 500, 25, 0.08
#: In tables of up to so many rows each of so many parts is held out in turn, and a regression takes part.
FEW_ROWS, TURNS = 16_000, 4
#: Rounds of weighing the regression, the least weight that counts, fewest rows in a leaf of boosted trees.
ROUNDS_OF_WEIGHING, LEAST_WEIGHT, LEAF_ROWS = 50, 0.05, (10, 50)
#: Slopes of log-odds that are tried, and the loss of log-likelihood that refutes one: half the 95 % quantile
#: of chi-square with one degree of freedom.
SLOPES, REFUTED = tuple(1.0 + 0.02 * k for k in range(26)), 1.92
#: The mean of several models is made at most so many times as wide.
MOST_WIDER = 1.5
#: Rows with similar probabilities that share one stratified draw.
STRATA = 16
#: Held-out rows on which it is compared with what the model has already.
COMPARED = 1_200
#: Log-odds are cut here, so that no row is ever impossible or certain.
FARTHEST = 12.0

LogProb = Callable[[Codes], FloatArray]
#: The same for training rows, whose numbers are given too.
RowLogProb = Callable[[Codes, IntArray], FloatArray]


@dataclass(frozen=True, slots=True, eq=False)
class TargetShift:
    """What is added to the log-odds of the target's codes in the groups of another attribute.

    Attributes
    ----------
    column
        The other attribute; the target itself where all rows are one group.
    group
        Group of each of its codes; int32.
    share
        Share of the training rows by group and code of the target; 2-D.
    value
        What is added, likewise.
    """

    column: int
    group: npt.NDArray[np.int32]
    share: FloatArray
    value: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Smooth:
    """A regression of the target beside its trees.

    Attributes
    ----------
    model, basis
        The regression, and the features that it sees.
    share
        Its share of every probability.
    """

    model: Softmax
    basis: Basis
    share: float


@dataclass(frozen=True, slots=True, eq=False)
class TargetModel:
    """p(target | all other columns) as boosted log-odds.

    Attributes
    ----------
    column
        Attribute that is drawn.
    scores
        One sum of trees for two codes (log-odds of code 1), else one per code (softmax).
    shifts
        Offsets that give each group, and with them the table, the training rows' shares of the target.
    hidden
        What may not be looked at: the target, and what is calculated from it.
    smooth
        A regression that shares the probabilities with the trees, if there is one.
    slope
        What log-odds are multiplied by.
    """

    column: int
    scores: tuple[Scorer, ...]
    hidden: tuple[int, ...]
    shifts: tuple[TargetShift, ...] = ()
    smooth: Smooth | None = None
    slope: float = 1.0

    def probability(self, codes: Codes) -> FloatArray:
        """Probability of every code for each row, whatever its own; shape (n_rows, n_codes)."""
        x = codes.copy()
        x[:, self.hidden] = 0
        odds = np.stack([np.clip(s(x), -FARTHEST, FARTHEST) for s in self.scores], axis=1)
        if len(self.scores) == 1:
            odds = np.hstack([np.zeros((len(x), 1)), odds])
        if self.smooth is not None:
            share = self.smooth.share
            p = (1.0 - share) * _softmax(odds) + share * self.smooth.model.table(x, self.smooth.basis)
            odds = np.log(np.maximum(p, math.exp(-FARTHEST)))
        odds = odds * self.slope
        for shift in self.shifts:
            odds = odds + shift.value[shift.group[x[:, shift.column]]]
        return _softmax(odds)

    def calibrate(self, p: FloatArray, rows: Codes, weight: FloatArray, n: int, sweeps: int) -> TargetModel:
        """The same model with shifts that give weighted rows the training rows' shares of the target.

        Parameters
        ----------
        p
            Its probabilities for the rows; they are changed to the new ones.
        rows, weight
            Rows whose target it will draw.
        n
            Rows that the shares are worth: groups of few of them move little.
        sweeps
            How often all groups are gone through.

        References
        ----------
        Iterative proportional fitting, as in `locum.models.tree.margins.rake`.
        """
        values = [shift.value.copy() for shift in self.shifts]
        at = self._groups(rows)
        mass = weight * (n / weight.sum())
        for _ in range(sweeps):
            for shift, value, group in zip(self.shifts, values, at, strict=True):
                groups, size = shift.share.shape
                seen = np.empty((groups, size))
                for code in range(size):
                    inside = mass * p[:, code]
                    seen[:, code] = np.bincount(group, inside, groups)
                wanted = shift.share / np.maximum(shift.share.sum(axis=1, keepdims=True), 1e-300)
                wanted = wanted * seen.sum(axis=1, keepdims=True)
                step = (wanted + PRIOR_ROWS) / (seen + PRIOR_ROWS)
                p *= step[group]
                p /= p.sum(axis=1, keepdims=True)
                value += np.log(step)
        shifts = tuple(replace(s, value=v) for s, v in zip(self.shifts, values, strict=True))
        return replace(self, shifts=shifts)

    def before_refusals(self, p: FloatArray, rows: Codes, weight: FloatArray) -> TargetModel:
        """The same model, whose shares are those that all these rows have now.

        Of what is drawn like them some rows will be refused; those left then have the shares from before.
        """
        shifts = []
        for shift, group in zip(self.shifts, self._groups(rows), strict=True):
            share = np.empty_like(shift.share)
            for code in range(share.shape[1]):
                share[:, code] = np.bincount(group, weight * p[:, code], len(share))
            shifts.append(replace(shift, share=share / share.sum()))
        return replace(self, shifts=tuple(shifts))

    def _groups(self, rows: Codes) -> list[npt.NDArray[np.int32]]:
        """The group of each row, for each shift."""
        everywhere = np.zeros(len(rows), dtype=np.int32)
        return [s.group[rows[:, s.column]] if s.column != self.column else everywhere for s in self.shifts]

    def draw(self, codes: Codes, rng: np.random.Generator) -> None:
        """Draw the target of every row anew, in place.

        The draws of rows with similar probabilities are stratified and, unless they are few, their shifts are
        set right for these very rows, so that shares vary less than under independent draws.
        """
        p = self.probability(codes)
        if len(codes) >= RAKED_ROWS:
            self.calibrate(p, codes, np.ones(len(codes)), len(codes), DRAW_SWEEPS)
        cumulative = np.cumsum(p, axis=1)
        uniform = _stratify(p @ np.arange(p.shape[1]), rng)
        chosen = (cumulative < uniform[:, None] * cumulative[:, -1:]).sum(axis=1)
        codes[:, self.column] = np.minimum(chosen, cumulative.shape[1] - 1)

    def log_prob(self, codes: Codes, joint: LogProb) -> FloatArray:
        """Log-probability of rows whose columns but the target follow `joint`.

        Cost: one call of `joint` per code of the target, since the target has to be summed out.
        """
        p = self.probability(codes)
        total = np.full(len(codes), -np.inf)
        for code in range(p.shape[1]):
            other = codes.copy(order="F")
            other[:, self.column] = code
            total = np.logaddexp(total, joint(other))
        own = codes[:, self.column]
        return total + np.log(p[np.arange(len(codes)), own])


def find_shifts(data: CodedRows, column: int, groups: Sequence[int]) -> tuple[TargetShift, ...]:
    """Shifts of zero that hold the shares of the target in all rows and within groups of some attributes."""
    size = data.domain.sizes[column]
    y = data.column(column).astype(np.int64)
    found = []
    hidden = depending_on(column, data.domain)
    for other in [*(g for g in groups if g not in hidden), column]:
        # Group 0 is that of all rows in no group.
        of_code = np.zeros(size, dtype=np.int64) if other == column else group_codes(data, other) + 1
        count = int(of_code.max()) + 1
        at = of_code[data.column(other)] if other != column else 0 * y
        share = np.bincount(at * size + y, minlength=count * size).reshape(count, size) / len(y)
        found.append(TargetShift(other, of_code.astype(np.int32), share, np.zeros((count, size))))
    return tuple(found)


def _softmax(odds: FloatArray) -> FloatArray:
    p = np.exp(odds - odds.max(axis=1, keepdims=True))
    out: FloatArray = p / p.sum(axis=1, keepdims=True)
    return out


def _stratify(key: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Uniform numbers, one a row, spread evenly over every `STRATA` rows that follow each other by `key`."""
    n = len(key)
    order = np.lexsort((rng.random(n), key))
    blocks = -(-n // STRATA)
    cells = rng.permuted(np.tile(np.arange(STRATA), (blocks, 1)), axis=1).ravel()[:n]
    out = np.empty(n)
    out[order] = (cells + rng.random(n)) / STRATA
    return out


def fit_target_model(
    data: CodedRows,
    column: int,
    labels: Sequence[int],
    basis: Basis,
    seed: int,
    fresh: Codes,
    joint: RowLogProb | None = None,
) -> TargetModel | None:
    """Learn the conditional of `column`; None where it is not possible or not better than what is there.

    It is not possible where the column has too many codes or the table too few rows. It is not better where
    `joint` gives held-out targets at least the same likelihood, given the other columns.

    Parameters
    ----------
    data
        Training rows.
    column
        Attribute index of the target.
    labels
        Attributes whose codes have no order.
    basis
        Features of all attributes.
    seed
        Seed of the held-out part and of the column sampling.
    fresh
        Rows like the training rows that are none of them.
    joint
        Log-probability of training rows under the model that would otherwise draw the target, best without
        what it learned from those very rows; None to keep it in any case.
    """
    size = data.domain.sizes[column]
    if not 2 <= size <= MOST_CODES or data.n_rows < FEWEST_ROWS or len(data.domain) < 2:
        return None
    rng = stream(seed, "tree", "outcome")
    order = rng.permutation(data.n_rows)[:MOST_ROWS]
    codes = data.take(order)
    y = codes[:, column].copy()
    hidden = depending_on(column, data.domain)
    codes[:, hidden] = 0
    fresh = fresh.copy(order="F")
    fresh[:, hidden] = 0
    x = codes.astype(np.float32)
    categorical = [i for i in labels if i not in hidden]
    seeded = child_seed(seed, "tree", "outcome")
    if len(order) <= FEW_ROWS:
        model = _in_turns(TargetModel(column, (), hidden), codes, x, y, categorical, basis, fresh, seeded)
        cut = len(order)
    else:
        cut = len(order) // FOLDS
        held_out = np.arange(len(order)) < cut
        scores = _boost(x, y, size, held_out, categorical, seeded)
        model = TargetModel(column, scores, hidden)
    if joint is None:
        return model
    rows = order[: min(cut, COMPARED)]
    held = data.take(rows)
    own = (np.arange(len(held)), held[:, column])
    mine = np.log(model.probability(held)[own]).mean()
    theirs = np.log(
        np.maximum(_conditional(lambda codes: joint(codes, rows), held, column, size)[own], np.exp(-FARTHEST))
    ).mean()
    return model if mine > theirs else None


def _conditional(joint: LogProb, codes: Codes, column: int, size: int) -> FloatArray:
    """Probability of every code of `column` given the other columns under `joint`; (n_rows, size)."""
    scores = np.empty((len(codes), size))
    for code in range(size):
        other = codes.copy(order="F")
        other[:, column] = code
        scores[:, code] = joint(other)
    top = scores.max(axis=1, keepdims=True)
    p = np.exp(scores - np.where(np.isfinite(top), top, 0.0))
    out: FloatArray = p / np.maximum(p.sum(axis=1, keepdims=True), 1e-300)
    return out


def _in_turns(
    model: TargetModel,
    codes: Codes,
    x: npt.NDArray[np.float32],
    y: npt.NDArray[np.int32],
    categorical: list[int],
    basis: Basis,
    fresh: Codes,
    seed: int,
) -> TargetModel:
    """Boosted trees that each leave out a part of few rows, and a regression, weighed by those parts."""
    shares = np.bincount(y, minlength=len(np.bincount(y))) / len(y)
    inputs = [i for i in range(codes.shape[1]) if i not in model.hidden and len(basis.tables[i]) > 1]
    part = np.arange(len(y)) % TURNS
    size = len(basis.tables[model.column])
    shares = np.bincount(y, minlength=size) / len(y)
    apart, found = np.zeros((len(y), size)), []
    for k in range(TURNS):
        scores = _boost(x, y, size, part == k, categorical, seed + k)
        found.append(scores)
        held = codes[part == k]
        apart[part == k] = replace(model, scores=scores).probability(held)
    scores = _mean_of_turns(found, fresh)
    model = replace(model, scores=scores)
    at = np.arange(len(y)), y
    smooth, smooth_apart = fit_softmax(model.column, codes, part, shares, inputs, basis)
    share = find_weights(np.stack([apart[at], smooth_apart[at]]), ROUNDS_OF_WEIGHING, LEAST_WEIGHT, 1.0)[1]
    slope = _slope((1.0 - share) * apart + share * smooth_apart, y)
    return replace(model, smooth=Smooth(smooth, basis, float(share)) if share > 0 else None, slope=slope)


def _mean_of_turns(found: Sequence[Sequence[Scorer]], fresh: Codes) -> tuple[Scorer, ...]:
    """The mean of models that each left out a part of the rows, spread as widely as one of them.

    What such a model says beside the truth differs from turn to turn and is less in their mean, which lies
    closer together than log-odds that were right as they were.

    Parameters
    ----------
    found
        Scores of each model.
    fresh
        Rows that none of them has seen.
    """
    each = np.stack([[score(fresh) for score in scores] for scores in found])
    if each.shape[1] > 1:
        each = each - each.mean(axis=1, keepdims=True)
    mean = each.mean(axis=0)
    centre = mean.mean(axis=1)
    factor = float(each.var(axis=2).sum(axis=1).mean() / max(mean.var(axis=1).sum(), 1e-12))
    factor = min(max(factor, 1.0), MOST_WIDER)
    out = []
    for k, base in enumerate(centre):
        trees = TreeSum.mean([scores[k].trees for scores in found])
        # Twice each, for the mean of the two is their sum.
        kept = TreeSum.constant(2.0 * (1.0 - factor) * float(base))
        out.append(Scorer(TreeSum.mean([trees.times(2.0 * factor), kept])))
    return tuple(out)


def _slope(p: FloatArray, y: npt.NDArray[np.int32]) -> float:
    """The steepest slope of log-odds that codes of rows held out do not refute.

    What few rows teach is a mean over all that may be true, flatter than what is: labels drawn from it follow
    from the other columns less than in the rows learned from, and a model trained on them learns less than
    there is to learn. Among the slopes within the interval of the likelihood ratio the steepest is taken.
    With many rows that interval is narrow.

    Parameters
    ----------
    p
        Probabilities of all codes from models that have not seen the rows; shape (n_rows, n_codes).
    y
        The rows' codes.
    """
    log_p = np.log(np.maximum(p, math.exp(-FARTHEST)))
    at = np.arange(len(y)), y
    found = np.array([float(np.log(np.maximum(_softmax(s * log_p)[at], 1e-300)).sum()) for s in SLOPES])
    return float(np.array(SLOPES)[found >= found.max() - REFUTED].max())


def _boost(
    x: npt.NDArray[np.float32],
    y: npt.NDArray[np.int32],
    size: int,
    held_out: BoolArray,
    categorical: list[int],
    seed: int,
) -> tuple[Scorer, ...]:
    """Boosted scores of the codes, stopped where the held-out rows are predicted best."""
    counts = np.bincount(y, minlength=size)
    logs = np.log((counts + 0.5) / (len(y) + 0.5 * size))
    constant = tuple(Scorer(TreeSum.constant(float(v))) for v in ([logs[1] - logs[0]] if size == 2 else logs))
    if np.count_nonzero(np.bincount(y[~held_out], minlength=size)) < 2:
        return constant
    text = boost(
        (x[~held_out], y[~held_out]),
        (x[held_out], y[held_out]),
        categorical,
        ROUNDS,
        PATIENCE,
        objective="binary" if size == 2 else "multiclass",
        num_class=1 if size == 2 else size,
        seed=seed,
        num_leaves=15,
        learning_rate=RATE,
        feature_fraction=0.7,
        min_data_in_leaf=int(np.clip(len(y) // 50, *LEAF_ROWS)),
    )
    if text is None:
        return constant
    # LightGBM writes the average score into the leaves of each code's first tree.
    return tuple(Scorer(TreeSum.from_lightgbm(text, k, len(constant))) for k in range(len(constant)))
