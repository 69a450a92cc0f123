"""What a private run would cost and what its budget would buy, from public facts alone.

Public are the options, the schema, a public table, the names of the columns and the size of the file. Of a
CSV file whose columns nobody declared the first rows are held against its header; no other row is read, and
nothing is spent. The number of rows is private, and only guessed from the size of the file.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from locum.errors import UsageError
from locum.privacy.unit import Unit
from locum.progress import Event, Listener, silent
from locum.runs.access import default_synthesizer
from locum.runs.budget import RESERVE, accounting_of, budget_of_request, refuse_spent_ledger
from locum.runs.config import locate_data
from locum.runs.content import discovery_price, guess_rows
from locum.runs.cost import JobSize, predict
from locum.runs.machine import Machine
from locum.runs.options import DEFAULT_HOLDOUT, PRIVATE_SYNTHESIZER
from locum.runs.prepare import check_request, first
from locum.runs.private_form import PrivateForm, private_form, with_declared_unit
from locum.runs.private_rows import EngineChoice, choose_engine
from locum.runs.request import RunRequest
from locum.runs.tables import read_table
from locum.schema.domain import Attribute, Domain

if TYPE_CHECKING:
    from locum.data.origin import Raw
    from locum.schema.table import Schema

#: CPU seconds of fitting: fixed, for each pair of modelled attributes, and for counting a million rows once.
#: Measured on Adult (15 columns) and on 15 mixed columns (``python -m benchmarks.engines``).
FIT_S: Mapping[str, tuple[float, float]] = {
    "aim": (1.0, 0.08),
    "swift": (0.5, 0.03),
    "mst": (0.5, 0.01),
    "jam": (1.0, 0.08),
    "independent": (0.2, 0.0),
}
PASS_S = {"memory": 3.0, "duckdb": 9.0}
#: Codes that a column gets whose levels or range are to be bought, about.
_BOUGHT = 40
#: What would save budget for a column of which everything is declared.
WIDE = "nothing more: only where in its range values are dense is bought"
#: Noise is told where tables of so many attributes are counted.
_WORDS = ("one table for all that is left", "every single column", "every pair of columns")


@dataclass(frozen=True, slots=True)
class ColumnForecast:
    """Where the codes of a column would come from.

    Attributes
    ----------
    name, kind
        Of the column; ``?`` where the kind itself would be bought.
    origin
        ``declared``, ``public``, ``made afresh`` or ``bought``.
    codes
        How many codes, None where that is bought.
    declare
        What would save budget if it were declared; empty when nothing.
    """

    name: str
    kind: str
    origin: str
    codes: int | None
    declare: str = ""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What `locum check --epsilon` says.

    Attributes
    ----------
    name, budget, unit, synthesizer, why
        What would be run, and why that generator.
    columns
        Where the codes of each column would come from.
    discovery
        Share of the budget for finding out what columns hold; 0 when everything is declared or public.
    noise
        Standard deviation of each count in rows, for what the rest might be spent on.
    rows
        A guess at the number of rows, from the size of the file.
    most_rows
        Up to so many rows the delta is small enough.
    engine, cpu_s, memory_bytes
        Where the rows would lie, and the predicted cost.
    notes
        Sentences for the user.
    stops
        Whether a run would stop before it spends anything, for want of declared content.
    """

    name: str
    budget: str
    unit: str
    synthesizer: str
    why: str
    columns: tuple[ColumnForecast, ...]
    discovery: float
    noise: tuple[tuple[str, int, float], ...]
    rows: int
    most_rows: int
    engine: str
    cpu_s: float
    memory_bytes: int
    free_bytes: int
    notes: tuple[str, ...]
    stops: bool = False

    def to_json(self) -> dict[str, Any]:
        """JSON-ready dictionary."""
        return {
            "name": self.name,
            "budget": self.budget,
            "unit": self.unit,
            "synthesizer": self.synthesizer,
            "why": self.why,
            "discovery_share": self.discovery,
            "rows_guessed": self.rows,
            "most_rows_for_delta": self.most_rows,
            "engine": self.engine,
            "cpu_s": round(self.cpu_s, 1),
            "memory_bytes": self.memory_bytes,
            "free_bytes": self.free_bytes,
            "notes": list(self.notes),
            "stops": self.stops,
            "noise": [{"tables": w, "n": n, "sigma": round(s, 2)} for w, n, s in self.noise],
            "columns": [
                {"name": c.name, "kind": c.kind, "origin": c.origin, "codes": c.codes, "declare": c.declare}
                for c in self.columns
            ],
        }


