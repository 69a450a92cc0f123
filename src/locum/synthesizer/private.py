"""From private rows to a generator that may leave: bounded units, a private domain, noisy counts, a model.

Private rows are held by this module and the sources it makes, and by nothing behind them. What it gives back
follows from noisy counts, the schema and public data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from locum.data.origin import Raw
from locum.data.plain_origin import plain_origin
from locum.errors import BudgetError, UsageError
from locum.models import registry
from locum.models.base import CountModel, Model
from locum.models.choice import Choice, choose, refuse_large
from locum.models.fitted import Fitted
from locum.models.independent import IndependentModel
from locum.privacy.ledger import Ledger
from locum.privacy.sealed import seal_errors
from locum.progress import Event, Listener, silent
from locum.randomness import check_seed, child_seed
from locum.schema.domain import Coded
from locum.schema.table import Schema
from locum.sources.base import Source
from locum.sources.domain import DISCOVERY, PrivateDomain, private_domain, with_unit
from locum.sources.private import Measurement, PrivateSource
from locum.sources.purposes import CROWDED
from locum.sources.recording import RecordingSource
from locum.sources.rows import MemoryRows, Rows
from locum.sources.size import buy_count, buy_size
from locum.synthesizer.table import Synthesizer


@dataclass(frozen=True, slots=True, eq=False)
class PrivateFit:
    """What a private fit gives; all of it may be published, unless the ledger is in test mode.

    Attributes
    ----------
    synthesizer
        An ordinary synthesizer; its number of rows is noisy.
    domain
        The private domain: schema, encoder, origins, share of the budget for discovery, assumptions.
    rows
        Noisy number of rows.
    measurements
        The noisy counts that the model was fitted to.
    choice
        Which generator, and why.
    stopped
        Why the model could not spend what it wanted, empty when it could.
    crowded
        Noisy number of units that have more rows than are kept; None where a row is the unit.
    """

    synthesizer: Synthesizer
    domain: PrivateDomain
    rows: Measurement
    measurements: tuple[Measurement, ...]
    choice: Choice
    stopped: str = ""
    crowded: Measurement | None = None

    @property
    def n_rows(self) -> int:
        """Noisy number of rows, at least 1."""
        return max(1, int(self.rows.counts[0]))


def fit_private(
    raw: Raw | Rows,
    ledger: Ledger,
    *,
    schema: Schema | None = None,
    public: Raw | None = None,
    target: str | None = None,
    synthesizer: str = "auto",
    seed: int = 0,
    discovery: float = DISCOVERY,
    settings: Mapping[str, Any] | None = None,
    impossible: Sequence[Mapping[str, Sequence[Any]]] = (),
    bounded: bool = False,
    progress: Listener = silent,
) -> PrivateFit:
    """Fit a generator to private rows under the guarantee of a ledger.

    Parameters
    ----------
    raw
        The private rows, as read or wherever they lie. With a unit that names a column, rows without an id
        are left out, and of each unit at most ``unit.rows`` are kept, chosen at random.
    ledger
        Who pays, and for which unit; `Ledger.test` gives seeded noise and is NOT PRIVATE.
    schema
        Kinds, bounds and levels that are public knowledge; what it leaves open is taken from `public` or
        bought, the kinds of columns that it does not have included. None buys all.
    public
        A public table with the same columns.
    target
        Column to be predicted.
    synthesizer
        A generator that can be fitted to a private source, or ``auto``.
    seed
        Of everything that is not noise: drawing rows, ties in the model.
    discovery
        Part of the budget (in rho) for finding kinds, levels and ranges, if any must be found.
    settings
        Settings of the generator.
    impossible
        Combinations of values known in advance to be impossible, which get probability 0; see
        `locum.models.structural_zeros`. Only for generators that take ``zeros``.
    bounded
        Whether no unit has more rows than it may already; the unit's column is then not among the columns.
    progress
        Hears about the steps.

    Raises
    ------
    LeakError
        When the schema took a bound from the data.
    BudgetError
        When nothing can be measured with what is left. A budget that ends in the middle of the model's work
        is no error: what was paid for is used, and `PrivateFit.stopped` says so.
    FeasibilityError
        When the domain is too large.
    UsageError
        For a delta that is not below one over the number of rows, an unknown generator or column.
    DataError
        When the private rows cannot be worked on; never with a value of theirs.

    Notes
    -----
    Cost: some passes over the rows for counting, and the model's own time.
    """
    seed = check_seed(seed)
    held: Rows = MemoryRows.of_raw(raw) if isinstance(raw, Raw) else raw
    _check_names(held, None if bounded else ledger.unit.column, target)
    if synthesizer != "auto":
        private_class(synthesizer)
    progress(Event("discover", 0, 3, "number of rows"))
    with seal_errors("bounding the rows of each unit"):
        kept_rows = held if bounded else held.bounded(ledger.unit)
    rows = buy_size(kept_rows.n_rows, ledger)
    crowded = None
    if ledger.unit.column is not None and not bounded:
        with seal_errors("counting the rows of each unit"):
            more = held.crowded(ledger.unit)
        crowded = buy_count(more, ledger, CROWDED)

    def guard(source: Source) -> PrivateSource:
        return PrivateSource(source, ledger)

    domain, typed = private_domain(
        kept_rows,
        ledger,
        guard,
        schema=schema if bounded else with_unit(schema, ledger.unit.column, held.name),
        public=public,
        target=target,
        share=discovery,
        progress=progress,
    )
    codes = domain.encoder.domain
    refuse_large(codes)
    with seal_errors("coding the values"):
        coded = typed.coded(codes, lambda table: domain.encoder.encode(table).codes)
    del kept_rows, typed
    epsilon = (ledger.limit or ledger.budget).epsilon(ledger.accounting)
    choice = choose(codes, public=public is not None, epsilon=epsilon)
    if synthesizer != "auto":
        choice = Choice(synthesizer, "Asked for by name.")
    kept: list[Measurement] = []
    source = RecordingSource(coded, ledger, rows, kept)
    chosen = {**(settings or {}), **_zeros(choice.name, impossible, domain)}
    context = _Context(domain, public, target, chosen, child_seed(seed, "model"), progress)
    model, name, stopped = _model(choice.name, source, context, kept)
    fitted = Fitted(name, domain.encoder, model, max(1, int(rows.counts[0])))
    made = Synthesizer.of(fitted, seed=seed, origin=plain_origin(held.backend, domain.schema))
    return PrivateFit(made, domain, rows, tuple(kept), choice, stopped, crowded)


@dataclass(frozen=True, slots=True, eq=False)
class _Context:
    """What a model may know besides noisy counts."""

    domain: PrivateDomain
    public: Raw | None
    target: str | None
    settings: dict[str, Any]
    seed: int
    progress: Listener


def _check_names(rows: Rows, unit: str | None, target: str | None) -> None:
    """Refuse columns that are not there; names of columns are public."""
    names = rows.names
    for name, where in ((unit, "unit"), (target, "target")):
        if name is not None and name not in names:
            raise UsageError(
                f"there is no column {name!r}", where=where, expected=f"one of {', '.join(names[:12])}"
            )
    if target is not None and target == unit:
        raise UsageError("the unit's column cannot be the target", where="target")


def is_private(name: str) -> bool:
    """Whether a generator can be fitted to a private source; UsageError for an unknown one."""
    return isinstance(registry.create(name), CountModel)


def private_class(name: str) -> type[Model]:
    """The class behind a name, if it can be fitted to a private source.

    Raises
    ------
    UsageError
        For generators that look at rows.
    """
    if not is_private(name):
        able = [n for n in registry.names() if is_private(n)]
        raise UsageError(
            f"{name} looks at single rows, so it can give no guarantee of privacy",
            where="synthesizer",
            expected=f"one of auto, {', '.join(able)}",
        )
    return registry.get(name)


def _model(
    name: str, source: RecordingSource, context: _Context, kept: list[Measurement]
) -> tuple[Model, str, str]:
    """Fit the model; what it could pay for is used when the budget ends in the middle."""
    target = {"target": context.target} if context.target and _can_set(name, "target") else {}
    model = registry.create(name, **{**target, **context.settings})
    assert isinstance(model, CountModel)
    extra = {"public": _public(context)} if model.needs_public else {}
    try:
        fitted = model.fit_source(source, seed=context.seed, progress=context.progress, **extra)
    except BudgetError as error:
        if not {m.clique[0] for m in kept if len(m.clique) == 1}.issuperset(source.domain.names):
            raise
        stopped = f"The budget ended before the model was complete ({error.what}); single columns only."
        return IndependentModel.of_measurements(source.domain, kept), "independent", stopped
    return fitted, name, ""


def _zeros(
    name: str, impossible: Sequence[Mapping[str, Sequence[Any]]], domain: PrivateDomain
) -> dict[str, Any]:
    """What is impossible, as the setting of a generator that can honour it."""
    if not impossible:
        return {}
    if not _can_set(name, "zeros"):
        raise UsageError(
            f"{name} cannot honour impossible combinations",
            where="impossible",
            do="choose aim, mst or swift, or leave them out",
        )
    from locum.models.structural_zeros import impossible_codes

    return {"zeros": impossible_codes(impossible, domain.encoder)}


def _can_set(name: str, setting: str) -> bool:
    return setting in private_class(name).settings_type.constraints()


def _public(context: _Context) -> Coded:
    """The public table in codes."""
    if context.public is None:
        raise UsageError(
            "this synthesizer needs a public table", where="synthesizer", do="give one, or choose another"
        )
    from locum.data.canonical import canonical

    table = canonical(context.public, context.domain.schema, lenient=True)
    return context.domain.encoder.encode(table)
