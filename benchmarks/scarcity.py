"""Whether generated rows help a model when there are few real ones: test AUC on untouched real rows.

    python -m benchmarks.scarcity adult_train.csv income --test adult_holdout.csv [--draws 10]

Each draw takes n real rows; generators see these only. Judge: LightGBM (leaves of 5 rows up on fewer than 500
rows, 20 otherwise) on the n rows (``real``), on as many repeats of them as are generated (``repeated``, the
noise floor), on 1,000 generated rows, or on both. Gains are paired by draw, over the real rows and over their
repeats; intervals are Student's; a way helps (harms) when both intervals are above (below) 0. ``smote
(imblearn)`` is SMOTENC of imbalanced-learn, filling both classes. ``amplified``: rows of the rarer class
drawn until both are equal. ``--borrow``: 1,000 rows of another group of the table are at hand as well
(``sex=Male``: own rows are those of others, and the test rows too).
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.stats import t as student

ROWS, SIZES = 1_000, (50, 100, 200)


class Judge:
    """Tables as matrices, and the area under the ROC curve of trees trained on them."""

    def __init__(self, schema, target, test):
        from locum.evaluation.learn.features import FeatureView

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
        from locum.evaluation.learn.boosting import grow
        from locum.evaluation.scores import weighted_auc

        leaf = 5 if len(y) < 500 else 20
        forest = grow(x, y, "binary", categorical=self.view.categorical, seed=seed, leaf=leaf)
        area = weighted_auc(self.test[1] == 1, forest.predict(self.test[0]))
        return area(np.ones(len(self.test[1])))

    def imblearn(self, x, y, seed):
        """Rows that imbalanced-learn adds when asked for `ROWS` more; None where a class is too small."""
        from imblearn.over_sampling import SMOTENC

        text = list(self.view.categorical)
        counts = np.bincount(y.astype(int), minlength=2)
        if counts.min() < 3 or not text or len(text) == x.shape[1]:
            return None
        wanted = {k: int(counts[k] + round(ROWS * counts[k] / len(y))) for k in (0, 1)}
        whole = np.nan_to_num(x, nan=-1.0)
        over = SMOTENC(
            text, sampling_strategy=wanted, k_neighbors=min(5, counts.min() - 1), random_state=seed
        )
        u, v = over.fit_resample(whole, y)
        return u[len(y) :], v[len(y) :]

    def smote(self, x, y, seed):
        """Interpolated rows of both classes in their shares."""
        from locum.models.smote import smote

        scale = np.nanstd(x, axis=0)
        scale[~(scale > 0)] = 1.0
        rng, out_x, out_y = np.random.default_rng(seed), [], []
        for k in (0.0, 1.0):
            mine = y == k
            if mine.any():
                wanted = round(ROWS * mine.mean())
                made = smote(x[mine], wanted, rng, categorical=self.view.categorical, scale=scale)
                out_x.append(made)
                out_y.append(np.full(wanted, k))
        return np.vstack(out_x), np.concatenate(out_y)


def one(judge, table, schema, seed, generators, other=None):
    """Test AUC of every way to use the rows of one draw, and of `other` rows where there are any."""
    from locum.evaluation.curation import curate
    from locum.studies.scarce.borrow import borrow
    from locum.synthesizer.table import Synthesizer

    x, y = judge.view.matrix(table), judge.label(table)
    again = np.random.default_rng(seed).integers(len(y), size=ROWS)
    out = {
        "real": judge.auc(x, y, seed),
        "real + repeated": judge.auc(np.vstack([x, x[again]]), np.r_[y, y[again]], seed),
    }
    a, b = judge.smote(x, y, seed)
    made = {"smote": (a, b)}
    theirs = judge.imblearn(x, y, seed)
    if theirs is not None:
        made["smote (imblearn)"] = theirs
    if other is not None:
        out["real + other rows as they are"] = judge.auc(
            np.vstack([x, judge.view.matrix(other)]), np.r_[y, judge.label(other)], seed
        )
    for name in generators:
        synth = Synthesizer(name, seed=seed).fit_table(table, schema)
        rows = synth.draw(ROWS, seed=seed).table
        short = int(len(y) - 2 * y.sum())
        if short > 0:
            level = str(judge.positive).lower() if isinstance(judge.positive, bool) else f"'{judge.positive}'"
            more = synth.draw(short, where=f'"{judge.target}" = {level}', seed=seed).table
            made[f"{name}, amplified"] = judge.view.matrix(more), judge.label(more)
        if other is not None:
            lent = borrow(table, other, schema, 5 * len(y), seed=seed)
            wide = Synthesizer(name, seed=seed).fit_table(lent.table, lent.schema)
            drawn = wide.draw(ROWS, where="domain = 'own'", seed=seed).table
            made[f"{name}, borrowed"] = judge.view.matrix(drawn), judge.label(drawn)
        made[name] = judge.view.matrix(rows), judge.label(rows)
        kept = curate(table, rows, schema, judge.target, seed=seed).table
        made[f"{name}, curated"] = judge.view.matrix(kept), judge.label(kept)
    for name, (u, v) in made.items():
        if "amplified" not in name:
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
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    parser.add_argument("--borrow", default="", metavar="COLUMN=LEVEL")
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
    other, column = None, args.borrow.partition("=")[0]
    if args.borrow:
        level = pa.scalar(args.borrow.partition("=")[2])
        theirs = pc.equal(table.column(column), level)
        other, table = table.filter(theirs), table.filter(pc.invert(theirs))
        other = other.take(pa.array(np.random.default_rng(1).permutation(other.num_rows)[:ROWS]))
        test = test.filter(pc.invert(pc.equal(test.column(column), level)))
    judge, found = Judge(schema, args.target, test.slice(0, 6000)), {}
    for n in map(int, args.sizes.split(",")):
        draws = []
        for seed in range(args.draws):
            pick = np.random.default_rng([seed, n]).permutation(table.num_rows)[:n]
            few = table.take(pa.array(pick)).combine_chunks()
            draws.append(one(judge, few, schema, seed, args.generators.split(","), other))
        t = float(student.ppf(0.975, args.draws - 1))
        for name in [k for k in draws[0] if all(k in d for d in draws)]:
            values = np.array([d[name] for d in draws])
            gain, floor = (values - np.array([d[k] for d in draws]) for k in ("real", "real + repeated"))
            half, wide = (t * g.std(ddof=1) / len(g) ** 0.5 for g in (gain, floor))
            low = min(gain.mean() - half, floor.mean() - wide)
            high = max(gain.mean() + half, floor.mean() + wide)
            verdict = "helps" if low > 0 else "harms" if high < 0 else "no evidence"
            found[f"{n} {name}"] = [values.mean(), gain.mean(), half, floor.mean(), wide, verdict]
            row = f"{n:4d} {name:30s} AUC {values.mean():.3f}  gain {gain.mean():+.3f} +- {half:.3f}"
            row += f"  over repeats {floor.mean():+.3f} +- {wide:.3f}"
            print(f"{row}  {'' if name == 'real' else verdict}", flush=True)
    if args.out:
        Path(args.out).write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
