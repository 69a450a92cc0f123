"""Imputation against scikit-learn: error of masked cells, and whether the completed table can be told apart.

    python -m benchmarks.control adult_train.csv [--rows 10000] [--share 0.3] [--synthesizer tree-fast]

Cells are masked at random given the first column (more where it is above its median), which stays complete,
as does the last one. scikit-learn gets labels as numbers, IterativeImputer and KNNImputer with their defaults
on standardised columns, rounded back to labels. Lower is better; C2ST is the AUC of LightGBM that tells
the completed rows from the true ones on held-out rows (0.5: cannot).
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def mask(table: pa.Table, share: float, rng: np.random.Generator) -> tuple[pa.Table, dict[str, np.ndarray]]:
    """The table with cells missing at random given its first column, and where."""
    lead = table.column(0)
    rank = np.argsort(np.argsort(np.asarray(lead.combine_chunks().dictionary_encode().indices))) / len(lead)
    chance = share * (0.4 + 1.2 * (rank > 0.5))
    holes, out = {}, table
    for i, name in enumerate(table.column_names[1:-1], 1):
        hole = (rng.random(len(lead)) < chance) & ~np.asarray(table.column(name).is_null())
        holes[name] = hole
        out = out.set_column(i, table.schema.field(i), pc.if_else(pa.array(hole), None, table.column(i)))
    return out, holes


def numbers(table: pa.Table, like: pa.Table) -> tuple[np.ndarray, list[list[str] | None]]:
    """Numbers of a table, labels by the order of `like`; NaN where missing."""
    columns, levels = [], []
    for name in table.column_names:
        values = table.column(name).combine_chunks()
        if pa.types.is_string(values.type) or pa.types.is_boolean(values.type):
            known = sorted(str(v) for v in pc.unique(like.column(name)).drop_null().to_pylist())
            at = {v: i for i, v in enumerate(known)}
            codes = [np.nan if v is None else at.get(str(v), np.nan) for v in values.to_pylist()]
            columns.append(np.array(codes))
            levels.append(known)
        else:
            columns.append(np.array(values.cast(pa.float64()).to_numpy(zero_copy_only=False)))
            levels.append(None)
    return np.column_stack(columns).astype(float), levels


def error(
    done: np.ndarray, true: np.ndarray, holes: list[np.ndarray], levels: list
) -> tuple[float, float, float]:
    """Mean over columns of NRMSE (numbers) and of the rate of wrong labels; and the mean of all columns."""
    root, wrong = [], []
    for j, hole in enumerate(holes):
        if hole is None or not hole.any():
            continue
        if levels[j] is None:
            off = np.sqrt(np.nanmean((done[hole, j] - true[hole, j]) ** 2))
            root.append(float(off / np.nanstd(true[:, j])))
        else:
            wrong.append(float((np.rint(done[hole, j]) != true[hole, j]).mean()))
    return float(np.mean(root or [np.nan])), float(np.mean(wrong or [np.nan])), float(np.mean(root + wrong))


def told_apart(done: np.ndarray, true: np.ndarray, seed: int) -> float:
    """AUC on held-out halves: one half of the rows completed, the other half true."""
    import lightgbm
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(seed)
    half = rng.random(len(true)) < 0.5
    x, y = np.vstack([done[half], true[~half]]), np.r_[np.ones(half.sum()), np.zeros((~half).sum())]
    held = rng.random(len(x)) < 0.3
    settings = {"objective": "binary", "num_threads": 1, "verbose": -1, "seed": seed, "learning_rate": 0.1}
    model = lightgbm.train(settings, lightgbm.Dataset(x[~held], y[~held]), 150)
    return float(roc_auc_score(y[held], model.predict(x[held], num_threads=1)))


def main() -> None:
    """Mask, fill in five ways, print a table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--share", type=float, default=0.3)
    parser.add_argument("--synthesizer", default="tree-fast")
    parser.add_argument("--skip", default="")
    options = parser.parse_args()
    from sklearn.experimental import enable_iterative_imputer  # noqa: F401
    from sklearn.impute import IterativeImputer, KNNImputer, SimpleImputer

    from locum.control.imputation import impute, impute_table
    from locum.data.canonical import canonical
    from locum.data.detect import detect
    from locum.data.read import read
    from locum.synthesizers.synthesizer import Synthesizer

    raw = read(options.data)
    schema = detect(raw)
    rng = np.random.default_rng(0)
    table = canonical(raw, schema)
    table = table.take(np.sort(rng.permutation(table.num_rows)[: options.rows]))
    holed, where = mask(table, options.share, rng)
    true, levels = numbers(table, table)
    holes = [where.get(n) for n in table.column_names]
    print(f"{options.data}: {table.num_rows} rows, {sum(h.sum() for h in where.values()):,} cells masked")

    def tell(name: str, done: np.ndarray, cpu: float) -> None:
        a, b, c = error(done, true, holes, levels)
        auc = told_apart(done, true, 1)
        line = f"numbers {a:.4f} labels {b:.4f} all {c:.4f} C2ST {auc:.4f} cpu {cpu:7.1f}"
        print(f"  {name:28} {line}", flush=True)

    for kind in options.synthesizer.split(","):
        start = time.process_time()
        synth = Synthesizer(kind, seed=1).fit_table(holed, schema)
        fit = time.process_time() - start
        for method in ("draw", "best"):
            start = time.process_time()
            done = impute(synth, holed, method=method, seed=1).table
            tell(f"locum {kind} {method}", numbers(done, table)[0], fit + time.process_time() - start)
    for method in ("draw", "best"):
        start = time.process_time()
        done = impute_table(holed, schema, method=method, seed=1)
        tell(f"locum two rounds, {method}", numbers(done, table)[0], time.process_time() - start)
    x, _ = numbers(holed, table)
    centre, scale = np.nanmean(x, 0), np.nanstd(x, 0) + 1e-12
    rivals = {
        "mean / mode": SimpleImputer(strategy="most_frequent"),
        "IterativeImputer": IterativeImputer(random_state=0),
        "IterativeImputer posterior": IterativeImputer(random_state=0, sample_posterior=True),
        "KNNImputer": KNNImputer(),
    }
    for name, imputer in rivals.items():
        if name in options.skip.split(","):
            continue
        start = time.process_time()
        done = imputer.fit_transform((x - centre) / scale) * scale + centre
        cpu = time.process_time() - start
        for j, known in enumerate(levels):
            if known is not None:
                done[:, j] = np.clip(np.rint(done[:, j]), 0, len(known) - 1)
        done = np.where(np.isnan(x), done, x)
        done[np.isnan(true)] = np.nan
        tell(name, done, cpu)


if __name__ == "__main__":
    main()
