"""Replay: with the mechanisms' answers frozen, no data set leaves any other trace than any other.

The first run records what the mechanisms answered. Further runs on other data get the same answers, whatever
their rows say; then every question, its order and size, every ledger entry, progress event, log line,
warning, error and the finished model must be the same to the byte. What differs could only come from a look
at rows that was not paid for.
"""

from __future__ import annotations

import hashlib
import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from locum.data.read import read
from locum.errors import LocumError
from locum.models import registry
from locum.privacy.budget import Budget
from locum.privacy.ledger import Ledger
from locum.privacy.unit import Unit
from locum.schema.domain import Attribute, Coded, Domain
from locum.sources import levels, private
from locum.sources.memory import MemorySource
from locum.sources.private import PrivateSource
from locum.synthesizer.private import fit_private

SIZES = (4, 3, 5, 2, 1)
DOMAIN = Domain(
    tuple(
        Attribute(f"c{i}", f"c{i}", size, i == 2, size - 1 if i in (1, 2) else None)
        for i, size in enumerate(SIZES)
    )
)
PRIVATE = [n for n in registry.names() if hasattr(registry.get(n), "fit_source")]


@dataclass
class Tape:
    """Answers of the mechanisms, and the trace of a run."""

    answers: list[Any] = field(default_factory=list)
    trace: list[Any] = field(default_factory=list)
    place: int = 0
    recording: bool = True

    def turn(self, question: tuple[Any, ...], answer: Callable[[], Any]) -> Any:
        """Note the question; answer truly (the data are touched in any case) or as on the tape."""
        self.trace.append(question)
        true = answer()
        if self.recording:
            self.answers.append(true)
            return true
        assert self.place < len(self.answers), "more questions than in the recorded run"
        self.place += 1
        return self.answers[self.place - 1]

    def rewound(self) -> Tape:
        return Tape(self.answers, recording=False)


def digest(array: Any) -> str:
    array = np.ascontiguousarray(array)
    return f"{array.dtype} {array.shape} {hashlib.sha256(array.tobytes()).hexdigest()[:16]}"


@contextmanager
def frozen(tape: Tape) -> Iterator[None]:
    """All mechanisms write to the tape, or read from it."""
    counts, choice, keys = private.gaussian_counts, private.exponential, levels.release_keys
    check, votes = PrivateSource._check, PrivateSource.votes

    def gaussian(exact: Any, sigma: float, noise: Any, **options: Any) -> Any:
        return tape.turn(
            ("counts", exact.shape, str(exact.dtype), sigma, tuple(options.items())),
            lambda: counts(exact, sigma, noise, **options),
        )

    def exponential(scores: Any, epsilon: float, reach: Any, noise: Any) -> int:
        return tape.turn(
            ("choice", len(scores), epsilon, reach), lambda: choice(scores, epsilon, reach, noise)
        )

    def release(found: Any, ledger: Any, **options: Any) -> Any:
        return tape.turn(("keys", tuple(sorted(options.items()))), lambda: keys(found, ledger, **options))

    def checked(self: PrivateSource, candidates: Any) -> None:
        for c in candidates:
            tape.trace.append(("candidate", c.clique, digest(c.estimate), c.weight, c.offset))
        check(self, candidates)

    def voted(self: PrivateSource, proposed: Any, sigma: float, *, purpose: str) -> Any:
        tape.trace.append(("proposed", digest(proposed)))
        return votes(self, proposed, sigma, purpose=purpose)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(private, "gaussian_counts", gaussian)
        patch.setattr(private, "exponential", exponential)
        patch.setattr(levels, "release_keys", release)
        patch.setattr(PrivateSource, "_check", checked)
        patch.setattr(PrivateSource, "votes", voted)
        yield


class _Lines(logging.Handler):
    def __init__(self, into: list[Any]) -> None:
        super().__init__(level=0)
        self.into = into

    def emit(self, record: logging.LogRecord) -> None:
        self.into.append(("log", record.name, record.levelno, record.getMessage()))


