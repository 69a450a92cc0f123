"""locum's two-sample test and usefulness beside two independent implementations, on the same files of Adult.

    python -m benchmarks.judges [--repeats N] [--who NAME ...] [--keep FOLDER]

Stand-ins: the tree synthesizer, independent columns, and SDV's Gaussian copula. Judges: what `locum
evaluate` calls; `benchmarks.evaluator`, which shares LightGBM with it but no code; and scikit-learn's
histogram boosting with the same settings, which shares nothing. Every repeat takes four fifths of the
synthetic rows and shuffles all of them, so that models, folds and seeds differ; differences between judges
are told with their standard error over repeats.
"""

from __future__ import annotations

import argparse
import math
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from benchmarks import evaluator
from benchmarks.generate import control, kept, run_peer
from benchmarks.tables import adult
from benchmarks.values import Table, read, tidy
from locum.data.canonical import canonical
from locum.data.detect import detect
from locum.data.read import read as read_table
from locum.evaluation.metrics.twosample import c2st
from locum.evaluation.metrics.utility import utility
from locum.evaluation.trial import Trial

MINUTES, SHARE = 10.0, 0.8
WHO = ("locum", "independent", "sdv_gc")
JUDGES = ("locum", "evaluator", "scikit-learn")
Scores = dict[str, tuple[float, float]]


def main() -> None:
    """Measure and print one row a stand-in and measure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.judges")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--keep", type=Path, help="folder for the synthetic tables, to use them again")
    parser.add_argument("--who", nargs="+", default=WHO, choices=WHO)
    options = parser.parse_args()
    table = adult()
    print(
        "| stand-in | measure | locum | evaluator | scikit-learn | evaluator - locum | scikit-learn - locum |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as place:
        for name, path in stand_ins(table, options.who, options.keep or Path(place)):
            found = [scores(table, read(path), seed) for seed in range(options.repeats)]
            for k, measure in enumerate(("c2st", "tstr")):
                values = {who: np.array([f[who][k] for f in found]) for who in JUDGES}
                print(f"| {name} | {measure} | {' | '.join(told(values))} |", flush=True)


def stand_ins(table: Table, chosen: Sequence[str], folder: Path) -> Iterator[tuple[str, Path]]:
    """Synthetic tables as files, made if they are not there."""
    for who in chosen:
        path = kept(folder, table, who, 0)
        if not path.exists() and who == "independent":
            control(table, who, 0)[1].to_csv(path, index=False)
        elif not path.exists():
            done = run_peer(table, who, 0, minutes=MINUTES, quick=False, keep=folder, install=True)
            if done["status"] != "ok":
                print(f"{who}: {done['status']}, {done['reason']}")
                continue
        yield who, path


def scores(table: Table, fake: pd.DataFrame, seed: int) -> Scores:
    """C2ST and TSTR by every judge, on rows in an order of this seed."""
    rng = np.random.default_rng(seed)
    train, holdout, fake = (
        frame.iloc[rng.permutation(len(frame))[: int(share * len(frame))]].reset_index(drop=True)
        for frame, share in ((table.train, 1), (table.holdout, 1), (fake, SHARE))
    )
    shuffled = Table(table.name, train, holdout, table.categorical, table.target)
    sides = [tidy(frame, table) for frame in (train, holdout, fake)]
    return {
        "locum": by_locum(shuffled, fake, seed),
        "evaluator": (
            float(evaluator.two_sample(shuffled, *sides)["c2st"]),
            evaluator.utility(shuffled, sides[2], sides[1]),
        ),
        "scikit-learn": by_sklearn(shuffled, *sides, seed),
    }


def by_locum(table: Table, fake: pd.DataFrame, seed: int) -> tuple[float, float]:
    """What `locum evaluate` says of the same files."""
    with tempfile.TemporaryDirectory() as folder:
        raws = []
        for name, frame in (("train", table.train), ("fake", fake), ("holdout", table.holdout)):
            path = Path(folder) / f"{name}.csv"
            frame.to_csv(path, index=False)
            raws.append(read_table(path))
    schema = detect(raws[0])
    trial = Trial(schema, *(canonical(r, schema) for r in raws), seed=seed, target=table.target)
    results = {r.name: r.value for r in [*c2st(trial), *utility(trial)]}
    return results["c2st"], results["utility.tstr"]


def by_sklearn(table: Table, train: object, holdout: object, fake: object, seed: int) -> tuple[float, float]:
    """The same definitions in scikit-learn: three folds out of fold, and learned on synthetic rows."""
    levels = evaluator.known_levels(table, train, holdout)
    n = min(len(table.holdout), len(next(iter(fake.values()))))
    x = np.concatenate([evaluator.features(table, levels, c)[:n] for c in (holdout, fake)])
    y = np.repeat([0, 1], n)
    folds = StratifiedKFold(3, shuffle=True, random_state=seed)
    guess = cross_val_predict(forest(table, seed, ""), x, y, cv=folds, method="predict_proba")
    hidden = table.target
    learn, test = (evaluator.features(table, levels, c, without=hidden) for c in (fake, holdout))
    last = levels[hidden][-1]
    model = forest(table, seed, hidden).fit(learn, fake[hidden] == last)
    useful = roc_auc_score(holdout[hidden] == last, model.predict_proba(test)[:, 1])
    return float(roc_auc_score(y, guess[:, 1])), float(useful)


def forest(table: Table, seed: int, without: str) -> HistGradientBoostingClassifier:
    """LightGBM's defaults: 100 trees of 31 leaves, no early stop."""
    places = evaluator.label_places(table, without=without)
    return HistGradientBoostingClassifier(
        max_iter=100, max_leaf_nodes=31, early_stopping=False, categorical_features=places, random_state=seed
    )


def told(values: dict[str, np.ndarray]) -> list[str]:
    """Means, then differences to locum with their standard errors over repeats."""
    ours = values["locum"]
    cells = [f"{values[who].mean():.4f}" for who in JUDGES]
    for who in JUDGES[1:]:
        gap = values[who] - ours
        cells.append(f"{gap.mean():+.4f} ± {gap.std(ddof=1) / math.sqrt(len(gap)):.4f}")
    return cells


if __name__ == "__main__":
    main()
