"""Fairness of plain models on real rows: the baselines that locum's parities must reproduce.

    python -m benchmarks.fairness

Adult (sex), COMPAS (African-American against Caucasian) and German credit (sex), 70/30 splits;
scikit-learn's histogram boosting as the reference and LightGBM as locum uses it. Published figures:
demographic parity and equalised odds differences measured once for this project on one split.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import OrdinalEncoder

from benchmarks.tables import file
from locum.evaluation.intervals import bootstrap_statistic, middle
from locum.evaluation.learn.boosting import grow
from locum.evaluation.metrics.fairness.rates import PARITIES, count

#: Random splits that are averaged: one alone moves a difference by as much as its interval.
SPLITS = 5
SHOWN = ("demographic_parity", "equalized_odds")
#: Table, protected column, base-rate gap, demographic parity and equalised odds differences as published.
PUBLISHED = {
    "adult": ("sex", 0.195, 0.181, 0.100),
    "compas": ("race", 0.132, 0.246, 0.265),
    "german": ("sex", 0.075, 0.102, 0.095),
}


def table(name: str) -> tuple[pd.DataFrame, pd.Series, pd.Series]:
    """Features, label (0, 1) and protected column of a set."""
    if name == "adult":
        frame = pd.concat([file("adult_train.csv"), file("adult_holdout.csv")], ignore_index=True)
        y = frame.pop("income").str.contains(">50K")
    elif name == "compas":
        frame = file("compas.csv")
        frame = frame[frame["race"].isin(["African-American", "Caucasian"])].reset_index(drop=True)
        y = frame.pop("two_year_recid") == 1
        # What was decided or known only afterwards is no feature.
        frame = frame.drop(columns=["is_recid", "decile_score", "score_text", "days_b_screening_arrest"])
    else:
        frame = file("german_credit.csv")
        y = frame.pop("class-label") == 1
    return frame, y.astype(int), frame[PUBLISHED[name][0]]


def main() -> None:
    """Print one row a set and model."""
    print("| set | model | base-rate gap | demographic parity | equalised odds | published |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, (_, gap, dp, eo) in PUBLISHED.items():
        frame, y, group = table(name)
        labels = [c for c in frame if not pd.api.types.is_numeric_dtype(frame[c])]
        x = frame.copy()
        x[labels] = OrdinalEncoder().fit_transform(frame[labels])
        matrix = x.to_numpy(dtype=np.float64)
        codes = pd.factorize(group)[0].astype(np.int32)
        at = [list(frame).index(c) for c in labels]
        base = np.ptp([y[codes == g].mean() for g in range(codes.max() + 1)])
        found: dict[str, list[list[tuple[float, float, float]]]] = {"scikit-learn": [], "locum": []}
        for seed in range(SPLITS):
            train, test = train_test_split(np.arange(len(y)), test_size=0.3, random_state=seed)
            truth = y.to_numpy(dtype=np.float64)
            forest = HistGradientBoostingClassifier(random_state=0, categorical_features=at or None)
            forest.fit(matrix[train], truth[train].astype(int))
            ours = grow(matrix[train], truth[train], "binary", categorical=at, seed=0)
            scores = {
                "scikit-learn": forest.predict_proba(matrix[test])[:, 1],
                "locum": ours.predict(matrix[test]),
            }
            for who, score in scores.items():
                found[who].append([interval(codes[test], truth[test], score, p) for p in SHOWN])
        for who, values in found.items():
            cells = []
            for k in range(len(SHOWN)):
                mean, low, high = np.mean([v[k] for v in values], axis=0)
                cells.append(f"{mean:.3f} ({low:.3f} to {high:.3f})")
            print(f"| {name} | {who} | {base:.3f} ({gap}) | {' | '.join(cells)} | {dp} / {eo} |")


def interval(
    codes: np.ndarray, truth: np.ndarray, score: np.ndarray, parity: str
) -> tuple[float, float, float]:
    """One parity with its bootstrap interval over the test rows."""
    g = int(codes.max()) + 1

    def of(weight: np.ndarray) -> np.ndarray:
        return np.array(PARITIES[parity](count(codes, g, truth, score, weight)))

    value = float(of(np.ones(len(truth))))
    return value, *middle(bootstrap_statistic(len(truth), np.random.default_rng(0), of), value)


if __name__ == "__main__":
    main()