def observed(tape: Tape, work: Callable[[Callable[[Any], None]], list[Any]]) -> list[Any]:
    """Everything that somebody who sees all but the rows could see of a run."""
    lines = _Lines(tape.trace)
    logging.getLogger().addHandler(lines)
    level = logging.getLogger().level
    logging.getLogger().setLevel(0)
    try:
        with frozen(tape), warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                tape.trace.extend(work(lambda event: tape.trace.append(("progress", repr(event)))))
            except LocumError as error:
                tape.trace.append(("error", type(error).__name__, str(error)))
        tape.trace.extend(("warning", w.category.__name__, str(w.message)) for w in caught)
    finally:
        logging.getLogger().removeHandler(lines)
        logging.getLogger().setLevel(level)
    return tape.trace


def rows(n: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    first = rng.integers(0, 4, n)
    columns = [first, np.minimum(first, 1), np.minimum(first * 2, 4), first % 2, np.zeros(n, dtype=int)]
    return np.asfortranarray(np.array(columns, dtype=np.int32).T)


BASE = rows(900, 1)
#: Neighbours of the base (one row more, less, exchanged), and data that have nothing to do with it: stronger.
OTHERS = {
    "one row more, null and last codes": np.vstack([BASE, [[3, 2, 4, 1, 0]]]),
    "one row more, codes out of the domain": np.vstack([BASE, [[-7, 10**6, -1, 2**31 - 1, 5]]]),
    "one row less": BASE[1:],
    "one row exchanged": np.vstack([[[0, 2, 4, 0, 0]], BASE[1:]]),
    "one row repeated": np.repeat(BASE[:1], 5_000, axis=0),
    "other rows": rows(3_000, 2),
    "no rows": BASE[:0],
}


def run(name: str, codes: np.ndarray, tape: Tape, accounting: str, adjacency: str) -> list[Any]:
    made_by: Any = registry.get(name)
    unit = Unit(adjacency=adjacency)
    ledger = Ledger.test(Budget.approx(2.0, 1e-6), unit, seed=3, accounting=accounting)
    data = Coded(DOMAIN, np.asfortranarray(codes.astype(np.int32)))
    source = PrivateSource(MemorySource(data), ledger, total=900 if adjacency == "replace" else None)
    extra = {"public": Coded(DOMAIN, rows(300, 9))} if made_by.needs_public else {}

    def work(progress: Callable[[Any], None]) -> list[Any]:
        model = registry.create(name).fit_source(source, seed=5, progress=progress, **extra)  # type: ignore[attr-defined]
        state = model.state()
        found: list[Any] = [("settings", repr(dict(state.settings)))]
        found += [("tensor", key, digest(value)) for key, value in state.tensors.items()]
        found.append(("rows", digest(model.sample(50, seed=1))))
        return found

    trace = observed(tape, work)
    return [*trace, *(("entry", repr(e)) for e in ledger.entries)]


@pytest.mark.parametrize("accounting", ["gdp", "zcdp"])
@pytest.mark.parametrize("adjacency", ["add-remove", "replace"])
@pytest.mark.parametrize("name", PRIVATE)
def test_no_data_set_leaves_another_trace(name: str, accounting: str, adjacency: str) -> None:
    tape = Tape()
    trace = run(name, BASE, tape, accounting, adjacency)
    assert any(step[0] == "counts" for step in trace) and not any(step[0] == "error" for step in trace)
    # Whether a generator peeks does not depend on the accounting; all data sets are tried under one.
    usual = (accounting, adjacency) == ("gdp", "add-remove")
    for what in OTHERS if usual else ("one row exchanged", "other rows"):
        other = OTHERS[what]
        again = run(name, other, tape.rewound(), accounting, adjacency)
        differ = [(a, b) for a, b in zip(trace, again, strict=False) if a != b]
        assert len(trace) == len(again) and not differ, f"{what}: {differ[:1]}"


def test_every_private_generator_is_replayed() -> None:
    assert {"mwem", "privbayes", "pmw-pub", "jam", "tab-pe", "aim", "mst", "swift"} <= set(PRIVATE)


class Leaky:
    """Fits one table, and once peeks at the rows: negative controls of the test above."""

    def __init__(self, how: str) -> None:
        self.how = how

    def fit_source(self, source: Any, *, seed: int, progress: Any) -> Any:
        codes = source._source._rows.codes
        sigma = 40.0
        if self.how == "choice without noise":
            tables = [source._source.marginal((a.name,)) for a in DOMAIN]
            best = int(np.argmax([t.max() for t in tables]))
            source.measure([(DOMAIN.names[best],)], sigma, purpose="the best")
        elif self.how == "bounds from the data":
            top = int(codes[:, 2].max(initial=0))
            source.measure([("c2",)], sigma + top, purpose="as wide as the data")
        elif self.how == "size from the data":
            source.measure([("c0",)] * (1 + len(codes) % 2), sigma, purpose="tables")
        elif self.how == "a telling log line":
            source.measure([("c0",)], sigma, purpose="tables")
            logging.getLogger("leaky").info("fitted %d rows", len(codes))
        elif self.how == "a telling warning":
            source.measure([("c0",)], sigma, purpose="tables")
            if codes.min(initial=0) < 0:
                warnings.warn("codes below zero", stacklevel=1)
        elif self.how == "a telling error":
            source.measure([("c0",)], sigma, purpose="tables")
            if codes.min(initial=0) < 0:
                raise LocumError("codes below zero")
        return self


@pytest.mark.parametrize(
    "how",
    [
        "choice without noise",
        "bounds from the data",
        "size from the data",
        "a telling log line",
        "a telling warning",
        "a telling error",
    ],
)
def test_a_generator_that_peeks_is_caught(how: str) -> None:
    def trace_of(codes: np.ndarray, tape: Tape) -> list[Any]:
        ledger = Ledger.test(Budget.approx(2.0, 1e-6), seed=3)
        data = Coded(DOMAIN, np.asfortranarray(codes.astype(np.int32)))
        source = PrivateSource(MemorySource(data), ledger)

        def work(progress: Any) -> list[Any]:
            Leaky(how).fit_source(source, seed=1, progress=progress)
            return []

        try:
            return [*observed(tape, work), *(repr(e) for e in ledger.entries)]
        except AssertionError as error:
            return [str(error)]

    tape = Tape()
    base = rows(900, 1)
    base[:, 2] = np.minimum(base[:, 2], 3)
    trace = trace_of(base, tape)
    assert any(trace_of(other, tape.rewound()) != trace for other in OTHERS.values())


def people(n: int, seed: int) -> pa.Table:
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 70, n)
    return pa.table(
        {
            "age": age,
            "town": np.where(age > 40, "Ulm", rng.choice(["Bonn", "Kiel"], n)).tolist(),
            "income": np.round(rng.lognormal(9, 1, n), 2),
        }
    )


