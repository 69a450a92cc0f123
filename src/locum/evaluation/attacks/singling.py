"""Singling out: conditions read off the synthetic rows that are true of exactly one real row."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from locum.arrays import Int32Array
from locum.evaluation.attacks.predicates import BATCH, MISSING, Counter, Queries, ValueCodes, join
from locum.evaluation.attacks.risk import Successes, risk_result
from locum.evaluation.attacks.verdict import AttackFinding
from locum.evaluation.trial import Trial
from locum.randomness import stream

#: Conditions tried, candidates looked at for each, and columns of a condition on several.
ATTACKS, ATTEMPTS, COLUMNS = 2_000, 100, 3
#: Given up when so many batches of candidates have brought fewer new conditions than that.
PATIENCE = 20
#: Deals of the rows to two sides; with more rows than `CROWD` a condition isolates nobody on either.
DEALS, CROWD = 2_000, 64


def singling_out(
    trial: Trial, *, conditions: int = ATTACKS, attempts: int = ATTEMPTS, columns: int = COLUMNS
) -> list[AttackFinding]:
    """``attack.singling.one`` and ``attack.singling.several``: isolating a row by one column, by several.

    On one column: a value that one synthetic row has, is missing in one synthetic row only, or lies at or
    beyond an end of the synthetic values. On several: random columns of a random synthetic row, labels equal,
    numbers at least (above the synthetic median) or at most the row's; kept when exactly one synthetic row
    fits. Success: exactly one real row fits. Train is thinned to as many rows as are held out, since chance
    depends on how many rows there are; the same conditions are tried on both. Guessing: values of columns
    drawn separately. Nothing without a hold-out. Cost: about 1 s with the defaults on 40,000 rows.

    Source: Giomi et al. (PETS 2023), own vectorised code; conditions are intervals of whole numbers.
    """
    if not trial.columns or not trial.independent_test:
        return []
    k = min(trial.train.num_rows, trial.test.num_rows)
    if k < 2:
        return []
    synthetic = trial.rows("synthetic")
    book = ValueCodes.learn(trial.columns, synthetic)
    rng = stream(trial.seed, "attacks", "singling")
    known = book.codes(synthetic)
    tables = [book.codes(trial.sample(p, k, "singling")) for p in ("train", "test")]
    sides = [Counter(codes, rng) for codes in tables]
    exchange = stream(trial.seed, "attacks", "singling", "exchange")
    both = Counter(np.concatenate(tables, axis=1), exchange)
    found = []
    for name, queries in (
        ("one", _single(book, known, conditions, rng)),
        ("several", _several(book, known, conditions, attempts, columns, rng)),
    ):
        if not len(queries):
            continue
        guesses = _guesses(book, known, queries, rng)
        main, control = (side.counts(queries) == 1 for side in sides)
        counts = Successes(
            main=int(main.sum()),
            control=int(control.sum()),
            naive=int((sides[0].counts(guesses) == 1).sum()),
            n=len(queries),
            n_control=len(queries),
            exchanged=_exchange_p(both, k, queries, int(main.sum()) - int(control.sum()), exchange),
        )
        detail = {"rows_a_side": k, "columns": queries.columns.shape[1]}
        does = f"isolates one real row by a condition on {_words(queries.columns.shape[1])}"
        found.append(risk_result(f"attack.singling.{name}", does, counts, detail))
    return found


def _exchange_p(both: Counter, k: int, queries: Queries, gap: int, rng: np.random.Generator) -> float:
    """p-value of the gap in successes: how often rows dealt anew to the two sides show one as large.

    `both` holds the k rows of either side. One outlying row may fulfil many conditions, or spoil them by
    being the second that does, so conditions do not succeed independently of each other; rows are
    exchangeable if nothing was learned from them. Exact up to the number of deals.
    """
    which, row = both.pairs(queries, CROWD)
    total = np.bincount(which, minlength=len(queries))
    as_large = 1
    for _ in range(DEALS):
        dealt = rng.permutation(2 * k) < k
        hits = np.bincount(which[dealt[row]], minlength=len(queries))
        as_large += int((hits == 1).sum()) - int((total - hits == 1).sum()) >= gap
    return as_large / (1 + DEALS)


def _words(k: int) -> str:
    return "one column" if k == 1 else f"{k} columns"


def _intervals(
    book: ValueCodes, code: Int32Array, columns: npt.NDArray[np.intp], above: npt.NDArray[np.bool_]
) -> tuple[Int32Array, Int32Array]:
    """At least `code` where `above`, else at most, in ordered columns; equal to it in the others."""
    ordered = np.array([c.ordered for c in book.columns])[columns] & (code != MISSING)
    low = np.where(ordered & ~above, 0, code).astype(np.int32)
    high = np.where(ordered & above, np.iinfo(np.int32).max, code).astype(np.int32)
    return low, high


def _single(book: ValueCodes, known: Int32Array, wanted: int, rng: np.random.Generator) -> Queries:
    columns, low, high = [], [], []
    for j, column in enumerate(book.columns):
        distinct, counts = np.unique(known[j], return_counts=True)
        once = distinct[counts == 1]
        a, b = [once], [once]
        present = distinct[distinct != MISSING]
        if column.ordered and len(present):
            if counts[distinct == present[0]] == 1:
                a.append(np.zeros(1, np.int32))
                b.append(present[:1])
            if counts[distinct == present[-1]] == 1:
                a.append(present[-1:])
                b.append(np.full(1, np.iinfo(np.int32).max, np.int32))
        low.append(np.concatenate(a))
        high.append(np.concatenate(b))
        columns.append(np.full(len(low[-1]), j))
    every = Queries(*(np.concatenate(part)[:, None] for part in (columns, low, high)))
    return every.take(rng.permutation(len(every))[:wanted])


def _several(
    book: ValueCodes, known: Int32Array, wanted: int, attempts: int, columns: int, rng: np.random.Generator
) -> Queries:
    d, n = known.shape
    columns = min(columns, d)
    none = Queries(np.zeros((0, columns), np.intp), *(np.zeros((0, columns), np.int32) for _ in range(2)))
    if columns < 2:
        return none
    counter = Counter(known, rng)
    # Of codes the median is the code of the median.
    medians = np.array([np.median(k[k != MISSING]) if (k != MISSING).any() else 0 for k in known])
    found, sizes = none, [0]
    for _ in range(max(1, attempts * wanted // BATCH)):
        chosen = np.argsort(rng.random((BATCH, d)), axis=1)[:, :columns]
        code = known[chosen, rng.integers(n, size=BATCH)[:, None]]
        low, high = _intervals(book, code, chosen, code > medians[chosen])
        found = join([found, counter.isolating(Queries(chosen, low, high))])
        sizes.append(len(found))
        if len(found) >= wanted or sizes[-1] - sizes[-PATIENCE:][0] < PATIENCE <= len(sizes):
            break
    return found.take(np.arange(min(wanted, len(found))))


def _guesses(book: ValueCodes, known: Int32Array, like: Queries, rng: np.random.Generator) -> Queries:
    code = known[like.columns, rng.integers(known.shape[1], size=like.columns.shape)]
    low, high = _intervals(book, code, like.columns, rng.random(like.columns.shape) < 0.5)
    return Queries(like.columns, low, high)