def forecast(request: RunRequest, progress: Listener = silent) -> Forecast:
    """Predict a private run; nothing is spent, written or learnt about the rows.

    Raises
    ------
    UsageError
        When an option cannot be, or names a column that is not there.
    BudgetError
        When a named ledger has too little left.
    LeakError
        When the schema took a bound from the data.
    FeasibilityError
        When the domain or the rows are too large, naming the columns to make coarser.
    DataError
        When the file or the public table does not fit.
    """
    asked = request.privacy
    assert asked is not None
    check_request(request)
    progress(Event("read", 0, 1))
    config, data, reading = locate_data(request)
    request = with_declared_unit(request, config)
    asked = request.privacy
    assert asked is not None
    budget, unit = budget_of_request(asked), Unit(asked.unit, asked.per_unit)
    if not isinstance(data, str | Path):
        raise UsageError(
            "no file was named", where="DATA", do="give a file: locum check DATA.csv --epsilon 1"
        )
    path = Path(data)
    chosen = choose_engine(path, asked.engine)
    public = None if asked.public is None else read_table(asked.public)
    form = private_form(request, config, path, reading, public)
    name, names = form.table.name, form.table.names
    columns, domain, exact = _columns(names, form.schema, public, request, form)
    model = config.model.name if config else None
    generator = request.synthesizer or default_synthesizer(model, private=True)
    generator, why = _generator(generator, domain, public is not None, float(budget.amount))
    refuse_spent_ledger(asked, budget)
    n = guess_rows(path, len(names))
    accounting = accounting_of(generator, {})
    discovery, noise = _bought(columns, domain, budget.rho(accounting, RESERVE), unit.l2)
    cpu, memory, free = _cost(path, chosen, n, len(names), domain, generator, request)
    progress(Event("read", 1, 1))
    notes = [text for text in (chosen.why, form.unit_said, *form.notes) if text]
    if form.gaps:
        price = discovery_price(form.gaps, budget, unit, accounting, n, besides=form.besides)
        notes.append(str(price))
        if not asked.discover:
            notes.append(
                "A run stops before it spends anything, unless they are declared or --discover is given."
            )
    if not exact:
        notes.append(
            "Codes of columns that are to be bought are guessed; the domain is checked again when they are."
        )
    return Forecast(
        name,
        str(budget),
        str(unit),
        generator,
        why,
        columns,
        discovery,
        noise,
        n,
        math.ceil(1 / budget.delta) - 1,
        chosen.engine,
        cpu,
        memory,
        free,
        tuple(notes),
        bool(form.gaps) and not asked.discover,
    )


def _columns(
    names: Sequence[str], schema: Schema, public: Raw | None, request: RunRequest, form: PrivateForm
) -> tuple[tuple[ColumnForecast, ...], Domain, bool]:
    """Where codes would come from, the domain as far as it is known, and whether it is known wholly."""
    from locum.codes.public_codebooks import declared_book, is_declared
    from locum.sources.discover import weight
    from locum.sources.domain import known_schema, public_codebooks, with_unit

    asked = request.privacy
    whose = with_unit(schema, asked.unit if asked else None, form.table.name)
    known = known_schema(names, whose, public, request.target, form.table.name)
    books: Mapping[str, Any] = {} if public is None else public_codebooks(public, known, request.target)[1]
    found = {column.name: column for column in known}
    lacks = {gap.column: gap.lacks for gap in form.gaps}
    out, attributes, exact = [], [], True
    for name in names:
        column, book = found.get(name), books.get(name)
        if book is None and column is not None and is_declared(column):
            book = declared_book(column)
        # a wide range is declared, and which of its parts are dense is bought still
        open_cells = column is not None and name not in books and weight(column) > 0
        kind = column.kind if column else "?"
        if book is not None and not open_cells:
            own = book.attributes
            origin = "public" if name in books else "declared"
            origin = "made afresh" if column is not None and column.regenerated else origin
            out.append(ColumnForecast(name, kind, origin, math.prod(a.size for a in own)))
        else:
            own, exact = (Attribute(name, name, _BOUGHT, False),), False
            wish = lacks.get(name, WIDE)
            out.append(ColumnForecast(name, kind, "bought", None, wish))
        attributes += own
    return tuple(out), Domain(tuple(attributes)), exact


def _generator(name: str, domain: Domain, public: bool, epsilon: float) -> tuple[str, str]:
    """The generator, after a look whether the domain is small enough for it."""
    from locum.models.choice import choose, refuse_large

    refuse_large(domain)
    if name != PRIVATE_SYNTHESIZER:
        return name, "Asked for by name."
    choice = choose(domain, public=public, epsilon=epsilon)
    return choice.name, choice.why


def _bought(
    columns: tuple[ColumnForecast, ...], domain: Domain, rho: float, sensitivity: float
) -> tuple[float, tuple[tuple[str, int, float], ...]]:
    """Share of the budget for discovery, and the noise that the rest buys for some sets of tables."""
    from locum.privacy.calibration import sigma_for
    from locum.sources.domain import DISCOVERY
    from locum.sources.size import TOTAL_SHARE

    share = DISCOVERY if any(c.origin == "bought" for c in columns) else 0.0
    left = rho * (1 - TOTAL_SHARE) * (1 - share)
    d = max(1, sum(a.size > 1 for a in domain))
    tables = (1, d, max(1, d * (d - 1) // 2))
    noise = tuple(
        (words, n, sigma_for(left, sensitivity, n)) for words, n in zip(_WORDS, tables, strict=True)
    )
    return share, noise


def _cost(
    path: Path,
    chosen: EngineChoice,
    n: int,
    n_columns: int,
    domain: Domain,
    generator: str,
    request: RunRequest,
) -> tuple[float, int, int]:
    """CPU seconds, bytes of memory, and bytes that are free."""
    machine = Machine.here()
    sizes = tuple(a.size for a in domain)
    made = request.rows or n
    work = JobSize(
        n,
        path.stat().st_size,
        sizes,
        made,
        first(request.holdout, DEFAULT_HOLDOUT),
        "independent",
        None,
        request.target is not None,
    )
    base, pair = FIT_S.get(generator, FIT_S["aim"])
    modelled = sum(s > 1 for s in sizes)
    fit = base + pair * modelled * (modelled - 1) / 2 + PASS_S[chosen.engine] * n * n_columns / 15e6
    expected = predict(work, machine)
    memory = chosen.memory_bytes if chosen.engine == "memory" else int(6e8 + 2 * n)
    return expected.total_cpu_s + fit / machine.speed, memory, machine.memory_bytes