def with_one(person: dict[str, Any], of: pa.Table) -> pa.Table:
    return pa.concat_tables(
        [of, pa.table({k: pa.array([v], of.schema.field(k).type) for k, v in person.items()})]
    )


@pytest.mark.parametrize("name", ["independent", "aim"])
def test_a_private_fit_leaves_the_same_trace(name: str) -> None:
    """Kinds, levels, ranges and the model, all bought: with answers frozen the neighbours cannot be told."""
    base = people(1_500, 1)
    strange = with_one({"age": None, "town": "a town of one", "income": 1e300}, base)
    nan = with_one({"age": -(10**12), "town": None, "income": float("nan")}, base)

    def run_on(table: pa.Table, tape: Tape) -> list[Any]:
        ledger = Ledger.test(Budget.approx(4.0, 1e-6), seed=4, reserve=0.1)

        def work(progress: Any) -> list[Any]:
            fit = fit_private(read(table), ledger, synthesizer=name, seed=2, progress=progress)
            state = fit.synthesizer.fitted.model.state()
            found: list[Any] = [
                ("domain", repr(fit.domain.encoder.domain)),
                ("schema", repr(fit.domain.schema)),
            ]
            found += [("tensor", key, digest(value)) for key, value in state.tensors.items()]
            return [*found, ("rows", fit.n_rows, repr(fit.synthesizer.draw(20, seed=1).table.to_pylist()))]

        return [*observed(tape, work), *(("entry", repr(e)) for e in ledger.entries)]

    tape = Tape()
    trace = run_on(base, tape)
    assert not [step for step in trace if step[0] == "error"]
    for other in (strange, nan, base.slice(1), people(900, 2)):
        again = run_on(other, tape.rewound())
        differ = [(a, b) for a, b in zip(trace, again, strict=False) if a != b]
        assert len(trace) == len(again) and not differ, differ[:1]
