"""The real and made-up tables that generators are measured on, by name; deterministic.

Real ones are looked for in ``$LOCUM_TEST_DATA/tabular`` or in ``../shared/data/tabular`` beside the project.
None of them was used to choose locum's settings except `adult` and `shoppers`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd

from benchmarks.known_truth import LAWS
from benchmarks.values import Table

ROOT = Path(__file__).resolve().parent.parent
_SPLIT_SEED = 7
_TRAIN_SHARE = 0.75
#: Most rows that a small cut of a table is tested on.
_SMALL_HOLDOUT = 6_000


class NoTable(Exception):
    """The table's file is not on this machine, or the name is unknown."""


def load(name: str, rows: int | None = None) -> Table:
    """A table by name.

    Parameters
    ----------
    name
        One of `NAMES` or `GROWTH`.
    rows
        Cut to so many training rows and a third as many hold-out rows, for a quick look.

    Raises
    ------
    NoTable
        When there is none of that name, or its file is absent.
    """
    if not known(name):
        raise NoTable(f"no table {name!r}; there are {', '.join(names())}, and cuts such as adult250")
    maker = {**NAMES, **GROWTH}.get(name)
    table = maker() if maker else small(name)
    if rows is None:
        return table
    return Table(
        table.name,
        table.train.head(rows),
        table.holdout.head(max(rows // 3, 1)),
        table.categorical,
        table.target,
    )


def names() -> list[str]:
    """Every table that `load` knows; it knows all small cuts of `NAMES` besides those listed here."""
    return [*NAMES, *SMALL, *GROWTH]


def known(name: str) -> bool:
    """Whether `load` has a table of that name."""
    return name in NAMES or name in GROWTH or cut_of(name) is not None


def cut_of(name: str) -> tuple[str, int] | None:
    """The table and the number of rows that the name of a small cut stands for: adult250."""
    found = re.fullmatch(rf"({'|'.join(NAMES)})([1-9]\d*)", name)
    return (found[1], int(found[2])) if found else None


def size(name: str) -> tuple[int, int]:
    """Rows to learn from and columns."""
    if name in SIZES:
        return SIZES[name]
    base, rows = cut_of(name) or ("", 0)
    return rows, SIZES[base][1]


# ---------------------------------------------------------------- files


def folder() -> Path:
    """Where the real tables lie; raises NoTable when nowhere."""
    given = os.environ.get("LOCUM_TEST_DATA")
    places = [Path(given)] if given else []
    places.append(ROOT.parent / "shared" / "data")
    for place in places:
        if (place / "tabular").is_dir():
            return place / "tabular"
    raise NoTable("needs ../shared/data or $LOCUM_TEST_DATA")


def file(name: str) -> pd.DataFrame:
    """One CSV of the data folder; raises NoTable when absent."""
    path = folder() / name
    if not path.is_file():
        raise NoTable(f"needs the file tabular/{name} in the test data")
    return pd.read_csv(path)


def described(
    name: str, train: pd.DataFrame, holdout: pd.DataFrame, target: str, *, label_target: bool = True
) -> Table:
    """Columns that are no numbers are labels, and so is the target unless said otherwise."""
    numeric = {c for c in train if pd.api.types.is_numeric_dtype(train[c]) and train[c].dtype != bool}
    if label_target:
        numeric -= {target}
    return Table(name, train, holdout, tuple(c for c in train if c not in numeric), target)


def split(name: str, frame: pd.DataFrame, target: str, *, label_target: bool = True) -> Table:
    """Three quarters to learn from, one quarter held out, by a fixed shuffle."""
    mixed = frame.sample(frac=1, random_state=_SPLIT_SEED).reset_index(drop=True)
    cut = int(_TRAIN_SHARE * len(mixed))
    holdout = mixed[cut:].reset_index(drop=True)
    return described(name, mixed[:cut].reset_index(drop=True), holdout, target, label_target=label_target)


def adult() -> Table:
    """36,631 + 12,211 rows, 15 columns: census income, the split that comes with the files."""
    return described("adult", file("adult_train.csv"), file("adult_holdout.csv"), "income")


def shoppers() -> Table:
    """12,330 rows, 18 columns: online shopping sessions."""
    return split("shoppers", file("shoppers.csv"), "Revenue")


def compas() -> Table:
    """6,172 rows, 13 columns: few distinct values, many real duplicates."""
    return split("compas", file("compas.csv"), "two_year_recid")


def german() -> Table:
    """1,000 rows, 22 columns: a small table, where copying is the easy way out."""
    return split("german", file("german_credit.csv"), "class-label")


def magic() -> Table:
    """14,265 + 4,755 rows, 10 continuous numbers and a class: showers seen by a telescope."""
    return described("magic", file("magic_train.csv"), file("magic_hold.csv"), "class")


def beijing() -> Table:
    """32,868 + 10,956 rows, 12 columns: hourly air quality, a target that is a number with gaps.

    Without the column ``No``, which only counts the hours.
    """
    train, holdout = (file(f"beijing_{part}.csv").drop(columns="No") for part in ("train", "hold"))
    return described("beijing", train, holdout, "pm2.5", label_target=False)


# ---------------------------------------------------------------- few rows


def small(name: str, cut: int = 0) -> Table:
    """Few rows of a table to learn from, and others of it to test on.

    Parameters
    ----------
    name
        Of a table or law, and the rows to learn from, as in `SMALL`.
    cut
        Another number takes other rows, of a known law new ones.
    """
    base, rows = cut_of(name) or ("", 0)
    if base in LAWS:
        return drawn(base, rows, _SMALL_HOLDOUT, name=name, cut=cut)
    whole = NAMES[base]()
    frame = pd.concat([whole.train, whole.holdout], ignore_index=True)
    if rows >= len(frame):
        raise NoTable(f"{base} has {len(frame):,} rows, so that none are left to test on beside {rows:,}")
    order = np.random.default_rng([_SPLIT_SEED, rows, cut]).permutation(len(frame))
    train, holdout = (
        frame.iloc[part].reset_index(drop=True)
        for part in (order[:rows], order[rows : rows + _SMALL_HOLDOUT])
    )
    return Table(name, train, holdout, whole.categorical, whole.target)


# ---------------------------------------------------------------- made up


def drawn(law: str, rows: int, holdout: int, *, name: str = "", cut: int = 0) -> Table:
    """Rows of a law of `known_truth`, and as many as wanted to test on."""
    draw, target = LAWS[law]
    frame = draw(rows + holdout, np.random.default_rng([_SPLIT_SEED, rows, cut]))
    test = frame[rows:].reset_index(drop=True)
    return described(name or law, frame[:rows], test, target, label_target=law != "lin")


def numeric() -> Table:
    """20,000 + 6,667 rows, 12 numbers, none Gaussian, bound by curves and products; target a number."""
    rng = np.random.default_rng([_SPLIT_SEED, 12])
    n = 26_667
    z = rng.normal(size=(4, n))
    wealth = np.round(np.exp(0.6 * z[0] + 3), 2)
    visits = rng.poisson(np.exp(0.5 * z[1] + 0.5))
    swing = np.sin(2 * z[1]) + 0.1 * rng.normal(size=n)
    two_humps = np.where(z[2] > 0.3, 4.0, 1.0) + 0.4 * z[3] + 0.2 * rng.normal(size=n)
    spend = np.where(z[2] + z[3] > 0.8, np.round((z[2] + z[3]) ** 2 * 100), 0.0)
    heavy = rng.standard_t(3, size=n) * np.exp(0.4 * z[0])
    frame = pd.DataFrame(
        {
            "wealth": wealth,
            "bowl": np.round(z[0] ** 2 + 0.3 * rng.normal(size=n), 4),
            "waiting": np.round(rng.gamma(2.0, np.exp(0.3 * z[2])), 3),
            "swing": np.round(swing, 4),
            "product": np.round(z[0] * z[1] + 0.2 * rng.normal(size=n), 4),
            "two_humps": np.round(two_humps, 3),
            "visits": visits,
            "spend": spend,
            "percent": np.round(100 / (1 + np.exp(-2 * z[3])), 1),
            "heavy": np.round(heavy, 3),
            "ratio": np.round(wealth / (1 + visits) * np.exp(0.05 * rng.normal(size=n)), 3),
        }
    )
    yield_ = 3 * swing + np.log(wealth) * (z[3] > 0) + 0.004 * spend - 0.3 * visits + 0.5 * rng.normal(size=n)
    frame["yield"] = np.round(yield_, 3)
    return split("numeric", frame, "yield", label_target=False)


def mixed50() -> Table:
    """15,000 + 5,000 rows, 50 columns: 24 numbers, 26 labels, gaps that depend on other columns."""
    return mixed("mixed50", rows=20_000, numbers=24, labels=25, causes=6, seed=50)


def mixed(name: str, *, rows: int, numbers: int, labels: int, causes: int, seed: int) -> Table:
    """A table of any width whose columns hang together through a few hidden causes.

    Numbers are curves of one or two causes (skewed, counted, spiked, humped); labels are noisy cuts or noisy
    softmax draws of them, from 2 to about 40 levels with rare ones; every eighth column has gaps that
    become more frequent with another cause. The target is a label that hangs on several columns.
    """
    rng = np.random.default_rng([_SPLIT_SEED, seed])
    z = rng.normal(size=(causes, rows))
    columns: dict[str, object] = {}
    for j in range(numbers):
        a, b = z[j % causes], z[(3 * j + 1) % causes]
        gaps = rng.random(rows) < 0.25 / (1 + np.exp(-2 * b)) if j % 8 == 3 else np.zeros(rows, bool)
        columns[f"n{j:03d}"] = with_gaps(number(j, a, b, rng), gaps)
    for j in range(labels):
        a, b = z[(2 * j + 1) % causes], z[(5 * j + 2) % causes]
        gaps = rng.random(rows) < 0.2 / (1 + np.exp(-2 * a)) if j % 8 == 5 else np.zeros(rows, bool)
        values = label(j, a, b, rng)
        columns[f"c{j:03d}"] = pd.Series(np.where(gaps, None, values), dtype=object)
    odds = 1.5 * z[0] * z[1] + z[2 % causes] - 0.8 * (z[3 % causes] > 1) - 1
    columns["target"] = np.where(rng.random(rows) < 1 / (1 + np.exp(-2 * odds)), "yes", "no")
    return split(name, pd.DataFrame(columns), "target")


def number(j: int, a: np.ndarray, b: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One of six shapes of number, by turns."""
    noise = rng.normal(size=len(a))
    shapes: list[Callable[[], np.ndarray]] = [
        lambda: np.round(np.exp(0.7 * a + 0.2 * noise + 2), 2),
        lambda: rng.poisson(np.exp(0.6 * a + 0.4 * b + 0.8)),
        lambda: np.round(a * b + 0.4 * noise, 3),
        lambda: np.round(np.where(b > 0, 50, 20) + 5 * a + 2 * noise).astype(np.int64),
        lambda: np.where(a + 0.5 * noise > 0.7, np.round(np.exp(b + 4)), 0.0),
        lambda: np.round(a**2 - b + 0.5 * noise, 2),
    ]
    return shapes[j % len(shapes)]()


def with_gaps(values: np.ndarray, gaps: np.ndarray) -> pd.Series:
    """Whole numbers stay whole beside missing ones."""
    if values.dtype.kind == "i":
        return pd.Series(values).astype("Int64" if gaps.any() else np.int64).mask(gaps)
    return pd.Series(values).mask(gaps)


def label(j: int, a: np.ndarray, b: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Labels in a known order (a noisy cut) or in none (a noisy softmax), by turns."""
    count = (2, 3, 4, 5, 7, 9, 12, 20, 40)[j % 9]
    if j % 2:
        edges = np.quantile(a, np.linspace(0, 1, count + 1)[1:-1] ** 1.6)
        place = np.searchsorted(edges, a + 0.4 * rng.normal(size=len(a)))
    else:
        weights = rng.normal(size=(3, count, 1))
        score = weights[0] * a + weights[1] * b + weights[2] - 1.2 * np.log1p(np.arange(count))[:, None]
        place = np.argmax(score + rng.gumbel(size=(count, len(a))), axis=0)
    return np.array([f"v{k:02d}" for k in range(count)], dtype=object)[place]


# ---------------------------------------------------------------- growth


def grown(name: str, rows: int) -> Table:
    """Adult rows drawn again with noise on the numbers, plus 20,000 held out; 15 columns.

    Rows that were spikes stay spikes (zero gains, 40 hours); others move by a few percent, so that the
    number of distinct rows grows with the table.
    """
    base = adult()
    rng = np.random.default_rng([_SPLIT_SEED, rows])
    real = pd.concat([base.train, base.holdout], ignore_index=True)
    frame = real.iloc[rng.integers(len(real), size=rows + 20_000)].reset_index(drop=True)
    for column, spread in (("fnlwgt", 0.05), ("capital-gain", 0.02), ("capital-loss", 0.02), ("age", 0.03)):
        moved = frame[column] * np.exp(spread * rng.normal(size=len(frame)))
        frame[column] = np.round(moved).astype(np.int64)
    return described(name, frame[:rows], frame[rows:].reset_index(drop=True), base.target)


def wide200() -> Table:
    """50,000 + 16,667 rows, 200 columns: 120 numbers, 80 labels."""
    return mixed("wide200", rows=66_667, numbers=120, labels=79, causes=12, seed=200)


NAMES: Mapping[str, Callable[[], Table]] = MappingProxyType(
    {
        "adult": adult,
        "shoppers": shoppers,
        "compas": compas,
        "german": german,
        "numeric": numeric,
        "mixed50": mixed50,
        "magic": magic,
        "beijing": beijing,
        "sums": lambda: drawn("sums", 10_000, 5_000),
        "lin": lambda: drawn("lin", 10_000, 5_000),
        "rare": lambda: drawn("rare", 15_000, 10_000),
        "wide300": lambda: drawn("wide300", 10_000, 5_000),
    }
)
#: Small cuts that are measured: the name of a table and the rows to learn from.
SMALL = (
    "german100", "german600", "shoppers500", "shoppers1000", "adult500", "adult1000", "compas500",
    "compas1000", "magic500", "magic1000", "beijing500", "beijing1000", "lin200", "lin1000", "lin4000",
    "shoppers4000", "rare1500", "rare3000",
)  # fmt: skip
GROWTH: Mapping[str, Callable[[], Table]] = MappingProxyType(
    {
        "rows10k": lambda: grown("rows10k", 10_000),
        "rows100k": lambda: grown("rows100k", 100_000),
        "rows1m": lambda: grown("rows1m", 1_000_000),
        "wide200": wide200,
    }
)
#: What `make bench` measures when nothing else is said.
DEFAULT = ("adult", "shoppers", "numeric", "mixed50")
#: Rows and columns that a generator learns from, for predicting how long a run takes.
SIZES: Mapping[str, tuple[int, int]] = MappingProxyType(
    {
        "adult": (36_631, 15), "shoppers": (9_247, 18), "compas": (4_629, 13), "german": (750, 22),
        "numeric": (20_000, 12), "mixed50": (15_000, 50), "rows10k": (10_000, 15), "rows100k": (100_000, 15),
        "rows1m": (1_000_000, 15), "wide200": (50_000, 200), "magic": (14_265, 11), "beijing": (32_868, 12),
        "sums": (10_000, 8), "lin": (10_000, 13), "rare": (15_000, 10), "wide300": (10_000, 300),
    }
)  # fmt: skip
