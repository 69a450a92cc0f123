"""Whether intervals from filled tables hold the truth: ours, and scikit-learn's IterativeImputer.

    python -m benchmarks.imputation [--seeds 40] [--rival-seeds 40] [--truths linear,xor] [--page]

Rows are drawn from a known truth, cells are taken away at random given other columns, the table is completed
five times, analysed five times, and the estimates are combined by Rubin's rules. Reported for each quantity:
how often the 95 % interval holds the true value, with the standard error of that share, and the bias. True
is what the analysis gives on a million complete rows. The rival is scikit-learn's
``IterativeImputer(sample_posterior=True)``; of labels it is given indicators, the largest is the label. Both
begin with a table in memory; CPU seconds are those of five completed tables. ``--page`` writes
``benchmarks/IMPUTATION.md``.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pyarrow as pa

from locum.control.impute.without_model import completions
from locum.evaluation.metrics.inference.combine import combine
from locum.schema.column import Column
from locum.schema.table import Schema

PAGE = Path(__file__).with_name("IMPUTATION.md")
REPEAT, BIG, LABELS = 5, 1_000_000, np.array(["u", "v", "w"], dtype=object)
Rows = dict[str, np.ndarray]


@dataclass(frozen=True)
class Truth:
    """A way to make rows, what is missing of them, and what is asked of them.

    Attributes
    ----------
    sentence
        What it is.
    make
        Complete rows, and which cells are missing.
    asked
        Names of the quantities.
    analyse
        Estimates and squared standard errors, from complete rows. For ``xor`` truths: None, and the share of
        filled cells that agree is reported.
    labels
        Columns that hold labels, as codes.
    """

    sentence: str
    make: Callable[[int, np.random.Generator], tuple[Rows, Rows]]
    asked: tuple[str, ...]
    analyse: Callable[[Rows], tuple[np.ndarray, np.ndarray]] | None
    labels: tuple[str, ...] = ()


def chance(score: np.ndarray) -> np.ndarray:
    """Logistic function."""
    return 1 / (1 + np.exp(-score))


def least_squares(y: np.ndarray, *x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean of y, then the slopes, each with its squared standard error."""
    a = np.column_stack([np.ones(len(y)), *x]).astype(float)
    inverse = np.linalg.inv(a.T @ a)
    slopes = inverse @ (a.T @ y)
    noise = ((y - a @ slopes) ** 2).sum() / (len(y) - a.shape[1])
    return np.r_[y.mean(), slopes[1:]], np.r_[y.var(ddof=1) / len(y), (np.diag(inverse) * noise)[1:]]


