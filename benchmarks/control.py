"""Imputation against scikit-learn: error of masked cells, and whether the completed table can be told apart.

    python -m benchmarks.control adult_train.csv [--rows 10000] [--share 0.3] [--synthesizer tree-fast]

Cells are masked at random given the first column (more where it is above its median), which stays complete,
as does the last one. scikit-learn gets labels as numbers or indicators, on standardised columns, brought back
to labels; this is on its clock as our own coding is on ours. Both begin with a table in memory. Lower is
better; C2ST is the AUC of LightGBM that tells the completed rows from the true ones on held-out rows (0.5:
cannot).
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


def rivals(skip: list[str]) -> dict:
    """Imputers of scikit-learn with their defaults, and IterativeImputer with stronger estimators."""
    from sklearn.ensemble import ExtraTreesRegressor
    from sklearn.experimental import enable_iterative_imputer  # noqa: F401
    from sklearn.impute import IterativeImputer, KNNImputer, SimpleImputer
    from sklearn.neighbors import KNeighborsRegressor

    trees = ExtraTreesRegressor(n_estimators=10, random_state=0)
    found = {
        "mean / mode": SimpleImputer(strategy="most_frequent"),
        "IterativeImputer": IterativeImputer(random_state=0),
        "IterativeImputer posterior": IterativeImputer(random_state=0, sample_posterior=True),
        "IterativeImputer ExtraTrees": IterativeImputer(trees, max_iter=3, random_state=0),
        "IterativeImputer neighbours": IterativeImputer(KNeighborsRegressor(15), max_iter=3, random_state=0),
        "KNNImputer": KNNImputer(),
    }
    return {name: imputer for name, imputer in found.items() if name not in skip}


def by_rival(imputer: object, frame: object, text: list[str], hot: bool) -> tuple[np.ndarray, float]:
    """A pandas frame filled by scikit-learn as numbers, labels by their order; and CPU seconds.

    The clock covers what a user must do: labels to numbers (or, with `hot`, indicators), scaling, filling,
    and back to labels (the largest indicator).
    """
    from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

    number = [c for c in frame.columns if c not in text]
    start = time.process_time()
    codes = OrdinalEncoder().fit_transform(frame[text])
    x, sizes = codes, [1] * len(text)
    if hot:
        wide = OneHotEncoder(sparse_output=False, handle_unknown="ignore")
        parts = []
        for j in range(len(text)):
            seen = ~np.isnan(codes[:, j])
            part = wide.fit(codes[seen, j : j + 1]).transform(np.nan_to_num(codes[:, j : j + 1], nan=-1))
            part[~seen] = np.nan
            parts.append(part)
        x, sizes = np.hstack(parts), [p.shape[1] for p in parts]
    x = np.hstack([x, frame[number].to_numpy(float)])
    centre, scale = np.nanmean(x, 0), np.nanstd(x, 0) + 1e-12
    full = imputer.fit_transform((x - centre) / scale) * scale + centre
    at, columns = 0, {}
    for j, size in enumerate(sizes):
        part, at = full[:, at : at + size], at + size
        top = np.nanmax(codes[:, j])
        columns[text[j]] = part.argmax(1) if hot else np.clip(np.rint(part[:, 0]), 0, top)
    columns |= {name: full[:, at + j] for j, name in enumerate(number)}
    done = np.column_stack([columns[c] for c in frame.columns])
    return done, time.process_time() - start


def main() -> None:
    """Mask, fill in several ways, print a table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--share", type=float, default=0.3)
    parser.add_argument("--synthesizer", default="tree-fast")
    parser.add_argument("--skip", default="", help="names of rivals, parted by commas")
    parser.add_argument("--seed", type=int, default=0, help="of rows and mask")
    options = parser.parse_args()
    from locum.control.impute.with_model import impute
    from locum.control.impute.without_model import complete
    from locum.data.canonical import canonical
    from locum.data.detect import detect
    from locum.data.read import read
    from locum.synthesizer.table import Synthesizer

    raw = read(options.data)
    schema = detect(raw)
    rng = np.random.default_rng(options.seed)
    table = canonical(raw, schema)
    table = table.take(np.sort(rng.permutation(table.num_rows)[: options.rows]))
    holed, where = mask(table, options.share, rng)
    true, levels = numbers(table, table)
    holes = [where.get(n) for n in table.column_names]
    print(f"{options.data}: {table.num_rows} rows, {sum(h.sum() for h in where.values()):,} cells masked")

    def tell(name: str, done: np.ndarray, cpu: float) -> None:
        done = np.where(np.isnan(true), np.nan, done)
        a, b, c = error(done, true, holes, levels)
        auc = told_apart(done, true, 1)
        line = f"numbers {a:.4f} labels {b:.4f} all {c:.4f} C2ST {auc:.4f} cpu {cpu:7.2f}"
        print(f"  {name:36} {line}", flush=True)

    # Imports are nobody's cost: scipy's and the linear algebra's first calls.
    complete(holed.slice(0, 200), schema)
    for method in ("best", "draw"):
        start = time.process_time()
        done = complete(holed, schema, method=method, seed=1).table
        tell(f"locum impute, {method}", numbers(done, table)[0], time.process_time() - start)
    for kind in filter(None, options.synthesizer.split(",")):
        start = time.process_time()
        synth = Synthesizer(kind, seed=1).fit_table(holed, schema)
        fit = time.process_time() - start
        for method in ("best", "draw"):
            start = time.process_time()
            done = impute(synth, holed, method=method, seed=1).table
            cpu = fit + time.process_time() - start
            tell(f"locum impute --model {kind}, {method}", numbers(done, table)[0], cpu)
    skip = options.skip.split(",")
    frame = holed.to_pandas()
    text = [name for name, known in zip(table.column_names, levels, strict=True) if known is not None]
    for name in text:
        values = holed.column(name).to_pylist()
        frame[name] = np.array([np.nan if v is None else str(v) for v in values], dtype=object)
    x, _ = numbers(holed, table)
    for name, imputer in rivals(skip).items():
        for hot in (False, True) if name in ("IterativeImputer", "KNNImputer") else (False,):
            title = name + (" (indicators)" if hot else "")
            if title in skip:
                continue
            done, cpu = by_rival(imputer, frame, text, hot)
            tell(title, np.where(np.isnan(x), done, x), cpu)


if __name__ == "__main__":
    main()
