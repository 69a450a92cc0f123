"""Products of features, bends and steps that an equation needs beside its linear part, found one by one."""

from __future__ import annotations

import numpy as np

from locum.arrays import FloatArray, IntArray
from locum.control.impute.predictors import Predictors

#: One or two columns of the matrix of predictors: itself, or the product of both.
Term = tuple[int, ...]

#: Chance that a table without any such term is given one, and the most terms per column.
ALPHA, MOST = 0.05, 12
#: Rows that terms are looked for in, at most; rows for each feature, at least; candidates looked at closely.
ROWS, THIN, CLOSE = 3_000, 3, 24
#: Rows that a product must rest on.
SUPPORT = 8.0


def term_features(x: np.ndarray, terms: tuple[Term, ...]) -> FloatArray:
    """What each term is in each row of the matrix of predictors; shape (n, n_terms)."""
    columns = [x[:, t[0]].astype(np.float64) * (x[:, t[1]] if len(t) == 2 else 1.0) for t in terms]
    return np.column_stack(columns) if columns else np.zeros((len(x), 0))


def find_terms(predictors: Predictors, j: int, rows: IntArray, y: FloatArray) -> tuple[Term, ...]:
    """Terms that the equation of a column needs, the most telling first.

    Forward selection by score tests: of all products of two features, squares, normal scores and steps at
    the median, the one that explains most of what is left enters if chance would explain as much in `ALPHA`
    of tables (Bonferroni); and so on.

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
    Cost: n times the square of the number of features for each term found.
    """
    from scipy.stats import chi2

    base = predictors.linear(j)
    n = len(rows)
    if n < THIN * (len(base) + 1) or n < 20:
        return ()
    x = predictors.x[rows].astype(np.float64)
    basis = np.linalg.qr(np.column_stack([np.ones(n), x[:, base]]))[0]
    rest, rank = _whitened(y - basis @ (basis.T @ y))
    pairs = _Candidates(predictors, j, x)
    if not rank or not pairs.number:
        return ()
    least = float(chi2.isf(ALPHA / pairs.number, rank))
    found: list[Term] = []
    while len(found) < min(MOST, n // 15):
        close = pairs.nearest(rest, CLOSE)
        close = [t for t in close if t not in found]
        if not close:
            break
        features = term_features(x, tuple(close))
        centred = features - features.mean(axis=0)
        own = centred - basis @ (basis.T @ centred)
        size = (own**2).sum(axis=0)
        good = (size > 1e-6 * (centred**2).sum(axis=0)) & (size**2 > SUPPORT * (own**4).sum(axis=0))
        gain = np.where(good, ((rest.T @ own) ** 2).sum(axis=0) / np.maximum(size, 1e-300), 0.0)
        best = int(gain.argmax())
        if gain[best] < least:
            break
        found.append(close[best])
        new = own[:, best] / np.sqrt(size[best])
        basis = np.column_stack([basis, new])
        rest, rank = _whitened(rest - new[:, None] * (new @ rest))
    return tuple(found)


def _whitened(rest: FloatArray) -> tuple[FloatArray, int]:
    """Residuals turned and scaled so that they are uncorrelated with variance 1, and how many there are."""
    value, turn = np.linalg.eigh(rest.T @ rest / len(rest))
    keep = value > 1e-9 * max(float(value[-1]), 1e-300)
    return rest @ (turn[:, keep] / np.sqrt(value[keep])), int(keep.sum()) if value[-1] > 1e-12 else 0


class _Candidates:
    """All terms that may enter, and which of them go with given residuals."""

    def __init__(self, predictors: Predictors, j: int, x: FloatArray) -> None:
        other = predictors.owner != j
        self.x = x
        self.single = np.flatnonzero(other & ~predictors.base)
        score = np.zeros(len(other), dtype=np.bool_)
        for coding in predictors.codings:
            if coding.cells is None:
                score[coding.place.start + 1] = True
        self.factor = np.flatnonzero(other & ~score)
        self.owner, self.base = predictors.owner, predictors.base
        self.square = x[:, self.factor] ** 2
        self.number = len(self.single) + len(self.factor) * (len(self.factor) + 1) // 2

    def nearest(self, rest: FloatArray, most: int) -> list[Term]:
        """The terms that correlate most with the residuals."""
        terms: list[Term] = []
        gains: list[FloatArray] = []

        def add(gain: FloatArray, named: list[Term]) -> None:
            top = np.argsort(-gain)[:most]
            gains.append(gain[top])
            terms.extend(named[k] for k in top)

        if len(self.single):
            own = self.x[:, self.single]
            add(
                ((rest.T @ own) ** 2).sum(axis=0) / _size(own.sum(axis=0), (own**2).sum(axis=0), len(own)),
                [(int(k),) for k in self.single],
            )
        for place, i in enumerate(self.factor):
            with_ = self.factor[place:]
            fits = (self.owner[with_] != self.owner[i]) | ((with_ == i) & self.base[i])
            if not fits.any():
                continue
            right, lead = self.x[:, with_], self.x[:, i]
            along = (rest * lead[:, None]).T @ right
            size = _size(lead @ right, (lead**2) @ self.square[:, place:], len(lead))
            add(np.where(fits, (along**2).sum(axis=0) / size, -1.0), [(int(i), int(k)) for k in with_])
        gain = np.concatenate(gains) if gains else np.zeros(0)
        return [terms[k] for k in np.argsort(-gain)[:most] if gain[k] > 0]


def _size(total: FloatArray, squares: FloatArray, n: int) -> FloatArray:
    """Sum of squares about the mean."""
    return np.maximum(squares - total**2 / n, 1e-9 * np.maximum(squares, 1e-300))