def _pair(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    x, z = rng.normal(size=(2, n))
    return x, z, rng.random(n) < chance(x - 0.2)


def _linear(n: int, rng: np.random.Generator) -> tuple[Rows, Rows]:
    x, z, hole = _pair(n, rng)
    return {"x": x, "z": z, "y": 1 + x + z / 2 + rng.normal(size=n)}, {"y": hole}


def _several(n: int, rng: np.random.Generator) -> tuple[Rows, Rows]:
    x, z, _ = _pair(n, rng)
    w = x + rng.normal(size=n)
    rows = {"w": w, "x": x, "z": z, "y": 1 + x + z / 2 + rng.normal(size=n)}
    return rows, {
        "y": rng.random(n) < chance(w - 0.2),
        "z": rng.random(n) < 0.6 * chance(w),
        "x": rng.random(n) < 0.25,
    }


def _skewed(n: int, rng: np.random.Generator) -> tuple[Rows, Rows]:
    x, z, hole = _pair(n, rng)
    return {"x": x, "z": z, "y": 1 + x + z / 2 + rng.exponential(size=n) - 1}, {"y": hole}


def _uneven(n: int, rng: np.random.Generator) -> tuple[Rows, Rows]:
    x, z, hole = _pair(n, rng)
    return {"x": x, "z": z, "y": 1 + x + z / 2 + np.exp(x / 2) * rng.normal(size=n)}, {"y": hole}


def _product(n: int, rng: np.random.Generator) -> tuple[Rows, Rows]:
    x, z, hole = _pair(n, rng)
    return {"x": x, "z": z, "y": 1 + x + z / 2 + x * z + rng.normal(size=n)}, {"y": hole}


def _by_group(n: int, rng: np.random.Generator) -> tuple[Rows, Rows]:
    x, _, hole = _pair(n, rng)
    g = (rng.random(n) < chance(x)).astype(int)
    return {"x": x, "g": g, "y": 1 + x + g - 1.5 * x * g + rng.normal(size=n)}, {"y": hole}


def _step(n: int, rng: np.random.Generator) -> tuple[Rows, Rows]:
    x, z, hole = _pair(n, rng)
    return {"x": x, "z": z, "y": 1 + 2 * (x > 0.5) + z / 2 + rng.normal(size=n)}, {"y": hole}


def _mixed(n: int, rng: np.random.Generator) -> tuple[Rows, Rows]:
    x, z, _ = _pair(n, rng)
    g = rng.choice(3, n, p=[0.5, 0.3, 0.2])
    y = 1 + x + z / 2 + 0.8 * (g == 1) - 0.8 * (g == 2) + rng.exponential(size=n) - 1
    return {"x": x, "z": z, "g": g, "y": y}, {
        "y": rng.random(n) < chance(x - 0.5),
        "g": rng.random(n) < 0.8 * chance(x - 1),
        "z": rng.random(n) < 0.2,
    }


def _label(n: int, rng: np.random.Generator) -> tuple[Rows, Rows]:
    x, z, hole = _pair(n, rng)
    score = np.column_stack([np.zeros(n), x, z - 0.5]) + rng.gumbel(size=(n, 3))
    return {"x": x, "z": z, "g": score.argmax(axis=1)}, {"g": hole}


def _xor(signs: float | None) -> Callable[[int, np.random.Generator], tuple[Rows, Rows]]:
    def make(n: int, rng: np.random.Generator) -> tuple[Rows, Rows]:
        a, b = rng.normal(size=(2, n)) if signs is not None else rng.integers(0, 2, (2, n))
        cut = 0.5 if signs is None else signs
        c = ((a > cut) ^ (b > cut) ^ (rng.random(n) < 0.05)).astype(int)
        return {"a": a, "b": b, "c": c}, {"c": rng.random(n) < 0.4}

    return make


TRUTHS: Mapping[str, Truth] = MappingProxyType(
    {
        "linear": Truth(
            "y = 1 + x + z/2 + e; 46 % of y missing by x",
            _linear,
            ("mean y", "x", "z"),
            lambda r: least_squares(r["y"], r["x"], r["z"]),
        ),
        "several": Truth(
            "as linear, w = x + e beside; y and z missing by w, 25 % of x",
            _several,
            ("mean y", "x", "z"),
            lambda r: least_squares(r["y"], r["x"], r["z"]),
        ),
        "skewed": Truth(
            "as linear, with exponential errors",
            _skewed,
            ("mean y", "x", "z"),
            lambda r: least_squares(r["y"], r["x"], r["z"]),
        ),
        "uneven": Truth(
            "as linear, with errors of spread exp(x/2); only the mean, since least squares is not valid here",
            _uneven,
            ("mean y",),
            lambda r: tuple(v[:1] for v in least_squares(r["y"])),  # type: ignore[return-value]
        ),
        "product": Truth(
            "y = 1 + x + z/2 + x z + e; y missing by x",
            _product,
            ("mean y", "x", "z", "x z"),
            lambda r: least_squares(r["y"], r["x"], r["z"], r["x"] * r["z"]),
        ),
        "by group": Truth(
            "y = 1 + x + g - 1.5 x g + e, g a label; y missing by x",
            _by_group,
            ("mean y", "x", "g", "x g"),
            lambda r: least_squares(r["y"], r["x"], r["g"], r["x"] * r["g"]),
            ("g",),
        ),
        "step": Truth(
            "y = 1 + 2 (x > 0.5) + z/2 + e; y missing by x",
            _step,
            ("mean y", "step", "z"),
            lambda r: least_squares(r["y"], r["x"] > 0.5, r["z"]),
        ),
        "mixed": Truth(
            "y = 1 + x + z/2 +- 0.8 by a label of three + skewed e; y and label missing by x, z by chance",
            _mixed,
            ("mean y", "x", "z", "g = v", "g = w"),
            lambda r: least_squares(r["y"], r["x"], r["z"], r["g"] == 1, r["g"] == 2),
            ("g",),
        ),
        "label": Truth(
            "a label of three by x and z, missing by x; share of v, x and z by label",
            _label,
            ("share v", "x if v", "z if w"),
            lambda r: tuple(  # type: ignore[return-value]
                np.r_[a[0], b[1], c[2]]
                for a, b, c in zip(
                    least_squares(r["g"] == 1),
                    least_squares(r["x"], r["g"] == 1, r["g"] == 2),
                    least_squares(r["z"], r["g"] == 1, r["g"] == 2),
                    strict=True,
                )
            ),
            ("g",),
        ),
        "xor": Truth("c = a xor b, 5 % turned; labels", _xor(None), ("agree",), None, ("a", "b", "c")),
        "xor 0/1": Truth("the same with numbers 0 and 1", _xor(None), ("agree",), None),
        "xor of signs": Truth("c = (a > 0) xor (b > 0), normal a and b", _xor(0.0), ("agree",), None, ("c",)),
        "xor of steps": Truth("c = (a > 0.6) xor (b > 0.6)", _xor(0.6), ("agree",), None, ("c",)),
    }
)


def ours(rows: Rows, holes: Rows, labels: tuple[str, ...], seed: int) -> tuple[list[Rows], float]:
    """Five completed tables, and CPU seconds."""
    table = pa.table(
        {
            name: pa.array(LABELS[v], pa.string(), mask=holes.get(name))
            if name in labels
            else pa.array(v, mask=holes.get(name))
            for name, v in rows.items()
        }
    )
    kind = {n: "number" if v.dtype == float else "integer" for n, v in rows.items()} | dict.fromkeys(
        labels, "category"
    )
    schema = Schema(tuple(Column(n, k) for n, k in kind.items()))  # type: ignore[arg-type]
    start = time.process_time()
    done = [c.table for c in completions(table, schema, seed=seed, repeat=REPEAT)]
    cpu = time.process_time() - start
    code = {label: i for i, label in enumerate(LABELS)}
    return [
        {n: np.array([code.get(v, v) for v in t.column(n).to_pylist()], dtype=rows[n].dtype) for n in rows}
        for t in done
    ], cpu


def rival(rows: Rows, holes: Rows, labels: tuple[str, ...], seed: int) -> tuple[list[Rows], float]:
    """Five completed tables of IterativeImputer with draws from the posterior, and CPU seconds."""
    from sklearn.experimental import enable_iterative_imputer  # noqa: F401
    from sklearn.impute import IterativeImputer

    parts, places, at = [], {}, 0
    for name, values in rows.items():
        if name in labels:
            part = (values[:, None] == np.arange(values.max() + 1)).astype(float)
            part = part[:, 1:] if part.shape[1] == 2 else part
        else:
            part = values[:, None].astype(float)
        if name in holes:
            part = np.where(holes[name][:, None], np.nan, part)
        parts.append(part)
        places[name], at = slice(at, at + part.shape[1]), at + part.shape[1]
    x, out = np.hstack(parts), []
    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        full = [
            IterativeImputer(sample_posterior=True, random_state=seed * REPEAT + k).fit_transform(x)
            for k in range(REPEAT)
        ]
    cpu = time.process_time() - start
    for found in full:
        done = {}
        for name, place in places.items():
            part = found[:, place]
            if rows[name].dtype == float:
                done[name] = part[:, 0]
            else:
                done[name] = part.argmax(1) if part.shape[1] > 1 else (part[:, 0] > 0.5).astype(int)
        out.append(done)
    return out, cpu


WAYS = MappingProxyType({"locum": ours, "IterativeImputer": rival})


@dataclass(frozen=True)
class Cell:
    """What one way of filling did on one truth at one size: by quantity, and CPU seconds."""

    truth: str
    rows: int
    way: str
    seeds: int
    held: tuple[float, ...]
    bias: tuple[float, ...]
    cpu: float


def measure(name: str, n: int, way: str, seeds: int) -> Cell:
    """Coverage and bias over seeds; of ``xor`` truths the mean and the least share that agrees."""
    truth = TRUTHS[name]
    true = None if truth.analyse is None else truth.analyse(truth.make(BIG, np.random.default_rng(99))[0])[0]
    held, off, cpu = [], [], []
    for seed in range(seeds):
        rows, holes = truth.make(n, np.random.default_rng([seed, n]))
        tables, spent = WAYS[way](rows, holes, truth.labels, seed)
        cpu.append(spent)
        if true is None or truth.analyse is None:
            cut = {"xor of signs": 0.0, "xor of steps": 0.6}.get(name, 0.5)
            right = (rows["a"] > cut) ^ (rows["b"] > cut)
            held.append([np.mean([(t["c"] == right)[holes["c"]].mean() for t in tables])])
            off.append([held[-1][0] - 0.95])
            continue
        estimates, variances = zip(*(truth.analyse(t) for t in tables), strict=True)
        found = combine(estimates, variances, n_real=n, rule="imputed", parameters=len(true))
        held.append((found.low <= true) & (true <= found.high))
        off.append(found.value - true)
    return Cell(name, n, way, seeds, tuple(np.mean(held, 0)), tuple(np.mean(off, 0)), float(np.mean(cpu)))


def page(cells: list[Cell]) -> str:
    """The page: a table of truths and quantities, both ways side by side, and the worst beside the mean."""
    lines = [
        "# Filling gaps: do intervals hold the truth?",
        "",
        f"Written by `python -m benchmarks.imputation{_asked(cells)} --page`.",
        "Cells are missing at random given others.",
        "Each table is completed five times, analysed five times, and combined by Rubin's rules",
        '(`combine(..., rule="imputed")`). *Coverage*: share of seeds whose 95 % interval holds the true',
        "value, in brackets its standard error by the number of seeds. *Bias*: mean error of the estimate.",
        "CPU seconds are for five tables, on average, on a shared machine. The rival is",
        "scikit-learn's `IterativeImputer(sample_posterior=True)`.",
        "",
        "| truth | rows | of | locum: coverage, bias | CPU-s | IterativeImputer: coverage, bias | CPU-s |",
        "|---|---|---|---|---|---|---|",
    ]
    by = {(c.truth, c.rows, c.way): c for c in cells}
    for name, n in dict.fromkeys((c.truth, c.rows) for c in cells):
        pair = [by.get((name, n, way)) for way in WAYS]
        for k, asked in enumerate(TRUTHS[name].asked):
            shown = [_shown(c, k) for c in pair]
            spent = ["" if k or c is None else f"{c.cpu:.2f}" for c in pair]
            head = f"{name} | {n:,}" if not k else " | "
            lines.append(f"| {head} | {asked} | {shown[0]} | {spent[0]} | {shown[1]} | {spent[1]} |")
    lines += ["", "## In short", ""]
    for way in WAYS:
        for n in dict.fromkeys(c.rows for c in cells):
            mine = [c for c in cells if c.way == way and c.rows == n]
            held = [h for c in mine if TRUTHS[c.truth].analyse is not None for h in c.held]
            agree = [c.held[0] for c in mine if TRUTHS[c.truth].analyse is None]
            if held:
                last = f"; xor agrees {np.mean(agree):.3f}, worst {min(agree):.3f}" if agree else ""
                lines.append(
                    f"- {way}, {n:,} rows, {mine[0].seeds} seeds: coverage {np.mean(held):.3f} on average, "
                    f"worst {min(held):.3f}{last}."
                )
    lines += ["", "## The truths", ""] + [f"- **{n}**: {t.sentence}." for n, t in TRUTHS.items()]
    lines += ["", "Of the xor truths the share of filled cells that agree is shown; of all rows .95 do."]
    return "\n".join(lines) + "\n"


def _asked(cells: list[Cell]) -> str:
    """The options that say how many seeds there were."""
    seeds = {c.way: c.seeds for c in cells}
    return f" --seeds {seeds.get('locum', 0)} --rival-seeds {seeds.get('IterativeImputer', 0)}"


def _shown(cell: Cell | None, k: int) -> str:
    if cell is None:
        return "not run"
    if TRUTHS[cell.truth].analyse is None:
        return f"{cell.held[k]:.3f} agree"
    p = cell.held[k]
    return f"{p:.3f} ({np.sqrt(max(p * (1 - p), 0.0475 * 0.05) / cell.seeds):.3f}), {cell.bias[k]:+.3f}"


def main() -> None:
    """Measure, print as it goes, and write the page when asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.imputation")
    parser.add_argument("--seeds", type=int, default=40)
    parser.add_argument("--rival-seeds", type=int, default=40)
    parser.add_argument("--truths", default=",".join(TRUTHS))
    parser.add_argument("--sizes", default="300,2000")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--page", action="store_true")
    options = parser.parse_args()
    seeds = {"locum": options.seeds, "IterativeImputer": options.rival_seeds}
    try:
        import sklearn  # noqa: F401
    except ImportError:
        print("IterativeImputer is left out: scikit-learn is not here (pip install locum[oracle])")
        seeds["IterativeImputer"] = 0
    jobs = [
        (name, n, way, times)
        for name in options.truths.split(",")
        for n in map(int, options.sizes.split(","))
        for way, times in seeds.items()
        if times
    ]
    cells = []
    with ProcessPoolExecutor(options.processes) as pool:
        for cell in pool.map(measure, *zip(*jobs, strict=True)):
            cells.append(cell)
            shown = [_shown(cell, k) for k in range(len(cell.held))]
            print(cell.truth, cell.rows, cell.way, shown, f"{cell.cpu:.3f}", flush=True)
    if options.page:
        PAGE.write_text(page(cells), encoding="utf-8")


if __name__ == "__main__":
    main()
