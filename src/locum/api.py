"""The public functions of locum: six verbs and the names they need. ``import locum`` offers the same.

>>> import locum
>>> synth = locum.fit("visits.csv", seed=7)                       # doctest: +SKIP
>>> fake = locum.sample(synth, 10_000)                            # doctest: +SKIP
>>> print(locum.evaluate("visits.csv", fake))                     # doctest: +SKIP
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from locum.errors import LocumError
from locum.progress import Event, Listener, silent
from locum.schema.table import Schema

if TYPE_CHECKING:
    from locum.control.fair.repair import Repaired
    from locum.evidence.collapsing import Collapsing
    from locum.evidence.comparison import Comparison
    from locum.evidence.mixing import Mixing
    from locum.evidence.tournament import Tournament
    from locum.pipeline.judge import Evaluation
    from locum.pipeline.outcome import Outcome
    from locum.studies.compare.contestant import Contestant, Function
    from locum.studies.tournament.seekers import Seeker
    from locum.synthesizers.synthesizer import Synthesizer

__all__ = [
    "Evaluation",
    "Event",
    "LocumError",
    "Outcome",
    "Schema",
    "Synthesizer",
    "collapse",
    "compare",
    "detect",
    "evaluate",
    "fair",
    "fit",
    "impute",
    "load",
    "mix",
    "run",
    "sample",
    "tournament",
]

#: Classes that are public but heavy; fetched when first asked for.
_LATE = {
    "Evaluation": "locum.pipeline.judge",
    "Outcome": "locum.pipeline.outcome",
    "Synthesizer": "locum.synthesizers.synthesizer",
}


def __getattr__(name: str) -> Any:
    if name in _LATE:
        import importlib

        return getattr(importlib.import_module(_LATE[name]), name)
    raise AttributeError(f"module 'locum.api' has no attribute {name!r}")


def detect(
    data: Any,
    *,
    target: str | None = None,
    protected: Sequence[str] = (),
    delimiter: str | None = None,
    encoding: str | None = None,
) -> Schema:
    """Propose what each column is, with a reason and a confidence.

    Parameters
    ----------
    data
        Path of a CSV, TSV, Parquet, Arrow or JSON Lines file, or a pandas, polars or pyarrow table.
    target
        Column to be predicted from the others, if there is one.
    protected
        Columns that name groups for which fairness matters.
    delimiter, encoding
        Correct a wrong guess about a text file.

    Returns
    -------
    Schema
        One `Column` per column, in order; ``column.reason`` says why. Change it with `dataclasses.replace`.

    Raises
    ------
    UsageError
        When the target or a protected column is not in the table.
    DataError
        When the data cannot be read.

    Notes
    -----
    Cost: about one second for 500,000 cells.
    """
    from locum.data.detect import detect as propose
    from locum.pipeline.tables import need_column, read_table

    raw = read_table(data, delimiter=delimiter, encoding=encoding)
    if target is not None:
        need_column(target, raw.table.column_names, where="target")
    for name in protected:
        need_column(name, raw.table.column_names, where="protected")
    return propose(raw, target=target, protected=tuple(protected))


def fit(
    data: Any,
    *,
    schema: Schema | None = None,
    synthesizer: str | None = None,
    seed: int = 0,
    epsilon: float | str | None = None,
    delta: float | str | None = None,
    unit: str | None = None,
    per_unit: int | None = None,
    public: Any = None,
    ledger: str | os.PathLike[str] | None = None,
    progress: Listener = silent,
    **settings: Any,
) -> Synthesizer:
    """Learn a generator from a table.

    Parameters
    ----------
    data
        Path or table, as for `detect`.
    schema
        What the columns are; None detects it.
    synthesizer
        ``tree`` (the default), ``tree-fast``, or the baselines ``independent`` and ``bootstrap``. With
        `epsilon` a private one; the default is then ``auto``.
    seed
        Same seed and data, same model; 0 or more. Noise for privacy never follows from it.
    epsilon, delta
        Guarantee (epsilon, delta)-differential privacy; `delta` is 1e-6 by default.
    unit, per_unit
        Column that says whose row it is, and how many rows of each are kept (1 by default). Without it each
        row stands for itself.
    public
        A public table with the same columns; path or table.
    ledger
        File in which the spending of all fits on these data is added up and limited; None forgets it.
    progress
        Called with an `Event` now and then.
    **settings
        Settings of the synthesizer; an unknown one is refused by name.

    Returns
    -------
    Synthesizer
        Fitted; see `sample`, ``save``, ``log_prob``. It learned from every row: hold rows back yourself, or
        use `run`, if you want evidence afterwards.

    Raises
    ------
    UsageError
        For an unknown synthesizer or setting, or a seed that cannot be.
    DataError
        When the data cannot be read or contradicts the schema.
    LeakError
        With `epsilon`, when the schema took a bound from the data.
    BudgetError
        With `epsilon`, when the ledger has too little left.
    """
    from locum.pipeline.plan import Request, privacy_request
    from locum.synthesizers.synthesizer import Synthesizer

    place = None if ledger is None else Path(ledger)
    privacy = privacy_request(epsilon, delta, unit, per_unit, public, place)
    if privacy is not None:
        from locum.pipeline.private import fit_in_memory

        request = Request(data=data, schema=schema, synthesizer=synthesizer, seed=seed, privacy=privacy)
        return fit_in_memory(request, settings, progress)
    return Synthesizer(synthesizer or "tree", seed=seed, **settings).fit(
        data, schema=schema, progress=progress
    )


def sample(
    model: Synthesizer | str | os.PathLike[str],
    n: int | None = None,
    *,
    where: str | Sequence[str] | None = None,
    given: Any = None,
    targets: Mapping[Any, Any] | None = None,
    rules: str | Sequence[str] = (),
    temperature: float = 1.0,
    seed: int | None = None,
) -> Any:
    """Draw synthetic rows, on request only such as you ask for.

    Parameters
    ----------
    model
        A fitted synthesizer, or the path of a model file.
    n
        Number of rows, 1 or more; None with `given`, which says how many.
    where
        Condition that every row fulfils, such as ``age >= 80 and diagnosis = 'I10'``.
    given
        Frame or file with some of the columns; what it holds is kept, the rest of each row is drawn.
    targets
        Asked proportions, such as ``{"sex": "balanced", "age >= 65": 0.3}``.
    rules
        What no row breaks, such as ``start <= end``; rules of the schema are always kept.
    temperature
        Below 1 more of what is frequent, above 1 more of what is rare.
    seed
        Same seed, same rows; None takes the next of a series that the model's own seed fixes. With anything
        asked, None means 0.

    Returns
    -------
    table
        Of the type that the model was fitted on, with the same columns and types.

    Raises
    ------
    UsageError
        For a number of rows or a seed that cannot be.
    FileFormatError
        When the model file is broken.
    FeasibilityError
        When no row can be as asked; it names the clashing conditions and the nearest request.
    """
    synth = load(model) if isinstance(model, str | os.PathLike) else model
    asked = where or given is not None or targets or rules or synth.schema.rules or temperature != 1.0
    if not asked and n is not None:
        return synth.sample(n, seed=seed)
    from locum.control.sampling import sample as ask

    outcome = ask(
        synth, n, where=where, given=given, targets=targets, rules=rules, temperature=temperature,
        seed=0 if seed is None else seed,
    )  # fmt: skip
    return outcome.restored(synth.schema, synth.origin)


def impute(
    model: Synthesizer | str | os.PathLike[str],
    data: Any,
    *,
    columns: Sequence[str] | None = None,
    method: str = "draw",
    seed: int = 0,
) -> Any:
    """Fill the missing cells of a table; all other cells stay as they are.

    Parameters
    ----------
    model
        A fitted synthesizer, or the path of a model file; best fitted on the very table.
    data
        Path or table with the columns of the model, or some of them.
    columns
        Columns to fill; None for all.
    method
        ``draw`` for right distributions and dependences, ``best`` for the nearest single values.
    seed
        Same seed, same values.

    Returns
    -------
    table
        Of the type that the model was fitted on.

    Raises
    ------
    UsageError
        For an unknown column or method.
    DataError
        When the data cannot be read.
    """
    synth = load(model) if isinstance(model, str | os.PathLike) else model
    from locum.control.given import impute as fill

    outcome = fill(synth, data, columns=columns, method=method, seed=seed)  # type: ignore[arg-type]
    return outcome.restored(synth.schema, synth.origin)


def fair(
    source: Any,
    *,
    target: str,
    protected: Sequence[str],
    method: str = "parity",
    rows: int | None = None,
    schema: Schema | None = None,
    test: Any = None,
    data: Any = None,
    graph: Sequence[Sequence[str] | str] | None = None,
    notion: str = "dp",
    explain: Sequence[str] = (),
    seed: int = 0,
) -> Repaired:
    """Make rows whose labels depend less on protected columns, and measure what that changed and cost.

    Parameters
    ----------
    source
        A fitted synthesizer, the path of a model file (``*.locum``), or a table as for `detect`.
    target
        Column of 2 to 12 classes.
    protected
        Columns whose combinations are the groups.
    method
        ``parity`` (equal shares of each label), ``odds`` (equal error rates of models, as far as one
        threshold a group allows), ``reweigh`` (rows chosen, no label changed), ``causal`` (labels drawn again
        along a graph with edges cut), ``groups`` (one generator a group, fitted on `data`).
    rows
        Rows to make; None means as many as were learned from.
    schema
        Of a table; None detects it.
    test
        Real rows that the generator has not seen, for testing models; None takes fresh synthetic ones.
    data
        Real rows, for ``groups``.
    graph, notion, explain
        For ``causal``: edges such as ``"sex -> income"`` (None learns them); ``ftu`` cuts the direct edge,
        ``dp`` every path, ``cf`` every path but through the columns of `explain`.
    seed
        Same seed, same rows.

    Returns
    -------
    Repaired
        ``.table`` (canonical), ``.before`` and ``.after`` with both notions of parity, ``.sentence``.

    Raises
    ------
    UsageError
        For columns, classes, groups or a graph that cannot be; a cycle is named.
    DataError
        When a table cannot be read, or ``reweigh`` finds a group without one of the classes.
    """
    from locum.pipeline.fair import fair as work

    return work(
        source, schema=schema, target=target, protected=protected, method=method, rows=rows, test=test,
        data=data, graph=graph, notion=notion, explain=explain, seed=seed,
    )  # fmt: skip


def evaluate(
    real: Any,
    synthetic: Any,
    *,
    holdout: Any = None,
    schema: Schema | None = None,
    target: str | None = None,
    protected: Sequence[str] = (),
    require: Mapping[str, Any] | None = None,
    effort: str = "standard",
    seed: int = 0,
    progress: Listener = silent,
) -> Evaluation:
    """Judge any synthetic table against the real one it stands for, whoever made it.

    Parameters
    ----------
    real
        The rows that the generator learned from: path or table.
    synthetic
        The rows to judge, with the same columns in any order. Surplus columns are left out and named.
    holdout
        Real rows that the generator has never seen. Without them nothing can be said about copying.
    schema
        What the columns are; None detects it from `real`.
    target
        Column to be predicted; None tries several columns.
    protected
        Columns that name groups.
    require
        Limits on results, e.g. ``{"c2st.max": 0.6, "utility.kept.min": 0.9}``; None takes those of a
        ``locum.toml`` beside the data. See ``.passed`` and ``.evidence.requirements`` of what is returned.
    effort
        How much the attacks spend: ``quick``, ``standard`` (about 20 CPU-seconds on 40,000 rows) or
        ``thorough``. What was not tried is said in the result ``attack.worst``.
    seed
        Same seed, same numbers.
    progress
        Called with an `Event` now and then.

    Returns
    -------
    Evaluation
        ``print()`` it for five sentences, ``.save("report.html")`` for the page, ``.evidence`` for numbers.

    Raises
    ------
    UsageError
        When the target or a protected column is not in the real table.
    DataError
        When a table cannot be read, columns are missing, or the target is constant.
    """
    from locum.pipeline.judge import evaluate as judge

    return judge(
        real, synthetic, holdout=holdout, schema=schema, target=target, protected=protected,
        require=require, effort=effort, seed=seed, progress=progress,
    )  # fmt: skip


def collapse(
    data: Any,
    *,
    loops: Sequence[str] = ("replace", "accumulate", "subsample", "fresh", "verified"),
    generations: int = 10,
    rows: int | None = None,
    synthesizer: str = "tree-fast",
    settings: Mapping[str, Any] | None = None,
    protected: Sequence[str] = (),
    seed: int = 0,
    limit_s: float | None = None,
    out: str | os.PathLike[str] | None = None,
    progress: Listener = silent,
) -> Collapsing:
    """Let a generator learn from its own rows, generation after generation, and measure what is lost.

    Parameters
    ----------
    data
        Path or table, as for `detect`.
    loops
        What a generation learns from: ``replace`` the last one only, ``accumulate`` all so far, ``subsample``
        as many of those as there were real rows, ``fresh`` the last one and a fifth of new real rows,
        ``verified`` rows that a judge found most like real ones.
    generations, rows
        How many generations, and rows of each; None means two fifths of the data, at most 5,000.
    synthesizer, settings
        Generator by name, with its settings.
    protected
        Columns whose groups are followed.
    seed
        Same seed, same figures.
    limit_s
        Longest time on the clock; fewer generations are run, with a note, where they do not fit.
    out
        Folder for ``collapse.html`` and ``collapse.json``; None writes nothing.
    progress
        Called with an `Event` now and then.

    Returns
    -------
    Collapsing
        Every loop's errors, tails, diversity and groups by generation, with the laws of theory.

    Raises
    ------
    UsageError
        For an unknown loop or generator, or when not even two generations fit into the time.
    DataError
        When the data cannot be read or has too few rows.
    FolderError
        When the folder holds something else.
    """
    from locum.pipeline.collapse import collapse as work

    return work(
        data, loops=loops, generations=generations, rows=rows, synthesizer=synthesizer, settings=settings,
        protected=protected, seed=seed, limit_s=limit_s, out=out, progress=progress,
    )  # fmt: skip


def compare(
    data: Sequence[Any],
    entrants: Sequence[str | Contestant] | Mapping[str, str | Function],
    *,
    seeds: int | Sequence[int] = 3,
    rows: int | None = None,
    holdout: float = 0.25,
    target: str | None = None,
    protected: Sequence[str] = (),
    limit_s: float = 3600.0,
    effort: str = "quick",
    out: str | os.PathLike[str] | None = None,
    keep: bool = False,
    retry: bool = False,
    progress: Listener = silent,
) -> Comparison:
    """Compare generators, locum's and anybody's, on the same tables by the same tests.

    Parameters
    ----------
    data
        Tables: paths or frames. ``"visits.csv?target=late&protected=sex,race"`` says what holds for one only.
    entrants
        Lines such as ``"tree"``, ``"tree?preset=fast"``, ``"sdv.ctgan@/path/to/python?epochs=25"``,
        ``"mine=python make.py {train} {out} {rows} {seed}"`` or ``"theirs=made/{table}-{seed}.csv"``; or
        a mapping from names to lines or to functions ``make(train, out, rows, seed)``, which read and write
        CSV files. The negative controls ``independent`` and ``bootstrap`` always take part.
    seeds
        How many, from 0 up, or which.
    rows
        Rows to make; None means as many as were learned from.
    holdout
        Share of rows that no generator sees, 0-0.5.
    target, protected
        For every table that does not say its own.
    limit_s
        Longest time for one fit, in seconds on the clock; functions cannot be stopped.
    effort
        How hard the attacks try: ``quick``, ``standard`` or ``thorough``.
    out
        Folder for ``compare.html``, ``compare.json`` and ``compare.parquet``; the same call goes on where it
        was stopped. None writes nothing.
    keep
        Whether made rows are kept, in ``made/``.
    retry
        Whether what failed before is tried again.
    progress
        Called with an `Event` for each attempt.

    Returns
    -------
    Comparison
        ``.cells`` has every attempt, failed ones with their reason; ``.mean``, ``.ranks``, ``.front`` and
        ``.controls`` what follows from them.

    Raises
    ------
    UsageError
        For an entrant that cannot be read, two of one name, or no data.
    FolderError
        When the folder holds something else, or cannot be written.
    DataError
        When a table cannot be read.
    """
    from locum.pipeline.compare import compare as work

    return work(
        data, entrants, seeds=seeds, rows=rows, holdout=holdout, target=target, protected=protected,
        limit_s=limit_s, effort=effort, out=out, keep=keep, retry=retry, progress=progress,
    )  # fmt: skip


def mix(
    data: Any,
    *,
    target: str | None = None,
    synthetic: Any = None,
    synthesizer: str = "tree",
    settings: Mapping[str, Any] | None = None,
    holdout: Any = None,
    protected: Sequence[str] = (),
    seed: int = 0,
    splits: int | None = None,
    out: str | os.PathLike[str] | None = None,
    progress: Listener = silent,
) -> Mixing:
    """Find out whether adding synthetic rows to real ones helps a model, and how many to add.

    Parameters
    ----------
    data
        Real rows: path or table, as for `detect`.
    target
        Column to be predicted; None takes it from a ``locum.toml`` beside the file.
    synthetic
        Ready-made synthetic rows; None makes them anew for every split from its learning rows only.
    synthesizer, settings
        Generator by name, with its settings.
    holdout
        Real rows that the generator of `synthetic` never saw, to test on.
    protected
        Columns whose groups are looked at one by one.
    seed, splits
        Same seed, same figures; how often to split, None for 6 or 12 by size.
    out
        Folder for ``mix.html`` and ``mix.json``; None writes nothing.
    progress
        Called with an `Event` now and then.

    Returns
    -------
    Mixing
        Verdict (``helps``, ``no evidence``, ``harms``) with intervals, every arm, groups, exchange rate.

    Raises
    ------
    UsageError
        When no target is named or it cannot be predicted.
    DataError
        When the data cannot be read, are too few, or share no columns.
    FolderError
        When the folder holds something else.
    """
    from locum.pipeline.mix import mix as work

    return work(
        data, target=target, synthetic=synthetic, synthesizer=synthesizer, settings=settings, holdout=holdout,
        protected=protected, seed=seed, splits=splits, out=out, progress=progress,
    )  # fmt: skip


def run(
    data: Any,
    out: str | os.PathLike[str] | None = None,
    *,
    rows: int | None = None,
    seed: int | None = None,
    schema: Schema | None = None,
    target: str | None = None,
    protected: Sequence[str] = (),
    holdout: float | None = None,
    synthesizer: str | None = None,
    time_budget_s: float | None = None,
    epsilon: float | str | None = None,
    delta: float | str | None = None,
    unit: str | None = None,
    per_unit: int | None = None,
    public: Any = None,
    ledger: str | os.PathLike[str] | None = None,
    config: str | os.PathLike[str] | None = None,
    progress: Listener = silent,
) -> Outcome:
    """Make a synthetic table with its evidence: one table in, a run folder out.

    Hold-out rows are put aside before anything is fitted. A run that was killed is taken up again by the same
    call and gives the same bytes; a finished one is not repeated.

    Parameters
    ----------
    data
        Path or table, as for `detect`. A ``locum.toml`` beside a file is read.
    out
        Run folder; None means ``<name>-locum`` in the working directory.
    rows
        Synthetic rows; None means as many as the data has.
    seed
        Same seed, same bytes; None means 0, or what the config says.
    schema
        What the columns are; None takes it from the config, or detects it.
    target, protected
        Column to be predicted; columns that name groups.
    holdout
        Share of rows held out, 0-0.5; None means 0.2.
    synthesizer
        As for `fit`; None means ``tree``, or ``tree-fast`` where the time budget asks for it.
    time_budget_s
        Longest time on the clock, in seconds.
    epsilon, delta, unit, per_unit, public, ledger
        Guarantee differential privacy, as for `fit`. The ledger is then a file of the run folder unless one
        is named. See also ``locum release``.
    config
        Another ``locum.toml``.
    progress
        Called with an `Event` now and then.

    Returns
    -------
    Outcome
        The folder, its files, the five sentences, and what it cost.

    Raises
    ------
    UsageError
        When an argument cannot be.
    FolderError
        When the folder holds something else, or cannot be written.
    DataError
        When the data cannot be read or contradicts the schema.
    FeasibilityError
        When the job does not fit into memory, disk or time.
    """
    from locum.pipeline.plan import Request, privacy_request
    from locum.pipeline.prepare import prepare
    from locum.pipeline.run import execute

    request = Request(
        data=data, config=None if config is None else Path(config), out=None if out is None else Path(out),
        rows=rows, seed=seed, schema=schema, target=target, protected=tuple(protected), holdout=holdout,
        synthesizer=synthesizer, time_budget_s=time_budget_s, privacy=privacy_request(
            epsilon, delta, unit, per_unit, public, None if ledger is None else Path(ledger)
        ),
    )  # fmt: skip
    if request.privacy is not None:
        from locum.pipeline.private import execute_private, prepare_private

        return execute_private(prepare_private(request, progress), progress)
    return execute(prepare(request, progress), progress)


def tournament(
    data: Any,
    hiders: Sequence[str | Contestant] | Mapping[str, str | Function],
    seekers: Sequence[str] | Mapping[str, str | Seeker] = ("nearest", "neighbours", "queries", "trees"),
    *,
    target: str | None = None,
    window: int | None = None,
    by: str | None = None,
    seeds: int | Sequence[int] = 3,
    gate: float = 0.85,
    limit_s: float = 3600.0,
    out: str | os.PathLike[str] | None = None,
    progress: Listener = silent,
) -> Tournament:
    """Let generators hide the rows they learned from, and attacks find them.

    Parameters
    ----------
    data
        Path or table; with `window`, one row a step in time, in order.
    hiders
        As `entrants` of `compare`. The controls ``bootstrap`` and ``independent`` always hide too.
    seekers
        Built-in names (``nearest``, ``neighbours``, ``queries``, ``trees``, ``linear``) or lines
        ``"NAME=module:function"``; or a mapping from names to such or to functions ``seek(known, rows)`` that
        give one score a row, higher for "learned from". `known` has ``synthetic`` and ``reference`` (pyarrow
        tables), ``columns`` and ``seed``. The control ``guess`` always seeks too.
    target
        Column to be predicted at the utility gate; of windows, by default the last feature's last step.
    window, by
        Steps in a window, and the column that names the series; see `locum.studies.tournament.windows`.
    seeds
        How many, from 0 up, or which.
    gate
        Least share of skill that models trained on a hider's rows must keep, 0-1.
    limit_s
        Longest time for one fit, in seconds on the clock.
    out
        Folder for ``tournament.html`` and ``tournament.json``; None writes nothing.
    progress
        Called with an `Event` for each hider.

    Returns
    -------
    Tournament
        ``.hider_board()``, ``.seeker_board()``, ``.warnings()``, and every ``.bouts``.

    Raises
    ------
    UsageError
        For an entrant or seeker that cannot be read, or a window that cannot be.
    DataError
        When the table cannot be read or is too short.
    FolderError
        When the folder holds something else, or cannot be written.
    """
    from locum.pipeline.tournament import tournament as work

    return work(
        data, hiders, seekers, target=target, window=window, by=by, seeds=seeds, gate=gate, limit_s=limit_s,
        out=out, progress=progress,
    )  # fmt: skip


def load(path: str | os.PathLike[str]) -> Synthesizer:
    """Open a model file made by ``save``, `run` or ``locum fit``; it holds no code.

    Raises
    ------
    FileFormatError
        When the file is missing, broken, hostile, or from a newer version.
    """
    from locum.synthesizers.synthesizer import Synthesizer

    return Synthesizer.load(path)
