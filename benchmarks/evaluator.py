"""How good is a synthetic table? One judge for every generator, sharing no code with locum.

Definitions, all against real rows that no generator has seen unless said otherwise:

- ``tv1, tv2, tv3``: mean total variation distance between *training* rows and synthetic rows over all
  columns, pairs (at most 400) and triples (at most 300). Numbers are cut at the training table's
  20-quantiles, missing and unseen labels are cells of their own. ``floor1..3``: what a fresh real sample of
  that size would score. A value well below its floor is a sign of memorising, not of quality.
- ``c2st``: AUC of LightGBM telling synthetic from hold-out rows, three folds, mean of two draws; one half
  is best.
- ``tstr``: LightGBM learned on synthetic rows, tested on the hold-out: AUC for labels (mean over
  one-against-rest when there are several), R2 for numbers. ``trtr``: the same, learned on the training
  rows.
- ``membership``, ``nearer_train``, ``copies``: see `benchmarks.nearest`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import lightgbm as lgb
import numpy as np
import pandas as pd

from benchmarks.nearest import auc, auc_error, exact_copies, membership, share_nearer_train
from benchmarks.values import Columns, Table, tidy

#: Raised when a definition changes, so that old and new numbers are never set side by side.
VERSION = 1
MOST_PAIRS, MOST_TRIPLES = 400, 300
FLOOR_DRAWS = 4
FOLDS = 3
C2ST_CAP = 50_000  # rows a side
_ROUNDS = 100
# One thread: several of them spin while they wait and make the clock lie on a busy machine.
_SETTINGS = {"verbose": -1, "num_threads": 1, "seed": 0, "deterministic": True, "force_row_wise": True}


def judge(table: Table, synthetic: pd.DataFrame, *, trtr: bool = True) -> dict[str, object]:
    """Every measure of one synthetic table.

    Parameters
    ----------
    table
        The real rows.
    synthetic
        Rows to judge, with at least the table's columns.
    trtr
        Also measure what real training rows reach; it is the same for every generator.

    Returns
    -------
    dict
        Ready for JSON; see the module for the names.

    Raises
    ------
    ValueError
        When the synthetic table cannot be judged at all; the message says why.
    """
    train, holdout, fake = (tidy(frame, table) for frame in (table.train, table.holdout, synthetic))
    scores: dict[str, object] = {"evaluator": VERSION, "rows": len(synthetic)}
    scores |= variations(table, train, holdout, fake)
    scores |= two_sample(table, train, holdout, fake)
    scores["tstr"] = utility(table, fake, holdout)
    if trtr:
        scores["trtr"] = utility(table, train, holdout)
    scores |= membership(table, train, holdout, fake)
    scores |= share_nearer_train(table, train, holdout, fake)
    scores["copies"] = exact_copies(table, train, fake)
    scores["copies_holdout"] = exact_copies(table, train, holdout)
    return scores


# ---------------------------------------------------------------- total variation


def cells(table: Table, train: Columns, columns: Columns) -> tuple[np.ndarray, list[int]]:
    """Rows as cell numbers: (rows x columns, number of cells of each column), by the training table alone."""
    coded, sizes = [], []
    for name in table.columns:
        values = columns[name]
        if name in table.categorical:
            code = {level: i for i, level in enumerate(sorted(set(train[name])))}
            coded.append(np.array([code.get(value, len(code)) for value in values]))
            sizes.append(len(code) + 1)
        else:
            known = train[name][~np.isnan(train[name])]
            edges = np.unique(np.quantile(known, np.linspace(0, 1, 21)[1:-1])) if len(known) else np.empty(0)
            place = np.searchsorted(edges, values, side="right")
            coded.append(np.where(np.isnan(values), len(edges) + 1, place))
            sizes.append(len(edges) + 2)
    return np.stack(coded, axis=1), sizes


def variation(a: np.ndarray, b: np.ndarray, sizes: Sequence[int], ways: int) -> float:
    """Mean total variation distance over column sets of `ways` columns (a fixed draw of them if many)."""
    sets = list(combinations(range(len(sizes)), ways))
    most = {2: MOST_PAIRS, 3: MOST_TRIPLES}.get(ways, len(sets))
    if len(sets) > most:
        sets = [sets[i] for i in np.random.default_rng(0).choice(len(sets), most, replace=False)]
    return float(np.mean([one_variation(a[:, list(s)], b[:, list(s)], [sizes[j] for j in s]) for s in sets]))


def one_variation(a: np.ndarray, b: np.ndarray, sizes: Sequence[int]) -> float:
    """Half the L1 distance between two joint histograms, as relative frequencies."""
    shape = tuple(sizes)
    of_a, of_b = (np.ravel_multi_index(tuple(x.T), shape) for x in (a, b))
    total = int(np.prod(shape))
    if total > 4 * (len(a) + len(b)):
        # Mostly empty: count only the cells that occur.
        cell, both = np.unique(np.concatenate([of_a, of_b]), return_inverse=True)
        of_a, of_b, total = both[: len(a)], both[len(a) :], len(cell)
    p = np.bincount(of_a, minlength=total) / len(a)
    q = np.bincount(of_b, minlength=total) / len(b)
    return float(0.5 * np.abs(p - q).sum())


def variations(table: Table, train: Columns, holdout: Columns, fake: Columns) -> dict[str, float]:
    """The tv1..3 of the synthetic rows and the floors that a fresh real sample of that size would meet."""
    (real, sizes), (unseen, _), (made, _) = (cells(table, train, c) for c in (train, holdout, fake))
    every = np.concatenate([real, unseen])
    alike = 2 / (1 / len(real) + 1 / len(made))
    scores: dict[str, float] = {}
    for ways in (1, 2, 3):
        scores[f"tv{ways}"] = variation(real, made, sizes, ways)
        scores[f"floor{ways}"] = floor(every, sizes, ways, alike)
    return scores


def floor(every: np.ndarray, sizes: Sequence[int], ways: int, rows: float) -> float:
    """Expected variation between two independent real samples of `rows` rows each.

    There are never enough real rows to draw two such samples, so smaller disjoint ones are drawn, of a half
    and of a quarter of all rows, and the trend between them is continued. With well filled cells that is
    the square root of the size; with sparse ones it is flatter, and taking the square root for granted
    would set the floor far too low.
    """
    rng = np.random.default_rng(5)
    half, quarter = len(every) // 2, len(every) // 4
    found = dict.fromkeys((half, quarter), 0.0)
    for _ in range(FLOOR_DRAWS):
        for size in found:
            order = rng.permutation(len(every))
            drawn = variation(every[order[:size]], every[order[size : 2 * size]], sizes, ways)
            found[size] += drawn / FLOOR_DRAWS
    if found[half] == 0:
        return 0.0
    slope = np.log(found[half] / found[quarter]) / np.log(half / quarter)
    return float(min(found[half] * (rows / half) ** np.clip(slope, -0.5, 0.0), 1.0))


# ---------------------------------------------------------------- classifiers


def features(
    table: Table, levels: dict[str, list[str]], columns: Columns, *, without: str = ""
) -> np.ndarray:
    """Float matrix for LightGBM: labels as their place among `levels`, unknown ones as missing."""
    parts = []
    for name in table.columns:
        if name == without:
            continue
        if name in table.categorical:
            code = {level: float(i) for i, level in enumerate(levels[name])}
            parts.append(np.array([code.get(value, np.nan) for value in columns[name]]))
        else:
            parts.append(columns[name])
    return np.stack(parts, axis=1)


def known_levels(table: Table, *real: Columns) -> dict[str, list[str]]:
    """Labels of each categorical column that occur in real rows, in alphabetical order."""
    return {name: sorted(set().union(*(set(c[name]) for c in real))) for name in table.categorical}


def label_places(table: Table, *, without: str = "") -> list[int]:
    """Which feature columns are labels."""
    names = [name for name in table.columns if name != without]
    return [i for i, name in enumerate(names) if name in table.categorical]


def boost(x: np.ndarray, y: np.ndarray, labelled: list[int], objective: str) -> lgb.Booster:
    """LightGBM with its defaults: 100 trees of 31 leaves."""
    data = lgb.Dataset(x, y, categorical_feature=labelled, free_raw_data=False)
    return lgb.train({**_SETTINGS, "objective": objective}, data, _ROUNDS)


def two_sample(table: Table, train: Columns, holdout: Columns, fake: Columns) -> dict[str, object]:
    """Can a classifier tell synthetic rows from hold-out rows? See the module's definition.

    Returns
    -------
    dict
        ``c2st``, ``c2st_se`` and ``gives_away``: the columns with most of the classifier's gain, with shares.
    """
    levels = known_levels(table, train, holdout)
    real, made = (features(table, levels, columns) for columns in (holdout, fake))
    places, n = label_places(table), min(len(real), len(made), C2ST_CAP)
    found, gain = [], np.zeros(len(table.columns))
    for draw in (1, 2):
        rng = np.random.default_rng([draw, 3])
        x = np.concatenate([real[rng.permutation(len(real))[:n]], made[rng.permutation(len(made))[:n]]])
        y = np.repeat([0.0, 1.0], n)
        fold = np.concatenate([rng.permutation(np.arange(n) % FOLDS) for _ in (0, 1)])
        guess = np.zeros(2 * n)
        for k in range(FOLDS):
            model = boost(x[fold != k], y[fold != k], places, "binary")
            guess[fold == k] = model.predict(x[fold == k], num_threads=1)
            gain += model.feature_importance("gain")
        found.append(auc(guess[n:], guess[:n]))
    worst = np.argsort(-gain, kind="stable")[:3]
    shares = {table.columns[i]: round(float(gain[i] / max(gain.sum(), 1e-300)), 2) for i in worst}
    return {"c2st": float(np.mean(found)), "c2st_se": auc_error(n, n), "gives_away": shares}


def utility(table: Table, learned_on: Columns, holdout: Columns) -> float:
    """Predict the target of the hold-out after learning on other rows: AUC for labels, R2 for numbers.

    Edge cases: fewer than two known labels in the rows learned on give 0.5, no usable row of a number gives
    0.
    """
    target = table.target
    levels = known_levels(table, holdout, learned_on)
    x, tested = (features(table, levels, c, without=target) for c in (learned_on, holdout))
    places = label_places(table, without=target)
    if target not in table.categorical:
        return explained(x, learned_on[target], tested, holdout[target], places)
    real = sorted(set(holdout[target]))
    if len(real) == 2:
        real = real[1:]  # one against rest is the same both ways
    found = [
        one_label(x, learned_on[target] == level, tested, holdout[target] == level, places) for level in real
    ]
    return float(np.mean(found))


def one_label(
    x: np.ndarray, y: np.ndarray, tested: np.ndarray, truth: np.ndarray, places: list[int]
) -> float:
    """AUC of one label against the rest."""
    if y.all() or not y.any():
        return 0.5
    guess = np.asarray(boost(x, y.astype(float), places, "binary").predict(tested, num_threads=1))
    return auc(guess[truth], guess[~truth])


def explained(
    x: np.ndarray, y: np.ndarray, tested: np.ndarray, truth: np.ndarray, places: list[int]
) -> float:
    """R2 on rows whose target is known."""
    usable, known = np.isfinite(y), np.isfinite(truth)
    if not usable.any():
        return 0.0
    guess = np.asarray(
        boost(x[usable], y[usable], places, "regression").predict(tested[known], num_threads=1)
    )
    truth = truth[known]
    return float(1 - ((truth - guess) ** 2).sum() / ((truth - truth.mean()) ** 2).sum())
