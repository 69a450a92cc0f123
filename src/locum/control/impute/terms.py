"""Products of features, bends and steps that an equation needs beside its linear part, found one by one."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from locum.arrays import BoolArray, FloatArray, IntArray
from locum.control.impute.predictors import Predictors

#: Chance that a table without any such term is given one, and the most terms per column.
ALPHA, MOST = 0.1, 12
#: Rows that terms are looked for in, at most; rows for each feature, at least; candidates looked at closely.
ROWS, THIN, CLOSE = 2_000, 3, 16
#: Rows that a product must rest on.
SUPPORT = 8.0
#: Places of steps that are tried for each ordered column, and how many factors there may be for them.
PLACES = ((np.arange(1, 8) / 8, 60), (np.arange(1, 4) / 4, 150), (np.array([0.5]), 1_000))
#: Places of a step, the best by running sums, that are looked at in full.
CLOSEST = 3
#: Candidates whose steps are moved before the best one is taken.
MOVED = 4


@dataclass(frozen=True, slots=True)
class Factor:
    """A feature, or whether it lies above a cut.

    Attributes
    ----------
    feature
        Column of the matrix of predictors.
    cut
        Where the step is; None for the feature itself.
    share
        Share of rows above it.
    """

    feature: int
    cut: float | None = None
    share: float = 0.5

    def values(self, x: np.ndarray) -> FloatArray:
        """What it is in each row of the matrix of predictors, about standardised."""
        own = x[:, self.feature]
        if self.cut is None:
            return own.astype(np.float64)
        return (own > np.float32(self.cut)).astype(np.float64) * (1 / _spread(self.share)) - (
            self.share / _spread(self.share)
        )


#: One factor, or the product of two.
Term = tuple[Factor, ...]


def term_features(x: np.ndarray, terms: tuple[Term, ...]) -> FloatArray:
    """What each term is in each row of the matrix of predictors; shape (n, n_terms)."""
    out = np.ones((len(x), len(terms)))
    for k, term in enumerate(terms):
        for factor in term:
            out[:, k] *= factor.values(x)
    return out


def find_terms(predictors: Predictors, j: int, rows: IntArray, y: FloatArray) -> tuple[Term, ...]:
    """Terms that the equation of a column needs, the most telling first.

    Forward selection by score tests: of all products of two features or steps, squares, normal scores and
    steps, the one that explains most of what is left enters if chance would explain as much in `ALPHA` of
    tables (Bonferroni); its steps then move to where they explain most; and so on.

    Parameters
    ----------
    predictors, j
        The matrix, and the column that is foretold.
    rows
        Rows to learn from.
    y
        What is foretold there, one column for a number, indicators for labels; shape (n, k).

    Notes
    -----
    Cost: n times the square of the number of features and steps for each term found.
    """
    from scipy.stats import chi2

    base = predictors.linear(j)
    n = len(rows)
    if not len(base) or n < THIN * (len(base) + 1) or n < 20:
        return ()
    x = predictors.x[rows]
    search = _Search(x, np.column_stack([np.ones(n), x[:, base].astype(np.float64)]), y)
    pairs = _Candidates(predictors, j, x)
    if not search.rank or not pairs.number:
        return ()
    least = float(chi2.isf(ALPHA / pairs.number, search.rank))
    found: list[Term] = []
    while len(found) < min(MOST, n // 15) and search.rank:
        close = [t for t in pairs.nearest(search.rest, CLOSE) if t not in found]
        if not close:
            break
        gain = search.gains(close)
        if gain.max() < least:
            break
        # Steps lie on a grid at first: only once they are moved can they be held against bends and products.
        order = np.argsort(-gain, kind="stable")[:MOVED]
        moved = [search.moved(close[k]) for k in order if gain[k] >= least]
        term = moved[int(search.gains(moved).argmax())]
        found.append(term)
        search.take(term)
    return tuple(found)


def draw_steps(
    predictors: Predictors,
    j: int,
    rows: IntArray,
    y: FloatArray,
    terms: tuple[Term, ...],
    rng: np.random.Generator,
) -> tuple[Term, ...]:
    """The terms with each step where it may as well be: drawn by how likely each place makes the rows.

    Places are as likely beforehand as rows lie there; with normal errors one that leaves a share u of the
    variance makes n rows likelier by u to the power of -n / 2 (the posterior of a change point, Smith 1975;
    of several labels u is Wilks' lambda). A place that was settled once for all would count as known, and
    intervals would come out too narrow.

    Parameters
    ----------
    predictors, j, rows, y
        As for `find_terms`.
    terms
        Those that were found.
    rng
        For the places.
    """
    found = list(terms)
    for k, term in enumerate(found):
        if all(factor.cut is None for factor in term):
            continue
        x = predictors.x[rows]
        others = term_features(x, tuple(found[:k] + found[k + 1 :]))
        linear = x[:, predictors.linear(j)].astype(np.float64)
        search = _Search(x, np.column_stack([np.ones(len(rows)), linear, others]), y)
        for place, factor in enumerate(term):
            if factor.cut is not None and search.rank:
                term = search.drawn(term, place, rng)
        found[k] = term
    return tuple(found)


class _Search:
    """What is left to explain, and what terms would explain of it."""

    def __init__(self, x: np.ndarray, base: FloatArray, y: FloatArray) -> None:
        self.x = x
        self.basis = np.linalg.qr(base)[0]
        self.rest, self.rank = _whitened(y - self.basis @ (self.basis.T @ y))

    def gains(self, terms: list[Term]) -> FloatArray:
        """Chi-square of each term: 0 where it says nothing new, or rests on a handful of rows."""
        own, size = self._own(terms)
        return np.where(size > 0, ((self.rest.T @ own) ** 2).sum(axis=0) / np.maximum(size, 1e-300), 0.0)

    def _own(self, terms: list[Term]) -> tuple[FloatArray, FloatArray]:
        features = term_features(self.x, tuple(terms))
        centred = features - features.mean(axis=0)
        own = centred - self.basis @ (self.basis.T @ centred)
        size = (own**2).sum(axis=0)
        good = (size > 1e-6 * (centred**2).sum(axis=0)) & (size**2 > SUPPORT * (own**4).sum(axis=0))
        return own, np.where(good, size, 0.0)

    def moved(self, term: Term) -> Term:
        """The term with each step where it explains most."""
        for _ in range(2 if len(term) == 2 else 1):
            for place, factor in enumerate(term):
                if factor.cut is None:
                    continue
                cuts, gain = self.by_place(term, place)
                tried = [self._with_cut(term, place, cuts[k]) for k in np.argsort(-gain)[:CLOSEST]]
                gains = self.gains([term, *tried])
                term = [term, *tried][int(gains.argmax())]
        return term

    def drawn(self, term: Term, place: int, rng: np.random.Generator) -> Term:
        """The term with one of its steps at a place that is drawn by how likely it makes the rows."""
        cuts, gain = self.by_place(term, place)
        if not len(gain) or not gain.max() > 0:
            return term
        # With normal errors n rows become likelier by the share that is left, to the power of -n / 2.
        n = len(self.rest)
        likely = -n / 2 * np.log1p(-np.minimum(gain / n, 1 - 1e-9))
        chance = np.where(gain > 0, np.exp(likely - likely.max()), 0.0)
        return self._with_cut(term, place, cuts[int(rng.choice(len(cuts), p=chance / chance.sum()))])

    def by_place(self, term: Term, place: int) -> tuple[FloatArray, FloatArray]:
        """Every cut of one of the steps, and the chi-square of the term with it.

        All of them come from running sums over the rows in order of the feature, at the cost of one term.
        """
        own = self.x[:, term[place].feature]
        order = np.argsort(own, kind="stable")
        last = np.flatnonzero(own[order][:-1] < own[order][1:])
        n, k = self.rest.shape
        last = last[(last + 1 >= SUPPORT) & (n - last - 1 >= SUPPORT)]
        other = np.ones(n)
        for factor in term[:place] + term[place + 1 :]:
            other = other * factor.values(self.x)
        share = ((n - last - 1) / n)[:, None]
        weighted = np.column_stack([self.rest, self.basis])[order] * other[order, None]
        above = weighted.sum(axis=0) - np.cumsum(weighted, axis=0)[last]
        squares = other[order] ** 2
        beyond = squares.sum() - np.cumsum(squares)[last]
        spread = np.maximum(share * (1 - share), 1e-6)
        turned = (above - share * weighted.sum(axis=0)) / np.sqrt(spread)
        whole = (beyond * (1 - 2 * share[:, 0]) + share[:, 0] ** 2 * squares.sum()) / spread[:, 0]
        size = whole - (turned[:, k:] ** 2).sum(axis=1)
        good = size > 1e-6 * whole
        gain = np.where(good, (turned[:, :k] ** 2).sum(axis=1) / np.where(good, size, 1.0), 0.0)
        return own[order][last].astype(np.float64), gain

    def _with_cut(self, term: Term, place: int, cut: float) -> Term:
        step = _step(self.x, term[place].feature, float(cut))
        return (*term[:place], step, *term[place + 1 :])

    def take(self, term: Term) -> None:
        """Let the equation have the term."""
        own, size = self._own([term])
        if not size[0]:
            self.rank = 0
            return
        new = own[:, 0] / np.sqrt(size[0])
        self.basis = np.column_stack([self.basis, new])
        self.rest, self.rank = _whitened(self.rest - new[:, None] * (new @ self.rest))


def _whitened(rest: FloatArray) -> tuple[FloatArray, int]:
    """Residuals turned and scaled so that they are uncorrelated with variance 1, and how many there are."""
    value, turn = np.linalg.eigh(rest.T @ rest / len(rest))
    if value[-1] <= 1e-10:
        return rest, 0
    keep = value > 1e-9 * value[-1]
    return rest @ (turn[:, keep] / np.sqrt(value[keep])), int(keep.sum())


def _spread(share: float) -> float:
    return max(float(np.sqrt(share * (1 - share))), 1e-3)


class _Candidates:
    """All terms that may enter, and which of them go with given residuals."""

    def __init__(self, predictors: Predictors, j: int, x: np.ndarray) -> None:
        other = predictors.owner != j
        value = np.flatnonzero(other & predictors.base & ~predictors.label)
        label = np.flatnonzero(other & predictors.label)
        places = next((p for p, most in PLACES if len(label) + len(value) * (1 + len(p)) <= most), None)
        plain = [Factor(int(i)) for i in (*value, *label)]
        steps: list[Factor] = []
        for i in value:
            if places is None:
                break
            cuts = np.unique(np.quantile(x[:, i], places, method="lower"))
            steps += [_step(x, int(i), float(c)) for c in cuts[cuts < x[:, i].max()]]
        self.singles: list[Term] = [
            *((Factor(int(i)),) for i in np.flatnonzero(other & ~predictors.base)),
            *((s,) for s in steps),
        ]
        self.factors = [*plain, *steps] if places is not None else []
        # Single precision will do here: the nearest terms are looked at in full.
        self._single = term_features(x, tuple(self.singles)).astype(np.float32)
        self._factor = term_features(x, tuple((f,) for f in self.factors)).astype(np.float32)
        owner = np.array([predictors.owner[f.feature] for f in self.factors], dtype=np.int64)
        square = np.array(
            [f.cut is None and not predictors.label[f.feature] for f in self.factors], dtype=np.bool_
        )
        self._fits: BoolArray = np.triu(owner[:, None] != owner[None, :]) | np.diag(square)
        squares, n = self._factor**2, len(x)
        self._pair_size = _size(
            np.asarray(self._factor.T @ self._factor, dtype=np.float64),
            np.asarray(squares.T @ squares, dtype=np.float64),
            n,
        )
        self._single_size = _size(
            self._single.sum(axis=0, dtype=np.float64), (self._single**2).sum(axis=0, dtype=np.float64), n
        )
        self.number = len(self.singles) + int(self._fits.sum())

    def nearest(self, rest: FloatArray, most: int) -> list[Term]:
        """The terms that correlate most with the residuals."""
        m = self._factor.shape[1]
        rest = rest.astype(np.float32)
        found: list[tuple[float, Term]] = []
        if self.singles:
            gain = ((rest.T @ self._single) ** 2).sum(axis=0) / self._single_size
            found += [(float(gain[k]), self.singles[k]) for k in np.argsort(-gain)[:most]]
        gain = np.zeros((m, m))
        for column in rest.T:
            gain += ((self._factor * column[:, None]).T @ self._factor) ** 2
        gain /= self._pair_size
        gain = np.where(self._fits, gain, 0.0).ravel()
        for k in np.argsort(-gain)[:most]:
            if gain[k] > 0:
                found.append((float(gain[k]), (self.factors[k // m], self.factors[k % m])))
        return [term for _, term in sorted(found, key=lambda pair: -pair[0])[:most]]


def _step(x: np.ndarray, feature: int, cut: float) -> Factor:
    return replace(Factor(feature), cut=cut, share=float((x[:, feature] > np.float32(cut)).mean()))


def _size(total: FloatArray, squares: FloatArray, n: int) -> FloatArray:
    """Sum of squares about the mean."""
    return np.maximum(squares - total**2 / n, 1e-9 * np.maximum(squares, 1e-300))
