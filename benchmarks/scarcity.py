"""Whether generated rows help a model when there are few real ones: test AUC on untouched real rows.

    python -m benchmarks.scarcity adult_train.csv income --test adult_holdout.csv [--draws 10]

Each draw takes n real rows; generators see these only. Judge: LightGBM (leaves of 5 rows up on fewer than 500
rows, 20 otherwise) on the n rows (``real``), on as many repeats of them as are generated (``repeated``, the
noise floor), on 1,000 generated rows, or on both. Gains are paired by draw; intervals are Student's.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa

ROWS, SIZES = 1_000, (50, 100, 200)
STUDENT = {4: 3.182, 5: 2.776, 6: 2.571, 8: 2.365, 10: 2.262, 12: 2.201, 15: 2.145, 20: 2.093}


class Judge:
    """Tables as matrices, and the area under the ROC curve of trees trained on them."""

    def __init__(self, schema, target, test):
        from locum.evidence.views import FeatureView

        self.schema, self.target = schema, target
        columns = [c for c in schema if not c.regenerated and c.name != target]
        self.view = FeatureView.learn(columns, test)
        levels = test.column(target).value_counts().to_pylist()
        self.positive = min(levels, key=lambda v: v["counts"])["values"]
        self.test = self.view.matrix(test), self.label(test)

    def label(self, table):
        """1 for the rarer class, else 0."""
        return np.array([v == self.positive for v in table.column(self.target).to_pylist()], dtype=float)

    def auc(self, x, y, seed):
        """Area under the ROC curve on the test rows."""
        from locum.evidence.boosting import grow
        from locum.metrics.scores import weighted_auc

        leaf = 5 if len(y) < 500 else 20
        forest = grow(x, y, "binary", categorical=self.view.categorical, seed=seed, leaf=leaf)
        area = weighted_auc(self.test[1] == 1, forest.predict(self.test[0]))
        return area(np.ones(len(self.test[1])))

    def smote(self, x, y, seed):
        """Interpolated rows of both classes in their shares."""
        from locum.control.scarce.smote import smote

        text = list(self.view.categorical)
        number = [j for j in range(x.shape[1]) if j not in text]
        mean = np.nan_to_num(np.nanmean(x[:, number], axis=0))
        scale = np.nanstd(x[:, number], axis=0)
        scale[~(scale > 0)] = 1.0
        z = np.where(np.isnan(x[:, number]), 0.0, (x[:, number] - mean) / scale)
        labels = np.nan_to_num(x[:, text], nan=-1).astype(np.int64) + 1
        out_x, out_y = [], []
        for k in (0.0, 1.0):
            mine = y == k
            if mine.any():
                a, b = smote(z[mine], labels[mine], round(ROWS * mine.mean()), seed=seed)
                new = np.empty((len(a), x.shape[1]))
                new[:, number], new[:, text] = a * scale + mean, b - 1.0
                new[:, text] = np.where(new[:, text] < 0, np.nan, new[:, text])
                out_x.append(new)
                out_y.append(np.full(len(a), k))
        return np.vstack(out_x), np.concatenate(out_y)


def one(judge, table, schema, seed, generators):
    """Test AUC of every way to use the rows of one draw."""
    from locum.control.scarce.curate import curate
    from locum.synthesizers.synthesizer import Synthesizer

    x, y = judge.view.matrix(table), judge.label(table)
    again = np.random.default_rng(seed).integers(len(y), size=ROWS)
    out = {
        "real": judge.auc(x, y, seed),
        "real + repeated": judge.auc(np.vstack([x, x[again]]), np.r_[y, y[again]], seed),
    }
    a, b = judge.smote(x, y, seed)
    made = {"smote": (a, b)}
    for name in generators:
        rows = Synthesizer(name, seed=seed).fit_table(table, schema).sample_table(ROWS, seed=seed)
        made[name] = judge.view.matrix(rows), judge.label(rows)
        kept = curate(table, rows, schema, judge.target, seed=seed).table
        made[f"{name}, curated"] = judge.view.matrix(kept), judge.label(kept)
    for name, (u, v) in made.items():
        out[name] = judge.auc(u, v, seed)
        out[f"real + {name}"] = judge.auc(np.vstack([x, u]), np.r_[y, v], seed)
    return out


def main() -> None:
    """Run, print a table, write JSON where asked."""
    from locum.data.canonical import canonical
    from locum.data.detect import detect
    from locum.data.read import read

    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    parser.add_argument("target")
    parser.add_argument("--test")
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--generators", default="few-shot,tree")
    parser.add_argument("--out")
    args = parser.parse_args()
    raw = read(args.data)
    schema = replace(detect(raw), target=args.target)
    table = canonical(raw, schema)
    if args.test:
        test = canonical(read(args.test), schema)
    else:
        order = np.random.default_rng(0).permutation(table.num_rows)
        cut = table.num_rows // 2
        table, test = table.take(pa.array(order[:cut])), table.take(pa.array(order[cut:]))
    judge, found = Judge(schema, args.target, test.slice(0, 6000)), {}
    for n in SIZES:
        draws = []
        for seed in range(args.draws):
            pick = np.random.default_rng([seed, n]).permutation(table.num_rows)[:n]
            few = table.take(pa.array(pick)).combine_chunks()
            draws.append(one(judge, few, schema, seed, args.generators.split(",")))
        t = STUDENT.get(args.draws, 2.3)
        for name in draws[0]:
            values = np.array([d[name] for d in draws])
            gain = values - np.array([d["real"] for d in draws])
            half = t * gain.std(ddof=1) / len(gain) ** 0.5
            verdict = "helps" if gain.mean() > half else "harms" if gain.mean() < -half else "no evidence"
            found[f"{n} {name}"] = [values.mean(), gain.mean(), half, verdict]
            row = f"{n:4d} {name:26s} AUC {values.mean():.3f}  gain {gain.mean():+.3f} +- {half:.3f}"
            print(f"{row}  {'' if name == 'real' else verdict}", flush=True)
    if args.out:
        Path(args.out).write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
